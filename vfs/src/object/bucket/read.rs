//! Reading objects, and looking at them.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use object_store::path::Path as Key;
use object_store::{Attribute, Attributes, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt};
use tokio::task::AbortHandle;

use super::{Bucket, Found};
use crate::object::bridge::{self, Waiting};
use crate::object::location::Location;
use crate::object::trouble::{Trouble, TroubleKind};

impl Bucket {
    /// What an object is: one request, no content. `None` if there is none.
    ///
    /// # Errors
    /// Whatever keeps the store from telling.
    pub fn head(&self, name: &str) -> Result<Option<Found>, Trouble> {
        self.counts.other();
        let (objects, key, at) = (self.objects.clone(), self.key(name)?, name.to_owned());
        self.wait(name, async move { look(&*objects, &key, at).await })
    }

    /// What many objects are, at most `parallel` requests under way; in the order of `names`.
    pub fn head_many(&self, names: &[String], parallel: usize) -> Vec<Result<Option<Found>, Trouble>> {
        let mut answers = Vec::with_capacity(names.len());
        let mut under_way = VecDeque::new();
        for name in names {
            if under_way.len() >= parallel.max(1) {
                answers.extend(under_way.pop_front().map(Looking::end));
            }
            under_way.push_back(self.begin_look(name));
        }
        answers.extend(under_way.into_iter().map(Looking::end));
        answers
    }

    fn begin_look(&self, name: &str) -> Looking {
        self.counts.other();
        let (this, at) = (self.clone(), name.to_owned());
        let work = async move { look(&*this.objects, &this.key(&at)?, at).await };
        Looking(bridge::begin(self.how.deadline, work), self.location.join(name))
    }

    /// Bytes of an object; all of them without a range. A range may end past the end. With `etag`, only of the
    /// content that has it.
    ///
    /// # Errors
    /// [`TroubleKind::Missing`]; [`TroubleKind::Changed`] where the object has another ETag by now.
    pub fn get(&self, name: &str, range: Option<Range<u64>>, etag: Option<&str>) -> Result<Bytes, Trouble> {
        self.counts.get();
        let (objects, key) = (self.objects.clone(), self.key(name)?);
        let options = part(range, etag.map(entity_tag));
        self.wait(name, async move { Ok(objects.get_opts(&key, options).await?.bytes().await?) })
    }

    /// Bytes of an object and what it is, in one request; as [`Bucket::get`].
    ///
    /// # Errors
    /// As [`Bucket::get`].
    pub fn get_with(
        &self,
        name: &str,
        range: Option<Range<u64>>,
        etag: Option<&str>,
    ) -> Result<(Found, Bytes), Trouble> {
        let (this, at, options) = (self.clone(), name.to_owned(), part(range, etag.map(entity_tag)));
        self.wait(name, async move { this.read_with(at, options).await })
    }

    /// Reads a part of one content of an object in the background; `then` has it, unless it fails or is stopped.
    pub(in crate::object) fn fetch_part(
        &self,
        name: &str,
        range: Range<u64>,
        etag: &str,
        then: impl FnOnce(Found, Bytes) + Send + 'static,
    ) -> AbortHandle {
        let (this, at, options) = (self.clone(), name.to_owned(), part(Some(range), Some(entity_tag(etag))));
        bridge::start(async move {
            if let Ok((found, bytes)) = bridge::bounded(this.how.deadline, this.read_with(at, options)).await
            {
                bridge::blocking(move || then(found, bytes)).await;
            }
        })
    }

    async fn read_with(&self, name: String, options: GetOptions) -> Result<(Found, Bytes), Trouble> {
        self.counts.get();
        let got = self.objects.get_opts(&self.key(&name)?, options).await?;
        let what = looked_at(name, &got.attributes, got.meta.clone());
        Ok((what, got.bytes().await?))
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
        self.counts.get();
        let got = self.objects.get(&self.key(name)?).await?;
        if got.meta.size > most {
            let text = format!("it has {} bytes and should have no more than {most}", got.meta.size);
            return Err(Trouble::new(TroubleKind::TooLarge, text));
        }
        Ok(got.bytes().await?)
    }

    async fn read(&self, name: &str) -> Result<Bytes, Trouble> {
        self.counts.get();
        Ok(self.objects.get(&self.key(name)?).await?.bytes().await?)
    }
}

/// A look at an object that is under way.
struct Looking(Waiting<Option<Found>>, Location);

impl Looking {
    fn end(self) -> Result<Option<Found>, Trouble> {
        self.0.end().map_err(|trouble| trouble.about(&self.1))
    }
}

fn part(range: Option<Range<u64>>, etag: Option<String>) -> GetOptions {
    GetOptions { range: range.map(GetRange::Bounded), if_match: etag, ..GetOptions::default() }
}

/// What an object is, asked for it alone. `None` if there is none.
pub(in crate::object) async fn look(
    objects: &dyn ObjectStore,
    key: &Key,
    name: String,
) -> Result<Option<Found>, Trouble> {
    let options = GetOptions { head: true, ..GetOptions::default() };
    match objects.get_opts(key, options).await {
        Ok(got) => Ok(Some(looked_at(name, &got.attributes, got.meta))),
        Err(error) => match Trouble::from(error) {
            trouble if trouble.kind() == TroubleKind::Missing => Ok(None),
            trouble => Err(trouble),
        },
    }
}

fn looked_at(name: String, attributes: &Attributes, meta: ObjectMeta) -> Found {
    let metadata = attributes.iter().filter_map(|(name, value)| match name {
        Attribute::Metadata(name) => Some((name.to_lowercase(), value.as_ref().to_owned())),
        _ => None,
    });
    let metadata = metadata.collect();
    Found { name, metadata, ..found(&Key::default(), meta) }
}

/// What a listing says of an object.
pub(super) fn found(root: &Key, meta: ObjectMeta) -> Found {
    let whole = meta.location.as_ref();
    let below = whole.strip_prefix(root.as_ref()).unwrap_or(whole).trim_start_matches('/');
    Found {
        name: below.to_owned(),
        size: meta.size,
        etag: meta.e_tag.map(bare),
        modified: meta.last_modified.timestamp_nanos_opt().unwrap_or(0),
        metadata: BTreeMap::new(),
    }
}

/// An ETag without its quotes, which not every listing has.
pub(in crate::object) fn bare(tag: String) -> String {
    let inside = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    inside.map(str::to_owned).unwrap_or(tag)
}

/// An ETag as requests have it.
pub(super) fn entity_tag(bare: &str) -> String {
    if bare.contains('"') { bare.to_owned() } else { format!("\"{bare}\"") }
}
