//! Chunks: bytes addressed by their BLAKE3 hash, verified whenever they come off the disk.
//!
//! A chunk without owner is shared and never changes. One that a content of the open revision owns is that
//! content's alone: it may be changed in place and deleted, so that rewriting a file many times before its
//! revision is sealed leaves nothing behind. Sealing gives such chunks up, or finds them to be there already.

use std::collections::{HashMap, HashSet, VecDeque};

use bytes::Bytes;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension};

use super::extent::Extent;
use super::tier::Object;
use super::tx::{Next, Tx};
use crate::errno::{NodeError, NodeResult};

/// A BLAKE3 hash.
pub(super) type Hash = [u8; 32];

/// Bytes of verified chunks kept for the next read. Sequential readers in small steps need one chunk at a time.
const CACHE_BYTES: usize = 16 << 20;

/// The most inline contents of which it is remembered that they were verified.
const VERIFIED_MAX: usize = 1 << 16;

/// Chunks that were read and verified lately. Keyed by content, so that nothing in it can go stale.
#[derive(Default)]
pub(super) struct ChunkCache {
    recent: Mutex<Recent>,
    /// Inline contents that had the bytes that their hash says: once is enough, as for a chunk that stays here.
    verified: Mutex<HashSet<(i64, Hash)>>,
}

#[derive(Default)]
struct Recent {
    chunks: HashMap<Hash, Bytes>,
    order: VecDeque<Hash>,
    bytes: usize,
}

impl ChunkCache {
    /// The bytes with this hash, if they were seen lately.
    pub(super) fn known(&self, hash: &Hash) -> Option<Bytes> {
        self.recent.lock().chunks.get(hash).cloned()
    }

    /// Keeps verified bytes for a while.
    #[cfg(feature = "object")]
    pub(super) fn keep(&self, hash: Hash, data: Bytes) {
        self.recent.lock().keep(hash, data);
    }

    /// The bytes of the chunk that `extent` lies in, which is in the file.
    ///
    /// # Errors
    /// `EIO` naming the chunk if it is missing or its bytes are not what its hash says.
    pub(super) fn fetch(&self, conn: &Connection, extent: &Extent) -> NodeResult<Bytes> {
        if let Some(data) = self.known(&extent.hash) {
            return Ok(data);
        }
        let data = load(conn, extent.chunk)?;
        if *blake3::hash(&data).as_bytes() != extent.hash {
            return Err(corrupt(extent.chunk, "its bytes do not match its hash"));
        }
        let data = Bytes::from(data);
        self.recent.lock().keep(extent.hash, data.clone());
        Ok(data)
    }

    /// Whether an inline content was verified against this hash before.
    pub(super) fn is_verified(&self, content: i64, hash: &Hash) -> bool {
        self.verified.lock().contains(&(content, *hash))
    }

    pub(super) fn note_verified(&self, content: i64, hash: Hash) {
        let mut verified = self.verified.lock();
        if verified.len() >= VERIFIED_MAX {
            verified.clear();
        }
        verified.insert((content, hash));
    }

    /// The bytes of `extent` itself.
    pub(super) fn slice(&self, conn: &Connection, extent: &Extent) -> NodeResult<Bytes> {
        let data = self.fetch(conn, extent)?;
        extent.part_of(&data)
    }
}

impl Recent {
    fn keep(&mut self, hash: Hash, data: Bytes) {
        self.bytes += data.len();
        if let Some(same) = self.chunks.insert(hash, data) {
            self.bytes -= same.len();
            return;
        }
        self.order.push_back(hash);
        while self.bytes > CACHE_BYTES {
            let Some(oldest) = self.order.pop_front() else { break };
            self.bytes -= self.chunks.remove(&oldest).map_or(0, |data| data.len());
        }
    }
}

/// The bytes of a chunk, unverified.
pub(super) fn load(conn: &Connection, chunk: i64) -> NodeResult<Vec<u8>> {
    let mut statement = conn.prepare_cached("SELECT data FROM block WHERE chunk = ?1")?;
    statement.query_row([chunk], |row| row.get(0)).optional()?.ok_or_else(|| corrupt(chunk, "it is missing"))
}

/// `EIO` that names the chunk.
pub(super) fn corrupt(chunk: i64, why: &str) -> NodeError {
    NodeError::io(format!("chunk {chunk} of the workspace is damaged: {why}"))
}

impl Tx<'_> {
    /// A chunk with these bytes: one that every revision shares if there is one, else a new one that `content` owns.
    pub(super) fn put_chunk(&mut self, content: i64, data: &[u8]) -> NodeResult<i64> {
        let hash = *blake3::hash(data).as_bytes();
        if let Some(there) = self.chunk_of(&hash)? {
            return Ok(there);
        }
        let chunk = Next::take(&mut self.state.next.chunk);
        self.execute(
            "INSERT INTO main.chunk(id, hash, length, owner) VALUES (?1, ?2, ?3, ?4)",
            (chunk, &hash[..], data.len() as i64, content),
        )?;
        self.execute("INSERT INTO main.block(chunk, data) VALUES (?1, ?2)", (chunk, data))?;
        Ok(chunk)
    }

    /// A chunk with these bytes that needs none of them: one that is there, or in the bucket and not named yet.
    pub(super) fn chunk_of(&mut self, hash: &Hash) -> NodeResult<Option<i64>> {
        if let Some(shared) = self.shared_chunk(hash)? {
            return Ok(Some(shared));
        }
        match self.shared.tier.stocked(hash) {
            Some(object) if self.take_stray(&object)? => self.put_object(&object).map(Some),
            _ => Ok(None),
        }
    }

    /// A chunk whose bytes are in a bucket. It never changes, so nobody owns it.
    fn put_object(&mut self, object: &Object) -> NodeResult<i64> {
        let chunk = Next::take(&mut self.state.next.chunk);
        self.execute(
            "INSERT INTO main.chunk(id, hash, length, home, object, form) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (chunk, &object.hash[..], object.length as i64, object.home, &object.name, object.form.as_str()),
        )?;
        Ok(chunk)
    }

    /// Not one of a file that a fork stands on: nothing would keep it there.
    pub(super) fn shared_chunk(&self, hash: &Hash) -> NodeResult<Option<i64>> {
        let mut statement =
            self.conn.prepare_cached("SELECT id FROM main.chunk WHERE hash = ?1 AND owner IS NULL")?;
        Ok(statement.query_row([&hash[..]], |row| row.get(0)).optional()?)
    }

    /// Changes the bytes of a chunk that the caller's content owns.
    pub(super) fn change_chunk(&self, chunk: i64, data: &[u8]) -> NodeResult<()> {
        let hash = *blake3::hash(data).as_bytes();
        self.execute("UPDATE main.chunk SET hash = ?2 WHERE id = ?1", (chunk, &hash[..]))?;
        self.execute("UPDATE main.block SET data = ?2 WHERE chunk = ?1", (chunk, data))?;
        Ok(())
    }

    /// Deletes a chunk that the caller's content owns.
    pub(super) fn drop_chunk(&self, chunk: i64) -> NodeResult<()> {
        self.execute("DELETE FROM main.block WHERE chunk = ?1", [chunk])?;
        self.execute("DELETE FROM main.chunk WHERE id = ?1", [chunk])?;
        Ok(())
    }

    /// The chunks that `content` owns.
    pub(super) fn owned_chunks(&self, content: i64) -> NodeResult<Vec<(i64, Hash)>> {
        let mut statement = self.conn.prepare_cached("SELECT id, hash FROM main.chunk WHERE owner = ?1")?;
        let rows = statement.query_map([content], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Makes the chunks of a content that is about to be sealed everybody's.
    pub(super) fn share_chunks(&self, content: i64) -> NodeResult<()> {
        for (chunk, hash) in self.owned_chunks(content)? {
            match self.shared_chunk(&hash)? {
                None => self.execute("UPDATE main.chunk SET owner = NULL WHERE id = ?1", [chunk])?,
                Some(twin) => {
                    self.replace_chunk(content, chunk, twin)?;
                    0
                }
            };
        }
        Ok(())
    }

    /// Lets a content have a shared chunk instead of one that it owns, with the same bytes.
    pub(super) fn replace_chunk(&self, content: i64, chunk: i64, twin: i64) -> NodeResult<()> {
        self.execute(
            "UPDATE main.extent SET chunk = ?3 WHERE content = ?1 AND chunk = ?2",
            (content, chunk, twin),
        )?;
        self.drop_chunk(chunk)
    }
}
