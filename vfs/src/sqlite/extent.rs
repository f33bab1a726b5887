//! Extent lists: which range of a file lies where in which chunk. What no extent covers is a hole.

use std::ops::Range;
use std::sync::LazyLock;

use bytes::{Bytes, BytesMut};
use fastcdc::v2020::FastCDC;
use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension, Row};

use super::chunk::{Hash, corrupt};
use super::tier::{ContentTier, Got, Object, Parts, There};
use super::tx::Tx;
use super::view::View;
use crate::errno::{NodeError, NodeResult};

/// Bounds of a chunk. Content-defined, so that an insertion moves the boundaries after it with the bytes.
const IN_FILE: Cuts = Cuts { min: 16 << 10, avg: 64 << 10, max: 256 << 10 };
/// The same where chunks go to a bucket, which is asked for each of them. By measurement half of this makes
/// twice the requests, and twice as much sends three to five times the bytes after an edit of a few.
const IN_BUCKET: Cuts = Cuts { min: 128 << 10, avg: 512 << 10, max: 1 << 20 };
/// More extents than this, shorter than that on average, are a badly fragmented file.
const FRAGMENTS: i64 = 32;
const FRAGMENT_BYTES: i64 = 16 << 10;
/// How much of a file is cut again at a time.
const RECUT_BYTES: i64 = 4 << 20;

/// Bounds of a chunk, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cuts {
    min: usize,
    avg: usize,
    pub(super) max: usize,
}

impl Cuts {
    /// Those of a workspace with this setting.
    pub(super) fn of(tier: Option<&ContentTier>) -> Cuts {
        if tier.is_some() { IN_BUCKET } else { IN_FILE }
    }

    /// Where to cut.
    pub(super) fn cut(self, data: &[u8]) -> Vec<Range<usize>> {
        if data.is_empty() {
            return Vec::new();
        }
        let chunks = FastCDC::new(data, self.min, self.avg, self.max);
        chunks.map(|chunk| chunk.offset..chunk.offset + chunk.length).collect()
    }

    /// Where the first chunk of data ends, which is longer than any.
    #[cfg(feature = "object")]
    pub(super) fn first(self, data: &[u8]) -> usize {
        FastCDC::new(data, self.min, self.avg, self.max).next().map_or(data.len(), |chunk| chunk.length)
    }
}

/// A range of a file that lies in one piece in one chunk.
#[derive(Clone, Debug)]
pub(super) struct Extent {
    pub(super) offset: i64,
    pub(super) length: i64,
    pub(super) chunk: i64,
    pub(super) chunk_offset: i64,
    pub(super) hash: Hash,
    chunk_length: i64,
    owner: Option<i64>,
    /// Where the chunk is, if not in the file.
    pub(super) object: Option<Object>,
}

impl Extent {
    pub(super) fn end(&self) -> i64 {
        self.offset.saturating_add(self.length)
    }

    /// Whether `content` may change the bytes.
    fn is_owned_by(&self, content: i64) -> bool {
        self.owner == Some(content)
    }

    /// Whether it is all of its chunk.
    fn is_whole(&self) -> bool {
        self.chunk_offset == 0 && self.length == self.chunk_length
    }

    /// Its bytes, out of those of its chunk.
    pub(super) fn part_of(&self, chunk: &Bytes) -> NodeResult<Bytes> {
        let range = self.range();
        if range.start > range.end || range.end > chunk.len() {
            return Err(corrupt(self.chunk, "it is shorter than a file says"));
        }
        Ok(chunk.slice(range))
    }

    /// Which of its chunk's bytes it has.
    fn range(&self) -> Range<usize> {
        self.chunk_offset as usize..self.chunk_offset.saturating_add(self.length) as usize
    }

    fn from_row(row: &Row<'_>) -> NodeResult<Extent> {
        let chunk = row.get(2)?;
        // A list that names a chunk which is not there must not read as a hole.
        let hash = match row.get_ref(4)? {
            ValueRef::Null => return Err(corrupt(chunk, "it is missing")),
            // A repair gave the bytes up: nothing has this hash, and there is no block.
            hash => Hash::try_from(hash.as_blob().map_err(NodeError::io)?).unwrap_or_default(),
        };
        Ok(Extent {
            offset: row.get(0)?,
            length: row.get(1)?,
            chunk,
            chunk_offset: row.get(3)?,
            hash,
            chunk_length: row.get(5)?,
            owner: row.get(6)?,
            object: Object::from_row(row, 7)?,
        })
    }
}

const SELECT: &str = "SELECT e.offset, e.length, e.chunk, e.chunk_offset, c.hash, c.length, c.owner,
    c.home, c.object, c.form, c.hash, c.length FROM extent e LEFT JOIN chunk c ON c.id = e.chunk";
/// The same for forks: SQLite does not see through a view on the right of a `LEFT JOIN`.
const SELECT_FORK: &str = "SELECT e.offset, e.length, e.chunk, e.chunk_offset,
    (SELECT hash FROM chunk WHERE id = e.chunk), (SELECT length FROM chunk WHERE id = e.chunk),
    (SELECT owner FROM chunk WHERE id = e.chunk), (SELECT home FROM chunk WHERE id = e.chunk),
    (SELECT object FROM chunk WHERE id = e.chunk), (SELECT form FROM chunk WHERE id = e.chunk),
    (SELECT hash FROM chunk WHERE id = e.chunk), (SELECT length FROM chunk WHERE id = e.chunk) FROM extent e";

static OVERLAPPING: LazyLock<[String; 2]> = LazyLock::new(|| {
    [SELECT, SELECT_FORK].map(|select| {
        format!(
            "{select} WHERE e.content = ?1 AND e.offset < ?3 AND e.offset >= coalesce((SELECT offset FROM extent
                 WHERE content = ?1 AND offset <= ?2 ORDER BY offset DESC LIMIT 1), 0) ORDER BY e.offset"
        )
    })
});
static BEFORE: LazyLock<[String; 2]> = LazyLock::new(|| {
    [SELECT, SELECT_FORK].map(|select| {
        format!("{select} WHERE e.content = ?1 AND e.offset < ?2 ORDER BY e.offset DESC LIMIT 1")
    })
});

impl View<'_> {
    /// Extents of `content` that overlap a range, in order.
    pub(super) fn extents(&self, content: i64, range: Range<i64>) -> NodeResult<Vec<Extent>> {
        let mut statement = self.conn.prepare_cached(&OVERLAPPING[usize::from(self.lineage.is_fork())])?;
        let mut rows = statement.query((content, range.start, range.end))?;
        let mut extents = Vec::new();
        while let Some(row) = rows.next()? {
            extents.push(Extent::from_row(row)?);
        }
        extents.retain(|extent| extent.end() > range.start);
        Ok(extents)
    }

    /// The extent that begins before `offset` and next to it.
    fn extent_before(&self, content: i64, offset: i64) -> NodeResult<Option<Extent>> {
        let mut statement = self.conn.prepare_cached(&BEFORE[usize::from(self.lineage.is_fork())])?;
        let mut rows = statement.query((content, offset))?;
        rows.next()?.map(Extent::from_row).transpose()
    }

    /// The bytes of a range, holes as zeros. What is in a bucket is fetched.
    pub(super) fn read_extents(&self, content: i64, range: Range<i64>) -> NodeResult<Bytes> {
        self.plan_extents(content, range)?.complete(self.chunks, self.tier)
    }

    /// The same, as far as it is here.
    pub(super) fn plan_extents(&self, content: i64, range: Range<i64>) -> NodeResult<Parts> {
        let extents = self.extents(content, range.clone())?;
        let is_away = extents.iter().any(|extent| extent.object.is_some());
        let ahead = if is_away { self.objects_ahead(content, &range)? } else { Vec::new() };
        if let [only] = &extents[..]
            && only.offset <= range.start
            && only.end() >= range.end
            && let Some(data) = self.at_hand(only)?
        {
            let all = data.slice((range.start - only.offset) as usize..(range.end - only.offset) as usize);
            return Ok(Parts { got: Got::All(all), ahead });
        }
        let mut bytes = BytesMut::zeroed((range.end - range.start) as usize);
        let mut there = Vec::new();
        for extent in extents {
            let (from, to) = (extent.offset.max(range.start), extent.end().min(range.end));
            if from >= to {
                continue;
            }
            let at = (from - range.start) as usize;
            let part = (from - extent.offset) as usize..(to - extent.offset) as usize;
            match (self.at_hand(&extent)?, &extent.object) {
                (Some(data), _) => bytes[at..at + part.len()].copy_from_slice(&data[part]),
                (None, Some(object)) => {
                    let start = extent.chunk_offset as usize;
                    let range = start.saturating_add(part.start)..start.saturating_add(part.end);
                    there.push(There { object: object.clone(), at, range });
                }
                (None, None) => return Err(corrupt(extent.chunk, "it is missing")),
            }
        }
        let got = if there.is_empty() { Got::All(bytes.freeze()) } else { Got::Some(bytes, there) };
        Ok(Parts { got, ahead })
    }

    /// The bytes of an extent, unless they are in a bucket and were not fetched lately.
    fn at_hand(&self, extent: &Extent) -> NodeResult<Option<Bytes>> {
        match &extent.object {
            None => self.chunks.slice(self.conn, extent).map(Some),
            Some(object) => {
                self.tier.learn(self.conn, object)?;
                self.chunks.known(&extent.hash).map(|chunk| extent.part_of(&chunk)).transpose()
            }
        }
    }

    /// The first byte at or after `offset` that an extent covers.
    pub(super) fn next_data(&self, content: i64, offset: i64) -> NodeResult<Option<i64>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT max(offset, ?2) FROM extent WHERE content = ?1 AND offset + length > ?2 AND offset >= coalesce(
                 (SELECT offset FROM extent WHERE content = ?1 AND offset <= ?2 ORDER BY offset DESC LIMIT 1), 0)
             ORDER BY offset LIMIT 1",
        )?;
        Ok(statement.query_row((content, offset), |row| row.get(0)).optional()?)
    }

    /// The first byte at or after `offset` that no extent covers.
    pub(super) fn next_hole(&self, content: i64, offset: i64) -> NodeResult<i64> {
        let mut statement = self.conn.prepare_cached(
            "SELECT offset, offset + length FROM extent WHERE content = ?1 AND offset >= coalesce(
                 (SELECT offset FROM extent WHERE content = ?1 AND offset <= ?2 ORDER BY offset DESC LIMIT 1), 0)
             ORDER BY offset",
        )?;
        let mut rows = statement.query((content, offset))?;
        let mut at = offset;
        while let Some(row) = rows.next()? {
            let (from, to): (i64, i64) = (row.get(0)?, row.get(1)?);
            if from > at {
                break;
            }
            at = at.max(to);
        }
        Ok(at)
    }
}

impl Tx<'_> {
    /// Overwrites a range of a content that may be changed. Returns how many bytes of it were holes.
    pub(super) fn overwrite(&mut self, content: i64, offset: i64, data: &[u8]) -> NodeResult<i64> {
        let range = offset..offset + data.len() as i64;
        let over = self.view().extents(content, range.clone())?;
        if let [only] = &over[..]
            && only.is_owned_by(content)
            && only.offset <= range.start
            && only.end() >= range.end
        {
            let mut bytes = Vec::from(self.shared.chunks.fetch(self.conn, only)?);
            let at = (only.chunk_offset + range.start - only.offset) as usize;
            bytes[at..at + data.len()].copy_from_slice(data);
            self.change_chunk(only.chunk, &bytes)?;
            return Ok(0);
        }
        let covered = self.cut_out(content, range, over)?;
        self.lay(content, offset, data)?;
        Ok(data.len() as i64 - covered)
    }

    /// Makes a range of a content that may be changed a hole. Returns how many bytes were none.
    pub(super) fn clear(&mut self, content: i64, range: Range<i64>) -> NodeResult<i64> {
        let over = self.view().extents(content, range.clone())?;
        self.cut_out(content, range, over)
    }

    fn cut_out(&self, content: i64, range: Range<i64>, over: Vec<Extent>) -> NodeResult<i64> {
        let mut covered = 0;
        for extent in over {
            covered += extent.end().min(range.end) - extent.offset.max(range.start);
            if extent.offset < range.start {
                self.execute(
                    "UPDATE main.extent SET length = ?3 WHERE content = ?1 AND offset = ?2",
                    (content, extent.offset, range.start - extent.offset),
                )?;
            } else {
                self.execute(
                    "DELETE FROM main.extent WHERE content = ?1 AND offset = ?2",
                    (content, extent.offset),
                )?;
            }
            if extent.end() > range.end {
                let skipped = range.end - extent.offset;
                let (length, chunk_offset) = (extent.length - skipped, extent.chunk_offset + skipped);
                self.put_extent(content, range.end, length, extent.chunk, chunk_offset)?;
            }
        }
        Ok(covered)
    }

    /// Lays bytes into a hole (or past the end), cut at content-defined boundaries. They join an extent right
    /// before them that may still be changed, so that a file written piece by piece is cut as if written at once.
    pub(super) fn lay(&mut self, content: i64, offset: i64, data: &[u8]) -> NodeResult<()> {
        let before = self.view().extent_before(content, offset)?.filter(|extent| {
            extent.end() == offset
                && extent.is_owned_by(content)
                && extent.is_whole()
                && (extent.length as usize) < self.cuts().max
        });
        let Some(before) = before else { return self.lay_cut(content, offset, data) };
        let start = self.shared.chunks.slice(self.conn, &before)?;
        let joined = [&start[..], data].concat();
        self.execute("DELETE FROM main.extent WHERE content = ?1 AND offset = ?2", (content, before.offset))?;
        self.drop_chunk(before.chunk)?;
        self.lay_cut(content, before.offset, &joined)
    }

    fn lay_cut(&mut self, content: i64, offset: i64, data: &[u8]) -> NodeResult<()> {
        for piece in self.cuts().cut(data) {
            let chunk = self.put_chunk(content, &data[piece.clone()])?;
            self.put_extent(content, offset + piece.start as i64, piece.len() as i64, chunk, 0)?;
        }
        Ok(())
    }

    pub(super) fn put_extent(
        &self,
        content: i64,
        offset: i64,
        length: i64,
        chunk: i64,
        chunk_offset: i64,
    ) -> NodeResult<()> {
        self.execute(
            "INSERT INTO main.extent(content, offset, length, chunk, chunk_offset) VALUES (?1, ?2, ?3, ?4, ?5)",
            (content, offset, length, chunk, chunk_offset),
        )?;
        Ok(())
    }

    /// Puts a content of the open revision in order before it becomes history.
    pub(super) fn settle(&mut self, content: i64) -> NodeResult<()> {
        let mut statement = self.conn.prepare_cached(
            "SELECT count(*), coalesce(sum(length), 0) FROM main.extent WHERE content = ?1",
        )?;
        let (count, bytes): (i64, i64) =
            statement.query_row([content], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if count > FRAGMENTS && bytes / count < FRAGMENT_BYTES && !self.is_away(content)? {
            self.recut(content)?;
        }
        self.drop_loose_chunks(content)?;
        self.share_chunks(content)
    }

    fn cuts(&self) -> Cuts {
        Cuts::of(self.state.tier.as_ref())
    }

    /// Whether any of a content is in a bucket, for which nobody waits here.
    fn is_away(&self, content: i64) -> NodeResult<bool> {
        let sql = "SELECT 1 FROM main.extent e JOIN chunk c ON c.id = e.chunk WHERE e.content = ?1 AND c.home IS NOT NULL";
        Ok(self.conn.prepare_cached(sql)?.exists([content])?)
    }

    /// Deletes chunks of the content that none of its extents lies in any more.
    fn drop_loose_chunks(&self, content: i64) -> NodeResult<()> {
        let loose: Vec<i64> = self
            .conn
            .prepare_cached(
                "SELECT id FROM main.chunk WHERE owner = ?1
                 AND id NOT IN (SELECT chunk FROM main.extent WHERE content = ?1)",
            )?
            .query_map([content], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        loose.into_iter().try_for_each(|chunk| self.drop_chunk(chunk))
    }

    /// Cuts the content again at content-defined boundaries, a stretch without holes at a time.
    fn recut(&mut self, content: i64) -> NodeResult<()> {
        let mut at = 0;
        while let Some(start) = self.view().next_data(content, at)? {
            let end = self.view().next_hole(content, start)?;
            let mut next = start;
            // The last piece of each step is joined with the next step by `lay`, since the content owns it.
            while next < end {
                let stop = end.min(next + RECUT_BYTES);
                let bytes = self.view().read_extents(content, next..stop)?;
                self.clear(content, next..stop)?;
                self.lay(content, next, &bytes)?;
                next = stop;
            }
            at = end;
        }
        Ok(())
    }
}
