//! The content of a file: nothing, a few bytes inline, or an extent list.
//!
//! A row of `content` belongs to the revision that made it. In that revision it is changed in place and exactly
//! one inode has it; once sealed it never changes again, and any number of rows of `inode` may name it. The first
//! write in a new revision copies it: the bytes if they are inline, else the extent list.
//!
//! Inline bytes carry their BLAKE3 hash, as chunks do, and are verified when they come off the disk, once for a content
//! that is read again and again. A content of format version 1 has none, until it is written the next time.

use std::ops::Range;

use bytes::Bytes;
use rusqlite::types::ValueRef;

use super::chunk::Hash;
use super::extent::Extent;
use super::inode::Node;
use super::tier::{ContentTier, Parts};
use super::tx::{Next, Tx};
use super::view::{self, View};
use crate::errno::{Errno, NodeError, NodeResult};
use crate::node::{Allocate, FileType, Ino, SeekTo, end_of};

/// The longest content that is stored in its row. It has no holes.
pub(super) const INLINE_MAX: i64 = 64 << 10;

/// Number, revision, inline bytes, their hash.
pub(super) const INSERT_CONTENT: &str =
    "INSERT INTO main.content(id, rev, inline, hash) VALUES (?1, ?2, ?3, ?4)";

/// The longest content that is stored in its row from now on, in a workspace with this setting.
pub(super) fn inline_max(tier: Option<&ContentTier>) -> i64 {
    tier.map_or(INLINE_MAX, |tier| INLINE_MAX.min(i64::try_from(tier.above).unwrap_or(i64::MAX)))
}

/// What a content is made of.
enum Body {
    /// All of it, without holes.
    Inline(Vec<u8>),
    Extents,
}

impl View<'_> {
    /// Bytes of a file. What is in a bucket is fetched.
    pub(super) fn read(&self, ino: Ino, offset: u64, len: usize) -> NodeResult<Bytes> {
        self.plan(ino, offset, len)?.complete(self.chunks, self.tier)
    }

    /// The same, as far as it is here: what is not is fetched after the transaction.
    pub(super) fn plan(&self, ino: Ino, offset: u64, len: usize) -> NodeResult<Parts> {
        let plan = if self.lineage.is_fork() { View::plan_fork } else { View::plan_plain };
        let parts = plan(self, ino, offset, len)?;
        if offset == 0 { self.with_siblings(ino, parts) } else { Ok(parts) }
    }

    fn plan_plain(&self, ino: Ino, offset: u64, len: usize) -> NodeResult<Parts> {
        let mut statement = self.conn.prepare_cached(
            "SELECT i.kind, i.size, i.content, c.id, c.inline, c.hash FROM inode i LEFT JOIN content c ON c.id = i.content
             WHERE i.ino = ?1 AND i.from_rev <= ?2 AND i.to_rev > ?2 ORDER BY i.from_rev DESC LIMIT 1",
        )?;
        let mut rows = statement.query((ino.0 as i64, self.rev))?;
        let row = rows.next()?.ok_or(Errno::ESTALE)?;
        match view::kind(row.get(0)?) {
            FileType::Regular => {}
            FileType::Directory => return Err(Errno::EISDIR.into()),
            _ => return Err(Errno::EINVAL.into()),
        }
        let range = clip(row.get(1)?, offset, len);
        if range.is_empty() {
            return Ok(Bytes::new().into());
        }
        let Some(content) = row.get::<_, Option<i64>>(2)? else {
            return Ok(Bytes::from(vec![0; (range.end - range.start) as usize]).into());
        };
        if row.get::<_, Option<i64>>(3)?.is_none() {
            return Err(missing(content).of(ino));
        }
        match row.get_ref(4)?.as_blob_or_null().map_err(NodeError::io)? {
            None if row.get_ref(5)? != ValueRef::Null => Err(missing(content).of(ino)),
            None => self.plan_extents(content, range),
            Some(inline) if inline.len() as i64 != row.get::<_, i64>(1)? => Err(missing(content).of(ino)),
            Some(inline) => {
                self.verify(content, inline, row.get_ref(5)?).map_err(|damage| damage.of(ino))?;
                cut(inline, range).map(Parts::from).ok_or_else(|| missing(content).of(ino))
            }
        }
    }

    /// The same in two steps: SQLite does not see through two views that are joined.
    fn plan_fork(&self, ino: Ino, offset: u64, len: usize) -> NodeResult<Parts> {
        let node = self.file(ino.0 as i64)?;
        let range = clip(node.size, offset, len);
        if range.is_empty() {
            return Ok(Bytes::new().into());
        }
        let Some(content) = node.content else {
            return Ok(Bytes::from(vec![0; (range.end - range.start) as usize]).into());
        };
        match self.body(content)?.0 {
            Body::Extents => self.plan_extents(content, range),
            Body::Inline(inline) if inline.len() as i64 != node.size => Err(missing(content).of(ino)),
            Body::Inline(inline) => {
                cut(&inline, range).map(Parts::from).ok_or_else(|| missing(content).of(ino))
            }
        }
    }

    /// The content of a file if it is stored inline and whole; whatever else there is to be said, `read` says.
    pub(super) fn inline(&self, ino: Ino) -> NodeResult<Option<Bytes>> {
        if self.lineage.is_fork() {
            return self.inline_fork(ino);
        }
        let mut statement = self.conn.prepare_cached(
            "SELECT i.size, i.content, c.inline, c.hash FROM inode i JOIN content c ON c.id = i.content
             WHERE i.ino = ?1 AND i.from_rev <= ?2 AND i.to_rev > ?2 ORDER BY i.from_rev DESC LIMIT 1",
        )?;
        let mut rows = statement.query((ino.0 as i64, self.rev))?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let size: i64 = row.get(0)?;
        match row.get_ref(2)?.as_blob_or_null().map_err(NodeError::io)? {
            Some(inline) if inline.len() as i64 == size => {
                self.verify(row.get(1)?, inline, row.get_ref(3)?).map_err(|damage| damage.of(ino))?;
                Ok(Some(Bytes::copy_from_slice(inline)))
            }
            _ => Ok(None),
        }
    }

    fn inline_fork(&self, ino: Ino) -> NodeResult<Option<Bytes>> {
        let Some(node) = Node::load(self.conn, ino.0 as i64, self.rev)? else { return Ok(None) };
        let Some(content) = node.content else { return Ok(None) };
        Ok(match self.body(content)?.0 {
            Body::Inline(inline) if inline.len() as i64 == node.size => Some(inline.into()),
            Body::Inline(_) | Body::Extents => None,
        })
    }

    /// Whether inline bytes are what their hash says.
    fn verify(&self, content: i64, bytes: &[u8], hash: ValueRef<'_>) -> Result<(), Damage> {
        let damaged = Damage { content, why: "its bytes do not match its hash" };
        let hash = match hash {
            ValueRef::Null => return Ok(()),
            ValueRef::Blob(hash) => Hash::try_from(hash).map_err(|_| damaged)?,
            _ => return Err(damaged),
        };
        if self.chunks.is_verified(content, &hash) {
            return Ok(());
        }
        if *blake3::hash(bytes).as_bytes() != hash {
            return Err(damaged);
        }
        self.chunks.note_verified(content, hash);
        Ok(())
    }

    pub(super) fn seek(&self, ino: Ino, offset: u64, to: SeekTo) -> NodeResult<u64> {
        let node = self.file(ino.0 as i64)?;
        let offset = i64::try_from(offset).ok().filter(|&at| at < node.size).ok_or(Errno::ENXIO)?;
        let found = match (node.content, to) {
            (None, SeekTo::Hole) => offset,
            (None, SeekTo::Data) => return Err(Errno::ENXIO.into()),
            (Some(id), _) => match (self.body(id)?.0, to) {
                (Body::Inline(_), SeekTo::Data) => offset,
                (Body::Inline(_), SeekTo::Hole) => node.size,
                (Body::Extents, SeekTo::Data) => self.next_data(id, offset)?.ok_or(Errno::ENXIO)?,
                (Body::Extents, SeekTo::Hole) => self.next_hole(id, offset)?.min(node.size),
            },
        };
        Ok(found as u64)
    }

    /// How many bytes of a range of a file are no holes.
    pub(super) fn allocated(&self, node: &Node, range: Range<i64>) -> NodeResult<i64> {
        let Some(id) = node.content else { return Ok(0) };
        Ok(match self.body(id)?.0 {
            Body::Inline(bytes) => (range.end.min(bytes.len() as i64) - range.start).max(0),
            Body::Extents => {
                let part = |extent: Extent| extent.end().min(range.end) - extent.offset.max(range.start);
                self.extents(id, range.clone())?.into_iter().map(part).sum()
            }
        })
    }

    /// Where data or a hole begins next, if there is any from `offset` on.
    pub(super) fn next(&self, ino: Ino, offset: u64, to: SeekTo) -> NodeResult<Option<u64>> {
        match self.seek(ino, offset, to) {
            Ok(found) => Ok(Some(found)),
            Err(e) if e == Errno::ENXIO => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// A content and the revision that made it.
    fn body(&self, content: i64) -> NodeResult<(Body, i64)> {
        let mut statement =
            self.conn.prepare_cached("SELECT inline, rev, hash FROM content WHERE id = ?1")?;
        let mut rows = statement.query([content])?;
        let row = rows.next()?.ok_or_else(|| missing(content))?;
        let body = match (row.get_ref(0)?.as_blob_or_null().map_err(NodeError::io)?, row.get_ref(2)?) {
            (None, ValueRef::Null) => Body::Extents,
            (None, _) => return Err(missing(content).into()),
            (Some(inline), hash) => {
                self.verify(content, inline, hash)?;
                Body::Inline(inline.to_vec())
            }
        };
        Ok((body, row.get(1)?))
    }
}

/// The part of a file of `size` bytes that a read of `len` bytes from `offset` gets.
pub(super) fn clip(size: i64, offset: u64, len: usize) -> Range<i64> {
    let start = i64::try_from(offset).unwrap_or(i64::MAX).min(size);
    start..start.saturating_add(i64::try_from(len).unwrap_or(i64::MAX)).min(size)
}

fn cut(inline: &[u8], range: Range<i64>) -> Option<Bytes> {
    inline.get(range.start as usize..range.end as usize).map(Bytes::copy_from_slice)
}

/// A content that cannot be what was written.
#[derive(Clone, Copy)]
struct Damage {
    content: i64,
    why: &'static str,
}

fn missing(content: i64) -> Damage {
    Damage { content, why: "it is missing or too short" }
}

impl Damage {
    /// `EIO` that names the file's number, too.
    fn of(self, ino: Ino) -> NodeError {
        let Damage { content, why } = self;
        NodeError::io(format!(
            "content {content} of node {ino} of the workspace is damaged: {why}",
            ino = ino.0
        ))
    }
}

impl From<Damage> for NodeError {
    fn from(Damage { content, why }: Damage) -> NodeError {
        NodeError::io(format!("content {content} of the workspace is damaged: {why}"))
    }
}

impl Tx<'_> {
    pub(super) fn write(&mut self, ino: Ino, offset: u64, data: &[u8]) -> NodeResult<()> {
        let mut node = self.view().file(ino.0 as i64)?;
        if data.is_empty() {
            return Ok(());
        }
        self.write_node(&mut node, offset, data)?;
        node.modify(self.now);
        self.save(node)
    }

    pub(super) fn append(&mut self, ino: Ino, data: &[u8]) -> NodeResult<u64> {
        let end = self.view().file(ino.0 as i64)?.size as u64;
        self.write(ino, end, data).map(|()| end)
    }

    /// Writes content and leaves it to the caller to save the node.
    pub(super) fn write_node(&mut self, node: &mut Node, offset: u64, data: &[u8]) -> NodeResult<()> {
        if data.is_empty() {
            return Ok(());
        }
        let (offset, end) = (offset as i64, end_of(offset, data.len() as u64)? as i64);
        self.need_bytes(node, offset, end - offset)?;
        let size = node.size.max(end);
        match self.body(node)? {
            (Body::Inline(mut bytes), owned) if size <= self.inline_max() && offset <= node.size => {
                bytes.resize(size as usize, 0);
                bytes[offset as usize..end as usize].copy_from_slice(data);
                self.put_inline(node, &bytes, owned)?;
            }
            (Body::Inline(bytes), owned) => {
                self.spread(node, &bytes, owned)?;
                self.write_extents(node, offset, data)?;
            }
            (Body::Extents, owned) => {
                self.own_extents(node, owned)?;
                self.write_extents(node, offset, data)?;
            }
        }
        node.size = size;
        Ok(())
    }

    /// Puts all of a chunk behind the end of a file, and leaves it to the caller to save the node.
    #[cfg(feature = "object")]
    pub(super) fn add_chunk(&mut self, node: &mut Node, range: Range<i64>, chunk: i64) -> NodeResult<()> {
        match self.body(node)? {
            (Body::Inline(bytes), owned) => self.spread(node, &bytes, owned)?,
            (Body::Extents, owned) => self.own_extents(node, owned)?,
        }
        let (content, length) = (node.content.expect("an extent list now"), range.end - range.start);
        self.put_extent(content, range.start, length, chunk, 0)?;
        node.space += length;
        node.size = range.end;
        Ok(())
    }

    pub(super) fn inline_max(&self) -> i64 {
        inline_max(self.state.tier.as_ref())
    }

    /// What the node's content is made of, and whether it may be changed in place.
    fn body(&self, node: &Node) -> NodeResult<(Body, bool)> {
        match node.content {
            None if node.size == 0 => Ok((Body::Inline(Vec::new()), false)),
            None => Ok((Body::Extents, false)),
            Some(id) => self.view().body(id).map(|(body, rev)| (body, rev == self.rev())),
        }
    }

    fn put_inline(&mut self, node: &mut Node, bytes: &[u8], owned: bool) -> NodeResult<()> {
        match node.content.filter(|_| owned) {
            Some(id) => {
                self.execute(
                    "UPDATE main.content SET inline = ?2, hash = ?3 WHERE id = ?1",
                    (id, bytes, &blake3::hash(bytes).as_bytes()[..]),
                )?;
            }
            None => node.content = Some(self.new_content(Some(bytes))?),
        }
        node.space = bytes.len() as i64;
        Ok(())
    }

    fn new_content(&mut self, inline: Option<&[u8]>) -> NodeResult<i64> {
        let id = Next::take(&mut self.state.next.content);
        let hash = inline.map(|bytes| *blake3::hash(bytes).as_bytes());
        self.execute(INSERT_CONTENT, (id, self.rev(), inline, hash.as_ref().map(|hash| &hash[..])))?;
        Ok(id)
    }

    /// Turns inline content into an extent list.
    fn spread(&mut self, node: &mut Node, bytes: &[u8], owned: bool) -> NodeResult<()> {
        let id = match node.content.filter(|_| owned) {
            Some(id) => {
                self.execute("UPDATE main.content SET inline = NULL, hash = NULL WHERE id = ?1", [id])?;
                id
            }
            None => self.new_content(None)?,
        };
        node.content = Some(id);
        self.lay(id, 0, bytes)
    }

    /// Makes sure that the node has an extent list that may be changed.
    fn own_extents(&mut self, node: &mut Node, owned: bool) -> NodeResult<()> {
        if owned {
            return Ok(());
        }
        let id = self.new_content(None)?;
        if let Some(sealed) = node.content {
            self.execute(
                "INSERT INTO main.extent(content, offset, length, chunk, chunk_offset)
                 SELECT ?2, offset, length, chunk, chunk_offset FROM extent WHERE content = ?1",
                (sealed, id),
            )?;
        }
        node.content = Some(id);
        Ok(())
    }

    fn write_extents(&mut self, node: &mut Node, offset: i64, data: &[u8]) -> NodeResult<()> {
        let id = node.content.expect("the caller made it an extent list");
        let inside = (node.size - offset).clamp(0, data.len() as i64);
        let (inside, after) = data.split_at(inside as usize);
        if !inside.is_empty() {
            node.space += self.overwrite(id, offset, inside)?;
        }
        if !after.is_empty() {
            self.lay(id, offset + inside.len() as i64, after)?;
            node.space += after.len() as i64;
        }
        Ok(())
    }

    /// Cuts content off, or extends it with a hole, and leaves it to the caller to save the node.
    pub(super) fn resize(&mut self, node: &mut Node, size: i64) -> NodeResult<()> {
        if size == 0 {
            self.drop_content(node.content)?;
            (node.content, node.space) = (None, 0);
        } else if node.content.is_some() && size != node.size {
            match self.body(node)? {
                (Body::Inline(mut bytes), owned) if size < node.size => {
                    bytes.truncate(size as usize);
                    self.put_inline(node, &bytes, owned)?;
                }
                (Body::Inline(bytes), owned) => self.spread(node, &bytes, owned)?,
                (Body::Extents, owned) if size < node.size => {
                    self.own_extents(node, owned)?;
                    node.space -= self.clear(node.content.expect("owned now"), size..i64::MAX)?;
                }
                (Body::Extents, _) => {}
            }
        }
        node.size = size;
        Ok(())
    }

    pub(super) fn allocate(&mut self, ino: Ino, how: Allocate, offset: u64, len: u64) -> NodeResult<()> {
        let mut node = self.view().file(ino.0 as i64)?;
        let end = end_of(offset, len)? as i64;
        if len == 0 {
            return Err(Errno::EINVAL.into());
        }
        let grows = matches!(how, Allocate::Reserve | Allocate::Zero) && end > node.size;
        if matches!(how, Allocate::Punch | Allocate::Zero) {
            self.punch(&mut node, offset as i64, end)?;
        }
        // Space is not reserved: there is no telling what a write will take after deduplication.
        if grows {
            self.resize(&mut node, end)?;
        } else if matches!(how, Allocate::Reserve | Allocate::KeepSize) {
            return Ok(());
        }
        node.modify(self.now);
        self.save(node)
    }

    fn punch(&mut self, node: &mut Node, start: i64, end: i64) -> NodeResult<()> {
        let end = end.min(node.size);
        if start >= end || node.content.is_none() {
            return Ok(());
        }
        match self.body(node)? {
            (Body::Inline(bytes), owned) => self.spread(node, &bytes, owned)?,
            (Body::Extents, owned) => self.own_extents(node, owned)?,
        }
        node.space -= self.clear(node.content.expect("an extent list now"), start..end)?;
        Ok(())
    }

    /// Deletes a content, unless a sealed revision has it.
    pub(super) fn drop_content(&self, content: Option<i64>) -> NodeResult<()> {
        let Some(id) = content else { return Ok(()) };
        if self.execute("DELETE FROM main.content WHERE id = ?1 AND rev = ?2", (id, self.rev()))? == 0 {
            return Ok(());
        }
        self.execute("DELETE FROM main.extent WHERE content = ?1", [id])?;
        self.owned_chunks(id)?.into_iter().try_for_each(|(chunk, _)| self.drop_chunk(chunk))
    }
}
