//! Tar archives: reading hostile ones, writing pax.
//!
//! It is a reader of our own because the crate `tar` splits pax records at line breaks, which extended attributes may
//! hold; of that crate we use the layout of headers. What a member becomes in a tree, its caller decides.

mod holes;
mod pack;
mod pax;
mod read;
mod sparse;

use std::io::{self, Read};

pub use tar::EntryType;

use crate::errno::NodeError;
use crate::path::VPathBuf;

pub use holes::{data_after, has_no_holes};
pub use pack::{Packed, Packer};
pub use read::{Member, Members};
pub use sparse::Map;

/// Why an archive cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// It begins as no archive does.
    #[error("this is no tar archive")]
    NoArchive,
    /// It is compressed.
    #[error("the archive is compressed: uncompress it first, for example with gunzip")]
    Compressed,
    /// It cannot be read: it is damaged or cut off, or its source failed.
    #[error("cannot read the archive: {0}")]
    Read(#[source] io::Error),
    /// It cannot be written.
    #[error("cannot write the archive: {0}")]
    Write(#[source] io::Error),
    /// What is to be packed cannot be read.
    #[error("{0}")]
    Node(NodeError),
}

pub(crate) type Result<T, E = ArchiveError> = std::result::Result<T, E>;

/// Looks at the first bytes, since a compressed archive would only be called none.
///
/// # Errors
/// [`ArchiveError::Compressed`]; [`ArchiveError::Read`].
pub fn uncompressed(archive: &mut dyn Read) -> Result<impl Read + '_> {
    let mut head = [0; 6];
    let mut filled = 0;
    while filled < head.len() {
        match archive.read(&mut head[filled..]).map_err(ArchiveError::Read)? {
            0 => break,
            n => filled += n,
        }
    }
    let compressed = [&b"\x1f\x8b"[..], b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"];
    if compressed.iter().any(|magic| head[..filled].starts_with(magic)) {
        return Err(ArchiveError::Compressed);
    }
    Ok(io::Cursor::new(head).take(filled as u64).chain(archive))
}

/// A name in an archive as a path below where it is unpacked: absolute names become relative.
///
/// # Errors
/// Why it is none: it is not UTF-8, leads upwards, is too long or has a NUL.
pub fn safe_path(raw: &[u8]) -> std::result::Result<VPathBuf, &'static str> {
    let text = std::str::from_utf8(raw).map_err(|_| "its name is not UTF-8")?;
    if text.split('/').any(|part| part == "..") {
        return Err("its name has \"..\" in it");
    }
    VPathBuf::parse(if text.is_empty() { "/" } else { text }).map_err(|_| "its name is too long or has a NUL")
}

pub(crate) fn damaged(what: &str) -> ArchiveError {
    broken(io::Error::new(io::ErrorKind::InvalidData, format!("{what} is damaged or missing")))
}

pub(crate) fn broken(error: io::Error) -> ArchiveError {
    ArchiveError::Read(error)
}

#[cfg(test)]
mod tests;
