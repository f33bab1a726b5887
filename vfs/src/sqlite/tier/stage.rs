//! Uploading what a commit is going to write, before it begins.

use std::collections::HashSet;

use bytes::Bytes;

use super::super::SqliteLayer;
use super::super::chunk::Hash;
use super::super::content::inline_max;
use super::super::extent::Cuts;
use super::cutter::Cutter;
use super::upload::ROUND_BYTES;
use super::{ContentTier, Staged};
use crate::commit::{InoMap, Judge, with_stage};
use crate::errno::NodeResult;
use crate::overlay::Overlay;

impl SqliteLayer {
    /// Uploads what a commit is going to write as far as that can be told beforehand. What it writes beyond that
    /// lies in the file until the next revision is sealed.
    ///
    /// # Errors
    /// What keeps the bucket from taking it; those of reading the overlay.
    pub(in crate::sqlite) fn stage_content(
        &self,
        states: (Option<&Overlay>, &Overlay),
        committed: &InoMap,
        judge: &dyn Judge,
    ) -> NodeResult<Option<Staged<'_>>> {
        if self.shared.options.read_only || self.writer.is_owned_by_current_thread() {
            return Ok(None);
        }
        let Some(tier) = self.content_tier()? else { return Ok(None) };
        self.raise()?;
        let staged = Staged { tier: &self.shared.tier, hashes: Vec::new() };
        let mut work =
            Work { layer: self, tier: &tier, staged, round: Vec::new(), bytes: 0, seen: HashSet::new() };
        with_stage(states, committed, self, judge, |stage| {
            let (mut cutter, mut at) = (Cutter::new(Cuts::of(Some(&tier))), None);
            stage.bytes(states.1, inline_max(Some(&tier)) as u64, &mut |file, offset, bytes| {
                if at != Some((file, offset)) {
                    cutter.finish(&mut |chunk| work.add(chunk))?;
                }
                at = Some((file, offset + bytes.len() as u64));
                cutter.push(bytes, &mut |chunk| work.add(chunk))
            })?;
            cutter.finish(&mut |chunk| work.add(chunk))
        })?;
        work.send()?;
        Ok(Some(work.staged))
    }
}

struct Work<'a, 'b> {
    layer: &'a SqliteLayer,
    tier: &'b ContentTier,
    staged: Staged<'a>,
    round: Vec<(Hash, Bytes)>,
    bytes: usize,
    seen: HashSet<Hash>,
}

impl Work<'_, '_> {
    fn add(&mut self, chunk: Bytes) -> NodeResult<()> {
        let hash = *blake3::hash(&chunk).as_bytes();
        if (chunk.len() as u64) < self.tier.above || !self.seen.insert(hash) || self.is_known(&hash)? {
            return Ok(());
        }
        self.bytes += chunk.len();
        // Of its own, or a short chunk would keep a long buffer.
        self.round.push((hash, Bytes::copy_from_slice(&chunk)));
        if self.bytes >= ROUND_BYTES { self.send() } else { Ok(()) }
    }

    fn is_known(&self, hash: &Hash) -> NodeResult<bool> {
        self.layer.read_now(|view| {
            let sql = "SELECT 1 FROM main.chunk WHERE hash = ?1 AND owner IS NULL";
            Ok(view.conn.prepare_cached(sql)?.exists([&hash[..]])?)
        })
    }

    fn send(&mut self) -> NodeResult<()> {
        self.bytes = 0;
        let round = std::mem::take(&mut self.round);
        if round.is_empty() {
            return Ok(());
        }
        let objects = self.layer.upload(self.tier, round)?;
        let mut stock = self.staged.tier.stock.lock();
        for object in objects {
            self.staged.hashes.push(object.hash);
            stock.insert(object.hash, object);
        }
        Ok(())
    }
}
