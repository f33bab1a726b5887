//! Whether contents are there, of the right size, and what their hashes say.

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::super::content::INLINE_MAX;
use super::Check;
use crate::errno::{NodeError, NodeResult};

/// A hash of another length stands for what a repair gave up.
const HASH_BYTES: usize = 32;

impl Check<'_> {
    /// Contents and extents of the file itself; those of files that a fork stands on are for a check of those.
    pub(super) fn contents(&mut self) -> NodeResult<()> {
        self.report(
            "SELECT DISTINCT 'content ' || content || ' of node ' || ino || ' is missing' FROM inode
             WHERE content IS NOT NULL AND content NOT IN (SELECT id FROM content)",
            [],
        )?;
        self.report(
            "SELECT 'node ' || ino || ' has size ' || size || ', its content ' || length(inline)
             FROM inode JOIN content ON content.id = inode.content
             WHERE inline IS NOT NULL AND (length(inline) <> size OR length(inline) > ?1 OR space <> size)",
            [INLINE_MAX],
        )?;
        self.report(
            "SELECT 'node ' || ino || ' is smaller than its extents, or they take other than ' || space || ' bytes'
             FROM inode JOIN (SELECT content AS id, max(offset + length) AS last, sum(length) AS sum
                              FROM extent GROUP BY content) AS list ON list.id = inode.content
             WHERE last > size OR sum <> space",
            [],
        )?;
        self.report(
            "SELECT 'extents of content ' || content || ' overlap at ' || offset FROM (
                 SELECT content, offset, length, lead(offset) OVER (PARTITION BY content ORDER BY offset) AS next
                 FROM main.extent) WHERE length <= 0 OR offset < 0 OR next < offset + length",
            [],
        )?;
        self.report(
            "SELECT 'content ' || e.content || ' reaches outside chunk ' || e.chunk FROM main.extent e
             LEFT JOIN chunk c ON c.id = e.chunk
             WHERE c.id IS NULL OR e.chunk_offset < 0 OR e.chunk_offset + e.length > c.length",
            [],
        )
    }

    /// Inline bytes are what their hashes say.
    pub(super) fn inline(&mut self) -> NodeResult<()> {
        for (content, stored) in unsound(|found| each_inline(self.conn, found))? {
            match stored {
                Stored::Lost => self.lost(format!("content {content}")),
                _ => self.problem(format!("content {content} does not match its hash")),
            }
        }
        Ok(())
    }

    /// The same of chunks.
    pub(super) fn chunks(&mut self) -> NodeResult<()> {
        for (chunk, stored) in unsound(|found| each_chunk(self.conn, found))? {
            match stored {
                Stored::Lost => self.lost(format!("chunk {chunk}")),
                Stored::Missing => self.problem(format!("chunk {chunk} is missing")),
                _ => self.problem(format!("chunk {chunk} does not match its hash")),
            }
        }
        self.report(
            "SELECT 'chunk ' || id || ' has ' || length(data) || ' bytes, should have ' || length
             FROM main.chunk JOIN main.block ON block.chunk = id WHERE length(data) <> length",
            [],
        )?;
        self.report(
            "SELECT 'chunk ' || id || ' is in a place that is not known' FROM main.chunk
             WHERE home IS NOT NULL AND (object IS NULL OR home NOT IN (SELECT id FROM home))",
            [],
        )?;
        self.report(
            "SELECT 'chunk ' || id || ' is in a bucket and may be changed' FROM main.chunk
             WHERE home IS NOT NULL AND owner IS NOT NULL",
            [],
        )
    }
}

/// What bytes are that are stored with a hash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Stored {
    Sound,
    /// Not what their hash says.
    Damaged,
    /// Not there.
    Missing,
    /// Given up by a repair.
    Lost,
}

/// Called with every number and what its bytes are.
type Found<'a> = &'a mut dyn FnMut(i64, Stored);

/// What is not sound of all that `look` finds.
pub(in super::super) fn unsound(
    look: impl FnOnce(Found<'_>) -> NodeResult<()>,
) -> NodeResult<Vec<(i64, Stored)>> {
    let mut list = Vec::new();
    look(&mut |id, stored| {
        if stored != Stored::Sound {
            list.push((id, stored));
        }
    })?;
    Ok(list)
}

/// Looks at every content that is or was inline.
pub(in super::super) fn each_inline(conn: &Connection, found: Found<'_>) -> NodeResult<()> {
    let mut statement = conn
        .prepare("SELECT id, inline, hash FROM main.content WHERE inline IS NOT NULL OR hash IS NOT NULL")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let bytes = row.get_ref(1)?.as_blob_or_null().map_err(NodeError::io)?;
        let stored = match (bytes, row.get_ref(2)?) {
            (Some(_), ValueRef::Null) => Stored::Sound,
            (bytes, ValueRef::Blob(hash)) => judge(bytes, hash),
            _ => Stored::Damaged,
        };
        found(row.get(0)?, stored);
    }
    Ok(())
}

/// Looks at every chunk that is in the file.
pub(in super::super) fn each_chunk(conn: &Connection, found: Found<'_>) -> NodeResult<()> {
    let mut statement = conn.prepare(
        "SELECT c.id, b.data, c.hash FROM main.chunk c LEFT JOIN main.block b ON b.chunk = c.id
                  WHERE c.home IS NULL",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let bytes = row.get_ref(1)?.as_blob_or_null().map_err(NodeError::io)?;
        let stored = judge(bytes, row.get_ref(2)?.as_blob().map_err(NodeError::io)?);
        found(row.get(0)?, stored);
    }
    Ok(())
}

fn judge(bytes: Option<&[u8]>, hash: &[u8]) -> Stored {
    match bytes {
        None if hash.len() != HASH_BYTES => Stored::Lost,
        None => Stored::Missing,
        Some(bytes) if blake3::hash(bytes).as_bytes()[..] == *hash => Stored::Sound,
        Some(_) => Stored::Damaged,
    }
}
