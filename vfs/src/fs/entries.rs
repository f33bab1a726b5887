//! Operations on entries of directories: make, remove, rename, link.

use crate::errno::{Errno, Error, NodeResult, Result};
use crate::fs::at_version::{Expected, change_entry};
use crate::fs::{Context, Follow, FsEventKind, Vfs};
use crate::node::{FileType, NewAttr, NewNode, RenameMode, Stat};
use crate::path::{Name, PATH_MAX};
use crate::walk::{Aim, Last, Node, Walk};

impl Vfs {
    /// Makes a directory. It inherits the group and the set-group-id bit of a set-group-id directory.
    ///
    /// # Errors
    /// `EEXIST` if there is anything, a dangling link included; `ENOENT`, `ENOTDIR` on the way;
    /// `EROFS`, `EACCES`, `EDQUOT`, `ENOSPC`, `ENAMETOOLONG`.
    pub fn mkdir(&self, path: &str, mode: u32) -> Result<()> {
        self.make(path, NewNode::Directory, mode).map(drop).at("mkdir", path)
    }

    /// Makes a symbolic link at `path`. The target need not exist.
    ///
    /// # Errors
    /// `EEXIST`; `ENOENT` for an empty target or missing directory; `ENAMETOOLONG`; as [`Vfs::mkdir`].
    pub fn symlink(&self, target: &str, path: &str) -> Result<()> {
        const OP: &str = "symlink";
        let check = || {
            if target.is_empty() {
                return Err(Errno::ENOENT.into());
            }
            if target.len() >= PATH_MAX {
                return Err(Errno::ENAMETOOLONG.into());
            }
            if target.contains('\0') {
                return Err(Errno::EINVAL.into());
            }
            self.make(path, NewNode::Symlink(target), 0o777).map(drop)
        };
        check().between(OP, target, path)
    }

    /// Makes a file, FIFO, socket or device node. All but files can exist but not be opened.
    ///
    /// # Errors
    /// `EPERM` for directories and links, which have calls of their own, and for devices where modes are
    /// enforced and it is not user 0 who acts; as [`Vfs::mkdir`].
    pub fn mknod(&self, path: &str, kind: FileType, mode: u32, rdev: u64) -> Result<()> {
        const OP: &str = "mknod";
        let node = match kind {
            FileType::Regular => NewNode::File(b""),
            FileType::Fifo => NewNode::Fifo,
            FileType::Socket => NewNode::Socket,
            FileType::CharDevice => NewNode::CharDevice(rdev),
            FileType::BlockDevice => NewNode::BlockDevice(rdev),
            FileType::Directory | FileType::Symlink => return Err(Error::at(OP, path, Errno::EPERM)),
        };
        self.make(path, node, mode).map(drop).at(OP, path)
    }

    fn make(&self, path: &str, node: NewNode<'_>, mode: u32) -> NodeResult<Stat> {
        self.aim(path, |walk, aim| {
            let dir = aim.dir.clone();
            let name = self.free_name(walk, aim, node.kind())?;
            self.credentials.need_device(&dir, node.kind())?;
            let attr = self.new_attr(&dir, node.kind(), mode);
            let stat = dir.mount.layer.create(dir.ino(), &name, node, &attr)?;
            self.tell(FsEventKind::Create, || walk.path().join(&name));
            Ok(stat)
        })
    }

    /// The name that an operation may make: nothing is there, and the directory may be written.
    /// The order of the checks is Linux's.
    fn free_name(&self, walk: &Walk<'_>, aim: Aim, kind: FileType) -> NodeResult<Name> {
        let name = aim.last.name_or(Errno::EEXIST)?;
        if walk.child_if_any(&name)?.is_some() {
            return Err(Errno::EEXIST.into());
        }
        if aim.slash && kind != FileType::Directory {
            return Err(Errno::ENOENT.into());
        }
        aim.dir.mount.want_write()?;
        self.credentials.need_entries(&aim.dir)?;
        Ok(name)
    }

    pub(super) fn new_attr(&self, dir: &Node, kind: FileType, mode: u32) -> NewAttr {
        self.credentials.new_attr(&dir.stat, kind, mode)
    }

    /// Gives a file one more name. A symbolic link is linked itself.
    ///
    /// # Errors
    /// `EPERM` for a directory, `EEXIST`, `EXDEV` across mounts, `EMLINK`; as [`Vfs::mkdir`].
    pub fn link(&self, from: &str, to: &str) -> Result<()> {
        const OP: &str = "link";
        let link = |node: Node| {
            self.aim(to, |walk, aim| {
                let dir = aim.dir.clone();
                let crosses = dir.mount.id != node.mount.id;
                // What exists, and what cannot be written, is told before what cannot be linked.
                // A slash after the new name is not for a link, whatever is linked.
                let name = self.free_name(walk, aim, FileType::Regular)?;
                if crosses {
                    return Err(Errno::EXDEV.into());
                }
                if node.stat.is_dir() {
                    return Err(Errno::EPERM.into());
                }
                dir.mount.layer.link(node.ino(), dir.ino(), &name)?;
                self.tell(FsEventKind::Create, || walk.path().join(&name));
                Ok(())
            })
        };
        self.find(from, Follow::No).and_then(link).between(OP, from, to)
    }

    /// Removes a name of what is no directory. Open handles keep the content.
    ///
    /// # Errors
    /// `EISDIR` for a directory, `.` and `..` (as Linux has it; POSIX says `EPERM`); `ENOTDIR` if a slash
    /// follows what is none; `ENOENT`, `EROFS`, `EACCES`, `EPERM`.
    pub fn unlink(&self, path: &str) -> Result<()> {
        self.unlink_expected(path, None).at("unlink", path)
    }

    pub(super) fn unlink_expected(&self, path: &str, expected: Expected) -> NodeResult<()> {
        let unlink = |walk: &Walk<'_>, aim: Aim| {
            let name = aim.last.name_or(Errno::EISDIR)?;
            aim.dir.mount.want_write()?;
            let node = walk.child(&name)?;
            if aim.slash {
                let errno = if node.stat.is_dir() { Errno::EISDIR } else { Errno::ENOTDIR };
                return Err(errno.into());
            }
            self.credentials.need_remove(&aim.dir, &node)?;
            if node.stat.is_dir() {
                return Err(Errno::EISDIR.into());
            }
            let dir = aim.dir.ino();
            change_entry((&aim.dir, &name), &node, expected, &mut |layer| layer.unlink(dir, &name))?;
            self.tell(FsEventKind::Remove, || walk.path().join(&name));
            Ok(())
        };
        self.aim(path, unlink)
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// `ENOTEMPTY` (also for `..`), `ENOTDIR`, `EINVAL` for `.`, `EBUSY` for `/` and mount points,
    /// `ENOENT`, `EROFS`, `EACCES`, `EPERM`.
    pub fn rmdir(&self, path: &str) -> Result<()> {
        self.rmdir_expected(path, None).at("rmdir", path)
    }

    pub(super) fn rmdir_expected(&self, path: &str, expected: Expected) -> NodeResult<()> {
        let rmdir = |walk: &Walk<'_>, aim: Aim| {
            let name = match aim.last {
                Last::Name(name) => name,
                Last::Unfit(errno) => return Err(errno.into()),
                Last::Dot => return Err(Errno::EINVAL.into()),
                Last::DotDot => return Err(Errno::ENOTEMPTY.into()),
                Last::Root => return Err(Errno::EBUSY.into()),
            };
            aim.dir.mount.want_write()?;
            let node = walk.child(&name)?;
            self.credentials.need_remove(&aim.dir, &node)?;
            node.need_dir()?;
            need_unmounted(walk, &aim.dir, &node)?;
            let dir = aim.dir.ino();
            change_entry((&aim.dir, &name), &node, expected, &mut |layer| layer.rmdir(dir, &name))?;
            self.tell(FsEventKind::Remove, || walk.path().join(&name));
            Ok(())
        };
        self.aim(path, rmdir)
    }

    /// Moves an entry within a filesystem; whoever looks sees the old tree or the new one.
    ///
    /// # Errors
    /// `ENOENT`; `EXDEV` across mounts; `EBUSY` for `.`, `..`, `/` and mount points; `ENOTDIR`, `EISDIR`,
    /// `ENOTEMPTY` if what is replaced does not fit; `EINVAL` for a directory moved below itself;
    /// `EEXIST` by `mode`; `EROFS`, `EACCES`, `EPERM`.
    pub fn rename(&self, from: &str, to: &str, mode: RenameMode) -> Result<()> {
        self.rename_expected(from, to, mode, None).between("rename", from, to)
    }

    pub(super) fn rename_expected(
        &self,
        from: &str,
        to: &str,
        mode: RenameMode,
        expected: Expected,
    ) -> NodeResult<()> {
        let table = self.table();
        let mut old = self.walk(&table, from)?;
        let old_aim = old.aim(from)?;
        let mut new = self.walk(&table, to)?;
        let new_aim = new.aim(to)?;
        if old_aim.dir.mount.id != new_aim.dir.mount.id {
            return Err(Errno::EXDEV.into());
        }
        let taken = if mode == RenameMode::NoReplace { Errno::EEXIST } else { Errno::EBUSY };
        need_entry(&old_aim.last, Errno::EBUSY)?;
        need_entry(&new_aim.last, taken)?;
        old_aim.dir.mount.want_write()?;
        let old_name = old_aim.last.name_or(Errno::EBUSY)?;
        let source = old.child(&old_name)?;
        let new_name = new_aim.last.name_or(taken)?;
        let target = new.child_if_any(&new_name)?;
        match (&target, mode) {
            (Some(_), RenameMode::NoReplace) => return Err(Errno::EEXIST.into()),
            (None, RenameMode::Exchange) => return Err(Errno::ENOENT.into()),
            _ => {}
        }
        check_slashes(&source, target.as_ref(), mode, old_aim.slash, new_aim.slash)?;
        if new.passed(&source) {
            return Err(Errno::EINVAL.into());
        }
        if target.as_ref().is_some_and(|target| old.passed(target)) {
            let inside = if mode == RenameMode::Exchange { Errno::EINVAL } else { Errno::ENOTEMPTY };
            return Err(inside.into());
        }
        if target.as_ref().is_some_and(|target| target.same(&source)) {
            return Ok(());
        }
        self.check_rename(&old_aim.dir, &source, &new_aim.dir, target.as_ref(), mode)?;
        if let (Some(target), RenameMode::Exchange) = (&target, mode) {
            self.check_move(target, &new_aim.dir, &old_aim.dir)?;
        }
        need_movable(&old_aim.dir, &source)?;
        if let Some(target) = &target {
            need_unmounted(&new, &new_aim.dir, target)?;
        }
        change_entry((&old_aim.dir, &old_name), &source, expected, &mut |layer| {
            layer.rename((old_aim.dir.ino(), &old_name), (new_aim.dir.ino(), &new_name), mode)
        })?;
        let (from, to) = (|| old.path().join(&old_name), || new.path().join(&new_name));
        if target.is_none_or(|target| !target.same(&source)) {
            self.tell_rename(from, to);
            if mode == RenameMode::Exchange {
                self.tell_rename(to, from);
            }
        }
        Ok(())
    }

    fn check_rename(
        &self,
        old_dir: &Node,
        source: &Node,
        new_dir: &Node,
        target: Option<&Node>,
        mode: RenameMode,
    ) -> NodeResult<()> {
        let who = &self.credentials;
        who.need_remove(old_dir, source)?;
        match target {
            Some(target) => {
                who.need_remove(new_dir, target)?;
                if mode != RenameMode::Exchange {
                    need_same_kind(source, target)?;
                }
            }
            None => who.need_entries(new_dir)?,
        }
        self.check_move(source, old_dir, new_dir)
    }

    /// A directory that moves to another parent has its `..` written.
    fn check_move(&self, node: &Node, old_dir: &Node, new_dir: &Node) -> NodeResult<()> {
        if node.stat.is_dir() && !old_dir.same(new_dir) {
            self.credentials.need(node, crate::fs::Access::WRITE)?;
        }
        Ok(())
    }
}

/// # Errors
/// `errno` for `.`, `..` and `/`, which are no entries.
fn need_entry(last: &Last, errno: Errno) -> NodeResult<()> {
    if matches!(last, Last::Name(_) | Last::Unfit(_)) { Ok(()) } else { Err(errno.into()) }
}

/// A slash after a name demands a directory, of either side of a rename.
fn check_slashes(
    source: &Node,
    target: Option<&Node>,
    mode: RenameMode,
    old_slash: bool,
    new_slash: bool,
) -> NodeResult<()> {
    let exchange = mode == RenameMode::Exchange;
    let source_fits = source.stat.is_dir() || !(old_slash || (new_slash && !exchange));
    let target_fits = !exchange || !new_slash || target.is_none_or(|node| node.stat.is_dir());
    if source_fits && target_fits { Ok(()) } else { Err(Errno::ENOTDIR.into()) }
}

/// # Errors
/// `ENOTDIR`, `EISDIR`: a directory replaces a directory, and nothing else does.
fn need_same_kind(source: &Node, target: &Node) -> NodeResult<()> {
    match (source.stat.is_dir(), target.stat.is_dir()) {
        (true, false) => Err(Errno::ENOTDIR.into()),
        (false, true) => Err(Errno::EISDIR.into()),
        _ => Ok(()),
    }
}

/// # Errors
/// `EBUSY` for a mount point.
fn need_movable(dir: &Node, node: &Node) -> NodeResult<()> {
    if node.mount.id == dir.mount.id { Ok(()) } else { Err(Errno::EBUSY.into()) }
}

/// # Errors
/// `EBUSY` for a mount point and for a directory that holds one.
pub(super) fn need_unmounted(walk: &Walk<'_>, dir: &Node, node: &Node) -> NodeResult<()> {
    need_movable(dir, node)?;
    if walk.table.any_below(node.mount.id, node.ino()) { Err(Errno::EBUSY.into()) } else { Ok(()) }
}
