//! `cowry flatten`.

use clap::Args;
use cowry_shell_core::units::format_size;
use serde_json::json;

use crate::context::Context;
use crate::failure::Outcome;

const EXAMPLES: &str = "\
Examples:
  cowry -w try.cowry flatten                         try.cowry stands alone; its parent may go";

/// Copy what a fork reads from its parent into it, and cut the tie
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct FlattenArgs {}

/// Flattens; what is no fork stays as it is.
pub fn run(context: &mut Context, _args: &FlattenArgs) -> Outcome {
    let done = context.workspace_to_write()?.flatten()?;
    match &done {
        None => context.out.note("this is no fork: it stands alone already"),
        Some(done) => {
            let (place, grown) = (done.parent.path.display(), format_size(done.bytes));
            context.out.note(&format!("took {grown} from {place} and needs it no longer"));
            if let Some(why) = &done.pinned {
                context.out.note(&format!("{place} still keeps revision {}: {why}", done.parent.revision.0));
            }
        }
    }
    if context.out.json {
        context.out.object(&match done {
            None => json!({ "flattened": false }),
            Some(done) => json!({
                "flattened": true,
                "parent": done.parent.path.display().to_string(),
                "bytes": done.bytes,
                "chunks": done.chunks,
                "released": done.pinned.is_none(),
            }),
        })?;
    }
    Ok(0)
}
