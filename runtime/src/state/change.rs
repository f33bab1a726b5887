//! Making, copying, moving and removing entries.

use cowry_vfs::{CopyTree, Errno, Error, Overwrite, PATH_MAX, RenameMode, Stat};
use serde::Deserialize;

use super::{Args, Reply, State, StateError, StateResult};

const DIR_MODE: u32 = 0o777;

/// Options of what may work on whole trees.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct TreeOptions {
    recursive: bool,
    force: bool,
}

const TREE: TreeOptions = TreeOptions { recursive: true, force: true };

pub(super) fn mkdir(state: &State<'_>, args: &Args) -> StateResult {
    let path = args.path(0)?;
    let TreeOptions { recursive, .. } = args.options(1)?;
    if path == "/" {
        return Ok(Reply::Nothing);
    }
    let made = if recursive {
        state.vfs.mkdir_all(&path, DIR_MODE).map(drop)
    } else {
        state.vfs.mkdir(&path, DIR_MODE)
    };
    match made {
        Err(error) if error.errno() == Errno::EEXIST && state.vfs.lstat(&path).is_ok_and(|s| s.is_dir()) => {
            Err(StateError::coded(Errno::EEXIST, format!("directory already exists, mkdir '{path}'"), &path))
        }
        made => made.map(|()| Reply::Nothing).map_err(StateError::from),
    }
}

pub(super) fn rm(state: &State<'_>, args: &Args) -> StateResult {
    remove(state, &args.path(0)?, args.options(1)?)
}

pub(super) fn remove_tree(state: &State<'_>, args: &Args) -> StateResult {
    remove(state, &args.path(0)?, TREE)
}

fn remove(state: &State<'_>, path: &str, options: TreeOptions) -> StateResult {
    if path == "/" {
        return Err(StateError::coded(Errno::EPERM, "cannot remove root directory", path));
    }
    let of_rm = |error: Error| Error::at("rm", path, error.errno());
    let stat = match state.vfs.lstat(path) {
        Err(error) if options.force && matches!(error.errno(), Errno::ENOENT | Errno::ENOTDIR) => {
            return Ok(Reply::Nothing);
        }
        stat => stat.map_err(of_rm)?,
    };
    let removed = match (stat.is_dir(), options.recursive) {
        (true, true) => state.vfs.remove_all(path),
        (true, false) => state.vfs.rmdir(path),
        (false, _) => state.vfs.unlink(path),
    };
    removed.map_err(of_rm)?;
    Ok(Reply::Nothing)
}

pub(super) fn cp(state: &State<'_>, args: &Args) -> StateResult {
    copy(state, &args.path(0)?, &args.path(1)?, args.options(2)?)
}

pub(super) fn copy_tree(state: &State<'_>, args: &Args) -> StateResult {
    copy(state, &args.path(0)?, &args.path(1)?, TREE)
}

fn copy(state: &State<'_>, from: &str, to: &str, options: TreeOptions) -> StateResult {
    let source = source(state, "cp", from)?;
    if source.is_dir() && !options.recursive {
        let what = format!("cannot copy directory without recursive: {from}");
        return Err(StateError::coded(Errno::EISDIR, what, from));
    }
    if from == to && !source.is_dir() {
        return Ok(Reply::Nothing);
    }
    need_outside(&source, "cp", from, to)?;
    state.with_parents(to, |to| {
        if source.is_file() {
            // Through a link at the destination, as a write goes.
            return state.vfs.copy(from, to, Overwrite::Replace);
        }
        state.vfs.copy_tree(from, to, CopyTree { times: false, ..CopyTree::default() })
    })?;
    Ok(Reply::Nothing)
}

pub(super) fn mv(state: &State<'_>, args: &Args) -> StateResult {
    rename(state, &args.path(0)?, &args.path(1)?, args.options(2)?)
}

pub(super) fn move_tree(state: &State<'_>, args: &Args) -> StateResult {
    rename(state, &args.path(0)?, &args.path(1)?, TREE)
}

fn rename(state: &State<'_>, from: &str, to: &str, options: TreeOptions) -> StateResult {
    let source = source(state, "mv", from)?;
    if source.is_dir() && !options.recursive {
        let what = format!("cannot move directory without recursive: {from}");
        return Err(StateError::coded(Errno::EISDIR, what, from));
    }
    if from == to {
        return Ok(Reply::Nothing);
    }
    if !source.is_dir() && state.vfs.lstat(to).is_ok_and(|target| target.is_dir()) {
        return Err(StateError::coded(Errno::EISDIR, format!("cannot overwrite directory: {to}"), to));
    }
    need_outside(&source, "mv", from, to)?;
    let moved = state.with_parents(to, |to| state.vfs.rename(from, to, RenameMode::Replace));
    match moved {
        // Into what is there, or into another filesystem: a copy, and then the old one goes.
        Err(error) if error.is(Errno::ENOTEMPTY) || error.is(Errno::EXDEV) => state.atomically(|| {
            state.vfs.copy_tree(from, to, CopyTree::default())?;
            Ok(state.vfs.remove_all(from)?)
        }),
        moved => moved,
    }
    .map(|()| Reply::Nothing)
}

/// What is to be copied or moved.
fn source(state: &State<'_>, op: &'static str, path: &str) -> Result<Stat, StateError> {
    if op == "mv" && path == "/" {
        return Err(StateError::coded(Errno::EPERM, "cannot move root directory", path));
    }
    Ok(state.vfs.lstat(path).map_err(|error| Error::at(op, path, error.errno()))?)
}

/// A directory does not fit into itself; said before parents are made there.
fn need_outside(source: &Stat, op: &'static str, from: &str, to: &str) -> Result<(), StateError> {
    let inside = to == from || to.strip_prefix(from).is_some_and(|rest| from == "/" || rest.starts_with('/'));
    if source.is_dir() && inside {
        return Err(Error::at(op, from, Errno::EINVAL).to(to).into());
    }
    Ok(())
}

pub(super) fn symlink(state: &State<'_>, args: &Args) -> StateResult {
    let target = args.text(0)?;
    let path = args.path(1)?;
    if target.trim().is_empty() {
        return Err(StateError::coded(Errno::EINVAL, "symlink target must not be empty", &path));
    }
    if target.len() >= PATH_MAX {
        let what = format!("symlink target exceeds {} characters", PATH_MAX - 1);
        return Err(StateError::coded(Errno::ENAMETOOLONG, what, &path));
    }
    if path == "/" {
        return Err(StateError::coded(Errno::EPERM, "cannot create symlink at root", &path));
    }
    state.with_parents(&path, |path| {
        let made = state.vfs.symlink(target, path);
        // The link is what it is about, and not what it points to.
        made.map_err(|error| Error::at("symlink", path, error.errno()))
    })?;
    Ok(Reply::Nothing)
}
