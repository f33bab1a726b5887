//! Conditions in a store that takes them by version, as Google's does.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use object_store::path::Path as Key;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UpdateVersion,
};

use super::{at, none};
use crate::object::connect::Condition;
use crate::object::{Bucket, Connect, Expect, TroubleKind};

/// A memory that knows versions and takes no ETag for a condition.
#[derive(Debug)]
struct Versioned(Arc<dyn ObjectStore>);

impl fmt::Display for Versioned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Versioned")
    }
}

#[async_trait]
impl ObjectStore for Versioned {
    async fn put_opts(&self, key: &Key, payload: PutPayload, mut options: PutOptions) -> Result<PutResult> {
        if let PutMode::Update(seen) = options.mode {
            let missing = || Error::Generic { store: "Versioned", source: "no version".into() };
            let version = seen.version.ok_or_else(missing)?;
            options.mode = PutMode::Update(UpdateVersion { e_tag: Some(version), version: None });
        }
        self.0.put_opts(key, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        key: &Key,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(key, options).await
    }

    async fn get_opts(&self, key: &Key, options: GetOptions) -> Result<GetResult> {
        let mut got = self.0.get_opts(key, options).await?;
        got.meta.version = got.meta.e_tag.clone();
        Ok(got)
    }

    fn delete_stream(&self, keys: BoxStream<'static, Result<Key>>) -> BoxStream<'static, Result<Key>> {
        self.0.delete_stream(keys)
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Key>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Key, to: &Key, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}

#[test]
fn what_is_replaced_is_the_version_that_was_seen() {
    let bucket = Bucket::open(&at("memory://versions"), Connect::default()).expect("opens");
    let mut bucket = bucket.wrapped(|store| Arc::new(Versioned(store)));
    let first = bucket.put("a", "1", &Expect::Absent, &none()).expect("put").etag.expect("an ETag");
    let seen = Expect::Tag(first);
    bucket.put("a", "1", &seen, &none()).expect_err("it asks for a version");
    bucket.condition = Condition::Version;
    bucket.put("a", "2", &seen, &none()).expect("as it was seen");
    let trouble = bucket.put("a", "3", &seen, &none()).expect_err("another one by now");
    assert_eq!(trouble.kind(), TroubleKind::Changed);
    bucket.delete("a").expect("removed");
    let trouble = bucket.put("a", "4", &seen, &none()).expect_err("gone by now");
    assert_eq!(trouble.kind(), TroubleKind::Changed);
}
