//! A folder of this machine as a bucket, from which no symbolic link leads anywhere.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, future};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// The files below `root`, which may itself be reached through links. What is a link below it, or lies behind one, is not
/// there and cannot be written.
///
/// A link that somebody puts there between the look and the request is followed: it is other programs of this machine
/// that could, no sandbox can.
#[derive(Debug)]
pub(super) struct Contained {
    files: LocalFileSystem,
    inside: Arc<Inside>,
}

#[derive(Debug)]
struct Inside {
    root: PathBuf,
}

impl Contained {
    /// The folder that the key `root` names.
    pub fn new(root: &str) -> Contained {
        let files = LocalFileSystem::new().with_automatic_cleanup(false);
        Contained { files, inside: Arc::new(Inside { root: Path::new("/").join(root) }) }
    }

    fn readable(&self, key: &Key) -> Result<()> {
        if self.inside.has(key) { Ok(()) } else { Err(missing(key)) }
    }

    fn writable(&self, key: &Key) -> Result<()> {
        if self.inside.has(key) { Ok(()) } else { Err(in_the_way(key)) }
    }
}

impl Inside {
    /// Whether no link stands between the root and what `key` names.
    fn has(&self, key: &Key) -> bool {
        let whole = Path::new("/").join(key.as_ref());
        let Ok(below) = whole.strip_prefix(&self.root) else { return false };
        has_no_link(&self.root, below)
    }
}

/// Whether no part of `below` is a link in `root`.
pub(super) fn has_no_link(root: &Path, below: &Path) -> bool {
    let mut path = root.to_owned();
    below.components().all(|part| {
        path.push(part);
        !path.is_symlink()
    })
}

fn missing(key: &Key) -> Error {
    Error::NotFound { path: key.to_string(), source: "a symbolic link".into() }
}

fn in_the_way(key: &Key) -> Error {
    let what = format!("a symbolic link is in the way of {key}: a bucket has none, remove it");
    Error::Generic { store: "file", source: what.into() }
}

impl fmt::Display for Contained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Contained({})", self.inside.root.display())
    }
}

#[async_trait]
impl ObjectStore for Contained {
    async fn put_opts(&self, key: &Key, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.writable(key)?;
        self.files.put_opts(key, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        key: &Key,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.writable(key)?;
        self.files.put_multipart_opts(key, options).await
    }

    async fn get_opts(&self, key: &Key, options: GetOptions) -> Result<GetResult> {
        self.readable(key)?;
        self.files.get_opts(key, options).await
    }

    fn delete_stream(&self, keys: BoxStream<'static, Result<Key>>) -> BoxStream<'static, Result<Key>> {
        let inside = self.inside.clone();
        let keys = keys
            .and_then(move |key| future::ready(if inside.has(&key) { Ok(key) } else { Err(missing(&key)) }));
        self.files.delete_stream(keys.boxed())
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Result<ObjectMeta>> {
        let inside = self.inside.clone();
        let all = self.files.list(prefix);
        all.try_filter(move |meta| future::ready(inside.has(&meta.location))).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Key>) -> Result<ListResult> {
        let mut page = self.files.list_with_delimiter(prefix).await?;
        page.objects.retain(|meta| self.inside.has(&meta.location));
        page.common_prefixes.retain(|folder| self.inside.has(folder));
        Ok(page)
    }

    async fn copy_opts(&self, from: &Key, to: &Key, options: CopyOptions) -> Result<()> {
        self.readable(from)?;
        self.writable(to)?;
        self.files.copy_opts(from, to, options).await
    }
}
