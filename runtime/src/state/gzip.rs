//! `compressFile` and `decompressFile`: gzip, in pieces, so that size costs no memory.

use std::io::{self, BufRead, BufReader, Read};

use cowry_vfs::{Errno, File, OpenOptions};
use flate2::Compression;
use flate2::bufread::{GzDecoder, GzEncoder};
use serde::Serialize;

use super::{State, StateError};

/// How much is read and written at once, in bytes.
const PIECE: usize = 256 << 10;

/// What was written where.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Compressed {
    pub(crate) path: String,
    pub(crate) destination: String,
    pub(crate) bytes_written: u64,
}

impl State<'_> {
    /// Compresses a file into another: without a destination, beside it with `.gz` at its end.
    ///
    /// # Errors
    /// If both are the same file; those of reading and writing, and then nothing was written.
    pub(crate) fn compress_file(
        &self,
        path: &str,
        destination: Option<String>,
    ) -> Result<Compressed, StateError> {
        let destination = destination.unwrap_or_else(|| format!("{path}.gz"));
        let encode = |source| -> Box<dyn Read> { Box::new(GzEncoder::new(source, Compression::default())) };
        self.convert(path, destination, encode)
    }

    /// Uncompresses a file into another: without a destination, beside it without the `.gz` at its end.
    ///
    /// # Errors
    /// If there is no destination and no `.gz`; if it is not gzip or is damaged; as [`State::compress_file`].
    pub(crate) fn decompress_file(
        &self,
        path: &str,
        destination: Option<String>,
    ) -> Result<Compressed, StateError> {
        let destination = match destination.or_else(|| without_suffix(path)) {
            Some(destination) => destination,
            None => {
                let what = format!("{path} does not end in .gz: give a destination");
                return Err(StateError::coded(Errno::EINVAL, what, path));
            }
        };
        self.convert(path, destination, |source| Box::new(Decoder { member: Some(GzDecoder::new(source)) }))
    }

    fn convert(
        &self,
        path: &str,
        destination: String,
        through: impl FnOnce(BufReader<File>) -> Box<dyn Read>,
    ) -> Result<Compressed, StateError> {
        let source = self.vfs.open(path, OpenOptions::read())?;
        if source.stat()?.is_dir() {
            return Err(cowry_vfs::Error::at("read", path, Errno::EISDIR).into());
        }
        if self.vfs.exists(&destination) && self.vfs.same_file(path, &destination)? {
            let what = format!("{destination} is the file itself: give another destination");
            return Err(StateError::coded(Errno::EINVAL, what, path));
        }
        let mut from = through(BufReader::with_capacity(PIECE, source));
        let bytes_written = self.atomically(|| {
            self.with_parents(&destination, |path| self.vfs.write(path, b""))?;
            let to = self.vfs.open(&destination, OpenOptions::update())?;
            self.pump(&mut *from, &to, path)
        })?;
        Ok(Compressed { path: path.to_owned(), destination, bytes_written })
    }

    fn pump(&self, from: &mut dyn Read, to: &File, path: &str) -> Result<u64, StateError> {
        let (mut buffer, mut written) = (vec![0; PIECE], 0);
        loop {
            let read = from.read(&mut buffer).map_err(|error| unreadable(error, path))?;
            if read == 0 {
                return Ok(written);
            }
            to.write_all(&buffer[..read])?;
            written += read as u64;
        }
    }
}

/// The members of a gzip file, one after the other.
struct Decoder<R> {
    /// Always there, but while it gives way to the next.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let read = member.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            match member.get_mut().fill_buf()? {
                [] => return Ok(0),
                [0x1f, ..] => self.member = self.member.take().map(|done| GzDecoder::new(done.into_inner())),
                _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "other bytes follow its end")),
            }
        }
        Ok(0)
    }
}

/// `a.gz` without its end; of `a.tgz`, `a.tar`.
fn without_suffix(path: &str) -> Option<String> {
    let (stem, suffix) = path.rsplit_once('.')?;
    let is_named = !stem.is_empty() && !stem.ends_with('/');
    match suffix.to_ascii_lowercase().as_str() {
        "gz" if is_named => Some(stem.to_owned()),
        "tgz" if is_named => Some(format!("{stem}.tar")),
        _ => None,
    }
}

/// An error of the file below, or one of what it holds.
fn unreadable(error: io::Error, path: &str) -> StateError {
    match error.get_ref().is_some_and(|inner| inner.is::<cowry_vfs::Error>()) {
        true => of_file(error, path),
        false => {
            let why = match error.kind() {
                io::ErrorKind::UnexpectedEof => "it is cut off".to_owned(),
                _ => error.to_string(),
            };
            let message = format!("Invalid gzip data in {path}: {why}");
            let path = Some(path.to_owned());
            StateError { path, ..StateError::new(message) }
        }
    }
}

/// The error of a file that came through a stream.
pub(super) fn of_file(error: io::Error, path: &str) -> StateError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<cowry_vfs::Error>()) {
        Some(inner) => inner.clone().into(),
        None => StateError { path: Some(path.to_owned()), ..StateError::new(error.to_string()) },
    }
}
