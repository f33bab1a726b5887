//! Workspaces in a bucket: pushed there, listed, pulled from there.

use std::path::Path;

use cowry_vfs::object::push::{self, PushError};
use cowry_vfs::object::{Bucket, Connect};
use cowry_vfs::sqlite::SqliteOptions;

pub use cowry_vfs::object::push::{
    Content, PrunePushes, PrunedPushes, PullOptions, Pulled, PushInfo, PushName, PushNameError, PushOptions,
    PushProgress, Pushed, Stage,
};
pub use cowry_vfs::object::{Location, LocationError};

use crate::error::{Error, Result};
use crate::workspace::Workspace;

impl Workspace {
    /// Pushes this workspace, or one revision of it, to a bucket. Direct writes are sealed first. What is there already
    /// is not sent again; a push that was killed goes on where it was.
    ///
    /// # Errors
    /// If it is scratch, the bucket cannot be used or holds something else, or what was pushed last is not part of this
    /// workspace's history.
    pub fn push(
        &self,
        to: &Location,
        options: &PushOptions,
        on_progress: &mut dyn FnMut(PushProgress),
    ) -> Result<Pushed> {
        let file = self.file("push")?;
        let bucket = open(to)?;
        if !self.is_read_only() {
            self.seal(None)?;
        }
        Ok(push::push(&bucket, file, options, on_progress)?)
    }
}

/// Pulls a workspace from a bucket into a file that is not there, or that is an older state of the same workspace. It
/// appears, or takes everything, at once; a pull that was killed goes on where it was.
///
/// # Errors
/// If the bucket cannot be used or nothing of that name is in it; if something that is only in the file would be lost,
/// or somebody has it open; if what was pushed is damaged.
pub fn pull(
    from: &Location,
    target: &Path,
    options: &PullOptions,
    on_progress: &mut dyn FnMut(PushProgress),
) -> Result<Pulled> {
    let how = SqliteOptions { chunk_folder: crate::cache::folder()?, ..SqliteOptions::default() };
    Ok(push::pull(&open(from)?, target, &how, options, on_progress)?)
}

/// The pushes that are in a bucket, by name and number, and in words what cannot be read.
///
/// # Errors
/// If the bucket cannot be used or holds something else.
pub fn list_pushes(at: &Location) -> Result<(Vec<PushInfo>, Vec<String>)> {
    let (pushes, unreadable) = push::list_pushes(&open(at)?)?;
    Ok((pushes, unreadable.iter().map(ToString::to_string).collect()))
}

/// Removes old pushes and what no push needs.
///
/// # Errors
/// If the bucket cannot be used, or somebody pushes to it.
pub fn prune_pushes(at: &Location, request: &PrunePushes) -> Result<PrunedPushes> {
    Ok(push::prune_pushes(&open(at)?, request)?)
}

/// Removes one push, also one that is damaged. What only it needs goes when pushes are pruned.
///
/// # Errors
/// If the bucket cannot be used, somebody pushes to it, or there is no such push.
pub fn remove_push(at: &Location, name: &PushName, number: u64) -> Result<()> {
    Ok(push::remove_push(&open(at)?, name, number)?)
}

fn open(at: &Location) -> Result<Bucket> {
    Ok(Bucket::open(at, Connect::default()).map_err(PushError::from)?)
}

impl From<PushError> for Error {
    fn from(error: PushError) -> Error {
        match error {
            PushError::Open(error) => error.into(),
            PushError::Node(error) => error.into(),
            PushError::Host { what, path, source } => Error::Host { what, path, source },
            PushError::Conflict(why) => Error::Diverged(why),
            other => Error::Push(other.to_string()),
        }
    }
}
