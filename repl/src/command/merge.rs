//! `cowry merge`.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use cowry_shell_core::{OpenWorkspace, Workspace};

use super::merge_args::{Decisions, Look, outcome};
use crate::context::Context;
use crate::failure::{Failure, Outcome};

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry merge try.cowry                what try.cowry changed since it was forked
  cowry -w try.cowry merge --from-parent             the other way round
  cowry -w site.cowry merge try.cowry --dry-run
  cowry -w site.cowry merge try.cowry --show /a.txt theirs
  cowry -w site.cowry merge try.cowry --theirs='/out/**' --ours
  cowry -w site.cowry merge try.cowry --resolve /a.txt=settled.txt --csv-key '/data/*.csv=id'

Text is merged by lines, .json by keys, CSV by rows where --csv-key names what tells them apart.
With a conflict that nothing settles nothing is changed, and the status is 122.";

/// Merge what a fork changed into this workspace, as one revision
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct MergeArgs {
    /// The workspace to merge: a fork of this one, its parent, or another fork of that
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath, required_unless_present = "from_parent")]
    file: Option<PathBuf>,
    /// Merges what this workspace is a fork of
    #[arg(long, conflicts_with = "file")]
    from_parent: bool,
    #[command(flatten)]
    decisions: Decisions,
    #[command(flatten)]
    look: Look,
    /// What to say about the revision
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
}

/// Merges, or shows what would come of it.
pub fn run(context: &mut Context, args: &MergeArgs) -> Outcome {
    let mut options = args.decisions.options(args.look.is_dry())?;
    options.message.clone_from(&args.message);
    let workspace =
        if options.dry_run { context.workspace_to_read()? } else { context.workspace_to_write()? };
    let path = match &args.file {
        Some(file) => file.clone(),
        None => parent(&workspace)?,
    };
    let other = open(&path, options.dry_run)?;
    let report = workspace.merge(&other, &options)?;
    let what = format!("{} revision {}", path.display(), report.theirs.map_or(0, |revision| revision.0));
    outcome(context, &report, &what, (&args.decisions, &args.look))
}

fn parent(workspace: &Workspace) -> Outcome<PathBuf> {
    match workspace.parent()? {
        Some(parent) => Ok(parent.path),
        None => Err(Failure::new("the workspace is no fork, so it has no parent: name the FILE to merge")),
    }
}

/// The other workspace; to be written only if something in it is not sealed yet.
fn open(path: &std::path::Path, dry_run: bool) -> Outcome<Workspace> {
    let to_read = OpenWorkspace { read_only: true, ..OpenWorkspace::default() };
    let workspace = Workspace::open(path, &to_read)?;
    if dry_run || !workspace.has_unsealed_changes()? {
        return Ok(workspace);
    }
    Ok(Workspace::open(path, &OpenWorkspace::default())?)
}
