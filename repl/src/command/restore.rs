//! `cowry restore`.

use clap::Args;
use serde_json::json;

use super::diff::paths;
use crate::context::Context;
use crate::failure::Outcome;

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry restore latest~1               everything as it was before the last revision
  cowry -w site.cowry restore 3 /out /data/a.csv     these paths only";

/// Bring files back as they were; the way there stays in the history
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct RestoreArgs {
    /// The revision that has them as they shall be
    #[arg(value_name = "REV")]
    revision: String,
    /// What to restore, with everything below it [default: everything]
    #[arg(value_name = "PATHS")]
    paths: Vec<String>,
}

/// Restores in a revision of its own.
pub fn run(context: &mut Context, args: &RestoreArgs) -> Outcome {
    let workspace = context.workspace_to_write()?;
    let wanted = workspace.resolve(&args.revision)?;
    let sealed = workspace.restore(wanted, &paths(&args.paths)?)?.map(|info| info.id);
    match &sealed {
        Some(revision) => {
            context
                .out
                .note(&format!("committed revision {}: restored from revision {}", revision.0, wanted.0));
        }
        None => context.out.note(&format!("nothing differs from revision {}", wanted.0)),
    }
    if context.out.json {
        let revision = sealed.map(|revision| revision.0);
        context.out.object(&json!({ "restored": wanted.0, "revision": revision }))?;
    }
    Ok(0)
}
