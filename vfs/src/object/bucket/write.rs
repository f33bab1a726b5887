//! Writing, copying and removing objects.

use std::collections::BTreeMap;

use bytes::Bytes;
use object_store::path::Path as Key;
use object_store::{
    Attribute, AttributeValue, Attributes, ObjectStoreExt, PutMode, PutOptions, PutPayload, UpdateVersion,
};

use super::{Bucket, Expect, WRITE_MARK, Written, bare, look, read::entity_tag};
use crate::object::connect::Condition;
use crate::object::trouble::{Trouble, TroubleKind};

impl Bucket {
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
        self.each(items, parallel, |this, name, content: Bytes| async move {
            this.write(name, content.into(), Expect::Anything, BTreeMap::new()).await.map(drop)
        })
    }

    pub(in crate::object) async fn write(
        &self,
        name: String,
        content: PutPayload,
        expect: Expect,
        mut metadata: BTreeMap<String, String>,
    ) -> Result<Written, Trouble> {
        self.counts.put();
        let key = self.key(&name)?;
        let mode = self.mode(&key, &expect).await?;
        let known = self.attributes && expect != Expect::Anything;
        if known {
            // Who has to know a write again later has marked it.
            metadata.entry(WRITE_MARK.into()).or_insert_with(mark);
        }
        let mark = metadata.get(WRITE_MARK).cloned().filter(|_| known);
        let options = PutOptions { mode, attributes: self.attributes(metadata), ..PutOptions::default() };
        let trouble = match self.objects.put_opts(&key, content, options).await {
            Ok(put) => return Ok(Written { etag: put.e_tag.map(bare) }),
            Err(error) => Trouble::from(error),
        };
        // A request that was tried again finds what its first try made.
        let may_be_ours = trouble.is_uncertain() || trouble.kind() == TroubleKind::Changed;
        let Some(mark) = mark.filter(|_| may_be_ours) else { return Err(trouble) };
        match look(&*self.objects, &key, name).await {
            Ok(Some(found)) if found.metadata.get(WRITE_MARK) == Some(&mark) => {
                Ok(Written { etag: found.etag })
            }
            // Whose it is that is there could not be found out.
            Err(unknown) if trouble.kind() == TroubleKind::Changed => Err(unknown),
            _ => Err(trouble),
        }
    }

    /// Metadata as requests carry it; none where the store keeps none.
    pub(in crate::object) fn attributes(
        &self,
        metadata: impl IntoIterator<Item = (String, String)>,
    ) -> Attributes {
        let kept = metadata.into_iter().filter(|_| self.attributes);
        kept.map(|(name, value)| (Attribute::Metadata(name.into()), AttributeValue::from(value))).collect()
    }

    /// How the store is told what is expected; where it cannot be told, it is looked up just before.
    async fn mode(&self, key: &Key, expect: &Expect) -> Result<PutMode, Trouble> {
        let tag = match expect {
            Expect::Anything => return Ok(PutMode::Overwrite),
            Expect::Absent => return Ok(PutMode::Create),
            Expect::Tag(tag) => tag,
        };
        let update = |e_tag, version| PutMode::Update(UpdateVersion { e_tag, version });
        if self.condition == Condition::Tag {
            return Ok(update(Some(entity_tag(tag)), None));
        }
        self.counts.other();
        let now = match self.objects.head(key).await.map_err(Trouble::from) {
            Err(trouble) if trouble.kind() != TroubleKind::Missing => return Err(trouble),
            now => now.ok().filter(|now| now.e_tag.clone().map(bare).as_ref() == Some(tag)),
        };
        match (now, self.condition) {
            (None, _) => Err(Trouble::new(TroubleKind::Changed, "somebody else changed it meanwhile")),
            (Some(now), Condition::Version) if now.version.is_some() => Ok(update(None, now.version)),
            (Some(_), _) => Ok(PutMode::Overwrite),
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
        let names = names.into_iter().map(|name| (name, ()));
        self.each(names, parallel, |this, name, ()| async move { this.remove(&name).await })
    }

    async fn remove(&self, name: &str) -> Result<(), Trouble> {
        self.counts.other();
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
        let (this, source, target) = (self.clone(), from.to_owned(), to.to_owned());
        self.wait(from, async move { this.copy_one(&source, &target).await })
    }

    /// Copies many objects inside the bucket, at most `parallel` requests under way.
    ///
    /// # Errors
    /// The first that fails; what was copied before and beside it stays.
    pub fn copy_many(&self, pairs: Vec<(String, String)>, parallel: usize) -> Result<(), Trouble> {
        self.each(pairs, parallel, |this, from, to| async move { this.copy_one(&from, &to).await })
    }

    async fn copy_one(&self, from: &str, to: &str) -> Result<(), Trouble> {
        self.counts.other();
        Ok(self.objects.copy(&self.key(from)?, &self.key(to)?).await?)
    }
}

/// What nobody else writes.
pub(in crate::object) fn mark() -> String {
    let mut random = [0; 16];
    getrandom::fill(&mut random).expect("the system has random numbers");
    format!("{:032x}", u128::from_le_bytes(random))
}
