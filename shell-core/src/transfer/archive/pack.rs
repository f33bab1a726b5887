//! Writing archives: plain headers, and pax records for what does not fit them.

use std::collections::HashMap;
use std::io::{self, Read, Write};

use cowry_vfs::{DirEntry, Errno, FileType, Ino, Layer, NodeResult, Stat, VPathBuf};
use tar::{EntryType, Header};

use super::pax::{Records, exact};
use super::sparse::Map;
use crate::error::{Error, Result};
use crate::transfer::copy::{Visit, pieces, walk};
use crate::transfer::sink::{is_closed, unreadable};
use crate::transfer::{Progress, Totals};

const BLOCK: usize = 512;
/// Sizes and owners from here on do not fit a plain header.
const SIZE_MAX: u64 = 1 << 33;
const OWNER_MAX: u32 = 1 << 21;

/// Packs everything below `root`.
pub(crate) fn pack(
    layer: &dyn Layer,
    root: Ino,
    archive: &mut dyn Write,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Totals> {
    let mut packer = Packer { layer, archive, linked: HashMap::new(), totals: Totals::default() };
    let mut progress = Progress::default();
    walk(layer, root, &mut |visit| {
        match visit {
            Visit::Directory(..) => return Ok(()),
            Visit::Entry(path, entry) => packer.entry(path, entry)?,
            Visit::Closed(path, error) => packer.totals.skip(path.as_str(), error.to_string()),
        }
        progress.entries += 1;
        progress.bytes = packer.totals.bytes;
        on_progress(progress);
        Ok(())
    })?;
    packer.put(&[0; 2 * BLOCK])?;
    packer.archive.flush().map_err(unwritable)?;
    Ok(packer.totals)
}

struct Packer<'a> {
    layer: &'a dyn Layer,
    archive: &'a mut dyn Write,
    /// The first name of each file that has several.
    linked: HashMap<Ino, String>,
    totals: Totals,
}

/// One member: what its headers say.
struct Member<'a> {
    name: &'a str,
    stat: &'a Stat,
    kind: EntryType,
    link: &'a str,
    size: u64,
}

impl Packer<'_> {
    fn entry(&mut self, path: &VPathBuf, entry: &DirEntry) -> Result<()> {
        let stat = &entry.stat;
        let name = &path.as_str()[1..];
        if let Some(first) = self.linked.get(&stat.ino).cloned() {
            self.totals.hard_links += 1;
            let member = Member { name, stat, kind: EntryType::Link, link: &first, size: 0 };
            return self.headers(&member, Records::default());
        }
        let records = match self.attributes(stat) {
            Err(error) if is_closed(&error) => {
                self.totals.skip(name, error.to_string());
                return Ok(());
            }
            records => records.map_err(|error| unreadable(path, error))?,
        };
        if stat.nlink > 1 && !stat.is_dir() {
            self.linked.insert(stat.ino, name.to_owned());
        }
        let plain = |name, kind| Member { name, stat, kind, link: "", size: 0 };
        match stat.kind {
            FileType::Directory => {
                self.totals.directories += 1;
                self.headers(&plain(&format!("{name}/"), EntryType::Directory), records)
            }
            FileType::Regular => self.file(path, stat, records),
            FileType::Symlink => {
                self.totals.symlinks += 1;
                let target = self.layer.readlink(stat.ino).map_err(|error| unreadable(path, error))?;
                let member = Member { link: &target, ..plain(name, EntryType::Symlink) };
                self.headers(&member, records)
            }
            FileType::Fifo => self.headers(&plain(name, EntryType::Fifo), records),
            _ => {
                self.linked.remove(&stat.ino);
                self.totals.skip(name, "it is no file, directory, link or FIFO");
                Ok(())
            }
        }
    }

    /// The extended attributes of a node, as records.
    fn attributes(&self, stat: &Stat) -> NodeResult<Records> {
        let mut records = Records::default();
        if !self.layer.features().xattrs || !(stat.is_file() || stat.is_dir()) {
            return Ok(records);
        }
        for name in self.layer.listxattr(stat.ino)? {
            match self.layer.getxattr(stat.ino, &name) {
                Ok(value) => records.xattr(&name, &value),
                Err(error) if error == Errno::ENODATA => {}
                Err(error) => return Err(error),
            }
        }
        Ok(records)
    }

    /// A file with holes is written as GNU tar 1.0 writes one: a map of its pieces, then the pieces.
    fn file(&mut self, path: &VPathBuf, stat: &Stat, mut records: Records) -> Result<()> {
        let failed = |error| unreadable(path, error);
        let name = &path.as_str()[1..];
        self.totals.files += 1;
        self.totals.bytes += stat.size;
        let member = Member { name, stat, kind: EntryType::Regular, link: "", size: stat.size };
        let Some(pieces) = pieces(self.layer, stat).map_err(failed)? else {
            self.headers(&member, records)?;
            self.content(stat.ino, 0, stat.size)?;
            return self.fill(stat.size);
        };
        let map = Map::to_write(pieces, stat.size);
        let head = map.head();
        let size = head.len() as u64 + map.content();
        for (key, value) in [("major", "1"), ("minor", "0"), ("name", name)] {
            records.push(&format!("GNU.sparse.{key}"), value.as_bytes());
        }
        records.push("GNU.sparse.realsize", map.size.to_string().as_bytes());
        // What does not know of holes shows the map and the pieces under this name.
        let (folder, file) = name.rsplit_once('/').map_or((".", name), |split| split);
        let other = format!("{folder}/GNUSparseFile.0/{file}");
        self.headers(&Member { name: &other, size, ..member }, records)?;
        self.put(&head)?;
        for (offset, length) in &map.pieces {
            self.content(stat.ino, *offset, *length)?;
        }
        self.fill(size)
    }

    fn headers(&mut self, member: &Member<'_>, mut records: Records) -> Result<()> {
        let Member { name, stat, kind, link, size } = *member;
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
    fn content(&mut self, ino: Ino, offset: u64, length: u64) -> Result<()> {
        let mut content = Content { layer: self.layer, ino, offset, end: offset + length };
        io::copy(&mut content, &mut self.archive).map(drop).map_err(unwritable)
    }

    fn fill(&mut self, size: u64) -> Result<()> {
        let rest = size.wrapping_neg() as usize % BLOCK;
        self.put(&[0; BLOCK][..rest])
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.archive.write_all(bytes).map_err(unwritable)
    }
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

fn unwritable(error: io::Error) -> Error {
    Error::Stream { what: "write the archive", source: error }
}
