//! A bucket and a prefix in it, met synchronously.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::list::PaginatedListStore;
use object_store::path::Path as Key;
use object_store::{
    Attribute, Attributes, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode,
    PutOptions, PutPayload, UpdateVersion,
};

use super::bridge;
use super::connect::{self, Connect};
use super::location::Location;
use super::trouble::{Trouble, TroubleKind};

/// The metadata by which a conditional write whose reply was lost is known again.
pub(super) const WRITE: &str = "cowry-write";

/// A bucket, or what is below a prefix of one. Names are relative to the prefix, with `/` between their parts.
///
/// Requests that fail for a while are tried again inside; what comes out is final. Cheap to clone.
#[derive(Clone)]
pub struct Bucket {
    pub(super) location: Location,
    pub(super) objects: Arc<dyn ObjectStore>,
    pub(super) pages: Option<Arc<dyn PaginatedListStore>>,
    pub(super) attributes: bool,
    conditional: bool,
    pub(super) how: Connect,
    pub(super) counts: Arc<Counts>,
}

/// Requests by kind, since the bucket was opened.
#[derive(Default, Debug)]
pub(super) struct Counts {
    pub(super) gets: AtomicU64,
    pub(super) puts: AtomicU64,
    pub(super) others: AtomicU64,
}

/// An object as a listing or a look at it tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Its name below the prefix.
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// Which content it is. Not every store has one for every object.
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
            conditional: store.conditional,
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

    /// Whether [`Expect::Tag`] is checked by the store itself, and not just before the write.
    pub fn is_conditional(&self) -> bool {
        self.conditional
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

    /// What an object is: one request, no content. `None` if there is none.
    ///
    /// # Errors
    /// Whatever keeps the store from telling.
    pub fn head(&self, name: &str) -> Result<Option<Found>, Trouble> {
        self.counts.others.fetch_add(1, Ordering::Relaxed);
        let (objects, key, at) = (self.objects.clone(), self.key(name)?, name.to_owned());
        self.wait(name, async move { look(&*objects, &key, at).await })
    }

    /// Bytes of an object; all of them without a range. A range may end past the end. With `etag`, only of the
    /// content that has it.
    ///
    /// # Errors
    /// [`TroubleKind::Missing`]; [`TroubleKind::Changed`] where the object has another ETag by now.
    pub fn get(&self, name: &str, range: Option<Range<u64>>, etag: Option<&str>) -> Result<Bytes, Trouble> {
        self.counts.gets.fetch_add(1, Ordering::Relaxed);
        let (objects, key) = (self.objects.clone(), self.key(name)?);
        let options = GetOptions {
            range: range.map(GetRange::Bounded),
            if_match: etag.map(str::to_owned),
            ..GetOptions::default()
        };
        self.wait(name, async move { Ok(objects.get_opts(&key, options).await?.bytes().await?) })
    }

    /// Bytes of many objects, at most `parallel` requests under way; `each` has its outcome in the order of `names`.
    ///
    /// # Errors
    /// The first that `each` returns.
    pub fn get_many(
        &self,
        names: Vec<String>,
        parallel: usize,
        mut each: impl FnMut(&str, Result<Bytes, Trouble>) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let (tell, told) = bridge::channel(parallel.max(1));
        let (this, deadline, wanted) = (self.clone(), self.how.deadline, names.len());
        bridge::start(async move {
            let one = |name: String| {
                let this = this.clone();
                async move {
                    let got = bridge::bounded(deadline, this.read(&name)).await;
                    (got.map_err(|trouble| trouble.about(&this.location.join(&name))), name)
                }
            };
            let mut under_way = stream::iter(names).map(one).buffered(parallel.max(1));
            while let Some(got) = under_way.next().await {
                if tell.send(got).await.is_err() {
                    return;
                }
            }
        });
        let mut seen = 0;
        for (got, name) in told {
            each(&name, got)?;
            seen += 1;
        }
        if seen == wanted { Ok(()) } else { Err(Trouble::lost()) }
    }

    /// Reads an object of at most `most` bytes in the background; `then` has the outcome, on a thread that may block.
    pub fn fetch(&self, name: &str, most: u64, then: impl FnOnce(Result<Bytes, Trouble>) + Send + 'static) {
        let (this, name) = (self.clone(), name.to_owned());
        bridge::start(async move {
            let got = bridge::in_turn(this.how.deadline, this.read_small(&name, most)).await;
            let got = got.map_err(|trouble| trouble.about(&this.location.join(&name)));
            bridge::blocking(move || then(got)).await;
        });
    }

    async fn read_small(&self, name: &str, most: u64) -> Result<Bytes, Trouble> {
        self.counts.gets.fetch_add(1, Ordering::Relaxed);
        let got = self.objects.get(&self.key(name)?).await?;
        if got.meta.size > most {
            let text = format!("it has {} bytes and should have no more than {most}", got.meta.size);
            return Err(Trouble::new(TroubleKind::TooLarge, text));
        }
        Ok(got.bytes().await?)
    }

    async fn read(&self, name: &str) -> Result<Bytes, Trouble> {
        self.counts.gets.fetch_add(1, Ordering::Relaxed);
        Ok(self.objects.get(&self.key(name)?).await?.bytes().await?)
    }

    /// Writes an object whole.
    ///
    /// A conditional write whose reply was lost is looked for before it is said to have failed.
    ///
    /// # Errors
    /// [`TroubleKind::Changed`] where it is not as expected, and nothing was written.
    pub fn put(
        &self,
        name: &str,
        content: impl Into<PutPayload>,
        expect: &Expect,
        metadata: &BTreeMap<String, String>,
    ) -> Result<Written, Trouble> {
        let (this, at, expect) = (self.clone(), name.to_owned(), expect.clone());
        let (content, metadata) = (content.into(), metadata.clone());
        self.wait(name, async move { this.write(at, content, expect, metadata).await })
    }

    /// Writes many objects whole and unconditionally, at most `parallel` requests under way.
    ///
    /// # Errors
    /// The first that fails; what was written before and beside it stays.
    pub fn put_many(
        &self,
        items: impl IntoIterator<Item = (String, Bytes), IntoIter: Send + 'static>,
        parallel: usize,
    ) -> Result<(), Trouble> {
        let this = self.clone();
        let deadline = self.how.deadline;
        let work =
            stream::iter(items).map(Ok).try_for_each_concurrent(parallel.max(1), move |(name, content)| {
                let this = this.clone();
                async move {
                    let at = this.location.join(&name);
                    let put = this.write(name, content.into(), Expect::Anything, BTreeMap::new());
                    bridge::bounded(deadline, put).await.map(drop).map_err(|trouble| trouble.about(&at))
                }
            });
        bridge::wait_long(work)
    }

    async fn write(
        &self,
        name: String,
        content: PutPayload,
        expect: Expect,
        metadata: BTreeMap<String, String>,
    ) -> Result<Written, Trouble> {
        self.counts.puts.fetch_add(1, Ordering::Relaxed);
        let key = self.key(&name)?;
        let known = self.attributes && expect != Expect::Anything;
        // Who has to know a write again later has marked it.
        let mark = metadata.get(WRITE).cloned().unwrap_or_else(mark);
        let mode = self.mode(&key, &expect).await?;
        let mut attributes = Attributes::new();
        for (name, value) in metadata.into_iter().filter(|_| self.attributes) {
            attributes.insert(Attribute::Metadata(name.into()), value.into());
        }
        if known {
            attributes.insert(Attribute::Metadata(WRITE.into()), mark.clone().into());
        }
        let options = PutOptions { mode, attributes, ..PutOptions::default() };
        match self.objects.put_opts(&key, content, options).await {
            Ok(put) => Ok(Written { etag: put.e_tag }),
            Err(error) => {
                let trouble = Trouble::from(error);
                // A request that was tried again finds what its first try made.
                let may_be_ours = trouble.is_uncertain() || trouble.kind() == TroubleKind::Changed;
                if !(known && may_be_ours) {
                    return Err(trouble);
                }
                match look(&*self.objects, &key, name).await {
                    Ok(Some(found)) if found.metadata.get(WRITE) == Some(&mark) => {
                        Ok(Written { etag: found.etag })
                    }
                    _ => Err(trouble),
                }
            }
        }
    }

    /// How the store is told what is expected; where it cannot be told, it is looked up just before.
    async fn mode(&self, key: &Key, expect: &Expect) -> Result<PutMode, Trouble> {
        match expect {
            Expect::Anything => Ok(PutMode::Overwrite),
            Expect::Absent => Ok(PutMode::Create),
            Expect::Tag(tag) if self.conditional => {
                Ok(PutMode::Update(UpdateVersion { e_tag: Some(tag.clone()), version: None }))
            }
            Expect::Tag(tag) => {
                let now = look(&*self.objects, key, String::new()).await?.and_then(|found| found.etag);
                if now.as_ref() == Some(tag) {
                    return Ok(PutMode::Overwrite);
                }
                Err(Trouble::new(TroubleKind::Changed, "somebody else changed it meanwhile"))
            }
        }
    }

    /// Removes an object; one that is not there is removed already.
    ///
    /// # Errors
    /// Whatever keeps the store from it.
    pub fn delete(&self, name: &str) -> Result<(), Trouble> {
        let (this, at) = (self.clone(), name.to_owned());
        self.wait(name, async move { this.remove(&at).await })
    }

    /// Removes many objects, at most `parallel` requests under way; one that is not there is removed already.
    ///
    /// # Errors
    /// The first that fails; what was removed before and beside it is gone.
    pub fn delete_many(&self, names: Vec<String>, parallel: usize) -> Result<(), Trouble> {
        let this = self.clone();
        let work = stream::iter(names).map(Ok).try_for_each_concurrent(parallel.max(1), move |name| {
            let this = this.clone();
            async move {
                let at = this.location.join(&name);
                bridge::bounded(this.how.deadline, this.remove(&name))
                    .await
                    .map_err(|trouble| trouble.about(&at))
            }
        });
        bridge::wait_long(work)
    }

    async fn remove(&self, name: &str) -> Result<(), Trouble> {
        self.counts.others.fetch_add(1, Ordering::Relaxed);
        match self.objects.delete(&self.key(name)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Copies an object inside the bucket, by the server.
    ///
    /// # Errors
    /// [`TroubleKind::Missing`].
    pub fn copy(&self, from: &str, to: &str) -> Result<(), Trouble> {
        self.counts.others.fetch_add(1, Ordering::Relaxed);
        let (objects, source, target) = (self.objects.clone(), self.key(from)?, self.key(to)?);
        self.wait(from, async move { Ok(objects.copy(&source, &target).await?) })
    }

    /// Every object below `folder`, however deep, told one by one in no certain order.
    ///
    /// # Errors
    /// Whatever keeps the store from telling all; the first that `each` returns.
    pub fn list_all(
        &self,
        folder: &str,
        mut each: impl FnMut(Found) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        self.counts.others.fetch_add(1, Ordering::Relaxed);
        let (tell, told) = bridge::channel(1024);
        let (objects, key, root) = (self.objects.clone(), self.key(folder)?, self.key("")?);
        let (at, deadline) = (self.location.join(folder), self.how.deadline);
        bridge::start(async move {
            let mut listing = objects.list(Some(&key));
            loop {
                let next = bridge::bounded(deadline, async { Ok(listing.try_next().await?) }).await;
                let last = !matches!(next, Ok(Some(_)));
                let next = next.map(|meta| meta.map(|meta| found(&root, meta)));
                if tell.send(next.map_err(|trouble| trouble.about(&at))).await.is_err() || last {
                    return;
                }
            }
        });
        for item in told {
            match item? {
                Some(item) => each(item)?,
                None => return Ok(()),
            }
        }
        Err(Trouble::lost())
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bucket({})", self.location)
    }
}

pub(super) async fn look(
    objects: &dyn ObjectStore,
    key: &Key,
    name: String,
) -> Result<Option<Found>, Trouble> {
    let options = GetOptions { head: true, ..GetOptions::default() };
    match objects.get_opts(key, options).await {
        Ok(got) => {
            let metadata = got.attributes.iter().filter_map(|(name, value)| match name {
                Attribute::Metadata(name) => Some((name.to_lowercase(), value.as_ref().to_owned())),
                _ => None,
            });
            let metadata = metadata.collect();
            Ok(Some(Found { name, metadata, ..found(&Key::default(), got.meta) }))
        }
        Err(error) => match Trouble::from(error) {
            trouble if trouble.kind() == TroubleKind::Missing => Ok(None),
            trouble => Err(trouble),
        },
    }
}

pub(super) fn found(root: &Key, meta: ObjectMeta) -> Found {
    let whole = meta.location.as_ref();
    let below = whole.strip_prefix(root.as_ref()).unwrap_or(whole).trim_start_matches('/');
    Found {
        name: below.to_owned(),
        size: meta.size,
        etag: meta.e_tag,
        modified: meta.last_modified.timestamp_nanos_opt().unwrap_or(0),
        metadata: BTreeMap::new(),
    }
}

/// What nobody else writes.
pub(super) fn mark() -> String {
    let mut random = [0; 16];
    getrandom::fill(&mut random).expect("the system has random numbers");
    format!("{:032x}", u128::from_le_bytes(random))
}
