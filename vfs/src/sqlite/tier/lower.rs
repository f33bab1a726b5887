//! Moving content as the setting says: all of it, either way.

use std::error::Error as _;

use bytes::Bytes;
use rusqlite::Connection;

use super::super::SqliteLayer;
use super::super::tx::Tx;
use super::lost::is_lost_content;
use super::upload::ROUND_BYTES;
use super::{ContentTier, Object};
use crate::errno::{Errno, NodeError, NodeResult};
use crate::failpoint;

/// What was moved.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MoveReport {
    /// Pieces of content that went to the bucket from the file, and from places of other files.
    pub to_bucket: Moved,
    /// Pieces that came into the file.
    pub to_file: Moved,
    /// The addresses of objects that are missing or damaged, each with what is wrong. What they held is lost; their
    /// pieces stay where they were.
    pub lost: Vec<String>,
}

/// So many pieces of content.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Moved {
    /// How many.
    pub chunks: u64,
    /// Their bytes, before compression.
    pub bytes: u64,
}

impl Moved {
    fn add(&mut self, more: Moved) {
        self.chunks += more.chunks;
        self.bytes += more.bytes;
    }
}

/// Chunks in buckets, each with its number.
type Round = Vec<(i64, Object)>;

impl SqliteLayer {
    /// Moves all content to where the setting says. Whatever is moved is where it belongs at once: after an error or a
    /// crash the next call goes on. Content that is in a place of another file, of which this one is a copy, gets a
    /// place of its own. What is lost is passed by, and in the report. `each` is told how much was moved so far.
    ///
    /// # Errors
    /// `EBUSY` within a batch; `EIO`, `ETIMEDOUT` of the bucket; `EROFS`, `ENOSPC`.
    pub fn move_content(&self, each: &mut dyn FnMut(&MoveReport)) -> NodeResult<MoveReport> {
        if self.read_now(|view| Ok(view.pending.is_some()))? {
            return Err(Errno::EBUSY.into());
        }
        let mut report = MoveReport::default();
        match self.content_tier()? {
            None => self.each_round(None, &mut |round| {
                report.to_file.add(self.bring_home(round, &mut report.lost)?);
                each(&report);
                Ok(())
            })?,
            Some(tier) => {
                self.raise_to(&tier, &mut |moved| {
                    report.to_bucket.add(moved);
                    each(&report);
                })?;
                let home = self.change(|tx| tx.own_home(&tier.address))?.id;
                self.each_round(Some(home), &mut |round| {
                    report.to_bucket.add(self.take_over(&tier, round, &mut report.lost)?);
                    each(&report);
                    Ok(())
                })?;
            }
        }
        Ok(report)
    }

    /// Takes over what is in places of other files: to its own place, or into the file if the setting names none.
    ///
    /// # Errors
    /// Those of the bucket; what was taken over stays so.
    pub(in crate::sqlite) fn own_content(&self) -> NodeResult<()> {
        let mut lost = Vec::new();
        match self.content_tier()? {
            None => self.each_round(None, &mut |round| self.bring_home(round, &mut lost).map(drop))?,
            Some(tier) => {
                let home = self.change(|tx| tx.own_home(&tier.address))?.id;
                self.each_round(Some(home), &mut |round| self.take_over(&tier, round, &mut lost).map(drop))?;
            }
        }
        lost.into_iter().next().map_or(Ok(()), |lost| Err(NodeError::io(lost)))
    }

    /// Goes through chunks that are in a bucket, apart from those in one home.
    fn each_round(&self, but: Option<i64>, work: &mut dyn FnMut(Round) -> NodeResult<()>) -> NodeResult<()> {
        let mut after = 0;
        loop {
            let round = self.read_now(|view| {
                let round = next_round(view.conn, but, &mut after)?;
                round.iter().try_for_each(|(_, object)| self.shared.tier.learn(view.conn, object))?;
                Ok(round)
            })?;
            if round.is_empty() {
                return Ok(());
            }
            work(round)?;
        }
    }

    /// What is there of a round, with its bytes.
    fn fetch_round(&self, round: Round, lost: &mut Vec<String>) -> NodeResult<(Round, Vec<Bytes>)> {
        let objects = round.iter().map(|(_, object)| object.clone()).collect();
        let fetched = self.shared.tier.fetch(objects, Vec::new(), &self.shared.chunks);
        let (mut there, mut bytes) = (Round::new(), Vec::new());
        for (piece, fetched) in round.into_iter().zip(fetched) {
            match fetched {
                Ok(got) => {
                    there.push(piece);
                    bytes.push(got);
                }
                Err(error) => match error.source().filter(|cause| is_lost_content(*cause)) {
                    Some(cause) => lost.push(cause.to_string()),
                    None => return Err(error),
                },
            }
        }
        Ok((there, bytes))
    }

    /// Brings chunks into the file.
    fn bring_home(&self, round: Round, lost: &mut Vec<String>) -> NodeResult<Moved> {
        let (round, fetched) = self.fetch_round(round, lost)?;
        let mut moved = Moved::default();
        self.change(|tx| {
            for ((chunk, object), bytes) in round.iter().zip(&fetched) {
                if tx.leave_object(*chunk, object, None)? {
                    tx.execute("INSERT INTO main.block(chunk, data) VALUES (?1, ?2)", (chunk, &bytes[..]))?;
                    moved.add(Moved { chunks: 1, bytes: bytes.len() as u64 });
                }
            }
            Ok(())
        })?;
        failpoint::pass("TIER_LOWERED")?;
        Ok(moved)
    }

    /// Writes chunks anew that are in a home of another file, or in one that is no longer the setting's.
    fn take_over(&self, tier: &ContentTier, round: Round, lost: &mut Vec<String>) -> NodeResult<Moved> {
        let (round, fetched) = self.fetch_round(round, lost)?;
        let chunks = round.iter().zip(&fetched).map(|((_, object), bytes)| (object.hash, bytes.clone()));
        let objects = self.upload(tier, chunks.collect())?;
        let mut moved = Moved::default();
        self.change(|tx| {
            for ((chunk, object), new) in round.iter().zip(&objects) {
                if tx.leave_object(*chunk, object, Some(new))? {
                    moved.add(Moved { chunks: 1, bytes: object.length as u64 });
                }
            }
            Ok(())
        })?;
        Ok(moved)
    }
}

fn next_round(conn: &Connection, but: Option<i64>, after: &mut i64) -> NodeResult<Round> {
    let mut statement = conn.prepare_cached(
        "SELECT home, object, form, hash, length, id FROM main.chunk
         WHERE home IS NOT NULL AND home IS NOT ?1 AND id > ?2 ORDER BY id",
    )?;
    let mut rows = statement.query((but, *after))?;
    let (mut round, mut bytes) = (Round::new(), 0);
    while let Some(row) = rows.next()? {
        *after = row.get(5)?;
        if let Some(object) = Object::from_row(row, 0)? {
            bytes += object.length;
            round.push((*after, object));
        }
        if bytes >= ROUND_BYTES {
            break;
        }
    }
    Ok(round)
}

impl Tx<'_> {
    /// Lets a chunk be in another object, or in the file, if it is still in this one; what it was in is left to
    /// the sweep if it is this file's. `false` if nothing was done.
    fn leave_object(&mut self, chunk: i64, old: &Object, new: Option<&Object>) -> NodeResult<bool> {
        let sql = "SELECT 1 FROM main.chunk WHERE id = ?1 AND home = ?2 AND object = ?3";
        let is_there = self.conn.prepare_cached(sql)?.exists((chunk, old.home, &old.name))?;
        if !is_there || !new.map_or(Ok(true), |new| self.take_stray(new))? {
            return Ok(false);
        }
        self.execute(
            "UPDATE main.chunk SET home = ?2, object = ?3, form = ?4 WHERE id = ?1",
            (chunk, new.map(|new| new.home), new.map(|new| &new.name), new.map(|new| new.form.as_str())),
        )?;
        if self.own_homes()?.iter().any(|home| home.id == old.home) {
            self.note_stray(old)?;
        }
        Ok(true)
    }
}
