//! `cowry repl`: a session on a workspace, entry by entry.

use std::cell::RefCell;
use std::io::{self, IsTerminal};
use std::rc::Rc;

use clap::Args;
use cowry_shell_core::{Runtime, Session, SessionOptions, Workspace};
use serde_json::json;

use super::run_args::{HandedArgs, PolicyArgs};
use crate::context::Context;
use crate::failure::Outcome;
use crate::output::Output;
use crate::session::{Editor, Evaluating, PipeEditor, ReadLoop, SessionSource, TerminalEditor, history_file};
use crate::{policy, report, stdin};

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
    report::unfinished(&mut context.out, &workspace)?;
    let options = SessionOptions { policy, args: args.args, env: args.handed.env, seed: args.handed.seed };
    let session = Rc::new(RefCell::new(workspace.session(options)?));
    let mut editor = editor(context, session.clone())?;
    if editor.is_interactive() {
        greet(&mut context.out, &workspace);
    }
    let mut evaluating = Evaluating::new(session, workspace, context.global.clone(), editor.is_interactive());
    let status = ReadLoop::new(&mut *editor, &mut evaluating, &mut context.out).run()?;
    if context.out.json {
        let (told, revision) = evaluating.told();
        context.out.object(&json!({ "entries": told, "revision": revision, "status": status }))?;
    }
    Ok(status)
}

fn editor(context: &Context, session: Rc<RefCell<Session>>) -> Outcome<Box<dyn Editor>> {
    if !io::stdin().is_terminal() {
        return Ok(Box::new(PipeEditor::new(stdin::pieces(), stdin::left)));
    }
    let history = history_file(context.workspace_file());
    let source = Rc::new(SessionSource::new(session));
    Ok(Box::new(TerminalEditor::new(history, source, context.out.style)?))
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
