//! Where entries come from: a terminal, a pipe, or a script in a test.

use std::io::BufRead;

use super::incomplete::is_incomplete;

/// What a reading brought.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reading {
    /// A whole entry, which may span lines.
    Entry(String),
    /// Ctrl-C: what was typed is thrown away.
    Interrupted,
    /// Ctrl-D, or the end of the input.
    End,
    /// What was typed is no text (not UTF-8): it is thrown away.
    Garbled,
    /// The input cannot be read.
    Failed(String),
}

/// Something that reads entries.
pub trait Editor {
    /// Reads one whole entry; where it is not finished, reads on.
    fn read(&mut self) -> Reading;

    /// Asks a question; the answer comes as an entry.
    fn ask(&mut self, question: &str) -> Reading;

    /// Whether a person is at the other end.
    fn is_interactive(&self) -> bool;

    /// How many lines are left to be read that have something in them, as far as they are there already.
    fn lines_left(&mut self) -> usize;
}

/// Reads entries from a pipe: no prompts, no questions.
#[derive(Debug)]
pub struct PipeEditor<R> {
    input: R,
    /// What of the input can be had without waiting.
    left: fn(&mut R) -> Vec<u8>,
}

impl<R: BufRead> PipeEditor<R> {
    /// Reads from `input`; `left` answers with what can be had of it without waiting.
    pub fn new(input: R, left: fn(&mut R) -> Vec<u8>) -> PipeEditor<R> {
        PipeEditor { input, left }
    }

    /// One line without its end; `None` when there is none.
    fn line(&mut self) -> std::io::Result<Option<String>> {
        let mut bytes = Vec::new();
        if self.input.read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8(bytes).map_err(std::io::Error::other)?;
        Ok(Some(line.trim_end_matches(['\n', '\r']).to_owned()))
    }
}

impl<'a> PipeEditor<&'a [u8]> {
    /// Reads what is in memory.
    pub fn of(input: &'a [u8]) -> PipeEditor<&'a [u8]> {
        PipeEditor::new(input, |rest| std::mem::take(rest).to_vec())
    }
}

impl<R: BufRead> Editor for PipeEditor<R> {
    fn read(&mut self) -> Reading {
        let mut entry = String::new();
        loop {
            match self.line() {
                Ok(Some(line)) => {
                    let first = entry.is_empty();
                    entry.push_str(&line);
                    if (first && is_command(&line)) || !is_incomplete(&entry) {
                        return Reading::Entry(entry);
                    }
                    entry.push('\n');
                }
                // What is left unfinished is evaluated, so that the engine says what it lacks.
                Ok(None) if entry.trim().is_empty() => return Reading::End,
                Ok(None) => return Reading::Entry(entry),
                Err(error) => return Reading::Failed(format!("cannot read standard input: {error}")),
            }
        }
    }

    fn ask(&mut self, _question: &str) -> Reading {
        Reading::End
    }

    fn is_interactive(&self) -> bool {
        false
    }

    /// Whoever writes to a pipe may keep it open for ever: nothing is waited for.
    fn lines_left(&mut self) -> usize {
        let left = (self.left)(&mut self.input);
        left.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count()
    }
}

/// Whether a line at the primary prompt is for Cowry rather than for JavaScript.
pub fn is_command(line: &str) -> bool {
    let dot = line.strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()));
    dot || line.starts_with("$ ")
}

/// Plays readings and answers, for tests.
#[cfg(test)]
#[derive(Debug, Default)]
pub struct ScriptedEditor {
    pub readings: std::collections::VecDeque<Reading>,
    pub answers: std::collections::VecDeque<Reading>,
    pub asked: Vec<String>,
}

#[cfg(test)]
impl Editor for ScriptedEditor {
    fn read(&mut self) -> Reading {
        self.readings.pop_front().unwrap_or(Reading::End)
    }

    fn ask(&mut self, question: &str) -> Reading {
        self.asked.push(question.to_owned());
        self.answers.pop_front().unwrap_or(Reading::End)
    }

    fn is_interactive(&self) -> bool {
        true
    }

    fn lines_left(&mut self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::{Editor, PipeEditor, Reading};

    fn check(input: &str, expected: &[&str]) {
        let mut editor = PipeEditor::of(input.as_bytes());
        for entry in expected {
            assert_eq!(editor.read(), Reading::Entry((*entry).into()));
        }
        assert_eq!(editor.read(), Reading::End);
    }

    #[test]
    fn a_pipe_gives_whole_entries() {
        check("1\nfunction f() {\n  return 1\n}\nf()\n", &["1", "function f() {\n  return 1\n}", "f()"]);
    }

    #[test]
    fn a_dot_within_an_entry_is_no_command() {
        check("x = [\n.5]\n.diff\n", &["x = [\n.5]", ".diff"]);
    }

    #[test]
    fn an_unfinished_entry_is_handed_on_at_the_end() {
        check("f(1,\n", &["f(1,\n"]);
    }

    #[test]
    fn lines_that_are_left_are_counted() {
        let mut editor = PipeEditor::of(b"1\n2\n\n  \n3");
        assert_eq!(editor.read(), Reading::Entry("1".into()));
        assert_eq!((editor.lines_left(), editor.read()), (2, Reading::End));
    }

    #[test]
    fn what_is_no_text_is_an_error() {
        let mut editor = PipeEditor::of(&b"\xff\n"[..]);
        assert!(matches!(editor.read(), Reading::Failed(_)));
    }
}
