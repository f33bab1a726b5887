//! A bucket as a tree of a run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cowry_vfs::object::{ObjectLayer, ObjectOptions};
use cowry_vfs::{Clock, Ino, Layer};

use super::journal::Want;
use super::store::{Refusal, Store};
use crate::address::Address;
use crate::run::frozen::Frozen;

/// A writable mount of a bucket: what the run saw there, and what was written since.
#[derive(Debug)]
pub(crate) struct BucketTree {
    seen: Arc<Frozen>,
    /// The tags of what earlier commits wrote, by name; `None` of what they removed.
    own: Mutex<HashMap<String, Option<String>>>,
}

/// Meets a bucket and makes a read-only tree of it.
pub(crate) fn open(address: &Address, clock: Arc<dyn Clock>) -> Result<Arc<ObjectLayer>, Refusal> {
    let bucket = Store::open(address)?.bucket().clone();
    let options = ObjectOptions { read_only: true, clock, ..ObjectOptions::default() };
    Ok(Arc::new(ObjectLayer::open(bucket, options)?))
}

impl BucketTree {
    /// The tree, shown as it is first seen.
    pub fn new(layer: Arc<ObjectLayer>) -> BucketTree {
        let tags = layer.clone();
        let seen = Frozen::with_tags(layer, Box::new(move |ino| tags.etag(ino)));
        BucketTree { seen: Arc::new(seen), own: Mutex::default() }
    }

    /// What a sandbox is shown.
    pub fn layer(&self) -> Arc<dyn Layer> {
        self.seen.clone()
    }

    /// How an object has to be for what a run says of it to hold: as it was seen, or as it was written.
    pub fn want(&self, name: &str, seen: Option<Ino>) -> Want {
        if let Some(own) = self.own().get(name) {
            return own.clone().map_or(Want::Absent, Want::Tag);
        }
        match seen.map(|ino| self.seen.tag(ino)) {
            None => Want::Absent,
            Some(Some(tag)) => Want::Tag(tag),
            // A store that tells nothing by which contents can be told apart.
            Some(None) => Want::Anything,
        }
    }

    /// The tag of a node when it was first seen.
    pub fn tag(&self, ino: Ino) -> Option<String> {
        self.seen.tag(ino)
    }

    /// Whether an earlier commit wrote it.
    pub fn is_own(&self, name: &str) -> bool {
        self.own().get(name).is_some_and(Option::is_some)
    }

    /// Notes what a commit wrote, or removed.
    pub fn wrote(&self, name: &str, tag: Option<String>) {
        self.own().insert(name.to_owned(), tag);
    }

    fn own(&self) -> std::sync::MutexGuard<'_, HashMap<String, Option<String>>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
