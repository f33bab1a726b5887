//! Why a workspace does not open, and what goes wrong with one that is open.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use super::super::lineage::ANCESTORS_MAX;
use crate::errno::{Errno, NodeError};

/// Why a workspace could not be opened or made. Each message says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no such file.
    #[error("no such workspace: {path}", path = path.display())]
    NotFound {
        /// The file.
        path: PathBuf,
    },
    /// A workspace was to be made where a file already is.
    #[error("{path} already exists: open it, or choose another name", path = path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("not a Cowry workspace: {path} ({why})", path = path.display())]
    NotAWorkspace {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        why: &'static str,
    },
    /// The file's format is newer than this code.
    #[error(
        "{path} was made by a newer version (schema {found}, this one knows {supported}): upgrade cowry",
        path = path.display()
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i32,
        /// The newest format known here.
        supported: i32,
    },
    /// Another process held the file for longer than the timeout.
    #[error("{path} is locked by another process; try again or stop it", path = path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The file was a workspace and is damaged.
    #[error(
        "{path} is damaged: save what can be read with `cowry check --salvage DIR`, or restore a copy",
        path = path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// What the fork stands on is not where it was.
    #[error(
        "{path} is a fork of {parent}, which is not there: put it back, or say where it is with `cowry -w {path} \
         fork --parent FILE`",
        path = path.display(), parent = parent.display()
    )]
    ParentMissing {
        /// The fork.
        path: PathBuf,
        /// Where its parent should be.
        parent: PathBuf,
    },
    /// Something else is where the fork's parent was.
    #[error(
        "{parent} is not the workspace that {path} was forked from, or an older copy of it: put the right one there, \
         or say where it is with `cowry -w {path} fork --parent FILE`",
        path = path.display(), parent = parent.display()
    )]
    ParentReplaced {
        /// The fork.
        path: PathBuf,
        /// What is not its parent.
        parent: PathBuf,
    },
    /// The fork stands on more files than can be opened at once.
    #[error(
        "{path} stands on more than {max} other workspaces: run `cowry -w {file} flatten` first",
        path = path.display(), file = file.display(), max = ANCESTORS_MAX
    )]
    TooDeep {
        /// The fork, or what would be one.
        path: PathBuf,
        /// A file that could do without those below it.
        file: PathBuf,
    },
    /// The file is damaged where it says what is where.
    #[error("nothing can be read of {path}: restore a copy", path = path.display())]
    Hopeless {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The file cannot be read or written.
    #[error("cannot open {path}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system or SQLite says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl OpenError {
    pub(in crate::sqlite) fn sqlite(path: &Path, source: rusqlite::Error) -> OpenError {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => OpenError::NotAWorkspace { path, why: "not an SQLite file" },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Locked { path },
            Some(ErrorCode::DatabaseCorrupt) => OpenError::Corrupt { path, source },
            _ => OpenError::Io { path, source: source.into() },
        }
    }

    pub(in crate::sqlite) fn io(path: &Path, source: std::io::Error) -> OpenError {
        match source.kind() {
            std::io::ErrorKind::NotFound => OpenError::NotFound { path: path.to_owned() },
            _ => OpenError::Io { path: path.to_owned(), source: source.into() },
        }
    }
}

/// What an operation on the open file may run into.
impl From<rusqlite::Error> for NodeError {
    fn from(error: rusqlite::Error) -> NodeError {
        let errno = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Errno::ENOSPC,
            Some(ErrorCode::ReadOnly) => Errno::EROFS,
            Some(ErrorCode::TooBig) => Errno::EFBIG,
            Some(ErrorCode::OutOfMemory) => Errno::ENOMEM,
            // Retryable: nothing was changed, and the other process will be done some time.
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                return NodeError::with_source(
                    Errno::EBUSY,
                    "the workspace is locked by another process; try again or stop it",
                );
            }
            _ => Errno::EIO,
        };
        NodeError::with_source(errno, error)
    }
}
