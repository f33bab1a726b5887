//! The kernel's numbers and the layer's: inodes, kinds, attributes, errors.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::clock::Timestamp;
use crate::errno::{Errno, NodeError, NodeResult};
use crate::node::{FileType, Ino, Stat};
use crate::path::Name;

/// The kernel's name for the root.
const ROOT: u64 = 1;

/// The layer's inode of a number of the kernel's. The kernel calls the root 1; where a layer does not, its root
/// and whatever it calls 1 change places.
pub(super) fn ino(number: fuser::INodeNo, root: Ino) -> Ino {
    Ino(swapped(number.0, root.0))
}

/// The kernel's number of an inode of the layer's.
pub(super) fn number(ino: Ino, root: Ino) -> fuser::INodeNo {
    fuser::INodeNo(swapped(ino.0, root.0))
}

fn swapped(number: u64, root: u64) -> u64 {
    match number {
        ROOT => root,
        number if number == root => ROOT,
        number => number,
    }
}

pub(super) fn kind(kind: FileType) -> fuser::FileType {
    match kind {
        FileType::Regular => fuser::FileType::RegularFile,
        FileType::Directory => fuser::FileType::Directory,
        FileType::Symlink => fuser::FileType::Symlink,
        FileType::Fifo => fuser::FileType::NamedPipe,
        FileType::CharDevice => fuser::FileType::CharDevice,
        FileType::BlockDevice => fuser::FileType::BlockDevice,
        FileType::Socket => fuser::FileType::Socket,
    }
}

pub(super) fn attr(stat: &Stat, root: Ino) -> fuser::FileAttr {
    fuser::FileAttr {
        ino: number(stat.ino, root),
        size: stat.size,
        blocks: stat.blocks,
        atime: system_time(stat.atime),
        mtime: system_time(stat.mtime),
        ctime: system_time(stat.ctime),
        crtime: system_time(stat.btime),
        kind: kind(stat.kind),
        perm: stat.mode as u16,
        nlink: stat.nlink,
        uid: stat.uid,
        gid: stat.gid,
        rdev: stat.rdev as u32,
        blksize: 4096,
        flags: 0,
    }
}

/// An answer that says that there is no such name, which the kernel may remember.
pub(super) fn no_attr() -> fuser::FileAttr {
    fuser::FileAttr {
        ino: fuser::INodeNo(0),
        size: 0,
        blocks: 0,
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind: fuser::FileType::RegularFile,
        perm: 0,
        nlink: 0,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: 0,
        flags: 0,
    }
}

fn system_time(time: Timestamp) -> SystemTime {
    let since = Duration::from_nanos(time.0.unsigned_abs());
    let moved = if time.0 < 0 { UNIX_EPOCH.checked_sub(since) } else { UNIX_EPOCH.checked_add(since) };
    moved.unwrap_or(UNIX_EPOCH)
}

/// A time as the kernel's request has it. Times past what nanoseconds in 64 bits can say, the years 1677 and 2262,
/// become the last one that they can.
pub(super) fn timestamp(time: SystemTime) -> Timestamp {
    let nanos = |since: Duration| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX);
    Timestamp(match time.duration_since(UNIX_EPOCH) {
        Ok(since) => nanos(since),
        // fuser 0.18 takes the nanoseconds, which go forward from the second, to go back from it.
        Err(before) => {
            let (seconds, after) = (before.duration().as_secs(), before.duration().subsec_nanos());
            i64::from(after) - nanos(Duration::from_secs(seconds))
        }
    })
}

/// A name as the kernel gives it. It lets through up to 1,024 bytes.
pub(super) fn name(name: &OsStr) -> NodeResult<Name> {
    Name::from_bytes(name.as_bytes())
}

/// Text that has to be UTF-8: the target of a link, the name of an attribute.
pub(super) fn text(text: &OsStr) -> NodeResult<&str> {
    text.to_str().ok_or_else(|| Errno::EILSEQ.into())
}

pub(super) fn errno(error: &NodeError) -> fuser::Errno {
    fuser::Errno::from_i32(error.errno().code())
}
