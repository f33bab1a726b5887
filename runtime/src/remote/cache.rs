//! What a sandbox remembers of a tree that cannot change. Bounded; what is oldest goes first.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::Arc;

use bytes::Bytes;
use cowry_vfs::{DirEntry, Ino, Name, Stat};

use super::protocol::{Listing, SMALL};

/// Bytes of content that are remembered.
const CONTENT_MAX: usize = 32 << 20;
/// Attributes, listings' entries, links and names that are known not to exist; about 256 bytes each.
const NODES_MAX: usize = 32 << 10;
/// What one of these counts in bytes of content is bounded by the number of them.
const CHUNK_SHIFT: u32 = 18;
/// Content is fetched in chunks of this size, aligned: a read fetches ahead.
pub(super) const CHUNK: u64 = 1 << CHUNK_SHIFT;

/// A map that forgets what came first once the weights add up to more than its bound.
#[derive(Debug)]
struct Bounded<K, V> {
    map: HashMap<K, (V, usize)>,
    order: VecDeque<K>,
    weight: usize,
    max: usize,
}

impl<K: Clone + Eq + Hash, V> Bounded<K, V> {
    fn new(max: usize) -> Self {
        Bounded { map: HashMap::new(), order: VecDeque::new(), weight: 0, max }
    }

    fn get(&self, key: &K) -> Option<&V> {
        self.map.get(key).map(|(value, _)| value)
    }

    /// Keeps what is there already: it cannot differ.
    fn put(&mut self, key: K, value: V, weight: usize) {
        if weight > self.max || self.map.contains_key(&key) {
            return;
        }
        self.map.insert(key.clone(), (value, weight));
        self.order.push_back(key);
        self.weight += weight;
        while self.weight > self.max {
            let Some(oldest) = self.order.pop_front() else { break };
            if let Some((_, weight)) = self.map.remove(&oldest) {
                self.weight -= weight;
            }
        }
    }
}

#[derive(Debug)]
pub(super) struct Cache {
    stats: Bounded<Ino, Stat>,
    /// Attributes that were asked for by themselves, and not told by a name.
    own_stats: Bounded<Ino, Stat>,
    listings: Bounded<Ino, Arc<Vec<DirEntry>>>,
    names: Bounded<(Ino, Name), Option<Stat>>,
    links: Bounded<Ino, String>,
    content: Bounded<(Ino, u64), Bytes>,
    /// The directories of small files that were listed without their content.
    homes: HashMap<Ino, Ino>,
}

impl Cache {
    pub(super) fn new() -> Self {
        Cache {
            stats: Bounded::new(NODES_MAX),
            own_stats: Bounded::new(NODES_MAX / 4),
            listings: Bounded::new(NODES_MAX),
            names: Bounded::new(NODES_MAX / 4),
            links: Bounded::new(NODES_MAX / 4),
            content: Bounded::new(CONTENT_MAX),
            homes: HashMap::new(),
        }
    }

    pub(super) fn stat(&self, ino: Ino) -> Option<Stat> {
        self.stats.get(&ino).copied()
    }

    pub(super) fn put_stat(&mut self, stat: Stat) {
        self.stats.put(stat.ino, stat, 1);
    }

    /// Attributes of a node that were asked for by themselves.
    pub(super) fn own_stat(&self, ino: Ino) -> Option<Stat> {
        self.own_stats.get(&ino).copied()
    }

    pub(super) fn put_own_stat(&mut self, stat: Stat) {
        self.own_stats.put(stat.ino, stat, 1);
        self.put_stat(stat);
    }

    /// What a name leads to, as far as is known: `Some(None)` if it is known to lead nowhere.
    pub(super) fn name(&self, parent: Ino, name: &Name) -> Option<Option<Stat>> {
        if let Some(entries) = self.listings.get(&parent) {
            let found = entries.binary_search_by(|entry| entry.name.as_bytes().cmp(name.as_bytes()));
            return Some(found.ok().map(|at| entries[at].stat));
        }
        self.names.get(&(parent, name.clone())).copied()
    }

    pub(super) fn put_name(&mut self, parent: Ino, name: &Name, stat: Option<Stat>) {
        self.names.put((parent, name.clone()), stat, 1);
        if let Some(stat) = stat {
            self.put_stat(stat);
        }
    }

    pub(super) fn listing(&self, dir: Ino) -> Option<Arc<Vec<DirEntry>>> {
        self.listings.get(&dir).cloned()
    }

    pub(super) fn put_listing(&mut self, dir: Ino, listing: Listing) {
        for entry in &listing.entries {
            self.put_stat(entry.stat);
        }
        for small in listing.contents {
            self.put_chunk(small.ino, 0, small.content);
        }
        for (ino, target) in listing.links {
            self.put_link(ino, target);
        }
        let weight = listing.entries.len() + 1;
        self.listings.put(dir, Arc::new(listing.entries), weight);
    }

    /// Notes all entries of a directory whose content did not come along.
    pub(super) fn put_entries(&mut self, dir: Ino, entries: Vec<DirEntry>) {
        let is_small = |entry: &&DirEntry| entry.stat.is_file() && entry.stat.size <= SMALL;
        let room = NODES_MAX.saturating_sub(self.homes.len());
        self.homes.extend(entries.iter().filter(is_small).take(room).map(|entry| (entry.stat.ino, dir)));
        self.put_listing(dir, Listing { entries, ..Listing::default() });
    }

    /// Where a small file is whose content was not asked for yet; answers only once for a directory.
    pub(super) fn take_home(&mut self, ino: Ino) -> Option<(Ino, Name)> {
        let dir = self.homes.remove(&ino)?;
        let entries = self.listing(dir)?;
        self.homes.retain(|_, home| *home != dir);
        let entry = entries.iter().find(|entry| entry.stat.ino == ino)?;
        Some((dir, entry.name.clone()))
    }

    pub(super) fn link(&self, ino: Ino) -> Option<String> {
        self.links.get(&ino).cloned()
    }

    pub(super) fn put_link(&mut self, ino: Ino, target: String) {
        self.links.put(ino, target, 1);
    }

    /// The chunk with this number.
    pub(super) fn chunk(&self, ino: Ino, number: u64) -> Option<Bytes> {
        self.content.get(&(ino, number)).cloned()
    }

    pub(super) fn put_chunk(&mut self, ino: Ino, number: u64, content: Bytes) {
        let weight = content.len() + 64;
        self.content.put((ino, number), content, weight);
    }
}
