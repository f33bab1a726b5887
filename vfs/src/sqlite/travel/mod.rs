//! Workspaces that travel: a copy of the file that goes elsewhere, and a file that came from there.
//!
//! What belongs to a place stays at it: which forks read this file here, and the journals of writes to folders of this
//! host. A file that comes from elsewhere is hostile until it is proved to be a workspace that stands alone: it could
//! name a parent anywhere on this host, or bring steps to be finished on it.

mod arrive;
mod content;
mod leave;
mod succeed;

use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::SqliteOptions;
use super::open::{self, OpenError};
use crate::errno::NodeError;

pub(crate) use self::arrive::inspect;
pub(crate) use self::content::Outside;
pub(crate) use self::leave::{Free, snapshot_id};
pub(crate) use self::succeed::{UNSEALED, succeed};

/// Why a workspace cannot leave or arrive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TravelError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Node(#[from] NodeError),
    /// What came is no workspace that can be taken.
    #[error("{0}")]
    Unsound(String),
    /// What is there would lose something.
    #[error("{0}")]
    Diverged(String),
}

impl From<rusqlite::Error> for TravelError {
    fn from(error: rusqlite::Error) -> TravelError {
        TravelError::Node(error.into())
    }
}

/// Files that SQLite and this crate make beside a workspace.
const BESIDE: [&str; 6] = ["-wal", "-shm", "-journal", "-lock", "-turn", "-reading"];

/// Removes what an earlier try left beside a draft. A log of before would be taken for one of the file.
pub(crate) fn clear_beside(draft: &Path) {
    for suffix in BESIDE {
        let _ = std::fs::remove_file(beside(draft, suffix));
    }
}

/// The workspace's path with something after its name.
pub(crate) fn beside(workspace: &Path, suffix: &str) -> PathBuf {
    open::beside(workspace, suffix)
}

/// Gives a draft that nobody has open its name, if that is free.
///
/// # Errors
/// [`OpenError::Exists`]; [`OpenError::Io`].
pub(crate) fn appear(draft: &Path, target: &Path, options: &SqliteOptions) -> Result<(), TravelError> {
    Ok(open::place(draft, target, options)?)
}

/// A file beside a workspace by which one process at a time does something. It goes when that is done.
pub(crate) struct Claim {
    _file: File,
    path: PathBuf,
}

impl Claim {
    /// `None` while another one has it.
    ///
    /// # Errors
    /// If no such file can be made there.
    pub(crate) fn take(path: PathBuf) -> std::io::Result<Option<Claim>> {
        loop {
            let file = open::side_file(&path)?;
            match file.try_lock() {
                // Whoever had it removes it; a lock on what was removed protects nothing.
                Ok(()) if open::same_file(&file, &path) => return Ok(Some(Claim { _file: file, path })),
                Ok(()) => {}
                Err(std::fs::TryLockError::WouldBlock) => return Ok(None),
                Err(std::fs::TryLockError::Error(error)) => return Err(error),
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Takes out what belongs to the place where the file was: paths of that host, and where it puts content.
///
/// Kept changes of runs have an id for a key; journals have a word and a colon before it.
fn forget_place(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute("DELETE FROM main.pin", [])?;
    conn.execute("DELETE FROM main.run_changes WHERE instr(run, ':') > 0", [])?;
    conn.execute("DELETE FROM main.stray", [])?;
    conn.execute("UPDATE main.meta SET tier = NULL WHERE tier IS NOT NULL", []).map(drop)
}

/// Overwrites what is deleted, so that no trace of it travels.
fn overwrite_deleted(conn: &Connection) -> rusqlite::Result<()> {
    conn.query_row("PRAGMA main.secure_delete = ON", [], |_| Ok(()))
}
