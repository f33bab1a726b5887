//! What was written on a mount, on its way over `main`: cut into pieces, put together again.

use std::io::{self, BufWriter, Read, Write};

use cowry_vfs::{Overlay, ScratchLimits};

use crate::spec::Limits;
use crate::wire::{Blob, PIECE};

/// The longest file that can be made: its holes cost nothing here, and may elsewhere.
const FILE_MAX: u64 = 1 << 40;

/// The bounds of one overlay in a sandbox.
pub(crate) fn scratch(limits: &Limits) -> ScratchLimits {
    ScratchLimits {
        memory_bytes: limits.scratch_memory_bytes.min(limits.scratch_bytes),
        total_bytes: limits.scratch_bytes,
        nodes: limits.files,
        file_bytes: FILE_MAX,
    }
}

/// Sends what an overlay has that is newer than `stamp`, piece by piece, and returns the stamp to go on from.
pub(crate) fn send(
    overlay: &Overlay,
    stamp: u64,
    send: impl FnMut(Blob) -> io::Result<()>,
) -> io::Result<u64> {
    let mut out = BufWriter::with_capacity(PIECE, Cutter(send));
    let stamp = overlay.encode_since(stamp, &mut out)?;
    out.flush()?;
    Ok(stamp)
}

/// A writer that sends whatever it is given, no more than a piece at a time.
struct Cutter<F>(F);

impl<F: FnMut(Blob) -> io::Result<()>> Write for Cutter<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = bytes.len().min(PIECE);
        (self.0)(Blob(bytes[..len].to_vec()))?;
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Pieces as they arrive, as one stream.
pub(crate) struct Pieces<F> {
    piece: Blob,
    /// Bytes of the piece that have been read.
    read: usize,
    is_over: bool,
    next: F,
}

impl<F: FnMut() -> io::Result<Option<Blob>>> Pieces<F> {
    /// A stream that begins with `first` and goes on with what `next` returns, until that is `None`.
    pub(crate) fn new(first: Blob, next: F) -> Self {
        Pieces { piece: first, read: 0, is_over: false, next }
    }

    /// Checks that the stream is over as well once its reader has had enough.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        match self.read(&mut [0])? {
            0 => Ok(()),
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "bytes past the end of the changes")),
        }
    }
}

impl<F: FnMut() -> io::Result<Option<Blob>>> Read for Pieces<F> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.read == self.piece.0.len() && !self.is_over {
            match (self.next)()? {
                // Whoever has something to say says it.
                Some(piece) if piece.0.is_empty() => {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "an empty piece of changes"));
                }
                Some(piece) => (self.piece, self.read) = (piece, 0),
                None => self.is_over = true,
            }
        }
        let len = (&self.piece.0[self.read..]).read(into)?;
        self.read += len;
        Ok(len)
    }
}
