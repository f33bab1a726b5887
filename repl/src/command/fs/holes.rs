//! Files with holes, between a workspace and the host: only what is no hole is copied.

use std::fs::File as HostFile;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use cowry_shell_core::vfs::SeekTo;
use cowry_shell_core::{Errno, File};

use crate::failure::{Failure, Outcome};

/// How much is held in memory at once.
const PIECE: u64 = 1 << 20;

/// Copies to an empty regular file of the host and returns the size.
pub fn to_host(source: &File, target: &HostFile, path: &Path) -> Outcome<u64> {
    let failed = |error: io::Error| Failure::host("write", path, &error);
    let size = source.stat()?.size;
    let mut at = 0;
    while let Some((start, end)) = data(source, at, size)? {
        at = start;
        while at < end {
            let piece = source.read_bytes_at(at, PIECE.min(end - at) as usize)?;
            if piece.is_empty() {
                break;
            }
            target.write_all_at(&piece, at).map_err(failed)?;
            at += piece.len() as u64;
        }
        at = end;
    }
    target.set_len(size).map_err(failed)?;
    Ok(size)
}

/// The next range of a file that is no hole.
fn data(file: &File, at: u64, size: u64) -> Outcome<Option<(u64, u64)>> {
    if at >= size {
        return Ok(None);
    }
    let start = match file.find(at, SeekTo::Data) {
        Err(error) if error.errno() == Errno::ENXIO => return Ok(None),
        found => found?,
    };
    Ok(Some((start, file.find(start, SeekTo::Hole)?.min(size))).filter(|(start, end)| start < end))
}
