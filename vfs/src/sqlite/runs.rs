//! What is remembered of runs, as rows whose meaning is their writer's: records, and the changes of runs that were
//! not committed.

use rusqlite::{OptionalExtension, Row};

use super::SqliteLayer;
use super::revision::Revision;
use super::tx::Tx;
use crate::clock::Timestamp;
use crate::errno::{Errno, NodeError, NodeResult};

/// A run as it is listed, and the record of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunRow {
    /// Its id.
    pub id: String,
    /// When it began.
    pub started: Timestamp,
    /// What ran.
    pub name: String,
    /// How it ended, in a word.
    pub outcome: String,
    /// The revision it made, if it made one.
    pub revision: Option<Revision>,
    /// Everything else, in its writer's format.
    pub record: Vec<u8>,
}

/// What is kept of a run, or for one.
#[derive(Clone, Copy, Debug)]
pub struct KeptChanges<'a> {
    /// In their writer's format.
    pub changes: &'a [u8],
    /// Until when; `i64::MAX` means until they are dropped.
    pub until: Timestamp,
    /// The revision that they are changes of, which cannot be pruned for so long.
    pub base: Option<Revision>,
}

/// `until` of what is kept until it is dropped, and outside the bound.
const FOREVER: i64 = i64::MAX;

const COLUMNS: &str = "id, started, name, outcome, revision, record";

impl RunRow {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<RunRow> {
        Ok(RunRow {
            id: row.get(0)?,
            started: Timestamp(row.get(1)?),
            name: row.get(2)?,
            outcome: row.get(3)?,
            revision: row.get::<_, Option<i64>>(4)?.map(|rev| Revision(rev as u64)),
            record: row.get(5)?,
        })
    }
}

impl SqliteLayer {
    /// Records a run, over an earlier record with the same id. Past [`run_records`](super::SqliteOptions::run_records)
    /// the oldest go.
    ///
    /// # Errors
    /// `EROFS`, `ENOSPC`, `EIO`.
    pub fn put_run(&self, run: &RunRow) -> NodeResult<()> {
        self.change(|tx| {
            let revision = run.revision.map(|rev| rev.0 as i64);
            tx.execute(
                "INSERT INTO run(id, started, name, outcome, revision, record) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT(id) DO UPDATE SET started = excluded.started, name = excluded.name,
                     outcome = excluded.outcome, revision = excluded.revision, record = excluded.record",
                (&run.id, run.started.0, &run.name, &run.outcome, revision, &run.record),
            )?;
            // Counting takes a scan, so not every time; `gc` is exact.
            if tx.conn.last_insert_rowid() % 64 == 0 {
                tx.bound_runs()?;
            }
            Ok(())
        })
    }

    /// The latest runs, the latest first.
    ///
    /// # Errors
    /// `EIO` if the file cannot be read.
    pub fn runs(&self, limit: usize) -> NodeResult<Vec<RunRow>> {
        self.read_now(|view| {
            let sql = format!("SELECT {COLUMNS} FROM run ORDER BY started DESC, rowid DESC LIMIT ?1");
            let mut statement = view.conn.prepare_cached(&sql)?;
            let rows = statement.query_map([i64::try_from(limit).unwrap_or(-1)], RunRow::from_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// One run, if there is a record of it.
    ///
    /// # Errors
    /// `EIO` if the file cannot be read.
    pub fn run(&self, id: &str) -> NodeResult<Option<RunRow>> {
        self.read_now(|view| {
            let mut statement =
                view.conn.prepare_cached(&format!("SELECT {COLUMNS} FROM run WHERE id = ?1"))?;
            Ok(statement.query_row([id], RunRow::from_row).optional()?)
        })
    }

    /// The ids of runs that begin with `prefix`, at most `limit`.
    ///
    /// # Errors
    /// `EIO` if the file cannot be read.
    pub fn run_ids(&self, prefix: &str, limit: usize) -> NodeResult<Vec<String>> {
        self.read_now(|view| {
            let sql = "SELECT id FROM run WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT ?2";
            let mut statement = view.conn.prepare_cached(sql)?;
            let rows = statement.query_map((prefix, limit as i64), |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Keeps changes under a key. The oldest make room where all that have a time would take more than
    /// [`kept_changes_bytes`](super::SqliteOptions::kept_changes_bytes).
    ///
    /// # Errors
    /// `EDQUOT` if these alone are more than that; `EROFS`, `ENOSPC`, `EIO`.
    pub fn put_run_changes(&self, key: &str, kept: KeptChanges<'_>) -> NodeResult<()> {
        let KeptChanges { changes, until, base } = kept;
        let bound = self.options().kept_changes_bytes;
        if until.0 != FOREVER && changes.len() as u64 > bound {
            return Err(NodeError::with_source(
                Errno::EDQUOT,
                "the changes of the run are too large to be kept",
            ));
        }
        self.change(|tx| {
            tx.execute(
                "INSERT OR REPLACE INTO run_changes(run, until, changes, base) VALUES (?1, ?2, ?3, ?4)",
                (key, until.0, changes, base.map(|rev| rev.0 as i64)),
            )?;
            tx.drop_expired_changes()?;
            tx.bound_changes(bound, key)
        })
    }

    /// Kept changes, unless their time has come or they made room for others.
    ///
    /// # Errors
    /// `EIO` if the file cannot be read.
    pub fn run_changes(&self, key: &str) -> NodeResult<Option<Vec<u8>>> {
        let now = self.shared.now();
        self.read_now(|view| {
            let sql = "SELECT changes FROM run_changes WHERE run = ?1 AND until > ?2";
            let mut statement = view.conn.prepare_cached(sql)?;
            Ok(statement.query_row((key, now), |row| row.get(0)).optional()?)
        })
    }

    /// The keys of kept changes that begin with `prefix`.
    ///
    /// # Errors
    /// `EIO` if the file cannot be read.
    pub fn run_changes_keys(&self, prefix: &str) -> NodeResult<Vec<String>> {
        self.read_now(|view| {
            let sql = "SELECT run FROM run_changes WHERE substr(run, 1, length(?1)) = ?1 ORDER BY run";
            let mut statement = view.conn.prepare_cached(sql)?;
            Ok(statement.query_map([prefix], |row| row.get(0))?.collect::<Result<_, _>>()?)
        })
    }

    /// Drops kept changes; whether there were any.
    ///
    /// # Errors
    /// `EROFS`, `EIO`.
    pub fn drop_run_changes(&self, key: &str) -> NodeResult<bool> {
        self.change(|tx| Ok(tx.execute("DELETE FROM run_changes WHERE run = ?1", [key])? > 0))
    }
}

impl Tx<'_> {
    /// Drops kept changes whose time has come.
    pub(super) fn drop_expired_changes(&self) -> NodeResult<usize> {
        self.execute("DELETE FROM run_changes WHERE until <= ?1", [self.now])
    }

    /// The run whose kept changes are those of a revision, if there is one.
    pub(super) fn run_on(&self, rev: i64) -> NodeResult<Option<String>> {
        let sql = "SELECT min(run) FROM run_changes WHERE base = ?1 AND until > ?2";
        Ok(self.conn.prepare_cached(sql)?.query_row((rev, self.now), |row| row.get(0))?)
    }

    /// Drops run records past the bound, the oldest.
    pub(super) fn bound_runs(&self) -> NodeResult<usize> {
        self.execute(
            "DELETE FROM run WHERE rowid IN (SELECT rowid FROM run ORDER BY started DESC, rowid DESC LIMIT -1 OFFSET ?1)",
            [self.shared.options.run_records],
        )
    }

    /// Drops the oldest kept changes until the rest is within `bound`, but not those under `key`.
    fn bound_changes(&self, bound: u64, key: &str) -> NodeResult<()> {
        let kept: Vec<(String, i64)> = self
            .conn
            .prepare_cached(
                "SELECT run, length(changes) FROM run_changes WHERE until < ?1 ORDER BY run = ?2 DESC, until DESC",
            )?
            .query_map((FOREVER, key), |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let mut total = 0;
        for (run, bytes) in kept {
            total += bytes as u64;
            if total > bound {
                self.execute("DELETE FROM run_changes WHERE run = ?1", [run])?;
            }
        }
        Ok(())
    }
}
