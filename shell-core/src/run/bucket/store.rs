//! A bucket as this crate knows it: the few requests that writing to one takes.

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Range;

use bytes::Bytes;
use cowry_vfs::Timestamp;
use cowry_vfs::object::{Bucket, Connect, Expect, Trouble, TroubleKind, WRITE_MARK};

use super::journal::Want;
use crate::address::Address;

#[derive(Clone, Debug)]
pub(crate) struct Store {
    bucket: Bucket,
}

/// What is there under a name.
#[derive(Debug)]
pub(crate) struct There {
    pub size: u64,
    pub tag: Option<String>,
    /// When it was written, by the store's clock.
    pub modified: Timestamp,
    /// The mark that its writer left, where the store keeps one.
    pub mark: Option<String>,
}

/// Why something could not be done, in one line.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Somebody else changed it.
    Changed,
    /// Anything else.
    Trouble(String),
}

impl From<Trouble> for Refusal {
    fn from(trouble: Trouble) -> Refusal {
        match trouble.kind() {
            TroubleKind::Changed => Refusal::Changed,
            _ => Refusal::Trouble(trouble.to_string()),
        }
    }
}

/// What is to be written.
pub(super) struct Content<'a> {
    pub size: u64,
    pub from: &'a mut dyn Read,
    pub metadata: BTreeMap<String, String>,
    pub mark: String,
}

impl Store {
    /// The bucket at an address. Asks nobody yet.
    pub fn open(address: &Address) -> Result<Store, Refusal> {
        Ok(Store { bucket: Bucket::open(address.location(), Connect::default())? })
    }

    /// Asks the bucket for one name, which tells whether it is there and the keys are good.
    pub fn meet(&self) -> Result<(), Refusal> {
        self.bucket.list("", None, 1)?;
        Ok(())
    }

    /// The bucket itself, for what makes a tree of it.
    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// Whether an object can have this name. Asks nobody.
    pub fn check_name(&self, name: &str) -> Result<(), Refusal> {
        Ok(self.bucket.check_name(name)?)
    }

    /// What is there under a name.
    pub fn look(&self, name: &str) -> Result<Option<There>, Refusal> {
        let found = self.bucket.head(name)?;
        Ok(found.map(|mut found| There {
            size: found.size,
            modified: Timestamp(found.modified),
            mark: found.metadata.remove(WRITE_MARK),
            tag: found.etag,
        }))
    }

    /// Writes an object and tells its tag.
    pub fn write(&self, name: &str, content: Content<'_>, want: &Want) -> Result<Option<String>, Refusal> {
        let expect = match want {
            Want::Anything | Want::NotNewer => Expect::Anything,
            Want::Absent => Expect::Absent,
            Want::Tag(tag) => Expect::Tag(tag.clone()),
        };
        let mut metadata = content.metadata;
        metadata.insert(WRITE_MARK.into(), content.mark);
        let written = self.bucket.upload(name, content.size, content.from, &expect, &metadata)?;
        Ok(written.etag)
    }

    /// A part of what is there.
    pub fn read(&self, name: &str, range: Range<u64>) -> Result<Bytes, Refusal> {
        Ok(self.bucket.get(name, Some(range), None)?)
    }

    /// Removes an object.
    pub fn remove(&self, name: &str) -> Result<(), Refusal> {
        Ok(self.bucket.delete(name)?)
    }

    /// Marks an empty folder, as other tools do. A folder of the host needs none: it is not kept there.
    pub fn mark(&self, name: &str) -> Result<(), Refusal> {
        match self.bucket.put_marker(name) {
            Err(trouble) if trouble.kind() == TroubleKind::Unsupported => Ok(()),
            marked => Ok(marked?),
        }
    }

    /// Removes such a mark, if there is one.
    pub fn unmark(&self, name: &str) -> Result<(), Refusal> {
        Ok(self.bucket.delete_marker(name)?)
    }
}
