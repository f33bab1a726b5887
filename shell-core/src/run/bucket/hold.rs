//! Content on its way to a bucket: what is refused, and where it stays until it is there.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

use cowry_vfs::{Errno, OpenOptions, SeekTo, Vfs};

use super::journal::{Act, Held, Step, Target};
use super::{at, said};
use crate::address::Address;
use crate::error::{Error, Result};

/// The most bytes of a file that are copied at once.
const PIECE: usize = 1 << 20;
/// The most bytes of holes in all files for one bucket: a program makes them for nothing, and a bucket knows none.
pub(super) const HOLES: u64 = 1 << 30;

/// Refuses what a bucket cannot keep: names that are no keys, and more holes than anybody means.
pub(super) fn check(target: &Target, after: &Vfs) -> Result<()> {
    let mut holes = 0_u64;
    for step in &target.steps {
        // A promotion of one bad name is told when the others are made.
        if target.mount.is_some() {
            check_name(target, step)?;
        }
        if let Some((path, size)) = content(target, step) {
            holes = holes.saturating_add(size.saturating_sub(data_bytes(after, &path, size)?));
            if holes > HOLES {
                return Err(refused(
                    target,
                    format!("{path}: there is nothing in most of it; write less, or discard it"),
                ));
            }
        }
    }
    Ok(())
}

fn check_name(target: &Target, step: &Step) -> Result<()> {
    let Ok(store) = at(&target.address) else { return Ok(()) };
    store.check_name(&step.name).map_err(|refusal| {
        let why = Address::parse(&target.address).map(|address| said(refusal, &address));
        refused(target, why.unwrap_or_else(|problem| problem))
    })
}

fn refused(target: &Target, why: String) -> Error {
    Error::Bucket { doing: format!("write to {}", target.address), why }
}

/// Where the content of a step is in the trees, and how long it is.
fn content(target: &Target, step: &Step) -> Option<(String, u64)> {
    match &step.act {
        Act::Promote { path, size } => Some((path.clone(), *size)),
        Act::Put { size, .. } => Some((format!("{}/{}", target.mount.as_deref()?, step.name), *size)),
        Act::Remove | Act::Mark | Act::Unmark => None,
    }
}

/// How much of a file is no hole.
fn data_bytes(tree: &Vfs, path: &str, size: u64) -> Result<u64> {
    let mut data = 0;
    each_extent(tree, path, size, |_, start, end| {
        data += end - start;
        Ok(())
    })?;
    Ok(data)
}

/// Tells the parts of a file that are no holes.
fn each_extent(
    tree: &Vfs,
    path: &str,
    size: u64,
    mut each: impl FnMut(&cowry_vfs::File, u64, u64) -> Result<()>,
) -> Result<()> {
    let file = tree.open(path, OpenOptions { no_follow: true, ..OpenOptions::read() })?;
    let mut at = 0;
    while at < size {
        let start = match file.find(at, SeekTo::Data) {
            Err(error) if error.errno() == Errno::ENXIO => return Ok(()),
            // One that knows no holes has none.
            Err(error) if error.errno() == Errno::EOPNOTSUPP => return each(&file, at, size),
            found => found?,
        };
        let end = file.find(start, SeekTo::Hole)?.min(size);
        each(&file, start, end)?;
        at = end;
    }
    Ok(())
}

/// Copies what a mount is to get into the folder beside the workspace, to stay there whatever happens.
pub(super) fn hold(target: &Target, after: &Vfs, held: &Held) -> Result<()> {
    if target.mount.is_none() {
        return Ok(());
    }
    for step in &target.steps {
        if let (Act::Put { number, .. }, Some((path, size))) = (&step.act, content(target, step)) {
            copy_out(after, &path, size, &held.staged(*number))?;
        }
    }
    let folder = File::open(&held.path).and_then(|folder| folder.sync_all());
    folder.map_err(|error| Error::host("write", &held.path, error))
}

fn copy_out(from: &Vfs, path: &str, size: u64, to: &Path) -> Result<()> {
    let host = |error| Error::host("write", to, error);
    let mut target = File::create(to).map_err(host)?;
    each_extent(from, path, size, |source, start, end| {
        target.seek(SeekFrom::Start(start)).map_err(host)?;
        let mut at = start;
        while at < end {
            let piece = source.read_bytes_at(at, PIECE.min(usize::try_from(end - at).unwrap_or(PIECE)))?;
            if piece.is_empty() {
                return Err(cowry_vfs::Error::at("read", source.path(), Errno::EIO).into());
            }
            target.write_all(&piece).map_err(host)?;
            at += piece.len() as u64;
        }
        Ok(())
    })?;
    target.set_len(size).and_then(|()| target.sync_all()).map_err(host)
}
