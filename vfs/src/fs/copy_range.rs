//! Copying a range from one open file to another.

use crate::errno::{Errno, Error, Result};
use crate::fs::File;
use crate::node::SeekTo;

/// How much is held in memory at once.
const CHUNK: u64 = 1 << 20;

impl File {
    /// Copies up to `len` bytes from `offset` to `at` in `target`, and returns how many there were: fewer only at
    /// the end of this file. Holes read as zeros and are written as such, except where they lie past the end of
    /// the target. Neither cursor moves. Each piece of a mebibyte is written at once.
    ///
    /// # Errors
    /// `EBADF` if this is not open for reading or `target` not for writing, or only for appending; `EINVAL` if
    /// the ranges overlap in one file; `EISDIR`; `EFBIG`, `EDQUOT`, `ENOSPC`, `EROFS`.
    pub fn copy_range(&self, offset: u64, target: &File, at: u64, len: u64) -> Result<u64> {
        const OP: &str = "copy_file_range";
        let refused = |errno: Errno| Error::new(OP, errno);
        if target.options().append {
            return Err(refused(Errno::EBADF));
        }
        let overlap = offset < at.saturating_add(len) && at < offset.saturating_add(len);
        if overlap && self.node().same(target.node()) {
            return Err(refused(Errno::EINVAL));
        }
        // What there is now: a copy to the end of the same file does not feed itself.
        let len = len.min(self.stat()?.size.saturating_sub(offset));
        let mut done = 0;
        while done < len {
            let wanted = CHUNK.min(len - done) as usize;
            let piece = self.read_bytes_at(offset + done, wanted)?;
            if piece.is_empty() {
                break;
            }
            self.put_piece(&piece, offset + done, target, at + done)?;
            done += piece.len() as u64;
        }
        Ok(done)
    }

    /// Writes a piece; one that is a hole past the end of the target only makes it longer.
    fn put_piece(&self, piece: &[u8], offset: u64, target: &File, at: u64) -> Result<()> {
        let end = at + piece.len() as u64;
        let is_hole = || match self.find(offset, SeekTo::Data) {
            Ok(data) => data >= offset + piece.len() as u64,
            Err(error) => error.errno() == Errno::ENXIO,
        };
        if target.stat()?.size <= at && is_hole() {
            return target.truncate(end);
        }
        target.write_at(piece, at).map(drop)
    }
}
