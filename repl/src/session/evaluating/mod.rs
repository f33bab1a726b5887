//! Entries and commands on a session: what they come to is told as it happens.

mod files;
mod history;
mod standing;

use std::cell::{RefCell, RefMut};
use std::rc::Rc;

use cowry_shell_core::{EntryReport, Error, Outcome as RunOutcome, Session, Show, Workspace};
use serde_json::{Value, json};

use super::busy::Busy;
use super::dot::Dot;
use super::pager;
use super::read_loop::{Evaluated, Evaluator, Manner};
use crate::args::Global;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::render::{json as object, millis, outcome_line, outcome_status, summary};
use crate::stream::Stream;
use crate::{interrupt, report, status};

/// A session and its workspace, at a prompt or a pipe.
#[derive(Debug)]
pub struct Evaluating {
    session: Rc<RefCell<Session>>,
    workspace: Workspace,
    global: Global,
    /// Whether a person is at the other end.
    interactive: bool,
    /// What came of each entry, for `--json`.
    told: Vec<Value>,
    /// The last revision that was committed.
    revision: Option<u64>,
}

impl Evaluating {
    /// Nothing is entered yet.
    pub fn new(
        session: Rc<RefCell<Session>>,
        workspace: Workspace,
        global: Global,
        interactive: bool,
    ) -> Evaluating {
        Evaluating { session, workspace, global, interactive, told: Vec::new(), revision: None }
    }

    /// What came of each entry, and the last revision that was committed.
    pub fn told(&self) -> (&[Value], Option<u64>) {
        (&self.told, self.revision)
    }

    fn session(&self) -> RefMut<'_, Session> {
        self.session.borrow_mut()
    }

    /// Shows what a command found, a screen at a time; `--json` has it among its entries.
    fn show(&mut self, out: &mut Output, text: &str) -> Outcome<()> {
        if out.json {
            self.told.push(json!({ "shown": text }));
            return Ok(());
        }
        Ok(pager::show(out, text)?)
    }

    fn show_lines(&mut self, out: &mut Output, lines: Vec<String>) -> Outcome<()> {
        let text: String = lines.into_iter().flat_map(|line| [line, "\n".into()]).collect();
        self.show(out, &text)
    }

    /// A value as it is shown: at a prompt as the inspector has it, elsewhere text as it is.
    fn value(&self, out: &mut Output, report: &EntryReport, show: Option<Show>) -> Outcome<()> {
        let rendered = report.value.as_ref().and_then(|value| value.rendered.as_ref());
        match rendered {
            Some(text) if self.interactive || show.is_some() => Ok(pager::show(out, text)?),
            _ => report::rendered(out, report.value.as_ref()),
        }
    }
}

/// A conflict names all ways out.
fn ways_out(error: Error) -> Failure {
    let told = error.to_string();
    match error {
        Error::Conflict { run: Some(id), .. } => Failure::with_status(
            status::CONFLICT,
            format!(
                "{told}; nothing is committed, but kept as run {id}: `cowry runs commit {id} --theirs` takes the session's \
                 version, `--ours` leaves those paths out (here .runs commit; .discard and .refresh go on from there)"
            ),
        ),
        Error::Conflict { run: None, .. } => Failure::with_status(
            status::CONFLICT,
            format!(
                "{told}; nothing is committed: .undo takes back what the last entries wrote, .discard all since the last \
                 .commit"
            ),
        ),
        error => error.into(),
    }
}

impl Evaluator for Evaluating {
    fn evaluate(&mut self, code: &str, manner: Manner, out: &mut Output) -> Outcome<Evaluated> {
        let coloured = self.interactive && out.style.is_coloured();
        let show = manner.show.unwrap_or(if coloured { Show::Coloured } else { Show::Plain });
        let mut logs = Vec::new();
        let report = {
            let mut session = self.session();
            let _guard = interrupt::to_program(session.interrupter());
            let mut busy = Busy::new(out, self.interactive);
            let mut stream = Stream::new(out);
            session.eval_shown(code, show, &mut |event| {
                busy.stop();
                stream.event(&event);
                logs.extend(object::event(&event));
            })?
        };
        // Every entry that comes to its end has a value, were it `undefined`; one that exits has none.
        let leaves = report.value.is_none() && matches!(report.outcome, RunOutcome::Completed { .. });
        let evaluated = Evaluated { status: outcome_status(&report.outcome), leaves };
        if out.json {
            self.told.push(json!({
                "outcome": object::outcome(&report.outcome),
                "result": object::value(report.value.as_ref()),
                "logs": logs,
            }));
            return Ok(evaluated);
        }
        self.value(out, &report, manner.show)?;
        let limits = self.session().limits();
        if let Some(line) = outcome_line(&report.outcome, &limits) {
            report::failure(out, &report.outcome, &line);
        }
        if manner.timed {
            let usage = &report.usage;
            out.note(&format!("took {} wall, {} cpu", millis(usage.wall), millis(usage.cpu)));
        }
        if report.restarted {
            out.note("the sandbox was started anew: globals are lost, files are not");
        }
        Ok(evaluated)
    }

    fn commit(&mut self, message: Option<&str>, out: &mut Output) -> Outcome<()> {
        if !self.can_commit() {
            return Err(Failure::new("there is no workspace to commit to: start with -w FILE"));
        }
        let done = {
            let mut session = self.session();
            let _guard = interrupt::to_program(session.interrupter());
            session.commit(message).map_err(ways_out)?
        };
        match done.revision {
            Some(revision) => {
                self.revision = Some(revision.0);
                out.note(&format!("committed revision {}: {}", revision.0, summary(done.diff.summary())));
            }
            None if done.buckets.is_empty() => out.note("nothing to commit"),
            None => {}
        }
        let id = done.id.unwrap_or_default();
        match report::buckets(out, &done.buckets, &id) {
            0 => Ok(()),
            status => Err(Failure::with_status(status, "committed, but not all of it is in the bucket")),
        }
    }

    fn obey(&mut self, dot: &Dot, out: &mut Output) -> Outcome<()> {
        match dot {
            Dot::Discard => {
                self.session().discard()?;
                out.note("discarded; globals are lost with it");
                Ok(())
            }
            Dot::Undo => {
                let undone = self.session().undo()?;
                out.note(&format!("undone: {}", summary(undone.summary())));
                Ok(())
            }
            Dot::Refresh => self.refresh(out),
            Dot::Status => self.status(out),
            Dot::Diff(args) => self.diff(args, out),
            Dot::Cat(args) => self.cat(args, out),
            Dot::Mount { mount } => self.mount(mount.as_deref(), out),
            Dot::Limits(args) => self.limits(args, out),
            Dot::Log(_) | Dot::Runs(_) | Dot::Name(_) | Dot::Fork(_) => self.history(dot, out),
            Dot::Restore(args) => self.restore(args, out),
            Dot::Commit { .. }
            | Dot::Table { .. }
            | Dot::Hex { .. }
            | Dot::Time { .. }
            | Dot::Load { .. }
            | Dot::Save { .. }
            | Dot::Edit { .. }
            | Dot::Help { .. }
            | Dot::Exit => unreachable!("the read loop obeys these itself"),
        }
    }

    fn text_of(&mut self, path: &str) -> Outcome<String> {
        files::text_of(&self.session().fs()?, path)
    }

    fn pending(&mut self) -> Outcome<usize> {
        Ok(self.session().diff()?.changes.len())
    }

    fn can_commit(&self) -> bool {
        !self.workspace.is_scratch()
    }
}
