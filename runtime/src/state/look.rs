//! What is at a path, and what is in a directory.

use cowry_vfs::{Stat, Vfs};
use serde_json::{Value, json};

use super::tree::is_missing;
use super::{Args, Reply, State, StateError, StateResult, path};

/// The type of a node in the reference's words, which know three.
pub(crate) fn kind_of(stat: &Stat) -> &'static str {
    match (stat.is_dir(), stat.is_symlink()) {
        (true, _) => "directory",
        (_, true) => "symlink",
        _ => "file",
    }
}

pub(super) fn get_capabilities(_: &State<'_>, _: &Args) -> StateResult {
    Ok(Reply::Json(json!({ "chmod": true, "utimes": true, "hardLinks": true })))
}

pub(super) fn exists(state: &State<'_>, args: &Args) -> StateResult {
    let there = path::normal(args.text(0)?).is_ok_and(|path| state.vfs.exists(&path));
    Ok(Reply::Json(there.into()))
}

pub(super) fn stat(state: &State<'_>, args: &Args) -> StateResult {
    of_stat(state, args, Vfs::stat)
}

pub(super) fn lstat(state: &State<'_>, args: &Args) -> StateResult {
    of_stat(state, args, Vfs::lstat)
}

fn of_stat(state: &State<'_>, args: &Args, ask: fn(&Vfs, &str) -> cowry_vfs::Result<Stat>) -> StateResult {
    let path = args.path(0)?;
    match ask(state.vfs, &path).map_err(StateError::from) {
        Ok(stat) => Ok(Reply::Json(json!({
            "type": kind_of(&stat),
            "size": if stat.is_dir() { 0 } else { stat.size },
            "mtime": stat.mtime.as_millis_f64(),
            "mode": stat.mode,
        }))),
        Err(error) if is_missing(&error) => Ok(Reply::Json(Value::Null)),
        Err(error) => Err(error),
    }
}

pub(super) fn readdir(state: &State<'_>, args: &Args) -> StateResult {
    let entries = state.vfs.read_dir(&args.path(0)?)?;
    let names = entries.iter().map(|entry| Value::from(entry.name.as_str()));
    Ok(Reply::Json(names.collect()))
}

pub(super) fn readdir_with_file_types(state: &State<'_>, args: &Args) -> StateResult {
    let entries = state.vfs.read_dir(&args.path(0)?)?;
    let entries =
        entries.iter().map(|entry| json!({ "name": entry.name.as_str(), "type": kind_of(&entry.stat) }));
    Ok(Reply::Json(entries.collect()))
}

pub(super) fn readlink(state: &State<'_>, args: &Args) -> StateResult {
    Ok(Reply::Text(state.vfs.readlink(&args.path(0)?)?))
}

pub(super) fn realpath(state: &State<'_>, args: &Args) -> StateResult {
    Ok(Reply::Text(state.vfs.realpath(&args.path(0)?)?.to_string()))
}

pub(super) fn resolve_path(_: &State<'_>, args: &Args) -> StateResult {
    Ok(Reply::Text(path::resolve(args.text(0)?, args.text(1)?)))
}
