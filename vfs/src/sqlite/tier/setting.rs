//! The setting, and what is where.

use std::path::PathBuf;

use rusqlite::{Connection, Row};

use super::super::SqliteLayer;
use super::super::content::INLINE_MAX;
use super::ContentForm;
use crate::errno::{Errno, NodeError, NodeResult};

/// Where content goes that is written from now on, if not into the file. Holds no secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContentTier {
    /// A bucket and a prefix: `s3://bucket/prefix`.
    pub address: String,
    /// Pieces of content shorter than this stay in the file, in bytes.
    pub above: u64,
    /// How they are stored there.
    pub form: ContentForm,
}

impl ContentTier {
    /// Pieces shorter than 64 KiB stay in the file, others are stored as they are.
    pub fn at(address: impl Into<String>) -> ContentTier {
        ContentTier { address: address.into(), above: INLINE_MAX as u64, form: ContentForm::Raw }
    }

    pub(in crate::sqlite) const COLUMNS: &str = "tier, tier_above, tier_form";

    pub(in crate::sqlite) fn from_row(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<ContentTier>> {
        let Some(address) = row.get(at)? else { return Ok(None) };
        let form: String = row.get(at + 2)?;
        Ok(Some(ContentTier {
            address,
            above: row.get::<_, i64>(at + 1)?.max(0) as u64,
            form: form.parse().unwrap_or_default(),
        }))
    }

    pub(super) fn read(conn: &Connection) -> NodeResult<Option<ContentTier>> {
        let sql = "SELECT tier, tier_above, tier_form FROM main.meta";
        Ok(conn.prepare_cached(sql)?.query_row([], |row| ContentTier::from_row(row, 0))?)
    }
}

/// Where chunks from buckets are kept, and how many bytes of them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ChunkFolder {
    /// The folder. `None`: `$COWRY_CACHE_DIR`, else `chunks` in `$XDG_CACHE_HOME/cowry` or `~/.cache/cowry`.
    pub folder: Option<PathBuf>,
    /// The most bytes; 0: nothing is kept. `None`: 1 GiB.
    pub bytes: Option<u64>,
}

/// How much content of a workspace is where. What a fork reads from its parents does not count.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ContentUse {
    /// Pieces of content in the file, apart from short files.
    pub here: u64,
    /// Their bytes.
    pub here_bytes: u64,
    /// Those of them that wait to be moved to the bucket.
    pub waiting: u64,
    /// Their bytes.
    pub waiting_bytes: u64,
    /// Every prefix of a bucket that holds content, or has.
    pub homes: Vec<ContentHome>,
    /// Objects that nothing refers to and that the sweep has not deleted yet.
    pub strays: u64,
}

/// A prefix of a bucket that holds content of a workspace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContentHome {
    /// Where it is.
    pub address: String,
    /// Whether this file wrote it, and may delete from it. The others were written by a file that this is a copy of.
    pub own: bool,
    /// Pieces of content there.
    pub objects: u64,
    /// Their bytes, before compression.
    pub bytes: u64,
}

impl SqliteLayer {
    /// Where content goes that is written from now on; `None`: into the file.
    ///
    /// # Errors
    /// `EIO` if the file cannot be read.
    pub fn content_tier(&self) -> NodeResult<Option<ContentTier>> {
        self.read_now(|view| ContentTier::read(view.conn))
    }

    /// Sets where content goes that is written from now on. What is there stays where it is.
    ///
    /// # Errors
    /// `EINVAL` of an address that is none; `EBUSY` within a batch and while another process writes; `EROFS`, `EIO`.
    pub fn set_content_tier(&self, tier: Option<&ContentTier>) -> NodeResult<()> {
        let address = tier.map(|tier| plain(&tier.address)).transpose()?;
        let usual = ContentTier::at("");
        let (above, form) = tier.map_or((usual.above, usual.form), |tier| (tier.above, tier.form));
        let above = i64::try_from(above).unwrap_or(i64::MAX);
        self.change(|tx| {
            tx.require_no_batch()?;
            tx.execute(
                "UPDATE main.meta SET tier = ?1, tier_above = ?2, tier_form = ?3",
                (&address, above, form.as_str()),
            )
            .map(|_| ())
        })
    }

    /// How much content is where.
    ///
    /// # Errors
    /// `EIO` if the file cannot be read.
    pub fn content_use(&self) -> NodeResult<ContentUse> {
        let owner = self.shared.owner();
        self.read_now(|view| {
            let above = ContentTier::read(view.conn)?.map_or(i64::MAX, |tier| tier.above as i64);
            let mut found = view.conn.query_row(
                "SELECT count(*), coalesce(sum(length), 0), count(*) FILTER (WHERE length >= ?1),
                     coalesce(sum(length) FILTER (WHERE length >= ?1), 0),
                     (SELECT count(*) FROM main.stray) FROM main.chunk WHERE home IS NULL",
                [above],
                |row| {
                    let number = |at| row.get::<_, i64>(at).map(|number| number as u64);
                    Ok(ContentUse {
                        here: number(0)?,
                        here_bytes: number(1)?,
                        waiting: number(2)?,
                        waiting_bytes: number(3)?,
                        strays: number(4)?,
                        homes: Vec::new(),
                    })
                },
            )?;
            let mut statement = view.conn.prepare(
                "SELECT h.address, h.owner IS ?1, count(c.id), coalesce(sum(c.length), 0) FROM main.home h
                 LEFT JOIN main.chunk c ON c.home = h.id GROUP BY h.id ORDER BY h.address",
            )?;
            let homes = statement.query_map([owner.map_or(Vec::new(), |owner| owner.to_vec())], |row| {
                Ok(ContentHome {
                    address: row.get(0)?,
                    own: row.get(1)?,
                    objects: row.get::<_, i64>(2)? as u64,
                    bytes: row.get::<_, i64>(3)? as u64,
                })
            })?;
            found.homes = homes.collect::<Result<_, _>>()?;
            Ok(found)
        })
    }
}

/// An address as it is stored.
#[cfg(feature = "object")]
fn plain(address: &str) -> NodeResult<String> {
    let location: crate::object::Location = address
        .parse()
        .map_err(|error: crate::object::LocationError| NodeError::with_source(Errno::EINVAL, error))?;
    Ok(location.to_string())
}

#[cfg(not(feature = "object"))]
fn plain(_: &str) -> NodeResult<String> {
    Err(NodeError::with_source(
        Errno::EINVAL,
        "this build knows no buckets: build it with the feature object",
    ))
}
