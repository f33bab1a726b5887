//! Tar archives into a sink, and a directory of a layer into an archive.

mod pack;

use std::io::Read;

use cowry_vfs::VPathBuf;
use cowry_vfs::archive::{ArchiveError, EntryType, Map, Member, Members, safe_path, uncompressed};

use super::sink::{Attributes, Entry, PIECE, Sink};
use crate::error::{Error, Result};

pub(super) use pack::pack;

/// Unpacks every entry of an archive.
pub(super) fn unpack(archive: &mut dyn Read, sink: &mut Sink<'_>) -> Result<()> {
    let mut archive = uncompressed(archive).map_err(refused)?;
    let mut members = Members::new(&mut archive);
    while let Some(member) = members.next_member().map_err(refused)? {
        unpack_member(member, &mut members, sink)?;
    }
    Ok(())
}

/// Whether what begins like this is an archive.
pub(super) fn recognise(head: &mut dyn Read) -> Result<()> {
    let mut head = uncompressed(head).map_err(refused)?;
    Members::new(&mut head).first().map_err(refused)
}

/// What is wrong with an archive, in words that say what to do here.
fn refused(error: ArchiveError) -> Error {
    match error {
        ArchiveError::NoArchive => {
            Error::Usage("this is no tar archive: import a folder or an archive, put a single file".into())
        }
        ArchiveError::Read(source) => Error::Stream { what: "read the archive", source },
        ArchiveError::Write(source) => Error::Stream { what: "write the archive", source },
        other => Error::Usage(other.to_string()),
    }
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
    let content = members.piece(PIECE).map_err(refused)?;
    let mut at = content.len() as u64;
    sink.put(Entry::File { path: path.clone(), attributes, content })?;
    loop {
        let content = members.piece(PIECE).map_err(refused)?;
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
    map: &Map,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let mtime = attributes.mtime;
    sink.put(Entry::File { path: path.clone(), attributes, content: Vec::new() })?;
    for (offset, length) in &map.pieces {
        let (mut at, end) = (*offset, offset + length);
        while at < end {
            let most = PIECE.min(usize::try_from(end - at).unwrap_or(PIECE));
            let content = members.piece(most).map_err(refused)?;
            let length = content.len() as u64;
            sink.put(Entry::More { path: path.clone(), mtime, at, content })?;
            at += length;
        }
    }
    sink.put(Entry::Size { path, mtime, size: map.size })
}
