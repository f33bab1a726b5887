//! The supervisor's side: answers what a sandbox asks, within bounds.

use std::sync::Arc;

use cowry_vfs::{DirEntry, Errno, FileType, Ino, Layer, NodeResult, Stat};

use super::protocol::{
    Ask, ENTRIES_MAX, FsReply, FsRequest, LISTING_MAX, Listing, READ_MAX, ROOT_TOTAL, SMALL, SMALL_TOTAL,
    Small,
};

/// Answers a question about one of these trees.
pub(crate) fn answer(trees: &[Arc<dyn Layer>], request: FsRequest) -> FsReply {
    let Some(layer) = trees.get(usize::from(request.mount)) else { return FsReply::Failed(Errno::ESTALE) };
    ask(&**layer, request.ask).unwrap_or_else(|error| FsReply::Failed(error.errno()))
}

/// The root of a tree, if it is small: every sandbox asks for it, so that it is told before.
pub(crate) fn look(layer: &dyn Layer) -> Option<(Stat, Listing)> {
    let stat = layer.getattr(layer.root()).ok()?;
    Some((stat, listing(layer, stat.ino, ROOT_TOTAL).ok()??))
}

fn ask(layer: &dyn Layer, ask: Ask) -> NodeResult<FsReply> {
    Ok(match ask {
        Ask::Lookup { parent, name, whole } => {
            let listing = if whole { listing(layer, parent, SMALL_TOTAL)? } else { None };
            match listing {
                Some(listing) => FsReply::Listing(listing),
                None => FsReply::Stat(layer.lookup(parent, &name)?),
            }
        }
        Ask::Getattr { ino } => FsReply::Stat(layer.getattr(ino)?),
        Ask::Readdir { dir, after, limit } => {
            let limit = (limit as usize).min(ENTRIES_MAX);
            FsReply::Entries(layer.readdir(dir, after.as_ref(), limit)?)
        }
        Ask::Readlink { ino } => FsReply::Text(layer.readlink(ino)?),
        Ask::Read { ino, offset, len } => {
            FsReply::Content(layer.read(ino, offset, (len as usize).min(READ_MAX))?)
        }
        Ask::Seek { ino, offset, to } => FsReply::Offset(layer.seek(ino, offset, to.into())?),
        Ask::Getxattr { ino, name } => FsReply::Content(layer.getxattr(ino, &name)?),
        Ask::Listxattr { ino } => FsReply::Names(layer.listxattr(ino)?),
        Ask::Statfs => FsReply::StatFs(layer.statfs()?),
    })
}

/// The whole of a directory that is small, with the small files in it, which are likely to be asked for next, unless each
/// of them costs a request.
fn listing(layer: &dyn Layer, dir: Ino, mut room: u64) -> NodeResult<Option<Listing>> {
    let entries = layer.readdir(dir, None, LISTING_MAX + 1)?;
    if entries.len() > LISTING_MAX {
        return Ok(None);
    }
    let mut listing = Listing { entries, ..Listing::default() };
    if layer.features().remote {
        return Ok(Some(listing));
    }
    for DirEntry { stat, .. } in &listing.entries {
        if stat.size > SMALL.min(room) {
            continue;
        }
        // What cannot be read now fails again when it is asked for, and says so then.
        match stat.kind {
            FileType::Regular => {
                let Ok(content) = layer.read(stat.ino, 0, SMALL as usize) else { continue };
                listing.contents.push(Small { ino: stat.ino, content });
            }
            FileType::Symlink => {
                let Ok(target) = layer.readlink(stat.ino) else { continue };
                listing.links.push((stat.ino, target));
            }
            _ => continue,
        }
        room -= stat.size;
    }
    Ok(Some(listing))
}
