//! A place in JSON text that moves over a source, and the line it is on.

use super::super::error::{DataError, DataResult};
use super::super::source::Source;
use super::scan::spaces;

/// Where the window begins, and on which line.
#[derive(Debug)]
pub(super) struct Cursor {
    pub(super) source: Source,
    /// From 1.
    pub(super) line: u64,
}

impl Cursor {
    pub(super) fn new(source: Source, line: u64) -> Cursor {
        Cursor { source, line }
    }

    /// What is there to be looked at.
    pub(super) fn window(&self) -> &[u8] {
        self.source.window()
    }

    /// Whether the window ends where the text ends.
    pub(super) fn is_ended(&self) -> bool {
        self.source.is_ended()
    }

    /// What is wrong here.
    pub(super) fn broken(&self, reason: &str) -> DataError {
        DataError::broken(self.line, reason)
    }

    /// Leaves bytes of the window behind.
    pub(super) fn skip(&mut self, count: usize) {
        self.line += memchr::memchr_iter(b'\n', &self.source.window()[..count]).count() as u64;
        self.source.consume(count);
    }

    /// The first byte that is not white space, at which the window begins then; `None` at the end.
    pub(super) fn peek(&mut self) -> DataResult<Option<u8>> {
        loop {
            self.skip(spaces(self.source.window()));
            match self.source.window().first() {
                Some(byte) => return Ok(Some(*byte)),
                None if self.source.is_ended() => return Ok(None),
                None => self.source.fill()?,
            }
        }
    }

    /// Whether this is the next byte that is not white space, which is behind then.
    pub(super) fn take(&mut self, byte: u8) -> DataResult<bool> {
        let found = self.peek()? == Some(byte);
        self.skip(usize::from(found));
        Ok(found)
    }

    /// Makes the window longer, for a value that is not all in it, up to so many bytes.
    ///
    /// # Errors
    /// [`DataError::Broken`] for one that is longer, with what to do; what reading fails with.
    pub(super) fn more(&mut self, most: usize, what_to_do: &str) -> DataResult<()> {
        if self.source.window().len() > most {
            let reason = format!("a value of more than {} MiB; {what_to_do}", most >> 20);
            return Err(self.broken(&reason));
        }
        self.source.fill()
    }
}
