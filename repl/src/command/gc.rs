//! `cowry gc`.

#[cfg(feature = "object")]
use std::time::Duration;

use clap::Args;
use cowry_shell_core::Workspace;
use cowry_shell_core::units::format_size;
#[cfg(feature = "object")]
use cowry_shell_core::units::parse_duration;
use serde_json::json;

use crate::context::Context;
use crate::failure::Outcome;
use crate::render::counted;

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry gc
  cowry -w site.cowry gc --grace 1h   also delete from its bucket what nothing needs for an hour";

/// Remove what has expired and what nothing refers to any more
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct GcArgs {
    /// Objects in the workspace's bucket stay for so long after nothing refers to them any more
    #[cfg(feature = "object")]
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
    grace: Duration,
}

/// Collects.
pub fn run(context: &mut Context, args: &GcArgs) -> Outcome {
    let workspace = context.workspace_to_write()?;
    let done = workspace.gc()?;
    let expired = done.expired.map(|revision| revision.0);
    if let Some(revision) = expired {
        context.out.note(&format!("committed revision {revision}: expired paths removed"));
    }
    let chunks = counted(done.chunks, "chunk");
    let runs = counted(done.runs, "run");
    let freed = format_size(done.bytes);
    if done.rows > 0 {
        context.out.note(&format!("removed {} of pruned revisions", counted(done.rows, "row")));
    }
    context.out.note(&format!("removed {chunks} ({freed}), kept changes of {runs}"));
    let objects = sweep(context, &workspace, args)?;
    if context.out.json {
        context.out.object(&json!({
            "objects": objects, "expiredRevision": expired, "rows": done.rows, "chunks": done.chunks, "bytes": done.bytes, "keptChanges": done.runs,
        }))?;
    }
    Ok(0)
}

/// Deletes objects of its bucket, if it has one. Returns how many.
#[cfg(feature = "object")]
fn sweep(context: &mut Context, workspace: &Workspace, args: &GcArgs) -> Outcome<u64> {
    if !workspace.content_use()?.homes.iter().any(|home| home.own) {
        return Ok(0);
    }
    let swept = workspace.sweep_content(args.grace)?;
    let stay = match swept.young {
        0 => String::new(),
        young => format!("; {young} are too young"),
    };
    context.out.note(&format!("deleted {} from its bucket{stay}", counted(swept.objects, "object")));
    Ok(swept.objects)
}

#[cfg(not(feature = "object"))]
fn sweep(_: &mut Context, _: &Workspace, _: &GcArgs) -> Outcome<u64> {
    Ok(0)
}
