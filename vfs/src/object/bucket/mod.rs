//! A bucket and a prefix in it, met synchronously.

mod list;
mod local;
mod marker;
mod read;
mod write;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStore;
use object_store::list::PaginatedListStore;
use object_store::path::Path as Key;

use super::bridge;
use super::connect::{self, Condition, Connect};
use super::location::Location;
use super::trouble::{Trouble, TroubleKind};

pub use list::From;
pub(super) use read::{bare, look};
pub(super) use write::mark;

/// The name of the metadata by which a write whose reply was lost is known again. Stores that want names of metadata to be
/// identifiers take it, too.
pub const WRITE_MARK: &str = "cowrywrite";

/// A bucket, or what is below a prefix of one. Names are relative to the prefix, with `/` between their parts.
///
/// Requests that fail for a while are tried again inside; what comes out is final. Cheap to clone.
#[derive(Clone)]
pub struct Bucket {
    pub(super) location: Location,
    pub(super) objects: Arc<dyn ObjectStore>,
    pub(super) pages: Option<Arc<dyn PaginatedListStore>>,
    pub(super) attributes: bool,
    pub(super) condition: Condition,
    pub(super) how: Connect,
    pub(super) counts: Arc<Counts>,
}

/// Requests by kind, since the bucket was opened.
#[derive(Default, Debug)]
pub(super) struct Counts {
    gets: AtomicU64,
    puts: AtomicU64,
    others: AtomicU64,
}

impl Counts {
    pub(super) fn get(&self) {
        self.gets.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn put(&self) {
        self.puts.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn other(&self) {
        self.others.fetch_add(1, Ordering::Relaxed);
    }
}

/// An object as a listing or a look at it tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Its name below the prefix.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// Which content it is, without quotes. Not every store has one for every object.
    pub etag: Option<String>,
    /// When it was written, in nanoseconds since the Unix epoch.
    pub modified: i64,
    /// Metadata of users, lower case names. A listing does not tell it.
    pub metadata: BTreeMap<String, String>,
}

/// One page of a listing of a folder.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Page {
    /// The objects directly in it.
    pub objects: Vec<Found>,
    /// The names of the folders directly in it, without the slash.
    pub folders: Vec<String>,
    /// Whether it has an object of its own, called as it with a slash at the end: it is there while it is empty.
    pub marker: bool,
    /// How many objects and folders in it have keys that cannot be names, and are left out.
    pub hidden: u64,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// What must be so for an object to be written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expect {
    /// Nothing.
    Anything,
    /// That there is none.
    Absent,
    /// That it still has this ETag.
    Tag(String),
}

/// An object that was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// Its ETag from now on, where the store tells one.
    pub etag: Option<String>,
}

impl Bucket {
    /// A bucket by its address, with keys from the environment. Asks nobody yet.
    ///
    /// # Errors
    /// [`TroubleKind::Settings`] where the environment does not say enough.
    pub fn open(location: &Location, how: Connect) -> Result<Bucket, Trouble> {
        Bucket::open_with(location, how, &|name| std::env::var(name).ok())
    }

    /// The same, with an environment of its own.
    ///
    /// # Errors
    /// As [`Bucket::open`].
    pub fn open_with(
        location: &Location,
        how: Connect,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Bucket, Trouble> {
        let store = bridge::enter(|| connect::open(location, &how, env))
            .map_err(|trouble| trouble.about(location))?;
        Ok(Bucket {
            location: location.clone(),
            objects: store.objects,
            pages: store.pages,
            attributes: store.attributes,
            condition: store.condition,
            how,
            counts: Arc::default(),
        })
    }

    /// The same bucket with `wrap` round its store: faults of tests, counters, caches.
    #[must_use]
    pub fn wrapped(mut self, wrap: impl FnOnce(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore>) -> Bucket {
        self.objects = wrap(self.objects);
        self.pages = None;
        self
    }

    /// The same bucket, whose operations may take as long as this.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Bucket {
        self.how.deadline = deadline;
        self
    }

    /// Where it is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// What is below `name` in it, as a bucket of its own.
    pub fn below(&self, name: &str) -> Bucket {
        Bucket { location: self.location.join(name), ..self.clone() }
    }

    /// Whether it keeps metadata with an object.
    pub fn keeps_metadata(&self) -> bool {
        self.attributes
    }

    /// Requests that were made so far: reads of objects, writes of objects, all others. Clones count together.
    pub fn requests(&self) -> (u64, u64, u64) {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (of(&self.counts.gets), of(&self.counts.puts), of(&self.counts.others))
    }

    pub(super) fn key(&self, name: &str) -> Result<Key, Trouble> {
        self.location.key(name).map_err(|error| {
            Trouble::new(TroubleKind::Unsupported, format!("the name cannot be a key: {error}"))
                .about(&self.location)
        })
    }

    pub(super) fn wait<T: Send + 'static>(
        &self,
        name: &str,
        work: impl Future<Output = Result<T, Trouble>> + Send + 'static,
    ) -> Result<T, Trouble> {
        bridge::wait(self.how.deadline, work).map_err(|trouble| trouble.about(&self.location.join(name)))
    }

    /// Does `one` with each of many, by their names, at most `parallel` at a time. Each has the deadline for itself, and
    /// the first that fails ends all, told by its name.
    fn each<I, W>(
        &self,
        items: impl IntoIterator<Item = (String, I), IntoIter: Send + 'static>,
        parallel: usize,
        one: impl Fn(Bucket, String, I) -> W + Send + 'static,
    ) -> Result<(), Trouble>
    where
        I: Send + 'static,
        W: Future<Output = Result<(), Trouble>> + Send + 'static,
    {
        let this = self.clone();
        let each =
            stream::iter(items).map(Ok).try_for_each_concurrent(parallel.max(1), move |(name, item)| {
                let at = this.location.join(&name);
                let work = bridge::bounded(this.how.deadline, one(this.clone(), name, item));
                async move { work.await.map_err(|trouble| trouble.about(&at)) }
            });
        bridge::wait_long(each)
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bucket({})", self.location)
    }
}
