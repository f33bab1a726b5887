//! A workspace: a tree with its history in one SQLite file.
//!
//! Every row says from which revision until which it is valid, so a snapshot is a number and a diff a scan of what
//! changed. Changes go to the one *open revision*, the latest sealed one plus one: rows that begin in it are changed in
//! place, others are ended and begun anew. It is as durable as all others; sealing only makes it history.
//!
//! Two departures from the first design. Instead of a writer thread that gathers what is waiting there is a lock whose
//! holders share transactions (`turn`), and [`Layer::batch`]: whoever is alone pays for no hand-over. And the
//! side file says who has the workspace open, not who runs something on it: nothing here deletes what a sealed
//! revision can reach, so collecting garbage never has to wait for a run to end.

mod bulk;
mod check;
mod chunk;
mod commit;
mod conflict;
mod content;
mod diff;
mod durability;
mod entry;
mod expire;
mod extent;
mod flatten;
mod foreign;
mod fork;
mod gc;
mod hold;
mod inode;
mod lineage;
mod log;
mod merged;
mod names;
mod open;
mod parting;
mod paths;
mod pending;
mod pin;
mod place;
mod prune;
mod recent;
mod restore;
mod revision;
mod runs;
mod schema;
mod snapshot;
mod tier;
#[cfg(feature = "object")]
pub(crate) mod travel;
mod turn;
mod tx;
mod usage;
mod view;

#[cfg(test)]
mod tests;

use std::any::Any;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use self::lineage::Lineage;
use self::open::Shared;
use self::schema::ROOT;
use self::turn::WriterLock;
use self::tx::Writer;
use crate::clock::{Clock, SystemClock};
use crate::errno::{Errno, NodeResult};
use crate::layer::Layer;
use crate::node::{
    Allocate, DirEntry, Features, Ino, NewAttr, NewNode, RenameMode, SeekTo, SetAttr, Stat, StatFs, XattrMode,
};
use crate::path::Name;
use crate::savepoint::Savepoint;

pub use self::check::{CheckReport, RepairReport, SalvageReport, salvage};
pub use self::commit::{CommitError, CommitRequest, Committed, Prepared};
pub use self::conflict::{Conflict, ConflictKind};
pub use self::durability::Durability;
pub use self::flatten::FlattenReport;
pub use self::fork::{ForkError, Parent, WorkspaceId};
pub use self::gc::GcReport;
pub use self::log::RevisionFilter;
pub use self::merged::{BaseOwner, Kinship, MergeRecord, Merging};
pub use self::names::{NameTaken, RevisionName, RevisionNameError};
pub use self::open::OpenError;
pub use self::pin::ForkInfo;
pub use self::prune::{KeptFor, PruneReport, PruneRequest};
pub use self::revision::{Revision, RevisionInfo, RevisionKind, SealInfo};
pub use self::runs::{KeptChanges, RunRow};
pub use self::snapshot::Snapshot;
pub use self::tier::{Ahead, ChunkFolder, ContentForm, ContentHome, ContentTier, ContentUse, Piece, Sent};
#[cfg(feature = "object")]
pub use self::tier::{BucketReport, MoveReport, Moved, OpenBucket, SweepReport, is_lost_content};
pub use self::usage::Quota;

/// How to open a workspace.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// Where times come from.
    pub clock: Arc<dyn Clock>,
    /// Refuses every change with `EROFS`.
    pub read_only: bool,
    /// How long to wait for another process that is writing, before `EBUSY`.
    pub busy_timeout: Duration,
    /// When a change has reached the disk, at best: a workspace that is set to less has less. What a new workspace is
    /// set to.
    pub durability: Durability,
    /// The most bytes of changes kept of runs that were not committed; the oldest go first.
    pub kept_changes_bytes: u64,
    /// The most run records kept; the oldest go first.
    pub run_records: u32,
    /// Where content from buckets is kept for the next time.
    pub chunk_folder: ChunkFolder,
    /// How buckets are opened.
    #[cfg(feature = "object")]
    pub buckets: OpenBucket,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        SqliteOptions {
            clock: Arc::new(SystemClock),
            read_only: false,
            busy_timeout: Duration::from_secs(30),
            durability: Durability::Fsync,
            kept_changes_bytes: 256 << 20,
            run_records: 10_000,
            chunk_folder: ChunkFolder::default(),
            #[cfg(feature = "object")]
            buckets: OpenBucket::default(),
        }
    }
}

/// A workspace file, as its newest state: sealed history plus the open revision.
///
/// As a [`Layer`] it is what is there now; [`SqliteLayer::at`] gives a sealed revision. Several processes may have
/// one file open; they take turns writing.
pub struct SqliteLayer {
    writer: WriterLock,
    shared: Arc<Shared>,
}

impl SqliteLayer {
    /// Makes a workspace with an empty root directory, and opens it.
    ///
    /// # Errors
    /// [`OpenError::Exists`] if there is a file already; [`OpenError::Io`].
    pub fn create(path: impl AsRef<Path>, options: &SqliteOptions) -> Result<SqliteLayer, OpenError> {
        open::create(path.as_ref(), options)?;
        SqliteLayer::open(path, options)
    }

    /// Opens a workspace.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(path: impl AsRef<Path>, options: &SqliteOptions) -> Result<SqliteLayer, OpenError> {
        let path = path.as_ref();
        let place = place::Place::of(path);
        let (conn, access) = open::connect(path, options)?;
        let durability = durability::of(&conn, path, options)?;
        let lineage = Lineage::follow(&conn, path, options)?;
        if options.read_only {
            schema::refuse_writes(&conn).map_err(|e| OpenError::sqlite(path, e))?;
        }
        let shared = Arc::new(Shared::new(path, options, access, lineage));
        if place.is_ok_and(|place| !place.holds()) {
            // A newer state took its place while this one was not known to be here.
            drop((conn, shared));
            return SqliteLayer::open(path, options);
        }
        let _ = shared.tier.learn_all(&conn);
        let layer = SqliteLayer { writer: WriterLock::new(Writer::new(conn, durability)), shared };
        if !options.read_only {
            layer.sweep_orphans();
            layer.renew_pin();
        }
        Ok(layer)
    }

    /// The workspace that a layer is, if it is one.
    pub fn of(layer: &dyn Layer) -> Option<&SqliteLayer> {
        (layer as &dyn Any).downcast_ref()
    }

    /// The file.
    pub fn path(&self) -> &PathBuf {
        &self.shared.path
    }

    /// Whether the file is still at its path. While it is not, every change is `EIO`.
    pub fn is_in_place(&self) -> bool {
        self.shared.place.as_ref().is_none_or(place::Place::holds)
    }

    /// How it was opened.
    pub fn options(&self) -> &SqliteOptions {
        &self.shared.options
    }

    /// Lets go of an inode once; whether it was the last time and the inode has lost its last name.
    fn unpin(&self, ino: i64) -> bool {
        let _writer = self.writer.join();
        let mut pins = self.shared.pins.lock();
        let Some(count) = pins.counts.get_mut(&ino) else { return false };
        *count -= 1;
        if *count > 0 {
            return false;
        }
        pins.counts.remove(&ino);
        pins.orphans.remove(&ino)
    }

    /// Removes nameless files that a process held open when it died. Best effort: whatever stays is found again.
    fn sweep_orphans(&self) {
        let found: NodeResult<Vec<i64>> = self.read_now(|view| {
            let mut statement = view.conn.prepare("SELECT ino FROM orphan")?;
            let inos = statement.query_map([], |row| row.get(0))?;
            Ok(inos.collect::<Result<_, _>>()?)
        });
        let Ok(orphans) = found else { return };
        if orphans.is_empty() {
            return;
        }
        if let Some(presence) = &self.shared.presence {
            let erase = || {
                self.change(|tx| {
                    let held = |ino: &i64| tx.shared.is_pinned(*ino);
                    let loose: Vec<i64> = orphans.iter().copied().filter(|ino| !held(ino)).collect();
                    loose.into_iter().try_for_each(|ino| tx.erase_orphan(ino))
                })
            };
            let _ = presence.alone(erase);
        }
    }
}

impl Drop for SqliteLayer {
    /// The connection closed last empties the log into the file and removes it; one for reading cannot.
    fn drop(&mut self) {
        self.shared.close_readers();
    }
}

impl fmt::Debug for SqliteLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteLayer").field("path", &self.shared.path).finish_non_exhaustive()
    }
}

/// What both the live tree and a snapshot can do.
fn features(writable: bool, immutable: bool, waits: bool) -> Features {
    Features {
        writable,
        hard_links: true,
        symlinks: true,
        xattrs: true,
        special_nodes: true,
        sparse: true,
        ownership: true,
        rename_modes: true,
        transactions: true,
        immutable,
        remote: false,
        waits,
        ino_bits: 48,
    }
}

#[deny(clippy::missing_trait_methods)]
impl Layer for SqliteLayer {
    fn name(&self) -> &str {
        "sqlite"
    }

    fn features(&self) -> Features {
        features(!self.shared.options.read_only, false, true)
    }

    fn root(&self) -> Ino {
        Ino(ROOT as u64)
    }

    fn lookup(&self, parent: Ino, name: &Name) -> NodeResult<Stat> {
        self.read_recent(
            |recent| recent.child(parent, name),
            |view| view.lookup(parent, name),
            |recent, stat| recent.keep_child(parent, name, *stat),
        )
    }

    fn getattr(&self, ino: Ino) -> NodeResult<Stat> {
        self.read_recent(
            |recent| recent.stat(ino),
            |view| view.stat(ino),
            |recent, stat| recent.keep_stat(*stat),
        )
    }

    fn setattr(&self, ino: Ino, changes: &SetAttr) -> NodeResult<Stat> {
        self.change(|tx| tx.setattr(ino, changes))
    }

    fn readdir(&self, dir: Ino, after: Option<&Name>, limit: usize) -> NodeResult<Vec<DirEntry>> {
        self.read_now(|view| view.readdir(dir, after, limit))
    }

    fn readlink(&self, ino: Ino) -> NodeResult<String> {
        self.read_now(|view| view.readlink(ino))
    }

    fn read(&self, ino: Ino, offset: u64, len: usize) -> NodeResult<Bytes> {
        let inline = self.read_recent(
            |recent| recent.content(ino).map(Some),
            |view| view.inline(ino),
            |recent, content| content.iter().for_each(|content| recent.keep_content(ino, content.clone())),
        )?;
        match inline {
            Some(content) => Ok(recent::slice(&content, offset, len)),
            None => self.shared.read(|| self.read_now(|view| view.plan(ino, offset, len))),
        }
    }

    fn write(&self, ino: Ino, offset: u64, data: &[u8]) -> NodeResult<()> {
        self.change(|tx| tx.write(ino, offset, data))
    }

    fn append(&self, ino: Ino, data: &[u8]) -> NodeResult<u64> {
        self.change(|tx| tx.append(ino, data))
    }

    fn allocate(&self, ino: Ino, how: Allocate, offset: u64, len: u64) -> NodeResult<()> {
        self.change(|tx| tx.allocate(ino, how, offset, len))
    }

    fn will_need(&self, ino: Ino, offset: u64, len: usize) -> bool {
        self.shared.tier.will_need(|away| self.read_now(away), (ino, offset, len))
    }

    fn seek(&self, ino: Ino, offset: u64, to: SeekTo) -> NodeResult<u64> {
        self.read_now(|view| view.seek(ino, offset, to))
    }

    fn open(&self, ino: Ino) -> NodeResult<()> {
        // Under the writer's lock, so that the inode cannot lose its last name between the look and the pin.
        // What others have done and not committed counts, too.
        let writer = self.writer.join();
        let idle = writer.borrow().state.is_none();
        let known = if idle { self.getattr(ino) } else { writer.borrow().view(&self.shared).stat(ino) };
        known?;
        *self.shared.pins.lock().counts.entry(ino.0 as i64).or_insert(0) += 1;
        Ok(())
    }

    fn release(&self, ino: Ino) {
        let ino = ino.0 as i64;
        if self.unpin(ino) {
            // If this fails the file stays, nameless, until the workspace is opened next.
            let _ = self.change(|tx| tx.erase_orphan(ino));
        }
    }

    /// Every write is done when it returns.
    fn flush(&self, _: Ino) -> NodeResult<()> {
        Ok(())
    }

    fn create(&self, parent: Ino, name: &Name, node: NewNode<'_>, attr: &NewAttr) -> NodeResult<Stat> {
        self.change(|tx| tx.create(parent, name, node, attr))
    }

    fn link(&self, ino: Ino, parent: Ino, name: &Name) -> NodeResult<Stat> {
        self.change(|tx| tx.link(ino, parent, name))
    }

    fn unlink(&self, parent: Ino, name: &Name) -> NodeResult<()> {
        self.change(|tx| tx.unlink(parent, name))
    }

    fn rmdir(&self, parent: Ino, name: &Name) -> NodeResult<()> {
        self.change(|tx| tx.rmdir(parent, name))
    }

    fn rename(&self, from: (Ino, &Name), to: (Ino, &Name), mode: RenameMode) -> NodeResult<()> {
        self.change(|tx| tx.rename(from, to, mode))
    }

    fn getxattr(&self, ino: Ino, name: &str) -> NodeResult<Bytes> {
        self.read_now(|view| view.getxattr(ino, name))
    }

    fn listxattr(&self, ino: Ino) -> NodeResult<Vec<String>> {
        self.read_now(|view| Ok(view.xattrs(ino)?.into_keys().collect()))
    }

    fn setxattr(&self, ino: Ino, name: &str, value: &[u8], mode: XattrMode) -> NodeResult<()> {
        self.change(|tx| tx.setxattr(ino, name, value, mode))
    }

    fn removexattr(&self, ino: Ino, name: &str) -> NodeResult<()> {
        self.change(|tx| tx.removexattr(ino, name))
    }

    fn fsync(&self, ino: Option<Ino>) -> NodeResult<()> {
        if let Some(ino) = ino {
            self.getattr(ino)?;
        }
        self.sync()
    }

    fn statfs(&self) -> NodeResult<StatFs> {
        self.read_now(|view| view.usage())
    }

    fn savepoint(&self) -> NodeResult<Savepoint> {
        Err(Errno::EOPNOTSUPP.into())
    }

    fn roll_back(&self, _: &Savepoint) -> NodeResult<()> {
        Err(Errno::EOPNOTSUPP.into())
    }

    fn batch(&self, work: &mut dyn FnMut(&dyn Layer) -> NodeResult<()>) -> NodeResult<()> {
        self.in_batch(|| work(self))
    }
}
