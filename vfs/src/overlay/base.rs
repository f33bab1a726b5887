//! What lies below an overlay, and what is remembered of it.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::content::Origin;
use crate::errno::{Errno, NodeResult};
use crate::layer::Layer;
use crate::node::{DirEntry, Ino, Stat};
use crate::path::Name;

/// How many entries of a lower directory are fetched at a time.
pub(crate) const PAGE: usize = 256;

/// What all forks share and nothing changes.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) lower: Option<Arc<dyn Layer>>,
    pub(crate) root: Ino,
    /// Numbers from here on are nodes of our own.
    pub(crate) first_new: u64,
    pub(crate) seen: Seen,
}

/// Where lower nodes were met lately, so that a change by number alone can be told by path. It is only a memory:
/// whoever needs an answer and finds none walks the lower layer.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<[HashMap<Ino, (Ino, Name)>; 2]>);

/// How many nodes one generation of [`Seen`] remembers.
const SEEN_MAX: usize = 1 << 15;

impl Seen {
    pub(crate) fn remember(&self, ino: Ino, parent: Ino, name: &Name) {
        let mut generations = self.0.lock();
        let [young, old] = &mut *generations;
        if young.contains_key(&ino) {
            return;
        }
        if young.len() >= SEEN_MAX {
            *old = std::mem::take(young);
        }
        young.insert(ino, (parent, name.clone()));
    }

    pub(crate) fn recall(&self, ino: Ino) -> Option<(Ino, Name)> {
        let mut generations = self.0.lock();
        let [young, old] = &mut *generations;
        if let Some(place) = young.get(&ino) {
            return Some(place.clone());
        }
        let place = old.get(&ino)?.clone();
        young.insert(ino, place.clone());
        Some(place)
    }
}

impl Base {
    /// Whether a node of this number lives in the lower layer.
    pub(crate) fn is_lower(&self, ino: Ino) -> bool {
        ino.0 < self.first_new && self.lower.is_some()
    }

    /// The lower layer, where it has this node.
    pub(crate) fn lower_of(&self, ino: Ino) -> Option<&dyn Layer> {
        self.lower.as_deref().filter(|_| ino.0 < self.first_new)
    }

    pub(crate) fn origin(&self, ino: Ino) -> Option<Origin<'_>> {
        self.lower_of(ino).map(|layer| Origin { layer, ino })
    }

    /// The lower layer's entry, if it has one; remembers where it was.
    pub(crate) fn lower_entry(&self, dir: Ino, name: &Name) -> NodeResult<Option<Stat>> {
        let Some(lower) = self.lower_of(dir) else { return Ok(None) };
        match lower.lookup(dir, name) {
            Ok(stat) => {
                self.seen.remember(stat.ino, dir, name);
                Ok(Some(stat))
            }
            Err(error) if error == Errno::ENOENT => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Calls `each` for the entries of a lower directory after a name, in order, until it says `false`.
    pub(crate) fn lower_entries(
        &self,
        dir: Ino,
        after: Option<&Name>,
        page: usize,
        each: &mut dyn FnMut(DirEntry) -> NodeResult<bool>,
    ) -> NodeResult<()> {
        let Some(lower) = self.lower_of(dir) else { return Ok(()) };
        let mut after = after.cloned();
        loop {
            let entries = lower.readdir(dir, after.as_ref(), page)?;
            let full = entries.len() >= page;
            after = entries.last().map(|entry| entry.name.clone()).or(after);
            for entry in entries {
                if !each(entry)? {
                    return Ok(());
                }
            }
            if !full {
                return Ok(());
            }
        }
    }

    /// Calls `each` with every entry of the lower layer (and its directory) until it says `false`.
    pub(crate) fn walk_lower(
        &self,
        each: &mut dyn FnMut(Ino, &DirEntry) -> NodeResult<bool>,
    ) -> NodeResult<()> {
        if self.lower.is_none() {
            return Ok(());
        }
        let mut dirs = vec![self.root];
        let mut more = true;
        while more && let Some(dir) = dirs.pop() {
            self.lower_entries(dir, None, PAGE, &mut |entry| {
                if entry.stat.is_dir() {
                    dirs.push(entry.stat.ino);
                }
                more = each(dir, &entry)?;
                Ok(more)
            })?;
        }
        Ok(())
    }
}
