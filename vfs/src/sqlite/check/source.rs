//! The files that a damaged workspace is read from: its own, and those that it stands on if it is a fork.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::super::SqliteOptions;
use super::super::lineage::{ANCESTORS_MAX, Tie, folder};
use super::super::open::OpenError;
use super::super::schema::LIVE;

/// One of these files, and what of it is seen.
pub(super) struct Source {
    pub(super) conn: Connection,
    /// The newest revision that is seen; what it ended later is as it was then.
    limit: i64,
    /// The first content that is not its own but of a nearer file.
    pub(super) end_content: i64,
    /// The same of chunks.
    pub(super) end_chunk: i64,
}

impl Source {
    /// Whether a row with this range is part of the newest state, as far as this file knows.
    pub(super) fn is_live(&self, from: &Value, to: &Value) -> bool {
        match (from, to) {
            (Value::Integer(from), Value::Integer(to)) => {
                *from <= self.limit && (*to == LIVE || *to > self.limit)
            }
            _ => false,
        }
    }

    /// Whether a row with this key is in the file. One that cannot be looked for is not.
    pub(super) fn has(&self, sql: &str, key: impl rusqlite::Params) -> bool {
        self.conn.prepare_cached(sql).and_then(|mut statement| statement.exists(key)).unwrap_or(false)
    }
}

/// Opens the files, the nearest first. What is in the way of those below is told.
pub(super) fn open_all(
    path: &Path,
    options: &SqliteOptions,
    unreadable: &mut Vec<String>,
) -> Result<Vec<Source>, OpenError> {
    let conn = open_damaged(path, options)?;
    let mut sources = vec![Source { conn, limit: i64::MAX, end_content: i64::MAX, end_chunk: i64::MAX }];
    let mut file = path.to_owned();
    while sources.len() <= ANCESTORS_MAX {
        let nearest = sources.last().expect("there is one at first");
        // One that cannot be read is like none: what is in the file itself is saved.
        let Ok(tie) = Tie::read(&nearest.conn, "main") else { break };
        let (Some(parent), Some(id)) = (&tie.path, &tie.workspace) else { break };
        let parent = folder(&file).join(parent);
        match below(nearest, &tie, id, &parent, options) {
            Ok(source) => sources.push(source),
            Err(why) => {
                let parent = parent.display();
                unreadable.push(format!("what it has from {parent}, of which it is a fork: {why}"));
                break;
            }
        }
        file = parent;
    }
    Ok(sources)
}

/// The file at `parent`, if it is the one that the tie leads to.
fn below(
    nearer: &Source,
    tie: &Tie,
    id: &[u8],
    parent: &Path,
    options: &SqliteOptions,
) -> Result<Source, String> {
    let conn = open_damaged(parent, options).map_err(|error| error.to_string())?;
    let found: Option<Vec<u8>> =
        conn.query_row("SELECT workspace FROM meta", [], |row| row.get(0)).optional().unwrap_or(None);
    let sealed = |conn: &Connection| -> Option<i64> {
        let sql = "SELECT sealed_at FROM revision WHERE id = ?1";
        conn.query_row(sql, [tie.rev], |row| row.get(0)).optional().unwrap_or(None)
    };
    // What cannot be read says nothing against it.
    let differ = sealed(&conn).zip(sealed(&nearer.conn)).is_some_and(|(there, here)| there != here);
    if differ || found.is_some_and(|found| found != id) {
        return Err("another workspace is there".into());
    }
    let limit = nearer.limit.min(tie.rev);
    Ok(Source { conn, limit, end_content: tie.first_content, end_chunk: tie.first_chunk })
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
