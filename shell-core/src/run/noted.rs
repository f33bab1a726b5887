//! What a bucket said when a program could not read: a sandbox is told a number and learns no address, so that whoever
//! runs it is told here.

use std::collections::{BTreeMap, HashMap};
use std::error::Error as _;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use cowry_vfs::{Features, Ino, Layer, NodeError, NodeResult, VPathBuf, Vfs};

use crate::error::{is_lost, is_trouble};
use crate::record::ConflictRecord;

/// The most that is noted.
const NOTED: usize = 100;
/// How many entries are looked at to find out what a file is called.
const LOOKED_AT: usize = 1 << 18;

/// What could not be read, by what was said of it: the place of the tree, and the file there.
#[derive(Debug, Default)]
pub(crate) struct Notes(Mutex<BTreeMap<String, (VPathBuf, Ino)>>);

impl Notes {
    fn note(&self, at: &VPathBuf, ino: Ino, error: &NodeError) {
        let said = error.source().filter(|cause| is_trouble(Some(*cause)) || is_lost(Some(*cause)));
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(said) = said.filter(|_| noted.len() < NOTED) {
            noted.entry(said.to_string()).or_insert_with(|| (at.clone(), ino));
        }
    }

    /// Everything noted, each with the path of its file, or where its tree is mounted if that cannot be found.
    pub fn told(&self, tree: &Vfs) -> Vec<ConflictRecord> {
        let noted = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let paths = if noted.is_empty() { HashMap::new() } else { paths(tree, &noted) };
        let told = |(what, which): (String, (VPathBuf, Ino))| {
            let path = paths.get(&which.1).filter(|_| which.0.is_root()).unwrap_or(&which.0);
            ConflictRecord { path: path.to_string(), what }
        };
        noted.into_iter().map(told).collect()
    }
}

/// What files of the workspace are called; an object of a mount is named by what was said of it.
fn paths(tree: &Vfs, noted: &BTreeMap<String, (VPathBuf, Ino)>) -> HashMap<Ino, VPathBuf> {
    let mut wanted: Vec<Ino> = noted.values().filter(|(at, _)| at.is_root()).map(|(_, ino)| *ino).collect();
    let mut found = HashMap::new();
    let Ok(all) = tree.walk_tree("/") else { return found };
    for entry in all.filter_map(Result::ok).take(LOOKED_AT) {
        if wanted.is_empty() {
            break;
        }
        if entry.stat.is_file() && wanted.contains(&entry.stat.ino) {
            wanted.retain(|ino| *ino != entry.stat.ino);
            found.insert(entry.stat.ino, entry.path);
        }
    }
    found
}

/// A tree whose errors of reading are noted.
#[derive(Debug)]
pub(crate) struct Noted {
    inner: Arc<dyn Layer>,
    /// Where it is mounted.
    at: VPathBuf,
    notes: Arc<Notes>,
}

impl Noted {
    pub fn new(inner: Arc<dyn Layer>, at: VPathBuf, notes: Arc<Notes>) -> Noted {
        Noted { inner, at, notes }
    }
}

#[deny(clippy::missing_trait_methods)]
impl Layer for Noted {
    cowry_vfs::refuse_changes!();
    cowry_vfs::pass_on!(inner: name, root, lookup, getattr, readdir, readlink, will_need, seek, open, release, getxattr, listxattr, fsync, statfs);

    fn features(&self) -> Features {
        Features { writable: false, ..self.inner.features() }
    }

    fn read(&self, ino: Ino, offset: u64, len: usize) -> NodeResult<Bytes> {
        self.inner.read(ino, offset, len).inspect_err(|error| self.notes.note(&self.at, ino, error))
    }

    fn batch(&self, work: &mut dyn FnMut(&dyn Layer) -> NodeResult<()>) -> NodeResult<()> {
        work(self)
    }
}
