//! `cowry fs`: the files of a workspace, by hand.

mod cat;
mod export;
mod get;
mod holes;
mod import;
mod ls;
mod put;
mod rm;
pub mod totals;
mod tree;

use std::str::FromStr;

use clap::{Args, Subcommand};
use cowry_shell_core::{RevisionError, RevisionPath, VPathBuf, Vfs, Workspace};

use crate::context::Context;
use crate::failure::Outcome;
use crate::render::shown;

const EXAMPLES: &str = "\
Examples:
  cowry -w site.cowry fs import ./data /data
  cowry -w site.cowry fs tree
  cowry -w site.cowry fs cat latest~1:/out/summary.json

A path is absolute in the workspace. REV:/path reads it as it was: REV is a number, a name,
latest, latest~N, or a time.";

/// List, read and change the files of a workspace
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct FsArgs {
    #[command(subcommand)]
    command: FsCommand,
}

#[derive(Subcommand, Debug)]
enum FsCommand {
    Ls(ls::LsArgs),
    Cat(cat::CatArgs),
    Put(put::PutArgs),
    Get(get::GetArgs),
    Tree(tree::TreeArgs),
    Rm(rm::RmArgs),
    Import(import::ImportArgs),
    Export(export::ExportArgs),
}

/// Runs one of them.
pub fn run(context: &mut Context, args: FsArgs) -> Outcome {
    match args.command {
        FsCommand::Ls(args) => ls::run(context, &args),
        FsCommand::Cat(args) => cat::run(context, &args),
        FsCommand::Put(args) => put::run(context, &args),
        FsCommand::Get(args) => get::run(context, &args),
        FsCommand::Tree(args) => tree::run(context, &args),
        FsCommand::Rm(args) => rm::run(context, &args),
        FsCommand::Import(args) => import::run(context, &args),
        FsCommand::Export(args) => export::run(context, &args),
    }
}

/// A path that may name the revision it is read in, as it was given.
#[derive(Clone, Debug)]
struct Place {
    text: String,
    parsed: RevisionPath,
}

impl FromStr for Place {
    type Err = RevisionError;

    fn from_str(text: &str) -> Result<Place, RevisionError> {
        Ok(Place { text: text.to_owned(), parsed: text.parse()? })
    }
}

impl Place {
    /// The path, without the revision.
    fn path(&self) -> &VPathBuf {
        &self.parsed.path
    }

    /// The tree that it is read in.
    fn tree(&self, workspace: &Workspace) -> Outcome<Vfs> {
        let Some(spec) = self.parsed.revision.clone() else { return Ok(workspace.fs()) };
        let named = self.text.split_once(":/").map_or(self.text.as_str(), |(revision, _)| revision);
        Ok(workspace.fs_at(workspace.resolve_spec(spec, named)?)?)
    }
}

/// Seals what a command has changed and says so: `committed revision 3: put /a`.
fn seal(context: &mut Context, workspace: &Workspace, message: &str) -> Outcome<Option<u64>> {
    let sealed = workspace.seal(Some(message))?.map(|info| info.id.0);
    match sealed {
        Some(revision) => context.out.note(&format!("committed revision {revision}: {}", shown(message))),
        None => context.out.note("nothing changed"),
    }
    Ok(sealed)
}
