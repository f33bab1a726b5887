//! Cutting a stream as a file is cut into which it is written.

use bytes::{Bytes, BytesMut};

use super::super::extent::Cuts;

/// Cuts what comes piece by piece as if it came at once.
pub(super) struct Cutter {
    cuts: Cuts,
    buffer: BytesMut,
}

impl Cutter {
    pub(super) fn new(cuts: Cuts) -> Cutter {
        Cutter { cuts, buffer: BytesMut::new() }
    }

    /// Takes more, and hands on the chunks that are certain by now.
    pub(super) fn push<E>(
        &mut self,
        bytes: &[u8],
        each: &mut dyn FnMut(Bytes) -> Result<(), E>,
    ) -> Result<(), E> {
        self.buffer.extend_from_slice(bytes);
        // The last one may end only because there is no more yet.
        while self.buffer.len() >= 2 * self.cuts.max {
            let first = self.cuts.first(&self.buffer);
            each(self.buffer.split_to(first).freeze())?;
        }
        Ok(())
    }

    /// Hands on what is left.
    pub(super) fn finish<E>(&mut self, each: &mut dyn FnMut(Bytes) -> Result<(), E>) -> Result<(), E> {
        let rest = self.buffer.split().freeze();
        self.cuts.cut(&rest).into_iter().try_for_each(|piece| each(rest.slice(piece)))
    }
}
