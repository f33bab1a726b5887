//! What is going to be read next: where a reader goes on, and what somebody says.

use std::ops::Range;

use rusqlite::Connection;

use super::super::content::clip;
use super::super::view::View;
use super::{Object, Tier};
use crate::errno::NodeResult;
use crate::node::Ino;

/// How far ahead of a sequential reader chunks are fetched from a bucket, in bytes.
const AHEAD_BYTES: i64 = 8 << 20;
/// The most contents whose readers are remembered.
const READERS_MAX: usize = 64;

impl View<'_> {
    /// What is fetched ahead for whoever reads this range, if it goes on where the last one ended.
    pub(in crate::sqlite) fn objects_ahead(
        &self,
        content: i64,
        range: &Range<i64>,
    ) -> NodeResult<Vec<Object>> {
        let Some(from) = self.tier.goes_on(content, range, AHEAD_BYTES) else { return Ok(Vec::new()) };
        self.objects(content, from..range.end.saturating_add(AHEAD_BYTES))
    }

    /// The objects that a range of a file is in, as far as they may be fetched ahead.
    pub(super) fn away(&self, ino: Ino, offset: u64, len: usize) -> NodeResult<Vec<Object>> {
        let node = self.file(ino.0 as i64)?;
        let range = clip(node.size, offset, len.min(AHEAD_BYTES as usize));
        node.content.map_or(Ok(Vec::new()), |content| self.objects(content, range))
    }

    fn objects(&self, content: i64, range: Range<i64>) -> NodeResult<Vec<Object>> {
        let extents = self.extents(content, range)?;
        let objects: Vec<Object> = extents.into_iter().filter_map(|extent| extent.object).collect();
        objects.iter().try_for_each(|object| self.tier.learn(self.conn, object))?;
        Ok(objects)
    }
}

impl Tier {
    /// Learns all addresses that a file has when it is opened. Best effort: whatever is read teaches its own.
    pub(in crate::sqlite) fn learn_all(&self, conn: &Connection) -> NodeResult<()> {
        let mut statement = conn.prepare("SELECT id, address FROM home")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?.into())))?;
        self.addresses.lock().extend(rows.flatten());
        Ok(())
    }

    /// Notes that a range of a content is read. Where the last read ended where this one begins, and what was fetched
    /// ahead is used up by half, tells from where on more is to be.
    fn goes_on(&self, content: i64, range: &Range<i64>, ahead: i64) -> Option<i64> {
        let mut readers = self.readers.lock();
        if readers.len() >= READERS_MAX && !readers.contains_key(&content) {
            readers.clear();
        }
        let (end, fetched) = readers.entry(content).or_insert((-1, 0));
        let goes_on = *end == range.start;
        *end = range.end;
        if !goes_on {
            *fetched = range.end;
            return None;
        }
        if *fetched - range.end > ahead / 2 {
            return None;
        }
        let from = (*fetched).max(range.end);
        *fetched = range.end.saturating_add(ahead);
        Some(from)
    }

    /// Begins to fetch what somebody is going to read, of what `view` shows. Whether all of it is at hand already.
    pub(in crate::sqlite) fn will_need(
        &self,
        view: impl FnOnce(&dyn Fn(&View<'_>) -> NodeResult<Vec<Object>>) -> NodeResult<Vec<Object>>,
        (ino, offset, len): (Ino, u64, usize),
    ) -> bool {
        // Where nothing is in buckets this costs nothing.
        if self.addresses.lock().is_empty() {
            return true;
        }
        // What cannot be read now fails again when it is asked for, and says so then.
        view(&|view| view.away(ino, offset, len))
            .map_or(true, |objects| objects.is_empty() || self.ahead(objects))
    }
}
