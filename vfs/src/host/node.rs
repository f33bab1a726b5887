//! What the host says of a node.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{self as sys, AtFlags, Mode, OFlags, Statx, StatxFlags};

use super::host;
use crate::clock::Timestamp;
use crate::errno::NodeResult;
use crate::node::{FileType, Ino, Stat};

/// A node of the host: its identity, and its attributes with the host's inode number aside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub key: Key,
    pub stat: Stat,
}

/// What tells host nodes apart. The birth time tells a new node from an old one whose number it reuses.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Key {
    pub device: (u32, u32),
    pub ino: u64,
    pub born: Timestamp,
}

/// Looks at an entry without following it; an empty name is the descriptor's own node.
pub(super) fn look(dir: BorrowedFd<'_>, name: &str) -> io::Result<Seen> {
    let flags = if name.is_empty() { AtFlags::EMPTY_PATH } else { AtFlags::SYMLINK_NOFOLLOW };
    let found = sys::statx(dir, name, flags, StatxFlags::BASIC_STATS | StatxFlags::BTIME)?;
    Ok(seen(&found))
}

fn seen(found: &Statx) -> Seen {
    let time = |time: sys::StatxTimestamp| {
        Timestamp(time.tv_sec.saturating_mul(1_000_000_000).saturating_add(i64::from(time.tv_nsec)))
    };
    let mode = u32::from(found.stx_mode);
    // Every mode a kernel returns has one of these kinds.
    let kind = FileType::from_mode_bits(mode).unwrap_or(FileType::Regular);
    let ctime = time(found.stx_ctime);
    let stat = Stat {
        ino: Ino(0),
        kind,
        mode: mode & 0o7777,
        nlink: found.stx_nlink,
        uid: found.stx_uid,
        gid: found.stx_gid,
        rdev: sys::makedev(found.stx_rdev_major, found.stx_rdev_minor),
        size: if kind == FileType::Directory { 0 } else { found.stx_size },
        blocks: found.stx_blocks,
        atime: time(found.stx_atime),
        mtime: time(found.stx_mtime),
        ctime,
        btime: time(found.stx_btime),
        version: u64::try_from(ctime.0).unwrap_or(0),
    };
    let device = (found.stx_dev_major, found.stx_dev_minor);
    Seen { key: Key { device, ino: found.stx_ino, born: stat.btime }, stat }
}

/// Opens an entry for its content. It is not followed, and a FIFO put in its place does not block.
pub(super) fn open(dir: BorrowedFd<'_>, name: &str, access: OFlags) -> NodeResult<OwnedFd> {
    let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    sys::openat(dir, name, flags, Mode::empty()).map_err(host)
}

/// A readable descriptor for a directory that may be open as a mere path.
pub(super) fn reopen_dir(dir: BorrowedFd<'_>) -> NodeResult<OwnedFd> {
    open(dir, ".", OFlags::RDONLY | OFlags::DIRECTORY)
}
