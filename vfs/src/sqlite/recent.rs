//! What was read lately, kept for the next time.
//!
//! What there is now is kept only until anybody changes anything: this process forgets it when it begins to write, and
//! SQLite says (`data_version`, which costs no more than taking a read lock) when another connection has written.
//! A sealed revision never changes, so what was read of one is kept until there is no more room.

use std::collections::HashMap;
use std::hash::Hash;

use bytes::Bytes;
use rusqlite::Connection;

use crate::errno::NodeResult;
use crate::node::{Ino, Stat};
use crate::path::Name;

/// Attributes, and names, of one generation.
const COUNT: usize = 1 << 14;
/// Bytes of inline content of one generation.
const BYTES: usize = 4 << 20;

/// Attributes, names and inline contents. None of them was read from a transaction that was not committed.
#[derive(Default)]
pub(super) struct Recent {
    data_version: i64,
    stats: Generations<Ino, Stat>,
    contents: Generations<Ino, Bytes>,
    names: HashMap<Ino, HashMap<Name, Ino>>,
    name_count: usize,
}

impl Recent {
    /// Forgets everything if another connection has committed since the last time.
    pub(super) fn renew(&mut self, conn: &Connection) -> NodeResult<()> {
        let mut statement = conn.prepare_cached("PRAGMA data_version")?;
        let data_version = statement.query_row([], |row| row.get(0))?;
        if data_version != self.data_version {
            self.clear();
            self.data_version = data_version;
        }
        Ok(())
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.stats.clear();
        self.contents.clear();
        self.names.clear();
        self.name_count = 0;
    }

    pub(super) fn stat(&self, ino: Ino) -> Option<Stat> {
        self.stats.get(&ino).copied()
    }

    pub(super) fn child(&self, parent: Ino, name: &Name) -> Option<Stat> {
        self.stat(*self.names.get(&parent)?.get(name)?)
    }

    /// The inline content of a file, all of it.
    pub(super) fn content(&self, ino: Ino) -> Option<Bytes> {
        self.contents.get(&ino).cloned()
    }

    pub(super) fn keep_stat(&mut self, stat: Stat) {
        self.stats.put(stat.ino, stat, 1, COUNT);
    }

    pub(super) fn keep_child(&mut self, parent: Ino, name: &Name, stat: Stat) {
        if self.name_count >= COUNT {
            self.names.clear();
            self.name_count = 0;
        }
        self.name_count += 1;
        self.names.entry(parent).or_default().insert(name.clone(), stat.ino);
        self.keep_stat(stat);
    }

    pub(super) fn keep_content(&mut self, ino: Ino, content: Bytes) {
        let weight = content.len();
        self.contents.put(ino, content, weight, BYTES);
    }
}

/// Two maps: when the young one is full it becomes the old one, and what the old one had is forgotten.
struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    weight: usize,
}

impl<K, V> Default for Generations<K, V> {
    fn default() -> Self {
        Generations { young: HashMap::new(), old: HashMap::new(), weight: 0 }
    }
}

impl<K: Hash + Eq, V> Generations<K, V> {
    fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    fn put(&mut self, key: K, value: V, weight: usize, max: usize) {
        if self.weight + weight > max {
            self.old = std::mem::take(&mut self.young);
            self.weight = 0;
        }
        self.weight += weight;
        self.young.insert(key, value);
    }

    fn clear(&mut self) {
        if self.weight > 0 || !self.old.is_empty() {
            self.young.clear();
            self.old.clear();
            self.weight = 0;
        }
    }
}

/// `len` bytes from `offset`, as far as there are so many.
pub(super) fn slice(content: &Bytes, offset: u64, len: usize) -> Bytes {
    let start = usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
    content.slice(start..start.saturating_add(len).min(content.len()))
}
