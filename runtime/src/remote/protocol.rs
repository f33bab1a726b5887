//! The questions and the answers.

use bytes::Bytes;
use cowry_vfs::{DirEntry, Errno, Ino, Name, SeekTo, Stat, StatFs};
use serde::{Deserialize, Serialize};

use crate::wire::{Message, blob};

/// The most bytes of content in one answer.
pub(crate) const READ_MAX: usize = 1 << 20;
/// The most entries in one answer.
pub(crate) const ENTRIES_MAX: usize = 1024;
/// A file up to this size comes along with its directory.
pub(crate) const SMALL: u64 = 4 << 10;
/// The most bytes that come along with a directory.
pub(crate) const SMALL_TOTAL: u64 = 256 << 10;
/// The most bytes that come along with a root nobody has asked for.
pub(crate) const ROOT_TOTAL: u64 = 16 << 10;
/// A directory with more entries is not sent whole when one entry of it is looked up.
pub(crate) const LISTING_MAX: usize = 256;

/// A question about one tree.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FsRequest {
    /// Which tree: the index of its mount, and one past the last for the program's own folder.
    pub mount: u16,
    pub ask: Ask,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Ask {
    /// `whole` asks for the rest of the directory, too, if that is small.
    Lookup {
        parent: Ino,
        name: Name,
        whole: bool,
    },
    Getattr {
        ino: Ino,
    },
    Readdir {
        dir: Ino,
        after: Option<Name>,
        limit: u32,
    },
    Readlink {
        ino: Ino,
    },
    Read {
        ino: Ino,
        offset: u64,
        len: u32,
    },
    Seek {
        ino: Ino,
        offset: u64,
        to: Whence,
    },
    Getxattr {
        ino: Ino,
        name: String,
    },
    Listxattr {
        ino: Ino,
    },
    Statfs,
}

/// [`SeekTo`], as it travels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Whence {
    Data,
    Hole,
}

impl From<SeekTo> for Whence {
    fn from(to: SeekTo) -> Self {
        match to {
            SeekTo::Data => Whence::Data,
            SeekTo::Hole => Whence::Hole,
        }
    }
}

impl From<Whence> for SeekTo {
    fn from(to: Whence) -> Self {
        match to {
            Whence::Data => SeekTo::Data,
            Whence::Hole => SeekTo::Hole,
        }
    }
}

impl Message for FsRequest {
    type Bounds = ();

    /// The first byte is part of the mount's number here, so one bound serves all: the longest name twice over.
    fn max_len(_: u8, (): ()) -> Option<usize> {
        Some(1 << 10)
    }
}

/// An answer.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum FsReply {
    Failed(Errno),
    /// Attributes alone.
    Stat(Stat),
    /// A whole directory, in place of one entry of it.
    Listing(Listing),
    /// A page of a directory.
    Entries(Vec<DirEntry>),
    Content(#[serde(with = "blob")] Bytes),
    Offset(u64),
    Text(String),
    Names(Vec<String>),
    StatFs(StatFs),
}

/// Every entry of a directory, and what is small in it.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Listing {
    pub entries: Vec<DirEntry>,
    pub contents: Vec<Small>,
    pub links: Vec<(Ino, String)>,
}

/// The whole content of a small file.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Small {
    pub ino: Ino,
    #[serde(with = "blob")]
    pub content: Bytes,
}

impl Message for FsReply {
    type Bounds = ();

    /// Supervisors are trusted; this keeps a bug on their side from eating the sandbox's memory.
    fn max_len(_: u8, (): ()) -> Option<usize> {
        Some(READ_MAX + (1 << 20))
    }
}

#[cfg(test)]
impl FsRequest {
    /// The smallest question.
    pub(crate) fn statfs(mount: u16) -> Self {
        FsRequest { mount, ask: Ask::Statfs }
    }
}
