//! The file's format: identity, version, tables, pragmas. Nothing else in this crate says `CREATE` or `PRAGMA`
//! about them.

use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::fallible_iterator::FallibleIterator;

use super::Durability;
use crate::failpoint;

/// What the file's header says it is: `Cowr`.
pub(super) const APPLICATION_ID: i32 = 0x436f_7772;
/// The newest format this code knows.
pub(super) const VERSION: i32 = 2;
/// `to_rev` of a row that no revision has ended. Spelled out in the partial indices below.
pub(super) const LIVE: i64 = i64::MAX;
/// The revision number that reads what is there now, sealed or not.
pub(super) const NOW: i64 = i64::MAX - 1;
/// The root directory.
pub(super) const ROOT: i64 = 1;
/// Statements kept prepared per connection; more than this code has.
const STATEMENTS: usize = 160;

/// Rows of `inode` and `entry` are valid from revision `from_rev` until before `to_rev`. Columns of `inode` that
/// may be long stand last, so that reading the others never follows an overflow page. Contents stand apart from
/// inodes and the bytes of chunks apart from their hashes, so that looking at either touches no content. Two chunks have the same bytes only where a fork took in its parent's.
/// `next_ino`, `next_content` and `next_chunk` only grow: a number that was given out never stands for anything else,
/// whatever `gc` deleted, since forks name them.
/// A chunk without `home` has its bytes in `block`; the bytes of any other are an object in a bucket, see `tier`. A
/// `stray` is an object that may be there and that no chunk names.
/// `origin`, `opaque`, an entry without inode (a whiteout) and the parent columns of `meta` belong to forks.
/// New files are laid out by this; files of an older version get there by [`STEPS`].
pub(super) const TABLES: &str = "
CREATE TABLE meta(
    id INTEGER PRIMARY KEY CHECK (id = 1),
    workspace BLOB NOT NULL,
    created INTEGER NOT NULL,
    head INTEGER NOT NULL,
    next_ino INTEGER NOT NULL,
    parent_path TEXT,
    parent_workspace BLOB,
    parent_rev INTEGER,
    durability TEXT NOT NULL DEFAULT 'fsync',
    quota_bytes INTEGER,
    quota_inodes INTEGER,
    used_bytes INTEGER NOT NULL DEFAULT 0,
    used_inodes INTEGER NOT NULL DEFAULT 1,
    first_content INTEGER NOT NULL DEFAULT 1,
    first_chunk INTEGER NOT NULL DEFAULT 1,
    next_content INTEGER NOT NULL DEFAULT 1,
    next_chunk INTEGER NOT NULL DEFAULT 1,
    tier TEXT,
    tier_above INTEGER NOT NULL DEFAULT 65536,
    tier_form TEXT NOT NULL DEFAULT 'raw'
) STRICT;
CREATE TABLE revision(
    id INTEGER PRIMARY KEY,
    parent INTEGER,
    sealed_at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    message TEXT,
    run TEXT,
    name TEXT UNIQUE,
    used_bytes INTEGER,
    used_inodes INTEGER
) STRICT;
CREATE TABLE inode(
    ino INTEGER NOT NULL,
    from_rev INTEGER NOT NULL,
    to_rev INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    mode INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    gid INTEGER NOT NULL,
    rdev INTEGER NOT NULL,
    nlink INTEGER NOT NULL,
    size INTEGER NOT NULL,
    space INTEGER NOT NULL,
    mtime INTEGER NOT NULL,
    ctime INTEGER NOT NULL,
    btime INTEGER NOT NULL,
    version INTEGER NOT NULL,
    content INTEGER,
    parent INTEGER,
    origin INTEGER,
    opaque INTEGER,
    target TEXT,
    xattrs BLOB,
    PRIMARY KEY (ino, from_rev)
) STRICT, WITHOUT ROWID;
CREATE INDEX inode_from ON inode(from_rev);
CREATE INDEX inode_to ON inode(to_rev) WHERE to_rev < 9223372036854775807;
CREATE TABLE entry(
    parent INTEGER NOT NULL,
    name TEXT NOT NULL,
    from_rev INTEGER NOT NULL,
    to_rev INTEGER NOT NULL,
    ino INTEGER,
    PRIMARY KEY (parent, name, from_rev)
) STRICT, WITHOUT ROWID;
CREATE INDEX entry_from ON entry(from_rev);
CREATE INDEX entry_to ON entry(to_rev) WHERE to_rev < 9223372036854775807;
CREATE INDEX entry_ino ON entry(ino);
CREATE TABLE content(
    id INTEGER PRIMARY KEY,
    rev INTEGER NOT NULL,
    inline BLOB,
    hash BLOB
) STRICT;
CREATE TABLE extent(
    content INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL,
    chunk INTEGER NOT NULL,
    chunk_offset INTEGER NOT NULL,
    PRIMARY KEY (content, offset)
) STRICT, WITHOUT ROWID;
CREATE TABLE chunk(
    id INTEGER PRIMARY KEY,
    hash BLOB NOT NULL,
    length INTEGER NOT NULL,
    owner INTEGER,
    home INTEGER,
    object TEXT,
    form TEXT
) STRICT;
CREATE INDEX chunk_hash ON chunk(hash) WHERE owner IS NULL;
CREATE INDEX chunk_owner ON chunk(owner) WHERE owner IS NOT NULL;
CREATE TABLE block(
    chunk INTEGER PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;
CREATE TABLE atime(ino INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;
CREATE TABLE orphan(ino INTEGER PRIMARY KEY) STRICT;
CREATE TABLE expiry(path TEXT PRIMARY KEY, ino INTEGER NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX expiry_at ON expiry(at);
CREATE TABLE run(
    id TEXT PRIMARY KEY,
    started INTEGER NOT NULL,
    name TEXT NOT NULL,
    outcome TEXT NOT NULL,
    revision INTEGER,
    record BLOB NOT NULL
) STRICT;
CREATE INDEX run_started ON run(started);
CREATE TABLE run_changes(
    run TEXT PRIMARY KEY,
    until INTEGER NOT NULL,
    changes BLOB NOT NULL,
    base INTEGER
) STRICT;
CREATE INDEX run_changes_base ON run_changes(base) WHERE base IS NOT NULL;
";

/// The tables that came with version 2: part of every new file, and of the way there.
const TABLES_OF_2: &str = "
CREATE TABLE pin(workspace BLOB PRIMARY KEY, rev INTEGER NOT NULL, path TEXT NOT NULL, at INTEGER NOT NULL) STRICT,
    WITHOUT ROWID;
CREATE TABLE name(name TEXT PRIMARY KEY, rev INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX name_rev ON name(rev);
CREATE TABLE merged(
    workspace BLOB PRIMARY KEY,
    theirs INTEGER NOT NULL,
    ours INTEGER NOT NULL,
    at INTEGER NOT NULL,
    sealed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE merged_node(
    workspace BLOB NOT NULL,
    theirs INTEGER NOT NULL,
    ours INTEGER NOT NULL,
    PRIMARY KEY (workspace, theirs)
) STRICT, WITHOUT ROWID;
CREATE TABLE home(id INTEGER PRIMARY KEY, address TEXT NOT NULL, owner BLOB) STRICT;
CREATE TABLE stray(home INTEGER NOT NULL, object TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (home, object)) STRICT,
    WITHOUT ROWID;
CREATE INDEX chunk_here ON chunk(length) WHERE home IS NULL;
CREATE INDEX chunk_home ON chunk(home, object) WHERE home IS NOT NULL;
";

/// What takes a file from the version that is the place in this list, counted from 1, to the next one.
const STEPS: &[&[&str]] = &[&[
    "
ALTER TABLE meta ADD COLUMN durability TEXT NOT NULL DEFAULT 'fsync';
ALTER TABLE meta ADD COLUMN quota_bytes INTEGER;
ALTER TABLE meta ADD COLUMN quota_inodes INTEGER;
ALTER TABLE meta ADD COLUMN used_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE meta ADD COLUMN used_inodes INTEGER NOT NULL DEFAULT 1;
UPDATE meta SET (used_bytes, used_inodes) =
    (SELECT coalesce(sum(space), 0), count(*) FROM inode WHERE to_rev = 9223372036854775807);
ALTER TABLE revision ADD COLUMN used_bytes INTEGER;
ALTER TABLE revision ADD COLUMN used_inodes INTEGER;
ALTER TABLE content ADD COLUMN hash BLOB;
DROP INDEX chunk_hash;
CREATE INDEX chunk_hash ON chunk(hash) WHERE owner IS NULL;
ALTER TABLE meta ADD COLUMN first_content INTEGER NOT NULL DEFAULT 1;
ALTER TABLE meta ADD COLUMN first_chunk INTEGER NOT NULL DEFAULT 1;
ALTER TABLE meta ADD COLUMN next_content INTEGER NOT NULL DEFAULT 1;
ALTER TABLE meta ADD COLUMN next_chunk INTEGER NOT NULL DEFAULT 1;
UPDATE meta SET next_content = (SELECT coalesce(max(id), 0) + 1 FROM content),
    next_chunk = (SELECT coalesce(max(id), 0) + 1 FROM chunk);
ALTER TABLE meta ADD COLUMN tier TEXT;
ALTER TABLE meta ADD COLUMN tier_above INTEGER NOT NULL DEFAULT 65536;
ALTER TABLE meta ADD COLUMN tier_form TEXT NOT NULL DEFAULT 'raw';
ALTER TABLE chunk ADD COLUMN home INTEGER;
ALTER TABLE chunk ADD COLUMN object TEXT;
ALTER TABLE chunk ADD COLUMN form TEXT;
ALTER TABLE run_changes ADD COLUMN base INTEGER;
CREATE INDEX run_changes_base ON run_changes(base) WHERE base IS NOT NULL;
",
    TABLES_OF_2,
]];

/// Brings a file of an older version to this one, in one transaction: a crash leaves the old version or the new.
pub(super) fn migrate(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch("BEGIN IMMEDIATE")?;
    let done = identity(conn).and_then(|(_, version)| {
        // Another process may have been here first, so the version is read again under the lock.
        for step in STEPS.iter().skip(usize::try_from(version - 1).unwrap_or(usize::MAX)) {
            step.iter().try_for_each(|sql| run(conn, sql))?;
        }
        conn.pragma_update(None, "user_version", VERSION)?;
        pass()?;
        conn.execute_batch("COMMIT")
    });
    if done.is_err() && !conn.is_autocommit() {
        let _ = conn.execute_batch("ROLLBACK");
    }
    done
}

/// Runs SQL statement by statement.
fn run(conn: &Connection, sql: &str) -> rusqlite::Result<()> {
    let mut batch = rusqlite::Batch::new(conn, sql);
    while let Some(mut statement) = batch.next()? {
        pass()?;
        statement.execute([])?;
    }
    Ok(())
}

/// A place where a test lets it fail.
fn pass() -> rusqlite::Result<()> {
    failpoint::pass("MIGRATE").map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))
}

/// Lays out an empty file: the tables, and what `begin` puts into them.
pub(super) fn lay_out(
    conn: &Connection,
    begin: impl FnOnce(&Connection) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    conn.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    conn.execute_batch("BEGIN IMMEDIATE")?;
    tables(conn)?;
    begin(conn)?;
    conn.pragma_update(None, "application_id", APPLICATION_ID)?;
    conn.pragma_update(None, "user_version", VERSION)?;
    conn.execute_batch("COMMIT")?;
    conn.pragma_update(Some("main"), "journal_mode", "WAL")
}

/// Makes the tables of this version.
pub(super) fn tables(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch(TABLES)?;
    conn.execute_batch(TABLES_OF_2)
}

/// What a new workspace begins with: revision 0 and in it the root directory.
pub(super) fn begin(conn: &Connection, now: i64, durability: Durability) -> rusqlite::Result<()> {
    conn.execute(
        "INSERT INTO meta(id, workspace, created, head, next_ino, durability)
         VALUES (1, randomblob(16), ?1, 0, 2, ?2)",
        (now, durability.as_str()),
    )?;
    conn.execute("INSERT INTO main.revision(id, sealed_at, kind, used_bytes, used_inodes) VALUES (0, ?1, 'create', 0, 1)", [now])?;
    conn.execute(
        "INSERT INTO main.inode(ino, from_rev, to_rev, kind, mode, uid, gid, rdev, nlink, size, space, mtime, ctime,
             btime, version, parent)
         VALUES (?1, 0, ?2, 4, 493, 1000, 1000, 0, 2, 0, 0, ?3, ?3, ?3, 1, ?1)",
        [ROOT, LIVE, now],
    )?;
    Ok(())
}

/// The names of a table's columns, in the order that this file happens to have them in.
pub(super) fn columns(conn: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = conn.prepare("SELECT name FROM pragma_table_info(?1, 'main')")?;
    statement.query_map([table], |row| row.get(0))?.collect()
}

/// What the header says: application id and format version. Reads nothing else, changes nothing.
pub(super) fn identity(conn: &Connection) -> rusqlite::Result<(i32, i32)> {
    let number = |pragma| conn.pragma_query_value(None, pragma, |row| row.get(0));
    Ok((number("application_id")?, number("user_version")?))
}

/// Settings of every connection.
pub(super) fn configure(conn: &Connection, durability: Durability, busy: Duration) -> rusqlite::Result<()> {
    conn.busy_timeout(busy)?;
    // Without it SQLite looks at what is bound (for partial indices) and prepares again whenever that changes.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    conn.pragma_update(None, "foreign_keys", false)?;
    synchronize(conn, durability)?;
    // In KiB. What a large transaction cannot hold spills into the write-ahead log.
    conn.pragma_update(None, "cache_size", -16_384)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    // A log that grew in one large commit is cut back once its pages have moved into the file.
    conn.pragma_update(None, "journal_size_limit", 16 << 20)
}

/// When a commit on this connection has reached the disk.
pub(super) fn synchronize(conn: &Connection, durability: Durability) -> rusqlite::Result<()> {
    conn.pragma_update(None, "synchronous", durability.pragma())
}

/// Settings for a file that a fork stands on.
pub(super) fn configure_attached(conn: &Connection, schema: &str) -> rusqlite::Result<()> {
    conn.pragma_update(Some(schema), "cache_size", -16_384)
}

/// Nothing is written on this connection but by SQLite itself.
pub(super) fn refuse_writes(conn: &Connection) -> rusqlite::Result<()> {
    conn.pragma_update(None, "query_only", true)
}

/// Moves the write-ahead log into the file and makes both durable.
pub(super) fn checkpoint(conn: &Connection) -> rusqlite::Result<()> {
    conn.query_row("PRAGMA main.wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// Gives free pages back to the filesystem.
pub(super) fn vacuum(conn: &Connection) -> rusqlite::Result<()> {
    let mut statement = conn.prepare("PRAGMA main.incremental_vacuum")?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}
