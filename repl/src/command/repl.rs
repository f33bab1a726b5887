//! `cowry repl`: a session on a workspace, entry by entry.

use std::io::{self, IsTerminal};

use clap::Args;
use cowry_shell_core::{Limits, Outcome as RunOutcome, Runtime, Session, SessionOptions, Workspace};
use serde_json::{Value, json};

use super::run_args::{HandedArgs, PolicyArgs};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::render::{diff_lines, json as object, outcome_line, outcome_status, summary};
use crate::session::{Editor, Evaluated, Evaluator, PipeEditor, ReadLoop, TerminalEditor, history_file};
use crate::stream::Stream;
use crate::{interrupt, policy, report};

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry repl
  echo 'fs.writeFileSync(\"/a\", \"1\")' | cowry -w site.cowry repl

Entries share globals and files. Nothing is committed before .commit; .help lists such commands.
Piped input has no prompts and commits at its end if no entry failed. Limits are per entry.";

/// Work on a workspace by hand: JavaScript and TypeScript, entry by entry
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ReplArgs {
    /// Arguments for process.argv, after `--`
    #[arg(last = true, value_name = "ARGS")]
    args: Vec<String>,
    #[command(flatten)]
    handed: HandedArgs,
    #[command(flatten)]
    policy: PolicyArgs,
}

/// Runs the session and returns its exit status.
pub fn run(context: &mut Context, args: ReplArgs) -> Outcome {
    let policy = policy::resolve(&args.policy)?;
    let runtime = Runtime::new();
    runtime.start().map_err(cowry_shell_core::Error::from)?;
    let workspace = context.workspace_or_scratch(runtime)?;
    let limits = policy.limits.resolve();
    let options = SessionOptions { policy, args: args.args, env: args.handed.env, seed: args.handed.seed };
    let session = workspace.session(options)?;
    let mut editor = editor(context)?;
    if editor.is_interactive() {
        greet(&mut context.out, &workspace);
    }
    let mut evaluator =
        Evaluating { session, limits, lasts: !workspace.is_scratch(), told: Vec::new(), revision: None };
    let out = &mut context.out;
    let status =
        ReadLoop { editor: &mut *editor, evaluator: &mut evaluator, out, failed: 0, exited: 0 }.run()?;
    if context.out.json {
        let object = json!({ "entries": evaluator.told, "revision": evaluator.revision, "status": status });
        context.out.object(&object)?;
    }
    Ok(status)
}

fn editor(context: &Context) -> Outcome<Box<dyn Editor>> {
    if !io::stdin().is_terminal() {
        return Ok(Box::new(PipeEditor::new(io::stdin().lock())));
    }
    let history = history_file(context.workspace_file());
    Ok(Box::new(TerminalEditor::new(history, context.out.style)?))
}

fn greet(out: &mut Output, workspace: &Workspace) {
    let place = match workspace.path() {
        Some(path) => path.display().to_string(),
        None => "scratch; nothing is kept without -w FILE".into(),
    };
    out.note(&format!(
        "cowry {} on {place}. .help lists commands, Ctrl-D leaves.",
        env!("CARGO_PKG_VERSION")
    ));
}

/// A session whose entries are told as they are evaluated.
struct Evaluating {
    session: Session,
    limits: Limits,
    lasts: bool,
    told: Vec<Value>,
    revision: Option<u64>,
}

impl Evaluator for Evaluating {
    fn evaluate(&mut self, code: &str, out: &mut Output) -> Outcome<Evaluated> {
        let mut logs = Vec::new();
        let report = {
            let _guard = interrupt::to_program(self.session.interrupter());
            let mut stream = Stream::new(out);
            self.session.eval(code, &mut |event| {
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
        report::rendered(out, report.value.as_ref())?;
        if let Some(line) = outcome_line(&report.outcome, &self.limits) {
            report::failure(out, &report.outcome, &line);
        }
        if report.restarted {
            out.note("the sandbox was started anew: globals are lost, files are not");
        }
        Ok(evaluated)
    }

    fn commit(&mut self, message: Option<&str>, out: &mut Output) -> Outcome<()> {
        if !self.lasts {
            return Err(Failure::new("there is no workspace to commit to: start with -w FILE"));
        }
        let done = self.session.commit(message)?;
        match done.revision {
            Some(revision) => {
                self.revision = Some(revision.0);
                out.note(&format!("committed revision {}: {}", revision.0, summary(done.diff.summary())));
            }
            None => out.note("nothing to commit"),
        }
        Ok(())
    }

    fn discard(&mut self, out: &mut Output) -> Outcome<()> {
        self.session.discard()?;
        out.note("discarded; globals are lost with it");
        Ok(())
    }

    fn refresh(&mut self, out: &mut Output) -> Outcome<()> {
        self.session.refresh()?;
        let base = self.session.base().0;
        out.note(&format!("now on revision {base}; globals are lost"));
        Ok(())
    }

    fn diff(&mut self, out: &mut Output) -> Outcome<()> {
        let diff = self.session.diff()?;
        if diff.is_empty() {
            out.note("no changes");
        }
        Ok(out.lines(diff_lines(&diff, out.style)?)?)
    }

    fn pending(&mut self) -> Outcome<usize> {
        Ok(self.session.diff()?.changes.len())
    }

    fn can_commit(&self) -> bool {
        self.lasts
    }
}
