//! A host directory as a layer. Nothing outside of it can be reached: every name is opened relative to the
//! descriptor of its directory and never followed if it is a link.

mod content;
mod names;
mod node;
mod table;
#[cfg(test)]
mod tests;
mod xattr;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use parking_lot::{Mutex, ReentrantMutex};
use rustix::fs as sys;

use crate::errno::{Errno, NodeError, NodeResult};
use crate::layer::Layer;
use crate::node::{
    Allocate, DirEntry, Features, Ino, NewAttr, NewNode, RenameMode, SeekTo, SetAttr, Stat, StatFs, XattrMode,
};
use crate::path::Name;
use crate::savepoint::Savepoint;
use table::Table;

/// How a [`HostLayer`] is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HostOptions {
    /// Every change is `EROFS`.
    pub read_only: bool,
}

/// A directory of the host as a layer.
///
/// - Symbolic links are kept as text. `Vfs` resolves them inside its own tree, so none leads out.
/// - The host's permissions apply to the process; files made here belong to its user, whatever is asked for.
/// - Others may change the directory at any time. What is gone is `ESTALE`; names that are not UTF-8 are not
///   listed and cannot be reached, [`unshown`](HostLayer::unshown) tells them.
/// - FIFOs, sockets and devices are shown and can be removed, but not made or opened.
/// - There are no transactions: what a failed batch did stays done.
/// - Inode numbers are the layer's own and remembered for as long as the layer lives: memory grows with the
///   number of different nodes looked at.
pub struct HostLayer {
    root: Dir,
    read_only: bool,
    xattrs: bool,
    table: Mutex<Table>,
    /// Held for the length of each change, and of a batch.
    writing: ReentrantMutex<()>,
}

impl fmt::Debug for HostLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostLayer").field("root", &self.root).field("read_only", &self.read_only).finish()
    }
}

impl HostLayer {
    /// Opens a host directory. This is the only place where the host's paths are used.
    ///
    /// # Errors
    /// What opening the directory gives.
    pub fn open(path: &Path, options: HostOptions) -> io::Result<HostLayer> {
        Self::from_dir(Dir::open_ambient_dir(path, ambient_authority())?, options)
    }

    /// A directory that is open already.
    ///
    /// # Errors
    /// What looking at it gives.
    pub fn from_dir(root: Dir, options: HostOptions) -> io::Result<HostLayer> {
        let seen = node::look(root.as_fd(), "")?;
        let xattrs = xattr::supported(root.as_fd());
        Ok(HostLayer {
            root,
            read_only: options.read_only,
            xattrs,
            table: Mutex::new(Table::new(&seen)),
            writing: ReentrantMutex::new(()),
        })
    }

    /// The names in a directory that are not shown because they are not UTF-8, in byte order.
    ///
    /// # Errors
    /// What listing it gives: `ENOTDIR`, `ESTALE`, `EACCES`.
    pub fn unshown(&self, dir: Ino) -> NodeResult<Vec<OsString>> {
        self.left_out(dir)
    }

    fn want_write(&self) -> NodeResult<()> {
        if self.read_only { Err(Errno::EROFS.into()) } else { Ok(()) }
    }

    /// One change at a time: what is known of names must match what was done to them.
    fn change<T>(&self, work: impl FnOnce() -> NodeResult<T>) -> NodeResult<T> {
        self.want_write()?;
        let _writing = self.writing.lock();
        work()
    }
}

/// An error of the host as one of ours; one we have no name for is `EIO`.
fn host(error: impl Into<io::Error>) -> NodeError {
    let error = error.into();
    match error.raw_os_error().and_then(Errno::from_code) {
        Some(errno) => errno.into(),
        None => NodeError::io(error),
    }
}

impl Layer for HostLayer {
    fn name(&self) -> &str {
        "host"
    }

    fn features(&self) -> Features {
        Features {
            writable: !self.read_only,
            hard_links: true,
            symlinks: true,
            xattrs: self.xattrs,
            special_nodes: false,
            sparse: true,
            ownership: false,
            rename_modes: true,
            transactions: false,
            immutable: false,
            remote: false,
            waits: false,
            ino_bits: 48,
        }
    }

    fn root(&self) -> Ino {
        table::ROOT
    }

    fn lookup(&self, parent: Ino, name: &Name) -> NodeResult<Stat> {
        let dir = self.dir(parent)?;
        self.see(&dir, parent, name)
    }

    fn getattr(&self, ino: Ino) -> NodeResult<Stat> {
        let seen = self.place(ino)?.seen;
        Ok(self.table.lock().stat_of(ino, &seen))
    }

    fn setattr(&self, ino: Ino, changes: &SetAttr) -> NodeResult<Stat> {
        self.change(|| {
            self.set_attributes(ino, changes)?;
            self.table.lock().changed(ino);
            self.getattr(ino)
        })
    }

    fn readdir(&self, dir: Ino, after: Option<&Name>, limit: usize) -> NodeResult<Vec<DirEntry>> {
        self.list(dir, after, limit)
    }

    fn readlink(&self, ino: Ino) -> NodeResult<String> {
        let place = self.place(ino)?;
        let target = sys::readlinkat(place.fd(), place.name(), Vec::new()).map_err(host)?;
        // A target that is not UTF-8 cannot be followed or shown.
        target.into_string().map_err(|_| Errno::EILSEQ.into())
    }

    fn read(&self, ino: Ino, offset: u64, len: usize) -> NodeResult<Bytes> {
        self.read_content(ino, offset, len)
    }

    fn write(&self, ino: Ino, offset: u64, data: &[u8]) -> NodeResult<()> {
        self.change(|| {
            self.write_content(ino, offset, data)?;
            if !data.is_empty() {
                self.table.lock().changed(ino);
            }
            Ok(())
        })
    }

    fn append(&self, ino: Ino, data: &[u8]) -> NodeResult<u64> {
        self.change(|| {
            let offset = self.append_content(ino, data)?;
            if !data.is_empty() {
                self.table.lock().changed(ino);
            }
            Ok(offset)
        })
    }

    fn allocate(&self, ino: Ino, how: Allocate, offset: u64, len: u64) -> NodeResult<()> {
        self.change(|| {
            self.allocate_range(ino, how, offset, len)?;
            self.table.lock().changed(ino);
            Ok(())
        })
    }

    fn seek(&self, ino: Ino, offset: u64, to: SeekTo) -> NodeResult<u64> {
        self.seek_content(ino, offset, to)
    }

    fn open(&self, ino: Ino) -> NodeResult<()> {
        self.pin(ino)
    }

    fn release(&self, ino: Ino) {
        self.table.lock().unpin(ino);
    }

    /// Every write is done when it returns.
    fn flush(&self, _: Ino) -> NodeResult<()> {
        Ok(())
    }

    fn create(&self, parent: Ino, name: &Name, node: NewNode<'_>, attr: &NewAttr) -> NodeResult<Stat> {
        self.change(|| self.make(parent, name, node, attr))
    }

    fn link(&self, ino: Ino, parent: Ino, name: &Name) -> NodeResult<Stat> {
        self.change(|| self.make_link(ino, parent, name))
    }

    fn unlink(&self, parent: Ino, name: &Name) -> NodeResult<()> {
        self.change(|| self.remove(parent, name, names::Kind::Leaf))
    }

    fn rmdir(&self, parent: Ino, name: &Name) -> NodeResult<()> {
        self.change(|| self.remove(parent, name, names::Kind::Directory))
    }

    fn rename(&self, from: (Ino, &Name), to: (Ino, &Name), mode: RenameMode) -> NodeResult<()> {
        self.change(|| self.move_entry(from, to, mode))
    }

    fn getxattr(&self, ino: Ino, name: &str) -> NodeResult<Bytes> {
        self.get_attribute(ino, name)
    }

    fn listxattr(&self, ino: Ino) -> NodeResult<Vec<String>> {
        self.list_attributes(ino)
    }

    fn setxattr(&self, ino: Ino, name: &str, value: &[u8], mode: XattrMode) -> NodeResult<()> {
        self.change(|| {
            self.set_attribute(ino, name, value, mode)?;
            self.table.lock().changed(ino);
            Ok(())
        })
    }

    fn removexattr(&self, ino: Ino, name: &str) -> NodeResult<()> {
        self.change(|| {
            self.remove_attribute(ino, name)?;
            self.table.lock().changed(ino);
            Ok(())
        })
    }

    fn fsync(&self, ino: Option<Ino>) -> NodeResult<()> {
        match ino {
            Some(ino) => self.sync_node(ino),
            None => {
                let root = node::reopen_dir(self.root.as_fd())?;
                sys::syncfs(root).map_err(host)
            }
        }
    }

    fn statfs(&self) -> NodeResult<StatFs> {
        let stat = sys::fstatvfs(self.root.as_fd()).map_err(host)?;
        Ok(StatFs {
            total_bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
            used_bytes: stat.f_blocks.saturating_sub(stat.f_bfree).saturating_mul(stat.f_frsize),
            total_inodes: stat.f_files,
            used_inodes: stat.f_files.saturating_sub(stat.f_ffree),
        })
    }

    fn savepoint(&self) -> NodeResult<Savepoint> {
        Err(Errno::EOPNOTSUPP.into())
    }

    fn roll_back(&self, _: &Savepoint) -> NodeResult<()> {
        Err(Errno::EOPNOTSUPP.into())
    }

    fn batch(&self, work: &mut dyn FnMut(&dyn Layer) -> NodeResult<()>) -> NodeResult<()> {
        let _writing = self.writing.lock();
        work(self)
    }
}

/// Where a node can be reached: a directory and a name in it, or a descriptor held on the node itself.
struct Place {
    at: At,
    seen: node::Seen,
}

enum At {
    Entry(Arc<Dir>, Name),
    Root(Arc<Dir>),
    Held(Arc<table::Held>),
}

impl Place {
    fn fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match &self.at {
            At::Entry(dir, _) | At::Root(dir) => dir.as_fd(),
            At::Held(held) => held.fd.as_fd(),
        }
    }

    /// The name relative to the descriptor; empty for the descriptor's own node.
    fn name(&self) -> &str {
        match &self.at {
            At::Entry(_, name) => name,
            At::Root(_) | At::Held(_) => "",
        }
    }
}
