//! Operations behind `cowry:fs`: savepoints, changes at a version, locks.

use std::collections::BTreeMap;

use cowry_vfs::{Errno, Error, Follow, LockKind, LockWait, RenameMode, TreeSavepoint};
use deno_core::{OpDecl, OpState, op2};

use super::error::FsError;
use super::fd::Files;
use crate::host::Host;

/// Each may hold everything that was replaced since.
const MAX_SAVEPOINTS: usize = 1000;

/// The savepoints of a job, by numbers that are given once.
#[derive(Default)]
pub(crate) struct Savepoints {
    known: BTreeMap<u32, TreeSavepoint>,
    next: u32,
}

impl Savepoints {
    /// They end with the job: what the supervisor was told after it is not undone.
    pub(crate) fn begin_job(&mut self) {
        self.known.clear();
    }

    fn insert(&mut self, savepoint: TreeSavepoint) -> Option<u32> {
        if self.known.len() >= MAX_SAVEPOINTS || self.next > i32::MAX as u32 {
            return None;
        }
        self.known.insert(self.next, savepoint);
        self.next += 1;
        Some(self.next - 1)
    }
}

pub(super) fn ops() -> Vec<OpDecl> {
    vec![
        op_vfs_flock(),
        op_vfs_release(),
        op_vfs_remove_at(),
        op_vfs_rename_at(),
        op_vfs_rollback(),
        op_vfs_savepoint(),
        op_vfs_version(),
        op_vfs_write_at(),
    ]
}

#[op2(fast)]
#[smi]
fn op_vfs_savepoint(state: &mut OpState) -> Result<u32, FsError> {
    let savepoint = state.borrow::<Host>().vfs.savepoint()?;
    let number = state.borrow_mut::<Savepoints>().insert(savepoint);
    Ok(number.ok_or_else(|| Error::new("savepoint", Errno::EMFILE))?)
}

#[op2(fast)]
fn op_vfs_rollback(state: &mut OpState, #[smi] number: u32) -> Result<(), FsError> {
    let savepoint = state.borrow::<Savepoints>().known.get(&number);
    Ok(savepoint.ok_or_else(|| Error::new("rollback", Errno::EINVAL))?.roll_back()?)
}

/// Forgets a savepoint; one that is not there is fine.
#[op2(fast)]
fn op_vfs_release(state: &mut OpState, #[smi] number: u32) {
    state.borrow_mut::<Savepoints>().known.remove(&number);
}

#[op2(fast)]
fn op_vfs_version(state: &mut OpState, #[string] path: &str, follow: bool) -> Result<f64, FsError> {
    let vfs = &state.borrow::<Host>().vfs;
    let follow = if follow { Follow::Yes } else { Follow::No };
    Ok(vfs.locate(path, follow)?.stat.version as f64)
}

/// Replaces the content of a file, or adds to it, if it has a version. Returns the new version.
#[op2(fast)]
fn op_vfs_write_at(
    state: &mut OpState,
    #[string] path: &str,
    #[buffer] data: &[u8],
    append: bool,
    version: f64,
) -> Result<f64, FsError> {
    let at = state.borrow::<Host>().vfs.at_version(version as u64);
    let stat = if append { at.append(path, data) } else { at.write(path, data) }?;
    Ok(stat.version as f64)
}

#[op2(fast)]
fn op_vfs_remove_at(
    state: &mut OpState,
    #[string] path: &str,
    directory: bool,
    version: f64,
) -> Result<(), FsError> {
    let at = state.borrow::<Host>().vfs.at_version(version as u64);
    Ok(if directory { at.rmdir(path) } else { at.unlink(path) }?)
}

/// Renames: 0 replaces, 1 does not, 2 exchanges; at any version if that is negative.
#[op2(fast)]
fn op_vfs_rename_at(
    state: &mut OpState,
    #[string] from: &str,
    #[string] to: &str,
    #[smi] mode: u32,
    version: f64,
) -> Result<(), FsError> {
    let vfs = &state.borrow::<Host>().vfs;
    let mode = match mode {
        1 => RenameMode::NoReplace,
        2 => RenameMode::Exchange,
        _ => RenameMode::Replace,
    };
    Ok(if version < 0.0 {
        vfs.rename(from, to, mode)
    } else {
        vfs.at_version(version as u64).rename(from, to, mode)
    }?)
}

/// Locks an open file: 0 gives back, 1 shares, 2 excludes. Nobody could end a wait, so there is none.
#[op2(fast)]
fn op_vfs_flock(state: &mut OpState, #[smi] fd: u32, #[smi] kind: u32) -> Result<(), FsError> {
    let file = state.borrow::<Files>().get(fd, "flock")?;
    let kind = match kind {
        1 => LockKind::Shared,
        2 => LockKind::Exclusive,
        _ => {
            file.funlock();
            return Ok(());
        }
    };
    Ok(file.flock(kind, LockWait::No)?)
}
