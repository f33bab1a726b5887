//! Commands that are those of the command line, on the session's own workspace.

use super::Evaluating;
use crate::command;
use crate::command::restore::RestoreArgs;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::{Captured, Output};
use crate::session::dot::Dot;

impl Evaluating {
    /// Does what the command of that name does, and shows what it prints.
    pub(super) fn history(&mut self, dot: &Dot, out: &mut Output) -> Outcome<()> {
        self.as_command(out, |context| match dot {
            Dot::Diff(args) => command::diff::run(context, args),
            Dot::Log(args) => command::log::run(context, args),
            Dot::Runs(args) => command::runs::run(context, args),
            Dot::Name(args) => command::name::run(context, args),
            Dot::Fork(args) => command::fork::run(context, args),
            _ => unreachable!("only these are commands of the command line"),
        })
    }

    /// Restores, and goes on from there.
    pub(super) fn restore(&mut self, args: &RestoreArgs, out: &mut Output) -> Outcome<()> {
        if !self.session().diff()?.is_empty() {
            return Err(Failure::new("there are changes: .commit or .discard them first"));
        }
        self.as_command(out, |context| command::restore::run(context, args))?;
        self.refresh(out)
    }

    /// Takes what others have committed.
    pub(super) fn refresh(&mut self, out: &mut Output) -> Outcome<()> {
        self.session().refresh()?;
        let base = self.session().base().0;
        out.note(&format!("now on revision {base}; globals are lost"));
        Ok(())
    }

    fn as_command(&mut self, out: &mut Output, run: impl FnOnce(&mut Context) -> Outcome) -> Outcome<()> {
        if self.workspace.is_scratch() {
            return Err(Failure::new("there is no workspace: start with -w FILE"));
        }
        let kept = Captured::default();
        let mut context = Context { out: out.kept(&kept), global: self.global.clone() };
        let done = run(&mut context);
        self.show(out, &kept.text())?;
        match done? {
            0 => Ok(()),
            // It has said on its own why.
            status => Err(Failure::with_status(status, "that was not done")),
        }
    }
}
