//! Listing folders: names between slashes.

use futures_util::TryStreamExt;
use object_store::list::PaginatedListOptions;
use object_store::path::Path as Key;
use object_store::{Error, ListResult};

use super::read::{found, look};
use super::{Bucket, Found, Page, local};
use crate::object::bridge;
use crate::object::location::Scheme;
use crate::object::sift::Hidden;
use crate::object::trouble::Trouble;

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
        self.counts.other();
        let (key, root) = (self.key(folder)?, self.key("")?);
        let (objects, pages) = (self.objects.clone(), self.pages.clone());
        // A memory does not list a folder's own marker with what is in it.
        let may_mark = self.location.scheme() == Scheme::Memory;
        let on_host = self.on_host(folder).filter(|path| path.is_dir());
        self.wait(folder, async move {
            let Some(pages) = pages else {
                let listed = match (objects.list_with_delimiter(Some(&key)).await, &on_host) {
                    (Err(Error::InvalidPath { .. }), Some(path)) => {
                        local::list(&*objects, &key, path).await?
                    }
                    (listed, _) => listed?,
                };
                let mut page = page(&root, &key, listed, None);
                page.marker |= on_host.is_some();
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

    /// Every object below `folder`, however deep, told one by one in no certain order. What a server has under keys
    /// that cannot be names is left out.
    ///
    /// # Errors
    /// Whatever keeps the store from telling all; the first that `each` returns.
    pub fn list_all(
        &self,
        folder: &str,
        mut each: impl FnMut(Found) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        self.counts.other();
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

/// S3's keys lose the slash of a marker where they are parsed; a memory's keep it.
fn page(root: &Key, folder: &Key, listed: ListResult, next: Option<String>) -> Page {
    let last =
        |key: &Key| key.as_ref().trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
    let mut page = Page {
        folders: listed.common_prefixes.iter().map(last).collect(),
        hidden: listed.extensions.get::<Hidden>().map_or(0, |hidden| hidden.0),
        next,
        ..Page::default()
    };
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
