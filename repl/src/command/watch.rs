//! `cowry watch`.

use std::time::Duration;

use clap::Args;
use cowry_shell_core::RevisionInfo;

use super::log;
use crate::context::Context;
use crate::failure::Outcome;

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry watch
  cowry -w site.cowry watch --since latest~3 -n 3
  cowry -w site.cowry watch --json | jq .message";

/// How long to wait before asking again; nothing depends on it.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Print a line for each new revision, whoever makes it, until interrupted
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct WatchArgs {
    /// Begin after this revision instead of the latest
    #[arg(long, value_name = "REV")]
    since: Option<String>,
    /// End after so many
    #[arg(short = 'n', long = "limit", value_name = "NUMBER")]
    limit: Option<u64>,
}

/// Watches.
pub fn run(context: &mut Context, args: &WatchArgs) -> Outcome {
    let workspace = context.workspace_to_read()?;
    let since = args.since.as_deref().map(|text| workspace.resolve(text)).transpose()?;
    let mut watch = workspace.watch(since)?;
    let mut left = args.limit.unwrap_or(u64::MAX);
    while left > 0 {
        if let Some(info) = watch.next_within(PATIENCE)? {
            show(context, &info)?;
            left -= 1;
        }
    }
    Ok(0)
}

fn show(context: &mut Context, info: &RevisionInfo) -> Outcome<()> {
    match context.out.json {
        true => context.out.object(&log::object(info)),
        false => Ok(context.out.lines(log::lines(std::slice::from_ref(info), None, context.out.style))?),
    }
}
