//! A POSIX-like virtual filesystem over layers.
//!
//! A [`Layer`] is what a filesystem is: a tree of inodes, in memory, in a SQLite file, in a host directory, or
//! copy-on-write over any of these. A [`Vfs`] is what users hold: paths, mounts, handles and a working directory
//! over layers. A [`SqliteLayer`] keeps history: every commit is a revision that can be read, compared and
//! restored.
//!
//! It is *not* a kernel filesystem: nothing is mounted on the host, and no program sees it without asking this
//! crate. It is not a sandbox either: it decides where names lead, and a process that can open files by itself
//! does not ask. It knows no JavaScript, no terminal, no network.
//!
//! # Working on a copy, keeping what is good
//!
//! ```
//! use std::sync::Arc;
//! use cowry_vfs::{Layer, MemoryLayer, Overlay, OverlayOptions, Vfs, VfsOptions};
//!
//! let base: Arc<dyn Layer> = Arc::new(MemoryLayer::new());
//! let files = Vfs::new(base.clone(), VfsOptions::default());
//! files.mkdir_all("/reports/2026", 0o777)?;
//! files.write("/reports/2026/may.txt", b"31 days")?;
//!
//! // What is done to the copy is not done to the base, whatever it is.
//! let copy = Arc::new(Overlay::new(base, OverlayOptions::default()));
//! let work = Vfs::new(copy.clone(), VfsOptions::default());
//! work.append("/reports/2026/may.txt", b", 12 of them wet")?;
//! work.rename("/reports", "/archive", Default::default())?;
//! assert_eq!(files.read_to_string("/reports/2026/may.txt")?, "31 days");
//!
//! // The copy knows what it changed.
//! let changes = copy.changes().expect("it is in memory");
//! let paths: Vec<_> = changes.iter().map(|change| change.path.as_str()).collect();
//! assert_eq!(paths, ["/archive", "/archive/2026/may.txt"]);
//! # Ok::<(), cowry_vfs::Error>(())
//! ```
//!
//! # What POSIX says and this keeps
//!
//! Inodes and hard links, symbolic links with the limit of 40, permissions with set-group-id directories and
//! sticky bits (enforced where a mount says [`checks`](MountOptions::checks)), atomic rename with replacement,
//! files that live on while open, sparse files, extended attributes in `user.`, times in nanoseconds, and
//! Linux's error of each call. Errors print as Node prints them:
//! `ENOENT: no such file or directory, open '/a'`.
//!
//! What it drops: names are UTF-8; FIFOs, sockets and devices can exist and not be opened; locks are
//! advisory and among the handles of one `Vfs`; there are no access control lists, no memory maps; directory
//! sizes are 0.
//!
//! # Contract
//!
//! Each call on a layer is atomic and may come from any thread; a layer sees no paths, follows no links and
//! checks no permissions. [`Layer`] has it in full, and `conformance` (a feature) has it as a table of cases,
//! for crates that bring a layer of their own.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `conformance` | the table of cases, `cowry_vfs::conformance` |
//! | `fuse` | a layer as a filesystem that the kernel mounts, `cowry_vfs::fuse` (Linux, no C library) |
//! | `object` | buckets of S3, R2, GCS, Azure, a local folder or memory, `cowry_vfs::object` |
//!
//! # Modules in reading order
//!
//! | where | what |
//! |---|---|
//! | `path`, `errno`, `node`, `clock` | names and paths, errors, what nodes are made of, injected time |
//! | `layer` | the trait [`Layer`] and its contract |
//! | `walk`, `mount` | path resolution, written once; the table of mounts |
//! | `fs` | [`Vfs`], [`File`], options, copying, walking, matching |
//! | `memory`, `overlay` | [`MemoryLayer`] and [`Overlay`]: one store of deltas, with and without a layer below |
//! | [`commit`] | what an overlay changed, judged path by path, and replayed on another layer |
//! | [`merge`] | three-way merge of trees, of text, JSON and CSV |
//! | [`sqlite`] | [`SqliteLayer`]: the workspace file, its revisions, conflicts and history |
//! | `host`, `crate_layer`, `wrap` | [`HostLayer`], [`CrateLayer`], [`ReadOnly`] |
//! | [`archive`] | tar archives, read and written |
//! | `crate_fs` | [`Vfs`] as a filesystem of the crate `vfs` |
//! | `conformance` | the rules, as cases |

#![forbid(unsafe_code)]

pub mod archive;
#[cfg(test)]
mod cases;
mod change;
mod clock;
pub mod commit;
#[cfg(feature = "conformance")]
pub mod conformance;
mod crate_fs;
mod crate_layer;
mod errno;
mod failpoint;
mod fs;
#[cfg(all(feature = "fuse", target_os = "linux"))]
pub mod fuse;
mod host;
mod layer;
mod memory;
pub mod merge;
mod mount;
mod node;
#[cfg(feature = "object")]
pub mod object;
mod overlay;
mod pass_on;
mod path;
mod refuse;
mod savepoint;
pub mod sqlite;
mod walk;
mod wrap;

pub use change::{Change, ChangeKind};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use commit::{Applied, InoMap, Judge, PersistAll, Touched, Verdict};
pub use crate_layer::CrateLayer;
pub use errno::{Errno, Error, NodeError, NodeResult, Result};
#[cfg(feature = "failpoints")]
pub use failpoint::with_failpoints;
pub use fs::{
    Access, AtVersion, Atime, CopyTree, Credentials, File, Follow, FsEvent, FsEventKind, GlobOptions,
    HeldLock, Located, LockKind, LockOwner, LockWait, MountInfo, MountOptions, OpenOptions, Overwrite,
    SetTime, Traverse, TraverseEntry, TreeSavepoint, Vfs, VfsOptions, Watch, WatchOptions,
};
pub use host::{HostLayer, HostOptions};
pub use layer::Layer;
pub use memory::MemoryLayer;
pub use mount::MountId;
pub use node::{
    Allocate, DirEntry, Features, FileType, Ino, NewAttr, NewNode, RenameMode, SeekTo, SetAttr, Stat, StatFs,
    XattrMode,
};
pub use overlay::{
    DeltaBounds, DeltaError, Overlay, OverlayOptions, ScratchBudget, ScratchLimits, ScratchUsage,
};
pub use path::{NAME_MAX, Name, PATH_MAX, SYMLINK_MAX, VPathBuf};
/// The crate `vfs` of crates.io, whose filesystems [`CrateLayer`] takes.
pub use rust_vfs;
pub use savepoint::Savepoint;
pub use sqlite::{
    CheckReport, CommitError, CommitRequest, Committed, Conflict, ConflictKind, Durability, GcReport,
    OpenError, Quota, Revision, RevisionFilter, RevisionInfo, RevisionKind, RunRow, SealInfo, SqliteLayer,
    SqliteOptions,
};
pub use wrap::ReadOnly;
