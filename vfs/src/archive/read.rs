//! The members of an archive, one after the other. Everything in it is hostile: what a header promises is bounded before
//! anything is allocated for it.

use std::io::{self, Read};

use tar::{EntryType, Header};

use super::pax::{Pax, clamped};
use super::sparse::{self, Map};
use super::{ArchiveError, Result, broken, damaged};
use crate::clock::Timestamp;

const BLOCK: usize = 512;
/// Whose is what nobody can own.
const NOBODY: u32 = 65_534;
/// The longest pax header or long name that is read.
const HEADER_MAX: u64 = 4 << 20;

/// One member; its content is read through [`Members`].
#[derive(Debug)]
pub struct Member {
    /// As it was written: it may lead anywhere, see [`safe_path`](super::safe_path).
    pub name: Vec<u8>,
    /// The oldest archives mark a directory by a slash at the end of the name only.
    pub kind: EntryType,
    /// Permission bits.
    pub mode: u32,
    /// User and group.
    pub owner: (u32, u32),
    /// Last change of content.
    pub mtime: Timestamp,
    /// Target of a symbolic link, or the name of the member that a hard link is one more name of.
    pub link: Vec<u8>,
    /// Bytes of the file, holes included.
    pub size: u64,
    /// Extended attributes in `user.`.
    pub xattrs: Vec<(String, Vec<u8>)>,
    /// Where the content goes, if there are holes between.
    pub map: Option<Map>,
}

/// An archive that is being read.
pub struct Members<'a> {
    source: &'a mut dyn Read,
    /// Content of the current member that has not been read, and what fills its last block.
    left: u64,
    padding: u64,
    first: bool,
}

/// What precedes a member and belongs to it.
#[derive(Default)]
struct Before {
    pax: Pax,
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl<'a> Members<'a> {
    /// From the beginning of an archive that is not compressed.
    pub fn new(source: &'a mut dyn Read) -> Members<'a> {
        Members { source, left: 0, padding: 0, first: true }
    }

    /// The next member; what is left of the last one is passed over.
    ///
    /// # Errors
    /// If it is no archive, or a damaged one.
    pub fn next_member(&mut self) -> Result<Option<Member>> {
        let mut before = Before::default();
        while let Some(header) = self.header()? {
            match header.entry_type() {
                EntryType::XHeader => {
                    before.pax = Pax::parse(&self.whole()?).ok_or_else(|| damaged("a pax header"))?;
                }
                EntryType::GNULongName => before.name = Some(text(self.whole()?)),
                EntryType::GNULongLink => before.link = Some(text(self.whole()?)),
                EntryType::XGlobalHeader => {}
                _ => return self.member(&header, before).map(Some),
            }
        }
        Ok(None)
    }

    /// Looks whether there is a header at all.
    ///
    /// # Errors
    /// If it is no archive.
    pub fn first(&mut self) -> Result<()> {
        self.header().map(drop)
    }

    fn member(&mut self, header: &Header, before: Before) -> Result<Member> {
        let Before { pax, name, link } = before;
        if let Some(size) = pax.size {
            self.expect(size);
        }
        // What a plain header cannot say (an owner past 32 bits, a time before 1970) is nobody's, or the epoch.
        let owner =
            |found: io::Result<u64>| found.map_or(0, |number| u32::try_from(number).unwrap_or(NOBODY));
        let seconds = i128::from(header.mtime().unwrap_or(0));
        let map = if header.entry_type() == EntryType::GNUSparse {
            Some(self.gnu_map(header)?)
        } else {
            sparse::of_pax(&pax.sparse, self)?
        };
        Ok(Member {
            name: pax.sparse.name.or(pax.path).or(name).unwrap_or_else(|| header.path_bytes().into_owned()),
            kind: header.entry_type(),
            mode: header.mode().map_err(|_| damaged("a mode"))? & 0o7777,
            owner: (
                pax.uid.unwrap_or_else(|| owner(header.uid())),
                pax.gid.unwrap_or_else(|| owner(header.gid())),
            ),
            mtime: pax.mtime.unwrap_or_else(|| clamped(seconds * 1_000_000_000)),
            link: pax.link.or(link).or_else(|| header.link_name_bytes().map(Into::into)).unwrap_or_default(),
            size: map.as_ref().map_or(self.left, |map| map.size),
            xattrs: pax.xattrs,
            map,
        })
    }

    /// The map of the older way to write holes: in the header, and in blocks that follow it.
    fn gnu_map(&mut self, header: &Header) -> Result<Map> {
        let gnu = header.as_gnu().ok_or_else(|| damaged("a sparse header"))?;
        let bad = |_| damaged("a sparse header");
        let size = gnu.real_size().map_err(bad)?;
        let mut numbers = Vec::new();
        add(&gnu.sparse, &mut numbers)?;
        let mut more = gnu.is_extended();
        while more {
            let mut block = tar::GnuExtSparseHeader::new();
            self.source.read_exact(block.as_mut_bytes()).map_err(broken)?;
            add(block.sparse(), &mut numbers)?;
            more = block.is_extended();
            if numbers.len() > 2 * sparse::PIECES_MAX {
                return Err(damaged("a sparse header"));
            }
        }
        Map::new(&numbers, size, self.left)
    }

    /// Reads content of the current member into a buffer; 0 is its end.
    ///
    /// # Errors
    /// If the archive ends before.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let wanted = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        match self.source.read(&mut buffer[..wanted]) {
            Ok(0) => Err(damaged("its end")),
            Ok(read) => {
                self.left -= read as u64;
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.read(buffer),
            Err(error) => Err(broken(error)),
        }
    }

    /// Up to `most` bytes of content; allocates what arrives, never what a header promises.
    ///
    /// # Errors
    /// As [`Members::read`].
    pub fn piece(&mut self, most: usize) -> Result<Vec<u8>> {
        let mut content = Vec::new();
        while content.len() < most {
            let start = content.len();
            content.resize(most.min(start + (256 << 10)), 0);
            let read = self.read(&mut content[start..])?;
            content.truncate(start + read);
            if read == 0 {
                break;
            }
        }
        Ok(content)
    }

    /// Bytes of content that were not read yet.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// The whole content of a header.
    fn whole(&mut self) -> Result<Vec<u8>> {
        if self.left > HEADER_MAX {
            return Err(damaged("a header of more than 4 MiB"));
        }
        self.piece(HEADER_MAX as usize)
    }

    fn expect(&mut self, size: u64) {
        self.left = size;
        self.padding = size.wrapping_neg() % BLOCK as u64;
    }

    /// The next header block; `None` at the end of the archive.
    fn header(&mut self) -> Result<Option<Header>> {
        self.pass_over()?;
        let mut header = Header::new_old();
        let bytes = header.as_mut_bytes();
        let mut filled = 0;
        while filled < BLOCK {
            match self.source.read(&mut bytes[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(broken(error)),
            }
        }
        let empty = filled == 0 && !self.first;
        if empty || (filled == BLOCK && bytes.iter().all(|byte| *byte == 0)) {
            return Ok(None);
        }
        if filled < BLOCK || !is_header(&header) {
            return Err(if self.first { ArchiveError::NoArchive } else { damaged("a header") });
        }
        self.first = false;
        // A directory or link has no content, whatever it says its size is.
        let size = match header.entry_type() {
            EntryType::Directory | EntryType::Symlink | EntryType::Link | EntryType::Fifo => 0,
            _ => header.entry_size().map_err(|_| damaged("a size"))?,
        };
        self.expect(size);
        Ok(Some(header))
    }

    fn pass_over(&mut self) -> Result<()> {
        let rest = self.left.saturating_add(self.padding);
        let passed = io::copy(&mut self.source.take(rest), &mut io::sink()).map_err(broken)?;
        if passed < rest {
            return Err(damaged("its end"));
        }
        (self.left, self.padding) = (0, 0);
        Ok(())
    }
}

/// Adds offsets and lengths.
fn add(pieces: &[tar::GnuSparseHeader], numbers: &mut Vec<u64>) -> Result<()> {
    let bad = |_| damaged("a sparse header");
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        numbers.extend([piece.offset().map_err(bad)?, piece.length().map_err(bad)?]);
    }
    Ok(())
}

/// Whether the checksum is right: the sum of all bytes, its own taken as spaces.
fn is_header(header: &Header) -> bool {
    let bytes = header.as_bytes();
    let sum: u32 = bytes[..148].iter().chain(&bytes[156..]).map(|byte| u32::from(*byte)).sum();
    header.cksum().is_ok_and(|found| found == sum + 8 * u32::from(b' '))
}

/// Long names end with a NUL.
fn text(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.last() == Some(&0) {
        bytes.pop();
    }
    bytes
}
