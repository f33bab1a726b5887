//! What operations are done to, and what it says.

use std::collections::BTreeMap;

use cowry_vfs::{Errno, FileType, Timestamp};

use super::op::{Op, Step};

/// A filesystem under comparison.
pub trait Subject {
    /// Which one, for messages.
    fn name(&self) -> &str;
    /// Does one operation.
    fn run(&mut self, step: &Step) -> Answer;
    /// Everything below the root, as root sees it, the root itself as `/`.
    fn tree(&mut self) -> Tree;
}

/// What an operation comes to.
pub type Answer = Result<Said, Errno>;

/// What an operation says when it succeeds.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Said {
    Done,
    Facts(Facts),
    Bytes(Vec<u8>),
    Text(String),
    Names(Vec<String>),
}

/// A time, as far as two filesystems can agree on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// It was set to this moment.
    At(Timestamp),
    /// It is when something was done.
    Lately,
}

impl When {
    /// Lists set times of the last century only.
    pub fn of(time: Timestamp) -> When {
        const YEAR_2020: i64 = 1_577_836_800_000_000_000;
        if time.0 < YEAR_2020 { When::At(time) } else { When::Lately }
    }
}

/// The attributes that are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub struct Facts {
    pub kind: FileType,
    pub mode: u32,
    pub nlink: u32,
    pub uid: u32,
    pub gid: u32,
    pub rdev: u64,
    /// 0 for a directory, whose size every filesystem counts in its own way.
    pub size: u64,
    pub mtime: When,
}

/// One path of a tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leaf {
    /// Its attributes.
    pub facts: Facts,
    /// What a file holds, where a link leads.
    pub content: Vec<u8>,
    /// Its extended attributes in `user.`.
    pub xattrs: BTreeMap<String, Vec<u8>>,
    /// The first path of the same node.
    pub first: String,
}

/// A whole tree by path.
pub type Tree = BTreeMap<String, Leaf>;

/// What [`Op::Age`] sets.
pub const AGED: Timestamp = Timestamp(500_000_000_123_456_789);

impl Op {
    /// Whether it needs a handle that may not be there; without one it says `EBADF`.
    pub fn slot(&self) -> Option<usize> {
        match self {
            Op::Fwrite { slot, .. }
            | Op::Fread { slot, .. }
            | Op::Ftruncate { slot, .. }
            | Op::Fallocate { slot, .. }
            | Op::Fchmod { slot, .. }
            | Op::Fchown { slot, .. }
            | Op::Futimes { slot, .. }
            | Op::Fstat { slot }
            | Op::Close { slot } => Some(*slot),
            _ => None,
        }
    }
}
