//! What a read comes to before anything is fetched: bytes that are here, and where the others are.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::super::chunk::ChunkCache;
use super::{Object, Tier};
use crate::errno::{NodeError, NodeResult};

/// A read, planned within a transaction and completed after it.
pub(in crate::sqlite) struct Parts {
    pub(in crate::sqlite) got: Got,
    /// What a sequential reader asks for next.
    pub(in crate::sqlite) ahead: Vec<Object>,
}

/// What there is of the bytes.
pub(in crate::sqlite) enum Got {
    All(Bytes),
    /// With gaps.
    Some(BytesMut, Vec<There>),
}

/// A gap, and what it is to be filled with.
pub(in crate::sqlite) struct There {
    pub(in crate::sqlite) object: Object,
    /// Where in the bytes it begins.
    pub(in crate::sqlite) at: usize,
    /// Which of the chunk's bytes.
    pub(in crate::sqlite) range: Range<usize>,
}

impl From<Bytes> for Parts {
    fn from(bytes: Bytes) -> Parts {
        Parts { got: Got::All(bytes), ahead: Vec::new() }
    }
}

impl Parts {
    /// Fetches what is missing, many objects at a time.
    ///
    /// # Errors
    /// `EIO` that names the object that is missing, damaged or cannot be reached; `ETIMEDOUT`.
    pub(in crate::sqlite) fn complete(self, chunks: &ChunkCache, tier: &Tier) -> NodeResult<Bytes> {
        let (mut bytes, there) = match self.got {
            Got::All(bytes) => {
                let _ = tier.ahead(self.ahead);
                return Ok(bytes);
            }
            Got::Some(bytes, there) => (bytes, there),
        };
        let objects: Vec<Object> = there.iter().map(|gap| gap.object.clone()).collect();
        let fetched = tier.fetch(objects, self.ahead, chunks);
        for (gap, chunk) in there.into_iter().zip(fetched) {
            let chunk = chunk?;
            let from = chunk.get(gap.range).ok_or_else(|| {
                NodeError::io(format!("object {} is shorter than a file says", gap.object.name))
            })?;
            bytes[gap.at..gap.at + from.len()].copy_from_slice(from);
        }
        Ok(bytes.freeze())
    }
}
