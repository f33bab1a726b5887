//! Making, opening and identifying the file; the connections for reading; who else has it open.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fs::{File, TryLockError};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::chunk::ChunkCache;
use super::hold::{self, Holds};
use super::lineage::{Lineage, folder, uri};
use super::place::Place;
use super::turn::{Passage, Turnstile};
use super::view::View;
use super::{Durability, SqliteOptions, schema};
use crate::errno::{Errno, NodeError, NodeResult};
use crate::failpoint;

/// Why a workspace could not be opened or made. Each message says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no such file.
    #[error("no such workspace: {path}", path = path.display())]
    NotFound {
        /// The file.
        path: PathBuf,
    },
    /// A workspace was to be made where a file already is.
    #[error("{path} already exists: open it, or choose another name", path = path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("not a Cowry workspace: {path} ({why})", path = path.display())]
    NotAWorkspace {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        why: &'static str,
    },
    /// The file's format is newer than this code.
    #[error(
        "{path} was made by a newer version (schema {found}, this one knows {supported}): upgrade cowry",
        path = path.display()
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i32,
        /// The newest format known here.
        supported: i32,
    },
    /// Another process held the file for longer than the timeout.
    #[error("{path} is locked by another process; try again or stop it", path = path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The file was a workspace and is damaged.
    #[error(
        "{path} is damaged: save what can be read with `cowry check --salvage DIR`, or restore a copy",
        path = path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// What the fork stands on is not where it was.
    #[error(
        "{path} is a fork of {parent}, which is not there: put it back, or say where it is with `cowry -w {path} \
         fork --parent FILE`",
        path = path.display(), parent = parent.display()
    )]
    ParentMissing {
        /// The fork.
        path: PathBuf,
        /// Where its parent should be.
        parent: PathBuf,
    },
    /// Something else is where the fork's parent was.
    #[error(
        "{parent} is not the workspace that {path} was forked from, or an older copy of it: put the right one there, \
         or say where it is with `cowry -w {path} fork --parent FILE`",
        path = path.display(), parent = parent.display()
    )]
    ParentReplaced {
        /// The fork.
        path: PathBuf,
        /// What is not its parent.
        parent: PathBuf,
    },
    /// The fork stands on more files than can be opened at once.
    #[error(
        "{path} stands on more than {max} other workspaces: run `cowry -w {file} flatten` first",
        path = path.display(), file = file.display(), max = super::lineage::ANCESTORS_MAX
    )]
    TooDeep {
        /// The fork, or what would be one.
        path: PathBuf,
        /// A file that could do without those below it.
        file: PathBuf,
    },
    /// The file is damaged where it says what is where.
    #[error("nothing can be read of {path}: restore a copy", path = path.display())]
    Hopeless {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The file cannot be read or written.
    #[error("cannot open {path}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system or SQLite says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl OpenError {
    pub(super) fn sqlite(path: &Path, source: rusqlite::Error) -> OpenError {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => OpenError::NotAWorkspace { path, why: "not an SQLite file" },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Locked { path },
            Some(ErrorCode::DatabaseCorrupt) => OpenError::Corrupt { path, source },
            _ => OpenError::Io { path, source: source.into() },
        }
    }

    pub(super) fn io(path: &Path, source: std::io::Error) -> OpenError {
        match source.kind() {
            std::io::ErrorKind::NotFound => OpenError::NotFound { path: path.to_owned() },
            _ => OpenError::Io { path: path.to_owned(), source: source.into() },
        }
    }
}

/// What an operation on the open file may run into.
impl From<rusqlite::Error> for NodeError {
    fn from(error: rusqlite::Error) -> NodeError {
        let errno = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Errno::ENOSPC,
            Some(ErrorCode::ReadOnly) => Errno::EROFS,
            Some(ErrorCode::TooBig) => Errno::EFBIG,
            Some(ErrorCode::OutOfMemory) => Errno::ENOMEM,
            // Retryable: nothing was changed, and the other process will be done some time.
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                return NodeError::with_source(
                    Errno::EBUSY,
                    "the workspace is locked by another process; try again or stop it",
                );
            }
            _ => Errno::EIO,
        };
        NodeError::with_source(errno, error)
    }
}

/// How every connection is opened. With URIs, since a fork's ancestors are attached for reading only.
const FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_NO_MUTEX.union(OpenFlags::SQLITE_OPEN_URI);

/// A path that SQLite does not take for a URI.
fn plain(path: &Path) -> Cow<'_, Path> {
    let looks_like_uri = path.as_os_str().as_encoded_bytes().starts_with(b"file:");
    if looks_like_uri { Path::new(".").join(path).into() } else { path.into() }
}

/// Makes an empty workspace.
pub(super) fn create(path: &Path, options: &SqliteOptions) -> Result<(), OpenError> {
    let now = options.clock.now().0;
    create_with(path, options, |conn| {
        schema::lay_out(conn, |conn| schema::begin(conn, now, options.durability))
    })
}

/// Makes the file under another name first, so that a crash leaves no half of one under `path`.
pub(super) fn create_with(
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
pub(super) fn place(draft: &Path, path: &Path, options: &SqliteOptions) -> Result<(), OpenError> {
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

/// What the writer, the readers and every snapshot of one open file have in common.
pub(super) struct Shared {
    idle: Mutex<Vec<Connection>>,
    pub(super) path: PathBuf,
    /// `None` where nobody can say, on a file system of a test's.
    pub(super) place: Option<Place>,
    pub(super) options: SqliteOptions,
    pub(super) chunks: ChunkCache,
    access: Access,
    pub(super) lineage: Lineage,
    pub(super) holds: Holds,
    /// The same of the files that this one stands on.
    pub(super) ancestors_holds: Vec<Holds>,
    pub(super) pins: Mutex<Pins>,
    turnstile: Option<Turnstile>,
    /// Released last: whoever finds nobody present tidies up.
    pub(super) presence: Option<Presence>,
}

/// Inodes held open by this process, and those of them that have lost their last name.
#[derive(Default)]
pub(super) struct Pins {
    pub(super) counts: HashMap<i64, u32>,
    pub(super) orphans: HashSet<i64>,
}

/// Connections kept for the next reader.
const IDLE_READERS: usize = 4;

impl Shared {
    pub(super) fn new(path: &Path, options: &SqliteOptions, access: Access, lineage: Lineage) -> Shared {
        let presence = Presence::enter(path);
        let writes = presence.is_some() && !options.read_only;
        Shared {
            idle: Mutex::default(),
            path: path.to_owned(),
            place: Place::of(path).ok(),
            options: options.clone(),
            chunks: ChunkCache::default(),
            access,
            ancestors_holds: lineage.ancestors().iter().map(|ancestor| Holds::new(&ancestor.path)).collect(),
            lineage,
            holds: Holds::new(path),
            pins: Mutex::default(),
            turnstile: if writes { Turnstile::open(&beside(path, "-turn")) } else { None },
            presence,
        }
    }

    pub(super) fn now(&self) -> i64 {
        self.options.clock.now().0
    }

    /// # Errors
    /// `EIO` if the file is not where it was opened.
    pub(super) fn require_in_place(&self) -> NodeResult<()> {
        self.place.as_ref().map_or(Ok(()), Place::require)
    }

    /// Waits until this process is the next one to write, at most for the busy timeout.
    pub(super) fn pass_turnstile(&self) -> Option<Passage<'_>> {
        self.turnstile.as_ref().map(|turnstile| turnstile.pass(self.options.busy_timeout))
    }

    /// Says of what has waited in vain what it waited for.
    pub(super) fn explain_busy(&self, error: rusqlite::Error) -> NodeError {
        match NodeError::from(error) {
            busy if busy == Errno::EBUSY => {
                let (file, patience) = (self.path.display(), self.options.busy_timeout);
                let text = format!(
                    "{file} was locked by another process that is writing to it, for all of {patience:?}; try again when \
                     it is done, or stop it (`fuser -v {file}` names it)"
                );
                NodeError::with_source(Errno::EBUSY, text)
            }
            other => other,
        }
    }

    pub(super) fn is_pinned(&self, ino: i64) -> bool {
        self.pins.lock().counts.contains_key(&ino)
    }

    /// A tree through a connection.
    pub(super) fn view<'a>(&'a self, conn: &'a Connection, rev: i64) -> View<'a> {
        View { conn, rev, chunks: &self.chunks, lineage: &self.lineage, pending: None }
    }

    /// Closes the connections that are kept for the next reader.
    pub(super) fn close_readers(&self) {
        self.idle.lock().clear();
    }

    /// A connection of one's own for reading, which goes back when it is dropped.
    pub(super) fn reader(&self) -> NodeResult<Reader<'_>> {
        let idle = self.idle.lock().pop();
        let conn = match idle {
            Some(conn) => conn,
            None => {
                let conn = open_reading(&self.path, self.access)?;
                schema::configure(&conn, self.options.durability, self.options.busy_timeout)?;
                self.lineage.attach(&conn)?;
                conn
            }
        };
        Ok(Reader { shared: self, conn: Some(conn) })
    }
}

/// A borrowed reading connection.
pub(super) struct Reader<'a> {
    shared: &'a Shared,
    conn: Option<Connection>,
}

impl Deref for Reader<'_> {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        self.conn.as_ref().expect("taken only when dropped")
    }
}

/// Tests watch what a connection does.
#[cfg(test)]
impl std::ops::DerefMut for Reader<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        self.conn.as_mut().expect("taken only when dropped")
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let mut idle = self.shared.idle.lock();
        if idle.len() < IDLE_READERS {
            idle.extend(self.conn.take());
        }
    }
}

/// A shared lock on a file beside the workspace, which says that some process has it open. Only the one that
/// is alone may remove files that others could hold open without a name.
///
/// It is a file of its own because a lock on the workspace itself would meet SQLite's.
pub(super) struct Presence {
    file: File,
    path: PathBuf,
    workspace: PathBuf,
}

impl Presence {
    /// `None` where no such file can be made (a read-only directory): then nobody is ever taken to be alone.
    fn enter(workspace: &Path) -> Option<Presence> {
        let path = beside(workspace, "-lock");
        loop {
            let file = side_file(&path).ok()?;
            file.lock_shared().ok()?;
            // The last one to leave removes the file; a lock on what was removed protects nothing.
            if same_file(&file, &path) {
                return Some(Presence { file, path, workspace: workspace.to_owned() });
            }
        }
    }

    /// Runs `work` if no other process has the workspace open, and keeps others out for so long.
    pub(super) fn alone<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        let result = match self.file.try_lock() {
            Ok(()) => Some(work()),
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => None,
        };
        let _ = self.file.lock_shared();
        result
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        if self.file.try_lock().is_ok() {
            hold::clear_away(&self.workspace);
            let _ = std::fs::remove_file(beside(&self.workspace, "-turn"));
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(unix)]
pub(super) fn same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), path.metadata()) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
pub(super) fn same_file(_: &File, path: &Path) -> bool {
    path.exists()
}

/// Opens a file beside a workspace that is there for its locks, or makes it.
pub(super) fn side_file(path: &Path) -> std::io::Result<File> {
    File::options().read(true).write(true).create(true).truncate(false).open(path)
}

/// The workspace's path with something after its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
