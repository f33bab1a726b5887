//! The content of a file: what was written, over what the origin still shows.
//!
//! `origin_len` is the prefix of the origin that is still visible where no extent covers it. Truncation lowers
//! it and nothing raises it again; gaps above it are zeros. So a file that was cut and grew again never shows
//! old bytes, and appending to a file of any size stores what is appended.

use std::sync::Arc;

use bytes::Bytes;

use super::extents::{Data, Extent, Extents};
use super::scratch::{BLOCK_MAX, Block, Scratch};
use crate::errno::{Errno, NodeResult};
use crate::layer::Layer;
use crate::node::{Ino, SeekTo};

/// Where the content that is not the overlay's own can be read.
#[derive(Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) layer: &'a dyn Layer,
    pub(crate) ino: Ino,
}

/// Content of one file.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    size: u64,
    origin_len: u64,
    /// What the origin takes up, in units of 512 bytes.
    origin_blocks: u64,
    extents: Extents,
    /// Bytes in the extents that are no holes.
    stored: u64,
    /// Bytes of the visible origin that extents cover.
    covered: u64,
}

/// A run of bytes that come from one place.
#[derive(Clone, Debug)]
pub(crate) struct Piece<'a> {
    pub(crate) start: u64,
    pub(crate) len: u64,
    pub(crate) source: Source<'a>,
}

/// Where the bytes of a [`Piece`] are.
#[derive(Clone, Debug)]
pub(crate) enum Source<'a> {
    /// In a block, from this offset in it.
    Block(&'a Arc<Block>, u64),
    /// In the origin, at the same offset.
    Origin,
    /// They are zeros.
    Zeros,
}

impl Source<'_> {
    /// Whether both are the very same bytes, told without reading them.
    fn same(&self, other: &Source<'_>) -> bool {
        match (self, other) {
            (Source::Block(a, at), Source::Block(b, bt)) => at == bt && Arc::ptr_eq(a, b),
            (Source::Origin, Source::Origin) | (Source::Zeros, Source::Zeros) => true,
            _ => false,
        }
    }
}

impl Content {
    pub(crate) fn empty() -> Content {
        Content { size: 0, origin_len: 0, origin_blocks: 0, extents: Extents::new(), stored: 0, covered: 0 }
    }

    /// Everything as the origin has it.
    pub(crate) fn of_origin(size: u64, blocks: u64) -> Content {
        Content { size, origin_len: size, origin_blocks: blocks, ..Content::empty() }
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn origin_len(&self) -> u64 {
        self.origin_len
    }

    pub(crate) fn extents(&self) -> &Extents {
        &self.extents
    }

    /// Allocated space in units of 512 bytes. What of a sparse origin is still visible is estimated from above.
    pub(crate) fn blocks(&self) -> u64 {
        let visible = (self.origin_len - self.covered).div_ceil(512);
        self.stored.div_ceil(512) + visible.min(self.origin_blocks)
    }

    fn overlap_with_origin(&self, start: u64, len: u64) -> u64 {
        (start + len).min(self.origin_len).saturating_sub(start)
    }

    fn put(&mut self, start: u64, extent: Extent) {
        self.stored += extent.stored();
        self.covered += self.overlap_with_origin(start, extent.len);
        self.extents.insert(start, extent);
    }

    fn take(&mut self, start: u64) -> Option<Extent> {
        let extent = self.extents.remove(start)?;
        self.stored -= extent.stored();
        self.covered -= self.overlap_with_origin(start, extent.len);
        Some(extent)
    }

    /// Content that is put together again: extents in order, inside the size, holes only over the origin.
    pub(crate) fn of_parts(
        size: u64,
        origin_len: u64,
        origin_blocks: u64,
        parts: Vec<(u64, Extent)>,
    ) -> Content {
        let mut content = Content { size, origin_len, origin_blocks, ..Content::empty() };
        for (start, extent) in parts {
            content.put(start, extent);
        }
        content
    }

    /// Removes what the extents have in `start..end`.
    fn carve(&mut self, start: u64, end: u64) {
        if let Some((first, extent)) = self.extents.floor(start)
            && first < start
            && first + extent.len > start
        {
            let mut extent = self.take(first).expect("it was just found");
            if first + extent.len > end {
                self.put(end, extent.part(end - first, first + extent.len - end));
            }
            extent.len = start - first;
            trim_block(&mut extent);
            self.put(first, extent);
        }
        while let Some((first, _)) = self.extents.ceil(start).filter(|(first, _)| *first < end) {
            let extent = self.take(first).expect("it was just found");
            if first + extent.len > end {
                self.put(end, extent.part(end - first, first + extent.len - end));
            }
        }
    }

    /// Writes all of `data` at `offset`; nothing changes if there is no room for it.
    pub(crate) fn write(
        &mut self,
        scratch: &Arc<Scratch>,
        stamp: u64,
        offset: u64,
        data: &[u8],
    ) -> NodeResult<()> {
        let end = offset.checked_add(data.len() as u64).ok_or(Errno::EFBIG)?;
        if end > scratch.limits.file_bytes.min(i64::MAX as u64) {
            return Err(Errno::EFBIG.into());
        }
        if data.is_empty() {
            return Ok(());
        }
        if !self.write_in_place(stamp, offset, data)? {
            let blocks =
                data.chunks(BLOCK_MAX).map(|c| scratch.store(c, stamp)).collect::<NodeResult<Vec<_>>>()?;
            self.carve(offset, end);
            let mut at = offset;
            for block in blocks {
                let len = block.len();
                self.put(at, Extent { len, data: Data::Block(block, 0) });
                at += len;
            }
        }
        self.size = self.size.max(end);
        Ok(())
    }

    /// Changes or extends the extent that `offset` lies in or directly after, if that touches nothing else
    /// and nobody else sees its block. `false` if it cannot be done this way.
    fn write_in_place(&mut self, stamp: u64, offset: u64, data: &[u8]) -> NodeResult<bool> {
        let Some((start, found)) = self.extents.floor(offset) else { return Ok(false) };
        let (len, end) = (found.len, offset + data.len() as u64);
        if offset > start + len {
            return Ok(false);
        }
        let grows = end.saturating_sub(start + len);
        if grows > 0 && self.extents.ceil(start + 1).is_some_and(|(next, _)| next < end) {
            return Ok(false);
        }
        let extent = self.extents.get_mut(start).expect("it was just found");
        let Data::Block(block, from) = &mut extent.data else { return Ok(false) };
        let from = *from;
        let Some(block) = Arc::get_mut(block) else { return Ok(false) };
        let (inside, beyond) = data.split_at(data.len() - grows as usize);
        if grows > 0 {
            block.truncate(from + len);
            if !block.append(beyond)? {
                return Ok(false);
            }
            extent.len += grows;
        }
        block.stamp = stamp;
        block.overwrite(from + (offset - start), inside)?;
        self.stored += grows;
        self.covered += self.overlap_with_origin(start + len, grows);
        Ok(true)
    }

    /// Cuts off, or extends with zeros.
    pub(crate) fn set_size(&mut self, size: u64) {
        if size < self.size {
            self.carve(size, u64::MAX);
            // What extents cover stays below the new size now, so that the sum stays right.
            self.origin_len = self.origin_len.min(size);
        }
        self.size = size;
    }

    /// Makes a range read as zeros; the size stays.
    pub(crate) fn punch(&mut self, offset: u64, len: u64) {
        let end = offset.saturating_add(len).min(self.size);
        if offset >= end {
            return;
        }
        self.carve(offset, end);
        let hidden = end.min(self.origin_len);
        if hidden > offset {
            self.put(offset, Extent { len: hidden - offset, data: Data::Hole });
        }
    }

    /// What `start..end` is made of, in order and without gaps; `end` must not lie past the size.
    pub(crate) fn pieces(&self, start: u64, end: u64) -> impl Iterator<Item = Piece<'_>> {
        let mut at = start;
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let piece = self.piece_at(at, end);
            at += piece.len;
            Some(piece)
        })
    }

    fn piece_at(&self, at: u64, end: u64) -> Piece<'_> {
        if let Some((start, extent)) = self.extents.covering(at) {
            let source = match &extent.data {
                Data::Hole => Source::Zeros,
                Data::Block(block, from) => Source::Block(block, from + (at - start)),
            };
            return Piece { start: at, len: (start + extent.len).min(end) - at, source };
        }
        let next = self.extents.ceil(at).map_or(end, |(next, _)| next.min(end));
        match at < self.origin_len {
            true => Piece { start: at, len: next.min(self.origin_len) - at, source: Source::Origin },
            false => Piece { start: at, len: next - at, source: Source::Zeros },
        }
    }

    /// Up to `len` bytes from `offset`.
    pub(crate) fn read(&self, origin: Option<Origin<'_>>, offset: u64, len: usize) -> NodeResult<Bytes> {
        if offset >= self.size || len == 0 {
            return Ok(Bytes::new());
        }
        let end = offset.saturating_add(len as u64).min(self.size);
        let first = self.piece_at(offset, end);
        if first.len == end - offset {
            match (&first.source, origin) {
                (Source::Block(block, from), _) => {
                    if let Some(bytes) = block.memory() {
                        let from = *from as usize;
                        return Ok(Bytes::copy_from_slice(&bytes[from..from + first.len as usize]));
                    }
                }
                (Source::Origin, Some(origin)) => {
                    let bytes = origin.layer.read(origin.ino, offset, first.len as usize)?;
                    if bytes.len() as u64 == first.len {
                        return Ok(bytes);
                    }
                }
                _ => {}
            }
        }
        let mut out = vec![0; (end - offset) as usize];
        for piece in self.pieces(offset, end) {
            let at = (piece.start - offset) as usize;
            fill(&piece, origin, &mut out[at..at + piece.len as usize])?;
        }
        Ok(out.into())
    }

    /// The next data or hole at or after `offset`.
    pub(crate) fn seek(&self, origin: Option<Origin<'_>>, offset: u64, to: SeekTo) -> NodeResult<u64> {
        if offset >= self.size {
            return Err(Errno::ENXIO.into());
        }
        for piece in self.pieces(offset, self.size) {
            let found = match (&piece.source, to) {
                (Source::Block(..), SeekTo::Data) | (Source::Zeros, SeekTo::Hole) => Some(piece.start),
                (Source::Origin, to) => seek_origin(origin, &piece, to)?,
                _ => None,
            };
            if let Some(found) = found {
                return Ok(found);
            }
        }
        match to {
            SeekTo::Hole => Ok(self.size),
            SeekTo::Data => Err(Errno::ENXIO.into()),
        }
    }

    /// Calls `each` with every piece of this content that is not the same in `base`, told without reading.
    pub(crate) fn changed_since<'a>(
        &'a self,
        base: &Content,
        each: &mut dyn FnMut(Piece<'a>) -> NodeResult<()>,
    ) -> NodeResult<()> {
        for piece in self.pieces(0, self.size) {
            let end = piece.start + piece.len;
            let mut at = piece.start;
            for old in base.pieces(at, end.min(base.size)) {
                let part = piece_from(&piece, old.start, old.len);
                at = old.start + old.len;
                if !part.source.same(&old.source) {
                    each(part)?;
                }
            }
            if at < end && !matches!(piece.source, Source::Zeros) {
                each(piece_from(&piece, at, end - at))?;
            }
        }
        Ok(())
    }

    /// Whether both are the very same bytes, told without reading them.
    pub(crate) fn same(&self, other: &Content) -> bool {
        let mut same = self.size == other.size;
        let mut mark = |_: Piece<'_>| {
            same = false;
            Ok(())
        };
        self.changed_since(other, &mut mark).is_ok() && same
    }
}

/// The part of a piece at `start..start + len`.
fn piece_from<'a>(piece: &Piece<'a>, start: u64, len: u64) -> Piece<'a> {
    let source = match &piece.source {
        Source::Block(block, from) => Source::Block(block, from + (start - piece.start)),
        Source::Origin => Source::Origin,
        Source::Zeros => Source::Zeros,
    };
    Piece { start, len, source }
}

/// Lets go of what a shortened extent no longer shows of its block, if nobody else refers to it.
fn trim_block(extent: &mut Extent) {
    let keep = extent.len;
    if let Data::Block(block, from) = &mut extent.data {
        let keep = *from + keep;
        if let Some(block) = Arc::get_mut(block) {
            block.truncate(keep);
        }
    }
}

fn fill(piece: &Piece<'_>, origin: Option<Origin<'_>>, out: &mut [u8]) -> NodeResult<()> {
    match (&piece.source, origin) {
        (Source::Block(block, from), _) => block.read(*from, out),
        (Source::Origin, Some(origin)) => {
            let mut done = 0;
            while done < out.len() {
                let bytes = origin.layer.read(origin.ino, piece.start + done as u64, out.len() - done)?;
                if bytes.is_empty() {
                    break;
                }
                let len = bytes.len().min(out.len() - done);
                out[done..done + len].copy_from_slice(&bytes[..len]);
                done += len;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Data or a hole inside a piece that the origin shows.
fn seek_origin(origin: Option<Origin<'_>>, piece: &Piece<'_>, to: SeekTo) -> NodeResult<Option<u64>> {
    let Some(origin) = origin else { return Ok(None) };
    match origin.layer.seek(origin.ino, piece.start, to) {
        Ok(found) => Ok(Some(found).filter(|found| *found < piece.start + piece.len)),
        Err(error) if error == Errno::ENXIO => Ok(None),
        // A layer that cannot tell has data everywhere.
        Err(error) if error == Errno::EOPNOTSUPP => Ok((to == SeekTo::Data).then_some(piece.start)),
        Err(error) => Err(error),
    }
}
