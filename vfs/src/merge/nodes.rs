//! Nodes as wholes: their entries, attributes and contents; comparing them, and making one like another.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::errno::{Errno, NodeError, NodeResult};
use crate::layer::Layer;
use crate::node::{Allocate, FileType, Ino, SeekTo, SetAttr, Stat, XattrMode};
use crate::path::Name;

/// How many entries are read at a time.
const PAGE: usize = 1024;
/// How much of a file is looked at or written at a time.
const PIECE: usize = 1 << 20;

/// All entries of a directory.
pub(super) fn entries(layer: &dyn Layer, dir: Ino) -> NodeResult<BTreeMap<Name, Stat>> {
    let mut all = BTreeMap::new();
    let mut after = None;
    loop {
        let page = layer.readdir(dir, after.as_ref(), PAGE)?;
        let Some(last) = page.last() else { return Ok(all) };
        after = Some(last.name.clone());
        all.extend(page.into_iter().map(|entry| (entry.name, entry.stat)));
    }
}

/// All extended attributes of a node.
pub(super) fn xattrs(layer: &dyn Layer, ino: Ino) -> NodeResult<BTreeMap<String, Bytes>> {
    if !layer.features().xattrs {
        return Ok(BTreeMap::new());
    }
    let names = layer.listxattr(ino)?;
    names.into_iter().map(|name| layer.getxattr(ino, &name).map(|value| (name, value))).collect()
}

/// Makes one extended attribute what it is to be.
pub(super) fn set_xattr(layer: &dyn Layer, ino: Ino, name: &str, value: Option<&Bytes>) -> NodeResult<()> {
    match value {
        Some(value) => layer.setxattr(ino, name, value, XattrMode::Any),
        None => match layer.removexattr(ino, name) {
            Err(error) if error == Errno::ENODATA => Ok(()),
            done => done,
        },
    }
}

/// Whether two nodes of one kind hold the same.
pub(super) fn same_content(a: (&dyn Layer, &Stat), b: (&dyn Layer, &Stat)) -> NodeResult<bool> {
    if a.1.kind != b.1.kind {
        return Ok(false);
    }
    match a.1.kind {
        FileType::Symlink => Ok(a.0.readlink(a.1.ino)? == b.0.readlink(b.1.ino)?),
        FileType::Regular => same_bytes(a, b),
        _ => Ok(a.1.rdev == b.1.rdev),
    }
}

fn same_bytes(a: (&dyn Layer, &Stat), b: (&dyn Layer, &Stat)) -> NodeResult<bool> {
    if a.1.size != b.1.size {
        return Ok(false);
    }
    let mut at = 0;
    while at < a.1.size {
        let piece = piece(a.0, a.1.ino, at, a.1.size - at)?;
        if piece != self::piece(b.0, b.1.ino, at, piece.len() as u64)? {
            return Ok(false);
        }
        at += piece.len() as u64;
    }
    Ok(true)
}

/// Some bytes of a file, one at least.
fn piece(layer: &dyn Layer, ino: Ino, at: u64, most: u64) -> NodeResult<Bytes> {
    let bytes = layer.read(ino, at, PIECE.min(usize::try_from(most).unwrap_or(PIECE)))?;
    if bytes.is_empty() { Err(NodeError::io("a file ended before its size")) } else { Ok(bytes) }
}

/// The whole of a file. The caller knows that it is not too large.
pub(super) fn whole(layer: &dyn Layer, stat: &Stat) -> NodeResult<Vec<u8>> {
    let mut bytes = Vec::with_capacity(stat.size as usize);
    while (bytes.len() as u64) < stat.size {
        let at = bytes.len() as u64;
        bytes.extend_from_slice(&piece(layer, stat.ino, at, stat.size - at)?);
    }
    Ok(bytes)
}

/// Writes only what differs: what stays need not be stored again.
pub(super) fn write_whole(layer: &dyn Layer, ino: Ino, content: &[u8]) -> NodeResult<()> {
    let size = content.len() as u64;
    if layer.getattr(ino)?.size != size {
        layer.setattr(ino, &SetAttr::size(size))?;
    }
    write_where_different(layer, ino, 0, content)
}

/// Makes the content of `into` that of a file of another layer; holes stay holes.
pub(super) fn copy_content(from: &dyn Layer, stat: &Stat, to: &dyn Layer, into: Ino) -> NodeResult<()> {
    if to.getattr(into)?.size != stat.size {
        to.setattr(into, &SetAttr::size(stat.size))?;
    }
    let mut at = 0;
    while at < stat.size {
        let data = or_none(from.seek(stat.ino, at, SeekTo::Data), at)?.unwrap_or(stat.size).min(stat.size);
        if data > at {
            clear(to, into, at, data - at)?;
        }
        at = data;
        if at < stat.size {
            let end = or_none(from.seek(stat.ino, at, SeekTo::Hole), stat.size)?.unwrap_or(stat.size);
            while at < end.min(stat.size) {
                let bytes = piece(from, stat.ino, at, end.min(stat.size) - at)?;
                write_where_different(to, into, at, &bytes)?;
                at += bytes.len() as u64;
            }
        }
    }
    Ok(())
}

/// What was found; `None` if there is no more, `unknown` where the layer knows no holes.
fn or_none(found: NodeResult<u64>, unknown: u64) -> NodeResult<Option<u64>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error == Errno::ENXIO => Ok(None),
        Err(error) if error == Errno::EOPNOTSUPP => Ok(Some(unknown)),
        Err(error) => Err(error),
    }
}

fn clear(layer: &dyn Layer, ino: Ino, at: u64, len: u64) -> NodeResult<()> {
    layer.allocate(ino, Allocate::Punch, at, len)
}

fn write_where_different(layer: &dyn Layer, ino: Ino, at: u64, content: &[u8]) -> NodeResult<()> {
    let mut done = 0;
    for wanted in content.chunks(PIECE) {
        let offset = at + done as u64;
        if layer.read(ino, offset, wanted.len())? != wanted {
            layer.write(ino, offset, wanted)?;
        }
        done += wanted.len();
    }
    Ok(())
}
