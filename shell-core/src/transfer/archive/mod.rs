//! Tar archives: reading hostile ones, writing pax.

mod pack;
mod pax;
mod read;
mod sparse;

use std::io::{self, Read};

use cowry_vfs::VPathBuf;
use tar::EntryType;

use self::read::{Member, Members, broken};
use super::sink::{Attributes, Entry, PIECE, Sink};
use crate::error::{Error, Result};

pub(super) use pack::pack;

/// Unpacks every entry of an archive.
pub(super) fn unpack(archive: &mut dyn Read, sink: &mut Sink<'_>) -> Result<()> {
    let mut archive = uncompressed(archive)?;
    let mut members = Members::new(&mut archive);
    while let Some(member) = members.next()? {
        unpack_member(member, &mut members, sink)?;
    }
    Ok(())
}

/// Whether what begins like this is an archive.
pub(super) fn recognise(head: &mut dyn Read) -> Result<()> {
    Members::new(&mut uncompressed(head)?).first()
}

/// Looks at the first bytes, since a compressed archive would only be called none.
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

fn unpack_member(member: Member, members: &mut Members<'_>, sink: &mut Sink<'_>) -> Result<()> {
    match safe_path(&member.name) {
        Ok(path) if path.is_root() => Ok(()),
        Ok(path) => unpack_at(path, member, members, sink),
        Err(reason) => {
            sink.skip(String::from_utf8_lossy(&member.name).into_owned(), reason);
            Ok(())
        }
    }
}

fn unpack_at(path: VPathBuf, member: Member, members: &mut Members<'_>, sink: &mut Sink<'_>) -> Result<()> {
    let shown = path.as_str().to_owned();
    let skip = |sink: &mut Sink<'_>, reason: &str| {
        sink.skip(shown.clone(), reason);
        Ok(())
    };
    let (kind, link) = (member.kind, member.link);
    let attributes = Attributes {
        mode: member.mode,
        mtime: member.mtime,
        owner: Some(member.owner),
        xattrs: member.xattrs,
    };
    match kind {
        EntryType::Directory => sink.put(Entry::Directory { path, attributes }),
        // The oldest archives mark a directory by a slash.
        EntryType::Regular if member.name.ends_with(b"/") => sink.put(Entry::Directory { path, attributes }),
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => match member.map {
            None => unpack_file(members, path, attributes, sink),
            Some(map) => unpack_sparse(members, path, attributes, &map, sink),
        },
        EntryType::Symlink => match String::from_utf8(link) {
            Ok(target) => sink.put(Entry::Symlink { path, target, attributes }),
            Err(_) => skip(sink, "its target is not UTF-8"),
        },
        EntryType::Link => match safe_path(&link) {
            Ok(to) => sink.put(Entry::Link { path, to }),
            Err(reason) => skip(sink, reason),
        },
        EntryType::Fifo => sink.put(Entry::Fifo { path, attributes }),
        _ => skip(sink, "it is no file, directory, link or FIFO"),
    }
}

fn unpack_file(
    members: &mut Members<'_>,
    path: VPathBuf,
    attributes: Attributes,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let mtime = attributes.mtime;
    let content = members.piece(PIECE)?;
    let mut at = content.len() as u64;
    sink.put(Entry::File { path: path.clone(), attributes, content })?;
    loop {
        let content = members.piece(PIECE)?;
        let length = content.len() as u64;
        if content.is_empty() {
            return Ok(());
        }
        sink.put(Entry::More { path: path.clone(), mtime, at, content })?;
        at += length;
    }
}

/// Puts the pieces where they belong and leaves the holes out.
fn unpack_sparse(
    members: &mut Members<'_>,
    path: VPathBuf,
    attributes: Attributes,
    map: &sparse::Map,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let mtime = attributes.mtime;
    sink.put(Entry::File { path: path.clone(), attributes, content: Vec::new() })?;
    for (offset, length) in &map.pieces {
        let (mut at, end) = (*offset, offset + length);
        while at < end {
            let most = PIECE.min(usize::try_from(end - at).unwrap_or(PIECE));
            let content = members.piece(most)?;
            let length = content.len() as u64;
            sink.put(Entry::More { path: path.clone(), mtime, at, content })?;
            at += length;
        }
    }
    sink.put(Entry::Size { path, mtime, size: map.size })
}

/// A path of an archive, relative to where it is unpacked.
fn safe_path(raw: &[u8]) -> std::result::Result<VPathBuf, &'static str> {
    let text = std::str::from_utf8(raw).map_err(|_| "its name is not UTF-8")?;
    if text.split('/').any(|part| part == "..") {
        return Err("its name has \"..\" in it");
    }
    VPathBuf::parse(if text.is_empty() { "/" } else { text }).map_err(|_| "its name is too long or has a NUL")
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
}
