//! Making nodes on the target, and bringing their contents and attributes there.

use super::NewFile;
use crate::errno::{Errno, NodeError, NodeResult};
use crate::layer::Layer;
use crate::node::{Allocate, FileType, Ino, NewAttr, NewNode, SeekTo, SetAttr, Stat, XattrMode};
use crate::overlay::content::{Content, Origin, Piece, Source};
use crate::overlay::diff::Mod;
use crate::path::Name;

/// Files up to this size are made in one call.
const WHOLE_MAX: u64 = 8 << 20;
/// Files up to this size are made many at a time.
const PLAIN_MAX: u64 = 64 << 10;
/// The most bytes written in one call otherwise.
const PIECE: usize = 1 << 20;

/// Makes a copy of a node of `source` under a name on `target`, whole but for what is below a directory.
pub(crate) fn copy_node(
    source: &dyn Layer,
    ino: Ino,
    target: &dyn Layer,
    parent: Ino,
    name: &Name,
) -> NodeResult<Stat> {
    let stat = source.getattr(ino)?;
    let attr = NewAttr { mode: stat.mode, uid: stat.uid, gid: stat.gid, mtime: Some(stat.mtime) };
    let link;
    let new = match stat.kind {
        FileType::Regular => return copy_file(source, &stat, target, parent, name, &attr),
        FileType::Directory => NewNode::Directory,
        FileType::Symlink => {
            link = source.readlink(ino)?;
            NewNode::Symlink(&link)
        }
        FileType::Fifo => NewNode::Fifo,
        FileType::Socket => NewNode::Socket,
        FileType::CharDevice => NewNode::CharDevice(stat.rdev),
        FileType::BlockDevice => NewNode::BlockDevice(stat.rdev),
    };
    let made = target.create(parent, name, new, &attr)?;
    copy_xattrs(source, ino, target, made.ino)?;
    Ok(made)
}

fn copy_file(
    source: &dyn Layer,
    stat: &Stat,
    target: &dyn Layer,
    parent: Ino,
    name: &Name,
    attr: &NewAttr,
) -> NodeResult<Stat> {
    let whole = stat.size <= WHOLE_MAX && is_dense(source, stat)?;
    let content = if whole { source.read(stat.ino, 0, stat.size as usize)? } else { bytes::Bytes::new() };
    let made = target.create(parent, name, NewNode::File(&content), attr)?;
    if !whole {
        copy_sparse(source, stat, target, made.ino)?;
        target.setattr(made.ino, &SetAttr { mtime: Some(stat.mtime), ..SetAttr::size(stat.size) })?;
    }
    copy_xattrs(source, stat.ino, target, made.ino)?;
    Ok(made)
}

/// A file as one that is made in one call, if it can be.
pub(super) fn plain_file(source: &dyn Layer, ino: Ino, name: &Name) -> NodeResult<Option<NewFile>> {
    let stat = source.getattr(ino)?;
    if !stat.is_file() || stat.nlink > 1 || stat.size > PLAIN_MAX || !is_dense(source, &stat)? {
        return Ok(None);
    }
    if !source.listxattr(ino)?.is_empty() {
        return Ok(None);
    }
    let attr = NewAttr { mode: stat.mode, uid: stat.uid, gid: stat.gid, mtime: Some(stat.mtime) };
    Ok(Some(NewFile { name: name.clone(), content: source.read(ino, 0, stat.size as usize)?, attr }))
}

/// Whether a file has no hole worth keeping.
fn is_dense(source: &dyn Layer, stat: &Stat) -> NodeResult<bool> {
    if stat.size == 0 {
        return Ok(true);
    }
    Ok(or_unknown(source.seek(stat.ino, 0, SeekTo::Hole))?.is_none_or(|hole| hole >= stat.size))
}

/// A layer that knows no holes has data everywhere.
fn or_unknown(found: NodeResult<u64>) -> NodeResult<Option<u64>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.errno(), Errno::EOPNOTSUPP | Errno::ENXIO) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes the data of a file where it stands, and leaves the holes out.
fn copy_sparse(source: &dyn Layer, stat: &Stat, target: &dyn Layer, into: Ino) -> NodeResult<()> {
    let mut at = 0;
    while at < stat.size {
        let data = match source.seek(stat.ino, at, SeekTo::Data) {
            Ok(data) => data,
            Err(error) if error == Errno::ENXIO => break,
            Err(error) if error == Errno::EOPNOTSUPP => at,
            Err(error) => return Err(error),
        };
        let end = or_unknown(source.seek(stat.ino, data, SeekTo::Hole))?.unwrap_or(stat.size);
        at = data;
        while at < end {
            let bytes = source.read(stat.ino, at, PIECE.min((end - at) as usize))?;
            if bytes.is_empty() {
                return Err(NodeError::io("a file ended before its size"));
            }
            target.write(into, at, &bytes)?;
            at += bytes.len() as u64;
        }
    }
    Ok(())
}

fn copy_xattrs(source: &dyn Layer, ino: Ino, target: &dyn Layer, into: Ino) -> NodeResult<()> {
    for name in source.listxattr(ino)? {
        target.setxattr(into, &name, &source.getxattr(ino, &name)?, XattrMode::Any)?;
    }
    Ok(())
}

/// Whether two nodes have the same extended attributes.
pub(super) fn same_xattrs(one: &dyn Layer, ino: Ino, other: &dyn Layer, there: Ino) -> NodeResult<bool> {
    let names = one.listxattr(ino)?;
    if names != other.listxattr(there)? {
        return Ok(false);
    }
    for name in names {
        if one.getxattr(ino, &name)? != other.getxattr(there, &name)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A node that changed, and where.
pub(super) struct Update<'a> {
    pub(super) source: &'a dyn Layer,
    pub(super) ino: Ino,
    pub(super) target: &'a dyn Layer,
    pub(super) into: Ino,
    pub(super) found: Mod,
}

impl Update<'_> {
    /// Brings attributes over, and of a file the content that differs from `base`.
    pub(super) fn run(
        &self,
        contents: Option<(&Content, &Content)>,
        origin: Option<Origin<'_>>,
    ) -> NodeResult<()> {
        if let Some((content, base)) = contents.filter(|_| self.found.content) {
            self.content(content, base, origin)?;
        }
        if self.found.xattrs {
            self.xattrs()?;
        }
        let stat = self.source.getattr(self.ino)?;
        let times = self.found.content || self.found.mtime;
        let mut changes = SetAttr { mtime: times.then_some(stat.mtime), ..SetAttr::default() };
        if self.found.attrs {
            (changes.mode, changes.uid, changes.gid) = (Some(stat.mode), Some(stat.uid), Some(stat.gid));
        }
        if changes != SetAttr::default() {
            self.target.setattr(self.into, &changes)?;
        }
        Ok(())
    }

    fn content(&self, content: &Content, base: &Content, origin: Option<Origin<'_>>) -> NodeResult<()> {
        if content.size() != base.size() {
            self.target.setattr(self.into, &SetAttr::size(content.size()))?;
        }
        let mut writer = Writer { target: self.target, into: self.into, start: 0, buffer: Vec::new() };
        content.changed_since(base, &mut |piece| match piece.source {
            // Growing made it zeros already.
            Source::Zeros if piece.start >= base.size() => Ok(()),
            Source::Zeros => self.zero(&piece),
            _ => writer.add(content, origin, &piece),
        })?;
        writer.flush()
    }

    fn zero(&self, piece: &Piece<'_>) -> NodeResult<()> {
        if self.target.features().sparse {
            return self.target.allocate(self.into, Allocate::Punch, piece.start, piece.len);
        }
        let zeros = vec![0; PIECE.min(piece.len as usize)];
        let mut done = 0;
        while done < piece.len {
            let len = zeros.len().min((piece.len - done) as usize);
            self.target.write(self.into, piece.start + done, &zeros[..len])?;
            done += len as u64;
        }
        Ok(())
    }

    /// Makes the target's extended attributes the same.
    fn xattrs(&self) -> NodeResult<()> {
        let names = self.source.listxattr(self.ino)?;
        for name in self.target.listxattr(self.into)? {
            if !names.contains(&name) {
                self.target.removexattr(self.into, &name)?;
            }
        }
        copy_xattrs(self.source, self.ino, self.target, self.into)
    }
}

/// Puts neighbouring pieces together before it writes them.
struct Writer<'a> {
    target: &'a dyn Layer,
    into: Ino,
    start: u64,
    buffer: Vec<u8>,
}

impl Writer<'_> {
    fn add(&mut self, content: &Content, origin: Option<Origin<'_>>, piece: &Piece<'_>) -> NodeResult<()> {
        if self.start + self.buffer.len() as u64 != piece.start {
            self.flush()?;
            self.start = piece.start;
        }
        let end = piece.start + piece.len;
        let mut at = piece.start;
        while at < end {
            let room = PIECE - self.buffer.len();
            let bytes = content.read(origin, at, room.min((end - at) as usize))?;
            if bytes.is_empty() {
                return Err(NodeError::io("a file ended before its size"));
            }
            at += bytes.len() as u64;
            self.buffer.extend_from_slice(&bytes);
            if self.buffer.len() == PIECE {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> NodeResult<()> {
        if !self.buffer.is_empty() {
            self.target.write(self.into, self.start, &self.buffer)?;
            self.start += self.buffer.len() as u64;
            self.buffer.clear();
        }
        Ok(())
    }
}
