//! What callers can choose: options structs instead of flags.

use std::sync::Arc;

use crate::clock::{Clock, SystemClock, Timestamp};

/// How a [`Vfs`](crate::Vfs) is set up.
#[derive(Clone, Debug)]
pub struct VfsOptions {
    /// Where "now" comes from, for access times and for times set to now.
    pub clock: Arc<dyn Clock>,
    /// The user that acts.
    pub uid: u32,
    /// The group that acts.
    pub gid: u32,
    /// Mode bits that new files and directories do not get.
    pub umask: u32,
    /// Whether modes and owners are enforced in the root layer (uid 0 passes).
    pub checks: bool,
    /// Whether the root layer is shown read-only.
    pub read_only: bool,
    /// When reading moves the access time.
    pub atime: Atime,
}

impl Default for VfsOptions {
    fn default() -> Self {
        VfsOptions {
            clock: Arc::new(SystemClock),
            uid: 1000,
            gid: 1000,
            umask: 0o022,
            checks: false,
            read_only: false,
            atime: Atime::Relative,
        }
    }
}

/// When reading moves the access time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Atime {
    /// When it is not after the last change, or a day old (`relatime`).
    #[default]
    Relative,
    /// Never (`noatime`).
    Never,
}

/// How a layer is mounted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MountOptions {
    /// Every change is `EROFS`.
    pub read_only: bool,
    /// Whether modes and owners are enforced (uid 0 passes).
    pub checks: bool,
}

/// Whether a symbolic link as the last component is followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Follow {
    /// It is (`stat`).
    #[default]
    Yes,
    /// The link itself is meant (`lstat`). A trailing slash follows all the same.
    No,
}

/// How a file is opened. The default opens nothing: at least one of `read`, `write`, `append` must be set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenOptions {
    /// For reading.
    pub read: bool,
    /// For writing.
    pub write: bool,
    /// For writing, always at the end, wherever that is by then.
    pub append: bool,
    /// Makes a regular file if there is nothing.
    pub create: bool,
    /// With `create`: fails with `EEXIST` if there is anything, a dangling link included.
    pub exclusive: bool,
    /// Cuts the content off; needs `write`.
    pub truncate: bool,
    /// Fails with `ENOTDIR` if it is no directory.
    pub directory: bool,
    /// Fails with `ELOOP` if the last component is a symbolic link.
    pub no_follow: bool,
    /// Mode of a file that is made, before the umask.
    pub mode: u32,
}

impl Default for OpenOptions {
    fn default() -> Self {
        OpenOptions {
            read: false,
            write: false,
            append: false,
            create: false,
            exclusive: false,
            truncate: false,
            directory: false,
            no_follow: false,
            mode: 0o666,
        }
    }
}

impl OpenOptions {
    /// For reading (`r`).
    pub fn read() -> Self {
        OpenOptions { read: true, ..Self::default() }
    }

    /// For writing from nothing (`w`).
    pub fn write() -> Self {
        OpenOptions { write: true, create: true, truncate: true, ..Self::default() }
    }

    /// For reading and writing what is there (`r+`).
    pub fn update() -> Self {
        OpenOptions { read: true, write: true, ..Self::default() }
    }

    /// For appending (`a`).
    pub fn append() -> Self {
        OpenOptions { append: true, create: true, ..Self::default() }
    }

    /// Whether the file can be changed through such a handle.
    pub(crate) fn writes(&self) -> bool {
        self.write || self.append
    }
}

/// What to ask [`Vfs::access`](crate::Vfs::access) for; the default asks for existence only.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Access {
    /// `R_OK`.
    pub read: bool,
    /// `W_OK`.
    pub write: bool,
    /// `X_OK`: executing a file, searching a directory.
    pub execute: bool,
}

impl Access {
    /// Existence only (`F_OK`).
    pub const EXISTS: Access = Access { read: false, write: false, execute: false };
    /// Reading.
    pub const READ: Access = Access { read: true, write: false, execute: false };
    /// Writing.
    pub const WRITE: Access = Access { read: false, write: true, execute: false };
    /// Executing or searching.
    pub const EXECUTE: Access = Access { read: false, write: false, execute: true };

    pub(crate) fn bits(self) -> u32 {
        u32::from(self.read) << 2 | u32::from(self.write) << 1 | u32::from(self.execute)
    }
}

/// What to do to one of a node's times.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SetTime {
    /// Leaves it.
    #[default]
    Keep,
    /// Sets it to now.
    Now,
    /// Sets it to a moment.
    At(Timestamp),
}

impl SetTime {
    pub(crate) fn resolve(self, clock: &dyn Clock) -> Option<Timestamp> {
        match self {
            SetTime::Keep => None,
            SetTime::Now => Some(clock.now()),
            SetTime::At(time) => Some(time),
        }
    }
}

/// What a copy does to a file that is there already.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Overwrite {
    /// Replaces its content.
    #[default]
    Replace,
    /// Leaves it as it is and goes on.
    Keep,
    /// Fails with `EEXIST`.
    Fail,
}

/// How [`Vfs::copy_tree`](crate::Vfs::copy_tree) copies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CopyTree {
    /// What happens to files that are there already; directories are merged.
    pub overwrite: Overwrite,
    /// Whether modification and access times are kept.
    pub times: bool,
    /// Whether owners are kept; else the copies belong to who copies.
    pub owners: bool,
}

impl Default for CopyTree {
    fn default() -> Self {
        CopyTree { overwrite: Overwrite::Replace, times: true, owners: false }
    }
}

/// How [`Vfs::glob`](crate::Vfs::glob) matches.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct GlobOptions {
    /// Whether wildcards see names that begin with a dot. Without it they do only in a pattern that
    /// itself has a component beginning with a dot.
    pub hidden: bool,
}
