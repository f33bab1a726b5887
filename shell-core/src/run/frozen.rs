//! A tree that others may change, shown as it was first seen.
//!
//! Names, kinds and attributes are remembered from the first look on, so that what a run changed can be told from
//! what others did meanwhile. Content is not: it is read when it is asked for. Memory grows with what is there and
//! looked at, not with names that are asked for in vain: of those, the whole directory is remembered instead. Where
//! that costs requests, directories are listed page by page as far as they are asked for, and names in vain are
//! remembered up to a bound.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};

use cowry_vfs::{DirEntry, Errno, Features, Ino, Layer, Name, NodeResult, Stat};

/// How many entries are asked for at once.
const PAGE: usize = 1000;
/// How many names that are not there are remembered one by one.
const MISSES: usize = 1 << 16;

pub(crate) struct Frozen {
    inner: Arc<dyn Layer>,
    /// What tells contents of a file apart, where the layer below knows more than size and time.
    tag_of: Option<TagOf>,
    seen: Mutex<Seen>,
}

/// Asks the layer below for the tag of a node.
pub(crate) type TagOf = Box<dyn Fn(Ino) -> Option<String> + Send + Sync>;

#[derive(Debug, Default)]
struct Seen {
    nodes: HashMap<Ino, Stat>,
    /// The files over a network whose attributes were asked for by themselves: names tell less.
    asked: HashSet<Ino>,
    tags: HashMap<Ino, String>,
    names: HashMap<Ino, BTreeMap<Name, Ino>>,
    /// How far directories are listed.
    lists: HashMap<Ino, Listed>,
    misses: HashSet<(Ino, Name)>,
}

/// How much of a directory is known, in name order.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Listed {
    Nothing,
    Through(Name),
    All,
}

impl Listed {
    fn covers(&self, name: &Name) -> bool {
        match self {
            Listed::Nothing => false,
            Listed::Through(last) => name <= last,
            Listed::All => true,
        }
    }
}

impl Seen {
    /// Notes a node; what was seen first stays.
    fn note(&mut self, stat: Stat) -> Stat {
        *self.nodes.entry(stat.ino).or_insert(stat)
    }

    fn listed(&self, dir: Ino) -> Listed {
        self.lists.get(&dir).cloned().unwrap_or(Listed::Nothing)
    }

    /// What is known of a name: nothing, that it is not there, or the node.
    fn name(&self, parent: Ino, name: &Name) -> Option<Option<Stat>> {
        if let Some(ino) = self.names.get(&parent).and_then(|names| names.get(name)) {
            return Some(Some(self.nodes[ino]));
        }
        let missed = self.listed(parent).covers(name) || self.misses.contains(&(parent, name.clone()));
        missed.then_some(None)
    }

    /// The entries after a name that are known for good.
    fn page(&self, dir: Ino, after: Option<&Name>, limit: usize) -> Vec<DirEntry> {
        let Some(names) = self.names.get(&dir) else { return Vec::new() };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let listed = self.listed(dir);
        let known =
            names.range::<Name, _>((from, Bound::Unbounded)).take_while(|(name, _)| listed.covers(name));
        let entry = |(name, ino): (&Name, &Ino)| DirEntry { name: name.clone(), stat: self.nodes[ino] };
        known.take(limit).map(entry).collect()
    }
}

impl std::fmt::Debug for Frozen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frozen").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl Frozen {
    pub fn new(inner: Arc<dyn Layer>) -> Frozen {
        Frozen { inner, tag_of: None, seen: Mutex::default() }
    }

    /// The same over a layer that knows a tag of each content; the one that is there at the first look is remembered.
    #[cfg(feature = "object")]
    pub fn with_tags(inner: Arc<dyn Layer>, tag_of: TagOf) -> Frozen {
        Frozen { tag_of: Some(tag_of), ..Frozen::new(inner) }
    }

    /// The tag of a node when it was first seen.
    #[cfg(feature = "object")]
    pub fn tag(&self, ino: Ino) -> Option<String> {
        self.seen().tags.get(&ino).cloned()
    }

    fn note(&self, seen: &mut Seen, stat: Stat) -> Stat {
        if !seen.nodes.contains_key(&stat.ino)
            && let Some(tag) = self.tag_of.as_ref().and_then(|tag_of| tag_of(stat.ino))
        {
            seen.tags.insert(stat.ino, tag);
        }
        seen.note(stat)
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lists one more page of a directory. A name that was looked up before keeps its answer.
    fn list_more(&self, dir: Ino) -> NodeResult<()> {
        let before = self.seen().listed(dir);
        let after = match &before {
            Listed::All => return Ok(()),
            Listed::Through(name) => Some(name.clone()),
            Listed::Nothing => None,
        };
        let page = self.inner.readdir(dir, after.as_ref(), PAGE)?;
        let mut seen = self.seen();
        // Somebody else listed it meanwhile.
        if seen.listed(dir) != before {
            return Ok(());
        }
        let last = page.last().filter(|_| page.len() == PAGE).map(|entry| entry.name.clone());
        let mut names = seen.names.remove(&dir).unwrap_or_default();
        for entry in page {
            if !seen.misses.contains(&(dir, entry.name.clone())) {
                let stat = self.note(&mut seen, entry.stat);
                names.entry(entry.name).or_insert(stat.ino);
            }
        }
        seen.names.insert(dir, names);
        seen.lists.insert(dir, last.map_or(Listed::All, Listed::Through));
        Ok(())
    }

    fn list_all(&self, dir: Ino) -> NodeResult<()> {
        while self.seen().listed(dir) != Listed::All {
            self.list_more(dir)?;
        }
        Ok(())
    }

    /// Asks once for all attributes of a file that a name told of.
    fn ask(&self, told: Stat) -> NodeResult<Stat> {
        if self.seen().asked.contains(&told.ino) {
            return Ok(told);
        }
        let stat = match self.inner.getattr(told.ino) {
            // It went, or became another, since it was seen: so it stays.
            Err(error) if error == Errno::ESTALE => told,
            stat => stat?,
        };
        let mut seen = self.seen();
        if seen.asked.insert(told.ino) && stat.size == told.size {
            seen.nodes.insert(told.ino, stat);
        }
        Ok(seen.nodes[&told.ino])
    }

    /// Answers for a name that is not there, and goes on to answer so.
    fn missing(&self, parent: Ino, name: &Name) -> NodeResult<Stat> {
        let mut seen = self.seen();
        if self.inner.features().remote && seen.misses.len() < MISSES {
            seen.misses.insert((parent, name.clone()));
            return Err(Errno::ENOENT.into());
        }
        drop(seen);
        // One that cannot be listed is asked again each time.
        self.list_all(parent).map_err(|_| Errno::ENOENT)?;
        self.seen().name(parent, name).flatten().ok_or_else(|| Errno::ENOENT.into())
    }
}

#[deny(clippy::missing_trait_methods)]
impl Layer for Frozen {
    cowry_vfs::refuse_changes!();
    cowry_vfs::pass_on!(inner: name, root, readlink, read, will_need, seek, open, release, getxattr, listxattr, fsync, statfs);

    fn features(&self) -> Features {
        Features { writable: false, ..self.inner.features() }
    }

    fn lookup(&self, parent: Ino, name: &Name) -> NodeResult<Stat> {
        if let Some(known) = self.seen().name(parent, name) {
            return known.ok_or_else(|| Errno::ENOENT.into());
        }
        let stat = match self.inner.lookup(parent, name) {
            Err(error) if error == Errno::ENOENT => return self.missing(parent, name),
            found => found?,
        };
        let mut seen = self.seen();
        let stat = self.note(&mut seen, stat);
        let ino = *seen.names.entry(parent).or_default().entry(name.clone()).or_insert(stat.ino);
        Ok(seen.nodes[&ino])
    }

    fn getattr(&self, ino: Ino) -> NodeResult<Stat> {
        let known = self.seen().nodes.get(&ino).copied();
        match known {
            Some(stat) if stat.is_file() && self.inner.features().remote => self.ask(stat),
            Some(stat) => Ok(stat),
            None => {
                let stat = self.inner.getattr(ino)?;
                let mut seen = self.seen();
                seen.asked.insert(ino);
                Ok(self.note(&mut seen, stat))
            }
        }
    }

    fn readdir(&self, dir: Ino, after: Option<&Name>, limit: usize) -> NodeResult<Vec<DirEntry>> {
        // What costs nothing is seen at one time.
        if !self.inner.features().remote {
            self.list_all(dir)?;
        }
        loop {
            let seen = self.seen();
            let page = seen.page(dir, after, limit);
            if page.len() >= limit || seen.listed(dir) == Listed::All {
                return Ok(page);
            }
            drop(seen);
            self.list_more(dir)?;
        }
    }

    fn batch(&self, work: &mut dyn FnMut(&dyn Layer) -> NodeResult<()>) -> NodeResult<()> {
        work(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cowry_vfs::{MemoryLayer, NewAttr, NewNode};

    fn name(text: &str) -> Name {
        Name::new(text).expect("a good name")
    }

    #[test]
    fn missing_names_stay_missing_and_cost_no_memory() {
        let inner = Arc::new(MemoryLayer::new());
        let make = |text: &str| {
            inner
                .create(inner.root(), &name(text), NewNode::File(b""), &NewAttr::with_mode(0o644))
                .expect(text)
        };
        make("a");
        let frozen = Frozen::new(inner.clone());
        for n in 0..1000 {
            assert_eq!(
                frozen.lookup(frozen.root(), &name(&n.to_string())).expect_err("missing"),
                Errno::ENOENT
            );
        }
        assert_eq!(frozen.seen().names[&frozen.root()].len(), 1);
        make("7");
        assert_eq!(frozen.lookup(frozen.root(), &name("7")).expect_err("new"), Errno::ENOENT);
        assert!(frozen.lookup(frozen.root(), &name("a")).is_ok());
        assert_eq!(frozen.readdir(frozen.root(), None, 10).expect("listed").len(), 1);
    }

    #[cfg(feature = "object")]
    #[test]
    fn where_listings_cost_requests_only_what_is_asked_for_is_listed() {
        use cowry_vfs::object::{Bucket, Connect, Expect, ObjectLayer, ObjectOptions};
        let address = "memory://frozen/large".parse().expect("an address");
        let bucket = Bucket::open(&address, Connect::default()).expect("opened");
        let put = |name: &str| {
            bucket.put(name, Vec::new(), &Expect::Anything, &std::collections::BTreeMap::new()).expect(name);
        };
        (0..2500).for_each(|n| put(&format!("{n:05}")));
        let layer = ObjectLayer::open(bucket.clone(), ObjectOptions::default()).expect("opened");
        let frozen = Frozen::new(Arc::new(layer));
        let root = frozen.root();
        let missing = |text: &str| frozen.lookup(root, &name(text)).expect_err(text);
        assert_eq!(missing("00000a"), Errno::ENOENT);
        assert_eq!(missing("02400a"), Errno::ENOENT);
        assert_eq!(frozen.seen().listed(root), Listed::Nothing);
        let page = frozen.readdir(root, None, 10).expect("listed");
        assert_eq!(page.len(), 10);
        assert_eq!(frozen.seen().names[&root].len(), 1000, "one page");
        put("00000a");
        put("02400a");
        let mut all: Vec<DirEntry> = Vec::new();
        while let Ok(page) = frozen.readdir(root, all.last().map(|entry| &entry.name), 700)
            && !page.is_empty()
        {
            all.extend(page);
        }
        assert_eq!(all.len(), 2500, "what was not there at the first look stays away");
        assert!(all.is_sorted_by_key(|entry| entry.name.clone()));
        assert_eq!(missing("00000a"), Errno::ENOENT);
    }
}
