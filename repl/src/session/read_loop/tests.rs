use cowry_shell_core::Show;

use super::{Evaluated, Evaluator, Manner, ReadLoop};
use crate::failure::{Failure, Outcome};
use crate::output::{Captured, Output};
use crate::session::dot::Dot;
use crate::session::editor::{Editor, PipeEditor, Reading, ScriptedEditor};

/// Evaluates by rote: `fail` fails, `write` makes one path pending.
#[derive(Default)]
struct Rote {
    pending: usize,
    did: Vec<String>,
}

impl Evaluator for Rote {
    fn evaluate(&mut self, code: &str, manner: Manner, out: &mut Output) -> Outcome<Evaluated> {
        let how = match manner {
            Manner { show: Some(show), .. } => format!("{show:?} "),
            Manner { timed: true, .. } => "timed ".into(),
            _ => String::new(),
        };
        self.did.push(format!("{how}{code}"));
        match code {
            "fail" => return Ok(Evaluated { status: 1, leaves: false }),
            "exit 0" => return Ok(Evaluated { status: 0, leaves: true }),
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

    fn obey(&mut self, dot: &Dot, out: &mut Output) -> Outcome<()> {
        match dot {
            Dot::Discard => self.pending = 0,
            Dot::Undo => return Err(Failure::new("nothing to undo")),
            _ => out.text("obeyed")?,
        }
        Ok(())
    }

    fn text_of(&mut self, path: &str) -> Outcome<String> {
        Ok(path.to_owned())
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
    let status = ReadLoop::new(editor, &mut rote, &mut output).run().expect("the session ends");
    Played { status, did: rote.did, out: out.text(), err: err.text() }
}

fn piped(input: &str) -> Played {
    play(&mut PipeEditor::of(input.as_bytes()))
}

fn typed(entries: &[&str], answers: &[Reading]) -> (Played, Vec<String>) {
    let readings = entries.iter().map(|entry| match *entry {
        "^C" => Reading::Interrupted,
        "^D" => Reading::End,
        "\u{fffd}" => Reading::Garbled,
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
fn lines_after_the_exit_of_a_pipe_are_told_of() {
    let played = piped("write\nexit 0\n1\n\n2\n");
    assert_eq!(
        (played.status, played.did),
        (0, vec!["write".into(), "exit 0".into(), "commit None".to_owned()])
    );
    assert_eq!(played.err, "2 lines after the exit were not run\n");
    let played = piped("write\nexit 3\n1\n");
    assert_eq!((played.status, played.did), (3, vec!["write".into(), "exit 3".to_owned()]));
    assert!(played.err.starts_with("1 line after the exit was not run\n"), "{}", played.err);
    assert!(played.err.contains("1 path not committed"), "{}", played.err);
    assert_eq!(piped("write\n.exit\nfail\n").err, "1 line after the exit was not run\n");
    assert_eq!(piped("write\nexit 0\n").err, "");
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
fn what_is_no_text_does_not_end_the_session() {
    let answers = [vec![Reading::Garbled], answer("c")].concat();
    let (played, asked) = typed(&["write", "\u{fffd}", "1", "^D"], &answers);
    let told = "not UTF-8: what was typed or pasted is thrown away\n".repeat(2);
    assert_eq!((played.status, played.err), (0, told));
    assert_eq!((played.did, asked.len()), (vec!["write".into(), "1".into(), "commit None".to_owned()], 2));
}

#[test]
fn nothing_but_what_is_no_text_ends_as_ctrl_d_does() {
    let entries = [vec!["write"], vec!["\u{fffd}"; 100]].concat();
    let (played, asked) = typed(&entries, &answer("c"));
    assert_eq!((played.did, asked.len()), (vec!["write".into(), "commit None".to_owned()], 1));
    let (played, asked) = typed(&entries, &vec![Reading::Garbled; 100]);
    assert_eq!((played.did, asked.len()), (vec!["write".to_owned()], 100));
    assert!(played.err.ends_with("\n1 path discarded\n"), "{}", played.err);
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

#[test]
fn process_exit_asks_at_a_prompt_and_tells_through_a_pipe() {
    let (played, asked) = typed(&["write", "exit 3"], &answer("d"));
    assert_eq!((played.status, played.did.len(), asked.len()), (3, 2, 1));
    let played = piped("write\nexit 3\n");
    assert_eq!(played.err, "an entry failed: 1 path not committed (.commit commits at once)\n");
    assert_eq!(played.did, ["write", "exit 3"]);
}

#[test]
fn a_value_is_shown_as_it_is_asked_for() {
    let played = piped(".table rows\n.hex\n.time f()\n");
    let shown = [Show::Table, Show::Bytes].map(|show| format!("{show:?}"));
    assert_eq!(played.did, [format!("{} rows", shown[0]), format!("{} _", shown[1]), "timed f()".to_owned()]);
}

#[test]
fn time_is_told_of_every_entry_until_it_is_not() {
    let played = piped(".time\n1\n.time\n2\n");
    assert_eq!(played.did, ["timed 1", "2"]);
    assert_eq!(
        played.err,
        "what an entry takes is told from now on\nwhat an entry takes is told no longer\n"
    );
}

#[test]
fn help_lists_the_commands_and_tells_of_one() {
    let played = piped(".help\n.help cat\n.cat --help\n.help nothing\n");
    assert!(played.out.starts_with(".commit "), "{}", played.out);
    assert_eq!(played.out.matches("Usage: .cat").count(), 2, "{}", played.out);
    assert_eq!(played.err, "cowry: there is no such topic: .help lists the commands\n");
    assert_eq!(played.status, crate::status::COWRY);
}

#[test]
fn a_command_that_fails_does_not_end_the_session() {
    let played = piped(".undo\n1\n");
    assert_eq!((played.err.as_str(), played.out.as_str()), ("cowry: nothing to undo\n", "1\n"));
}

#[test]
fn entries_are_saved_and_loaded() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a.ts");
    let name = file.display();
    let played = piped(&format!("one\nf(\n2)\n.diff\n.save {name}\n.save {name}\n"));
    assert_eq!(std::fs::read_to_string(&file).expect("saved"), "one\nf(\n2)\n");
    assert_eq!(
        played.err,
        format!("saved 2 entries in {name}\ncowry: {name} is there already: --force replaces it\n")
    );
    assert_eq!(piped(&format!(".load {name}\nlast\n")).did, ["one", "f(\n2)", "last"]);
}

#[test]
fn loading_ends_at_the_first_entry_that_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a.ts");
    std::fs::write(&file, "one\nfail\ntwo\n").expect("written");
    let played = piped(&format!(".load {}\nthree\n", file.display()));
    assert_eq!((played.status, played.did), (1, vec!["one".into(), "fail".into(), "three".to_owned()]));
}

#[test]
fn a_file_that_loads_itself_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a.ts");
    std::fs::write(&file, format!(".load {}\n", file.display())).expect("written");
    let played = piped(&format!(".load {}\n", file.display()));
    assert_eq!(played.err, format!("cowry: {} is loaded within itself\n", file.display()));
}

#[test]
fn editing_needs_a_terminal() {
    assert_eq!(piped(".edit\n").err, "cowry: .edit needs a terminal: write the entry itself\n");
}
