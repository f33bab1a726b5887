//! Tar archives: reading hostile ones, writing pax.

use std::collections::HashMap;
use std::io::{self, Read, Write};

use cowry_vfs::{DirEntry, FileType, Ino, Layer, Stat, Timestamp, VPathBuf};
use tar::{Archive, Builder, EntryType, Header};

use super::copy::{Visit, holes, walk};
use super::sink::{Entry, PIECE, Sink, unreadable};
use super::{HOLES_MAX, Progress, Totals};
use crate::error::{Error, Result};

const NANOS: i128 = 1_000_000_000;
/// Why a file with too large holes is left out.
const TOO_HOLLOW: &str = "its holes would be too many bytes of zeros";

/// Unpacks every entry of an archive.
pub(super) fn unpack(archive: &mut dyn Read, sink: &mut Sink<'_>) -> Result<()> {
    let mut archive = Archive::new(uncompressed(archive)?);
    let mut holes = HOLES_MAX;
    for entry in archive.entries().map_err(broken)? {
        unpack_entry(entry.map_err(broken)?, &mut holes, sink)?;
    }
    Ok(())
}

/// Looks at the first bytes, since a compressed archive would only be called damaged.
fn uncompressed(archive: &mut dyn Read) -> Result<impl Read + '_> {
    let mut head = [0; 6];
    let mut filled = 0;
    while filled < head.len() {
        match archive.read(&mut head[filled..]).map_err(broken)? {
            0 => break,
            n => filled += n,
        }
    }
    let compressed = [&b"\x1f\x8b"[..], b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"];
    if compressed.iter().any(|magic| head[..filled].starts_with(magic)) {
        return Err(Error::Usage(
            "the archive is compressed: uncompress it first, for example with gunzip".into(),
        ));
    }
    Ok(io::Cursor::new(head).take(filled as u64).chain(archive))
}

/// `holes` is how many bytes of them may still come.
fn unpack_entry<R: Read>(mut entry: tar::Entry<'_, R>, holes: &mut u64, sink: &mut Sink<'_>) -> Result<()> {
    let raw = entry.path_bytes().into_owned();
    let shown = String::from_utf8_lossy(&raw).into_owned();
    let path = match safe_path(&raw) {
        Ok(path) if path.is_root() => return Ok(()),
        Ok(path) => path,
        Err(reason) => {
            sink.skip(shown, reason);
            return Ok(());
        }
    };
    let kind = entry.header().entry_type();
    let mode = entry.header().mode().map_err(broken)? & 0o7777;
    let mtime = modified(&mut entry)?;
    match kind {
        EntryType::Directory => sink.put(Entry::Directory { path, mode, mtime }),
        EntryType::GNUSparse => {
            let packed = entry.header().entry_size().map_err(broken)?;
            match holes.checked_sub(entry.size().saturating_sub(packed)) {
                Some(left) => *holes = left,
                None => {
                    sink.skip(shown, TOO_HOLLOW);
                    return Ok(());
                }
            }
            unpack_file(&mut entry, path, mode, mtime, sink)
        }
        EntryType::Regular | EntryType::Continuous => unpack_file(&mut entry, path, mode, mtime, sink),
        EntryType::Symlink | EntryType::Link => {
            let target = entry.link_name_bytes().map(|name| name.into_owned()).unwrap_or_default();
            match link(kind, path, &target, mtime) {
                Ok(entry) => sink.put(entry),
                Err(reason) => {
                    sink.skip(shown, reason);
                    Ok(())
                }
            }
        }
        EntryType::XGlobalHeader => Ok(()),
        _ => {
            sink.skip(shown, "it is no file, directory or link");
            Ok(())
        }
    }
}

fn link(
    kind: EntryType,
    path: VPathBuf,
    target: &[u8],
    mtime: Timestamp,
) -> std::result::Result<Entry, &'static str> {
    if kind == EntryType::Link {
        return Ok(Entry::Link { path, to: safe_path(target)? });
    }
    let target = std::str::from_utf8(target).map_err(|_| "its target is not UTF-8")?;
    Ok(Entry::Symlink { path, target: target.into(), mtime })
}

fn unpack_file<R: Read>(
    entry: &mut tar::Entry<'_, R>,
    path: VPathBuf,
    mode: u32,
    mtime: Timestamp,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let mut content = piece(entry)?;
    let mut more = content.len() == PIECE;
    let mut at = content.len() as u64;
    sink.put(Entry::File { path: path.clone(), mode, mtime, content })?;
    while more {
        content = piece(entry)?;
        more = content.len() == PIECE;
        let length = content.len() as u64;
        if !content.is_empty() {
            sink.put(Entry::More { path: path.clone(), mtime, at, content })?;
        }
        at += length;
    }
    Ok(())
}

/// The next piece; allocates what arrives, never what a header promises.
fn piece(reader: &mut impl Read) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    reader.take(PIECE as u64).read_to_end(&mut content).map_err(broken)?;
    Ok(content)
}

/// A path of an archive, relative to where it is unpacked.
fn safe_path(raw: &[u8]) -> std::result::Result<VPathBuf, &'static str> {
    let text = std::str::from_utf8(raw).map_err(|_| "its name is not UTF-8")?;
    if text.split('/').any(|part| part == "..") {
        return Err("its name has \"..\" in it");
    }
    VPathBuf::parse(if text.is_empty() { "/" } else { text }).map_err(|_| "its name is too long or has a NUL")
}

/// The time of a pax header, to the nanosecond, or else that of the plain one.
fn modified<R: Read>(entry: &mut tar::Entry<'_, R>) -> Result<Timestamp> {
    let mut seconds = i128::from(entry.header().mtime().map_err(broken)?);
    let mut nanos = 0;
    for extension in entry.pax_extensions().map_err(broken)?.into_iter().flatten().flatten() {
        if let (Ok("mtime"), Ok(text)) = (extension.key(), extension.value())
            && let Some((whole, fraction)) = decimal(text)
        {
            (seconds, nanos) = (whole, fraction);
        }
    }
    let clamped = (seconds * NANOS + nanos).clamp(i128::from(i64::MIN), i128::from(i64::MAX));
    Ok(Timestamp(clamped as i64))
}

/// Reads `-12.5` as seconds (rounded down) and nanoseconds past them.
fn decimal(text: &str) -> Option<(i128, i128)> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = i128::from(whole.parse::<u64>().ok()?);
    let fraction: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let nanos = whole * NANOS + i128::from(fraction.parse::<u64>().ok()?);
    let nanos = if negative { -nanos } else { nanos };
    Some((nanos.div_euclid(NANOS), nanos.rem_euclid(NANOS)))
}

/// Packs everything below `root`.
pub(super) fn pack(
    layer: &dyn Layer,
    root: Ino,
    archive: &mut dyn Write,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Totals> {
    let mut packer = Packer {
        layer,
        builder: Builder::new(archive),
        holes: HOLES_MAX,
        linked: HashMap::new(),
        totals: Totals::default(),
    };
    let mut progress = Progress::default();
    walk(layer, root, &mut |visit| {
        match visit {
            Visit::Entry(path, entry) => packer.entry(path, entry)?,
            Visit::Closed(path, error) => packer.totals.skip(path.as_str(), error.to_string()),
        }
        progress.entries += 1;
        progress.bytes = packer.totals.bytes;
        on_progress(progress);
        Ok(())
    })?;
    packer.builder.finish().map_err(unwritable)?;
    packer.builder.get_mut().flush().map_err(unwritable)?;
    Ok(packer.totals)
}

struct Packer<'a> {
    layer: &'a dyn Layer,
    builder: Builder<&'a mut dyn Write>,
    /// How many bytes of holes may still come.
    holes: u64,
    /// The first name of each file that has several.
    linked: HashMap<Ino, String>,
    totals: Totals,
}

impl Packer<'_> {
    fn entry(&mut self, path: &VPathBuf, entry: &DirEntry) -> Result<()> {
        let stat = &entry.stat;
        let name = &path.as_str()[1..];
        if let Some(first) = self.linked.get(&stat.ino).cloned() {
            self.totals.hard_links += 1;
            return self.write(name, stat, EntryType::Link, Some(&first), 0);
        }
        if stat.is_file() && !self.affords(path, stat)? {
            self.totals.skip(name, TOO_HOLLOW);
            return Ok(());
        }
        if stat.nlink > 1 && !stat.is_dir() {
            self.linked.insert(stat.ino, name.to_owned());
        }
        match stat.kind {
            FileType::Directory => {
                self.totals.directories += 1;
                self.write(&format!("{name}/"), stat, EntryType::Directory, None, 0)
            }
            FileType::Regular => {
                self.totals.files += 1;
                self.totals.bytes += stat.size;
                self.write(name, stat, EntryType::Regular, None, stat.size)
            }
            FileType::Symlink => {
                self.totals.symlinks += 1;
                let target = self.layer.readlink(stat.ino).map_err(|error| unreadable(path, error))?;
                self.write(name, stat, EntryType::Symlink, Some(&target), 0)
            }
            _ => {
                self.totals.skip(name, "it is no file, directory or symbolic link");
                Ok(())
            }
        }
    }

    /// Whether the holes of a file may still be written; if so, they count.
    fn affords(&mut self, path: &VPathBuf, stat: &Stat) -> Result<bool> {
        let holes = holes(self.layer, stat, self.holes).map_err(|error| unreadable(path, error))?;
        let left = self.holes.checked_sub(holes);
        self.holes = left.unwrap_or(self.holes);
        Ok(left.is_some())
    }

    fn write(
        &mut self,
        name: &str,
        stat: &Stat,
        kind: EntryType,
        link: Option<&str>,
        size: u64,
    ) -> Result<()> {
        let mut header = Header::new_ustar();
        let mut extensions: Vec<(&str, String)> = Vec::new();
        let (seconds, nanos) = stat.mtime.split();
        if seconds < 0 || nanos > 0 {
            extensions.push(("mtime", exact(stat.mtime)));
        }
        if !fits(name) {
            extensions.push(("path", name.into()));
        }
        if let Some(link) = link
            && !fits(link)
        {
            extensions.push(("linkpath", link.into()));
        }
        if size >= 1 << 33 {
            extensions.push(("size", size.to_string()));
        }
        header.set_entry_type(kind);
        header.set_mode(stat.mode);
        header.set_uid(u64::from(stat.uid));
        header.set_gid(u64::from(stat.gid));
        header.set_mtime(u64::try_from(seconds).unwrap_or(0));
        header.set_size(size);
        put(&mut header.as_old_mut().name, name);
        put(&mut header.as_old_mut().linkname, link.unwrap_or_default());
        header.set_cksum();
        let extensions = extensions.iter().map(|(key, value)| (*key, value.as_bytes()));
        self.builder.append_pax_extensions(extensions).map_err(unwritable)?;
        let content = Content { layer: self.layer, ino: stat.ino, offset: 0, end: size };
        self.builder.append(&header, content).map_err(unwritable)
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

/// Seconds with a fraction, as pax writes times.
fn exact(time: Timestamp) -> String {
    let sign = if time.0 < 0 { "-" } else { "" };
    let nanos = i128::from(time.0).abs();
    format!("{sign}{}.{:09}", nanos / NANOS, nanos % NANOS)
}

/// The content of a file as a stream of exactly the length that the header promised.
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

fn broken(error: io::Error) -> Error {
    Error::Stream { what: "read the archive", source: error }
}

fn unwritable(error: io::Error) -> Error {
    Error::Stream { what: "write the archive", source: error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_out_are_not_taken() {
        for (raw, safe) in [
            ("a/b", Some("/a/b")),
            ("/etc/passwd", Some("/etc/passwd")),
            ("./a//b/", Some("/a/b")),
            ("./", Some("/")),
            ("", Some("/")),
            ("../a", None),
            ("a/../../b", None),
            ("a/..", None),
        ] {
            assert_eq!(safe_path(raw.as_bytes()).ok().as_ref().map(VPathBuf::as_str), safe, "{raw}");
        }
        assert!(safe_path(b"a\xff").is_err());
        assert!(safe_path(b"a\0b").is_err());
    }

    #[test]
    fn times_read_and_written() {
        for (text, nanos) in
            [("12", 12_000_000_000), ("1.5", 1_500_000_000), ("-0.5", -500_000_000), ("0.000000001", 1)]
        {
            let (seconds, rest) = decimal(text).expect(text);
            assert_eq!(seconds * NANOS + rest, nanos, "{text}");
        }
        assert_eq!(decimal("soon"), None);
        assert_eq!(exact(Timestamp(-500_000_000)), "-0.500000000");
        assert_eq!(exact(Timestamp(1_500_000_000)), "1.500000000");
    }
}
