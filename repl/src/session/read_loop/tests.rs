use super::{Evaluated, Evaluator, ReadLoop};
use crate::failure::{Failure, Outcome};
use crate::output::{Captured, Output};
use crate::session::editor::{Editor, PipeEditor, Reading, ScriptedEditor};

/// Evaluates by rote: `fail` fails, `write` makes one path pending.
#[derive(Default)]
struct Rote {
    pending: usize,
    did: Vec<String>,
}

impl Evaluator for Rote {
    fn evaluate(&mut self, code: &str, out: &mut Output) -> Outcome<Evaluated> {
        self.did.push(code.to_owned());
        match code {
            "fail" => return Ok(Evaluated { status: 1, leaves: false }),
            "exit 3" => return Ok(Evaluated { status: 3, leaves: true }),
            "write" => self.pending += 1,
            _ => out.text(code)?,
        }
        Ok(Evaluated { status: 0, leaves: false })
    }

    fn commit(&mut self, message: Option<&str>, _out: &mut Output) -> Outcome<()> {
        if message == Some("conflict") {
            return Err(Failure::with_status(crate::status::CONFLICT, "conflict"));
        }
        self.did.push(format!("commit {message:?}"));
        self.pending = 0;
        Ok(())
    }

    fn discard(&mut self, _out: &mut Output) -> Outcome<()> {
        self.pending = 0;
        Ok(())
    }

    fn refresh(&mut self, _out: &mut Output) -> Outcome<()> {
        Ok(())
    }

    fn diff(&mut self, out: &mut Output) -> Outcome<()> {
        Ok(out.text("the diff")?)
    }

    fn pending(&mut self) -> Outcome<usize> {
        Ok(self.pending)
    }

    fn can_commit(&self) -> bool {
        true
    }
}

struct Played {
    status: u8,
    did: Vec<String>,
    out: String,
    err: String,
}

fn play(editor: &mut dyn Editor) -> Played {
    let (out, err) = (Captured::default(), Captured::default());
    let mut rote = Rote::default();
    let mut output = Output::captured(&out, &err);
    let mut session = ReadLoop { editor, evaluator: &mut rote, out: &mut output, failed: 0, exited: 0 };
    let status = session.run().expect("the session ends");
    Played { status, did: rote.did, out: out.text(), err: err.text() }
}

fn piped(input: &str) -> Played {
    play(&mut PipeEditor::new(input.as_bytes()))
}

fn typed(entries: &[&str], answers: &[Reading]) -> (Played, Vec<String>) {
    let readings = entries.iter().map(|entry| match *entry {
        "^C" => Reading::Interrupted,
        "^D" => Reading::End,
        entry => Reading::Entry(entry.into()),
    });
    let mut editor =
        ScriptedEditor { readings: readings.collect(), answers: answers.to_vec().into(), asked: Vec::new() };
    (play(&mut editor), editor.asked)
}

fn answer(text: &str) -> Vec<Reading> {
    vec![Reading::Entry(text.into())]
}

#[test]
fn piped_input_commits_at_its_end() {
    let played = piped("write\n");
    assert_eq!((played.status, played.did), (0, vec!["write".into(), "commit None".to_owned()]));
}

#[test]
fn piped_input_commits_nothing_if_an_entry_failed() {
    let played = piped("write\nfail\n1\n");
    assert_eq!((played.status, played.did), (1, vec!["write".into(), "fail".into(), "1".to_owned()]));
    assert!(played.err.contains("1 path not committed"), "{}", played.err);
}

#[test]
fn piped_input_is_never_asked() {
    assert_eq!(piped("write\n.exit\nfail\n").did, ["write", "commit None"]);
}

#[test]
fn nothing_to_commit_is_no_commit() {
    assert_eq!(piped("1\n").did, ["1"]);
}

#[test]
fn a_dot_command_may_carry_a_message() {
    assert_eq!(piped("write\n.commit two words\n").did, ["write", "commit Some(\"two words\")"]);
}

#[test]
fn a_conflict_is_told_and_is_the_status() {
    let played = piped("write\n.commit conflict\n.discard\n");
    assert_eq!(played.status, crate::status::CONFLICT);
    assert_eq!(played.err, "cowry: conflict\n");
}

#[test]
fn what_is_no_command_says_what_there_is() {
    let played = piped(".nonsense\n$ ls\n");
    assert_eq!(played.status, crate::status::COWRY);
    assert_eq!(
        played.err,
        "cowry: no command .nonsense: .help lists them\n\
         cowry: bash comes with a later release; write JavaScript\n"
    );
}

#[test]
fn ctrl_d_asks_when_something_is_not_committed() {
    let (played, asked) = typed(&["write", "^D"], &answer("c"));
    assert_eq!(asked, ["1 path not committed: [c]ommit, [d]iscard or [s]tay? "]);
    assert_eq!(played.did, ["write", "commit None"]);
}

#[test]
fn staying_goes_on() {
    let answers = [answer("s"), answer("d")].concat();
    let (played, asked) = typed(&["write", "^D", "1", "^D"], &answers);
    assert_eq!((played.did, asked.len()), (vec!["write".into(), "1".to_owned()], 2));
}

#[test]
fn ctrl_d_twice_leaves_and_says_what_is_lost() {
    let (played, _) = typed(&["write", "^D"], &[]);
    assert_eq!(played.err, "1 path discarded\n");
}

#[test]
fn ctrl_c_at_the_prompt_does_not_leave() {
    let (played, _) = typed(&["^C", "1", "^D"], &[]);
    assert_eq!((played.out.as_str(), played.err.as_str()), ("1\n", "press Ctrl-D or type .exit to leave\n"));
}

#[test]
fn a_failed_entry_does_not_fail_the_session_at_a_prompt() {
    assert_eq!(typed(&["fail", "^D"], &[]).0.status, 0);
}

#[test]
fn process_exit_leaves_with_its_status() {
    assert_eq!(piped("1\nexit 3\n2\n").status, 3);
    assert_eq!(piped("1\nexit 3\n2\n").out, "1\n");
    assert_eq!(typed(&["exit 3", "1"], &[]).0.status, 3);
}
