//! Where a transfer writes: a directory of a layer, in batches.

use std::collections::HashMap;

use cowry_vfs::{
    Errno, FileType, Ino, Layer, Name, NewAttr, NewNode, NodeError, NodeResult, SetAttr, SqliteLayer,
    VPathBuf,
};

pub(super) use super::entry::{Attributes, Entry, PIECE};
use super::node::{clear, give, is_misfit, set_xattrs};
use super::upward::Upward;
use super::{Progress, Totals};
use crate::error::{Error, Result};
use crate::run::host::host_mode;

/// How much is staged before it is written: bytes, and entries.
const BATCH_BYTES: usize = 16 << 20;
const BATCH_ENTRIES: usize = 1000;
/// The same on the host, which has no transactions: what comes next is on its way while this is written.
const HOST_BATCH: (usize, usize) = (PIECE, 16);

pub(super) struct Sink<'a> {
    layer: &'a dyn Layer,
    /// Directories known to be there.
    directories: HashMap<VPathBuf, Ino>,
    /// Modes and times of directories, which are set when nothing more is written into them.
    attributes: Vec<(Ino, Attributes)>,
    /// The file that more content may come for, if it was not skipped.
    last: Option<(VPathBuf, Ino)>,
    staged: Vec<Entry>,
    staged_bytes: usize,
    /// Uploads content before it is written.
    upward: Option<Upward<'a>>,
    /// The batch before the staged one, and how far uploads must be for it: theirs end while the next is staged.
    ready: Option<(Vec<Entry>, u64)>,
    totals: Totals,
    progress: Progress,
    on_progress: &'a mut dyn FnMut(Progress),
    /// Whether it is on the host, where no set-id bits may get.
    is_host: bool,
}

impl<'a> Sink<'a> {
    pub fn new(layer: &'a dyn Layer, root: Ino, on_progress: &'a mut dyn FnMut(Progress)) -> Sink<'a> {
        Sink {
            layer,
            directories: HashMap::from([(VPathBuf::root(), root)]),
            attributes: Vec::new(),
            last: None,
            staged: Vec::new(),
            staged_bytes: 0,
            upward: None,
            ready: None,
            totals: Totals::default(),
            progress: Progress::default(),
            on_progress,
            is_host: false,
        }
    }

    /// Writes to the host: modes lose their set-id bits.
    pub fn on_host(self) -> Sink<'a> {
        Sink { is_host: true, ..self }
    }

    /// Uploads content as it comes, where it goes to a bucket.
    pub fn upward(self) -> Result<Sink<'a>> {
        Ok(Sink { upward: Upward::of(self.layer)?, ..self })
    }

    /// Notes an entry that is left out.
    pub fn skip(&mut self, path: impl Into<String>, reason: impl Into<String>) {
        self.totals.skip(path, reason);
    }

    /// Takes an entry; writes what is staged if that is enough for a batch.
    pub fn put(&mut self, entry: Entry) -> Result<()> {
        match &mut self.upward {
            None => self.stage(entry)?,
            Some(upward) => upward.take(entry)?.into_iter().try_for_each(|entry| self.stage(entry))?,
        }
        Ok(())
    }

    fn stage(&mut self, entry: Entry) -> Result<()> {
        self.staged_bytes += entry.bytes();
        self.staged.push(entry);
        let (bytes, entries) = if self.is_host { HOST_BATCH } else { (BATCH_BYTES, BATCH_ENTRIES) };
        if self.staged_bytes >= bytes || self.staged.len() >= entries { self.flush() } else { Ok(()) }
    }

    /// Writes what is left, then the modes and times of directories.
    pub fn finish(mut self) -> Result<Totals> {
        if let Some(upward) = &mut self.upward {
            upward.end()?.into_iter().try_for_each(|entry| self.stage(entry))?;
        }
        self.flush()?;
        self.flush()?;
        let attributes = std::mem::take(&mut self.attributes);
        // The innermost come last and are set first, since setting an entry's attributes may touch its parent.
        let pending: Vec<_> = attributes.into_iter().rev().collect();
        for chunk in pending.chunks(BATCH_ENTRIES) {
            self.layer.batch(&mut |layer| {
                for (ino, attributes) in chunk {
                    set_xattrs(layer, *ino, attributes)?;
                    give(layer, *ino, attributes)?;
                    let mode = Some(self.directory_mode(layer, *ino, attributes.mode)?);
                    let changes = SetAttr { mode, mtime: Some(attributes.mtime), ..SetAttr::default() };
                    layer.setattr(*ino, &changes)?;
                }
                Ok(())
            })?;
        }
        // As after `cp`, the host writes to its disk when it will: to wait for that is to wait for everybody's files there.
        if !self.is_host {
            self.layer.fsync(None)?;
        }
        Ok(self.totals)
    }

    /// On the host, a directory keeps the set-id bits it has and gets no others.
    fn directory_mode(&self, layer: &dyn Layer, ino: Ino, mode: u32) -> NodeResult<u32> {
        if !self.is_host {
            return Ok(mode);
        }
        Ok(host_mode(FileType::Directory, mode) | (layer.getattr(ino)?.mode & 0o6000))
    }

    /// Writes a batch: what is staged, or with uploads the one before, if there is one.
    fn flush(&mut self) -> Result<()> {
        let staged = std::mem::take(&mut self.staged);
        self.staged_bytes = 0;
        let Some(upward) = &mut self.upward else { return self.write_batch(&staged) };
        let next = (!staged.is_empty()).then(|| (staged, upward.mark()));
        let Some((ready, mark)) = std::mem::replace(&mut self.ready, next) else { return Ok(()) };
        upward.wait(mark)?;
        self.write_batch(&ready)
    }

    fn write_batch(&mut self, batch: &[Entry]) -> Result<()> {
        let layer = self.layer;
        let mut at = VPathBuf::root();
        let written = layer.batch(&mut |layer| {
            batch.iter().try_for_each(|entry| {
                at = entry.path().clone();
                self.write_or_skip(layer, entry)
            })
        });
        written.map_err(|error| cowry_vfs::Error::at("write", at.as_str(), error))?;
        for entry in batch {
            self.progress.entries += u64::from(entry.is_whole());
            self.progress.bytes += entry.bytes() as u64;
        }
        (self.on_progress)(self.progress);
        Ok(())
    }

    /// What does not fit the tree that is there is skipped; a layer that fails ends the transfer.
    fn write_or_skip(&mut self, layer: &dyn Layer, entry: &Entry) -> NodeResult<()> {
        match self.write(layer, entry) {
            Err(error) if is_misfit(error.errno()) => {
                self.totals.skip(entry.path().as_str(), error.to_string());
                self.last = None;
                Ok(())
            }
            other => other,
        }
    }

    fn write(&mut self, layer: &dyn Layer, entry: &Entry) -> NodeResult<()> {
        match entry {
            Entry::Directory { path, attributes } => {
                let ino = self.directory(layer, path)?;
                self.attributes.push((ino, attributes.clone()));
                self.totals.directories += 1;
            }
            Entry::File { path, attributes, content } => {
                let ino = self.create(layer, path, NewNode::File(content), attributes)?;
                self.last = Some((path.clone(), ino));
                self.totals.files += 1;
                self.totals.bytes += content.len() as u64;
            }
            Entry::Fifo { path, attributes } => {
                self.create(layer, path, NewNode::Fifo, attributes)?;
            }
            Entry::More { path, mtime, at, content } => {
                if let Some(ino) = self.last_at(path) {
                    layer.write(ino, *at, content)?;
                    layer.setattr(ino, &SetAttr { mtime: Some(*mtime), ..SetAttr::default() })?;
                    self.totals.bytes += content.len() as u64;
                }
            }
            Entry::Piece { path, mtime, at, piece, content } => {
                if let Some(ino) = self.last_at(path) {
                    let workspace = SqliteLayer::of(layer).ok_or(Errno::EINVAL)?;
                    workspace.write_piece(ino, *at, piece, &mut || Ok(content.clone()))?;
                    layer.setattr(ino, &SetAttr { mtime: Some(*mtime), ..SetAttr::default() })?;
                    self.totals.bytes += content.len() as u64;
                }
            }
            Entry::Size { path, mtime, size } => {
                if let Some(ino) = self.last_at(path) {
                    layer.setattr(ino, &SetAttr { mtime: Some(*mtime), ..SetAttr::size(*size) })?;
                }
            }
            Entry::Symlink { path, target, attributes } => {
                self.create(layer, path, NewNode::Symlink(target), attributes)?;
                self.totals.symlinks += 1;
            }
            Entry::Link { path, to } => self.link(layer, path, to)?,
        }
        Ok(())
    }

    /// The file that came last, unless it was skipped, and reported then.
    fn last_at(&self, path: &VPathBuf) -> Option<Ino> {
        self.last.as_ref().filter(|(last, _)| last == path).map(|(_, ino)| *ino)
    }

    fn create(
        &mut self,
        layer: &dyn Layer,
        path: &VPathBuf,
        node: NewNode<'_>,
        attributes: &Attributes,
    ) -> NodeResult<Ino> {
        let (parent, name) = self.place(layer, path)?;
        clear(layer, parent, &name)?;
        let mode = match node.kind() {
            FileType::Symlink => 0o777,
            kind if self.is_host => host_mode(kind, attributes.mode),
            _ => attributes.mode,
        };
        let mut attr = NewAttr { mtime: Some(attributes.mtime), ..NewAttr::with_mode(mode) };
        if let Some((uid, gid)) = attributes.owner {
            (attr.uid, attr.gid) = (uid, gid);
        }
        let ino = layer.create(parent, &name, node, &attr)?.ino;
        set_xattrs(layer, ino, attributes)?;
        if self.is_host {
            give(layer, ino, attributes)?;
            let changes = SetAttr { mtime: Some(attributes.mtime), ..SetAttr::default() };
            layer.setattr(ino, &changes)?;
        }
        Ok(ino)
    }

    fn link(&mut self, layer: &dyn Layer, path: &VPathBuf, to: &VPathBuf) -> NodeResult<()> {
        let (to_parent, to_name) = self.place(layer, to)?;
        let target = layer.lookup(to_parent, &to_name)?;
        let (parent, name) = self.place(layer, path)?;
        match layer.lookup(parent, &name) {
            Ok(there) if there.ino == target.ino => {}
            _ => {
                clear(layer, parent, &name)?;
                layer.link(target.ino, parent, &name)?;
            }
        }
        self.totals.hard_links += 1;
        Ok(())
    }

    /// The directory that holds `path`, and its name there.
    fn place(&mut self, layer: &dyn Layer, path: &VPathBuf) -> NodeResult<(Ino, Name)> {
        let name = path.components().last().ok_or(Errno::EISDIR)?;
        let parent = path.parent().ok_or(Errno::EISDIR)?;
        Ok((self.directory(layer, &parent)?, name))
    }

    /// The directory at `path`; it and those above it are made if they are missing. A symbolic link on the way is
    /// not followed: it is no directory.
    fn directory(&mut self, layer: &dyn Layer, path: &VPathBuf) -> NodeResult<Ino> {
        if let Some(ino) = self.directories.get(path) {
            return Ok(*ino);
        }
        let mut here = VPathBuf::root();
        let mut ino = self.directories[&here];
        for name in path.components() {
            here = here.join(&name);
            ino = match self.directories.get(&here) {
                Some(known) => *known,
                None => {
                    let stat = match layer.lookup(ino, &name) {
                        Ok(stat) if stat.is_dir() => stat,
                        Ok(_) => return Err(Errno::ENOTDIR.into()),
                        Err(error) if error == Errno::ENOENT => {
                            layer.create(ino, &name, NewNode::Directory, &NewAttr::with_mode(0o755))?
                        }
                        Err(error) => return Err(error),
                    };
                    self.directories.insert(here.clone(), stat.ino);
                    stat.ino
                }
            };
        }
        Ok(ino)
    }
}

/// An error of reading the source at a path.
pub(super) fn unreadable(path: &VPathBuf, error: NodeError) -> Error {
    cowry_vfs::Error::at("read", path.as_str(), error).into()
}

/// Whether an error of the source says that one entry cannot be read or is gone, rather than that reading fails.
pub(super) fn is_closed(error: &NodeError) -> bool {
    matches!(error.errno(), Errno::EACCES | Errno::EPERM | Errno::ENOENT | Errno::ESTALE)
}
