//! Content that is uploaded while it is read, before the transaction that names it.
//!
//! Whoever writes files from front to end cuts them here as the transaction would, and goes on reading while pieces are
//! sent: a few at a time, so that memory is bounded whatever a file's size. The transaction then names the pieces and
//! needs the bytes only of those that stay in the file, or that a sweep took away meanwhile.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;

use super::super::SqliteLayer;
use super::super::chunk::Hash;
use super::super::content::inline_max;
use super::super::extent::Cuts;
use super::cutter::Cutter;
use super::object::encode;
use super::upload::PARALLEL;
use super::{ContentTier, Object, Piece, Staged, net};
use crate::errno::{Errno, NodeResult};
use crate::failpoint;
use crate::object::Sending;

/// Pieces that are noted together before they are sent, since each note is an fsync: so many bytes, or so many pieces.
const ROUND_BYTES: usize = 8 << 20;
const ROUND_PIECES: usize = 256;

/// Content on its way to a bucket. What was sent and never named is left to the sweep.
pub struct Ahead<'a> {
    layer: &'a SqliteLayer,
    tier: ContentTier,
    cutter: Cutter,
    round: Vec<Waiting>,
    round_bytes: usize,
    /// How many pieces there were so far.
    pieces: u64,
    seen: HashSet<Hash>,
    sending: Option<(Arc<str>, Sending)>,
    under_way: HashMap<u64, Object>,
    staged: Staged<'a>,
    /// How many more bytes are kept in the cache: not so many that nothing else is left there.
    cached: u64,
}

/// A piece that is not sent yet.
struct Waiting {
    number: u64,
    hash: Hash,
    bytes: Bytes,
}

impl SqliteLayer {
    /// Begins to upload content, if content goes to a bucket; within a batch nothing is uploaded.
    ///
    /// # Errors
    /// `EIO` if the file cannot be read.
    pub fn ahead(&self) -> NodeResult<Option<Ahead<'_>>> {
        if self.shared.options.read_only || self.writer.is_owned_by_current_thread() {
            return Ok(None);
        }
        let tier = self.content_tier()?;
        Ok(tier.filter(|tier| Cuts::of(Some(tier)).max as u64 >= tier.above).map(|tier| self.ahead_to(tier)))
    }

    pub(super) fn ahead_to(&self, tier: ContentTier) -> Ahead<'_> {
        Ahead {
            layer: self,
            cutter: Cutter::new(Cuts::of(Some(&tier))),
            tier,
            round: Vec::new(),
            round_bytes: 0,
            pieces: 0,
            seen: HashSet::new(),
            sending: None,
            under_way: HashMap::new(),
            staged: Staged { tier: &self.shared.tier, hashes: Vec::new() },
            cached: self.shared.tier.cache_share(),
        }
    }
}

impl<'a> Ahead<'a> {
    /// The length of the shortest file any of which goes to the bucket, in bytes.
    pub fn least(&self) -> u64 {
        self.tier.above.max(inline_max(Some(&self.tier)) as u64 + 1)
    }

    /// Takes what comes next of a file, and returns the pieces that are certain by now, in order. They are on their way
    /// then, or will be.
    ///
    /// # Errors
    /// `EIO`, `ETIMEDOUT` of the bucket, for this piece or an earlier one; `EIO`, `EBUSY` of the file; `EDEADLK` within a
    /// batch.
    pub fn push(&mut self, bytes: &[u8]) -> NodeResult<Vec<(Piece, Bytes)>> {
        let mut cut = Vec::new();
        self.cutter.push(bytes, &mut |bytes| cut.push(bytes));
        self.add_all(cut)
    }

    /// Ends a file, or a stretch of one before a hole, and returns the pieces that are left of it.
    ///
    /// # Errors
    /// As [`push`](Ahead::push).
    pub fn cut_off(&mut self) -> NodeResult<Vec<(Piece, Bytes)>> {
        let mut cut = Vec::new();
        self.cutter.finish(&mut |bytes| cut.push(bytes));
        self.add_all(cut)
    }

    /// Stands for all pieces so far.
    pub fn mark(&self) -> u64 {
        self.pieces
    }

    /// Waits until the bucket has every piece up to a mark.
    ///
    /// # Errors
    /// As [`push`](Ahead::push).
    pub fn wait(&mut self, mark: u64) -> NodeResult<()> {
        if self.round.first().is_some_and(|first| first.number < mark) {
            self.send_round()?;
        }
        while self.sending.as_ref().and_then(|(_, sending)| sending.first()).is_some_and(|first| first < mark)
        {
            self.settle_one()?;
        }
        Ok(())
    }

    /// Waits until the bucket has all there was. The pieces can be named as long as the result is kept.
    ///
    /// # Errors
    /// As [`push`](Ahead::push).
    pub fn finish(mut self) -> NodeResult<Sent<'a>> {
        self.wait(self.pieces)?;
        failpoint::pass("TIER_UPLOADED")?;
        Ok(Sent { _staged: self.staged })
    }

    fn add_all(&mut self, cut: Vec<Bytes>) -> NodeResult<Vec<(Piece, Bytes)>> {
        cut.into_iter().map(|bytes| self.add(&bytes).map(|piece| (piece, bytes))).collect()
    }

    fn add(&mut self, bytes: &Bytes) -> NodeResult<Piece> {
        let hash = *blake3::hash(bytes).as_bytes();
        let number = self.pieces;
        self.pieces += 1;
        if bytes.len() as u64 >= self.tier.above && self.seen.insert(hash) {
            self.round_bytes += bytes.len();
            self.round.push(Waiting { number, hash, bytes: bytes.clone() });
        }
        if self.round_bytes >= ROUND_BYTES || self.round.len() >= ROUND_PIECES {
            self.send_round()?;
        }
        Ok(Piece { hash, length: bytes.len() })
    }

    /// Sends what is put together, apart from what is there already.
    fn send_round(&mut self) -> NodeResult<()> {
        // What a batch notes is not on the disk yet, and nothing may be sent before it is.
        if self.layer.writer.is_owned_by_current_thread() {
            return Err(Errno::EDEADLK.into());
        }
        let round = std::mem::take(&mut self.round);
        self.round_bytes = 0;
        let new = self.unknown(round)?;
        if new.is_empty() {
            return Ok(());
        }
        let mut packed = Vec::with_capacity(new.len());
        for waiting in &new {
            packed.push(encode(waiting.bytes.clone(), self.tier.form)?);
        }
        let chunks = new.iter().zip(&packed);
        let chunks = chunks.map(|(waiting, (form, _))| (waiting.hash, waiting.bytes.len(), *form));
        let (address, objects) = self.layer.note_objects(&self.tier, chunks)?;
        self.turn_to(address)?;
        for ((waiting, (_, stored)), object) in new.into_iter().zip(packed).zip(objects) {
            self.send(waiting, stored, object)?;
        }
        Ok(())
    }

    /// Sends to an address from now on. It is another one if the file was moved meanwhile.
    fn turn_to(&mut self, address: Arc<str>) -> NodeResult<()> {
        if self.sending.as_ref().is_some_and(|(known, _)| *known == address) {
            return Ok(());
        }
        while self.settle_one()? {}
        let bucket = self.staged.tier.bucket(&address)?;
        self.sending = Some((address, Sending::new(bucket, PARALLEL)));
        Ok(())
    }

    fn unknown(&self, round: Vec<Waiting>) -> NodeResult<Vec<Waiting>> {
        self.layer.read_now(|view| {
            let sql = "SELECT 1 FROM main.chunk WHERE hash = ?1 AND owner IS NULL";
            let mut known = view.conn.prepare_cached(sql)?;
            let mut new = Vec::with_capacity(round.len());
            for waiting in round {
                if !known.exists([&waiting.hash[..]])? {
                    new.push(waiting);
                }
            }
            Ok(new)
        })
    }

    fn send(&mut self, waiting: Waiting, stored: Bytes, object: Object) -> NodeResult<()> {
        while self.sending.as_ref().is_some_and(|(_, sending)| sending.is_full()) {
            self.settle_one()?;
        }
        let length = waiting.bytes.len() as u64;
        if length <= self.cached {
            self.cached -= length;
            self.staged.tier.keep(&object, &waiting.bytes);
        }
        if let Some((_, sending)) = &mut self.sending {
            sending.begin(waiting.number, object.name.clone(), stored);
        }
        self.under_way.insert(waiting.number, object);
        Ok(())
    }

    /// Waits for one that is under way, if there is any. Only what is in the bucket waits to be named.
    fn settle_one(&mut self) -> NodeResult<bool> {
        let ended = self.sending.as_mut().and_then(|(_, sending)| sending.await_one());
        let Some((number, outcome)) = ended else { return Ok(false) };
        let object = self.under_way.remove(&number);
        outcome.map_err(net::error)?;
        object.into_iter().for_each(|object| self.staged.add(object));
        Ok(true)
    }
}

/// Content that is in the bucket and waits to be named; forgotten when dropped.
pub struct Sent<'a> {
    pub(super) _staged: Staged<'a>,
}
