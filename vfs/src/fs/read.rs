//! Operations that look and do not change (access times aside).

use bytes::Bytes;

use crate::errno::{Errno, Error, NodeResult, Result};
use crate::fs::{Access, Context, Follow, OpenOptions, Vfs};
use crate::layer::Layer;
use crate::mount::MountTable;
use crate::node::{DirEntry, Ino, Stat, StatFs};
use crate::path::{Name, VPathBuf};
use crate::walk::Node;

/// How many entries are asked of a layer at once.
pub(super) const PAGE: usize = 512;

impl Vfs {
    /// The attributes of what `path` leads to.
    ///
    /// # Errors
    /// `ENOENT`, `ENOTDIR`, `ELOOP`, `ENAMETOOLONG`, `EACCES`: what resolving a path can give anywhere.
    pub fn stat(&self, path: &str) -> Result<Stat> {
        self.find(path, Follow::Yes).and_then(attributes).at("stat", path)
    }

    /// The attributes of what is at `path`, a symbolic link itself included.
    ///
    /// # Errors
    /// As [`Vfs::stat`].
    pub fn lstat(&self, path: &str) -> Result<Stat> {
        self.find(path, Follow::No).and_then(attributes).at("lstat", path)
    }

    /// Whether `path` leads to anything.
    pub fn exists(&self, path: &str) -> bool {
        self.find(path, Follow::Yes).is_ok()
    }

    /// Whether what is asked for would be allowed. Where modes are not enforced, everything is but
    /// executing a file that nobody may execute.
    ///
    /// # Errors
    /// `EACCES`; `EROFS` for writing where nothing can be written; as [`Vfs::stat`].
    pub fn access(&self, path: &str, access: Access) -> Result<()> {
        let check = |node: Node| {
            let special = !node.stat.is_dir() && !node.stat.is_file() && !node.stat.is_symlink();
            if access.write && !special {
                node.mount.want_write()?;
            }
            self.credentials.need(&node, access)
        };
        self.find(path, Follow::Yes).and_then(check).at("access", path)
    }

    /// The whole content of a file.
    ///
    /// # Errors
    /// `EISDIR` (of `read`, as Node has it) for a directory; as [`Vfs::open`].
    pub fn read(&self, path: &str) -> Result<Bytes> {
        let file = self.open(path, OpenOptions::read())?;
        file.read_all()
    }

    /// The whole content of a file as text.
    ///
    /// # Errors
    /// `EILSEQ` if it is not UTF-8; as [`Vfs::read`].
    pub fn read_to_string(&self, path: &str) -> Result<String> {
        let bytes = self.read(path)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| Error::at("read", path, Errno::EILSEQ))?;
        Ok(text.to_owned())
    }

    /// The entries of a directory in name order (by bytes), with attributes, without `.` and `..`.
    ///
    /// # Errors
    /// `ENOTDIR`; as [`Vfs::stat`].
    pub fn read_dir(&self, path: &str) -> Result<Vec<DirEntry>> {
        const OP: &str = "scandir";
        let table = self.table();
        let dir = self.dir_to_list(&table, path).at(OP, path)?;
        let mut entries: Vec<DirEntry> = Vec::new();
        loop {
            let after = entries.last().map(|entry| entry.name.clone());
            let page = list(&table, &*dir.mount.layer, &dir, after.as_ref(), PAGE).at(OP, path)?;
            let done = page.len() < PAGE;
            entries.extend(page);
            if done {
                self.shared.touch(&dir);
                return Ok(entries);
            }
        }
    }

    /// A page of a directory: at most `limit` entries with names after `after`. An empty page is the end.
    ///
    /// # Errors
    /// As [`Vfs::read_dir`].
    pub fn read_dir_page(&self, path: &str, after: Option<&Name>, limit: usize) -> Result<Vec<DirEntry>> {
        let table = self.table();
        self.dir_to_list(&table, path)
            .and_then(|dir| list(&table, &*dir.mount.layer, &dir, after, limit))
            .at("scandir", path)
    }

    fn dir_to_list(&self, table: &MountTable, path: &str) -> NodeResult<Node> {
        let dir = self.walk(table, path)?.find(path, Follow::Yes)?;
        dir.need_dir()?;
        self.credentials.need(&dir, Access::READ)?;
        Ok(dir)
    }

    /// The target of a symbolic link, as it was written.
    ///
    /// # Errors
    /// `EINVAL` for what is no link; as [`Vfs::lstat`].
    pub fn readlink(&self, path: &str) -> Result<String> {
        let read = |node: Node| {
            if !node.stat.is_symlink() {
                return Err(Errno::EINVAL.into());
            }
            let target = node.mount.layer.readlink(node.ino())?;
            self.shared.touch(&node);
            Ok(target)
        };
        self.find(path, Follow::No).and_then(read).at("readlink", path)
    }

    /// The path without links, `.` and `..`; everything on it exists.
    ///
    /// # Errors
    /// As [`Vfs::stat`].
    pub fn realpath(&self, path: &str) -> Result<VPathBuf> {
        let table = self.table();
        let resolve = || {
            let mut walk = self.walk(&table, path)?;
            walk.find(path, Follow::Yes)?;
            Ok(walk.path())
        };
        resolve().at("realpath", path)
    }

    /// How full the filesystem is that holds `path`.
    ///
    /// # Errors
    /// As [`Vfs::stat`].
    pub fn statfs(&self, path: &str) -> Result<StatFs> {
        self.find(path, Follow::Yes).and_then(|node| node.mount.layer.statfs()).at("statfs", path)
    }
}

/// The attributes of what a path led to. Over a network a name may tell less of them than the node does.
pub(super) fn attributes(node: Node) -> NodeResult<Stat> {
    if !node.stat.is_file() || !node.mount.layer.features().remote {
        return Ok(node.stat);
    }
    match node.mount.layer.getattr(node.ino()) {
        Err(error) if error == Errno::ESTALE => Ok(node.stat),
        stat => stat,
    }
}

/// A page of entries read through `layer`, with what is mounted on them in their place and mounts on names the layer lacks.
pub(super) fn list(
    table: &MountTable,
    layer: &dyn Layer,
    dir: &Node,
    after: Option<&Name>,
    limit: usize,
) -> NodeResult<Vec<DirEntry>> {
    let mut page = layer.readdir(dir.ino(), after, limit)?;
    if !table.any_below(dir.mount.id, dir.ino()) {
        return Ok(page);
    }
    // Names past a full page come with a later one.
    let last = (page.len() == limit).then(|| page.last().map(|entry| entry.name.clone())).flatten();
    let mounted: Vec<DirEntry> = table
        .below(dir.mount.id, dir.ino())
        .filter(|(name, _)| after.is_none_or(|after| *name > after))
        .filter(|(name, _)| last.as_ref().is_none_or(|last| *name <= last))
        .map(|(name, mount)| {
            let stat = mount.layer.getattr(mount.layer.root())?;
            Ok(DirEntry { name: name.clone(), stat })
        })
        .collect::<NodeResult<_>>()?;
    page.retain(|entry| !mounted.iter().any(|mount| mount.name == entry.name));
    page.extend(mounted);
    page.sort_by(|a, b| a.name.cmp(&b.name));
    page.truncate(limit);
    Ok(page)
}

/// All entries of a directory of one layer, mounts left aside.
pub(super) fn entries_of(layer: &dyn Layer, dir: Ino) -> NodeResult<Vec<DirEntry>> {
    let mut entries: Vec<DirEntry> = Vec::new();
    loop {
        let after = entries.last().map(|entry| entry.name.clone());
        let page = layer.readdir(dir, after.as_ref(), PAGE)?;
        if page.is_empty() {
            return Ok(entries);
        }
        entries.extend(page);
    }
}
