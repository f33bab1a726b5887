//! A directory of a layer into an archive.

use std::io::Write;

use cowry_vfs::archive::{ArchiveError, Packed, Packer};
use cowry_vfs::{DirEntry, FileType, Ino, Layer, VPathBuf};

use super::refused;
use crate::error::Result;
use crate::transfer::sink::{is_closed, unreadable};
use crate::transfer::walk::{Lost, Visit, walk};
use crate::transfer::{Progress, Totals};

/// Packs everything below `root`.
pub(crate) fn pack(
    layer: &dyn Layer,
    root: Ino,
    lost: Lost<'_>,
    archive: &mut dyn Write,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Totals> {
    let mut packer = Packer::new(archive);
    let (mut totals, mut progress) = (Totals::default(), Progress::default());
    walk(layer, root, lost, &mut |visit| {
        match visit {
            Visit::Directory(..) => return Ok(()),
            Visit::Entry(path, entry) => add(&mut packer, layer, &path, &entry, &mut totals)?,
            Visit::Closed(path, why) => totals.skip(path.as_str(), why),
        }
        progress.entries += 1;
        progress.bytes = totals.bytes;
        on_progress(progress);
        Ok(())
    })?;
    packer.finish().map_err(refused)?;
    Ok(totals)
}

/// What cannot be read by whoever packs is skipped; a layer that fails ends the transfer.
fn add(
    packer: &mut Packer<'_>,
    layer: &dyn Layer,
    path: &VPathBuf,
    entry: &DirEntry,
    totals: &mut Totals,
) -> Result<()> {
    let name = &path.as_str()[1..];
    match packer.add(layer, None, name, &entry.stat) {
        Ok(Packed::Whole) => count(entry, totals),
        Ok(Packed::Link) => totals.hard_links += 1,
        Ok(Packed::Unfit) => totals.skip(name, "it is no file, directory, link or FIFO"),
        Err(ArchiveError::Node(error)) if is_closed(&error) => totals.skip(name, error.to_string()),
        Err(ArchiveError::Node(error)) => return Err(unreadable(path, error)),
        Err(error) => return Err(refused(error)),
    }
    Ok(())
}

fn count(entry: &DirEntry, totals: &mut Totals) {
    match entry.stat.kind {
        FileType::Directory => totals.directories += 1,
        FileType::Symlink => totals.symlinks += 1,
        FileType::Regular => {
            totals.files += 1;
            totals.bytes += entry.stat.size;
        }
        _ => {}
    }
}
