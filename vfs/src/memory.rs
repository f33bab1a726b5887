//! A filesystem in memory: the overlay's node store with nothing below it.

use std::sync::Arc;

use bytes::Bytes;
use imbl::OrdMap;

use crate::clock::{Clock, SystemClock};
use crate::errno::NodeResult;
use crate::layer::Layer;
use crate::node::{Allocate, DirEntry, Ino, NewAttr, NewNode, RenameMode, SeekTo, SetAttr, Stat, XattrMode};
use crate::overlay::base::Base;
use crate::overlay::node::{Body, Node};
use crate::overlay::scratch::{Scratch, ScratchLimits, ScratchUsage};
use crate::overlay::store::{Store, delegate_layer};
use crate::overlay::tree::Tree;
use crate::path::Name;
use crate::savepoint::Savepoint;

/// The number of the root directory.
const ROOT: Ino = Ino(1);
/// Numbers are counted up and never used again; this many bits outlast any process.
const INO_BITS: u8 = 40;

/// A filesystem that lives as long as its process. [`fork`](MemoryLayer::fork) copies it in O(1).
#[derive(Debug)]
pub struct MemoryLayer {
    store: Store,
}

impl MemoryLayer {
    /// An empty filesystem by the host's clock, bounded by nothing but memory.
    pub fn new() -> MemoryLayer {
        MemoryLayer::with_clock(Arc::new(SystemClock))
    }

    /// An empty filesystem by this clock.
    pub fn with_clock(clock: Arc<dyn Clock>) -> MemoryLayer {
        MemoryLayer::with_limits(clock, ScratchLimits::UNLIMITED)
    }

    /// An empty filesystem that holds no more than this. The bound on memory is the bound of everything.
    pub fn with_limits(clock: Arc<dyn Clock>, limits: ScratchLimits) -> MemoryLayer {
        let now = clock.now();
        let root = Node {
            ino: ROOT,
            mode: 0o755,
            nlink: 2,
            uid: 1000,
            gid: 1000,
            atime: now,
            mtime: now,
            ctime: now,
            btime: now,
            version: 1,
            stamp: 0,
            place: None,
            xattrs: None,
            body: Body::Directory(OrdMap::new()),
            _charge: None,
        };
        let mut tree = Tree::new(ROOT.0 + 1);
        tree.nodes.insert(ROOT, Arc::new(root));
        let base = Base { lower: None, root: ROOT, first_new: 0, seen: Default::default() };
        let scratch = Scratch::new(limits, None, None);
        MemoryLayer { store: Store::new("memory", INO_BITS, base, tree, clock, scratch) }
    }

    /// An independent filesystem in the same state, at the cost of a few reference counts.
    #[must_use]
    pub fn fork(&self) -> MemoryLayer {
        MemoryLayer { store: self.store.fork() }
    }

    /// What it holds, together with all its forks.
    pub fn usage(&self) -> ScratchUsage {
        self.store.usage()
    }
}

impl Default for MemoryLayer {
    fn default() -> Self {
        MemoryLayer::new()
    }
}

delegate_layer!(MemoryLayer);
