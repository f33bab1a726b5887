//! Operations on paths.

use cowry_vfs::{
    Access, CopyTree, Follow, GlobOptions, OpenOptions, Overwrite, RenameMode, SetTime, Stat, Timestamp, Vfs,
};
use deno_core::convert::Uint8Array;
use deno_core::{OpDecl, OpState, op2};
use rand_core::RngCore;
use serde::Serialize;

use super::Random;
use super::error::FsError;
use crate::host::Host;
use crate::module::Loader;
use crate::text::lossy;

/// How many numbers an `op_vfs_stat` fills in.
pub(super) const STAT_FIELDS: usize = 18;

pub(super) fn ops() -> Vec<OpDecl> {
    vec![
        op_vfs_access(),
        op_vfs_chdir(),
        op_vfs_chmod(),
        op_vfs_chown(),
        op_vfs_copy(),
        op_vfs_copy_tree(),
        op_vfs_cwd(),
        op_vfs_exists(),
        op_vfs_glob(),
        op_vfs_link(),
        op_vfs_mkdir(),
        op_vfs_mkdir_all(),
        op_vfs_mkdtemp(),
        op_vfs_read(),
        op_vfs_read_text(),
        op_vfs_readdir(),
        op_vfs_readlink(),
        op_vfs_realpath(),
        op_vfs_remove_all(),
        op_vfs_rename(),
        op_vfs_rmdir(),
        op_vfs_stat(),
        op_vfs_statfs(),
        op_vfs_symlink(),
        op_vfs_umask(),
        op_vfs_unlink(),
        op_vfs_utimes(),
        op_vfs_write(),
    ]
}

fn vfs(state: &OpState) -> &Vfs {
    &state.borrow::<Host>().vfs
}

#[op2(fast)]
fn op_vfs_access(state: &mut OpState, #[string] path: &str, #[smi] mode: u32) -> Result<(), FsError> {
    let access = Access { read: mode & 4 != 0, write: mode & 2 != 0, execute: mode & 1 != 0 };
    Ok(vfs(state).access(path, access)?)
}

#[op2(fast)]
fn op_vfs_exists(state: &mut OpState, #[string] path: &str) -> bool {
    vfs(state).exists(path)
}

#[op2]
#[string]
fn op_vfs_cwd(state: &mut OpState) -> String {
    vfs(state).cwd().to_string()
}

#[op2(fast)]
fn op_vfs_chdir(state: &mut OpState, #[string] path: &str) -> Result<(), FsError> {
    let moved = vfs(state).with_cwd(path)?;
    state.borrow::<std::rc::Rc<Loader>>().begin_job(moved.cwd());
    state.borrow_mut::<Host>().vfs = moved;
    Ok(())
}

#[op2(fast)]
fn op_vfs_chmod(state: &mut OpState, #[string] path: &str, #[smi] mode: u32) -> Result<(), FsError> {
    Ok(vfs(state).chmod(path, mode & 0o7777)?)
}

/// Changes the owner; a negative number leaves one as it is.
#[op2(fast)]
fn op_vfs_chown(
    state: &mut OpState,
    #[string] path: &str,
    uid: f64,
    gid: f64,
    follow: bool,
) -> Result<(), FsError> {
    let (uid, gid) = (owner(uid), owner(gid));
    Ok(if follow { vfs(state).chown(path, uid, gid) } else { vfs(state).lchown(path, uid, gid) }?)
}

pub(super) fn owner(number: f64) -> Option<u32> {
    (number >= 0.0).then_some(number as u32)
}

#[op2(fast)]
fn op_vfs_copy(
    state: &mut OpState,
    #[string] from: &str,
    #[string] to: &str,
    exclusive: bool,
) -> Result<(), FsError> {
    let overwrite = if exclusive { Overwrite::Fail } else { Overwrite::Replace };
    Ok(vfs(state).copy(from, to, overwrite)?)
}

#[op2(fast)]
fn op_vfs_copy_tree(
    state: &mut OpState,
    #[string] from: &str,
    #[string] to: &str,
    #[smi] overwrite: u32,
    times: bool,
) -> Result<(), FsError> {
    let overwrite = match overwrite {
        0 => Overwrite::Keep,
        1 => Overwrite::Replace,
        _ => Overwrite::Fail,
    };
    Ok(vfs(state).copy_tree(from, to, CopyTree { overwrite, times, owners: false })?)
}

#[op2]
#[serde]
fn op_vfs_glob(state: &mut OpState, #[string] pattern: &str) -> Result<Vec<String>, FsError> {
    let found = vfs(state).glob(pattern, GlobOptions::default())?;
    Ok(found.into_iter().map(|path| path.to_string()).collect())
}

#[op2(fast)]
fn op_vfs_link(state: &mut OpState, #[string] from: &str, #[string] to: &str) -> Result<(), FsError> {
    Ok(vfs(state).link(from, to)?)
}

#[op2(fast)]
fn op_vfs_mkdir(state: &mut OpState, #[string] path: &str, #[smi] mode: u32) -> Result<(), FsError> {
    Ok(vfs(state).mkdir(path, mode)?)
}

/// Makes a directory and what is missing above it; answers with the first one that was made.
#[op2]
#[string]
fn op_vfs_mkdir_all(
    state: &mut OpState,
    #[string] path: &str,
    #[smi] mode: u32,
) -> Result<Option<String>, FsError> {
    Ok(vfs(state).mkdir_all(path, mode)?)
}

#[op2]
#[string]
fn op_vfs_mkdtemp(state: &mut OpState, #[string] prefix: &str) -> Result<String, FsError> {
    let vfs = vfs(state).clone();
    let random = state.borrow_mut::<Random>();
    Ok(vfs.mkdtemp(prefix, &mut || random.rng().next_u32())?)
}

#[op2]
fn op_vfs_read(state: &mut OpState, #[string] path: &str) -> Result<Uint8Array, FsError> {
    Ok(Vec::from(vfs(state).read(path)?).into())
}

/// Reads a file as UTF-8; what is not is replaced.
#[op2]
#[string]
fn op_vfs_read_text(state: &mut OpState, #[string] path: &str) -> Result<String, FsError> {
    let bytes = vfs(state).read(path)?;
    Ok(lossy(&bytes).into_owned())
}

/// Writes a whole file; `flags` as for `op_vfs_open`.
#[op2(fast)]
fn op_vfs_write(
    state: &mut OpState,
    #[string] path: &str,
    #[buffer] data: &[u8],
    #[smi] flags: u32,
    #[smi] mode: u32,
) -> Result<(), FsError> {
    const DEFAULT_MODE: u32 = 0o666;
    let options = super::fd::options(flags, mode);
    if options == OpenOptions::write() && mode == DEFAULT_MODE {
        return Ok(vfs(state).write(path, data)?);
    }
    let file = vfs(state).open(path, options)?;
    Ok(file.write_all(data)?)
}

#[derive(Serialize)]
struct Listing {
    names: Vec<String>,
    /// The `S_IFMT` bits of each, shifted down by 12.
    kinds: Vec<u8>,
}

#[op2]
#[serde]
fn op_vfs_readdir(state: &mut OpState, #[string] path: &str) -> Result<Listing, FsError> {
    let entries = vfs(state).read_dir(path)?;
    let kinds = entries.iter().map(|entry| (entry.stat.kind.mode_bits() >> 12) as u8).collect();
    let names = entries.into_iter().map(|entry| entry.name.to_string()).collect();
    Ok(Listing { names, kinds })
}

#[op2]
#[string]
fn op_vfs_readlink(state: &mut OpState, #[string] path: &str) -> Result<String, FsError> {
    Ok(vfs(state).readlink(path)?)
}

#[op2]
#[string]
fn op_vfs_realpath(state: &mut OpState, #[string] path: &str) -> Result<String, FsError> {
    Ok(vfs(state).realpath(path)?.to_string())
}

#[op2(fast)]
fn op_vfs_remove_all(state: &mut OpState, #[string] path: &str) -> Result<(), FsError> {
    Ok(vfs(state).remove_all(path)?)
}

#[op2(fast)]
fn op_vfs_rename(state: &mut OpState, #[string] from: &str, #[string] to: &str) -> Result<(), FsError> {
    Ok(vfs(state).rename(from, to, RenameMode::Replace)?)
}

#[op2(fast)]
fn op_vfs_rmdir(state: &mut OpState, #[string] path: &str) -> Result<(), FsError> {
    Ok(vfs(state).rmdir(path)?)
}

/// Fills in what `stat` or, without `follow`, `lstat` says.
#[op2(fast)]
fn op_vfs_stat(
    state: &mut OpState,
    #[string] path: &str,
    follow: bool,
    #[buffer] out: &mut [f64],
) -> Result<(), FsError> {
    let vfs = vfs(state);
    // Where it leads tells the mount, too, which is the device; an error is that of the call itself.
    let Ok(found) = vfs.locate(path, if follow { Follow::Yes } else { Follow::No }) else {
        let stat = if follow { vfs.stat(path) } else { vfs.lstat(path) }?;
        fill(out, &stat, 0);
        return Ok(());
    };
    fill(out, &found.stat, found.mount.0);
    Ok(())
}

/// Writes a stat the way `stats.js` reads it; every time is two numbers, seconds and nanoseconds.
pub(super) fn fill(out: &mut [f64], stat: &Stat, device: u64) {
    const BLOCK: f64 = 4096.0;
    let mode = stat.kind.mode_bits() | stat.mode;
    let times = [stat.atime, stat.mtime, stat.ctime, stat.btime].map(Timestamp::split);
    let fields = [
        device as f64,
        f64::from(mode),
        f64::from(stat.nlink),
        f64::from(stat.uid),
        f64::from(stat.gid),
        stat.rdev as f64,
        BLOCK,
        stat.ino.0 as f64,
        stat.size as f64,
        stat.blocks as f64,
    ];
    let times = times.iter().flat_map(|(seconds, nanos)| [*seconds as f64, f64::from(*nanos)]);
    for (slot, value) in out.iter_mut().take(STAT_FIELDS).zip(fields.into_iter().chain(times)) {
        *slot = value;
    }
}

#[op2]
#[serde]
fn op_vfs_statfs(state: &mut OpState, #[string] path: &str) -> Result<Vec<f64>, FsError> {
    let stat = vfs(state).statfs(path)?;
    Ok([stat.total_bytes, stat.used_bytes, stat.total_inodes, stat.used_inodes].map(|n| n as f64).to_vec())
}

#[op2(fast)]
fn op_vfs_symlink(state: &mut OpState, #[string] target: &str, #[string] path: &str) -> Result<(), FsError> {
    Ok(vfs(state).symlink(target, path)?)
}

/// Answers with the umask and, if `mask` is not negative, sets it.
#[op2(fast)]
#[smi]
fn op_vfs_umask(state: &mut OpState, #[smi] mask: i32) -> u32 {
    let vfs = vfs(state);
    let mut credentials = vfs.credentials();
    let before = credentials.umask;
    if let Ok(mask) = u32::try_from(mask) {
        credentials.umask = mask & 0o777;
        let changed = vfs.with_credentials(credentials);
        state.borrow_mut::<Host>().vfs = changed;
    }
    before
}

#[op2(fast)]
fn op_vfs_unlink(state: &mut OpState, #[string] path: &str) -> Result<(), FsError> {
    Ok(vfs(state).unlink(path)?)
}

/// Sets both times, in milliseconds.
#[op2(fast)]
fn op_vfs_utimes(
    state: &mut OpState,
    #[string] path: &str,
    atime: f64,
    mtime: f64,
    follow: bool,
) -> Result<(), FsError> {
    let (atime, mtime) = (moment(atime), moment(mtime));
    Ok(if follow { vfs(state).utimes(path, atime, mtime) } else { vfs(state).lutimes(path, atime, mtime) }?)
}

/// A time in milliseconds. What a double cannot say exactly is rounded to the microsecond it meant.
pub(super) fn moment(millis: f64) -> SetTime {
    SetTime::At(Timestamp(((millis * 1e3).round() as i64).saturating_mul(1000)))
}
