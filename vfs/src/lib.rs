//! A POSIX-like virtual filesystem over layers.

#![forbid(unsafe_code)]

mod change;
mod clock;
pub mod commit;
#[cfg(feature = "conformance")]
pub mod conformance;
mod crate_layer;
mod errno;
mod fs;
mod host;
mod layer;
mod memory;
mod mount;
mod node;
mod overlay;
mod path;
pub mod sqlite;
mod walk;
mod wrap;

pub use change::{Change, ChangeKind};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use commit::{Applied, InoMap, Judge, PersistAll, Touched, Verdict};
pub use crate_layer::CrateLayer;
pub use errno::{Errno, Error, NodeError, NodeResult, Result};
pub use fs::{
    Access, Atime, CopyTree, Credentials, File, Follow, GlobOptions, Located, MountInfo, MountOptions,
    OpenOptions, Overwrite, SetTime, Traverse, TraverseEntry, Vfs, VfsOptions,
};
pub use host::{HostLayer, HostOptions};
pub use layer::Layer;
pub use memory::MemoryLayer;
pub use mount::MountId;
pub use node::{
    Allocate, DirEntry, Features, FileType, Ino, NewAttr, NewNode, RenameMode, SeekTo, SetAttr, Stat, StatFs,
    XattrMode,
};
pub use overlay::{DeltaBounds, DeltaError, Overlay, OverlayOptions, ScratchLimits, ScratchUsage};
pub use path::{NAME_MAX, Name, PATH_MAX, SYMLINK_MAX, VPathBuf};
/// The crate `vfs` of crates.io, whose filesystems [`CrateLayer`] takes.
pub use rust_vfs;
pub use sqlite::{
    CheckReport, CommitError, CommitRequest, Committed, Conflict, ConflictKind, Durability, GcReport,
    OpenError, Revision, RevisionFilter, RevisionInfo, RevisionKind, RunRow, SealInfo, SqliteLayer,
    SqliteOptions,
};
pub use wrap::ReadOnly;
