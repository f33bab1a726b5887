//! The connection that a statement has for itself, and everything it must not do.

use std::sync::Arc;

use cowry_vfs::{Clock, Vfs};
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags, ffi};

use super::{ScratchFiles, functions};

/// How many steps of SQLite's machine pass between two looks at whether to stop.
const STEPS: i32 = 2000;

/// What a statement works with.
#[derive(Clone)]
pub(crate) struct Setting {
    /// The files.
    pub(crate) vfs: Vfs,
    /// A tree for what does not fit into memory. Without one everything has to.
    pub(crate) scratch: Option<Vfs>,
    pub(crate) clock: Arc<dyn Clock>,
    /// What `random()` begins with.
    pub(crate) seed: [u8; 32],
    /// Bytes that the job may have in memory in all; a statement takes parts of it.
    pub(crate) memory_bytes: u64,
    /// Whether to stop.
    pub(crate) interrupted: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl Setting {
    /// What sorting keeps in memory before it writes a run.
    fn cache_bytes(&self) -> u64 {
        (self.memory_bytes / 16).clamp(1 << 20, 16 << 20)
    }

    /// What is held of rows that are put into groups before a run of them is written.
    pub(super) fn group_bytes(&self) -> usize {
        usize::try_from(self.memory_bytes / 4).unwrap_or(usize::MAX).clamp(1 << 20, 256 << 20)
    }

    /// The longest text, blob or row.
    fn value_bytes(&self) -> u64 {
        (self.memory_bytes / 8).clamp(1 << 20, 32 << 20)
    }
}

/// Bounds what SQLite holds in this process, a sandbox of a job with this much memory.
pub(crate) fn limit_heap(memory_bytes: u64) {
    let bytes = (memory_bytes / 2).clamp(8 << 20, 64 << 20);
    // SAFETY: it takes a number, and initialises the library if nobody has.
    unsafe { ffi::sqlite3_hard_heap_limit64(bytes as i64) };
}

/// A connection to nothing, over which statements can only read.
pub(super) fn connect(setting: &Setting, scratch: &ScratchFiles) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_in_memory_with_flags_and_vfs(flags, scratch.name())?;
    let cache = setting.cache_bytes();
    let page = if cache >= 8 << 20 { 32768 } else { 4096 };
    connection.pragma_update(None, "page_size", page)?;
    connection.pragma_update(None, "cache_size", -i64::try_from(cache >> 10).unwrap_or(1024))?;
    if !scratch.has_tree() {
        connection.pragma_update(None, "temp_store", "MEMORY")?;
    }
    // What stands in double quotes is a name, so that a slip is told and not taken for a text.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    limit(&connection, setting)?;
    functions::add(&connection, setting.seed)?;
    Ok(connection)
}

/// Lets nothing through from here on but reading, and looks now and then whether to stop.
pub(super) fn guard(connection: &mut Connection, setting: &Setting) -> rusqlite::Result<()> {
    let interrupted = setting.interrupted.clone();
    connection.progress_handler(STEPS, Some(move || interrupted()))?;
    connection.authorizer(Some(|context: AuthContext<'_>| authorize(&context.action)))
}

fn authorize(action: &AuthAction<'_>) -> Authorization {
    match action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => Authorization::Allow,
        AuthAction::Function { function_name } => match *function_name {
            "load_extension" | "fts3_tokenizer" => Authorization::Deny,
            _ => Authorization::Allow,
        },
        _ => Authorization::Deny,
    }
}

fn limit(connection: &Connection, setting: &Setting) -> rusqlite::Result<()> {
    let value = i32::try_from(setting.value_bytes()).unwrap_or(i32::MAX);
    let limits = [
        (Limit::SQLITE_LIMIT_LENGTH, value),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, 1 << 20),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 500),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 200),
        (Limit::SQLITE_LIMIT_VDBE_OP, 1 << 20),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000),
        (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, super::MAX_PARAMETERS as i32),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ];
    limits.into_iter().try_for_each(|(limit, value)| connection.set_limit(limit, value).map(drop))
}
