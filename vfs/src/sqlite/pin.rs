//! What a workspace remembers of its forks: the revision that each of them reads, which stays for it, and where it is.
//!
//! A fork may be moved without its parent being told. Whoever opens it then tells the parent, as far as that can be
//! written; and who looks at the list is told of those that are not where they were.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};

use super::fork::{Place, WorkspaceId};
use super::open::id_at;
use super::revision::Revision;
use super::tx::Tx;
use super::{SqliteLayer, SqliteOptions};
use crate::clock::Timestamp;
use crate::errno::{Errno, NodeError, NodeResult};

/// A fork as its parent remembers it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ForkInfo {
    /// Its id.
    pub workspace: WorkspaceId,
    /// The revision that was forked, which cannot be pruned.
    pub revision: Revision,
    /// Where it was made, or was when it was opened last.
    pub path: PathBuf,
    /// When it was made.
    pub at: Timestamp,
    /// Whether it still is at that place. If not, it was removed, or moved and not opened since.
    pub is_there: bool,
}

/// How long the opening of a fork waits for a parent that is being written. It can be told the next time.
const PATIENCE: Duration = Duration::from_secs(1);

impl ForkInfo {
    /// Looks whether the fork is where it was.
    pub(super) fn look(&mut self) {
        self.is_there = lies_at(&self.path, self.workspace);
    }
}

/// Whether this workspace lies there. What cannot be looked into is taken to be it.
fn lies_at(path: &Path, id: WorkspaceId) -> bool {
    path.is_file() && id_at(path).map_or(true, |found| found == Some(id.0))
}

/// The forks of a workspace, or those of one of its revisions, the oldest first. Nobody has looked after them.
fn pins(conn: &Connection, rev: Option<i64>) -> NodeResult<Vec<ForkInfo>> {
    let mut statement = conn.prepare_cached(
        "SELECT workspace, rev, path, at FROM main.pin WHERE ?1 IS NULL OR rev = ?1 ORDER BY at, path",
    )?;
    let row = |row: &rusqlite::Row<'_>| {
        Ok(ForkInfo {
            workspace: WorkspaceId(row.get(0)?),
            revision: Revision(row.get::<_, i64>(1)? as u64),
            path: PathBuf::from(row.get::<_, String>(2)?),
            at: Timestamp(row.get(3)?),
            is_there: false,
        })
    };
    Ok(statement.query_map([rev], row)?.collect::<Result<_, _>>()?)
}

impl SqliteLayer {
    /// The forks of this workspace that were not flattened or forgotten, the oldest first.
    ///
    /// # Errors
    /// `EIO` if the file cannot be read.
    pub fn forks(&self) -> NodeResult<Vec<ForkInfo>> {
        let mut forks = self.read_now(|view| pins(view.conn, None))?;
        forks.iter_mut().for_each(ForkInfo::look);
        Ok(forks)
    }

    /// Lets go of the revision that was kept for a fork: the fork is gone, or is given up. Whether it was known.
    ///
    /// # Errors
    /// `EROFS`, `EIO`.
    pub fn forget_fork(&self, fork: WorkspaceId) -> NodeResult<bool> {
        self.change(|tx| Ok(tx.execute("DELETE FROM main.pin WHERE workspace = ?1", [fork.0])? > 0))
    }

    /// Tells the parent of this fork where the fork is, if the parent knows nothing of it or looks for it elsewhere, in
    /// vain: of two copies the first one is remembered. A parent that cannot be told now is told the next time.
    pub(super) fn renew_pin(&self) {
        if let Some(parent) = self.shared.lineage.ancestors().first() {
            let _ = self.tell(&parent.path, Revision(parent.limit as u64));
        }
    }

    fn tell(&self, parent: &Path, rev: Revision) -> NodeResult<()> {
        let path = self.path().canonicalize().map_err(NodeError::io)?;
        let place = Place::of(parent, &path)?.child;
        let id = self.id()?;
        let known = self.read_now(|view| {
            let sql = "SELECT path, rev FROM a1.pin WHERE workspace = ?1";
            let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?));
            Ok(view.conn.query_row(sql, [id.0], row).optional()?)
        })?;
        let is_right = known.is_some_and(|(known, pinned)| {
            pinned == rev.0 as i64 && (known == place || lies_at(Path::new(&known), id))
        });
        if is_right {
            return Ok(());
        }
        let busy_timeout = self.options().busy_timeout.min(PATIENCE);
        let options = SqliteOptions { busy_timeout, ..self.options().clone() };
        let parent = SqliteLayer::open(parent, &options).map_err(|_| NodeError::from(Errno::EIO))?;
        parent.keep_for(id, rev, &place)
    }

    /// Keeps a revision for a fork that is at `place`.
    pub(super) fn keep_for(&self, fork: WorkspaceId, rev: Revision, place: &str) -> NodeResult<()> {
        self.change(|tx| tx.pin(fork, rev, place))
    }
}

impl Tx<'_> {
    /// Keeps a revision for a fork, or says where the fork is by now.
    pub(super) fn pin(&mut self, fork: WorkspaceId, rev: Revision, place: &str) -> NodeResult<()> {
        self.require_revision(rev)?;
        self.execute(
            "INSERT INTO main.pin(workspace, rev, path, at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT(workspace) DO UPDATE SET rev = excluded.rev, path = excluded.path",
            (fork.0, rev.0 as i64, place, self.now),
        )?;
        Ok(())
    }

    /// The first fork of a revision, if there is one.
    pub(super) fn fork_on(&self, rev: i64) -> NodeResult<Option<ForkInfo>> {
        Ok(pins(self.conn, Some(rev))?.into_iter().next())
    }
}
