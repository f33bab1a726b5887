//! What an overlay knows of one inode: a delta over its origin, or a whole new node.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use imbl::OrdMap;

use super::content::Content;
use super::scratch::{Charge, TreeCharge};
use crate::clock::Timestamp;
use crate::errno::{Errno, NodeResult};
use crate::node::{FileType, Ino, Stat};
use crate::path::Name;

/// A node that is new or was touched. Which of both its number tells: numbers of the lower layer pass
/// through, so a node of the lower layer is its own origin.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) ino: Ino,
    pub(crate) mode: u32,
    pub(crate) nlink: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) atime: Timestamp,
    pub(crate) mtime: Timestamp,
    pub(crate) ctime: Timestamp,
    pub(crate) btime: Timestamp,
    pub(crate) version: u64,
    /// The stamp of the tree when this node last changed.
    pub(crate) stamp: u64,
    /// Of a directory: where it stands. `None` for the root, for a removed one, and for a lower one that nobody
    /// came to by name.
    pub(crate) place: Option<(Ino, Name)>,
    /// `None` while they are as in the origin (of a new node: while there are none).
    pub(crate) xattrs: Option<Arc<Xattrs>>,
    pub(crate) body: Body,
    /// Of a node that was merged: what its entries or extents take.
    pub(crate) _charge: Option<Arc<TreeCharge>>,
}

/// What makes the kinds differ.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    File(Content),
    /// Changed entries; what is not here is as the origin has it (of a new directory: is not there).
    Directory(OrdMap<Name, Entry>),
    Symlink(Target),
    /// A FIFO, a socket, or a device with its number.
    Special(FileType, u64),
}

/// A changed entry of a directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Entry {
    /// The name leads to this node, of which the overlay has a delta.
    Node(Ino),
    /// The lower directory has the name; here it is gone.
    Whiteout,
}

/// Where a symbolic link leads.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// As the origin says; this is its length.
    Origin(u64),
    Own(Arc<OwnTarget>),
}

#[derive(Debug)]
pub(crate) struct OwnTarget {
    pub(crate) text: String,
    pub(crate) _charge: Charge,
}

/// All extended attributes of a node.
#[derive(Debug)]
pub(crate) struct Xattrs {
    pub(crate) map: BTreeMap<String, Bytes>,
    pub(crate) _charge: Charge,
}

impl Node {
    /// The delta that changes nothing.
    pub(crate) fn of_origin(stat: &Stat, place: Option<(Ino, Name)>) -> Node {
        let body = match stat.kind {
            FileType::Regular => Body::File(Content::of_origin(stat.size, stat.blocks)),
            FileType::Directory => Body::Directory(OrdMap::new()),
            FileType::Symlink => Body::Symlink(Target::Origin(stat.size)),
            kind => Body::Special(kind, stat.rdev),
        };
        let place = place.filter(|_| stat.is_dir());
        Node {
            ino: stat.ino,
            mode: stat.mode,
            nlink: stat.nlink,
            uid: stat.uid,
            gid: stat.gid,
            atime: stat.atime,
            mtime: stat.mtime,
            ctime: stat.ctime,
            btime: stat.btime,
            version: stat.version,
            stamp: 0,
            place,
            xattrs: None,
            body,
            _charge: None,
        }
    }

    pub(crate) fn kind(&self) -> FileType {
        match &self.body {
            Body::File(_) => FileType::Regular,
            Body::Directory(_) => FileType::Directory,
            Body::Symlink(_) => FileType::Symlink,
            Body::Special(kind, _) => *kind,
        }
    }

    pub(crate) fn is_dir(&self) -> bool {
        matches!(self.body, Body::Directory(_))
    }

    pub(crate) fn stat(&self) -> Stat {
        let (size, blocks, rdev) = match &self.body {
            Body::File(content) => (content.size(), content.blocks(), 0),
            Body::Directory(_) => (0, 0, 0),
            Body::Symlink(Target::Origin(len)) => (*len, 0, 0),
            Body::Symlink(Target::Own(target)) => (target.text.len() as u64, 0, 0),
            Body::Special(_, rdev) => (0, 0, *rdev),
        };
        Stat {
            ino: self.ino,
            kind: self.kind(),
            mode: self.mode,
            nlink: self.nlink,
            uid: self.uid,
            gid: self.gid,
            rdev,
            size,
            blocks,
            atime: self.atime,
            mtime: self.mtime,
            ctime: self.ctime,
            btime: self.btime,
            version: self.version,
        }
    }

    /// The content of a regular file.
    ///
    /// # Errors
    /// `EISDIR`, `EINVAL`.
    pub(crate) fn content(&self) -> NodeResult<&Content> {
        match &self.body {
            Body::File(content) => Ok(content),
            Body::Directory(_) => Err(Errno::EISDIR.into()),
            _ => Err(Errno::EINVAL.into()),
        }
    }

    /// The content of a regular file, to change it; errors as [`content`](Node::content).
    pub(crate) fn content_mut(&mut self) -> NodeResult<&mut Content> {
        match &mut self.body {
            Body::File(content) => Ok(content),
            Body::Directory(_) => Err(Errno::EISDIR.into()),
            _ => Err(Errno::EINVAL.into()),
        }
    }

    /// The changed entries of a directory, else `ENOTDIR`.
    pub(crate) fn entries(&self) -> NodeResult<&OrdMap<Name, Entry>> {
        match &self.body {
            Body::Directory(entries) => Ok(entries),
            _ => Err(Errno::ENOTDIR.into()),
        }
    }

    /// The changed entries of what is known to be a directory.
    pub(crate) fn entries_mut(&mut self) -> &mut OrdMap<Name, Entry> {
        match &mut self.body {
            Body::Directory(entries) => entries,
            _ => unreachable!("callers have checked that it is a directory"),
        }
    }

    /// Marks a change of attributes (or links).
    pub(crate) fn touch(&mut self, now: Timestamp, stamp: u64) {
        self.ctime = now;
        self.version += 1;
        self.stamp = stamp;
    }

    /// Marks a change of content (or entries).
    pub(crate) fn modify(&mut self, now: Timestamp, stamp: u64) {
        self.mtime = now;
        self.touch(now, stamp);
    }
}
