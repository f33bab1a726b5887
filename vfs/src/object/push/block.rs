//! Blocks: pieces of a file of equal size, named by what is in them.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use bytes::Bytes;
use parking_lot::Mutex;

use super::PushError;
use crate::object::{Bucket, TroubleKind};
use crate::sqlite::travel::Free;

/// What a block is called by: the BLAKE3 of what is in it.
pub(super) type Hash = [u8; 32];

/// The size of blocks of a file that is not huge, in bytes. Smaller ones would share more with the last push and cost
/// more requests: a change of a workspace touches pages here and there.
pub(super) const SMALLEST: u64 = 256 << 10;
/// The largest there may be.
pub(super) const LARGEST: u64 = 16 << 20;
/// The most blocks of a file, which bounds what a push's object takes up.
pub(super) const MOST: u64 = 1 << 18;
/// Quick, and what comes out is about as small as it gets with pages of a database.
const LEVEL: i32 = 3;

/// The size of blocks for a file. `None`: it is too large.
pub(super) fn size_for(bytes: u64) -> Option<u64> {
    let sizes = std::iter::successors(Some(SMALLEST), |size| Some(size * 2));
    sizes.take_while(|size| *size <= LARGEST).find(|size| bytes.div_ceil(*size) <= MOST)
}

pub(super) fn hash_of(content: &[u8]) -> Hash {
    *blake3::hash(content).as_bytes()
}

fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What all blocks are below.
pub(super) const FOLDER: &str = "blocks";

/// The folder that a block's object is in.
pub(super) fn shelf(first: u8) -> String {
    format!("{FOLDER}/{first:02x}")
}

/// The name of a block's object.
pub(super) fn name(hash: &Hash) -> String {
    format!("{}/{}", shelf(hash[0]), hex(hash))
}

/// The block that an object is by its name; `None` of what is none of ours.
pub(super) fn by_name(name: &str) -> Option<Hash> {
    let digits = name.rsplit('/').next()?.as_bytes();
    if digits.len() != 64 || digits.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    (self::name(&hash) == name).then_some(hash)
}

/// What is stored for a block.
pub(super) fn pack(content: &[u8]) -> io::Result<Bytes> {
    zstd::bulk::compress(content, LEVEL).map(Bytes::from)
}

/// The most that is stored for a block of `length` bytes, with room for other ways to compress.
fn packed_most(length: u64) -> u64 {
    length + length / 64 + 1024
}

/// Fetches a block and makes sure that it is what its name says.
pub(super) fn fetch(bucket: &Bucket, hash: &Hash, length: u64) -> Result<Vec<u8>, PushError> {
    let (name, most) = (name(hash), packed_most(length));
    let place = || bucket.location().join(&name);
    let packed = bucket.get(&name, Some(0..most + 1), None).map_err(|trouble| match trouble.kind() {
        TroubleKind::Missing => PushError::Unusable(format!(
            "{}: this block is missing; push once more with --all from where the workspace is",
            place()
        )),
        _ => trouble.into(),
    })?;
    let content = if packed.len() as u64 > most { None } else { unpack(&packed, length) };
    content.filter(|content| hash_of(content) == *hash).ok_or_else(|| {
        PushError::Unusable(format!(
            "{}: this block is damaged, it does not hold what its name says; push once more with --all from where the \
             workspace is",
            place()
        ))
    })
}

fn unpack(packed: &[u8], length: u64) -> Option<Vec<u8>> {
    let content = zstd::bulk::decompress(packed, usize::try_from(length).ok()?).ok()?;
    (content.len() as u64 == length).then_some(content)
}

/// A file at rest, cut into blocks. What lies in its free pages counts as zeros.
pub(super) struct Cut {
    file: Mutex<File>,
    free: Free,
    bytes: u64,
    block: u64,
}

impl Cut {
    pub(super) fn of(path: &Path, block: u64) -> io::Result<Cut> {
        let mut file = File::open(path)?;
        let free = Free::of(&mut file)?;
        Ok(Cut { bytes: file.metadata()?.len(), file: Mutex::new(file), free, block })
    }

    /// The same, and free pages are what they are.
    pub(super) fn as_is(path: &Path, block: u64) -> io::Result<Cut> {
        let file = File::open(path)?;
        Ok(Cut { bytes: file.metadata()?.len(), file: Mutex::new(file), free: Free::none(), block })
    }

    /// A block as it is in the file; `None` past its end, or where the file ends before the block would.
    pub(super) fn read(&self, number: u64, length: u64) -> io::Result<Option<Vec<u8>>> {
        let offset = number * self.block;
        if offset + length > self.bytes {
            return Ok(None);
        }
        let mut content = vec![0; length as usize];
        let mut file = self.file.lock();
        file.seek(SeekFrom::Start(offset))?;
        file.read_exact(&mut content)?;
        drop(file);
        self.free.clear(offset, &mut content);
        Ok(Some(content))
    }
}

/// The length of a block of a file that has `bytes`.
pub(super) fn length_of(number: u64, bytes: u64, block: u64) -> u64 {
    (bytes - number * block).min(block)
}
