//! Blocks that are in the bucket, and those that come into it.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;

use super::block::{self, Hash};
use super::depot::Depot;
use super::manifest::Manifest;
use super::{PushError, Pushed};
use crate::errno::NodeError;
use crate::object::{Bucket, Expect};

/// The most blocks with one first byte that are believed to be there.
const SHELF_MOST: usize = 1 << 20;

/// The blocks that are in the bucket, and those that come.
pub(super) struct Shop<'a> {
    bucket: &'a Bucket,
    all: bool,
    /// Those that need not be sent: they are there, or somebody is at it.
    known: Mutex<HashSet<Hash>>,
    /// Those that are there by their first byte, listed when the first of them is asked for.
    shelves: Vec<Mutex<Option<HashSet<Hash>>>>,
    sent_blocks: AtomicU64,
    sent_bytes: AtomicU64,
}

impl<'a> Shop<'a> {
    /// What the last push names is there.
    pub(super) fn new(depot: Depot<'a>, last: Option<&Manifest>, all: bool) -> Result<Shop<'a>, PushError> {
        let mut known = HashSet::new();
        if let Some(last) = last {
            known.extend(last.hashes.iter().chain(&last.lists).copied());
            depot.pieces(last, &mut |piece| known.extend([piece]))?;
        }
        Ok(Shop {
            bucket: depot.bucket,
            all,
            known: Mutex::new(known),
            shelves: (0..256).map(|_| Mutex::default()).collect(),
            sent_blocks: AtomicU64::new(0),
            sent_bytes: AtomicU64::new(0),
        })
    }

    /// Sees to it that a block is there.
    pub(super) fn put(
        &self,
        hash: &Hash,
        content: impl FnOnce() -> Result<Bytes, PushError>,
    ) -> Result<(), PushError> {
        if !self.known.lock().insert(*hash) || (!self.all && self.is_there(hash)?) {
            return Ok(());
        }
        let packed = block::pack(&content()?).map_err(NodeError::io)?;
        let length = packed.len() as u64;
        self.bucket.put(&block::name(hash), packed, &Expect::Anything, &BTreeMap::new())?;
        self.sent_blocks.fetch_add(1, Ordering::Relaxed);
        self.sent_bytes.fetch_add(length, Ordering::Relaxed);
        Ok(())
    }

    /// Few blocks that are new ask for few listings; many ask for 256, however many they are.
    fn is_there(&self, hash: &Hash) -> Result<bool, PushError> {
        let mut shelf = self.shelves[usize::from(hash[0])].lock();
        if let Some(known) = &*shelf {
            return Ok(known.contains(hash));
        }
        let mut found = HashSet::new();
        self.bucket.list_all(&block::shelf(hash[0]), |object| {
            // An empty one is what some stores leave of a write that broke off. What is past the bound is sent anew.
            let is_one = object.size > 0 && found.len() < SHELF_MOST;
            found.extend(block::by_name(&object.name).filter(|_| is_one));
            Ok(())
        })?;
        Ok(shelf.insert(found).contains(hash))
    }

    pub(super) fn done(&self, manifest: &Manifest, unchanged: bool) -> Pushed {
        Pushed {
            info: manifest.info.clone(),
            unchanged,
            blocks: manifest.hashes.len() as u64 + manifest.lists.len() as u64 + manifest.pieces,
            sent_blocks: self.sent_blocks.load(Ordering::Relaxed),
            sent_bytes: self.sent_bytes.load(Ordering::Relaxed),
        }
    }
}
