//! A window of UTF-8 text that moves over a file, whatever encoding the file has.

use bytes::Bytes;
use cowry_vfs::{Errno, Error, File, OpenOptions, Vfs};
use encoding_rs::{CoderResult, Decoder, Encoding};

use super::error::{DataError, DataResult};
use super::sniff;

/// How much is read at once: what the sandbox fetches past its cache, so that a big file does not drive out others.
pub(crate) const CHUNK: usize = 256 << 10;

/// Where the bytes come from.
#[derive(Debug)]
enum Input {
    File { file: Box<File>, at: u64 },
    Memory(Bytes),
}

impl Input {
    /// The next bytes; none at the end.
    fn next(&mut self, want: usize) -> DataResult<Bytes> {
        match self {
            Input::File { file, at } => {
                let bytes = file.read_bytes_at(*at, want)?;
                *at += bytes.len() as u64;
                Ok(bytes)
            }
            Input::Memory(rest) => Ok(rest.split_to(want.min(rest.len()))),
        }
    }
}

/// Which encoding text is in.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Charset {
    /// By its byte order mark or by its looks: UTF-8, UTF-16, or else Windows-1252.
    #[default]
    Auto,
    /// This one; a byte order mark still counts.
    Given(&'static Encoding),
}

impl Charset {
    /// The encoding with a name that the web platform knows.
    ///
    /// # Errors
    /// An [`DataError::Option`] for any other name.
    pub(crate) fn named(label: &str) -> DataResult<Charset> {
        if label == "auto" {
            return Ok(Charset::Auto);
        }
        let known = Encoding::for_label(label.as_bytes()).map(Charset::Given);
        known.ok_or_else(|| {
            DataError::Option(format!(
                "encoding '{label}' is not known; say 'utf-8', 'utf-16le', 'utf-16be', 'latin1' or another name of \
                 the Encoding Standard"
            ))
        })
    }
}

/// The window. What is in it was read and not yet consumed; memory is bounded by its size.
pub(crate) struct Source {
    input: Input,
    /// `None` where the bytes are UTF-8 as they are, valid or not.
    decoder: Option<Decoder>,
    buffer: Vec<u8>,
    start: usize,
    /// How many bytes of the window are known to be valid UTF-8.
    valid: usize,
    ended: bool,
    /// How much is read at once.
    chunk: usize,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("input", &self.input).field("window", &self.window().len()).finish()
    }
}

impl Source {
    /// Opens a file.
    ///
    /// # Errors
    /// As [`Vfs::open`]; `EISDIR`.
    pub(crate) fn open(vfs: &Vfs, path: &str, charset: Charset) -> DataResult<Source> {
        let file = vfs.open(path, OpenOptions::read())?;
        if file.stat()?.is_dir() {
            // Reading fails as well, but does not know what it was called.
            return Err(Error::at("read", path, Errno::EISDIR).into());
        }
        Source::begin(Input::File { file: Box::new(file), at: 0 }, charset, CHUNK)
    }

    /// Bytes that are in memory.
    pub(crate) fn bytes(bytes: Bytes, charset: Charset) -> Source {
        Source::begin(Input::Memory(bytes), charset, CHUNK).expect("memory can be read")
    }

    /// The same, read in smaller chunks.
    #[cfg(test)]
    pub(crate) fn chunked(bytes: impl Into<Bytes>, charset: Charset, chunk: usize) -> Source {
        Source::begin(Input::Memory(bytes.into()), charset, chunk).expect("memory can be read")
    }

    /// Text, which is UTF-8 whatever it looks like.
    pub(crate) fn text(text: impl Into<Bytes>) -> Source {
        Source::bytes(text.into(), Charset::Given(encoding_rs::UTF_8))
    }

    fn begin(mut input: Input, charset: Charset, chunk: usize) -> DataResult<Source> {
        let first = input.next(chunk)?;
        let ended = first.len() < chunk;
        let (encoding, mark) = sniff::encoding(&first, charset, ended);
        let decoder = (encoding != encoding_rs::UTF_8).then(|| encoding.new_decoder_without_bom_handling());
        let mut source = Source { input, decoder, buffer: Vec::new(), start: 0, valid: 0, ended, chunk };
        source.take(&first[mark..], ended);
        Ok(source)
    }

    /// What is there to be looked at.
    pub(crate) fn window(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Whether the window begins with this many bytes of valid UTF-8. Bytes are looked at once, however long the rows are.
    pub(crate) fn is_text(&mut self, count: usize) -> bool {
        if count > self.valid {
            self.valid = match std::str::from_utf8(self.window()) {
                Ok(text) => text.len(),
                Err(error) => error.valid_up_to(),
            };
        }
        count <= self.valid
    }

    /// Whether the window ends where the text ends.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended
    }

    /// Moves the beginning of the window.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start += count;
        self.valid = self.valid.saturating_sub(count);
        debug_assert!(self.start <= self.buffer.len());
    }

    /// Makes the window longer: at least by a chunk, and by as much as it has, so that whoever looks again from
    /// its beginning has not done so more than a few times.
    ///
    /// # Errors
    /// What reading fails with.
    pub(crate) fn fill(&mut self) -> DataResult<()> {
        if self.ended {
            return Ok(());
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        let want = self.buffer.len().next_multiple_of(self.chunk).max(self.chunk);
        let bytes = self.input.next(want)?;
        self.take(&bytes, bytes.len() < want);
        Ok(())
    }

    fn take(&mut self, bytes: &[u8], last: bool) {
        self.ended = last;
        match &mut self.decoder {
            None => self.buffer.extend_from_slice(bytes),
            Some(decoder) => decode(decoder, bytes, &mut self.buffer, last),
        }
    }
}

/// Appends `bytes` as UTF-8; what means nothing becomes U+FFFD.
fn decode(decoder: &mut Decoder, mut bytes: &[u8], out: &mut Vec<u8>, last: bool) {
    loop {
        let from = out.len();
        let room = decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(CHUNK).clamp(64, 3 * CHUNK);
        out.resize(from + room, 0);
        let (result, read, written, _) = decoder.decode_to_utf8(bytes, &mut out[from..], last);
        out.truncate(from + written);
        bytes = &bytes[read..];
        if result == CoderResult::InputEmpty {
            return;
        }
    }
}
