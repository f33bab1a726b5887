//! Whether contents are there, of the right size, and what their hashes say.

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::super::chunk;
use super::super::content::INLINE_MAX;
use super::Check;
use crate::errno::{NodeError, NodeResult};

/// A hash of another length stands for what a repair gave up.
pub(super) const HASH_BYTES: usize = 32;

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
        let mut damaged = Vec::new();
        each_inline(self.conn, &mut |content, found| {
            match found {
                Inline::Sound => {}
                Inline::Lost => damaged.push((content, true)),
                Inline::Damaged => damaged.push((content, false)),
            }
            Ok(())
        })?;
        for (content, lost) in damaged {
            match lost {
                true => self.lost(format!("content {content}")),
                false => self.problem(format!("content {content} does not match its hash")),
            }
        }
        Ok(())
    }

    pub(super) fn chunks(&mut self) -> NodeResult<()> {
        let mut statement = self.conn.prepare("SELECT id, hash, length FROM main.chunk")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (id, hash, length): (i64, Vec<u8>, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            match chunk::load(self.conn, id) {
                Err(_) if hash.len() != HASH_BYTES => self.lost(format!("chunk {id} ({length} bytes)")),
                Err(_) => self.problem(format!("chunk {id} is missing")),
                Ok(data) if data.len() as i64 != length => {
                    self.problem(format!("chunk {id} has {} bytes, should have {length}", data.len()));
                }
                Ok(data) if blake3::hash(&data).as_bytes()[..] != hash[..] => {
                    self.problem(format!("chunk {id} does not match its hash"));
                }
                Ok(_) => {}
            }
        }
        Ok(())
    }
}

/// What inline bytes are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Inline {
    Sound,
    /// Not what their hash says, or missing.
    Damaged,
    /// Given up by a repair.
    Lost,
}

/// Looks at every content that is or was inline.
pub(super) fn each_inline(
    conn: &Connection,
    found: &mut dyn FnMut(i64, Inline) -> NodeResult<()>,
) -> NodeResult<()> {
    let mut statement = conn
        .prepare("SELECT id, inline, hash FROM main.content WHERE inline IS NOT NULL OR hash IS NOT NULL")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let bytes = row.get_ref(1)?.as_blob_or_null().map_err(NodeError::io)?;
        let inline = match (bytes, row.get_ref(2)?) {
            (Some(_), ValueRef::Null) => Inline::Sound,
            (Some(bytes), ValueRef::Blob(hash)) if blake3::hash(bytes).as_bytes()[..] == *hash => {
                Inline::Sound
            }
            (None, ValueRef::Blob(hash)) if hash.len() != HASH_BYTES => Inline::Lost,
            _ => Inline::Damaged,
        };
        found(row.get(0)?, inline)?;
    }
    Ok(())
}
