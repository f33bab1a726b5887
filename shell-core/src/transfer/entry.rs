//! What a transfer hands on, entry by entry.

use bytes::Bytes;
use cowry_vfs::sqlite::Piece;
use cowry_vfs::{Timestamp, VPathBuf};

/// The longest piece of a file that is handled at once.
pub(super) const PIECE: usize = 4 << 20;

/// What an entry has beside content and kind.
#[derive(Clone, Debug)]
pub(super) struct Attributes {
    pub mode: u32,
    pub mtime: Timestamp,
    /// User and group, where they are known.
    pub owner: Option<(u32, u32)>,
    /// In `user.`.
    pub xattrs: Vec<(String, Vec<u8>)>,
}

/// One entry on its way; paths are relative to the target.
pub(super) enum Entry {
    Directory {
        path: VPathBuf,
        attributes: Attributes,
    },
    File {
        path: VPathBuf,
        attributes: Attributes,
        content: Vec<u8>,
    },
    /// More content of the file that came last at this path; what is skipped is a hole.
    More {
        path: VPathBuf,
        mtime: Timestamp,
        at: u64,
        content: Vec<u8>,
    },
    /// The same, cut as it was uploaded.
    Piece {
        path: VPathBuf,
        mtime: Timestamp,
        at: u64,
        piece: Piece,
        content: Bytes,
    },
    /// The size of the file that came last at this path, if it may end with a hole.
    Size {
        path: VPathBuf,
        mtime: Timestamp,
        size: u64,
    },
    Symlink {
        path: VPathBuf,
        target: String,
        attributes: Attributes,
    },
    Fifo {
        path: VPathBuf,
        attributes: Attributes,
    },
    /// One more name of a file that came before.
    Link {
        path: VPathBuf,
        to: VPathBuf,
    },
}

impl Entry {
    pub fn path(&self) -> &VPathBuf {
        match self {
            Entry::Directory { path, .. }
            | Entry::File { path, .. }
            | Entry::More { path, .. }
            | Entry::Piece { path, .. }
            | Entry::Size { path, .. }
            | Entry::Symlink { path, .. }
            | Entry::Fifo { path, .. }
            | Entry::Link { path, .. } => path,
        }
    }

    /// How much content it has.
    pub fn bytes(&self) -> usize {
        match self {
            Entry::File { content, .. } | Entry::More { content, .. } => content.len(),
            Entry::Piece { content, .. } => content.len(),
            _ => 0,
        }
    }

    /// Whether it is more than a part of another.
    pub fn is_whole(&self) -> bool {
        !matches!(self, Entry::More { .. } | Entry::Piece { .. } | Entry::Size { .. })
    }
}
