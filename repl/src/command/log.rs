//! `cowry log`.

use clap::Args;
use clap::builder::PossibleValuesParser;
use cowry_shell_core::{RevisionFilter, RevisionInfo, RevisionKind, RevisionSpec, Timestamp, Workspace};
use serde_json::{Value, json};

use super::diff::paths;
use crate::context::Context;
use crate::failure::Outcome;
use crate::render::{Table, ago, iso, shown};
use crate::style::Style;

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry log
  cowry -w site.cowry log -n 5 --json
  cowry -w site.cowry log --path /out --since 2026-11-20
  cowry -w site.cowry log --kind run --message cleanup";

/// List the revisions of a workspace, the latest first
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct LogArgs {
    /// How many to list at most
    #[arg(short = 'n', long = "limit", value_name = "NUMBER")]
    limit: Option<usize>,
    /// Only those sealed at or after this time or this revision
    #[arg(long, value_name = "TIME|REV")]
    since: Option<String>,
    /// Only those sealed at or before this time or this revision
    #[arg(long, value_name = "TIME|REV")]
    until: Option<String>,
    /// Only those made in this way
    #[arg(long, value_name = "KIND", value_parser = kinds())]
    kind: Option<String>,
    /// Only those that a run made: the beginning of its id
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// Only those that changed something at this path or below it
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// Only the one that has this name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Only those whose message has this text in it, in upper or lower case
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
}

fn kinds() -> PossibleValuesParser {
    RevisionKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().into()
}

/// Lists.
pub fn run(context: &mut Context, args: &LogArgs) -> Outcome {
    let workspace = context.workspace_to_read()?;
    let filter = filter(&workspace, args)?;
    let revisions = workspace.log_of(&filter)?;
    if context.out.json {
        let revisions: Vec<Value> = revisions.iter().map(object).collect();
        context.out.object(&json!({ "revisions": revisions }))?;
        return Ok(0);
    }
    if revisions.is_empty() && args.limit != Some(0) {
        let any = filter != RevisionFilter { limit: filter.limit, ..RevisionFilter::default() };
        context.out.note(if any { "no such revisions" } else { "no revisions yet" });
    }
    let now = context.out.out_is_terminal.then(|| workspace.clock().now());
    context.out.lines(lines(&revisions, now, context.out.style))?;
    Ok(0)
}

fn filter(workspace: &Workspace, args: &LogArgs) -> Outcome<RevisionFilter> {
    let path = args.path.as_ref().map(|path| paths(std::slice::from_ref(path))).transpose()?;
    Ok(RevisionFilter {
        limit: args.limit,
        since: args.since.as_deref().map(|since| moment(workspace, since)).transpose()?,
        until: args.until.as_deref().map(|until| moment(workspace, until)).transpose()?,
        kind: args.kind.as_deref().and_then(RevisionKind::parse),
        run: args.run.clone(),
        name: args.name.clone(),
        message: args.message.clone(),
        path: path.and_then(|mut paths| paths.pop()),
        ..RevisionFilter::default()
    })
}

/// A time, or when a revision was sealed.
fn moment(workspace: &Workspace, text: &str) -> Outcome<Timestamp> {
    match text.parse()? {
        RevisionSpec::At(time) => Ok(time),
        spec => Ok(workspace.revision(workspace.resolve_spec(spec, text)?)?.sealed_at),
    }
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

/// The names a revision was given, if it was, and what its maker said.
fn message(info: &RevisionInfo) -> String {
    let message = shown(info.message.as_deref().unwrap_or_default());
    if info.names.is_empty() { message } else { format!("[{}] {message}", shown(&info.names.join(", "))) }
}

pub(super) fn object(info: &RevisionInfo) -> Value {
    json!({
        "revision": info.id.0,
        "sealed": iso(info.sealed_at),
        "kind": info.kind.to_string(),
        "run": info.run,
        "names": info.names,
        "message": info.message,
    })
}
