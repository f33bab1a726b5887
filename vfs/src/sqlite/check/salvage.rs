//! Getting what can be read out of a file whose structure is broken, into a new workspace.
//!
//! The newest state is read row by row around whatever SQLite cannot follow, put into an empty workspace and repaired
//! there, so that what has lost its name or its directory is in `/lost+found`. History and records of runs are left behind.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};

use super::super::open::OpenError;
use super::super::schema::{LIVE, ROOT};
use super::super::tx::{Next, Tx};
use super::super::{SqliteLayer, SqliteOptions};
use super::reason;
use super::repair::RepairReport;
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
    let source = source.as_ref();
    let conn = open_damaged(source, options)?;
    let new = SqliteLayer::create(target, options)?;
    let mut report = SalvageReport::default();
    let io = |error: NodeError| OpenError::Io { path: source.to_owned(), source: error.into() };
    new.change(|tx| {
        let mut wreck = Wreck { conn: &conn, tx, report: &mut report, chunks: HashMap::new() };
        wreck.all()
    })
    .map_err(io)?;
    report.repair = new.repair_as("salvage").map_err(io)?;
    Ok((new, report))
}

/// Opens a file that an ordinary opening refuses.
fn open_damaged(path: &Path, options: &SqliteOptions) -> Result<Connection, OpenError> {
    path.metadata().map_err(|e| OpenError::io(path, e))?;
    let open = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags)?;
        conn.busy_timeout(options.busy_timeout)?;
        // This lets SQLite open a file that is shorter than its header says.
        conn.execute_batch("PRAGMA writable_schema = ON; BEGIN")?;
        for table in ["inode", "entry", "content", "extent", "chunk", "block"] {
            conn.prepare(&format!("SELECT * FROM {table}"))?;
        }
        Ok(conn)
    };
    open().map_err(|source: rusqlite::Error| OpenError::Hopeless { path: path.to_owned(), source })
}

/// The damaged file, and the transaction in the new one.
struct Wreck<'a, 'b> {
    conn: &'a Connection,
    tx: &'a mut Tx<'b>,
    report: &'a mut SalvageReport,
    /// From chunks there to chunks here.
    chunks: HashMap<i64, i64>,
}

/// Columns of `inode` but for `ino` and the range.
const INODE: &str =
    "kind, mode, uid, gid, rdev, nlink, size, space, mtime, ctime, btime, version, content, parent, target,
    xattrs";

impl Wreck<'_, '_> {
    fn all(&mut self) -> NodeResult<()> {
        self.note_parent();
        let contents = self.nodes()?;
        self.names()?;
        for content in contents {
            if let Err(error) = self.content(content) {
                self.report.unreadable.push(format!("content {content}: {}", reason(&error)));
            }
        }
        // Of a new workspace there is nothing to be told.
        self.tx.mend_numbers(&mut RepairReport::default())
    }

    /// What a fork reads from its parent is not in its file.
    fn note_parent(&mut self) {
        let sql = "SELECT parent_path FROM meta";
        let parent: rusqlite::Result<Option<String>> = self.conn.query_row(sql, [], |row| row.get(0));
        if let Ok(Some(parent)) = parent {
            self.report.unreadable.push(format!("what it has from {parent}, of which it is a fork"));
        }
    }

    /// Copies live nodes. Returns the contents they have.
    fn nodes(&mut self) -> NodeResult<HashSet<i64>> {
        let columns = format!("ino, to_rev, {INODE}");
        let marks: Vec<String> = (1..=INODE.split(',').count() + 2).map(|n| format!("?{n}")).collect();
        let insert = format!(
            "INSERT OR REPLACE INTO inode(ino, from_rev, to_rev, {INODE}) VALUES ({})",
            marks.join(", ").replacen("?1,", &format!("?1, ?1 <> {ROOT},"), 1)
        );
        let mut contents = HashSet::new();
        let gaps = scan(self.conn, "inode", "ino", &columns, &mut |row| {
            let values = values(row, 18)?;
            if values[1] != Value::Integer(LIVE) {
                return Ok(());
            }
            // A row that the table's types forbid is damaged.
            let inserted = self.tx.execute(&insert, rusqlite::params_from_iter(&values));
            match inserted {
                Ok(_) => self.report.nodes += 1,
                Err(error) => self.report.unreadable.push(format!("a node: {}", reason(&error))),
            }
            if let Value::Integer(content) = values[14] {
                contents.insert(content);
            }
            Ok(())
        })?;
        self.note_gaps("nodes", gaps);
        Ok(contents)
    }

    fn names(&mut self) -> NodeResult<()> {
        let insert =
            "INSERT OR REPLACE INTO entry(parent, name, from_rev, to_rev, ino) VALUES (?1, ?2, 1, ?3, ?4)";
        let gaps = scan(self.conn, "entry", "parent", "parent, name, to_rev, ino", &mut |row| {
            let values = values(row, 4)?;
            if values[2] == Value::Integer(LIVE)
                && let Err(error) = self.tx.execute(insert, rusqlite::params_from_iter(&values))
            {
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
        let hash = if has_hashes(self.conn) { "hash" } else { "NULL" };
        let found = self
            .conn
            .prepare_cached(&format!("SELECT id, inline, {hash} FROM content WHERE id = ?1"))?
            .query_row([id], |row| values(row, 3))
            .optional()?;
        let Some(found) = found else { return Ok(()) };
        self.tx.execute(
            "INSERT INTO content(rev, id, inline, hash) VALUES (0, ?1, ?2, ?3)",
            rusqlite::params_from_iter(&found),
        )?;
        let mut statement = self.conn.prepare_cached(
            "SELECT offset, length, chunk, chunk_offset FROM extent WHERE content = ?1 ORDER BY offset",
        )?;
        let mut rows = statement.query([id])?;
        while let Some(row) = rows.next()? {
            let chunk = self.chunk(row.get(2)?);
            self.tx.execute(
                "INSERT OR REPLACE INTO extent(content, offset, length, chunk, chunk_offset) VALUES (?1, ?2, ?3, ?4, ?5)",
                (id, row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, chunk, row.get::<_, i64>(3)?),
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
        let mut statement = self
            .conn
            .prepare_cached("SELECT hash, length, data FROM chunk JOIN block ON chunk = id WHERE id = ?1")?;
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let (hash, length, data): (Vec<u8>, i64, Vec<u8>) =
            statement.query_row([there], row).optional()?.ok_or_else(|| NodeError::io("it is missing"))?;
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
}

/// Whether the file is of a version whose inline contents carry hashes.
fn has_hashes(conn: &Connection) -> bool {
    conn.prepare_cached("SELECT hash FROM content").is_ok()
}

/// The first columns of a row.
fn values(row: &Row<'_>, count: usize) -> rusqlite::Result<Vec<Value>> {
    (0..count).map(|column| row.get(column)).collect()
}

/// Hands every row of a table to `each` that can be reached: forward by its key, and after damage on from the first key
/// that can be read again. Returns what was in the way.
fn scan(
    conn: &Connection,
    table: &str,
    key: &str,
    columns: &str,
    each: &mut dyn FnMut(&Row<'_>) -> NodeResult<()>,
) -> NodeResult<Vec<String>> {
    let mut gaps = Vec::new();
    let mut last = i64::MIN;
    loop {
        let sql = format!("SELECT {columns}, {key} AS at FROM {table} WHERE {key} >= ?1 ORDER BY {key}");
        let stopped = forward(conn, &sql, &mut last, each)?;
        let Some(why) = stopped else { return Ok(gaps) };
        gaps.push(format!("{why} (after {key} {last})"));
        // What has the same key beyond the damage, from its other end.
        let sql = format!(
            "SELECT {columns}, {key} AS at FROM {table} WHERE {key} = ?1 ORDER BY {key} DESC, 2 DESC"
        );
        let mut same = last;
        forward(conn, &sql, &mut same, each)?;
        match next_readable(conn, table, key, last) {
            Some(next) => last = next,
            None => return Ok(gaps),
        }
    }
}

/// Hands on rows until one cannot be read; says why then.
fn forward(
    conn: &Connection,
    sql: &str,
    last: &mut i64,
    each: &mut dyn FnMut(&Row<'_>) -> NodeResult<()>,
) -> NodeResult<Option<String>> {
    let why = |error: rusqlite::Error| Ok(Some(error.to_string()));
    let mut statement = match conn.prepare(sql) {
        Ok(statement) => statement,
        Err(error) => return why(error),
    };
    let mut rows = match statement.query([*last]) {
        Ok(rows) => rows,
        Err(error) => return why(error),
    };
    loop {
        match rows.next() {
            Ok(Some(row)) => {
                if let Ok(at) = row.get("at") {
                    *last = at;
                }
                each(row)?;
            }
            Ok(None) => return Ok(None),
            Err(error) => return why(error),
        }
    }
}

/// The smallest key after `after` from which on rows can be read again.
fn next_readable(conn: &Connection, table: &str, key: &str, after: i64) -> Option<i64> {
    let sql = format!("SELECT {key} FROM {table} WHERE {key} >= ?1 ORDER BY {key} LIMIT 1");
    let seek = |from: i64| -> rusqlite::Result<Option<i64>> {
        conn.prepare_cached(&sql)?.query_row([from], |row| row.get(0)).optional()
    };
    let start = after.max(0);
    let (mut bad, mut step) = (start, 1_i64);
    let mut good = loop {
        let at = start.checked_add(step)?;
        match seek(at) {
            Ok(found) => break found?.min(at),
            Err(_) => (bad, step) = (at, step.checked_mul(2)?),
        }
    };
    while good - bad > 1 {
        let middle = bad + (good - bad) / 2;
        match seek(middle) {
            Ok(_) => good = middle,
            Err(_) => bad = middle,
        }
    }
    seek(good).ok().flatten()
}
