//! From a directory of one layer into a sink.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use cowry_vfs::archive::{data_after, has_no_holes};
use cowry_vfs::{Errno, FileType, Ino, Layer, NodeResult, Stat, VPathBuf};

use super::sink::{Attributes, Entry, PIECE, Sink, is_closed, unreadable};
use super::walk::{Lost, Visit, walk};
use crate::error::Result;

/// Tells which names in a directory a layer does not show.
pub(super) type Unshown<'a> = &'a dyn Fn(Ino) -> NodeResult<Vec<OsString>>;

/// Copies everything below `root`, parents before what is in them, in name order.
pub(super) fn copy(
    layer: &dyn Layer,
    root: Ino,
    (unshown, lost): (Unshown<'_>, Lost<'_>),
    sink: &mut Sink<'_>,
) -> Result<()> {
    let mut linked = HashMap::new();
    walk(layer, root, lost, &mut |visit| {
        let (path, entry) = match visit {
            Visit::Directory(path, ino) => return skip_unshown(&path, unshown(ino), sink),
            Visit::Entry(path, entry) => (path, entry),
            Visit::Closed(path, why) => {
                sink.skip(path.as_str(), why);
                return Ok(());
            }
        };
        let stat = &entry.stat;
        if stat.nlink > 1 && !stat.is_dir() {
            if let Some(first) = linked.get(&stat.ino) {
                return sink.put(Entry::Link { path, to: VPathBuf::clone(first) });
            }
            linked.insert(stat.ino, path.clone());
        }
        let attributes = match attributes(layer, stat) {
            Err(error) if is_closed(&error) && !stat.is_dir() => {
                sink.skip(path.as_str(), error.to_string());
                return Ok(());
            }
            attributes => attributes.map_err(|error| unreadable(&path, error)),
        };
        match stat.kind {
            FileType::Directory => sink.put(Entry::Directory { path, attributes: attributes? }),
            FileType::Symlink => symlink(layer, &path, stat, attributes?, sink),
            FileType::Fifo => sink.put(Entry::Fifo { path, attributes: attributes? }),
            FileType::Regular => file(layer, &path, stat, attributes?, sink),
            _ => {
                sink.skip(path.as_str(), "it is no file, directory, link or FIFO");
                Ok(())
            }
        }
    })
}

/// Names that are not UTF-8 cannot be names here; what has them is left out, with all that is below it.
fn skip_unshown(path: &VPathBuf, names: NodeResult<Vec<OsString>>, sink: &mut Sink<'_>) -> Result<()> {
    let names = match names {
        // Listing the directory says so next.
        Err(error) if is_closed(&error) => return Ok(()),
        names => names.map_err(|error| unreadable(path, error))?,
    };
    for name in names {
        let folder = path.trim_end_matches('/');
        sink.skip(format!("{folder}/{}", escaped(name.as_bytes())), "its name is not UTF-8");
    }
    Ok(())
}

/// Text as it is, and bytes that are none as `\xff`.
fn escaped(bytes: &[u8]) -> String {
    let chunks = bytes.utf8_chunks();
    chunks.map(|chunk| format!("{}{}", chunk.valid(), chunk.invalid().escape_ascii())).collect()
}

fn symlink(
    layer: &dyn Layer,
    path: &VPathBuf,
    stat: &Stat,
    attributes: Attributes,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let target = match layer.readlink(stat.ino) {
        Err(error) if error == Errno::EILSEQ => {
            sink.skip(path.as_str(), "its target is not UTF-8");
            return Ok(());
        }
        Err(error) if is_closed(&error) => {
            sink.skip(path.as_str(), error.to_string());
            return Ok(());
        }
        target => target.map_err(|error| unreadable(path, error))?,
    };
    sink.put(Entry::Symlink { path: path.clone(), target, attributes })
}

/// What there is beside content and kind.
fn attributes(layer: &dyn Layer, stat: &Stat) -> NodeResult<Attributes> {
    let mut xattrs = Vec::new();
    if layer.features().xattrs && (stat.is_file() || stat.is_dir()) {
        let names = match layer.listxattr(stat.ino) {
            // What cannot be opened can still be made again without them.
            Err(error) if is_closed(&error) && stat.is_dir() => Vec::new(),
            names => names?,
        };
        for name in names {
            match layer.getxattr(stat.ino, &name) {
                Err(error) if error == Errno::ENODATA => {}
                value => xattrs.push((name, value?.to_vec())),
            }
        }
    }
    Ok(Attributes { mode: stat.mode, mtime: stat.mtime, owner: Some((stat.uid, stat.gid)), xattrs })
}

fn file(
    layer: &dyn Layer,
    path: &VPathBuf,
    stat: &Stat,
    attributes: Attributes,
    sink: &mut Sink<'_>,
) -> Result<()> {
    if !has_no_holes(layer, stat) {
        return sparse_file(layer, path, stat, attributes, sink);
    }
    let mtime = stat.mtime;
    let read = |offset| layer.read(stat.ino, offset, PIECE);
    let content = match read(0) {
        Err(error) if is_closed(&error) => {
            sink.skip(path.as_str(), error.to_string());
            return Ok(());
        }
        content => content.map_err(|error| unreadable(path, error))?.to_vec(),
    };
    let mut offset = content.len() as u64;
    let mut more = content.len() == PIECE;
    sink.put(Entry::File { path: path.clone(), attributes, content })?;
    while more {
        let content = read(offset).map_err(|error| unreadable(path, error))?.to_vec();
        let at = offset;
        offset += content.len() as u64;
        more = content.len() == PIECE;
        if !content.is_empty() {
            sink.put(Entry::More { path: path.clone(), mtime, at, content })?;
        }
    }
    Ok(())
}

/// Copies the data where it stands and leaves the holes out: they cost nothing where they come from, and must not
/// fill the disk that they are copied to.
fn sparse_file(
    layer: &dyn Layer,
    path: &VPathBuf,
    stat: &Stat,
    attributes: Attributes,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let (mtime, size) = (stat.mtime, stat.size);
    let failed = |error| unreadable(path, error);
    sink.put(Entry::File { path: path.clone(), attributes, content: Vec::new() })?;
    let mut at = 0;
    while let Some((start, end)) = data_after(layer, stat, at).map_err(failed)? {
        at = start;
        while at < end {
            let length = PIECE.min(usize::try_from(end - at).unwrap_or(PIECE));
            let content = layer.read(stat.ino, at, length).map_err(failed)?.to_vec();
            if content.is_empty() {
                // It was cut off meanwhile.
                return Ok(());
            }
            let length = content.len() as u64;
            sink.put(Entry::More { path: path.clone(), mtime, at, content })?;
            at += length;
        }
    }
    sink.put(Entry::Size { path: path.clone(), mtime, size })
}
