//! `cowry fork`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use cowry_shell_core::{ForkInfo, ForkThere, Workspace};
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::render::{Table, iso};

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry fork try.cowry                 begin another workspace as this one is now
  cowry -w site.cowry fork old.cowry --rev latest~3
  cowry -w site.cowry fork --list
  cowry -w site.cowry fork --forget try.cowry        a fork that is gone keeps a revision no longer
  cowry -w try.cowry fork --parent moved.cowry       where the workspace is that try.cowry is a fork of

A fork holds what is changed in it and reads the rest from its parent, which has to stay;
`cowry flatten` makes it stand alone.";

/// Begin another workspace as a revision of this one, at once, however large it is
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ForkArgs {
    /// The new workspace
    #[arg(
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        required_unless_present_any = ["list", "forget", "parent"]
    )]
    file: Option<PathBuf>,
    /// The revision that it begins as [default: latest]
    #[arg(long, value_name = "REV", requires = "file")]
    rev: Option<String>,
    /// Lists the forks of this workspace
    #[arg(long, conflicts_with_all = ["file", "forget", "parent"])]
    list: bool,
    /// Lets go of the revision kept for a fork: its file, or the beginning of its id
    #[arg(long, value_name = "FORK", conflicts_with_all = ["file", "parent"])]
    forget: Option<String>,
    /// Forgets a fork that is still there, too: it may lose what it reads here
    #[arg(long, requires = "forget")]
    force: bool,
    /// Tells this workspace, a fork, where its parent was moved to
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "file")]
    parent: Option<PathBuf>,
}

/// Forks, lists forks, forgets one, or finds a parent again.
pub fn run(context: &mut Context, args: &ForkArgs) -> Outcome {
    match args {
        ForkArgs { file: Some(file), rev, .. } => fork(context, file, rev.as_deref()),
        ForkArgs { forget: Some(fork), force, .. } => forget(context, fork, *force),
        ForkArgs { parent: Some(parent), .. } => move_parent(context, parent),
        _ => list(context),
    }
}

fn fork(context: &mut Context, file: &Path, rev: Option<&str>) -> Outcome {
    let workspace = context.workspace_to_write()?;
    let revision = rev.map(|rev| workspace.resolve(rev)).transpose()?;
    let fork = workspace.fork(file, revision)?;
    let (head, id) = (fork.head()?.0, fork.id()?);
    context.out.note(&format!("forked revision {head} as {}", file.display()));
    if context.out.json {
        context.out.object(&json!({
            "fork": file.display().to_string(), "workspace": id.to_string(), "revision": head,
        }))?;
    }
    Ok(0)
}

fn list(context: &mut Context) -> Outcome {
    let workspace = context.workspace_to_read()?;
    let (forks, parent) = (workspace.forks()?, workspace.parent()?);
    if context.out.json {
        let parent = parent.map(|parent| {
            json!({
                "path": parent.path.display().to_string(),
                "workspace": parent.workspace.to_string(),
                "revision": parent.revision.0,
            })
        });
        let forks: Vec<Value> = forks.iter().map(object).collect();
        context.out.object(&json!({ "parent": parent, "forks": forks }))?;
        return Ok(0);
    }
    if let Some(parent) = &parent {
        let place = parent.path.display();
        context.out.note(&format!("this is a fork of {place}, revision {}", parent.revision.0));
    }
    if forks.is_empty() {
        context.out.note("no forks");
    }
    let mut table = Table::new(&[0]);
    for fork in &forks {
        let gone = if fork.is_there { "" } else { "not there: moved (open it once) or gone (--forget)" };
        table.row([
            fork.revision.0.to_string(),
            iso(fork.at),
            fork.workspace.to_string()[..8].to_owned(),
            fork.path.display().to_string(),
            gone.to_owned(),
        ]);
    }
    let style = context.out.style;
    let painted = |_: usize, column: usize, cell: &str| match column {
        3 => style.strong(cell),
        1 | 4 => style.faint(cell),
        _ => cell.to_owned(),
    };
    context.out.lines(table.lines(painted))?;
    Ok(0)
}

fn object(fork: &ForkInfo) -> Value {
    json!({
        "path": fork.path.display().to_string(),
        "workspace": fork.workspace.to_string(),
        "revision": fork.revision.0,
        "made": iso(fork.at),
        "there": fork.is_there,
    })
}

fn forget(context: &mut Context, fork: &str, force: bool) -> Outcome {
    let there = if force { ForkThere::Forget } else { ForkThere::Refuse };
    let forgotten = context.workspace_to_write()?.forget_fork(fork, there)?;
    let (place, revision) = (forgotten.path.display(), forgotten.revision.0);
    context.out.note(&format!("revision {revision} is no longer kept for {place}"));
    if context.out.json {
        context.out.object(&json!({ "forgotten": object(&forgotten) }))?;
    }
    Ok(0)
}

fn move_parent(context: &mut Context, parent: &Path) -> Outcome {
    let fork = context
        .workspace_file()
        .ok_or_else(|| Failure::new("which fork? name it with -w FILE or COWRY_WORKSPACE"))?
        .to_owned();
    Workspace::move_parent(&fork, parent)?;
    context.out.note(&format!("{} is a fork of {}", fork.display(), parent.display()));
    if context.out.json {
        context.out.object(&json!({
            "fork": fork.display().to_string(), "parent": parent.display().to_string(),
        }))?;
    }
    Ok(0)
}
