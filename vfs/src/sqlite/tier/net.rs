//! Fetching objects: each of them once, however many ask; what was fetched lately is at hand.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};

use super::super::SqliteOptions;
use super::super::chunk::ChunkCache;
use super::cache::Cache;
use super::lost::Damaged;
use super::{Object, Tier};
use crate::errno::{Errno, NodeError, NodeResult};
use crate::object::{Bucket, Connect, Location, Trouble, TroubleKind};

/// While so many objects are being fetched nothing more is fetched ahead.
const AHEAD_FLIGHTS: usize = 256;

/// How buckets are opened: tests bring keys and stores of their own.
#[derive(Clone)]
pub struct OpenBucket(Arc<Open>);

type Open = dyn Fn(&Location) -> Result<Bucket, Trouble> + Send + Sync;

impl OpenBucket {
    /// With whatever `open` does.
    pub fn new(open: impl Fn(&Location) -> Result<Bucket, Trouble> + Send + Sync + 'static) -> OpenBucket {
        OpenBucket(Arc::new(open))
    }
}

impl Default for OpenBucket {
    /// With keys from the environment.
    fn default() -> OpenBucket {
        OpenBucket::new(|location| Bucket::open(location, Connect::default()))
    }
}

impl fmt::Debug for OpenBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenBucket")
    }
}

/// The network's side of a tier.
pub(super) struct Net {
    open: OpenBucket,
    buckets: Mutex<HashMap<Arc<str>, Bucket>>,
    store: Arc<Store>,
}

/// Where fetched chunks come together.
struct Store {
    chunks: Arc<ChunkCache>,
    cache: Option<Cache>,
    /// What is being fetched, by home and name.
    flights: Mutex<HashMap<(i64, String), Arc<Flight>>>,
}

/// An object that is being fetched.
#[derive(Default)]
struct Flight {
    landed: Mutex<Option<NodeResult<Bytes>>>,
    told: Condvar,
}

impl Flight {
    fn landed(bytes: Bytes) -> Arc<Flight> {
        Arc::new(Flight { landed: Mutex::new(Some(Ok(bytes))), ..Flight::default() })
    }

    /// The first result counts.
    fn land(&self, result: NodeResult<Bytes>) {
        self.landed.lock().get_or_insert(result);
        self.told.notify_all();
    }

    fn wait(&self) -> NodeResult<Bytes> {
        let mut landed = self.landed.lock();
        while landed.is_none() {
            self.told.wait(&mut landed);
        }
        landed.clone().expect("waited for")
    }
}

impl Net {
    pub(super) fn new(options: &SqliteOptions, chunks: Arc<ChunkCache>) -> Net {
        let cache = Cache::new(&options.chunk_folder, options.clock.clone());
        let store = Arc::new(Store { chunks, cache, flights: Mutex::default() });
        Net { open: options.buckets.clone(), buckets: Mutex::default(), store }
    }
}

impl Tier {
    /// The bucket at an address.
    ///
    /// # Errors
    /// `EIO` where keys or settings do not do.
    pub(super) fn bucket(&self, address: &Arc<str>) -> NodeResult<Bucket> {
        if let Some(bucket) = self.net.buckets.lock().get(address) {
            return Ok(bucket.clone());
        }
        let location: Location = address.parse().map_err(NodeError::io)?;
        let bucket = (self.net.open.0)(&location).map_err(error)?;
        self.net.buckets.lock().insert(address.clone(), bucket.clone());
        Ok(bucket)
    }

    /// Keeps what is about to go to a bucket, for whoever reads it back.
    pub(super) fn keep(&self, object: &Object, bytes: &Bytes) {
        if let Some(cache) = &self.net.store.cache {
            cache.put(&object.hash, bytes);
        }
    }

    /// How many bytes one who writes may put into the cache without taking it from all others.
    pub(super) fn cache_share(&self) -> u64 {
        self.net.store.cache.as_ref().map_or(0, Cache::share)
    }

    /// The bytes of the chunks in these objects, all fetched at once, and in the background those in `ahead`. What one
    /// has at hand, in memory or in the folder, is not fetched.
    pub(in crate::sqlite) fn fetch(
        &self,
        objects: Vec<Object>,
        ahead: Vec<Object>,
        chunks: &ChunkCache,
    ) -> Vec<NodeResult<Bytes>> {
        let started: Vec<_> = objects.into_iter().map(|object| self.start(object, chunks)).collect();
        let _ = self.ahead(ahead);
        started.into_iter().map(|flight| flight.and_then(|flight| flight.wait())).collect()
    }

    /// Begins to fetch what somebody is going to ask for. Whether all of it is at hand already.
    pub(in crate::sqlite) fn ahead(&self, objects: Vec<Object>) -> bool {
        let store = &self.net.store;
        let mut all = true;
        for object in objects {
            let at_hand = store.chunks.known(&object.hash).is_some()
                || store.cache.as_ref().is_some_and(|cache| cache.has(&object.hash));
            all &= at_hand;
            // What is not fetched now is fetched when it is asked for.
            if !at_hand && store.flights.lock().len() < AHEAD_FLIGHTS {
                let _ = self.depart(object);
            }
        }
        all
    }

    /// Whether nobody has asked for an object that is not at hand.
    pub(super) fn is_unasked(&self, object: &Object) -> bool {
        let store = &self.net.store;
        // In this order: what landed in between is known.
        let is_coming = store.flights.lock().contains_key(&(object.home, object.name.clone()));
        !is_coming
            && store.chunks.known(&object.hash).is_none()
            && store.cache.as_ref().is_none_or(|cache| !cache.has(&object.hash))
    }

    fn start(&self, object: Object, chunks: &ChunkCache) -> NodeResult<Arc<Flight>> {
        if let Some(bytes) = chunks.known(&object.hash) {
            return Ok(Flight::landed(bytes));
        }
        let kept = self.net.store.cache.as_ref().and_then(|cache| cache.get(&object.hash, object.length));
        match kept.map(Bytes::from) {
            Some(bytes) => {
                chunks.keep(object.hash, bytes.clone());
                Ok(Flight::landed(bytes))
            }
            None => self.depart(object),
        }
    }

    /// Asks the bucket, unless somebody has already.
    fn depart(&self, object: Object) -> NodeResult<Arc<Flight>> {
        let bucket = self.bucket(&self.address(object.home)?)?;
        let key = (object.home, object.name.clone());
        let flight = Arc::new(Flight::default());
        {
            let mut flights = self.net.store.flights.lock();
            if let Some(under_way) = flights.get(&key) {
                return Ok(under_way.clone());
            }
            // One that landed a moment ago, after it was looked for among what is at hand.
            if let Some(bytes) = self.net.store.chunks.known(&object.hash) {
                return Ok(Flight::landed(bytes));
            }
            flights.insert(key, flight.clone());
        }
        let store = self.net.store.clone();
        Request { store, object, flight: flight.clone(), again: true }.go(bucket);
        Ok(flight)
    }
}

/// A request under way. Whoever waits for it is told something whatever becomes of it.
struct Request {
    store: Arc<Store>,
    object: Object,
    flight: Arc<Flight>,
    /// What comes damaged may have been damaged on its way: it is asked for once more.
    again: bool,
}

impl Request {
    fn go(self, bucket: Bucket) {
        let (name, most, next) = (self.object.name.clone(), self.object.stored_max(), bucket.clone());
        bucket.fetch(&name, most, move |got| self.land(next, got));
    }

    fn land(mut self, bucket: Bucket, got: Result<Bytes, Trouble>) {
        let result = match got.map(|stored| self.object.decode(stored)) {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(_)) if self.again => {
                self.again = false;
                return self.go(bucket);
            }
            Ok(Err(why)) => {
                let at = bucket.location().join(&self.object.name);
                Err(NodeError::io(Damaged(format!("{at}: {why}"))))
            }
            Err(trouble) => Err(error(trouble)),
        };
        if let Ok(bytes) = &result {
            self.store.chunks.keep(self.object.hash, bytes.clone());
            self.store.cache.iter().for_each(|cache| cache.put(&self.object.hash, bytes));
        }
        self.flight.land(result);
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.flight.land(Err(NodeError::io("a request was lost inside this process; report this")));
        self.store.flights.lock().remove(&(self.object.home, std::mem::take(&mut self.object.name)));
    }
}

/// Whether an object was not there.
pub(in crate::sqlite) fn is_gone(error: &NodeError) -> bool {
    let trouble = error.source().and_then(|source| source.downcast_ref::<Trouble>());
    trouble.is_some_and(|trouble| trouble.kind() == TroubleKind::Missing)
}

/// What a program is told that reads or writes a file: that the bucket is to blame, whatever it said.
pub(super) fn error(trouble: Trouble) -> NodeError {
    let errno = if trouble.kind() == TroubleKind::TimedOut { Errno::ETIMEDOUT } else { Errno::EIO };
    NodeError::with_source(errno, trouble)
}
