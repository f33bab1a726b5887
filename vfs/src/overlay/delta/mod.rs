//! What an overlay changed, as bytes: a sandbox sends it, and the supervisor's mirror takes it in.
//!
//! A delta is a sequence of frames: a length in four bytes, little endian, and that many bytes of one [`Item`] in
//! postcard. Nodes come in the order of their numbers, each followed by its entries or its content; content comes
//! in pieces of at most 1 MiB. A delta since a stamp holds the nodes that changed after it, and of their
//! content only the blocks that did; for the others it says that the receiver has them.
//!
//! [`merge`](Overlay::merge) takes hostile input: see `merge.rs` for what it requires.

mod encode;
mod merge;
mod shape;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{Read, Write};

use serde::{Deserialize, Serialize};

use super::Overlay;
use super::scratch::ScratchLimits;
use crate::clock::Timestamp;
use crate::errno::{Errno, NodeError};
use crate::node::{FileType, Ino};
use crate::path::Name;

/// The first number of every delta; another means another format.
const FORMAT: u32 = 1;
/// The most content in one frame.
const PIECE_MAX: usize = 1 << 20;
/// The most entries in one frame.
const ENTRIES_MAX: usize = 1024;

/// One frame of a delta.
#[derive(Debug, Serialize, Deserialize)]
enum Item<'a> {
    /// The first: the format, and the number that the next new node would get.
    Begin { format: u32, next: u64 },
    /// The lower layer has `ino` as `name` in `parent`.
    Home { ino: Ino, parent: Ino, name: Name },
    /// Nodes of the lower layer that have no name any more.
    Gone(Vec<Ino>),
    /// A node, whole but for its entries and content, which follow.
    Node(NodeItem),
    /// Changed entries of the directory before; `None` is a whiteout.
    Entries(Vec<(Name, Option<Ino>)>),
    /// Content of the file before.
    Data {
        offset: u64,
        #[serde(serialize_with = "all_at_once")]
        bytes: &'a [u8],
    },
    /// Content of the file before that the receiver has already.
    Keep { offset: u64, len: u64 },
    /// Zeros over the origin of the file before.
    Hole { offset: u64, len: u64 },
    /// The last.
    End,
}

/// Bytes as one piece, not as a sequence of numbers; they look the same on the wire.
fn all_at_once<S: serde::Serializer>(bytes: &[u8], out: S) -> Result<S::Ok, S::Error> {
    out.serialize_bytes(bytes)
}

#[derive(Debug, Serialize, Deserialize)]
struct NodeItem {
    ino: Ino,
    mode: u32,
    nlink: u32,
    uid: u32,
    gid: u32,
    atime: Timestamp,
    mtime: Timestamp,
    ctime: Timestamp,
    btime: Timestamp,
    version: u64,
    xattrs: Option<BTreeMap<String, Vec<u8>>>,
    body: BodyItem,
}

#[derive(Debug, Serialize, Deserialize)]
enum BodyItem {
    File {
        size: u64,
        origin_len: u64,
    },
    Directory,
    /// `None`: as the origin says.
    Symlink(Option<String>),
    Special(FileType, u64),
}

/// How much a delta may bring.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeltaBounds {
    /// Bytes of one frame.
    pub frame_bytes: u32,
    /// Bytes of all frames.
    pub bytes: u64,
    /// Frames.
    pub frames: u64,
    /// Nodes, and entries of directories, and nodes that are gone; each on its own.
    pub nodes: u64,
}

impl DeltaBounds {
    /// What an honest overlay with these limits may need.
    pub fn of(limits: &ScratchLimits) -> DeltaBounds {
        let nodes = limits.nodes.saturating_mul(8).saturating_add(1_000_000);
        DeltaBounds {
            frame_bytes: 2 << 20,
            bytes: limits.total_bytes.saturating_mul(2).saturating_add(nodes.saturating_mul(512)),
            frames: nodes.saturating_add(limits.total_bytes / 64),
            nodes,
        }
    }
}

impl Default for DeltaBounds {
    /// Those of the default [`ScratchLimits`].
    fn default() -> Self {
        DeltaBounds::of(&ScratchLimits::default())
    }
}

/// Why a delta was not taken in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeltaError {
    /// Reading failed, or the delta ended early.
    #[error("the changes could not be read")]
    Io(#[from] std::io::Error),
    /// It is larger than allowed.
    #[error("the changes exceed their bound: {0}")]
    TooMuch(&'static str),
    /// It is not what an overlay writes.
    #[error("the changes are malformed: {0}")]
    Malformed(&'static str),
    /// The mirror's quota is used up, or the lower layer failed.
    #[error("the changes could not be taken in")]
    Node(#[from] NodeError),
}

impl From<Errno> for DeltaError {
    fn from(errno: Errno) -> Self {
        DeltaError::Node(errno.into())
    }
}

impl Overlay {
    /// Writes what changed after `stamp` (0 means everything) and returns the stamp to go on from.
    /// Files that have no name any more are not in it.
    ///
    /// # Errors
    /// Those of `out`, and of reading spilled content.
    pub fn encode_since(&self, stamp: u64, out: &mut dyn Write) -> std::io::Result<u64> {
        encode::encode(&self.store, stamp, out)
    }

    /// Takes in what another overlay over the same lower layer wrote with
    /// [`encode_since`](Overlay::encode_since) since it last did: all of it, or nothing.
    /// Whoever calls this must not have changed the overlay in another way meanwhile.
    ///
    /// # Errors
    /// Of input that is too large, malformed or contradicts itself or the lower layer; nothing of it
    /// is trusted.
    pub fn merge(&self, input: &mut dyn Read, bounds: &DeltaBounds) -> Result<(), DeltaError> {
        merge::merge(&self.store, input, bounds)
    }
}
