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
use cowry_shell_core::{Errno, RevisionError, RevisionPath, VPathBuf, Vfs, Workspace};

use crate::context::Context;
use crate::failure::{Failure, Outcome};
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
        let Some(spec) = self.parsed.revision.clone() else {
            let tree = workspace.fs();
            self.refuse_half(workspace, &tree)?;
            return Ok(tree);
        };
        let named = self.text.split_once(":/").map_or(self.text.as_str(), |(revision, _)| revision);
        Ok(workspace.fs_at(workspace.resolve_spec(spec, named)?)?)
    }
}

impl Place {
    /// `latest~1:a` is a path like others; but where there is none, and there is such a revision, it was meant.
    fn refuse_half(&self, workspace: &Workspace, tree: &Vfs) -> Outcome<()> {
        let first = self.text.split('/').next().unwrap_or_default();
        let Some((revision, _)) = first.rsplit_once(':') else { return Ok(()) };
        let is_missing = tree.lstat(self.path()).is_err_and(|error| error.errno() == Errno::ENOENT);
        if !is_missing || workspace.resolve(revision).is_err() {
            return Ok(());
        }
        let (path, rest) = (self.path(), &self.text[revision.len() + 1..]);
        Err(Failure::new(format!("there is no {path}: in revision {revision} it is {revision}:/{rest}")))
    }
}

/// A path that is to be changed. What was in a revision cannot be.
fn path_now(text: &str) -> Outcome<VPathBuf> {
    if let Some((revision, path)) = text.split_once(":/").filter(|(revision, _)| !revision.contains('/')) {
        return Err(Failure::new(format!(
            "{text} is a path in a revision, which cannot be changed: write /{path}, or ./{text} if \"{revision}:\" is \
             a directory"
        )));
    }
    VPathBuf::parse(&format!("/{text}")).map_err(|error| Failure::new(format!("{error}: {text}")))
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
