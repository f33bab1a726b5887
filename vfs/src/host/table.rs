//! Which inode number stands for which host node, and by which names it was seen.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use cap_std::fs::Dir;

use super::node::{Key, Seen};
use crate::node::{FileType, Ino, Stat};
use crate::path::Name;

/// The number of the root.
pub(super) const ROOT: Ino = Ino(1);

/// Directories kept open. When there are more, all are closed and opened again as needed. Few, since a process may have
/// 1024 files open in all, and a run several host mounts.
const OPEN_DIRS: usize = 64;

/// A descriptor on a node that is open.
#[derive(Debug)]
pub(super) struct Held {
    pub fd: OwnedFd,
    /// Whether it can be written through.
    pub writable: bool,
}

#[derive(Debug)]
struct Record {
    key: Key,
    kind: FileType,
    names: Vec<(Ino, Name)>,
    /// Changes made here: they order what the host's clock is too coarse for.
    changes: u64,
    pins: u32,
    held: Option<Arc<Held>>,
}

#[derive(Debug)]
pub(super) struct Table {
    records: HashMap<Ino, Record>,
    by_key: HashMap<Key, Ino>,
    dirs: HashMap<Ino, Arc<Dir>>,
    next: u64,
}

impl Table {
    pub fn new(root: &Seen) -> Table {
        let mut table =
            Table { records: HashMap::new(), by_key: HashMap::new(), dirs: HashMap::new(), next: ROOT.0 };
        table.number(root);
        table
    }

    /// The number of a node that was seen; a new one if it was not seen before.
    fn number(&mut self, seen: &Seen) -> Ino {
        if let Some(ino) = self.by_key.get(&seen.key) {
            return *ino;
        }
        let ino = Ino(self.next);
        self.next += 1;
        let kind = seen.stat.kind;
        let record = Record { key: seen.key, kind, names: Vec::new(), changes: 0, pins: 0, held: None };
        self.records.insert(ino, record);
        self.by_key.insert(seen.key, ino);
        ino
    }

    /// Notes that `name` leads to a node, and returns the node's attributes.
    pub fn note(&mut self, parent: Ino, name: &Name, seen: &Seen) -> Stat {
        let ino = self.number(seen);
        let record = self.records.get_mut(&ino).expect("it has just been numbered");
        let known = record.names.first().is_some_and(|(dir, known)| *dir == parent && known == name);
        if !known {
            record.names.retain(|(dir, known)| *dir != parent || known != name);
            record.names.insert(0, (parent, name.clone()));
        }
        self.stat_of(ino, seen)
    }

    /// The attributes as they are shown.
    pub fn stat_of(&self, ino: Ino, seen: &Seen) -> Stat {
        let changes = self.records.get(&ino).map_or(0, |record| record.changes);
        Stat { ino, version: seen.stat.version.saturating_add(changes), ..seen.stat }
    }

    /// Notes that a name does not lead to the node any more. One that nothing leads to or holds is forgotten.
    pub fn forget(&mut self, ino: Ino, parent: Ino, name: &Name, links_left: u32) {
        let Some(record) = self.records.get_mut(&ino) else { return };
        record.names.retain(|(dir, known)| *dir != parent || known != name);
        record.changes += 1;
        if links_left == 0 {
            self.by_key.remove(&record.key);
            self.dirs.remove(&ino);
            if record.pins == 0 {
                self.records.remove(&ino);
            }
        }
    }

    /// Notes that an entry has moved.
    pub fn moved(&mut self, ino: Ino, from: (Ino, &Name), to: (Ino, &Name)) {
        let Some(record) = self.records.get_mut(&ino) else { return };
        record.names.retain(|(dir, known)| *dir != from.0 || known != from.1);
        record.names.insert(0, (to.0, to.1.clone()));
        record.changes += 1;
    }

    /// Notes that content or attributes were changed from here.
    pub fn changed(&mut self, ino: Ino) {
        if let Some(record) = self.records.get_mut(&ino) {
            record.changes += 1;
        }
    }

    pub fn key(&self, ino: Ino) -> Option<Key> {
        self.records.get(&ino).map(|record| record.key)
    }

    pub fn kind(&self, ino: Ino) -> Option<FileType> {
        self.records.get(&ino).map(|record| record.kind)
    }

    /// The names it was seen by, the latest first.
    pub fn names(&self, ino: Ino) -> Vec<(Ino, Name)> {
        self.records.get(&ino).map(|record| record.names.clone()).unwrap_or_default()
    }

    pub fn held(&self, ino: Ino) -> Option<Arc<Held>> {
        self.records.get(&ino).and_then(|record| record.held.clone())
    }

    /// Counts one more pin if a descriptor is held already.
    pub fn pin_again(&mut self, ino: Ino) -> bool {
        match self.records.get_mut(&ino) {
            Some(record) if record.held.is_some() => {
                record.pins += 1;
                true
            }
            _ => false,
        }
    }

    pub fn pin(&mut self, ino: Ino, held: Held) {
        if let Some(record) = self.records.get_mut(&ino) {
            record.pins += 1;
            record.held.get_or_insert_with(|| Arc::new(held));
        }
    }

    pub fn unpin(&mut self, ino: Ino) {
        let Some(record) = self.records.get_mut(&ino) else { return };
        record.pins = record.pins.saturating_sub(1);
        if record.pins == 0 {
            record.held = None;
            let gone = !self.by_key.contains_key(&record.key);
            if gone {
                self.records.remove(&ino);
            }
        }
    }

    pub fn open_dir(&self, ino: Ino) -> Option<Arc<Dir>> {
        self.dirs.get(&ino).cloned()
    }

    pub fn keep_dir(&mut self, ino: Ino, dir: Arc<Dir>) {
        if self.dirs.len() >= OPEN_DIRS {
            self.dirs.clear();
        }
        self.dirs.insert(ino, dir);
    }
}
