//! Operations on attributes: mode, owner, times, size, extended attributes.

use bytes::Bytes;

use crate::errno::{Errno, NodeResult, Result};
use crate::fs::{Access, Context, Credentials, Follow, SetTime, Vfs, set_id};
use crate::node::{SetAttr, Stat, XattrMode};
use crate::walk::Node;

impl Vfs {
    /// Sets the permission bits, set-id and sticky bits included. Where they are checked, who is not in the node's
    /// group cannot make it set-group-id; the rest of the mode is set all the same.
    ///
    /// # Errors
    /// `EPERM` for who does not own it; `EROFS`; as [`Vfs::stat`].
    pub fn chmod(&self, path: &str, mode: u32) -> Result<()> {
        let change = |node: Node| chmod(&self.credentials, &node, mode);
        self.find(path, Follow::Yes).and_then(change).at("chmod", path)?;
        self.tell_modified(path, Follow::Yes);
        Ok(())
    }

    /// Sets owner and group; `None` leaves one.
    ///
    /// # Errors
    /// `EPERM`; `EROFS`; as [`Vfs::stat`].
    pub fn chown(&self, path: &str, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
        let change = |node: Node| chown(&self.credentials, &node, uid, gid);
        self.find(path, Follow::Yes).and_then(change).at("chown", path)?;
        self.tell_modified(path, Follow::Yes);
        Ok(())
    }

    /// Sets owner and group of a symbolic link itself.
    ///
    /// # Errors
    /// As [`Vfs::chown`].
    pub fn lchown(&self, path: &str, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
        let change = |node: Node| chown(&self.credentials, &node, uid, gid);
        self.find(path, Follow::No).and_then(change).at("lchown", path)?;
        self.tell_modified(path, Follow::No);
        Ok(())
    }

    /// Sets access and modification time.
    ///
    /// # Errors
    /// `EPERM` for who does not own it, `EACCES` for who may not even write it and sets now;
    /// `EROFS`; as [`Vfs::stat`].
    pub fn utimes(&self, path: &str, atime: SetTime, mtime: SetTime) -> Result<()> {
        let change = |node: Node| self.set_times(&node, atime, mtime);
        self.find(path, Follow::Yes).and_then(change).at("utime", path)?;
        self.tell_modified(path, Follow::Yes);
        Ok(())
    }

    /// Sets access and modification time of a symbolic link itself.
    ///
    /// # Errors
    /// As [`Vfs::utimes`].
    pub fn lutimes(&self, path: &str, atime: SetTime, mtime: SetTime) -> Result<()> {
        let change = |node: Node| self.set_times(&node, atime, mtime);
        self.find(path, Follow::No).and_then(change).at("lutime", path)?;
        self.tell_modified(path, Follow::No);
        Ok(())
    }

    pub(super) fn set_times(&self, node: &Node, atime: SetTime, mtime: SetTime) -> NodeResult<()> {
        let clock = &*self.shared.clock;
        set_times(
            &self.credentials,
            node,
            (atime, mtime),
            SetAttr { atime: atime.resolve(clock), mtime: mtime.resolve(clock), ..SetAttr::default() },
        )
    }

    /// Cuts a file off at `size`, or extends it with a hole.
    ///
    /// # Errors
    /// `EISDIR`; `EINVAL` for what is no file; `EFBIG`, `EDQUOT`, `ENOSPC`; `EROFS`, `EACCES`; as [`Vfs::stat`].
    pub fn truncate(&self, path: &str, size: u64) -> Result<()> {
        let change = |node: Node| {
            need_content(&node.stat)?;
            node.mount.want_write()?;
            self.credentials.need(&node, Access::WRITE)?;
            set_id::before_write(&self.credentials, &node)?;
            node.mount.layer.setattr(node.ino(), &SetAttr::size(size)).map(drop)
        };
        self.find(path, Follow::Yes).and_then(change).at("truncate", path)?;
        self.tell_modified(path, Follow::Yes);
        Ok(())
    }

    /// An extended attribute of what `path` leads to.
    ///
    /// # Errors
    /// `ENODATA` if there is none of that name; `EOPNOTSUPP` where there are none at all; `EACCES`; as
    /// [`Vfs::stat`].
    pub fn getxattr(&self, path: &str, name: &str) -> Result<Bytes> {
        let get = |node: Node| {
            need_xattr(&self.credentials, &node, name, Access::READ)?;
            node.mount.layer.getxattr(node.ino(), name)
        };
        self.find(path, Follow::Yes).and_then(get).at("getxattr", path)
    }

    /// The names of all extended attributes, in order.
    ///
    /// # Errors
    /// As [`Vfs::getxattr`].
    pub fn listxattr(&self, path: &str) -> Result<Vec<String>> {
        self.find(path, Follow::Yes)
            .and_then(|node| node.mount.layer.listxattr(node.ino()))
            .at("listxattr", path)
    }

    /// Sets an extended attribute.
    ///
    /// # Errors
    /// `EOPNOTSUPP` outside the `user.` namespace; `ERANGE` for a long name, `ENOSPC` for a value past
    /// 64 KiB; `EEXIST`, `ENODATA` by `mode`; `EPERM` for what is neither file nor directory, and for another's
    /// sticky directory; `EINVAL` for `user.` with nothing after it; `EROFS`, `EACCES`; as [`Vfs::stat`].
    pub fn setxattr(&self, path: &str, name: &str, value: &[u8], mode: XattrMode) -> Result<()> {
        let set = |node: Node| {
            node.mount.want_write()?;
            need_xattr(&self.credentials, &node, name, Access::WRITE)?;
            node.mount.layer.setxattr(node.ino(), name, value, mode)
        };
        self.find(path, Follow::Yes).and_then(set).at("setxattr", path)?;
        self.tell_modified(path, Follow::Yes);
        Ok(())
    }

    /// Removes an extended attribute.
    ///
    /// # Errors
    /// As [`Vfs::setxattr`].
    pub fn removexattr(&self, path: &str, name: &str) -> Result<()> {
        let remove = |node: Node| {
            node.mount.want_write()?;
            need_xattr(&self.credentials, &node, name, Access::WRITE)?;
            node.mount.layer.removexattr(node.ino(), name)
        };
        self.find(path, Follow::Yes).and_then(remove).at("removexattr", path)?;
        self.tell_modified(path, Follow::Yes);
        Ok(())
    }
}

/// # Errors
/// `EISDIR` for a directory, `EINVAL` for anything else without content.
pub(super) fn need_content(stat: &Stat) -> NodeResult<()> {
    match stat {
        stat if stat.is_dir() => Err(Errno::EISDIR.into()),
        stat if stat.is_file() => Ok(()),
        _ => Err(Errno::EINVAL.into()),
    }
}

/// Whether an extended attribute may be looked at or changed, in the order of Linux's checks.
///
/// # Errors
/// Of `user.`: `EPERM` (`ENODATA` for reading) for what is neither file nor directory, where mode bits mean
/// something else, and `EPERM` for another's sticky directory; `EACCES`.
fn need_xattr(who: &Credentials, node: &Node, name: &str, access: Access) -> NodeResult<()> {
    let user = name.starts_with("user.");
    if user && !node.stat.is_file() && !node.stat.is_dir() {
        return Err(if access.write { Errno::EPERM } else { Errno::ENODATA }.into());
    }
    if user && access.write && node.stat.is_dir() && node.stat.mode & 0o1000 != 0 {
        who.need_owner(node)?;
    }
    who.need(node, access)
}

pub(super) fn chmod(who: &Credentials, node: &Node, mode: u32) -> NodeResult<()> {
    node.mount.want_write()?;
    who.need_owner(node)?;
    let mode = if who.may_set_gid(node) { mode & 0o7777 } else { mode & 0o7777 & !set_id::SET_GID };
    node.mount.layer.setattr(node.ino(), &SetAttr::mode(mode))?;
    set_id::note_chmod(node, mode);
    Ok(())
}

/// A change of owner takes the set-id bits off a file, as on Linux, so that it does not act as its new owner.
pub(super) fn chown(who: &Credentials, node: &Node, uid: Option<u32>, gid: Option<u32>) -> NodeResult<()> {
    node.mount.want_write()?;
    who.need_chown(node, uid, gid)?;
    let mode = set_id::after_chown(who, &node.stat);
    // Even where owner and group stay, it is the owner's to take set-id bits off.
    if mode.is_some() {
        who.need_owner(node)?;
    }
    node.mount.layer.setattr(node.ino(), &SetAttr { uid, gid, mode, ..SetAttr::default() }).map(drop)
}

pub(super) fn set_times(
    who: &Credentials,
    node: &Node,
    asked: (SetTime, SetTime),
    change: SetAttr,
) -> NodeResult<()> {
    node.mount.want_write()?;
    if asked == (SetTime::Keep, SetTime::Keep) {
        return Ok(());
    }
    // Who may write the file may say "now": writing it would have done the same.
    let may_write = asked == (SetTime::Now, SetTime::Now) && who.need(node, Access::WRITE).is_ok();
    if !may_write {
        who.need_owner(node).map_err(|error| match asked {
            (SetTime::Now, SetTime::Now) => Errno::EACCES.into(),
            _ => error,
        })?;
    }
    node.mount.layer.setattr(node.ino(), &change).map(drop)
}
