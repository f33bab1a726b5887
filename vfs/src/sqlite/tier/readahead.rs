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

/// What somebody is going to read, and what is fetched ahead of that.
#[derive(Default)]
pub(in crate::sqlite) struct Need {
    now: Vec<Object>,
    ahead: Vec<Object>,
}

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

    /// What somebody is going to read of a file, and what is read after that.
    fn need(&self, ino: Ino, offset: u64, len: usize) -> NodeResult<Need> {
        let Some((content, range)) = self.range(ino, offset, len)? else { return Ok(Need::default()) };
        let now = self.objects(content, range.clone())?;
        if now.is_empty() {
            return Ok(Need::default());
        }
        let mut ahead = self.objects_ahead(content, &range)?;
        if offset == 0 && now.iter().any(|object| self.tier.is_unasked(object)) {
            ahead.extend(self.siblings(ino.0 as i64)?);
        }
        Ok(Need { now, ahead })
    }

    /// The objects of the first bytes of a file.
    pub(super) fn head(&self, ino: Ino, len: usize) -> NodeResult<Vec<Object>> {
        let range = self.range(ino, 0, len)?;
        range.map_or(Ok(Vec::new()), |(content, range)| self.objects(content, range))
    }

    /// The content of a file and a range of it, as far as it may be fetched ahead.
    fn range(&self, ino: Ino, offset: u64, len: usize) -> NodeResult<Option<(i64, Range<i64>)>> {
        let node = self.file(ino.0 as i64)?;
        Ok(node.content.map(|content| (content, clip(node.size, offset, len.min(AHEAD_BYTES as usize)))))
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
    pub(in crate::sqlite) fn goes_on(&self, content: i64, range: &Range<i64>, ahead: i64) -> Option<i64> {
        let mut readers = self.readers.lock();
        if readers.len() >= READERS_MAX && !readers.contains_key(&content) {
            readers.clear();
        }
        let (end, fetched) = readers.entry(content).or_insert((-1, 0));
        // Told before it is read, or one of several reads under way together: the one that is farthest counts. Who begins
        // anew reads anew.
        let is_behind = (0..=ahead).contains(&(*end - range.end));
        if is_behind && (range.start > 0 || *end == range.end) {
            return None;
        }
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
        view: impl FnOnce(&dyn Fn(&View<'_>) -> NodeResult<Need>) -> NodeResult<Need>,
        (ino, offset, len): (Ino, u64, usize),
    ) -> bool {
        // Where nothing is in buckets this costs nothing.
        if self.addresses.lock().is_empty() {
            return true;
        }
        // What cannot be read now fails again when it is asked for, and says so then.
        let Ok(need) = view(&|view| view.need(ino, offset, len)) else { return true };
        let is_at_hand = self.ahead(need.now);
        let _ = self.ahead(need.ahead);
        is_at_hand
    }
}
