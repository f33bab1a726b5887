//! Copy-on-write over any layer.
//!
//! An overlay node is a delta over the node it came from: changed attributes, changed entries, extents over the
//! origin's content. Copy-up copies metadata only; a renamed directory keeps its number and with it everything
//! below; appending to a large file costs what is appended.
//!
//! Numbers of the lower layer pass through unchanged, and new nodes count up from past them, so that a node's
//! number alone says whether it has an origin and which. That is also why there are no opaque directories here: a
//! directory that was removed and made anew has a new number, hence no origin that could show through.
//!
//! Deltas are found by number. A hard-linked lower file that was changed through one of its names is therefore
//! seen changed through all of them, though their directories know nothing of it.

mod attrs;
pub(crate) mod base;
pub(crate) mod changes;
pub(crate) mod content;
mod delta;
pub(crate) mod diff;
mod edit;
mod extents;
pub(crate) mod names;
pub(crate) mod node;
pub(crate) mod places;
pub(crate) mod scratch;
pub(crate) mod store;
pub(crate) mod tree;

use std::fs::File;
use std::sync::Arc;

use bytes::Bytes;

use crate::clock::{Clock, SystemClock};
use crate::errno::NodeResult;
use crate::layer::Layer;
use crate::node::{Allocate, DirEntry, Ino, NewAttr, NewNode, RenameMode, SeekTo, SetAttr, Stat, XattrMode};
use crate::path::Name;
use crate::savepoint::Savepoint;
use base::Base;
pub use delta::{DeltaBounds, DeltaError};
use scratch::Scratch;
pub use scratch::{ScratchBudget, ScratchLimits, ScratchUsage};
use store::Store;
use tree::Tree;

/// How an overlay is made.
#[derive(Debug)]
pub struct OverlayOptions {
    /// Where times come from.
    pub clock: Arc<dyn Clock>,
    /// How much it may hold.
    pub limits: ScratchLimits,
    /// Where content past `limits.memory_bytes` goes: an empty file, best an unlinked one, that nobody else
    /// writes to. Without one, that bound is the bound of everything.
    pub spill: Option<File>,
    /// What others hold that is counted against the same limits.
    pub budget: Option<ScratchBudget>,
}

impl Default for OverlayOptions {
    fn default() -> Self {
        OverlayOptions {
            clock: Arc::new(SystemClock),
            limits: ScratchLimits::default(),
            spill: None,
            budget: None,
        }
    }
}

/// A layer of changes over another, which is only ever read and must not change meanwhile.
#[derive(Debug)]
pub struct Overlay {
    pub(crate) store: Store,
}

impl Overlay {
    /// An overlay without changes.
    ///
    /// # Panics
    /// If the numbers of the lower layer leave no room for new ones (`ino_bits` past 62).
    pub fn new(lower: Arc<dyn Layer>, options: OverlayOptions) -> Overlay {
        let bits = lower.features().ino_bits;
        assert!(bits <= 62, "the lower layer uses all inode numbers");
        let (root, first_new) = (lower.root(), 1 << bits);
        let base = Base { lower: Some(lower), root, first_new, seen: Default::default() };
        let scratch = Scratch::new(options.limits, options.spill, options.budget);
        let store = Store::new("overlay", bits + 1, base, Tree::new(first_new), options.clock, scratch);
        Overlay { store }
    }

    /// An independent overlay in the same state, at the cost of a few reference counts. Both share the quota
    /// and the spill file; what both still show is counted once. Nothing is open in the fork.
    #[must_use]
    pub fn fork(&self) -> Overlay {
        Overlay { store: self.store.fork() }
    }

    /// What it holds, together with all its forks (and, of bytes, with all that share its budget).
    pub fn usage(&self) -> ScratchUsage {
        self.store.usage()
    }

    /// What it holds, for another overlay to be counted together with.
    pub fn budget(&self) -> ScratchBudget {
        self.store.scratch().budget()
    }

    /// A counter of changes. What happened since is what [`encode_since`](Overlay::encode_since) writes.
    pub fn stamp(&self) -> u64 {
        self.store.stamp()
    }

    /// The layer below.
    pub fn lower(&self) -> &Arc<dyn Layer> {
        self.store.base().lower.as_ref().expect("an overlay is made over a layer")
    }
}

store::delegate_layer!(Overlay);

#[cfg(test)]
mod tests;
