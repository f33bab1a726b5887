//! Writing chunks to a bucket, before anybody names them.

use std::sync::Arc;

use bytes::Bytes;

use super::super::SqliteLayer;
use super::super::chunk::Hash;
use super::object::encode;
use super::{ContentTier, Object, net};
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
        let (address, objects) = self.change(|tx| {
            let home = tx.own_home(&tier.address)?;
            let new = |(hash, bytes, (form, _)): &(Hash, Bytes, (_, Bytes))| {
                Object::new(home.id, *form, *hash, bytes.len())
            };
            let objects: Vec<Object> = packed.iter().map(new).collect();
            objects.iter().try_for_each(|object| tx.note_stray(object))?;
            Ok((Arc::<str>::from(home.address), objects))
        })?;
        failpoint::pass("TIER_NOTED")?;
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
}
