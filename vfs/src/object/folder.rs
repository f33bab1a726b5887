//! Folders of a bucket: names between slashes, and the objects that mark them.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::list::PaginatedListOptions;
use object_store::path::Path as Key;
use object_store::{
    Attribute, Attributes, GetOptions, GetRange, ListResult, ObjectStoreExt, PutOptions, PutPayload,
};

use super::bridge;
use super::bucket::{Bucket, Found, Page, found, look};
use super::location::Scheme;
use super::trouble::{Trouble, TroubleKind};

/// Where a listing begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum From {
    /// At the first name.
    Start,
    /// Past this name of the folder. A folder of that very name may come again.
    Name(String),
    /// Where a page ended: its [`Page::next`].
    Page(String),
}

impl Bucket {
    /// One page of what is directly in `folder` (empty: the prefix itself), at most `limit` names where the store
    /// lists page by page.
    ///
    /// # Errors
    /// [`TroubleKind::NoBucket`]; a folder that is not there is empty.
    pub fn list(&self, folder: &str, after: Option<String>, limit: usize) -> Result<Page, Trouble> {
        self.list_from(folder, after.map_or(From::Start, From::Page), limit)
    }

    /// The same, from any name on. Pages are in the order of keys, in which a folder `a` is `a/` and so behind `a-b`.
    ///
    /// # Errors
    /// As [`Bucket::list`].
    pub fn list_from(&self, folder: &str, from: From, limit: usize) -> Result<Page, Trouble> {
        self.counts.others.fetch_add(1, Ordering::Relaxed);
        let (key, root) = (self.key(folder)?, self.key("")?);
        let (objects, pages) = (self.objects.clone(), self.pages.clone());
        // A memory does not list a folder's own marker with what is in it.
        let may_mark = self.location.scheme() == Scheme::Memory;
        let on_host = self.on_host(folder).is_some_and(|path| path.is_dir());
        self.wait(folder, async move {
            let Some(pages) = pages else {
                let mut page = page(&root, &key, objects.list_with_delimiter(Some(&key)).await?, None);
                page.marker |= on_host;
                if !page.marker && !key.as_ref().is_empty() && may_mark {
                    page.marker = look(&*objects, &key.join(""), String::new()).await?.is_some();
                }
                return Ok(page);
            };
            let prefix = if key.as_ref().is_empty() { String::new() } else { format!("{key}/") };
            let (offset, page_token) = match from {
                From::Start => (None, None),
                From::Name(name) => (Some(format!("{prefix}{name}")), None),
                From::Page(token) => (None, Some(token)),
            };
            let options = PaginatedListOptions {
                delimiter: Some("/".into()),
                max_keys: Some(limit),
                offset,
                page_token,
                ..PaginatedListOptions::default()
            };
            let got = pages.list_paginated(Some(&prefix), options).await?;
            Ok(page(&root, &key, got.result, got.page_token))
        })
    }

    /// Whether listings come in pages, and not whole.
    pub fn has_pages(&self) -> bool {
        self.pages.is_some()
    }

    /// Bytes of an object and what it is, in one request; as [`Bucket::get`].
    ///
    /// # Errors
    /// As [`Bucket::get`].
    pub fn get_with(
        &self,
        name: &str,
        range: Option<std::ops::Range<u64>>,
        etag: Option<&str>,
    ) -> Result<(Found, Bytes), Trouble> {
        self.counts.gets.fetch_add(1, Ordering::Relaxed);
        let (objects, key, at) = (self.objects.clone(), self.key(name)?, name.to_owned());
        let options = GetOptions {
            range: range.map(GetRange::Bounded),
            if_match: etag.map(str::to_owned),
            ..GetOptions::default()
        };
        self.wait(name, async move {
            let got = objects.get_opts(&key, options).await?;
            let metadata = got.attributes.iter().filter_map(|(name, value)| match name {
                Attribute::Metadata(name) => Some((name.to_lowercase(), value.as_ref().to_owned())),
                _ => None,
            });
            let metadata = metadata.collect();
            let what = Found { name: at, metadata, ..found(&Key::default(), got.meta.clone()) };
            Ok((what, got.bytes().await?))
        })
    }

    /// Makes an empty object `folder/`, by which tools know a folder without content.
    ///
    /// # Errors
    /// Whatever keeps the store from it.
    pub fn put_marker(&self, folder: &str) -> Result<(), Trouble> {
        if let Some(path) = self.on_host(folder) {
            return std::fs::create_dir_all(path).map_err(|error| self.failed(folder, &error));
        }
        self.counts.puts.fetch_add(1, Ordering::Relaxed);
        let (objects, key) = (self.objects.clone(), self.marker(folder)?);
        self.wait(folder, async move {
            objects.put(&key, PutPayload::default()).await?;
            Ok(())
        })
    }

    /// Removes the object that [`Bucket::put_marker`] makes; one that is not there is removed already.
    ///
    /// # Errors
    /// Whatever keeps the store from it.
    pub fn delete_marker(&self, folder: &str) -> Result<(), Trouble> {
        if let Some(path) = self.on_host(folder) {
            return match std::fs::remove_dir(path) {
                // Something is in it by now, made by somebody else: it is no empty folder any more.
                Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty) => {
                    Err(self.failed(folder, &error))
                }
                _ => Ok(()),
            };
        }
        self.counts.others.fetch_add(1, Ordering::Relaxed);
        let (objects, key) = (self.objects.clone(), self.marker(folder)?);
        self.wait(folder, async move {
            match objects.delete(&key).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// Marks a folder as one that `source` is being moved to, so that a move that was interrupted can go on.
    pub(super) fn put_moving(&self, source: &str, target: &str) -> Result<(), Trouble> {
        if self.on_host(target).is_some() {
            return self.put_marker(target);
        }
        self.counts.puts.fetch_add(1, Ordering::Relaxed);
        let (objects, key) = (self.objects.clone(), self.marker(target)?);
        let mut attributes = Attributes::new();
        if self.attributes {
            attributes.insert(Attribute::Metadata(MOVING.into()), digest(source).into());
        }
        let options = PutOptions { attributes, ..PutOptions::default() };
        self.wait(target, async move {
            objects.put_opts(&key, PutPayload::default(), options).await?;
            Ok(())
        })
    }

    /// Whether a folder is marked so.
    pub(super) fn is_moving(&self, source: &str, target: &str) -> Result<bool, Trouble> {
        if self.on_host(target).is_some() {
            return Ok(false);
        }
        self.counts.others.fetch_add(1, Ordering::Relaxed);
        let (objects, key, at) = (self.objects.clone(), self.marker(target)?, target.to_owned());
        let found = self.wait(target, async move { look(&*objects, &key, at).await })?;
        Ok(found.is_some_and(|found| found.metadata.get(MOVING) == Some(&digest(source))))
    }

    /// Copies many objects inside the bucket, at most `parallel` requests under way.
    ///
    /// # Errors
    /// The first that fails; what was copied before and beside it stays.
    pub fn copy_many(&self, pairs: Vec<(String, String)>, parallel: usize) -> Result<(), Trouble> {
        let (this, deadline) = (self.clone(), self.how.deadline);
        let work = stream::iter(pairs).map(Ok).try_for_each_concurrent(parallel.max(1), move |(from, to)| {
            let this = this.clone();
            async move {
                this.counts.others.fetch_add(1, Ordering::Relaxed);
                let (source, target) = (this.key(&from)?, this.key(&to)?);
                let copy = async { Ok(this.objects.copy(&source, &target).await?) };
                bridge::bounded(deadline, copy)
                    .await
                    .map_err(|trouble| trouble.about(&this.location.join(&from)))
            }
        });
        bridge::wait_long(work)
    }

    /// Where a folder is on the host, of which an empty folder is its own marker.
    fn on_host(&self, folder: &str) -> Option<PathBuf> {
        let local = self.location.scheme() == Scheme::Local;
        local.then(|| Path::new("/").join(self.location.join(folder).prefix()))
    }

    fn failed(&self, folder: &str, error: &std::io::Error) -> Trouble {
        Trouble::new(TroubleKind::Other, error.to_string()).about(&self.location.join(folder))
    }

    /// The key of a marker: parsing would take the slash away, joining nothing to a key puts it there.
    fn marker(&self, folder: &str) -> Result<Key, Trouble> {
        Ok(self.key(folder)?.join(""))
    }
}

/// Metadata of a marker: what is being moved to its folder.
const MOVING: &str = "cowry-moving";

/// Metadata is short and holds plain characters only.
fn digest(name: &str) -> String {
    blake3::hash(name.as_bytes()).to_hex().to_string()
}

/// S3's keys lose the slash of a marker where they are parsed; a memory's keep it.
fn page(root: &Key, folder: &Key, listed: ListResult, next: Option<String>) -> Page {
    let last =
        |key: &Key| key.as_ref().trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
    let mut page =
        Page { folders: listed.common_prefixes.iter().map(last).collect(), next, ..Page::default() };
    for meta in listed.objects {
        if meta.location == *folder {
            page.marker = true;
        } else if meta.location.as_ref().ends_with('/') {
            page.folders.push(last(&meta.location));
        } else {
            page.objects.push(found(root, meta));
        }
    }
    page
}
