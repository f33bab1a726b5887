//! Naming pieces of content that were uploaded before the transaction.

use bytes::Bytes;

use super::super::SqliteLayer;
use super::super::chunk::Hash;
use super::super::tx::Tx;
use crate::errno::NodeResult;
use crate::node::{Ino, end_of};

/// A piece of content, as it was cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece {
    pub(super) hash: Hash,
    pub(super) length: usize,
}

impl Piece {
    /// In bytes.
    pub fn length(&self) -> usize {
        self.length
    }
}

impl SqliteLayer {
    /// Writes a piece of content into a file, as [`write`](crate::Layer::write) would its bytes. They are asked for only
    /// if the piece is neither in the bucket nor in the file; what they are by then is what is written.
    ///
    /// # Errors
    /// As [`write`](crate::Layer::write); those of `bytes`.
    pub fn write_piece(
        &self,
        ino: Ino,
        offset: u64,
        piece: &Piece,
        bytes: &mut dyn FnMut() -> NodeResult<Bytes>,
    ) -> NodeResult<()> {
        self.change(|tx| tx.write_piece(ino, offset, piece, bytes))
    }
}

impl Tx<'_> {
    fn write_piece(
        &mut self,
        ino: Ino,
        offset: u64,
        piece: &Piece,
        bytes: &mut dyn FnMut() -> NodeResult<Bytes>,
    ) -> NodeResult<()> {
        let mut node = self.view().file(ino.0 as i64)?;
        let (offset, end) = (offset as i64, end_of(offset, piece.length as u64)? as i64);
        // Only at the end of what is there: in between there are others to be cut.
        let is_last = offset >= node.size && end > self.inline_max();
        self.need_bytes(&node, offset, end - offset)?;
        match if is_last { self.chunk_of(&piece.hash)? } else { None } {
            Some(chunk) => self.add_chunk(&mut node, offset..end, chunk)?,
            None => self.write_node(&mut node, offset as u64, &bytes()?)?,
        }
        node.modify(self.now);
        self.save(node)
    }
}
