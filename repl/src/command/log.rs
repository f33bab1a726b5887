//! `cowry log`.

use clap::Args;
use cowry_shell_core::{RevisionInfo, Timestamp};
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::Outcome;
use crate::render::{Table, ago, iso, shown};
use crate::style::Style;

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry log
  cowry -w site.cowry log -n 5 --json";

/// List the revisions of a workspace, the latest first
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct LogArgs {
    /// How many to list at most
    #[arg(short = 'n', long = "limit", value_name = "NUMBER")]
    limit: Option<usize>,
}

/// Lists.
pub fn run(context: &mut Context, args: &LogArgs) -> Outcome {
    let workspace = context.workspace_to_read()?;
    let mut revisions = workspace.log()?;
    revisions.truncate(args.limit.unwrap_or(usize::MAX));
    if context.out.json {
        let revisions: Vec<Value> = revisions.iter().map(object).collect();
        context.out.object(&json!({ "revisions": revisions }))?;
        return Ok(0);
    }
    if revisions.is_empty() {
        context.out.note("no revisions yet");
    }
    let now = context.out.out_is_terminal.then(|| workspace.clock().now());
    context.out.lines(lines(&revisions, now, context.out.style))?;
    Ok(0)
}

/// One line each; with `now`, times are told as how long ago.
pub(super) fn lines(revisions: &[RevisionInfo], now: Option<Timestamp>, style: Style) -> Vec<String> {
    let mut table = Table::new(&[0]);
    for info in revisions {
        table.row([
            info.id.0.to_string(),
            now.map_or_else(|| iso(info.sealed_at), |now| ago(info.sealed_at, now)),
            info.kind.to_string(),
            info.run.clone().unwrap_or_else(|| "-".into()),
            message(info),
        ]);
    }
    table.lines(|_, column, cell| match column {
        0 => style.strong(cell),
        1 => style.faint(cell),
        3 => style.place(cell),
        _ => cell.to_owned(),
    })
}

/// The name a revision was given, if it was, and what its maker said.
fn message(info: &RevisionInfo) -> String {
    let message = shown(info.message.as_deref().unwrap_or_default());
    match &info.name {
        Some(name) => format!("[{}] {message}", shown(name)),
        None => message,
    }
}

pub(super) fn object(info: &RevisionInfo) -> Value {
    json!({
        "revision": info.id.0,
        "sealed": iso(info.sealed_at),
        "kind": info.kind.to_string(),
        "run": info.run,
        "name": info.name,
        "message": info.message,
    })
}
