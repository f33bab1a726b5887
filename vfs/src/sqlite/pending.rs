//! What a running transaction knows better, or faster, than the tables do.

use std::cell::RefCell;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::inode::Node;
use super::usage::Usage;
use crate::errno::NodeResult;
use crate::path::Name;

/// The most nodes remembered; a transaction that makes more looks the others up.
const MADE_MAX: usize = 10_000;

/// Rows of the running transaction that need not be read, and those not written yet.
#[derive(Default)]
pub(super) struct Pending {
    /// Directories as they will be written when the transaction ends.
    pub(super) dirs: HashMap<i64, PendingDir>,
    /// What the tree takes up, this transaction's changes included.
    pub(super) usage: Usage,
    /// Nodes that it made, as they are stored. None of them has an atime of its own.
    made: HashMap<i64, Box<Node>>,
    /// The last name that was looked for in vain: whoever makes a file has often looked just before.
    missed: RefCell<Option<(i64, Name)>>,
    /// Directories that never had an entry before this transaction, with the names it gave them (and maybe took again);
    /// `None` for one that had. Filling a new directory need not ask the table for each name.
    unused: RefCell<HashMap<i64, Option<HashSet<Name>>>>,
}

/// A directory as it will be written.
pub(super) struct PendingDir {
    pub(super) node: Node,
    pub(super) dirty: bool,
}

impl Pending {
    pub(super) fn new(usage: Usage) -> Pending {
        Pending { usage, ..Pending::default() }
    }

    /// The node as it is now, if it is known.
    pub(super) fn node(&self, ino: i64) -> Option<&Node> {
        self.dirs.get(&ino).map(|dir| &dir.node).or_else(|| self.made(ino))
    }

    /// A node that has its birth for an atime.
    pub(super) fn made(&self, ino: i64) -> Option<&Node> {
        self.made.get(&ino).map(|node| &**node)
    }

    /// Remembers a node that was just made; of a directory, that it has no entries.
    pub(super) fn note_made(&mut self, node: Node) {
        if node.is_dir() {
            self.unused.get_mut().insert(node.ino, Some(HashSet::new()));
        } else if self.made.len() < MADE_MAX {
            self.made.insert(node.ino, Box::new(node));
        }
    }

    /// Notes that a node was stored again.
    pub(super) fn note_stored(&mut self, node: Node) {
        if let Some(made) = self.made.get_mut(&node.ino) {
            **made = node;
        }
    }

    /// Forgets a node: it is gone, or what is remembered of it is no longer all of it.
    pub(super) fn forget(&mut self, ino: i64) {
        self.made.remove(&ino);
        self.unused.get_mut().remove(&ino);
    }

    pub(super) fn note_missed(&self, parent: i64, name: &Name) {
        *self.missed.borrow_mut() = Some((parent, name.clone()));
    }

    /// Whether it is known that there is no such entry.
    pub(super) fn is_absent(&self, parent: i64, name: &str) -> bool {
        let unused = self.unused.borrow();
        let never = unused.get(&parent).and_then(Option::as_ref).is_some_and(|names| !names.contains(name));
        never
            || self
                .missed
                .borrow()
                .as_ref()
                .is_some_and(|(dir, missed)| *dir == parent && missed.as_str() == name)
    }

    /// Finds out once whether a directory ever had an entry.
    pub(super) fn examine(&self, dir: i64, is_unused: impl FnOnce() -> NodeResult<bool>) -> NodeResult<()> {
        let mut unused = self.unused.borrow_mut();
        if let Entry::Vacant(place) = unused.entry(dir) {
            place.insert(is_unused()?.then(HashSet::new));
        }
        Ok(())
    }

    /// Notes that an entry changed.
    pub(super) fn note_entry(&mut self, parent: i64, name: &Name) {
        *self.missed.get_mut() = None;
        if let Some(Some(names)) = self.unused.get_mut().get_mut(&parent) {
            names.insert(name.clone());
        }
    }
}
