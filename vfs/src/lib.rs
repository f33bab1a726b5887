//! A POSIX-like virtual filesystem over layers.

#![forbid(unsafe_code)]

mod change;
mod clock;
mod errno;
mod layer;
mod node;
mod path;

pub use change::{Change, ChangeKind};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use errno::{Errno, Error, NodeError, NodeResult, Result};
pub use layer::Layer;
pub use node::{
    Allocate, DirEntry, Features, FileType, Ino, NewAttr, NewNode, RenameMode, SeekTo, SetAttr, Stat, StatFs,
    XattrMode,
};
pub use path::{NAME_MAX, Name, PATH_MAX, SYMLINK_MAX, VPathBuf};
