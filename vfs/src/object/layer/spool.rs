//! What was written to a file and is not uploaded yet: pieces in a file without a name, over the object that is there.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use bytes::{Bytes, BytesMut};

use super::ObjectLayer;
use super::read::Source;
use crate::errno::{Errno, NodeError, NodeResult};

/// The content of a file as it will be.
#[derive(Debug)]
pub(super) struct Spool {
    file: File,
    pub size: u64,
    /// What the object has shows below this, where nothing was written.
    floor: u64,
    /// What was written, start to end; no two touch.
    local: BTreeMap<u64, u64>,
    base: Option<Source>,
    /// By which an upload of this very content is known again if its reply is lost.
    pub mark: Option<String>,
}

/// Where bytes come from.
enum Piece {
    Local(u64),
    Base(u64),
    Zeros(u64),
}

impl Spool {
    /// Nothing written yet, over an object or nothing.
    pub fn new(folder: Option<&Path>, base: Option<Source>) -> NodeResult<Spool> {
        let file = match folder {
            Some(folder) => tempfile::tempfile_in(folder),
            None => tempfile::tempfile(),
        };
        let size = base.as_ref().map_or(0, |base| base.object.size);
        Ok(Spool { file: file.map_err(local)?, size, floor: size, local: BTreeMap::new(), base, mark: None })
    }

    pub fn write(&mut self, offset: u64, data: &[u8]) -> NodeResult<()> {
        self.file.write_all_at(data, offset).map_err(local)?;
        self.mark = None;
        let end = offset + data.len() as u64;
        self.size = self.size.max(end);
        let (mut start, mut stop) = (offset, end);
        if let Some((before, till)) =
            self.local.range(..=offset).next_back().filter(|(_, till)| **till >= offset)
        {
            (start, stop) = (*before, stop.max(*till));
        }
        while let Some((next, till)) =
            self.local.range(start..=stop).next().map(|(next, till)| (*next, *till))
        {
            stop = stop.max(till);
            self.local.remove(&next);
        }
        self.local.insert(start, stop);
        Ok(())
    }

    /// Makes a range read as zeros.
    pub fn zero(&mut self, offset: u64, end: u64) -> NodeResult<()> {
        const STEP: u64 = 1 << 20;
        let zeros = vec![0; (end - offset).min(STEP) as usize];
        for at in (offset..end).step_by(STEP as usize) {
            self.write(at, &zeros[..(end - at).min(STEP) as usize])?;
        }
        Ok(())
    }

    pub fn resize(&mut self, size: u64) {
        self.mark = None;
        self.floor = self.floor.min(size);
        self.local.split_off(&size);
        if let Some(mut last) = self.local.last_entry() {
            let till = *last.get();
            last.insert(till.min(size));
        }
        self.size = size;
    }

    /// The piece that begins at `at`, no longer than to `end`.
    fn piece(&self, at: u64, end: u64) -> Piece {
        let next = self.local.range(at + 1..).next().map_or(end, |(start, _)| *start).min(end);
        match self.local.range(..=at).next_back() {
            Some((_, till)) if *till > at => Piece::Local(end.min(*till)),
            _ if at < self.floor => Piece::Base(next.min(self.floor)),
            _ => Piece::Zeros(next),
        }
    }

    /// Up to `len` bytes from `offset`.
    ///
    /// # Errors
    /// `ESTALE` where bytes of the object are needed and it is another by now.
    pub fn read(&self, layer: &ObjectLayer, offset: u64, len: usize) -> NodeResult<Bytes> {
        let end = self.size.min(offset.saturating_add(len as u64));
        let mut bytes = BytesMut::new();
        let mut at = offset;
        while at < end {
            let till = match self.piece(at, end) {
                Piece::Local(till) => {
                    let from = bytes.len();
                    bytes.resize(from + (till - at) as usize, 0);
                    self.file.read_exact_at(&mut bytes[from..], at).map_err(local)?;
                    till
                }
                Piece::Base(till) => {
                    let base = self.base.as_ref().expect("below the floor there is an object");
                    bytes.extend_from_slice(&layer.read_source(base, at, (till - at) as usize)?);
                    till
                }
                Piece::Zeros(till) => {
                    bytes.resize(bytes.len() + (till - at) as usize, 0);
                    till
                }
            };
            at = till;
        }
        Ok(bytes.freeze())
    }

    /// Fetches what is only in the object, so that it can go.
    pub fn fetch(&mut self, layer: &ObjectLayer) -> NodeResult<()> {
        const STEP: u64 = 1 << 20;
        let mut at = 0;
        while at < self.floor {
            at = match self.piece(at, self.floor.min(at + STEP)) {
                Piece::Local(till) | Piece::Zeros(till) => till,
                Piece::Base(till) => {
                    let bytes = self.read(layer, at, (till - at) as usize)?;
                    let mark = self.mark.take();
                    self.write(at, &bytes)?;
                    self.mark = mark;
                    till
                }
            };
        }
        self.base = None;
        Ok(())
    }

    pub fn reader<'a>(&'a self, layer: &'a ObjectLayer) -> Reader<'a> {
        Reader { spool: self, layer, at: 0, failed: None }
    }
}

/// A spool read from front to end.
pub(super) struct Reader<'a> {
    spool: &'a Spool,
    layer: &'a ObjectLayer,
    at: u64,
    /// Why reading failed, since an upload tells it as text only.
    pub failed: Option<NodeError>,
}

impl io::Read for Reader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.spool.read(self.layer, self.at, into.len()) {
            Ok(bytes) => {
                into[..bytes.len()].copy_from_slice(&bytes);
                self.at += bytes.len() as u64;
                Ok(bytes.len())
            }
            Err(error) => {
                self.failed = Some(error.clone());
                Err(io::Error::other(error))
            }
        }
    }
}

/// An error of the folder in which writes wait.
fn local(error: io::Error) -> NodeError {
    let errno = error.raw_os_error().and_then(Errno::from_code).unwrap_or(Errno::EIO);
    NodeError::with_source(errno, error)
}
