//! Content and attributes of host nodes.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use bytes::Bytes;
use cap_std::fs::{Permissions, PermissionsExt};
use rustix::fs::{
    self as sys, AtFlags, FallocateFlags, Gid, Mode, OFlags, SeekFrom, Timespec, Timestamps, Uid,
};
use rustix::io as raw;

use super::table::Held;
use super::{At, HostLayer, Place, host, node};
use crate::clock::Timestamp;
use crate::errno::{Errno, NodeResult};
use crate::node::{Allocate, FileType, Ino, SeekTo, SetAttr, end_of};

/// An open descriptor: one that is held for a pin, or one for this call alone.
pub(super) enum Opened {
    Held(Arc<Held>),
    Own(OwnedFd),
}

impl AsFd for Opened {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Opened::Held(held) => held.fd.as_fd(),
            Opened::Own(fd) => fd.as_fd(),
        }
    }
}

impl HostLayer {
    /// Opens a regular file's content.
    ///
    /// # Errors
    /// `EISDIR` for a directory, `EINVAL` for anything else without content; `ESTALE`.
    fn file(&self, ino: Ino, access: OFlags) -> NodeResult<Opened> {
        let held = {
            let table = self.table.lock();
            match table.kind(ino).ok_or(Errno::ESTALE)? {
                FileType::Regular => table.held(ino),
                FileType::Directory => return Err(Errno::EISDIR.into()),
                _ => return Err(Errno::EINVAL.into()),
            }
        };
        match held {
            Some(held) if held.writable || access == OFlags::RDONLY => Ok(Opened::Held(held)),
            _ => self.open_place(&self.place(ino)?, access).map(Opened::Own),
        }
    }

    /// Opens the very node that was found at a place.
    fn open_place(&self, place: &Place, access: OFlags) -> NodeResult<OwnedFd> {
        let fd = match &place.at {
            At::Entry(dir, name) => node::open(dir.as_fd(), name, access)?,
            At::Root(dir) => node::reopen_dir(dir.as_fd())?,
            At::Held(held) if place.seen.stat.is_dir() => node::reopen_dir(held.fd.as_fd())?,
            // Its last name is gone and what holds it open cannot be written.
            At::Held(_) => return Err(Errno::EACCES.into()),
        };
        if node::look(fd.as_fd(), "").map_err(host)?.key != place.seen.key {
            return Err(Errno::ESTALE.into());
        }
        Ok(fd)
    }

    pub(super) fn read_content(&self, ino: Ino, offset: u64, len: usize) -> NodeResult<Bytes> {
        let file = self.file(ino, OFlags::RDONLY)?;
        let size = node::look(file.as_fd(), "").map_err(host)?.stat.size;
        let there = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut buffer = vec![0; len.min(there)];
        let mut filled = 0;
        while filled < buffer.len() {
            match raw::pread(file.as_fd(), &mut buffer[filled..], offset + filled as u64).map_err(host)? {
                0 => break,
                read => filled += read,
            }
        }
        buffer.truncate(filled);
        Ok(buffer.into())
    }

    pub(super) fn write_content(&self, ino: Ino, offset: u64, data: &[u8]) -> NodeResult<()> {
        let file = self.file(ino, OFlags::WRONLY)?;
        end_of(offset, data.len() as u64)?;
        write_all(file.as_fd(), offset, data)
    }

    /// The write lock keeps our own writes apart. Another process that appends at the same moment could
    /// overlap: the offset must be known, which `O_APPEND` does not tell.
    pub(super) fn append_content(&self, ino: Ino, data: &[u8]) -> NodeResult<u64> {
        let file = self.file(ino, OFlags::WRONLY)?;
        let end = node::look(file.as_fd(), "").map_err(host)?.stat.size;
        end_of(end, data.len() as u64)?;
        write_all(file.as_fd(), end, data)?;
        Ok(end)
    }

    pub(super) fn allocate_range(&self, ino: Ino, how: Allocate, offset: u64, len: u64) -> NodeResult<()> {
        let file = self.file(ino, OFlags::WRONLY)?;
        if len == 0 {
            return Err(Errno::EINVAL.into());
        }
        end_of(offset, len)?;
        let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        let flags = match how {
            Allocate::Reserve => FallocateFlags::empty(),
            Allocate::KeepSize => FallocateFlags::KEEP_SIZE,
            Allocate::Punch | Allocate::Zero => punch,
        };
        sys::fallocate(file.as_fd(), flags, offset, len).map_err(host)?;
        // A hole reads as zeros, and every filesystem that knows holes can punch one.
        let grows = node::look(file.as_fd(), "").map_err(host)?.stat.size < offset + len;
        if how == Allocate::Zero && grows {
            sys::ftruncate(file.as_fd(), offset + len).map_err(host)?;
        }
        Ok(())
    }

    pub(super) fn seek_content(&self, ino: Ino, offset: u64, to: SeekTo) -> NodeResult<u64> {
        let file = self.file(ino, OFlags::RDONLY)?;
        if offset > i64::MAX as u64 {
            return Err(Errno::ENXIO.into());
        }
        let to = match to {
            SeekTo::Data => SeekFrom::Data(offset),
            SeekTo::Hole => SeekFrom::Hole(offset),
        };
        sys::seek(file.as_fd(), to).map_err(host)
    }

    pub(super) fn sync_node(&self, ino: Ino) -> NodeResult<()> {
        let place = self.place(ino)?;
        match place.seen.stat.kind {
            FileType::Regular => sys::fsync(self.file(ino, OFlags::RDONLY)?).map_err(host),
            FileType::Directory => sys::fsync(self.open_place(&place, OFlags::RDONLY)?).map_err(host),
            _ => Ok(()),
        }
    }

    /// A descriptor for extended attributes: regular files and directories have them.
    ///
    /// # Errors
    /// `EPERM` for anything else, as Linux has it.
    pub(super) fn described(&self, ino: Ino) -> NodeResult<Opened> {
        let place = self.place(ino)?;
        match place.seen.stat.kind {
            FileType::Regular => self.file(ino, OFlags::RDONLY),
            FileType::Directory => self.open_place(&place, OFlags::RDONLY).map(Opened::Own),
            _ => Err(Errno::EPERM.into()),
        }
    }

    /// The size is first, since it is what fails for lack of space or for the wrong kind of node.
    pub(super) fn set_attributes(&self, ino: Ino, changes: &SetAttr) -> NodeResult<()> {
        let place = self.place(ino)?;
        if let Some(size) = changes.size {
            let file = self.file(ino, OFlags::WRONLY)?;
            end_of(size, 0)?;
            sys::ftruncate(file.as_fd(), size).map_err(host)?;
        }
        if changes.uid.is_some() || changes.gid.is_some() {
            set_owner(&place, changes.uid, changes.gid)?;
        }
        if let Some(mode) = changes.mode {
            self.set_mode(&place, mode)?;
        }
        if changes.atime.is_some() || changes.mtime.is_some() {
            let times =
                Timestamps { last_access: spec(changes.atime), last_modification: spec(changes.mtime) };
            sys::utimensat(place.fd(), place.name(), &times, at_flags(&place)).map_err(host)?;
        }
        Ok(())
    }

    fn set_mode(&self, place: &Place, mode: u32) -> NodeResult<()> {
        match &place.at {
            // Through the directory's capability, which opens the entry without leaving it.
            At::Entry(dir, name) if !place.seen.stat.is_symlink() => {
                dir.set_permissions(&**name, Permissions::from_mode(mode)).map_err(host)
            }
            At::Entry(..) => Err(Errno::EOPNOTSUPP.into()),
            At::Root(_) => {
                let fd = self.open_place(place, OFlags::RDONLY)?;
                sys::fchmod(fd, Mode::from_raw_mode(mode)).map_err(host)
            }
            At::Held(held) => sys::fchmod(&held.fd, Mode::from_raw_mode(mode)).map_err(host),
        }
    }
}

fn set_owner(place: &Place, uid: Option<u32>, gid: Option<u32>) -> NodeResult<()> {
    let uid = uid.filter(|uid| *uid != place.seen.stat.uid).map(Uid::from_raw);
    let gid = gid.filter(|gid| *gid != place.seen.stat.gid).map(Gid::from_raw);
    if uid.is_none() && gid.is_none() {
        return Ok(());
    }
    sys::chownat(place.fd(), place.name(), uid, gid, at_flags(place)).map_err(host)
}

fn at_flags(place: &Place) -> AtFlags {
    if place.name().is_empty() { AtFlags::EMPTY_PATH } else { AtFlags::SYMLINK_NOFOLLOW }
}

fn spec(time: Option<Timestamp>) -> Timespec {
    match time {
        Some(time) => {
            let (seconds, nanos) = time.split();
            Timespec { tv_sec: seconds, tv_nsec: nanos.into() }
        }
        None => Timespec { tv_sec: 0, tv_nsec: sys::UTIME_OMIT },
    }
}

pub(super) fn write_all(fd: BorrowedFd<'_>, mut offset: u64, mut data: &[u8]) -> NodeResult<()> {
    while !data.is_empty() {
        let written = raw::pwrite(fd, data, offset).map_err(host)?;
        data = &data[written..];
        offset += written as u64;
    }
    Ok(())
}
