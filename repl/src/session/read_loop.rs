//! Read, evaluate, print, until there is nothing more to read.

use cowry_shell_core::Show;

use super::dot::{self, Dot, Parsed};
use super::editor::{Editor, Reading, is_command};
use super::{host_editor, pager, script};
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

/// How an entry is evaluated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Manner {
    /// How its value is shown; `None` as every entry's is.
    pub show: Option<Show>,
    /// Whether to tell what it took.
    pub timed: bool,
}

/// What entries are evaluated by: a session on a workspace, or a double in a test. It prints what comes of
/// them itself.
pub trait Evaluator {
    /// Evaluates one entry.
    fn evaluate(&mut self, code: &str, manner: Manner, out: &mut Output) -> Outcome<Evaluated>;

    /// Commits what is not committed yet.
    fn commit(&mut self, message: Option<&str>, out: &mut Output) -> Outcome<()>;

    /// Does what a command says that is about the session or its workspace.
    fn obey(&mut self, dot: &Dot, out: &mut Output) -> Outcome<()>;

    /// A text file of the session; empty where there is none.
    fn text_of(&mut self, path: &str) -> Outcome<String>;

    /// How many paths are changed and not committed yet.
    fn pending(&mut self) -> Outcome<usize>;

    /// Whether a commit lasts; without a workspace it does not, and nobody needs to be asked.
    fn can_commit(&self) -> bool;
}

/// One session, from its first entry to its exit status.
pub struct ReadLoop<'a> {
    editor: &'a mut dyn Editor,
    evaluator: &'a mut dyn Evaluator,
    out: &'a mut Output,
    /// The status of the first entry that failed, 0 as long as none has.
    failed: u8,
    /// The status that `process.exit` was called with.
    exited: u8,
    /// The entries so far, for `.save` and `.edit`.
    entries: Vec<String>,
    /// Whether to tell what each entry takes.
    timed: bool,
    /// How many files are being loaded, each from the one before.
    loading: usize,
}

/// Files that load files that load files: past this it is a circle.
const MOST_LOADING: usize = 16;

/// Readings that bring no text, one after the other: past this nobody is typing.
const MOST_GARBLED: usize = 100;

impl<'a> ReadLoop<'a> {
    /// A session that has not begun.
    pub fn new(
        editor: &'a mut dyn Editor,
        evaluator: &'a mut dyn Evaluator,
        out: &'a mut Output,
    ) -> ReadLoop<'a> {
        let entries = Vec::new();
        ReadLoop { editor, evaluator, out, failed: 0, exited: 0, entries, timed: false, loading: 0 }
    }

    /// Runs the session to its end and returns the exit status.
    pub fn run(&mut self) -> Outcome {
        loop {
            let leaving = match self.read(|editor| editor.read()) {
                Reading::Entry(entry) => self.enter(&entry)?,
                Reading::Interrupted => {
                    self.out.note("press Ctrl-D or type .exit to leave");
                    false
                }
                Reading::End | Reading::Garbled => true,
                Reading::Failed(line) => return Err(Failure::new(line)),
            };
            if leaving && self.leave()? {
                return Ok(self.status());
            }
        }
    }

    /// Reads on past what is no text. A terminal that brings nothing else counts as gone.
    fn read(&mut self, mut read: impl FnMut(&mut dyn Editor) -> Reading) -> Reading {
        for _ in 1..MOST_GARBLED {
            match read(self.editor) {
                Reading::Garbled => self.out.note("not UTF-8: what was typed or pasted is thrown away"),
                reading => return reading,
            }
        }
        read(self.editor)
    }

    /// At a prompt each mistake was told as it was made: leaving is no failure, unless the program says so.
    fn status(&self) -> u8 {
        if self.editor.is_interactive() { self.exited } else { self.failed }
    }

    /// Does whatever an entry says; whether it asks to leave.
    fn enter(&mut self, entry: &str) -> Outcome<bool> {
        if entry.trim().is_empty() {
            return Ok(false);
        }
        if !is_command(entry) {
            self.entries.push(entry.to_owned());
            return self.evaluate(entry, Manner { show: None, timed: self.timed });
        }
        match dot::parse(entry) {
            Parsed::Dot(dot) => self.obey(*dot),
            Parsed::Told(text) => {
                pager::show(self.out, &text)?;
                Ok(false)
            }
            Parsed::Shell => {
                self.done(|_| Err(Failure::new("bash comes with a later release; write JavaScript")))
            }
            Parsed::Wrong(line) => self.done(|_| Err(Failure::new(line))),
        }
    }

    /// Evaluates an entry; whether it asks to leave.
    fn evaluate(&mut self, entry: &str, manner: Manner) -> Outcome<bool> {
        let mut leaves = false;
        let status = self.told(|this| {
            let evaluated = this.evaluator.evaluate(entry, manner, this.out)?;
            leaves = evaluated.leaves;
            Ok(evaluated.status)
        })?;
        self.note_status(status);
        self.exited = if leaves { status } else { 0 };
        Ok(leaves)
    }

    /// Does what a dot command says; whether it asks to leave.
    fn obey(&mut self, dot: Dot) -> Outcome<bool> {
        match dot {
            Dot::Exit => Ok(true),
            Dot::Commit { message } => self.done(|this| this.evaluator.commit(message.as_deref(), this.out)),
            Dot::Help { topic } => self.done(|this| this.help(topic.as_deref())),
            Dot::Table { code } => self.show(code, Show::Table),
            Dot::Hex { code } => self.show(code, Show::Bytes),
            Dot::Time { code: Some(code) } => self.evaluate(&code, Manner { show: None, timed: true }),
            Dot::Time { code: None } => {
                self.timed = !self.timed;
                let what = if self.timed { "from now on" } else { "no longer" };
                self.out.note(&format!("what an entry takes is told {what}"));
                Ok(false)
            }
            Dot::Load { file } => self.load(&file),
            Dot::Save { file, force } => self.done(|this| {
                script::save(&this.entries, &file, force)?;
                this.out.note(&format!("saved {} in {}", entries(this.entries.len()), file.display()));
                Ok(())
            }),
            Dot::Edit { path } => self.edit(path.as_deref()),
            dot => self.done(|this| this.evaluator.obey(&dot, this.out)),
        }
    }

    /// Does something that says itself what came of it; it never asks to leave.
    fn done(&mut self, work: impl FnOnce(&mut Self) -> Outcome<()>) -> Outcome<bool> {
        let status = self.told(|this| work(this).map(|()| 0))?;
        self.note_status(status);
        Ok(false)
    }

    fn help(&mut self, topic: Option<&str>) -> Outcome<()> {
        let unknown = || Failure::new("there is no such topic: .help lists the commands");
        Ok(pager::show(self.out, &dot::help(topic).ok_or_else(unknown)?)?)
    }

    /// Shows what an expression comes to, or the last value.
    fn show(&mut self, code: Option<String>, show: Show) -> Outcome<bool> {
        let code = code.unwrap_or_else(|| "_".into());
        self.evaluate(&code, Manner { show: Some(show), timed: self.timed })
    }

    /// Enters what is in a file, up to the first entry that fails; whether that asks to leave.
    fn load(&mut self, file: &std::path::Path) -> Outcome<bool> {
        let mut loaded = Vec::new();
        let is_circle = self.loading >= MOST_LOADING;
        let status = self.told(|_| {
            if is_circle {
                return Err(Failure::new(format!("{} is loaded within itself", file.display())));
            }
            loaded = script::load(file)?;
            Ok(0)
        })?;
        self.note_status(status);
        self.loading += 1;
        let mut leaves = false;
        for entry in loaded {
            let before = std::mem::replace(&mut self.failed, 0);
            leaves = self.enter(&entry)?;
            let failed = std::mem::replace(&mut self.failed, before);
            self.note_status(failed);
            if leaves || failed != 0 {
                break;
            }
        }
        self.loading -= 1;
        Ok(leaves)
    }

    /// Has an entry, or a file, written in an editor and enters it.
    fn edit(&mut self, path: Option<&str>) -> Outcome<bool> {
        let mut entry = String::new();
        let status = self.told(|this| {
            if !this.editor.is_interactive() {
                return Err(Failure::new(".edit needs a terminal: write the entry itself"));
            }
            let old = match path {
                Some(path) => this.evaluator.text_of(path)?,
                None => this.entries.last().cloned().unwrap_or_default(),
            };
            let new = host_editor::edit(&old, path.unwrap_or("entry.ts"))?;
            entry = match path {
                _ if new == old => String::new(),
                Some(path) => script::writing(path, &new),
                None => new,
            };
            Ok(0)
        })?;
        self.note_status(status);
        if entry.is_empty() { Ok(false) } else { self.enter(&entry) }
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
        match self.editor.lines_left() {
            0 => {}
            1 => self.out.note("1 line after the exit was not run"),
            lines => self.out.note(&format!("{lines} lines after the exit were not run")),
        }
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
        self.done(|this| this.evaluator.commit(None, this.out))?;
        Ok(true)
    }

    fn ask_to_leave(&mut self, pending: usize) -> Outcome<bool> {
        let question = format!("{} not committed: [c]ommit, [d]iscard or [s]tay? ", paths(pending));
        match self.read(|editor| editor.ask(&question)) {
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
            Reading::End | Reading::Garbled => {
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

/// `1 entry`, `2 entries`.
fn entries(count: usize) -> String {
    if count == 1 { "1 entry".into() } else { format!("{count} entries") }
}

#[cfg(test)]
mod tests;
