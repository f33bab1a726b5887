//! Copying files and trees.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::errno::{Errno, NodeResult, Result};
use crate::fs::{
    Access, Context, CopyTree, Follow, FsEventKind, OpenOptions, Overwrite, Vfs, attr, open, read,
};
use crate::layer::Layer;
use crate::mount::{MountId, MountTable};
use crate::node::{DirEntry, FileType, Ino, NewAttr, NewNode, SeekTo, SetAttr, Stat, XattrMode};
use crate::path::Name;
use crate::walk::Node;

/// How much is held in memory of a file that is being copied.
const CHUNK: usize = 1 << 20;
/// How many files of a directory are asked for before the first of them is copied.
const AHEAD: usize = 64;

impl Vfs {
    /// Copies a file's content and mode; links are followed on both sides, holes stay holes.
    /// Where the layer has transactions the copy appears whole. A file copied to itself stays as it is.
    ///
    /// # Errors
    /// `EEXIST` by `overwrite`; `EISDIR` if either is a directory; as [`Vfs::open`] and [`Vfs::write`].
    pub fn copy(&self, from: &str, to: &str, overwrite: Overwrite) -> Result<()> {
        let made = !self.shared.watchers.is_idle() && !self.exists(to);
        self.copy_node(from, to, overwrite).between("copyfile", from, to)?;
        self.tell_changed(if made { FsEventKind::Create } else { FsEventKind::Modify }, to, Follow::Yes);
        Ok(())
    }

    fn copy_node(&self, from: &str, to: &str, overwrite: Overwrite) -> NodeResult<()> {
        let table = self.table();
        let source = self.walk(&table, from)?.find(from, Follow::Yes)?;
        need_file(&source.stat)?;
        self.credentials.need(&source, Access::READ)?;
        let options =
            OpenOptions { create: true, exclusive: overwrite == Overwrite::Fail, ..OpenOptions::write() };
        match open::find_spot(&mut self.walk(&table, to)?, to, &options)? {
            open::Spot::Node(target, _) if target.same(&source) || overwrite == Overwrite::Keep => Ok(()),
            open::Spot::Node(target, _) => {
                need_file(&target.stat)?;
                target.mount.want_write()?;
                self.credentials.need(&target, Access::WRITE)?;
                let copier = Copier::new(self, &table, &target, CopyTree::default());
                target.mount.layer.batch(&mut |layer| {
                    layer.setattr(target.ino(), &SetAttr::size(0))?;
                    copier.content(layer, &source, target.ino())?;
                    let mode = layer.setattr(target.ino(), &SetAttr::mode(source.stat.mode));
                    // Where modes are not kept, the content is all there is to copy.
                    if layer.features().ownership { mode.map(drop) } else { Ok(()) }
                })
            }
            open::Spot::Free { dir, name } => {
                dir.mount.want_write()?;
                self.credentials.need_entries(&dir)?;
                let attr = self.new_attr(&dir, FileType::Regular, source.stat.mode);
                let copier = Copier::new(self, &table, &dir, CopyTree::default());
                dir.mount.layer.batch(&mut |layer| {
                    let made = layer.create(dir.ino(), &name, NewNode::File(b""), &attr)?;
                    copier.content(layer, &source, made.ino)
                })
            }
        }
    }

    /// Copies whatever is at `from`, with everything below it, to `to`: content, modes, times, extended
    /// attributes; links as links, several names of one file as such. A directory that is there already is
    /// merged into. Where the layer has transactions, all of it is copied or nothing.
    ///
    /// # Errors
    /// `EINVAL` for a directory into itself; `EEXIST` by `overwrite`; `ENOTDIR`, `EISDIR` if the kinds do not
    /// fit; `EBUSY` where something is mounted in the way; as [`Vfs::mkdir`] and [`Vfs::write`].
    pub fn copy_tree(&self, from: &str, to: &str, options: CopyTree) -> Result<()> {
        self.copy_tree_node(from, to, options).between("cp", from, to)
    }

    fn copy_tree_node(&self, from: &str, to: &str, options: CopyTree) -> NodeResult<()> {
        let table = self.table();
        let source = self.walk(&table, from)?.find(from, Follow::No)?;
        let mut walk = self.walk(&table, to)?;
        let aim = walk.aim(to)?;
        if walk.passed(&source) {
            return Err(Errno::EINVAL.into());
        }
        let name = aim.last.name_or(Errno::EINVAL)?;
        if walk.child_if_any(&name)?.is_some_and(|node| node.same(&source)) {
            return Err(Errno::EINVAL.into());
        }
        aim.dir.mount.want_write()?;
        self.credentials.need_entries(&aim.dir)?;
        let copier = Copier::new(self, &table, &aim.dir, options);
        let entry = DirEntry { name, stat: source.stat };
        aim.dir.mount.layer.batch(&mut |layer| copier.tree(layer, &source, &aim.dir, &entry))?;
        self.tell(FsEventKind::Create, || walk.path().join(&entry.name));
        Ok(())
    }
}

fn need_file(stat: &Stat) -> NodeResult<()> {
    match stat.kind {
        FileType::Directory | FileType::Regular => attr::need_content(stat),
        _ => Err(Errno::ENXIO.into()),
    }
}

/// What a copy needs to know throughout. The layer written to is handed down from its batch; reading from
/// that same layer goes through the batch too.
struct Copier<'a> {
    vfs: &'a Vfs,
    table: &'a MountTable,
    target: Node,
    options: CopyTree,
}

/// A directory that is being copied.
struct Level {
    source: Node,
    target: Stat,
    /// Made by this copy: its mode is no obstacle yet.
    fresh: bool,
    entries: VecDeque<DirEntry>,
}

impl<'a> Copier<'a> {
    fn new(vfs: &'a Vfs, table: &'a MountTable, target: &Node, options: CopyTree) -> Copier<'a> {
        Copier { vfs, table, target: target.clone(), options }
    }

    fn reader<'b>(&self, layer: &'b dyn Layer, node: &'b Node) -> &'b dyn Layer {
        let same = Arc::ptr_eq(&node.mount.layer, &self.target.mount.layer);
        if same { layer } else { &*node.mount.layer }
    }

    fn tree(&self, layer: &dyn Layer, source: &Node, dir: &Node, entry: &DirEntry) -> NodeResult<()> {
        let mut links = HashMap::new();
        let mut stack = Vec::new();
        let into = (dir.stat.ino, false);
        stack.extend(self.entry(layer, source, into, &entry.name, &mut links)?);
        while let Some(level) = stack.last_mut() {
            let Some(entry) = level.entries.pop_front() else {
                let done = stack.pop().expect("the loop saw it");
                if done.fresh {
                    self.finish(layer, &done.source.stat, done.target.ino)?;
                }
                continue;
            };
            let covering =
                self.table.covering(level.source.mount.id, level.source.ino(), &entry.name).cloned();
            let mount = covering.unwrap_or_else(|| level.source.mount.clone());
            let child = Node { mount, stat: entry.stat };
            let into = (level.target.ino, level.fresh);
            let below = self.entry(layer, &child, into, &entry.name, &mut links)?;
            stack.extend(below);
        }
        Ok(())
    }

    /// Copies one node into a directory; of a directory, returns what is left to do.
    fn entry(
        &self,
        layer: &dyn Layer,
        source: &Node,
        (dir, fresh): (Ino, bool),
        name: &Name,
        links: &mut HashMap<(MountId, Ino), Ino>,
    ) -> NodeResult<Option<Level>> {
        if self.table.covering(self.target.mount.id, dir, name).is_some() {
            return Err(Errno::EBUSY.into());
        }
        let existing = match layer.lookup(dir, name) {
            Err(error) if error == Errno::ENOENT => None,
            found => Some(found?),
        };
        if source.stat.is_dir() {
            return self.directory(layer, source, dir, name, existing).map(Some);
        }
        if !fresh {
            let into = Node { mount: self.target.mount.clone(), stat: layer.getattr(dir)? };
            self.vfs.credentials.need_entries(&into)?;
        }
        match existing {
            Some(stat) if stat.is_dir() => return Err(Errno::EISDIR.into()),
            Some(_) if self.options.overwrite == Overwrite::Keep => return Ok(None),
            Some(_) if self.options.overwrite == Overwrite::Fail => return Err(Errno::EEXIST.into()),
            Some(_) => layer.unlink(dir, name)?,
            None => {}
        }
        let key = (source.mount.id, source.ino());
        if let Some(made) = links.get(&key) {
            layer.link(*made, dir, name)?;
            return Ok(None);
        }
        let made = self.leaf(layer, source, dir, name)?;
        if source.stat.nlink > 1 && layer.features().hard_links {
            links.insert(key, made);
        }
        Ok(None)
    }

    fn directory(
        &self,
        layer: &dyn Layer,
        source: &Node,
        dir: Ino,
        name: &Name,
        existing: Option<Stat>,
    ) -> NodeResult<Level> {
        self.vfs.credentials.need(source, Access { read: true, write: false, execute: true })?;
        let entries = self.list(layer, source)?;
        let (target, fresh) = match existing {
            Some(stat) if stat.is_dir() => (stat, false),
            Some(_) => return Err(Errno::ENOTDIR.into()),
            None => (layer.create(dir, name, NewNode::Directory, &self.attr(&source.stat))?, true),
        };
        Ok(Level { source: source.clone(), target, fresh, entries })
    }

    fn list(&self, layer: &dyn Layer, dir: &Node) -> NodeResult<VecDeque<DirEntry>> {
        let reader = self.reader(layer, dir);
        let mut entries: Vec<DirEntry> = Vec::new();
        loop {
            let after = entries.last().map(|entry| entry.name.clone());
            let page = read::list(self.table, reader, dir, after.as_ref(), read::PAGE)?;
            if page.is_empty() {
                return Ok(entries.into());
            }
            // A transaction is open until they are copied, so that they had better be on their way together.
            for entry in page.iter().filter(|entry| entry.stat.is_file()).take(AHEAD) {
                reader.will_need(entry.stat.ino, 0, CHUNK);
            }
            entries.extend(page);
        }
    }

    fn leaf(&self, layer: &dyn Layer, source: &Node, dir: Ino, name: &Name) -> NodeResult<Ino> {
        let attr = self.attr(&source.stat);
        let target;
        let node = match source.stat.kind {
            FileType::Regular => NewNode::File(b""),
            FileType::Symlink => {
                target = self.reader(layer, source).readlink(source.ino())?;
                NewNode::Symlink(&target)
            }
            FileType::Fifo => NewNode::Fifo,
            FileType::Socket => NewNode::Socket,
            FileType::CharDevice => NewNode::CharDevice(source.stat.rdev),
            FileType::BlockDevice => NewNode::BlockDevice(source.stat.rdev),
            FileType::Directory => return Err(Errno::EISDIR.into()),
        };
        let made = layer.create(dir, name, node, &attr)?.ino;
        if source.stat.is_file() {
            self.vfs.credentials.need(source, Access::READ)?;
            self.content(layer, source, made)?;
        }
        self.finish(layer, &source.stat, made)?;
        Ok(made)
    }

    fn attr(&self, stat: &Stat) -> NewAttr {
        let who = &self.vfs.credentials;
        let (uid, gid) = if self.options.owners { (stat.uid, stat.gid) } else { (who.uid, who.gid) };
        NewAttr { mode: stat.mode, uid, gid, mtime: None }
    }

    /// Times come last: filling a file or directory moves them.
    fn finish(&self, layer: &dyn Layer, stat: &Stat, made: Ino) -> NodeResult<()> {
        if !self.options.times {
            return Ok(());
        }
        let times = SetAttr { atime: Some(stat.atime), mtime: Some(stat.mtime), ..SetAttr::default() };
        layer.setattr(made, &times).map(drop)
    }

    /// Copies content, leaving holes out, and extended attributes.
    fn content(&self, layer: &dyn Layer, source: &Node, made: Ino) -> NodeResult<()> {
        let reader = self.reader(layer, source);
        let (from, size) = (source.ino(), source.stat.size);
        let mut at = 0;
        while at < size {
            let (start, end) = next_data(reader, from, at, size)?;
            at = start;
            while at < end {
                let len = usize::try_from(end - at).unwrap_or(CHUNK).min(CHUNK);
                let bytes = reader.read(from, at, len)?;
                if bytes.is_empty() {
                    break;
                }
                layer.write(made, at, &bytes)?;
                at += bytes.len() as u64;
            }
            at = end;
        }
        if layer.getattr(made)?.size < size {
            layer.setattr(made, &SetAttr::size(size))?;
        }
        self.xattrs(reader, from, layer, made)
    }

    fn xattrs(&self, reader: &dyn Layer, from: Ino, layer: &dyn Layer, made: Ino) -> NodeResult<()> {
        if !reader.features().xattrs || !layer.features().xattrs {
            return Ok(());
        }
        for name in reader.listxattr(from)? {
            let value = reader.getxattr(from, &name)?;
            layer.setxattr(made, &name, &value, XattrMode::Any)?;
        }
        Ok(())
    }
}

/// The next range of data at or after `at`; an empty one at the end if there is none.
fn next_data(layer: &dyn Layer, ino: Ino, at: u64, size: u64) -> NodeResult<(u64, u64)> {
    if !layer.features().sparse {
        return Ok((at, size));
    }
    let start = match layer.seek(ino, at, SeekTo::Data) {
        Err(error) if error == Errno::ENXIO => return Ok((size, size)),
        start => start?,
    };
    let end = layer.seek(ino, start, SeekTo::Hole)?;
    Ok((start, end.min(size)))
}
