//! In a build that knows no buckets: what lies in one cannot be read, and nothing goes there.

use bytes::Bytes;

use super::super::SqliteLayer;
use super::super::chunk::ChunkCache;
use super::{Object, Staged, Tier};
use crate::commit::{InoMap, Judge};
use crate::errno::{NodeError, NodeResult};
use crate::overlay::Overlay;

fn unknown() -> NodeError {
    NodeError::io("the content is in a bucket and this build knows none: build it with the feature object")
}

/// Whether an object was not there: nobody knows.
pub(in crate::sqlite) fn is_gone(_: &NodeError) -> bool {
    false
}

impl Tier {
    pub(in crate::sqlite) fn fetch(
        &self,
        objects: Vec<Object>,
        _ahead: Vec<Object>,
        _chunks: &ChunkCache,
    ) -> Vec<NodeResult<Bytes>> {
        let one = |object: Object| self.address(object.home).and_then(|_| Err(unknown()));
        objects.into_iter().map(one).collect()
    }

    pub(super) fn is_unasked(&self, _object: &Object) -> bool {
        false
    }

    pub(in crate::sqlite) fn ahead(&self, _ahead: Vec<Object>) -> bool {
        true
    }
}

impl SqliteLayer {
    /// # Errors
    /// `EIO` of a workspace whose content goes to a bucket.
    pub(in crate::sqlite) fn stage_content(
        &self,
        _states: (Option<&Overlay>, &Overlay),
        _committed: &InoMap,
        _judge: &dyn Judge,
    ) -> NodeResult<Option<Staged<'_>>> {
        self.raise().map(|()| None)
    }

    /// # Errors
    /// `EIO` if anything is in a bucket.
    pub(in crate::sqlite) fn own_content(&self) -> NodeResult<()> {
        let sql = "SELECT 1 FROM main.chunk WHERE home IS NOT NULL LIMIT 1";
        let any = self.read_now(|view| Ok(view.conn.prepare(sql)?.exists([])?))?;
        if any { Err(unknown()) } else { Ok(()) }
    }

    /// # Errors
    /// `EIO` of a workspace whose content goes to a bucket.
    pub(in crate::sqlite) fn raise(&self) -> NodeResult<()> {
        if self.content_tier()?.is_some() { Err(unknown()) } else { Ok(()) }
    }
}
