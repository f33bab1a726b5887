//! `cowry gc`.

use clap::Args;
use cowry_shell_core::units::format_size;
use serde_json::json;

use crate::context::Context;
use crate::failure::Outcome;
use crate::render::counted;

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry gc";

/// Remove what has expired and what nothing refers to any more
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct GcArgs {}

/// Collects.
pub fn run(context: &mut Context, _args: &GcArgs) -> Outcome {
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
    if context.out.json {
        context.out.object(&json!({
            "expiredRevision": expired, "rows": done.rows, "chunks": done.chunks, "bytes": done.bytes, "keptChanges": done.runs,
        }))?;
    }
    Ok(0)
}
