//! Writing archives: plain headers, and pax records for what does not fit them.

use std::collections::HashMap;
use std::io::{self, Read, Write};

use tar::{EntryType, Header};

use super::holes::pieces;
use super::pax::{Records, exact};
use super::sparse::Map;
use super::{ArchiveError, Result};
use crate::errno::{Errno, NodeResult};
use crate::layer::Layer;
use crate::mount::MountId;
use crate::node::{FileType, Ino, Stat};

const BLOCK: usize = 512;
/// Sizes and owners from here on do not fit a plain header.
const SIZE_MAX: u64 = 1 << 33;
const OWNER_MAX: u32 = 1 << 21;

/// An archive that is being written. Nothing is at its end before [`Packer::finish`].
pub struct Packer<'a> {
    archive: &'a mut dyn Write,
    /// The first name of each file that has several.
    linked: HashMap<(Option<MountId>, Ino), String>,
}

/// What became of one node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Packed {
    /// A member of its own.
    Whole,
    /// One more name of a member that came before.
    Link,
    /// It is left out: no file, directory, link or FIFO.
    Unfit,
}

/// One member: what its headers say.
struct Head<'a> {
    name: &'a str,
    stat: &'a Stat,
    kind: EntryType,
    link: &'a str,
    size: u64,
}

impl<'a> Packer<'a> {
    /// Writes into `archive`, in pieces.
    pub fn new(archive: &'a mut dyn Write) -> Packer<'a> {
        Packer { archive, linked: HashMap::new() }
    }

    /// Adds a node of a layer under a name without a leading slash. Nodes of one mount are told apart by their numbers.
    ///
    /// # Errors
    /// [`ArchiveError::Node`] if it cannot be read, and then nothing of it was written; [`ArchiveError::Write`] also if
    /// a file is cut off meanwhile.
    pub fn add(
        &mut self,
        layer: &dyn Layer,
        mount: Option<MountId>,
        name: &str,
        stat: &Stat,
    ) -> Result<Packed> {
        if let Some(first) = self.linked.get(&(mount, stat.ino)).cloned() {
            let head = Head { name, stat, kind: EntryType::Link, link: &first, size: 0 };
            self.headers(&head, Records::default())?;
            return Ok(Packed::Link);
        }
        let records = attributes(layer, stat).map_err(ArchiveError::Node)?;
        let plain = |name, kind| Head { name, stat, kind, link: "", size: 0 };
        match stat.kind {
            FileType::Directory => {
                self.headers(&plain(&format!("{name}/"), EntryType::Directory), records)?;
            }
            FileType::Regular => self.file(layer, name, stat, records)?,
            FileType::Symlink => {
                let target = layer.readlink(stat.ino).map_err(ArchiveError::Node)?;
                let head = Head { link: &target, ..plain(name, EntryType::Symlink) };
                self.headers(&head, records)?;
            }
            FileType::Fifo => self.headers(&plain(name, EntryType::Fifo), records)?,
            _ => return Ok(Packed::Unfit),
        }
        if stat.nlink > 1 && !stat.is_dir() {
            self.linked.insert((mount, stat.ino), name.to_owned());
        }
        Ok(Packed::Whole)
    }

    /// Writes the end.
    ///
    /// # Errors
    /// [`ArchiveError::Write`].
    pub fn finish(mut self) -> Result<()> {
        self.put(&[0; 2 * BLOCK])?;
        self.archive.flush().map_err(ArchiveError::Write)
    }

    /// A file with holes is written as GNU tar 1.0 writes one: a map of its pieces, then the pieces.
    fn file(&mut self, layer: &dyn Layer, name: &str, stat: &Stat, mut records: Records) -> Result<()> {
        let head = Head { name, stat, kind: EntryType::Regular, link: "", size: stat.size };
        let Some(pieces) = pieces(layer, stat).map_err(ArchiveError::Node)? else {
            self.headers(&head, records)?;
            self.content(layer, stat.ino, 0, stat.size)?;
            return self.fill(stat.size);
        };
        let map = Map::to_write(pieces, stat.size);
        let before = map.head();
        let size = before.len() as u64 + map.content();
        for (key, value) in [("major", "1"), ("minor", "0"), ("name", name)] {
            records.push(&format!("GNU.sparse.{key}"), value.as_bytes());
        }
        records.push("GNU.sparse.realsize", map.size.to_string().as_bytes());
        // What does not know of holes shows the map and the pieces under this name.
        let (folder, file) = name.rsplit_once('/').map_or((".", name), |split| split);
        let other = format!("{folder}/GNUSparseFile.0/{file}");
        self.headers(&Head { name: &other, size, ..head }, records)?;
        self.put(&before)?;
        for (offset, length) in &map.pieces {
            self.content(layer, stat.ino, *offset, *length)?;
        }
        self.fill(size)
    }

    fn headers(&mut self, head: &Head<'_>, mut records: Records) -> Result<()> {
        let Head { name, stat, kind, link, size } = *head;
        let (seconds, nanos) = stat.mtime.split();
        if seconds < 0 || nanos > 0 {
            records.push("mtime", exact(stat.mtime).as_bytes());
        }
        for (key, text) in [("path", name), ("linkpath", link)] {
            if !fits(text) {
                records.push(key, text.as_bytes());
            }
        }
        let numbers = [
            ("size", size, size >= SIZE_MAX),
            ("uid", stat.uid.into(), stat.uid >= OWNER_MAX),
            ("gid", stat.gid.into(), stat.gid >= OWNER_MAX),
        ];
        for (key, number, _) in numbers.iter().filter(|(_, _, large)| *large) {
            records.push(key, number.to_string().as_bytes());
        }
        self.records(name, records.bytes())?;
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(stat.mode);
        header.set_uid(if stat.uid < OWNER_MAX { stat.uid.into() } else { 0 });
        header.set_gid(if stat.gid < OWNER_MAX { stat.gid.into() } else { 0 });
        header.set_mtime(u64::try_from(seconds).unwrap_or(0));
        header.set_size(if size < SIZE_MAX { size } else { 0 });
        put(&mut header.as_old_mut().name, name);
        put(&mut header.as_old_mut().linkname, link);
        header.set_cksum();
        self.put(header.as_bytes())
    }

    /// The header before the header.
    fn records(&mut self, name: &str, records: &[u8]) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::XHeader);
        header.set_mode(0o644);
        header.set_size(records.len() as u64);
        put(&mut header.as_old_mut().name, &format!("PaxHeaders.0/{}", name.trim_end_matches('/')));
        header.set_cksum();
        self.put(header.as_bytes())?;
        self.put(records)?;
        self.fill(records.len() as u64)
    }

    /// Exactly the length that the header promised.
    fn content(&mut self, layer: &dyn Layer, ino: Ino, offset: u64, length: u64) -> Result<()> {
        let mut content = Content { layer, ino, offset, end: offset + length };
        io::copy(&mut content, &mut self.archive).map(drop).map_err(ArchiveError::Write)
    }

    fn fill(&mut self, size: u64) -> Result<()> {
        let rest = size.wrapping_neg() as usize % BLOCK;
        self.put(&[0; BLOCK][..rest])
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.archive.write_all(bytes).map_err(ArchiveError::Write)
    }
}

/// The extended attributes of a node, as records.
fn attributes(layer: &dyn Layer, stat: &Stat) -> NodeResult<Records> {
    let mut records = Records::default();
    if !layer.features().xattrs || !(stat.is_file() || stat.is_dir()) {
        return Ok(records);
    }
    for name in layer.listxattr(stat.ino)? {
        match layer.getxattr(stat.ino, &name) {
            Ok(value) => records.xattr(&name, &value),
            Err(error) if error == Errno::ENODATA => {}
            Err(error) => return Err(error),
        }
    }
    Ok(records)
}

/// Whether a name fits the plain header: a hundred ASCII characters.
fn fits(name: &str) -> bool {
    name.len() <= 100 && name.is_ascii()
}

/// Fills a field of the plain header with what fits; readers of pax take the whole name from there.
fn put(field: &mut [u8; 100], name: &str) {
    let length = name.len().min(field.len());
    field[..length].copy_from_slice(&name.as_bytes()[..length]);
}

/// The content of a file as a stream.
struct Content<'a> {
    layer: &'a dyn Layer,
    ino: Ino,
    offset: u64,
    end: u64,
}

impl Read for Content<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(usize::try_from(self.end - self.offset).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let piece = self.layer.read(self.ino, self.offset, wanted).map_err(io::Error::other)?;
        if piece.is_empty() {
            return Err(io::Error::other("the file was cut off while it was being read"));
        }
        buffer[..piece.len()].copy_from_slice(&piece);
        self.offset += piece.len() as u64;
        Ok(piece.len())
    }
}
