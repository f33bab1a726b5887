//! Cutting a stream as a file is cut into which it is written.

use bytes::Bytes;

use super::super::extent::Cuts;

/// Cuts what comes piece by piece as if it came at once.
pub(super) struct Cutter {
    cuts: Cuts,
    buffer: Vec<u8>,
}

impl Cutter {
    pub(super) fn new(cuts: Cuts) -> Cutter {
        Cutter { cuts, buffer: Vec::new() }
    }

    /// Takes more, and hands on the chunks that are certain by now. Each has its bytes to itself: a short one keeps no
    /// long buffer.
    pub(super) fn push(&mut self, bytes: &[u8], each: &mut dyn FnMut(Bytes)) {
        self.buffer.extend_from_slice(bytes);
        let mut done = 0;
        // The last one may end only because there is no more yet.
        while self.buffer.len() - done >= 2 * self.cuts.max {
            let first = self.cuts.first(&self.buffer[done..]);
            each(Bytes::copy_from_slice(&self.buffer[done..done + first]));
            done += first;
        }
        self.buffer.drain(..done);
    }

    /// Hands on what is left.
    pub(super) fn finish(&mut self, each: &mut dyn FnMut(Bytes)) {
        let rest = std::mem::take(&mut self.buffer);
        self.cuts.cut(&rest).into_iter().for_each(|piece| each(Bytes::copy_from_slice(&rest[piece])));
    }
}
