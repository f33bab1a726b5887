//! Each operation as a system call.

use cowry_vfs::{
    Access, Allocate, Errno, FileType, Follow, OpenOptions, RenameMode, SetTime, Timestamp, XattrMode,
};
use rustix::fd::OwnedFd;
use rustix::fs::{
    self as sys, AtFlags, CWD, FallocateFlags, Gid, Mode, OFlags, RenameFlags, Timespec, Timestamps, Uid,
    XattrFlags,
};
use rustix::io;

use super::tree;
use crate::differ::op::{Op, SLOTS};
use crate::differ::over_vfs::RDEV;
use crate::differ::subject::{AGED, Answer, Said};

/// The handles of a list.
#[derive(Debug, Default)]
pub(super) struct Calls {
    slots: [Option<OwnedFd>; SLOTS],
}

/// The error by the number that both sides know.
pub(super) fn errno(error: io::Errno) -> Errno {
    let code = error.raw_os_error();
    Errno::from_code(code).unwrap_or_else(|| panic!("the kernel says {error}, which Cowry does not know"))
}

fn done<T>(result: io::Result<T>) -> Answer {
    result.map(|_| Said::Done).map_err(errno)
}

fn mode(bits: u32) -> Mode {
    Mode::from_raw_mode(bits)
}

fn at(follow: Follow) -> AtFlags {
    if follow == Follow::Yes { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW }
}

fn user(uid: Option<u32>) -> Option<Uid> {
    uid.map(Uid::from_raw)
}

fn group(gid: Option<u32>) -> Option<Gid> {
    gid.map(Gid::from_raw)
}

fn time(time: SetTime) -> Timespec {
    let nanos = |tv_nsec| Timespec { tv_sec: 0, tv_nsec };
    match time {
        SetTime::Keep => nanos(sys::UTIME_OMIT),
        SetTime::Now => nanos(sys::UTIME_NOW),
        SetTime::At(time) => {
            let (tv_sec, nanos) = time.split();
            Timespec { tv_sec, tv_nsec: nanos.into() }
        }
    }
}

fn times(atime: SetTime, mtime: SetTime) -> Timestamps {
    Timestamps { last_access: time(atime), last_modification: time(mtime) }
}

pub(super) fn timestamp(seconds: i64, nanos: u64) -> Timestamp {
    Timestamp(seconds * 1_000_000_000 + nanos as i64)
}

fn flags(options: &OpenOptions) -> OFlags {
    let writes = options.write || options.append;
    let access = match (options.read, writes) {
        (true, true) => OFlags::RDWR,
        (false, true) => OFlags::WRONLY,
        _ => OFlags::RDONLY,
    };
    [
        (options.append, OFlags::APPEND),
        (options.create, OFlags::CREATE),
        (options.exclusive, OFlags::EXCL),
        (options.truncate, OFlags::TRUNC),
        (options.directory, OFlags::DIRECTORY),
        (options.no_follow, OFlags::NOFOLLOW),
    ]
    .into_iter()
    .filter(|(set, _)| *set)
    .fold(access | OFlags::CLOEXEC | OFlags::NONBLOCK, |all, (_, flag)| all | flag)
}

fn open(path: &str, options: &OpenOptions) -> io::Result<OwnedFd> {
    sys::open(path, flags(options), mode(options.mode))
}

fn write(fd: &OwnedFd, mut offset: u64, mut data: &[u8]) -> io::Result<()> {
    loop {
        let written = io::pwrite(fd, data, offset)?;
        data = &data[written..];
        offset += written as u64;
        if data.is_empty() {
            return Ok(());
        }
    }
}

pub(super) fn read(fd: &OwnedFd, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    let mut filled = 0;
    loop {
        let some = io::pread(fd, &mut bytes[filled..], offset + filled as u64)?;
        filled += some;
        if some == 0 || filled == len {
            bytes.truncate(filled);
            return Ok(bytes);
        }
    }
}

impl Calls {
    pub fn run(&mut self, op: &Op) -> Answer {
        match op {
            Op::Open { slot, path, options } => {
                self.slots[*slot] = None;
                self.slots[*slot] = Some(open(path, options).map_err(errno)?);
                Ok(Said::Done)
            }
            Op::Close { slot } => {
                self.slots[*slot].take().ok_or(Errno::EBADF)?;
                Ok(Said::Done)
            }
            Op::Age => {
                age();
                Ok(Said::Done)
            }
            op => match op.slot() {
                Some(slot) => on_handle(self.slots[slot].as_ref().ok_or(Errno::EBADF)?, op),
                None => on_path(op),
            },
        }
    }
}

fn age() {
    for path in tree::paths() {
        let aged = times(SetTime::Keep, SetTime::At(AGED));
        sys::utimensat(CWD, &*path, &aged, AtFlags::SYMLINK_NOFOLLOW).expect("root may set any time");
    }
}

fn on_handle(fd: &OwnedFd, op: &Op) -> Answer {
    match op {
        Op::Fwrite { offset, data, .. } => done(write(fd, *offset, data)),
        Op::Fread { offset, len, .. } => read(fd, *offset, *len).map(Said::Bytes).map_err(errno),
        Op::Ftruncate { size, .. } => done(sys::ftruncate(fd, *size)),
        Op::Fallocate { how, offset, len, .. } => {
            let how = match how {
                Allocate::Reserve => FallocateFlags::empty(),
                Allocate::KeepSize => FallocateFlags::KEEP_SIZE,
                Allocate::Punch => FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE,
                Allocate::Zero => FallocateFlags::ZERO_RANGE,
            };
            done(sys::fallocate(fd, how, *offset, *len))
        }
        Op::Fchmod { mode: bits, .. } => done(sys::fchmod(fd, mode(*bits))),
        Op::Fchown { uid, gid, .. } => done(sys::fchown(fd, user(*uid), group(*gid))),
        Op::Futimes { atime, mtime, .. } => done(sys::futimens(fd, &times(*atime, *mtime))),
        Op::Fstat { .. } => sys::fstat(fd).map(|stat| Said::Facts(tree::facts(&stat))).map_err(errno),
        _ => Err(Errno::ENOSYS),
    }
}

fn on_path(op: &Op) -> Answer {
    match op {
        Op::Mkdir { path, mode: bits } => done(sys::mkdir(&**path, mode(*bits))),
        Op::Mknod { path, kind, mode: bits } => done(mknod(path, *kind, *bits)),
        Op::Symlink { target, path } => done(sys::symlink(&**target, &**path)),
        Op::Link { from, to } => done(sys::link(&**from, &**to)),
        Op::Unlink { path } => done(sys::unlink(&**path)),
        Op::Rmdir { path } => done(sys::rmdir(&**path)),
        Op::Rename { from, to, mode } => {
            let flags = match mode {
                RenameMode::Replace => RenameFlags::empty(),
                RenameMode::NoReplace => RenameFlags::NOREPLACE,
                RenameMode::Exchange => RenameFlags::EXCHANGE,
            };
            done(sys::renameat_with(CWD, &**from, CWD, &**to, flags))
        }
        Op::Chmod { path, mode: bits } => done(sys::chmod(&**path, mode(*bits))),
        Op::Chown { path, follow, uid, gid } => {
            done(sys::chownat(CWD, &**path, user(*uid), group(*gid), at(*follow)))
        }
        Op::Utimes { path, follow, atime, mtime } => {
            done(sys::utimensat(CWD, &**path, &times(*atime, *mtime), at(*follow)))
        }
        Op::Truncate { path, size } => done(truncate(path, *size)),
        Op::Access { path, access } => done(sys::accessat(CWD, &**path, asked(*access), AtFlags::EACCESS)),
        Op::Setxattr { path, name, value, mode } => {
            let flags = match mode {
                XattrMode::Any => XattrFlags::empty(),
                XattrMode::Create => XattrFlags::CREATE,
                XattrMode::Replace => XattrFlags::REPLACE,
            };
            done(sys::setxattr(&**path, &**name, value, flags))
        }
        Op::Removexattr { path, name } => done(sys::removexattr(&**path, &**name)),
        Op::Put { path, options, data } => done(open(path, options).and_then(|fd| write(&fd, 0, data))),
        _ => look(op).map_err(errno),
    }
}

fn look(op: &Op) -> io::Result<Said> {
    Ok(match op {
        Op::Stat { path, follow } => Said::Facts(tree::facts(&sys::statat(CWD, &**path, at(*follow))?)),
        Op::Readlink { path } => {
            let target = sys::readlink(&**path, Vec::new())?;
            Said::Text(target.into_string().expect("lists make links of UTF-8"))
        }
        Op::List { path } => Said::Names(tree::names(path)?),
        Op::Getxattr { path, name } => {
            let mut value = vec![0; 4096];
            let len = sys::getxattr(&**path, &**name, &mut value)?;
            value.truncate(len);
            Said::Bytes(value)
        }
        Op::Listxattr { path } => Said::Names(tree::xattr_names(path)?),
        Op::Get { path } => {
            let fd = open(path, &OpenOptions::read())?;
            Said::Bytes(read(&fd, 0, 1 << 20)?)
        }
        _ => return Err(io::Errno::NOSYS),
    })
}

fn mknod(path: &str, kind: FileType, bits: u32) -> io::Result<()> {
    let kind_bits = sys::FileType::from_raw_mode(kind.mode_bits());
    sys::mknodat(CWD, path, kind_bits, mode(bits), RDEV)
}

fn truncate(path: &str, size: u64) -> io::Result<()> {
    let path = std::ffi::CString::new(path).map_err(|_| io::Errno::INVAL)?;
    let size = i64::try_from(size).map_err(|_| io::Errno::INVAL)?;
    // SAFETY: the path is a string that ends with a NUL and lives until the call returns.
    let failed = unsafe { libc::truncate(path.as_ptr(), size) } != 0;
    if failed {
        Err(io::Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(io::Errno::IO))
    } else {
        Ok(())
    }
}

fn asked(access: Access) -> sys::Access {
    let bits = [
        (access.read, sys::Access::READ_OK),
        (access.write, sys::Access::WRITE_OK),
        (access.execute, sys::Access::EXEC_OK),
    ];
    bits.into_iter().filter(|(set, _)| *set).fold(sys::Access::EXISTS, |all, (_, bit)| all | bit)
}
