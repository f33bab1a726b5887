//! Read, evaluate, print, until there is nothing more to read.

use super::dot::{self, Dot};
use super::editor::{Editor, Reading, is_command};
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::status;

/// What came of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Evaluated {
    /// 0 if it completed.
    pub status: u8,
    /// Whether it asked to leave: it called `process.exit`.
    pub leaves: bool,
}

/// What entries are evaluated by: a session on a workspace, or a double in a test. It prints what comes of
/// them itself.
pub trait Evaluator {
    /// Evaluates one entry.
    fn evaluate(&mut self, code: &str, out: &mut Output) -> Outcome<Evaluated>;

    /// Commits what is not committed yet.
    fn commit(&mut self, message: Option<&str>, out: &mut Output) -> Outcome<()>;

    /// Throws away what is not committed yet.
    fn discard(&mut self, out: &mut Output) -> Outcome<()>;

    /// Takes what others have committed.
    fn refresh(&mut self, out: &mut Output) -> Outcome<()>;

    /// Shows what is not committed yet.
    fn diff(&mut self, out: &mut Output) -> Outcome<()>;

    /// How many paths are changed and not committed yet.
    fn pending(&mut self) -> Outcome<usize>;

    /// Whether a commit lasts; without a workspace it does not, and nobody needs to be asked.
    fn can_commit(&self) -> bool;
}

/// One session, from its first entry to its exit status.
pub struct ReadLoop<'a> {
    pub editor: &'a mut dyn Editor,
    pub evaluator: &'a mut dyn Evaluator,
    pub out: &'a mut Output,
    /// The status of the first entry that failed, 0 as long as none has.
    pub failed: u8,
    /// The status that `process.exit` was called with.
    pub exited: u8,
}

impl ReadLoop<'_> {
    /// Runs the session to its end and returns the exit status.
    pub fn run(&mut self) -> Outcome {
        loop {
            let leaving = match self.editor.read() {
                Reading::Entry(entry) if entry.trim().is_empty() => false,
                Reading::Entry(entry) if is_command(&entry) => self.obey(dot::parse(&entry))?,
                Reading::Entry(entry) => self.evaluate(&entry)?,
                Reading::Interrupted => {
                    self.out.note("press Ctrl-D or type .exit to leave");
                    false
                }
                Reading::End => true,
                Reading::Failed(line) => return Err(Failure::new(line)),
            };
            if leaving && self.leave()? {
                return Ok(self.status());
            }
        }
    }

    /// At a prompt each mistake was told as it was made: leaving is no failure, unless the program says so.
    fn status(&self) -> u8 {
        if self.editor.is_interactive() { self.exited } else { self.failed }
    }

    /// Evaluates an entry; whether it asks to leave.
    fn evaluate(&mut self, entry: &str) -> Outcome<bool> {
        let mut leaves = false;
        let status = self.told(|this| {
            let evaluated = this.evaluator.evaluate(entry, this.out)?;
            leaves = evaluated.leaves;
            Ok(evaluated.status)
        })?;
        self.note_status(status);
        self.exited = if leaves { status } else { 0 };
        Ok(leaves)
    }

    /// Does what a dot command says; whether it asks to leave.
    fn obey(&mut self, dot: Dot) -> Outcome<bool> {
        let done = match dot {
            Dot::Commit(message) => {
                self.told(|this| this.evaluator.commit(message.as_deref(), this.out).map(|()| 0))
            }
            Dot::Discard => self.told(|this| this.evaluator.discard(this.out).map(|()| 0)),
            Dot::Refresh => self.told(|this| this.evaluator.refresh(this.out).map(|()| 0)),
            Dot::Diff => self.told(|this| this.evaluator.diff(this.out).map(|()| 0)),
            Dot::Help => {
                self.out.text(dot::HELP)?;
                Ok(0)
            }
            Dot::Shell => {
                self.told(|_| Err(Failure::new("bash comes with a later release; write JavaScript")))
            }
            Dot::Unknown(line) => self.told(|_| Err(Failure::new(line))),
            Dot::Exit => return Ok(true),
        };
        let status = done?;
        self.note_status(status);
        Ok(false)
    }

    /// Tells of a failure and turns it into a status, so that the session goes on.
    fn told(&mut self, work: impl FnOnce(&mut Self) -> Outcome) -> Outcome {
        match work(self) {
            Err(Failure::ReaderGone) => Err(Failure::ReaderGone),
            Err(failure) => Ok(self.out.fail_entry(&failure)),
            Ok(status) => Ok(status),
        }
    }

    fn note_status(&mut self, status: u8) {
        if self.failed == 0 {
            self.failed = status;
        }
    }

    /// Settles what is not committed; whether the session may end.
    fn leave(&mut self) -> Outcome<bool> {
        let pending = self.evaluator.pending()?;
        if pending == 0 || !self.evaluator.can_commit() {
            return Ok(true);
        }
        if self.editor.is_interactive() {
            return self.ask_to_leave(pending);
        }
        if self.failed != 0 {
            let what = paths(pending);
            self.out.note(&format!("an entry failed: {what} not committed (.commit commits at once)"));
            return Ok(true);
        }
        let status = self.told(|this| this.evaluator.commit(None, this.out).map(|()| 0))?;
        self.note_status(status);
        Ok(true)
    }

    fn ask_to_leave(&mut self, pending: usize) -> Outcome<bool> {
        let question = format!("{} not committed: [c]ommit, [d]iscard or [s]tay? ", paths(pending));
        match self.editor.ask(&question) {
            Reading::Entry(answer) => match answer.trim().to_lowercase().as_str() {
                "c" | "commit" | "y" | "yes" => {
                    let status = self.told(|this| this.evaluator.commit(None, this.out).map(|()| 0))?;
                    Ok(status == 0)
                }
                "d" | "discard" => Ok(true),
                _ => Ok(false),
            },
            Reading::Interrupted => Ok(false),
            // The terminal is gone, or Ctrl-D was pressed twice: asking for ever would be worse.
            Reading::End => {
                self.out.note(&format!("{} discarded", paths(pending)));
                Ok(true)
            }
            Reading::Failed(line) => Err(Failure::with_status(status::COWRY, line)),
        }
    }
}

/// `1 path`, `2 paths`.
fn paths(count: usize) -> String {
    if count == 1 { "1 path".into() } else { format!("{count} paths") }
}

#[cfg(test)]
mod tests;
