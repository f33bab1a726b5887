//! Names: finding nodes by them, listing, making, removing and moving them.

use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd;
use std::sync::Arc;

use cap_fs_ext::DirExt;
use cap_std::fs::Dir;
use rustix::fs::{self as sys, AtFlags, Mode, OFlags, RenameFlags};

use super::table::{Held, ROOT};
use super::{At, HostLayer, Place, host, node};
use crate::errno::{Errno, NodeResult};
use crate::node::{DirEntry, FileType, Ino, NewAttr, NewNode, RenameMode, SetAttr, Stat};
use crate::path::{Name, PATH_MAX};

/// What is to be removed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Leaf,
    Directory,
}

impl HostLayer {
    /// The open directory with this number.
    ///
    /// # Errors
    /// `ENOTDIR`; `ESTALE` if it cannot be found any more.
    pub(super) fn dir(&self, ino: Ino) -> NodeResult<Arc<Dir>> {
        let known = {
            let table = self.table.lock();
            match table.kind(ino) {
                None => return Err(Errno::ESTALE.into()),
                Some(FileType::Directory) => {}
                Some(_) => return Err(Errno::ENOTDIR.into()),
            }
            table.open_dir(ino)
        };
        if let Some(dir) = known {
            return Ok(dir);
        }
        let place = self.place(ino)?;
        let dir = match place.at {
            At::Root(dir) => dir,
            At::Entry(parent, name) => Arc::new(parent.open_dir_nofollow(&*name).map_err(host)?),
            At::Held(held) => {
                let fd = node::reopen_dir(held.fd.as_fd())?;
                Arc::new(Dir::from_std_file(std::fs::File::from(fd)))
            }
        };
        // Between looking and opening another directory may have taken the place.
        if node::look(dir.as_fd(), "").map_err(host)?.key != place.seen.key {
            return Err(Errno::ESTALE.into());
        }
        self.table.lock().keep_dir(ino, dir.clone());
        Ok(dir)
    }

    /// Where the node can be reached now: by a name that still leads to it, or through what holds it open.
    ///
    /// # Errors
    /// `ESTALE`.
    pub(super) fn place(&self, ino: Ino) -> NodeResult<Place> {
        if ino == ROOT {
            let dir = Arc::new(self.root.try_clone().map_err(host)?);
            let seen = node::look(dir.as_fd(), "").map_err(host)?;
            return Ok(Place { at: At::Root(dir), seen });
        }
        let (key, names, held) = {
            let table = self.table.lock();
            (table.key(ino).ok_or(Errno::ESTALE)?, table.names(ino), table.held(ino))
        };
        for (parent, name) in names {
            let Ok(dir) = self.dir(parent) else { continue };
            match node::look(dir.as_fd(), &name) {
                Ok(seen) if seen.key == key => return Ok(Place { at: At::Entry(dir, name), seen }),
                _ => {}
            }
        }
        let held = held.ok_or(Errno::ESTALE)?;
        let seen = node::look(held.fd.as_fd(), "").map_err(host)?;
        Ok(Place { at: At::Held(held), seen })
    }

    /// Looks at an entry and notes it.
    pub(super) fn see(&self, dir: &Dir, parent: Ino, name: &Name) -> NodeResult<Stat> {
        let seen = node::look(dir.as_fd(), name).map_err(host)?;
        Ok(self.table.lock().note(parent, name, &seen))
    }

    /// What [`list`](HostLayer::list) leaves out of a directory.
    pub(super) fn left_out(&self, ino: Ino) -> NodeResult<Vec<OsString>> {
        let dir = self.dir(ino)?;
        let mut left_out = Vec::new();
        for entry in dir.entries().map_err(host)? {
            let name = entry.map_err(host)?.file_name();
            if shown(&name).is_none() {
                left_out.push(name);
            }
        }
        left_out.sort_unstable();
        Ok(left_out)
    }

    pub(super) fn list(&self, ino: Ino, after: Option<&Name>, limit: usize) -> NodeResult<Vec<DirEntry>> {
        let dir = self.dir(ino)?;
        let mut names = Vec::new();
        for entry in dir.entries().map_err(host)? {
            let Some(name) = shown(&entry.map_err(host)?.file_name()) else { continue };
            if after.is_none_or(|after| name > *after) {
                names.push(name);
            }
        }
        names.sort_unstable();
        let mut entries = Vec::with_capacity(names.len().min(limit));
        for name in names {
            if entries.len() == limit {
                break;
            }
            match self.see(&dir, ino, &name) {
                Ok(stat) => entries.push(DirEntry { name, stat }),
                // Removed since it was listed.
                Err(error) if error == Errno::ENOENT => {}
                Err(error) => return Err(error),
            }
        }
        Ok(entries)
    }

    /// Holds a descriptor on the node for as long as it is pinned.
    pub(super) fn pin(&self, ino: Ino) -> NodeResult<()> {
        if self.table.lock().pin_again(ino) {
            return Ok(());
        }
        let place = self.place(ino)?;
        let held = match (&place.at, place.seen.stat.kind) {
            (At::Held(_), _) => return Err(Errno::ESTALE.into()),
            (At::Root(dir), _) => Held { fd: node::reopen_dir(dir.as_fd())?, writable: false },
            (At::Entry(dir, name), FileType::Regular) => hold_file(dir, name)?,
            (At::Entry(dir, name), _) => {
                Held { fd: node::open(dir.as_fd(), name, OFlags::PATH)?, writable: false }
            }
        };
        if node::look(held.fd.as_fd(), "").map_err(host)?.key != place.seen.key {
            return Err(Errno::ESTALE.into());
        }
        self.table.lock().pin(ino, held);
        Ok(())
    }

    pub(super) fn make(
        &self,
        parent: Ino,
        name: &Name,
        new: NewNode<'_>,
        attr: &NewAttr,
    ) -> NodeResult<Stat> {
        let dir = self.dir(parent)?;
        let fd = dir.as_fd();
        match new {
            NewNode::File(data) => make_file(&dir, name, data)?,
            NewNode::Directory => sys::mkdirat(fd, &**name, Mode::RWXU).map_err(host)?,
            NewNode::Symlink(target) => {
                check_target(target)?;
                sys::symlinkat(target, fd, &**name).map_err(host)?;
            }
            _ if node::look(fd, name).is_ok() => return Err(Errno::EEXIST.into()),
            _ => return Err(Errno::EOPNOTSUPP.into()),
        }
        let made = self.see(&dir, parent, name)?;
        self.table.lock().changed(parent);
        let mode = (made.kind != FileType::Symlink).then_some(attr.mode);
        self.set_attributes(made.ino, &SetAttr { mode, mtime: attr.mtime, ..SetAttr::default() })?;
        self.see(&dir, parent, name)
    }

    pub(super) fn make_link(&self, ino: Ino, parent: Ino, name: &Name) -> NodeResult<Stat> {
        let dir = self.dir(parent)?;
        let place = self.place(ino)?;
        if place.seen.stat.is_dir() {
            return Err(Errno::EPERM.into());
        }
        let At::Entry(from, old) = &place.at else { return Err(Errno::ENOENT.into()) };
        sys::linkat(from.as_fd(), &**old, dir.as_fd(), &**name, AtFlags::empty()).map_err(host)?;
        let mut table = self.table.lock();
        table.changed(ino);
        table.changed(parent);
        drop(table);
        self.see(&dir, parent, name)
    }

    pub(super) fn remove(&self, parent: Ino, name: &Name, kind: Kind) -> NodeResult<()> {
        let dir = self.dir(parent)?;
        let stat = self.see(&dir, parent, name)?;
        let flags = match (kind, stat.is_dir()) {
            (Kind::Leaf, false) => AtFlags::empty(),
            (Kind::Directory, true) => AtFlags::REMOVEDIR,
            (Kind::Leaf, true) => return Err(Errno::EISDIR.into()),
            (Kind::Directory, false) => return Err(Errno::ENOTDIR.into()),
        };
        sys::unlinkat(dir.as_fd(), &**name, flags).map_err(host)?;
        let left = if stat.is_dir() { 0 } else { stat.nlink.saturating_sub(1) };
        let mut table = self.table.lock();
        table.forget(stat.ino, parent, name, left);
        table.changed(parent);
        Ok(())
    }

    pub(super) fn move_entry(
        &self,
        from: (Ino, &Name),
        to: (Ino, &Name),
        mode: RenameMode,
    ) -> NodeResult<()> {
        let (old_dir, new_dir) = (self.dir(from.0)?, self.dir(to.0)?);
        let moved = self.see(&old_dir, from.0, from.1)?;
        let replaced = match self.see(&new_dir, to.0, to.1) {
            Err(error) if error == Errno::ENOENT => None,
            found => Some(found?),
        };
        let flags = match mode {
            RenameMode::Replace => RenameFlags::empty(),
            RenameMode::NoReplace => RenameFlags::NOREPLACE,
            RenameMode::Exchange => RenameFlags::EXCHANGE,
        };
        sys::renameat_with(old_dir.as_fd(), &**from.1, new_dir.as_fd(), &**to.1, flags).map_err(host)?;
        if replaced.is_some_and(|replaced| replaced.ino == moved.ino) {
            return Ok(());
        }
        let mut table = self.table.lock();
        match (replaced, mode) {
            (Some(other), RenameMode::Exchange) => table.moved(other.ino, to, from),
            (Some(gone), _) => {
                let left = if gone.is_dir() { 0 } else { gone.nlink.saturating_sub(1) };
                table.forget(gone.ino, to.0, to.1, left);
            }
            (None, _) => {}
        }
        table.moved(moved.ino, from, to);
        table.changed(from.0);
        table.changed(to.0);
        Ok(())
    }
}

/// A name of the host as one of ours, if it can be one.
fn shown(name: &OsStr) -> Option<Name> {
    Name::new(name.to_str()?).ok()
}

/// Opens a file for as much as the host allows.
fn hold_file(dir: &Dir, name: &Name) -> NodeResult<Held> {
    match node::open(dir.as_fd(), name, OFlags::RDWR) {
        Ok(fd) => return Ok(Held { fd, writable: true }),
        Err(error)
            if matches!(error.errno(), Errno::EACCES | Errno::EROFS | Errno::EPERM | Errno::ETXTBSY) => {}
        Err(error) => return Err(error),
    }
    Ok(Held { fd: node::open(dir.as_fd(), name, OFlags::RDONLY)?, writable: false })
}

/// Makes a file with content; one that cannot be filled is taken away again.
fn make_file(dir: &Dir, name: &Name, data: &[u8]) -> NodeResult<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = sys::openat(dir.as_fd(), &**name, flags, Mode::RUSR | Mode::WUSR).map_err(host)?;
    let written = super::content::write_all(fd.as_fd(), 0, data);
    if written.is_err() {
        let _ = sys::unlinkat(dir.as_fd(), &**name, AtFlags::empty());
    }
    written
}

fn check_target(target: &str) -> NodeResult<()> {
    match target.len() {
        0 => Err(Errno::ENOENT.into()),
        len if len >= PATH_MAX => Err(Errno::ENAMETOOLONG.into()),
        _ if target.contains('\0') => Err(Errno::EINVAL.into()),
        _ => Ok(()),
    }
}
