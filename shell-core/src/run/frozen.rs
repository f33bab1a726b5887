//! A tree that others may change, shown as it was first seen.
//!
//! Names, kinds and attributes are remembered from the first look on, so that what a run changed can be told from
//! what others did meanwhile. Content is not: it is read when it is asked for. Memory grows with what is there and
//! looked at, not with names that are asked for in vain: of those, the whole directory is remembered instead.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use cowry_vfs::{DirEntry, Errno, Features, Ino, Layer, Name, NodeResult, SeekTo, Stat, StatFs};

/// How many entries are asked for at once.
const PAGE: usize = 1024;

#[derive(Debug)]
pub(crate) struct Frozen {
    inner: Arc<dyn Layer>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    nodes: HashMap<Ino, Stat>,
    names: HashMap<Ino, HashMap<Name, Ino>>,
    /// Whole directories, in name order.
    lists: HashMap<Ino, Arc<Vec<(Name, Ino)>>>,
}

impl Seen {
    /// Notes a node; what was seen first stays.
    fn note(&mut self, stat: Stat) -> Stat {
        *self.nodes.entry(stat.ino).or_insert(stat)
    }

    /// What is known of a name: nothing, that it is not there, or the node.
    fn name(&self, parent: Ino, name: &Name) -> Option<Option<Stat>> {
        let known = self.names.get(&parent).and_then(|names| names.get(name));
        match (known, self.lists.contains_key(&parent)) {
            (Some(ino), _) => Some(Some(self.nodes[ino])),
            (None, true) => Some(None),
            (None, false) => None,
        }
    }
}

impl Frozen {
    pub fn new(inner: Arc<dyn Layer>) -> Frozen {
        Frozen { inner, seen: Mutex::default() }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The whole directory, as it was when first listed. A name that was looked up before keeps its answer.
    fn list(&self, dir: Ino) -> NodeResult<Arc<Vec<(Name, Ino)>>> {
        if let Some(list) = self.seen().lists.get(&dir) {
            return Ok(list.clone());
        }
        let mut entries: Vec<DirEntry> = Vec::new();
        loop {
            let page = self.inner.readdir(dir, entries.last().map(|entry| &entry.name), PAGE)?;
            let last = page.len() < PAGE;
            entries.extend(page);
            if last {
                break;
            }
        }
        let mut seen = self.seen();
        let mut names = seen.names.remove(&dir).unwrap_or_default();
        for entry in entries {
            let stat = seen.note(entry.stat);
            names.entry(entry.name).or_insert(stat.ino);
        }
        let mut list: Vec<(Name, Ino)> = names.iter().map(|(name, ino)| (name.clone(), *ino)).collect();
        list.sort();
        seen.names.insert(dir, names);
        Ok(seen.lists.entry(dir).or_insert(Arc::new(list)).clone())
    }

    /// Answers for a name that is not there, and for every other one of its directory from now on.
    fn missing(&self, parent: Ino, name: &Name) -> NodeResult<Stat> {
        // One that cannot be listed is asked again each time.
        self.list(parent).map_err(|_| Errno::ENOENT)?;
        self.seen().name(parent, name).flatten().ok_or_else(|| Errno::ENOENT.into())
    }
}

#[deny(clippy::missing_trait_methods)]
impl Layer for Frozen {
    cowry_vfs::refuse_changes!();

    fn name(&self) -> &str {
        self.inner.name()
    }

    fn features(&self) -> Features {
        Features { writable: false, ..self.inner.features() }
    }

    fn root(&self) -> Ino {
        self.inner.root()
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
        let stat = seen.note(stat);
        let ino = *seen.names.entry(parent).or_default().entry(name.clone()).or_insert(stat.ino);
        Ok(seen.nodes[&ino])
    }

    fn getattr(&self, ino: Ino) -> NodeResult<Stat> {
        if let Some(stat) = self.seen().nodes.get(&ino) {
            return Ok(*stat);
        }
        let stat = self.inner.getattr(ino)?;
        Ok(self.seen().note(stat))
    }

    fn readdir(&self, dir: Ino, after: Option<&Name>, limit: usize) -> NodeResult<Vec<DirEntry>> {
        let list = self.list(dir)?;
        let start = after.map_or(0, |after| list.partition_point(|(name, _)| name <= after));
        let seen = self.seen();
        let page = list[start..].iter().take(limit);
        Ok(page.map(|(name, ino)| DirEntry { name: name.clone(), stat: seen.nodes[ino] }).collect())
    }

    fn readlink(&self, ino: Ino) -> NodeResult<String> {
        self.inner.readlink(ino)
    }

    fn read(&self, ino: Ino, offset: u64, len: usize) -> NodeResult<Bytes> {
        self.inner.read(ino, offset, len)
    }

    fn seek(&self, ino: Ino, offset: u64, to: SeekTo) -> NodeResult<u64> {
        self.inner.seek(ino, offset, to)
    }

    fn open(&self, ino: Ino) -> NodeResult<()> {
        self.inner.open(ino)
    }

    fn release(&self, ino: Ino) {
        self.inner.release(ino);
    }

    fn getxattr(&self, ino: Ino, name: &str) -> NodeResult<Bytes> {
        self.inner.getxattr(ino, name)
    }

    fn listxattr(&self, ino: Ino) -> NodeResult<Vec<String>> {
        self.inner.listxattr(ino)
    }

    fn fsync(&self, ino: Option<Ino>) -> NodeResult<()> {
        self.inner.fsync(ino)
    }

    fn statfs(&self) -> NodeResult<StatFs> {
        self.inner.statfs()
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
}
