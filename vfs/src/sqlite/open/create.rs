//! Making the file: under another name first, then in its place, all of it or nothing.

use std::fs::File;
use std::path::Path;

use rusqlite::Connection;

use super::super::lineage::folder;
use super::super::{Durability, SqliteOptions, schema};
use super::{OpenError, beside};
use crate::failpoint;

/// Makes an empty workspace.
pub(in crate::sqlite) fn create(path: &Path, options: &SqliteOptions) -> Result<(), OpenError> {
    let now = options.clock.now().0;
    create_with(path, options, |conn| {
        schema::lay_out(conn, |conn| schema::begin(conn, now, options.durability))
    })
}

/// Makes the file under another name first, so that a crash leaves no half of one under `path`.
pub(in crate::sqlite) fn create_with(
    path: &Path,
    options: &SqliteOptions,
    lay_out: impl FnOnce(&Connection) -> rusqlite::Result<()>,
) -> Result<(), OpenError> {
    if path.symlink_metadata().is_ok() {
        return Err(OpenError::Exists { path: path.to_owned() });
    }
    let draft = beside(path, &format!("-new-{}", std::process::id()));
    let _ = std::fs::remove_file(&draft);
    require_room(path, &draft)?;
    let made = (|| {
        let conn = Connection::open(&draft)?;
        // Nobody knows of the draft yet: it is made durable once, when it is whole.
        schema::configure(&conn, Durability::None, options.busy_timeout)?;
        lay_out(&conn)?;
        conn.close().map_err(|(_, error)| error)
    })();
    let placed = made
        .map_err(|e| OpenError::sqlite(path, e))
        .and_then(|()| pass("CREATE_DRAFTED", path))
        .and_then(|()| place(&draft, path, options));
    let _ = std::fs::remove_file(&draft);
    placed
}

/// Finds out, before SQLite says less, that no file can be made there.
fn require_room(path: &Path, draft: &Path) -> Result<(), OpenError> {
    let Err(error) = File::create_new(draft) else { return Ok(()) };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let parent = parent.display();
    let why = match error.kind() {
        std::io::ErrorKind::NotFound => format!("there is no folder {parent}, make it first"),
        _ => format!("no file can be made in {parent}: {error}"),
    };
    Err(OpenError::Io { path: path.to_owned(), source: why.into() })
}

/// Makes a file that nobody has open durable and gives it its name, if that is free. It may keep the other one, too.
pub(in crate::sqlite) fn place(draft: &Path, path: &Path, options: &SqliteOptions) -> Result<(), OpenError> {
    let io = |e| OpenError::io(path, e);
    sync(draft, options).map_err(io)?;
    pass("CREATE_SYNCED", path)?;
    // A link, unlike a rename, fails where somebody else was faster.
    match std::fs::hard_link(draft, path) {
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(OpenError::Exists { path: path.to_owned() });
        }
        Err(_) => std::fs::rename(draft, path).map_err(io)?,
        Ok(()) => {}
    }
    pass("CREATE_LINKED", path)?;
    sync(&folder(path), options).map_err(io)
}

/// Makes a file that nobody has open durable and puts it in the place of another one that nobody has open.
#[cfg(feature = "object")]
pub(in crate::sqlite) fn replace(
    draft: &Path,
    path: &Path,
    options: &SqliteOptions,
) -> Result<(), OpenError> {
    let io = |e| OpenError::io(path, e);
    sync(draft, options).map_err(io)?;
    std::fs::rename(draft, path).map_err(io)?;
    sync(&folder(path), options).map_err(io)
}

/// A place where a test lets the making of a file fail.
fn pass(place: &'static str, path: &Path) -> Result<(), OpenError> {
    failpoint::pass(place).map_err(|e| OpenError::Io { path: path.to_owned(), source: e.into() })
}

/// Makes a file, or the names in a folder, as durable as the options ask for.
fn sync(path: &Path, options: &SqliteOptions) -> std::io::Result<()> {
    match options.durability {
        Durability::Fsync => File::open(path)?.sync_all(),
        Durability::Relaxed | Durability::None => Ok(()),
    }
}
