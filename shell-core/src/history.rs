//! What can be done with the history of a workspace, beyond reading it: names, forks, pruning.

use std::path::{Path, PathBuf};

use cowry_vfs::sqlite::{
    FlattenReport, ForkError, ForkInfo, NameTaken, Parent, PruneReport, PruneRequest, Revision,
    RevisionFilter, RevisionInfo, RevisionName, SqliteLayer, SqliteOptions, WorkspaceId,
};
use cowry_vfs::{Errno, NodeError};

use crate::error::{Error, Result};
use crate::workspace::{OpenWorkspace, Workspace};

/// What becomes of a fork that is to be forgotten and is still there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ForkThere {
    /// Its revision goes on being kept, and forgetting it fails.
    #[default]
    Refuse,
    /// It is forgotten, and may lose what it reads.
    Forget,
}

impl Workspace {
    /// The sealed revisions that a filter lets through, the latest first.
    ///
    /// # Errors
    /// If it is scratch, or the file cannot be read.
    pub fn log_of(&self, filter: &RevisionFilter) -> Result<Vec<RevisionInfo>> {
        Ok(self.file("read the history of")?.revisions(filter)?)
    }

    /// What is known of one revision.
    ///
    /// # Errors
    /// If there is none, or no longer.
    pub fn revision(&self, revision: Revision) -> Result<RevisionInfo> {
        Ok(self.file("read the history of")?.revision(revision)?)
    }

    /// Gives a revision a name, which stands for it wherever a revision is asked for and keeps it from being
    /// pruned. Returns the revision that had the name.
    ///
    /// # Errors
    /// If there is no such revision, it is one of a fork's parent, or the name is taken and is not to move.
    pub fn name(
        &self,
        revision: Revision,
        name: &RevisionName,
        taken: NameTaken,
    ) -> Result<Option<Revision>> {
        self.writable("name a revision of")?;
        self.file("name a revision of")?.name_revision(revision, name, taken).map_err(told)
    }

    /// Takes a name away. Returns the revision that had it.
    ///
    /// # Errors
    /// If no revision has it.
    pub fn drop_name(&self, name: &RevisionName) -> Result<Revision> {
        self.writable("take a name from")?;
        Ok(self.file("take a name from")?.drop_name(name)?)
    }

    /// All names with their revisions, by name.
    ///
    /// # Errors
    /// If it is scratch, or the file cannot be read.
    pub fn names(&self) -> Result<Vec<(RevisionName, Revision)>> {
        Ok(self.file("read the names of")?.names()?)
    }

    /// Makes a workspace at `path` that begins as a revision of this one, the latest if none is named, and opens it.
    /// Direct writes are sealed first.
    ///
    /// A fork holds what is changed in it and reads the rest here: this file has to stay where it is until the fork
    /// is [flattened](Workspace::flatten).
    ///
    /// # Errors
    /// If there is a file at `path` already, there is no such revision, or ten files are below this one.
    pub fn fork(&self, path: impl AsRef<Path>, revision: Option<Revision>) -> Result<Workspace> {
        self.writable("fork")?;
        let file = self.file("fork")?;
        let fork = match revision {
            Some(revision) => file.fork(path, revision)?,
            None => {
                self.seal(None)?;
                file.fork_latest(path)?
            }
        };
        let how = OpenWorkspace {
            runtime: Some(self.runtime().clone()),
            clock: self.clock(),
            busy_timeout: file.options().busy_timeout,
            ..OpenWorkspace::default()
        };
        Ok(Workspace::of_file(fork, &how))
    }

    /// What tells this workspace from all others, wherever its file lies.
    ///
    /// # Errors
    /// If it is scratch, or the file cannot be read.
    pub fn id(&self) -> Result<WorkspaceId> {
        Ok(self.file("tell the id of")?.id()?)
    }

    /// Whether something was written directly and is not sealed yet.
    ///
    /// # Errors
    /// If it is scratch, or the file cannot be read.
    pub fn has_unsealed_changes(&self) -> Result<bool> {
        Ok(self.file("look into")?.has_open_changes()?)
    }

    /// What this is a fork of, if it is one.
    ///
    /// # Errors
    /// If it is scratch, or the file cannot be read.
    pub fn parent(&self) -> Result<Option<Parent>> {
        Ok(self.file("look for the parent of")?.parent()?)
    }

    /// The forks of this workspace, the oldest first. One that is not there any more is listed until it is
    /// [forgotten](Workspace::forget_fork).
    ///
    /// # Errors
    /// If it is scratch, or the file cannot be read.
    pub fn forks(&self) -> Result<Vec<ForkInfo>> {
        Ok(self.file("list the forks of")?.forks()?)
    }

    /// Lets go of the revision that is kept for a fork, named by its file or the beginning of its id. One that is still
    /// there may lose what it reads here.
    ///
    /// # Errors
    /// If there is no such fork, several are meant, or it is still there and is not to be forgotten then.
    pub fn forget_fork(&self, fork: &str, there: ForkThere) -> Result<ForkInfo> {
        self.writable("forget a fork of")?;
        let place = std::path::absolute(fork).unwrap_or_else(|_| PathBuf::from(fork));
        let is_meant = |info: &ForkInfo| {
            info.path == place
                || place.canonicalize().is_ok_and(|place| info.path == place)
                || !fork.is_empty() && info.workspace.to_string().starts_with(fork)
        };
        let mut meant: Vec<ForkInfo> = self.forks()?.into_iter().filter(is_meant).collect();
        match (meant.pop(), meant.len()) {
            (None, _) => {
                Err(Error::Usage(format!("no fork {fork} is known: `cowry fork --list` lists them")))
            }
            (Some(info), 0) if info.is_there && there == ForkThere::Refuse => {
                let path = info.path.display();
                Err(Error::Usage(format!(
                    "{path} is still there and reads revision {}: flatten or remove it first; --force forgets it all the same",
                    info.revision.0
                )))
            }
            (Some(info), 0) => {
                self.file("forget a fork of")?.forget_fork(info.workspace)?;
                Ok(info)
            }
            _ => Err(Error::Usage(format!("{fork} means several forks: give more of the id"))),
        }
    }

    /// Copies everything into a fork that it reads from the workspaces it stands on; then it stands alone, and
    /// its history begins with the revision that was forked. `None`: it is no fork.
    ///
    /// This object may go on to read from the parent's file: open the workspace again before that file goes.
    ///
    /// # Errors
    /// If it is read-only or scratch, or the file cannot be written.
    pub fn flatten(&self) -> Result<Option<FlattenReport>> {
        self.writable("flatten")?;
        Ok(self.file("flatten")?.flatten()?)
    }

    /// Forgets revisions. The latest, the first, and those with a name or a fork stay. What only the others could reach
    /// is given back by [`gc`](Workspace::gc).
    ///
    /// # Errors
    /// If it is read-only or scratch, or somebody reads a revision for longer than one waits.
    pub fn prune(&self, request: &PruneRequest) -> Result<PruneReport> {
        self.writable("prune")?;
        Ok(self.file("prune")?.prune(request)?)
    }

    /// Tells a fork that cannot be opened, because its parent was moved, where that is.
    ///
    /// # Errors
    /// If that is not what was forked, or one of the two cannot be opened.
    pub fn move_parent(fork: impl AsRef<Path>, parent: impl AsRef<Path>) -> Result<()> {
        Ok(SqliteLayer::move_parent(fork, parent, &SqliteOptions::default())?)
    }
}

/// Being taken or a parent's is no failure of the workspace; the layer says in words what it is.
fn told(error: NodeError) -> Error {
    match std::error::Error::source(&error) {
        Some(what) if error == Errno::EEXIST || error == Errno::EPERM => Error::Usage(what.to_string()),
        _ => error.into(),
    }
}

impl From<ForkError> for Error {
    fn from(error: ForkError) -> Error {
        match error {
            ForkError::Open(error) => error.into(),
            ForkError::Node(error) => error.into(),
        }
    }
}
