//! Reading content: from the cache, from what is fetched ahead, or by a request for a range.

use bytes::{Bytes, BytesMut};

use super::ObjectLayer;
use super::blocks::BLOCK;
use super::nodes::Object;
use super::state::stale;
use crate::errno::{NodeError, NodeResult};
use crate::node::Ino;
use crate::object::bucket::Found;
use crate::object::trouble::{Trouble, TroubleKind};

/// The most that is asked for in one request.
pub(super) const LARGEST: u64 = 8 << 20;

/// A content to read: one object, with the ETag it was seen with.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub ino: Ino,
    pub key: String,
    pub object: Object,
    pub content: u64,
}

impl ObjectLayer {
    /// Up to `len` bytes of an object from `offset`, from the cache or the bucket.
    pub(super) fn read_source(&self, source: &Source, offset: u64, len: usize) -> NodeResult<Bytes> {
        let end = source.object.size.min(offset.saturating_add(len as u64));
        if offset >= end {
            return Ok(Bytes::new());
        }
        let window = self.read_on(source, offset, end);
        let mut parts = Vec::new();
        let mut at = offset;
        while at < end {
            let (start, bytes) = self.bytes_at(source, at, end, window)?;
            let skip = (at - start) as usize;
            let part = bytes.slice(skip..bytes.len().min(skip + (end - at) as usize));
            at += part.len() as u64;
            parts.push(part);
        }
        if parts.len() == 1 {
            return Ok(parts.remove(0));
        }
        let mut whole = BytesMut::with_capacity((end - offset) as usize);
        parts.iter().for_each(|part| whole.extend_from_slice(part));
        Ok(whole.freeze())
    }

    /// Bytes that have `at` in them, and where they begin.
    fn bytes_at(&self, source: &Source, at: u64, end: u64, window: u64) -> NodeResult<(u64, Bytes)> {
        let block = at / BLOCK;
        let start = block * BLOCK;
        let known = || self.blocks.get(source.content, block).map(|bytes| (start, bytes));
        if let Some(known) = known() {
            return Ok(known);
        }
        if self.flights.wait_for(source.content, start)
            && let Some(known) = known()
        {
            return Ok(known);
        }
        let wanted = end.max(start.saturating_add(window)).div_ceil(BLOCK) * BLOCK;
        let under_way = self.flights.next(source.content, start).unwrap_or(u64::MAX);
        let stop = wanted.min(start + LARGEST).min(source.object.size).min(under_way);
        let bytes = self.get_range(source, start, stop)?;
        self.blocks.put(source.content, block, &bytes);
        self.fetched(source, stop);
        Ok((start, bytes))
    }

    /// One request for a range of an object, on the condition that it is still the one that was seen.
    pub(super) fn get_range(&self, source: &Source, start: u64, stop: u64) -> NodeResult<Bytes> {
        let etag = source.object.etag.as_deref();
        let (found, bytes) = match self.bucket.get_with(&source.key, Some(start..stop), etag) {
            Ok(got) => got,
            Err(trouble) => return Err(self.lost(source, trouble)),
        };
        self.confirm(source, &found)?;
        if bytes.len() as u64 != stop - start {
            let at = self.bucket.location().join(&source.key);
            return Err(NodeError::io(format!(
                "{at}: the server sent {} of {} bytes",
                bytes.len(),
                stop - start
            )));
        }
        Ok(bytes)
    }

    fn lost(&self, source: &Source, trouble: Trouble) -> NodeError {
        match trouble.kind() {
            TroubleKind::Changed | TroubleKind::Missing => {
                self.state.lock().lose(source.ino);
                stale(self.bucket.location().join(&source.key))
            }
            _ => trouble.into(),
        }
    }

    /// Whether an answer is about the content that was seen. The first one that tells an ETag says which that is.
    pub(super) fn confirm(&self, source: &Source, found: &Found) -> NodeResult<()> {
        let seconds = |time: Option<i64>| time.map(|time| time.div_euclid(1_000_000_000));
        let mut state = self.state.lock();
        let node = state.table.get(source.ino)?;
        let Some(object) = node.object.as_mut().filter(|_| node.content == source.content) else {
            return Ok(()); // Written from here meanwhile: what was asked for was the content before.
        };
        let same = match (&object.etag, &found.etag) {
            (Some(seen), Some(now)) => seen == now,
            _ => {
                let times = seconds(object.modified).zip(seconds(Some(found.modified)));
                object.size == found.size && times.is_none_or(|(seen, now)| seen == now)
            }
        };
        if !same {
            state.lose(source.ino);
            return Err(stale(self.bucket.location().join(&source.key)));
        }
        if object.etag.is_none() {
            object.etag.clone_from(&found.etag);
        }
        if self.metadata {
            state.learn_kept(source.ino, found);
        }
        Ok(())
    }
}
