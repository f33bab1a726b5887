//! Whole trees in and out: host folders and tar archives.
//!
//! Modes, owners, modification times, extended attributes in `user.`, symbolic links, hard links and FIFOs are kept, and
//! holes of files stay holes. Nothing follows a symbolic link, so nothing leaves the folder it was asked to read or write.
//! What cannot be transferred is skipped and reported. Imports are written in batches of up to a thousand entries or
//! 16 MiB, each all or nothing; where content goes to a bucket, a batch is uploaded before it is written. On the host, set-id bits fall, only root gives files to their owners, and no FIFO is made.

mod archive;
mod copy;
mod entry;
mod node;
mod put;
mod replace;
mod sink;
mod upward;
mod walk;

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use cowry_vfs::{Follow, HostLayer, HostOptions, Located, Vfs};

pub use self::put::put_file;
pub use self::replace::replace;
use self::sink::Sink;
use self::walk::{Lost, nothing_is_lost};
use crate::error::{Error, Result};

/// The most skipped entries that are listed; more are counted.
pub const SKIPPED_LISTED: usize = 100;

/// How far a transfer has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// Entries done.
    pub entries: u64,
    /// Bytes of content done.
    pub bytes: u64,
}

/// What a transfer did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// Regular files, hard links to them not counted.
    pub files: u64,
    /// Directories.
    pub directories: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Further names of files.
    pub hard_links: u64,
    /// Bytes of content.
    pub bytes: u64,
    /// What was left out, up to [`SKIPPED_LISTED`].
    pub skipped: Vec<Skipped>,
    /// How much was left out in all.
    pub skipped_count: u64,
}

/// One entry that was left out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Skipped {
    /// The entry, relative to what was transferred.
    pub path: String,
    /// Why.
    pub reason: String,
}

impl Totals {
    fn skip(&mut self, path: impl Into<String>, reason: impl Into<String>) {
        self.skipped_count += 1;
        if self.skipped.len() < SKIPPED_LISTED {
            self.skipped.push(Skipped { path: path.into(), reason: reason.into() });
        }
    }
}

/// Copies a host folder into a directory of a tree, which is made if it is missing.
///
/// Files that are there already are replaced, directories merged. Names and targets of links that are not UTF-8 are
/// skipped and reported.
///
/// # Errors
/// If the folder cannot be read or the tree not written. Batches that were written stay.
pub fn import_folder(
    folder: &Path,
    tree: &Vfs,
    into: &str,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Totals> {
    if folder.is_file() {
        let path = folder.display();
        return Err(Error::Usage(format!("{path} is a file: put single files, import folders and archives")));
    }
    let source = HostLayer::open(folder, HostOptions { read_only: true })
        .map_err(|error| Error::Usage(format!("cannot read the folder {}: {error}", folder.display())))?;
    let target = directory(tree, into)?;
    let mut sink = Sink::new(&*target.layer, target.stat.ino, on_progress).upward()?;
    copy::copy(
        &source,
        cowry_vfs::Layer::root(&source),
        (&|dir| source.unshown(dir), &nothing_is_lost),
        &mut sink,
    )?;
    sink.finish()
}

/// Unpacks a tar archive into a directory of a tree, which is made if it is missing.
///
/// Absolute names become relative; entries with `..` or below a symbolic link are skipped.
///
/// # Errors
/// If it is no archive, a damaged or a compressed one, or the tree cannot be written. Batches that were written stay.
pub fn import_tar(
    archive: &mut dyn Read,
    tree: &Vfs,
    into: &str,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Totals> {
    let target = directory(tree, into)?;
    let mut sink = Sink::new(&*target.layer, target.stat.ino, on_progress).upward()?;
    archive::unpack(archive, &mut sink)?;
    sink.finish()
}

/// Looks at the beginning of what is to be unpacked, so that a mistake is told before anything is made for it.
///
/// # Errors
/// If it begins as no archive does, or as a compressed one.
pub fn recognise(mut head: &[u8]) -> Result<()> {
    archive::recognise(&mut head)
}

/// Copies a directory of a tree into a host folder, which is made if it is missing.
///
/// # Errors
/// If the tree cannot be read or the folder not written.
pub fn export_folder(
    tree: &Vfs,
    from: &str,
    folder: &Path,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Totals> {
    export_sound(tree, from, folder, &nothing_is_lost, on_progress)
}

/// The same without what is lost.
pub(crate) fn export_sound(
    tree: &Vfs,
    from: &str,
    folder: &Path,
    lost: Lost<'_>,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Totals> {
    let source = existing(tree, from)?;
    if folder.metadata().is_ok_and(|meta| !meta.is_dir()) {
        let path = folder.display();
        return Err(Error::Usage(format!(
            "{path} is there and is no folder: name another one, or an archive that ends in .tar"
        )));
    }
    std::fs::create_dir_all(folder).map_err(|error| Error::host("make the folder", folder, error))?;
    let options = HostOptions { read_only: false };
    let target =
        Arc::new(HostLayer::open(folder, options).map_err(|error| {
            Error::Usage(format!("cannot write the folder {}: {error}", folder.display()))
        })?);
    let mut sink = Sink::new(&*target, cowry_vfs::Layer::root(&*target), on_progress).on_host();
    copy::copy(&*source.layer, source.stat.ino, (&|_| Ok(Vec::new()), lost), &mut sink)?;
    sink.finish()
}

/// Packs a directory of a tree into a tar archive (pax).
///
/// # Errors
/// If the tree cannot be read or the archive not written.
pub fn export_tar(
    tree: &Vfs,
    from: &str,
    archive: &mut dyn Write,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Totals> {
    pack_sound(tree, from, archive, &nothing_is_lost, on_progress)
}

/// The same without what is lost.
pub(crate) fn pack_sound(
    tree: &Vfs,
    from: &str,
    archive: &mut dyn Write,
    lost: Lost<'_>,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Totals> {
    let source = existing(tree, from)?;
    archive::pack(&*source.layer, source.stat.ino, lost, archive, on_progress)
}

fn existing(tree: &Vfs, path: &str) -> Result<Located> {
    let located = tree.locate(path, Follow::Yes)?;
    if !located.stat.is_dir() {
        return Err(Error::Usage(format!("{path} is no directory: get single files, export directories")));
    }
    Ok(located)
}

fn directory(tree: &Vfs, path: &str) -> Result<Located> {
    tree.mkdir_all(path, 0o777)?;
    Ok(tree.locate(path, Follow::Yes)?)
}
