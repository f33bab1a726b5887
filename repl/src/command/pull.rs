//! `cowry pull`.

use clap::Args;
use cowry_shell_core::push::{Location, PullOptions, PushInfo, PushName, pull};

use crate::command::push::{object, tell};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::progress::Progress;
use crate::render::counted;

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry pull s3://bucket/workspaces    the latest push of \"site\"
  cowry -w copy.cowry pull s3://bucket/workspaces --name site --number 3

The file appears when all of it is there and was checked. If it is there already it has to be an
older state of the same workspace with nothing of its own in it; only what it lacks is fetched.
A pull that was killed goes on where it was.";

/// Copy a workspace from a bucket, or bring one up to date
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct PullArgs {
    /// The bucket and the prefix in it that it was pushed to
    #[arg(value_name = "ADDRESS")]
    address: Location,
    /// What it is called there [default: the name of the workspace's file, or the only one there]
    #[arg(long)]
    name: Option<PushName>,
    /// Which push of it [default: the latest]
    #[arg(long, value_name = "NUMBER")]
    number: Option<u64>,
}

/// Pulls.
pub fn run(context: &mut Context, args: &PullArgs) -> Outcome {
    let file = context
        .workspace_file()
        .ok_or_else(|| Failure::new("into which file? name it with -w FILE or COWRY_WORKSPACE"))?
        .to_owned();
    let options = PullOptions { name: args.name.clone(), number: args.number, ..PullOptions::default() };
    let mut progress = Progress::new(&context.out, "pulling");
    let pulled = pull(&args.address, &file, &options, &mut |at| tell(&mut progress, at))?;
    drop(progress);
    let PushInfo { name, number, revision, .. } = &pulled.info;
    let (file, fetched, of) = (file.display(), pulled.fetched_blocks, counted(pulled.blocks, "block"));
    context.out.note(&match pulled.unchanged {
        true => format!("nothing to pull: {file} has revision {revision} of {name}"),
        false => format!(
            "pulled revision {revision} of {name} (push {number}) into {file}: fetched {fetched} of {of}"
        ),
    });
    if pulled.pieces > 0 && !pulled.unchanged {
        let pieces = counted(pulled.pieces, "piece");
        context.out.note(&format!(
            "big content stays at {} ({pieces}) and is read there; `cowry content --local --move` brings it into the file",
            args.address
        ));
    }
    if context.out.json {
        let mut told = object(&pulled.info);
        told["unchanged"] = pulled.unchanged.into();
        told["created"] = pulled.created.into();
        told["blocks"] = pulled.blocks.into();
        told["fetchedBlocks"] = pulled.fetched_blocks.into();
        told["piecesInBucket"] = pulled.pieces.into();
        context.out.object(&told)?;
    }
    Ok(0)
}
