//! Getting what can be read out of a file whose structure is broken, into a new workspace.
//!
//! The newest state is read row by row around whatever SQLite cannot follow, put into an empty workspace and repaired
//! there, so that what has lost its name or its directory is in `/lost+found`. History and records of runs are left behind.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row};

use super::super::open::{self, OpenError};
use super::super::schema::{LIVE, ROOT};
use super::super::tx::{Next, Tx};
use super::super::{SqliteLayer, SqliteOptions};
use super::reason;
use super::repair::RepairReport;
use super::scan::scan;
use super::source::{self, Source};
use crate::errno::{NodeError, NodeResult};

/// What was got out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct SalvageReport {
    /// Nodes that were found, directories and all else.
    pub nodes: u64,
    /// What could not be read, a sentence each.
    pub unreadable: Vec<String>,
    /// What became of it in the new workspace.
    pub repair: RepairReport,
}

/// Reads what can be read of the newest state of `source`, which may be damaged or cut off, into a new workspace at
/// `target`. `source` is not changed.
///
/// # Errors
/// [`OpenError::Exists`] if there is a file at `target`; [`OpenError::Corrupt`] if nothing can be read at all; those of
/// [`SqliteLayer::open`] about `source`.
pub fn salvage(
    source: impl AsRef<Path>,
    target: impl AsRef<Path>,
    options: &SqliteOptions,
) -> Result<(SqliteLayer, SalvageReport), OpenError> {
    let (source, target) = (source.as_ref(), target.as_ref());
    let mut report = SalvageReport::default();
    let sources = source::open_all(source, options, &mut report.unreadable)?;
    if target.symlink_metadata().is_ok() {
        return Err(OpenError::Exists { path: target.to_owned() });
    }
    // Under another name until all is in it: a process that is killed leaves no half of it under the final one.
    let draft = Draft::beside(target);
    let new = SqliteLayer::create(&draft.0, options)?;
    let io = |error: NodeError| OpenError::Io { path: source.to_owned(), source: error.into() };
    new.change(|tx| Wreck { sources: &sources, tx, report: &mut report, chunks: HashMap::new() }.all())
        .map_err(io)?;
    report.repair = new.repair_as("salvage").map_err(io)?;
    drop(new);
    open::place(&draft.0, target, options)?;
    drop(draft);
    Ok((SqliteLayer::open(target, options)?, report))
}

/// The new workspace before it has its name; what is left of it goes in the end.
struct Draft(PathBuf);

impl Draft {
    fn beside(target: &Path) -> Draft {
        let draft = Draft(open::beside(target, &format!("-new-{}", std::process::id())));
        draft.remove();
        draft
    }

    fn remove(&self) {
        for suffix in ["", "-wal", "-shm", "-lock", "-turn", "-reading"] {
            let _ = std::fs::remove_file(open::beside(&self.0, suffix));
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        self.remove();
    }
}

/// The damaged files, and the transaction in the new one.
struct Wreck<'a, 'b> {
    /// The nearest first.
    sources: &'a [Source],
    tx: &'a mut Tx<'b>,
    report: &'a mut SalvageReport,
    /// From chunks there to chunks here.
    chunks: HashMap<i64, i64>,
}

/// Columns of `inode` but for `ino` and the range.
const INODE: &str =
    "kind, mode, uid, gid, rdev, nlink, size, space, mtime, ctime, btime, version, content, parent, target,
    xattrs";

const HAS_INODE: &str = "SELECT 1 FROM inode WHERE ino = ?1 AND from_rev = ?2";
const HAS_ENTRY: &str = "SELECT 1 FROM entry WHERE parent = ?1 AND name = ?2 AND from_rev = ?3";

impl Wreck<'_, '_> {
    fn all(&mut self) -> NodeResult<()> {
        let (mut contents, mut known) = (HashSet::new(), HashSet::new());
        for place in 0..self.sources.len() {
            let found = self.nodes(place, &known, &mut contents)?;
            known.extend(found);
            self.names(place)?;
        }
        for content in contents {
            if let Err(error) = self.content(content) {
                self.report.unreadable.push(format!("content {content}: {}", reason(&error)));
            }
        }
        // Of a new workspace there is nothing to be told.
        self.tx.mend_numbers(&mut RepairReport::default())
    }

    /// Copies live nodes of a file that no nearer one has, changed or ended. Returns which, and notes their contents.
    fn nodes(
        &mut self,
        place: usize,
        known: &HashSet<i64>,
        contents: &mut HashSet<i64>,
    ) -> NodeResult<Vec<i64>> {
        let columns = format!("ino, from_rev, to_rev, {INODE}");
        let marks: Vec<String> = (2..=INODE.split(',').count() + 1).map(|n| format!("?{n}")).collect();
        // The range is all of the new workspace's, of the root from its beginning.
        let insert = format!(
            "INSERT OR REPLACE INTO inode(ino, from_rev, to_rev, {INODE})
             VALUES (?1, ?1 <> {ROOT}, {LIVE}, {})",
            marks.join(", ")
        );
        let (nearer, source) = (&self.sources[..place], &self.sources[place]);
        let mut found = Vec::new();
        let gaps = scan(&source.conn, "inode", "ino", &columns, &mut |row| {
            let values = values(row, 19)?;
            let hidden = || nearer.iter().any(|nearer| nearer.has(HAS_INODE, (&values[0], &values[1])));
            let is_known = matches!(values[0], Value::Integer(ino) if known.contains(&ino));
            if is_known || !source.is_live(&values[1], &values[2]) || hidden() {
                return Ok(());
            }
            // A row that the table's types forbid is damaged.
            let node = values[..1].iter().chain(&values[3..]);
            match self.tx.execute(&insert, rusqlite::params_from_iter(node)) {
                Ok(_) => self.report.nodes += 1,
                Err(error) => self.report.unreadable.push(format!("a node: {}", reason(&error))),
            }
            if let Value::Integer(content) = values[15] {
                contents.insert(content);
            }
            if let Value::Integer(ino) = values[0] {
                found.push(ino);
            }
            Ok(())
        })?;
        self.note_gaps("nodes", gaps);
        Ok(found)
    }

    fn names(&mut self, place: usize) -> NodeResult<()> {
        // What a nearer file says of a name holds.
        let or = if place == 0 { "REPLACE" } else { "IGNORE" };
        let insert = format!(
            "INSERT OR {or} INTO entry(parent, name, from_rev, to_rev, ino) VALUES (?1, ?2, 1, {LIVE}, ?3)"
        );
        let (nearer, source) = (&self.sources[..place], &self.sources[place]);
        let columns = "parent, name, ino, from_rev, to_rev";
        let gaps = scan(&source.conn, "entry", "parent", columns, &mut |row| {
            let values = values(row, 5)?;
            let key = (&values[0], &values[1], &values[3]);
            if !source.is_live(&values[3], &values[4])
                || nearer.iter().any(|nearer| nearer.has(HAS_ENTRY, key))
            {
                return Ok(());
            }
            if let Err(error) = self.tx.execute(&insert, rusqlite::params_from_iter(&values[..3])) {
                self.report.unreadable.push(format!("a name: {}", reason(&error)));
            }
            Ok(())
        })?;
        self.note_gaps("names", gaps);
        Ok(())
    }

    fn note_gaps(&mut self, what: &str, gaps: Vec<String>) {
        for gap in gaps {
            self.report.unreadable.push(format!("some {what}: {gap}"));
        }
    }

    /// Copies a content; it becomes one that a sealed revision has, since several nodes may.
    fn content(&mut self, id: i64) -> NodeResult<()> {
        let sources = self.sources;
        for source in sources.iter().filter(|source| id < source.end_content) {
            let hash = if has_hashes(&source.conn) { "hash" } else { "NULL" };
            let found = source
                .conn
                .prepare_cached(&format!("SELECT id, inline, {hash} FROM content WHERE id = ?1"))?
                .query_row([id], |row| values(row, 3))
                .optional()?;
            if let Some(found) = found {
                self.tx.execute(
                    "INSERT INTO content(rev, id, inline, hash) VALUES (0, ?1, ?2, ?3)",
                    rusqlite::params_from_iter(&found),
                )?;
                return self.extents(&source.conn, id);
            }
        }
        Ok(())
    }

    fn extents(&mut self, conn: &Connection, content: i64) -> NodeResult<()> {
        let mut statement = conn.prepare_cached(
            "SELECT offset, length, chunk, chunk_offset FROM extent WHERE content = ?1 ORDER BY offset",
        )?;
        let mut rows = statement.query([content])?;
        while let Some(row) = rows.next()? {
            let chunk = self.chunk(row.get(2)?);
            self.tx.execute(
                "INSERT OR REPLACE INTO extent(content, offset, length, chunk, chunk_offset) VALUES (?1, ?2, ?3, ?4, ?5)",
                (content, row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, chunk, row.get::<_, i64>(3)?),
            )?;
        }
        Ok(())
    }

    /// Copies a chunk, if it is what its hash says. Returns its number here; one that nothing has, if it is not.
    fn chunk(&mut self, there: i64) -> i64 {
        if let Some(here) = self.chunks.get(&there) {
            return *here;
        }
        let here = self.copy_chunk(there).unwrap_or_else(|error| {
            self.report.unreadable.push(format!("chunk {there}: {}", reason(&error)));
            // Not a number that a chunk gets: the repair finds it missing.
            -there
        });
        self.chunks.insert(there, here);
        here
    }

    fn copy_chunk(&mut self, there: i64) -> NodeResult<i64> {
        if let Some(here) = self.copy_object(there)? {
            return Ok(here);
        }
        let (hash, length, data) = self.find_chunk(there)?;
        if blake3::hash(&data).as_bytes()[..] != hash[..] {
            return Err(NodeError::io("its bytes do not match its hash"));
        }
        let twin = self
            .tx
            .conn
            .prepare_cached("SELECT id FROM chunk WHERE hash = ?1 AND owner IS NULL")?
            .query_row([&hash], |row| row.get(0))
            .optional()?;
        if let Some(twin) = twin {
            return Ok(twin);
        }
        let here = Next::take(&mut self.tx.state.next.chunk);
        self.tx.execute("INSERT INTO chunk(id, hash, length) VALUES (?1, ?2, ?3)", (here, hash, length))?;
        self.tx.execute("INSERT INTO block(chunk, data) VALUES (?1, ?2)", (here, data))?;
        Ok(here)
    }

    /// Copies a chunk whose bytes are in a bucket: where they are. Nobody asks there.
    fn copy_object(&mut self, there: i64) -> NodeResult<Option<i64>> {
        let sources =
            self.sources.iter().filter(|source| there < source.end_chunk && has_homes(&source.conn));
        for source in sources {
            let mut statement = source.conn.prepare_cached(
                "SELECT c.hash, c.length, c.home, c.object, c.form, h.address FROM chunk c JOIN home h ON h.id = c.home
                 WHERE c.id = ?1",
            )?;
            let Some(found) = statement.query_row([there], |row| values(row, 6)).optional()? else {
                continue;
            };
            self.tx
                .execute("INSERT OR IGNORE INTO home(id, address) VALUES (?1, ?2)", (&found[2], &found[5]))?;
            let here = Next::take(&mut self.tx.state.next.chunk);
            self.tx.execute(
                "INSERT INTO chunk(id, hash, length, home, object, form) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                (here, &found[0], &found[1], &found[2], &found[3], &found[4]),
            )?;
            return Ok(Some(here));
        }
        Ok(None)
    }

    fn find_chunk(&self, there: i64) -> NodeResult<(Vec<u8>, i64, Vec<u8>)> {
        for source in self.sources.iter().filter(|source| there < source.end_chunk) {
            let mut statement = source.conn.prepare_cached(
                "SELECT hash, length, data FROM chunk JOIN block ON chunk = id WHERE id = ?1",
            )?;
            let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            if let Some(found) = statement.query_row([there], row).optional()? {
                return Ok(found);
            }
        }
        Err(NodeError::io("it is missing"))
    }
}

/// Whether the file is of a version whose inline contents carry hashes.
fn has_hashes(conn: &Connection) -> bool {
    conn.prepare_cached("SELECT hash FROM content").is_ok()
}

/// Whether the file is of a version whose chunks may be in buckets.
fn has_homes(conn: &Connection) -> bool {
    conn.prepare_cached("SELECT home, object, form FROM chunk").is_ok()
}

/// The first columns of a row.
fn values(row: &Row<'_>, count: usize) -> rusqlite::Result<Vec<Value>> {
    (0..count).map(|column| row.get(column)).collect()
}
