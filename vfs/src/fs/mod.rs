//! What users hold: paths, mounts, handles, credentials, and conveniences over layers.

mod at_version;
mod attr;
mod copy;
mod copy_range;
mod credentials;
mod entries;
mod glob;
mod handle;
mod lock;
mod mounting;
mod open;
mod options;
mod read;
mod set_id;
mod transaction;
mod traverse;
mod tree;
mod watch;
mod write;

use std::sync::Arc;

use parking_lot::RwLock;

use crate::clock::Clock;
use crate::errno::{Errno, Error, NodeError, NodeResult, Result};
use crate::layer::Layer;
use crate::mount::{MountId, MountTable};
use crate::node::{SetAttr, Stat};
use crate::path::VPathBuf;
use crate::walk::{Aim, Node, Walk};

pub use at_version::AtVersion;
pub use credentials::Credentials;
pub use handle::File;
pub use lock::{HeldLock, LockKind, LockOwner, LockWait};
pub use options::{
    Access, Atime, CopyTree, Follow, GlobOptions, MountOptions, OpenOptions, Overwrite, SetTime, VfsOptions,
};
pub use transaction::TreeSavepoint;
pub use traverse::{Traverse, TraverseEntry};
pub use watch::{FsEvent, FsEventKind, Watch, WatchOptions};

/// A filesystem as users see it: paths, mounts, a working directory, credentials.
///
/// Clones are cheap and share the mounts; each has its own working directory and credentials, so that
/// "chdir" is [`Vfs::with_cwd`]. Paths are absolute or relative to the working directory. All calls may come
/// from any thread. Errors name the operation as Node does and the path as it was written.
///
/// ```
/// use std::sync::Arc;
/// use cowry_vfs::{Errno, MemoryLayer, Vfs, VfsOptions};
///
/// let vfs = Vfs::new(Arc::new(MemoryLayer::new()), VfsOptions::default());
/// vfs.mkdir_all("/notes/2026", 0o777)?;
/// vfs.write("/notes/2026/today.md", b"- buy milk\n")?;
/// vfs.append("/notes/2026/today.md", b"- call Ada\n")?;
/// assert_eq!(vfs.read_to_string("/notes/2026/today.md")?.lines().count(), 2);
///
/// let error = vfs.read("/notes/2025").unwrap_err();
/// assert_eq!(error.errno(), Errno::ENOENT);
/// assert_eq!(error.to_string(), "ENOENT: no such file or directory, open '/notes/2025'");
/// # Ok::<(), cowry_vfs::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Vfs {
    shared: Arc<Shared>,
    cwd: VPathBuf,
    credentials: Credentials,
}

/// What all clones have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    table: RwLock<Arc<MountTable>>,
    clock: Arc<dyn Clock>,
    atime: Atime,
    watchers: Arc<watch::Watchers>,
    locks: lock::Locks,
}

/// Where a path leads: the mount, the layer in it, and the node there.
#[derive(Clone, Debug)]
pub struct Located {
    /// The path without links, `.` and `..`.
    pub path: VPathBuf,
    /// The mount, as `st_dev` tells filesystems apart.
    pub mount: MountId,
    /// The layer mounted there.
    pub layer: Arc<dyn Layer>,
    /// The node.
    pub stat: Stat,
}

/// One mount, for listings.
#[derive(Clone, Debug)]
pub struct MountInfo {
    /// Where it was mounted.
    pub at: VPathBuf,
    /// Its number.
    pub id: MountId,
    /// What is mounted.
    pub layer: Arc<dyn Layer>,
    /// How.
    pub options: MountOptions,
}

impl Vfs {
    /// A tree whose root is `root`.
    pub fn new(root: Arc<dyn Layer>, options: VfsOptions) -> Vfs {
        let VfsOptions { clock, uid, gid, umask, checks, read_only, atime } = options;
        let table = MountTable::new(root, MountOptions { read_only, checks });
        let shared = Shared {
            table: RwLock::new(Arc::new(table)),
            clock,
            atime,
            watchers: Arc::default(),
            locks: Default::default(),
        };
        Vfs {
            shared: Arc::new(shared),
            cwd: VPathBuf::root(),
            credentials: Credentials { uid, gid, umask: umask & 0o777 },
        }
    }

    /// The working directory.
    pub fn cwd(&self) -> &VPathBuf {
        &self.cwd
    }

    /// A clone that works in another directory.
    ///
    /// # Errors
    /// `ENOENT`, `ENOTDIR`; `EACCES` if it may not be searched.
    pub fn with_cwd(&self, path: &str) -> Result<Vfs> {
        const OP: &str = "chdir";
        let table = self.table();
        let cwd = self.walk(&table, path).and_then(|mut walk| {
            let node = walk.find(path, Follow::Yes)?;
            node.need_dir()?;
            self.credentials.need_search(&node)?;
            Ok(walk.path())
        });
        Ok(Vfs { cwd: cwd.at(OP, path)?, ..self.clone() })
    }

    /// Who acts.
    pub fn credentials(&self) -> Credentials {
        self.credentials
    }

    /// A clone that acts as someone else.
    #[must_use]
    pub fn with_credentials(&self, credentials: Credentials) -> Vfs {
        Vfs { credentials, ..self.clone() }
    }

    /// Where "now" comes from.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    /// Where a path leads.
    ///
    /// # Errors
    /// As [`Vfs::stat`], for the operation `stat`.
    pub fn locate(&self, path: &str, follow: Follow) -> Result<Located> {
        let table = self.table();
        let found = self.walk(&table, path).and_then(|mut walk| {
            let node = walk.find(path, follow)?;
            let mount = node.mount.clone();
            let stat = read::attributes(node)?;
            Ok(Located { path: walk.path(), mount: mount.id, layer: mount.layer.clone(), stat })
        });
        found.at(if follow == Follow::Yes { "stat" } else { "lstat" }, path)
    }

    /// The mounts as they are now. A walk borrows from it, so callers keep it for one operation.
    fn table(&self) -> Arc<MountTable> {
        self.shared.table.read().clone()
    }

    fn walk<'a>(&'a self, table: &'a MountTable, path: &str) -> NodeResult<Walk<'a>> {
        Walk::begin(table, &self.credentials, &self.cwd, path)
    }

    /// The node at `path`.
    fn find(&self, path: &str, follow: Follow) -> NodeResult<Node> {
        let table = self.table();
        self.walk(&table, path)?.find(path, follow)
    }

    /// Resolves all but the last component and hands that to `work`.
    fn aim<T>(&self, path: &str, work: impl FnOnce(&Walk<'_>, Aim) -> NodeResult<T>) -> NodeResult<T> {
        let table = self.table();
        let mut walk = self.walk(&table, path)?;
        let aim = walk.aim(path)?;
        work(&walk, aim)
    }
}

impl Shared {
    /// Moves the access time of a node that was read, as the options say. Failing to is no failure to read.
    pub fn touch(&self, node: &Node) {
        const DAY: i64 = 24 * 60 * 60 * 1_000_000_000;
        let features = node.mount.layer.features();
        let frozen = node.mount.options.read_only || !features.writable || features.immutable;
        if self.atime == Atime::Never || frozen {
            return;
        }
        let stat = &node.stat;
        let now = self.clock.now();
        let stale = stat.atime <= stat.mtime || stat.atime <= stat.ctime || now.0 - stat.atime.0 >= DAY;
        if stale && now > stat.atime {
            let change = SetAttr { atime: Some(now), ..SetAttr::default() };
            let _ = node.mount.layer.setattr(stat.ino, &change);
        }
    }
}

/// Turns an error of a layer into one that names operation and path.
pub(crate) trait Context<T> {
    /// On one path.
    fn at(self, op: &'static str, path: &str) -> Result<T>;
    /// On two.
    fn between(self, op: &'static str, from: &str, to: &str) -> Result<T>;
    /// On none: an operation on a handle.
    fn of(self, op: &'static str) -> Result<T>;
}

impl<T> Context<T> for NodeResult<T> {
    fn at(self, op: &'static str, path: &str) -> Result<T> {
        self.map_err(|node| Error::at(op, path, vanished(node)))
    }

    fn between(self, op: &'static str, from: &str, to: &str) -> Result<T> {
        self.map_err(|node| Error::at(op, from, vanished(node)).to(to))
    }

    fn of(self, op: &'static str) -> Result<T> {
        self.map_err(|node| Error::new(op, node))
    }
}

/// A node that is gone between its lookup and its use was removed by someone else: for a path that is
/// "no such file". (A kernel resolves once more and finds the same.)
fn vanished(node: NodeError) -> NodeError {
    if node == Errno::ESTALE { Errno::ENOENT.into() } else { node }
}
