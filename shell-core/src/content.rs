//! Where the content of a workspace is: in its file, or in a bucket.

#[cfg(feature = "object")]
use cowry_vfs::sqlite::{BucketReport, MoveReport, SweepReport};
use cowry_vfs::sqlite::{ContentTier, ContentUse};

use crate::address::Address;
use crate::error::{Error, Result};
use crate::run::bucket;
use crate::workspace::Workspace;

impl Workspace {
    /// Where content goes that is written from now on; `None`: into the file.
    ///
    /// # Errors
    /// If it is scratch, or the file cannot be read.
    pub fn content_tier(&self) -> Result<Option<ContentTier>> {
        Ok(self.file("tell where the content is of")?.content_tier()?)
    }

    /// Says where content goes that is written from now on. What is there stays where it is. A bucket that was not the
    /// place before is asked whether it is there and takes our keys.
    ///
    /// # Errors
    /// If it is read-only or scratch, the address is none, the bucket cannot be used, or the file cannot be written.
    pub fn set_content_tier(&self, tier: Option<&ContentTier>) -> Result<()> {
        self.writable("set the place of content of")?;
        let file = self.file("set the place of content of")?;
        let before = file.content_tier()?.map(|before| before.address);
        if let Some(tier) = tier.filter(|tier| before.as_ref() != Some(&tier.address)) {
            let address = Address::parse(&tier.address).map_err(Error::Usage)?;
            bucket::reach("keep content", &address)?;
        }
        Ok(file.set_content_tier(tier)?)
    }

    /// How much content is where.
    ///
    /// # Errors
    /// If it is scratch, or the file cannot be read.
    pub fn content_use(&self) -> Result<ContentUse> {
        Ok(self.file("tell where the content is of")?.content_use()?)
    }

    /// Moves all content to where the setting says. What is moved is moved: the next call goes on where one ended.
    ///
    /// # Errors
    /// If it is read-only or scratch, or the bucket or the file fails.
    #[cfg(feature = "object")]
    pub fn move_content(&self, each: &mut dyn FnMut(&MoveReport)) -> Result<MoveReport> {
        self.writable("move the content of")?;
        Ok(self.file("move the content of")?.move_content(each)?)
    }

    /// Deletes objects in its bucket that nothing refers to for longer than `grace`.
    ///
    /// # Errors
    /// If it is read-only or scratch, or the bucket or the file fails.
    #[cfg(feature = "object")]
    pub fn sweep_content(&self, grace: std::time::Duration) -> Result<SweepReport> {
        self.writable("sweep the bucket of")?;
        Ok(self.file("sweep the bucket of")?.sweep_content(grace)?)
    }

    /// Reads every object that its content is in. What is wrong is in the report.
    ///
    /// # Errors
    /// If it is scratch, the file cannot be read, or a bucket does not answer.
    #[cfg(feature = "object")]
    pub fn check_buckets(&self, each: &mut dyn FnMut(&BucketReport)) -> Result<BucketReport> {
        Ok(self.file("check")?.check_buckets(each)?)
    }
}
