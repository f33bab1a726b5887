//! Operations on open files, by descriptor.

use cowry_vfs::{Errno, Error, File, OpenOptions};
use deno_core::convert::Uint8Array;
use deno_core::{OpDecl, OpState, op2};

use super::error::FsError;
use super::fs::{fill, moment, owner};
use crate::host::Host;

/// 0, 1 and 2 are the standard streams, which are JavaScript's business.
const FIRST: u32 = 3;
const MAX_OPEN: usize = 4096;

/// The files a sandbox has open.
#[derive(Default)]
pub(crate) struct Files(Vec<Option<File>>);

impl Files {
    /// Takes a file; `None` if there are too many.
    fn insert(&mut self, file: File) -> Option<u32> {
        let free = self.0.iter().position(Option::is_none);
        let index = match free {
            Some(index) => index,
            None if self.0.len() >= MAX_OPEN => return None,
            None => {
                self.0.push(None);
                self.0.len() - 1
            }
        };
        self.0[index] = Some(file);
        Some(index as u32 + FIRST)
    }

    pub(super) fn get(&self, fd: u32, op: &'static str) -> Result<&File, FsError> {
        let index = fd.checked_sub(FIRST).map(|index| index as usize);
        let file = index.and_then(|index| self.0.get(index)?.as_ref());
        Ok(file.ok_or(Error::new(op, Errno::EBADF))?)
    }
}

pub(super) fn ops() -> Vec<OpDecl> {
    vec![
        op_vfs_close(),
        op_vfs_fchmod(),
        op_vfs_fchown(),
        op_vfs_fstat(),
        op_vfs_fsync(),
        op_vfs_ftruncate(),
        op_vfs_futimes(),
        op_vfs_open(),
        op_vfs_pread(),
        op_vfs_pwrite(),
        op_vfs_read_rest(),
    ]
}

/// What Linux's `O_` flags ask for.
pub(super) fn options(flags: u32, mode: u32) -> OpenOptions {
    let has = |bit: u32| flags & bit == bit;
    let append = has(0o2000);
    OpenOptions {
        read: matches!(flags & 3, 0 | 2),
        write: matches!(flags & 3, 1 | 2) && !append,
        append: append && matches!(flags & 3, 1 | 2),
        create: has(0o100),
        exclusive: has(0o200),
        truncate: has(0o1000),
        directory: has(0o200_000),
        no_follow: has(0o400_000),
        mode: mode & 0o7777,
    }
}

#[op2(fast)]
#[smi]
fn op_vfs_open(
    state: &mut OpState,
    #[string] path: &str,
    #[smi] flags: u32,
    #[smi] mode: u32,
) -> Result<u32, FsError> {
    let file = state.borrow::<Host>().vfs.open(path, options(flags, mode))?;
    let opened = state.borrow_mut::<Files>().insert(file);
    Ok(opened.ok_or_else(|| Error::at("open", path, Errno::EMFILE))?)
}

#[op2(fast)]
fn op_vfs_close(state: &mut OpState, #[smi] fd: u32) -> Result<(), FsError> {
    let files = state.borrow_mut::<Files>();
    files.get(fd, "close")?;
    files.0[(fd - FIRST) as usize] = None;
    Ok(())
}

/// Reads at `position`, or at the file's own if it is negative.
#[op2(fast)]
#[smi]
fn op_vfs_pread(
    state: &mut OpState,
    #[smi] fd: u32,
    #[buffer] out: &mut [u8],
    position: f64,
) -> Result<u32, FsError> {
    let file = state.borrow::<Files>().get(fd, "read")?;
    let count = if position < 0.0 { file.read(out)? } else { file.read_at(out, position as u64)? };
    Ok(count as u32)
}

/// Writes all of `data` at `position`, or at the file's own if it is negative.
#[op2(fast)]
#[smi]
fn op_vfs_pwrite(
    state: &mut OpState,
    #[smi] fd: u32,
    #[buffer] data: &[u8],
    position: f64,
) -> Result<u32, FsError> {
    let file = state.borrow::<Files>().get(fd, "write")?;
    let count = if position < 0.0 { file.write(data)? } else { file.write_at(data, position as u64)? };
    Ok(count as u32)
}

/// Reads from the file's own position to its end.
#[op2]
fn op_vfs_read_rest(state: &mut OpState, #[smi] fd: u32) -> Result<Uint8Array, FsError> {
    let rest = state.borrow::<Files>().get(fd, "read")?.read_all()?;
    Ok(Vec::from(rest).into())
}

#[op2(fast)]
fn op_vfs_fstat(state: &mut OpState, #[smi] fd: u32, #[buffer] out: &mut [f64]) -> Result<(), FsError> {
    let file = state.borrow::<Files>().get(fd, "fstat")?;
    fill(out, &file.stat()?, file.mount().0);
    Ok(())
}

#[op2(fast)]
fn op_vfs_ftruncate(state: &mut OpState, #[smi] fd: u32, size: f64) -> Result<(), FsError> {
    Ok(state.borrow::<Files>().get(fd, "ftruncate")?.truncate(size as u64)?)
}

#[op2(fast)]
fn op_vfs_fsync(state: &mut OpState, #[smi] fd: u32) -> Result<(), FsError> {
    Ok(state.borrow::<Files>().get(fd, "fsync")?.sync()?)
}

#[op2(fast)]
fn op_vfs_fchmod(state: &mut OpState, #[smi] fd: u32, #[smi] mode: u32) -> Result<(), FsError> {
    Ok(state.borrow::<Files>().get(fd, "fchmod")?.chmod(mode & 0o7777)?)
}

#[op2(fast)]
fn op_vfs_fchown(state: &mut OpState, #[smi] fd: u32, uid: f64, gid: f64) -> Result<(), FsError> {
    Ok(state.borrow::<Files>().get(fd, "fchown")?.chown(owner(uid), owner(gid))?)
}

#[op2(fast)]
fn op_vfs_futimes(state: &mut OpState, #[smi] fd: u32, atime: f64, mtime: f64) -> Result<(), FsError> {
    Ok(state.borrow::<Files>().get(fd, "futime")?.utimes(moment(atime), moment(mtime))?)
}
