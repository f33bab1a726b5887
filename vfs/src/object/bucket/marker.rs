//! The objects that mark folders.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use object_store::path::Path as Key;
use object_store::{ObjectStoreExt, PutOptions, PutPayload};

use super::{Bucket, look};
use crate::object::contained::has_no_link;
use crate::object::location::Scheme;
use crate::object::trouble::{Trouble, TroubleKind};

impl Bucket {
    /// Whether a folder without content can be there: the client below has no names with a slash at the end in Azure.
    fn has_markers(&self) -> bool {
        self.location.scheme() != Scheme::Azure
    }

    /// Makes an empty object `folder/`, by which tools know a folder without content.
    ///
    /// # Errors
    /// [`TroubleKind::Unsupported`] where no object can be called so (Azure); whatever keeps the store from it.
    pub fn put_marker(&self, folder: &str) -> Result<(), Trouble> {
        if let Some(path) = self.on_host(folder) {
            return self.make(folder, &path);
        }
        if !self.has_markers() {
            let text = "a folder without content cannot be kept in this store; write a file into it";
            return Err(Trouble::new(TroubleKind::Unsupported, text).about(&self.location.join(folder)));
        }
        self.counts.put();
        let (objects, key) = (self.objects.clone(), self.marker(folder)?);
        self.wait(folder, async move {
            objects.put(&key, PutPayload::default()).await?;
            Ok(())
        })
    }

    /// The same for a folder that is to stay when what is in it goes. Where none can, it goes with that.
    ///
    /// # Errors
    /// Whatever keeps the store from it.
    pub(in crate::object) fn keep_folder(&self, folder: &str) -> Result<(), Trouble> {
        if self.has_markers() { self.put_marker(folder) } else { Ok(()) }
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
        if !self.has_markers() {
            return Ok(());
        }
        self.counts.other();
        let (objects, key) = (self.objects.clone(), self.marker(folder)?);
        self.wait(folder, async move {
            match objects.delete(&key).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// Marks a folder as one that `source` is being moved to, so that a move that was interrupted can go on.
    pub(in crate::object) fn put_moving(&self, source: &str, target: &str) -> Result<(), Trouble> {
        if self.on_host(target).is_some() || !self.has_markers() {
            return self.keep_folder(target);
        }
        self.counts.put();
        let (objects, key) = (self.objects.clone(), self.marker(target)?);
        let attributes = self.attributes([(MOVING.to_owned(), digest(source))]);
        let options = PutOptions { attributes, ..PutOptions::default() };
        self.wait(target, async move {
            objects.put_opts(&key, PutPayload::default(), options).await?;
            Ok(())
        })
    }

    /// Whether a folder is marked so.
    pub(in crate::object) fn is_moving(&self, source: &str, target: &str) -> Result<bool, Trouble> {
        if self.on_host(target).is_some() || !self.has_markers() {
            return Ok(false);
        }
        self.counts.other();
        let (objects, key, at) = (self.objects.clone(), self.marker(target)?, target.to_owned());
        let found = self.wait(target, async move { look(&*objects, &key, at).await })?;
        Ok(found.is_some_and(|found| found.metadata.get(MOVING) == Some(&digest(source))))
    }

    /// Where a folder is on the host, of which an empty folder is its own marker.
    pub(super) fn on_host(&self, folder: &str) -> Option<PathBuf> {
        let local = self.location.scheme() == Scheme::Local;
        local.then(|| Path::new("/").join(self.location.join(folder).prefix()))
    }

    /// Makes a folder on the host.
    fn make(&self, folder: &str, path: &Path) -> Result<(), Trouble> {
        let root = Path::new("/").join(self.location.prefix());
        if !has_no_link(&root, Path::new(folder)) {
            let what = "a symbolic link is in the way: a bucket has none, remove it";
            return Err(self.failed(folder, &std::io::Error::other(what)));
        }
        std::fs::create_dir_all(path).map_err(|error| self.failed(folder, &error))
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
const MOVING: &str = "cowrymoving";

/// Metadata is short and holds plain characters only.
fn digest(name: &str) -> String {
    blake3::hash(name.as_bytes()).to_hex().to_string()
}
