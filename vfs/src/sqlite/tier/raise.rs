//! Moving content from the file to the bucket.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension};

use super::super::SqliteLayer;
use super::super::chunk::Hash;
use super::super::tx::Tx;
use super::lower::Moved;
use super::upload::ROUND_BYTES;
use super::{ContentTier, Object};
use crate::errno::NodeResult;
use crate::failpoint;

/// A chunk in the file.
struct Here {
    id: i64,
    hash: Hash,
    bytes: Bytes,
}

impl SqliteLayer {
    /// Moves what waits in the file to the bucket, if there is one. Within a batch nothing is moved: it has to wait for
    /// nothing.
    ///
    /// # Errors
    /// What keeps the bucket from taking it; it stays in the file then.
    pub(in crate::sqlite) fn raise(&self) -> NodeResult<()> {
        if self.shared.options.read_only || self.writer.is_owned_by_current_thread() {
            return Ok(());
        }
        let Some(tier) = self.content_tier()? else { return Ok(()) };
        self.raise_to(&tier, &mut |_| {})
    }

    pub(super) fn raise_to(&self, tier: &ContentTier, each: &mut dyn FnMut(Moved)) -> NodeResult<()> {
        let mut after = (tier.above.max(1) as i64, 0);
        loop {
            let round = self.read_now(|view| next_round(view.conn, &mut after))?;
            if round.is_empty() {
                return Ok(());
            }
            // What is damaged stays where it is.
            let sound: Vec<Here> =
                round.into_iter().filter(|here| *blake3::hash(&here.bytes).as_bytes() == here.hash).collect();
            let chunks = sound.iter().map(|here| (here.hash, here.bytes.clone())).collect();
            let objects = self.upload(tier, chunks)?;
            self.change(|tx| {
                sound.iter().zip(&objects).try_for_each(|(here, object)| tx.name_object(here.id, object))
            })?;
            failpoint::pass("TIER_NAMED")?;
            sound.iter().for_each(|here| each(Moved { chunks: 1, bytes: here.bytes.len() as u64 }));
        }
    }
}

/// Chunks of the file from a length and a number on, the shortest first.
fn next_round(conn: &Connection, after: &mut (i64, i64)) -> NodeResult<Vec<Here>> {
    let mut statement = conn.prepare_cached(
        "SELECT c.id, c.hash, c.length, b.data FROM main.chunk c JOIN main.block b ON b.chunk = c.id
         WHERE c.home IS NULL AND (c.length, c.id) > (?1, ?2) ORDER BY c.length, c.id",
    )?;
    let mut rows = statement.query(*after)?;
    let (mut round, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let data: Vec<u8> = row.get(3)?;
        *after = (row.get(2)?, row.get(0)?);
        bytes += data.len();
        if let Ok(hash) = Hash::try_from(row.get::<_, Vec<u8>>(1)?) {
            round.push(Here { id: row.get(0)?, hash, bytes: data.into() });
        }
        if bytes >= ROUND_BYTES {
            break;
        }
    }
    Ok(round)
}

impl Tx<'_> {
    /// Lets a chunk of the file be an object that was uploaded, if it still is what was uploaded.
    fn name_object(&mut self, chunk: i64, object: &Object) -> NodeResult<()> {
        let sql = "SELECT owner FROM main.chunk WHERE id = ?1 AND hash = ?2 AND home IS NULL";
        let found: Option<Option<i64>> = self
            .conn
            .prepare_cached(sql)?
            .query_row((chunk, &object.hash[..]), |row| row.get(0))
            .optional()?;
        let Some(owner) = found else { return Ok(()) };
        let twin = self.shared_chunk(&object.hash)?.filter(|twin| *twin != chunk);
        if let (Some(content), Some(twin)) = (owner, twin) {
            return self.replace_chunk(content, chunk, twin);
        }
        if !self.take_stray(object)? {
            return Ok(());
        }
        self.execute(
            "UPDATE main.chunk SET home = ?2, object = ?3, form = ?4, owner = NULL WHERE id = ?1",
            (chunk, object.home, &object.name, object.form.as_str()),
        )?;
        self.execute("DELETE FROM main.block WHERE chunk = ?1", [chunk])?;
        Ok(())
    }
}
