//! Making, opening and identifying the file; the connections for reading; who else has it open.

mod create;
mod error;
mod presence;
mod shared;

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::lineage::uri;
use super::{Durability, SqliteOptions, schema};

#[cfg(feature = "object")]
pub(super) use self::create::replace;
pub(super) use self::create::{create, create_with, place};
pub use self::error::OpenError;
pub(super) use self::presence::{Presence, beside, same_file, side_file};
pub(super) use self::shared::Shared;

/// How every connection is opened. With URIs, since a fork's ancestors are attached for reading only.
const FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_NO_MUTEX.union(OpenFlags::SQLITE_OPEN_URI);

/// A path that SQLite does not take for a URI.
fn plain(path: &Path) -> Cow<'_, Path> {
    let looks_like_uri = path.as_os_str().as_encoded_bytes().starts_with(b"file:");
    if looks_like_uri { Path::new(".").join(path).into() } else { path.into() }
}

/// Opens the writing connection (or, read-only, the one in its place) and checks what the file is. Where nothing can be
/// made beside it, it is opened for reading alone.
pub(super) fn connect(path: &Path, options: &SqliteOptions) -> Result<(Connection, Access), OpenError> {
    let meta = path.metadata().map_err(|e| OpenError::io(path, e))?;
    let not = |why| Err(OpenError::NotAWorkspace { path: path.to_owned(), why });
    if !meta.is_file() {
        return not(if meta.is_dir() { "a directory" } else { "not a regular file" });
    }
    if meta.len() == 0 {
        return not("an empty file");
    }
    let sqlite = |e| OpenError::sqlite(path, e);
    // For reading only, too: one that cannot write would leave the log it opens beside the file. Where the file
    // cannot be written SQLite opens it for reading by itself.
    let access = OpenFlags::SQLITE_OPEN_READ_WRITE | FLAGS;
    let mut conn = Connection::open_with_flags(plain(path), access).map_err(sqlite)?;
    conn.busy_timeout(options.busy_timeout).map_err(sqlite)?;
    let (mut identity, mut access) = (schema::identity(&conn), Access::Shared);
    if is_refused(&identity) {
        if !is_at_rest(path) {
            return Err(OpenError::Io { path: path.to_owned(), source: NOT_AT_REST.into() });
        }
        access = Access::Immutable;
        conn = open_reading(path, access).map_err(sqlite)?;
        identity = schema::identity(&conn);
    }
    let (application, version) = identity.map_err(sqlite)?;
    if application != schema::APPLICATION_ID {
        return not("another program's SQLite file");
    }
    if version > schema::VERSION {
        let supported = schema::VERSION;
        return Err(OpenError::NewerSchema { path: path.to_owned(), found: version, supported });
    }
    if version < 1 {
        return not("its schema version is missing");
    }
    if version < schema::VERSION {
        upgrade(path, options).map_err(sqlite)?;
    }
    schema::configure(&conn, options.durability, options.busy_timeout).map_err(sqlite)?;
    Ok((conn, access))
}

/// How a file is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Access {
    /// With a log and locks beside it.
    Shared,
    /// Without: nothing can be made there, and nobody has it open. Nobody may write to it meanwhile.
    Immutable,
}

const NOT_AT_REST: &str = "its folder cannot be written, which it takes to read the log (-wal) beside it: copy both files \
     to where you can write, and open the copy";

/// Whether SQLite could not make the files beside the one it was to read.
fn is_refused<T>(read: &rusqlite::Result<T>) -> bool {
    let code = read.as_ref().err().and_then(rusqlite::Error::sqlite_error_code);
    matches!(code, Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

/// Whether everything is in the file itself.
fn is_at_rest(path: &Path) -> bool {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    beside(&path, "-wal").metadata().map_or(true, |log| log.len() == 0)
}

/// A connection to a file as it is, which need not be a workspace; it is made if it is missing.
#[cfg(feature = "object")]
pub(super) fn raw(path: &Path) -> rusqlite::Result<Connection> {
    let access = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | FLAGS;
    Connection::open_with_flags(plain(path), access)
}

/// A connection for reading.
fn open_reading(path: &Path, access: Access) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | FLAGS;
    match access {
        Access::Shared => Connection::open_with_flags(plain(path), flags),
        Access::Immutable => Connection::open_with_flags(uri(path, access), flags),
    }
}

/// The id of the workspace at a path; `None` of another program's database.
pub(super) fn id_at(path: &Path) -> rusqlite::Result<Option<[u8; 16]>> {
    let conn = Connection::open_with_flags(plain(path), OpenFlags::SQLITE_OPEN_READ_WRITE | FLAGS)?;
    conn.busy_timeout(Duration::from_secs(1))?;
    match schema::identity(&conn) {
        Ok((schema::APPLICATION_ID, _)) => conn.query_row("SELECT workspace FROM meta", [], |row| row.get(0)),
        Err(e) if e.sqlite_error_code() != Some(ErrorCode::NotADatabase) => Err(e),
        _ => Ok(None),
    }
}

/// Brings a file of an older version up to date, on a connection of its own: the caller's may be read-only.
fn upgrade(path: &Path, options: &SqliteOptions) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    schema::configure(&conn, Durability::Fsync, options.busy_timeout)?;
    schema::migrate(&conn)
}
