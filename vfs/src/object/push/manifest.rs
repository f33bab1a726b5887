//! The object of a push: which blocks, in order, are a workspace file.
//!
//! ```text
//! cowry-push\n        11 bytes
//! format              u32, little endian: 1
//! length of header    u32, little endian
//! header              postcard: workspace id, name, number, revision, when it was sealed, when it was pushed,
//!                     what it holds, size of the file, size of blocks, pieces of content, version of Cowry
//! hashes              32 bytes for each block of the file, in order, then for each block of the list of content
//! hash                BLAKE3 of all before it
//! ```
//!
//! Content of the workspace that lies in a bucket is pushed as blocks, too: each piece is one. The list of them, 32 bytes
//! for the hash of each in order, is cut into blocks of its own, of [`LISTED`] bytes.

use serde::{Deserialize, Serialize};

use super::block::{self, Hash};
use super::{Content, PushInfo, PushName};
use crate::clock::Timestamp;
use crate::sqlite::{Revision, WorkspaceId};

const MAGIC: &[u8; 11] = b"cowry-push\n";
/// The newest format that is known here.
pub(super) const FORMAT: u32 = 1;
/// What stands before the header.
const HEAD: usize = MAGIC.len() + 8;
/// The longest header, in bytes.
const HEADER_MOST: usize = 4096;
/// The most that has to be read to have a header.
pub(super) const BEGINNING: u64 = (HEAD + HEADER_MOST) as u64;
/// The size of blocks of the list of content, in bytes.
pub(super) const LISTED: u64 = 1 << 20;
/// The most pieces of content.
pub(super) const PIECES_MOST: u64 = 1 << 26;
/// The largest object there may be, in bytes.
pub(super) const LARGEST: u64 = BEGINNING + 32 * (block::MOST + PIECES_MOST * 32 / LISTED + 1) + 32;

/// Which blocks are a file, and what the file is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Manifest {
    pub(super) info: PushInfo,
    /// The size of blocks, in bytes; the last one may be shorter.
    pub(super) block: u64,
    pub(super) hashes: Vec<Hash>,
    /// Pieces of content in the bucket.
    pub(super) pieces: u64,
    /// The blocks that list them.
    pub(super) lists: Vec<Hash>,
}

/// What is wrong with the object of a push.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Flaw {
    /// Its format, which is newer.
    Newer(u32),
    /// Something else.
    Damaged(&'static str),
}

#[derive(Serialize, Deserialize)]
struct Header {
    workspace: [u8; 16],
    name: String,
    number: u64,
    revision: u64,
    sealed_at: i64,
    pushed_at: i64,
    content: Content,
    bytes: u64,
    block: u64,
    pieces: u64,
    version: String,
}

impl Manifest {
    pub(super) fn encode(&self) -> Vec<u8> {
        let info = &self.info;
        let header = Header {
            workspace: info.workspace.0,
            name: info.name.to_string(),
            number: info.number,
            revision: info.revision.0,
            sealed_at: info.sealed_at.0,
            pushed_at: info.pushed_at.0,
            content: info.content,
            bytes: info.bytes,
            block: self.block,
            pieces: self.pieces,
            version: info.version.clone(),
        };
        let header = postcard::to_stdvec(&header).expect("a header can be written down");
        let mut bytes = MAGIC.to_vec();
        bytes.extend(FORMAT.to_le_bytes());
        bytes.extend((header.len() as u32).to_le_bytes());
        bytes.extend(header);
        self.hashes.iter().chain(&self.lists).for_each(|hash| bytes.extend(hash));
        let hash = block::hash_of(&bytes);
        bytes.extend(hash);
        bytes
    }

    /// Reads a whole object. Nothing in it is believed before its hash was verified.
    pub(super) fn decode(bytes: &[u8]) -> Result<Manifest, Flaw> {
        newest(bytes)?;
        let end = bytes.len().checked_sub(32).ok_or(Flaw::Damaged("it is too short"))?;
        let (told, hash) = bytes.split_at(end);
        if block::hash_of(told) != hash {
            return Err(Flaw::Damaged("its hash is wrong"));
        }
        let (info, block, pieces, rest) = begin(told)?;
        let mut hashes: Vec<Hash> =
            rest.chunks_exact(32).map(|hash| hash.try_into().expect("32 bytes")).collect();
        let (blocks, lists) = (info.bytes.div_ceil(block), (pieces * 32).div_ceil(LISTED));
        if rest.len() % 32 != 0 || hashes.len() as u64 != blocks + lists {
            return Err(Flaw::Damaged("it does not name as many blocks as the file has"));
        }
        let lists = hashes.split_off(blocks as usize);
        Ok(Manifest { info, block, hashes, pieces, lists })
    }

    /// How long a block of the list of content is, in bytes.
    pub(super) fn list_length(&self, number: usize) -> u64 {
        block::length_of(number as u64, self.pieces * 32, LISTED)
    }

    /// Reads the header alone, which is not verified so: to be shown, not to be used.
    pub(super) fn glimpse(beginning: &[u8]) -> Result<PushInfo, Flaw> {
        newest(beginning)?;
        begin(beginning).map(|(info, ..)| info)
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn newest(bytes: &[u8]) -> Result<(), Flaw> {
    match number(bytes, MAGIC.len()).filter(|_| bytes.starts_with(MAGIC)) {
        None => Err(Flaw::Damaged("it is something else")),
        Some(format) if format > FORMAT => Err(Flaw::Newer(format)),
        Some(FORMAT) => Ok(()),
        Some(_) => Err(Flaw::Damaged("it has no format")),
    }
}

/// The header, the size of blocks, pieces of content, and what follows.
fn begin(bytes: &[u8]) -> Result<(PushInfo, u64, u64, &[u8]), Flaw> {
    let damaged = || Flaw::Damaged("its header is damaged");
    let length = number(bytes, HEAD - 4).ok_or_else(damaged)? as usize;
    let end = HEAD + length.min(HEADER_MOST + 1);
    let header = bytes.get(HEAD..end).filter(|_| length <= HEADER_MOST).ok_or_else(damaged)?;
    let header: Header = postcard::from_bytes(header).map_err(|_| damaged())?;
    let block = header.block;
    let fits = block.is_power_of_two() && (block::SMALLEST..=block::LARGEST).contains(&block);
    let fits = fits && header.pieces <= PIECES_MOST;
    if !fits || header.bytes == 0 || header.bytes.div_ceil(block) > block::MOST {
        return Err(Flaw::Damaged("its sizes make no sense"));
    }
    let info = PushInfo {
        name: header.name.parse::<PushName>().map_err(|_| damaged())?,
        number: header.number,
        workspace: WorkspaceId(header.workspace),
        revision: Revision(header.revision),
        sealed_at: Timestamp(header.sealed_at),
        pushed_at: Timestamp(header.pushed_at),
        bytes: header.bytes,
        content: header.content,
        version: header.version.chars().filter(|c| c.is_ascii_graphic()).take(40).collect(),
    };
    Ok((info, block, header.pieces, &bytes[end..]))
}
