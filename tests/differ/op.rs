//! One operation of a list, and who does it.

use cowry_vfs::{Access, Allocate, FileType, Follow, OpenOptions, RenameMode, SetTime, XattrMode};

/// How many handles a list keeps open at most.
pub const SLOTS: usize = 4;

/// Who acts. Ann and Ben are of the same group; Ben and Cid are strangers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    /// Who may do everything.
    Root,
    /// User 4001, group 4001.
    Ann,
    /// User 4002, group 4001.
    Ben,
    /// User 4003, group 4003.
    Cid,
}

impl Who {
    /// User and group.
    pub fn ids(self) -> (u32, u32) {
        match self {
            Who::Root => (0, 0),
            Who::Ann => (4001, 4001),
            Who::Ben => (4002, 4001),
            Who::Cid => (4003, 4003),
        }
    }
}

/// One operation, with the name of the system call where that says it all. Those on handles begin with `F`.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Op {
    Mkdir {
        path: String,
        mode: u32,
    },
    Mknod {
        path: String,
        kind: FileType,
        mode: u32,
    },
    Symlink {
        target: String,
        path: String,
    },
    Link {
        from: String,
        to: String,
    },
    Unlink {
        path: String,
    },
    Rmdir {
        path: String,
    },
    Rename {
        from: String,
        to: String,
        mode: RenameMode,
    },
    Chmod {
        path: String,
        mode: u32,
    },
    Chown {
        path: String,
        follow: Follow,
        uid: Option<u32>,
        gid: Option<u32>,
    },
    Utimes {
        path: String,
        follow: Follow,
        atime: SetTime,
        mtime: SetTime,
    },
    Truncate {
        path: String,
        size: u64,
    },
    Stat {
        path: String,
        follow: Follow,
    },
    Access {
        path: String,
        access: Access,
    },
    Readlink {
        path: String,
    },
    List {
        path: String,
    },
    Setxattr {
        path: String,
        name: String,
        value: Vec<u8>,
        mode: XattrMode,
    },
    Getxattr {
        path: String,
        name: String,
    },
    Listxattr {
        path: String,
    },
    Removexattr {
        path: String,
        name: String,
    },
    /// Opens, and keeps the handle if that succeeds, in the place of one that was there.
    Open {
        slot: usize,
        path: String,
        options: OpenOptions,
    },
    /// Opens, writes (at the start, or at the end if so opened), closes.
    Put {
        path: String,
        options: OpenOptions,
        data: Vec<u8>,
    },
    /// Opens, reads everything, closes.
    Get {
        path: String,
    },
    Fwrite {
        slot: usize,
        offset: u64,
        data: Vec<u8>,
    },
    Fread {
        slot: usize,
        offset: u64,
        len: usize,
    },
    Ftruncate {
        slot: usize,
        size: u64,
    },
    Fallocate {
        slot: usize,
        how: Allocate,
        offset: u64,
        len: u64,
    },
    Fchmod {
        slot: usize,
        mode: u32,
    },
    Fchown {
        slot: usize,
        uid: Option<u32>,
        gid: Option<u32>,
    },
    Futimes {
        slot: usize,
        atime: SetTime,
        mtime: SetTime,
    },
    Fstat {
        slot: usize,
    },
    Close {
        slot: usize,
    },
    /// Sets the modification time of everything to one moment, so that it shows what moves it.
    Age,
}

/// An operation and who does it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// Who.
    pub who: Who,
    /// What.
    pub op: Op,
}

impl Op {
    /// The paths that it resolves.
    pub fn paths(&self) -> Vec<&str> {
        match self {
            Op::Link { from, to } | Op::Rename { from, to, .. } => vec![from, to],
            Op::Mkdir { path, .. }
            | Op::Mknod { path, .. }
            | Op::Symlink { path, .. }
            | Op::Unlink { path }
            | Op::Rmdir { path }
            | Op::Chmod { path, .. }
            | Op::Chown { path, .. }
            | Op::Utimes { path, .. }
            | Op::Truncate { path, .. }
            | Op::Stat { path, .. }
            | Op::Access { path, .. }
            | Op::Readlink { path }
            | Op::List { path }
            | Op::Setxattr { path, .. }
            | Op::Getxattr { path, .. }
            | Op::Listxattr { path }
            | Op::Removexattr { path, .. }
            | Op::Open { path, .. }
            | Op::Put { path, .. }
            | Op::Get { path } => vec![path],
            _ => Vec::new(),
        }
    }
}
