//! Writing chunks to a bucket, before anybody names them.

use std::sync::Arc;

use bytes::Bytes;

use super::super::SqliteLayer;
use super::super::chunk::Hash;
use super::object::encode;
use super::{ContentForm, ContentTier, Object, net};
use crate::errno::NodeResult;
use crate::failpoint;

/// Requests under way at a time.
pub(super) const PARALLEL: usize = 16;
/// How many bytes are put together for one note and one round of requests.
pub(super) const ROUND_BYTES: usize = 32 << 20;

impl SqliteLayer {
    /// Uploads chunks; they wait to be named then. Nothing of it may be in a transaction.
    ///
    /// # Errors
    /// What keeps the bucket from taking them: `EIO`, `ETIMEDOUT`. `EROFS`.
    pub(super) fn upload(&self, tier: &ContentTier, chunks: Vec<(Hash, Bytes)>) -> NodeResult<Vec<Object>> {
        let mut packed = Vec::with_capacity(chunks.len());
        for (hash, bytes) in chunks {
            packed.push((hash, bytes.clone(), encode(bytes, tier.form)?));
        }
        let chunks = packed.iter().map(|(hash, bytes, (form, _))| (*hash, bytes.len(), *form));
        let (address, objects) = self.note_objects(tier, chunks)?;
        let bucket = self.shared.tier.bucket(&address)?;
        let items: Vec<(String, Bytes)> = objects
            .iter()
            .zip(&packed)
            .map(|(object, (_, _, (_, stored)))| (object.name.clone(), stored.clone()))
            .collect();
        bucket.put_many(items, PARALLEL).map_err(net::error)?;
        failpoint::pass("TIER_UPLOADED")?;
        for (object, (_, bytes, _)) in objects.iter().zip(&packed) {
            self.shared.tier.keep(object, bytes);
        }
        Ok(objects)
    }

    /// Gives names to objects that are about to be sent, and notes that they may come to be. Also tells the address that
    /// the names are below.
    pub(super) fn note_objects(
        &self,
        tier: &ContentTier,
        chunks: impl Iterator<Item = (Hash, usize, ContentForm)>,
    ) -> NodeResult<(Arc<str>, Vec<Object>)> {
        let noted = self.change(|tx| {
            let home = tx.own_home(&tier.address)?;
            let new = |(hash, length, form)| Object::new(home.id, form, hash, length);
            let objects: Vec<Object> = chunks.map(new).collect();
            objects.iter().try_for_each(|object| tx.note_stray(object))?;
            Ok((home.address.into(), objects))
        })?;
        failpoint::pass("TIER_NOTED")?;
        Ok(noted)
    }
}
