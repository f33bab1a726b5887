//! Why a query failed.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use cowry_vfs::Errno;

use crate::data::DataError;

/// Why a query failed. Its text is one line.
#[derive(Debug)]
pub(crate) enum SqlError {
    /// A file could not be read or written.
    File(cowry_vfs::Error),
    /// A file is not the table it was said to be.
    Data {
        /// Which file.
        path: String,
        /// What is wrong, with the line.
        error: DataError,
    },
    /// What SQLite says of the statement, or what we say before it sees it.
    Statement(String),
    /// A column of numbers has a name made of digits later, which SQLite would compare as a number or not, as it finds it.
    Code {
        /// The number of the table.
        table: usize,
        /// Which file.
        path: String,
        /// Which column.
        column: String,
        /// What is there.
        text: String,
    },
    /// The job was told to stop.
    Interrupted,
}

/// What queries answer with.
pub(crate) type SqlResult<T> = Result<T, SqlError>;

impl SqlError {
    pub(crate) fn statement(text: impl Into<String>) -> SqlError {
        SqlError::Statement(text.into())
    }

    /// What is wrong with a file of the scratch, which nobody knows by a name.
    pub(super) fn of_scratch(error: cowry_vfs::Error) -> SqlError {
        match error.errno() {
            Errno::EDQUOT | Errno::ENOSPC => SqlError::statement(FULL),
            _ => SqlError::File(error),
        }
    }

    /// What is wrong with a file.
    pub(crate) fn of_file(path: &str, error: DataError) -> SqlError {
        match error {
            DataError::File(error) => SqlError::File(error),
            error => SqlError::Data { path: path.into(), error },
        }
    }
}

/// What is told where the scratch is full.
const FULL: &str =
    "the query needs more scratch than the limit allows; raise it, or keep fewer columns and rows";

impl From<cowry_vfs::Error> for SqlError {
    fn from(error: cowry_vfs::Error) -> Self {
        SqlError::File(error)
    }
}

impl From<rusqlite::Error> for SqlError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error {
            rusqlite::Error::SqliteFailure(code, text) => match code.code {
                ErrorCode::OperationInterrupted => SqlError::Interrupted,
                ErrorCode::DiskFull => SqlError::statement(FULL),
                ErrorCode::OutOfMemory => SqlError::statement(
                    "the query needs more memory than the limit allows; raise it, or make its values smaller",
                ),
                _ => SqlError::statement(text.unwrap_or_else(|| code.to_string())),
            },
            rusqlite::Error::SqlInputError { msg, .. } => SqlError::Statement(msg),
            other => SqlError::statement(other.to_string()),
        }
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SqlError::File(error) => error.fmt(f),
            SqlError::Data { path, error } => write!(f, "{path}: {error}"),
            SqlError::Statement(text) => f.write_str(text),
            SqlError::Code { path, column, text, .. } => write!(
                f,
                "{path}: column '{column}' begins with numbers and has '{text}' later; say what it is, as in \
                 csv('{path}', 'types={column}:text')"
            ),
            SqlError::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for SqlError {}

/// What went wrong in a table while SQLite was reading it, which can only hand on a text.
#[derive(Clone, Default)]
pub(crate) struct Failure(Arc<Mutex<Option<SqlError>>>);

impl Failure {
    /// Notes an error and makes one for SQLite.
    pub(crate) fn note(&self, error: SqlError) -> rusqlite::Error {
        let text = error.to_string();
        self.slot().get_or_insert(error);
        rusqlite::Error::ModuleError(text)
    }

    /// The error itself, if one was noted, else what SQLite made of things.
    pub(crate) fn explain(&self, error: rusqlite::Error) -> SqlError {
        self.slot().take().unwrap_or_else(|| error.into())
    }

    /// Nothing panics while it holds the lock, so poison means nothing.
    fn slot(&self) -> std::sync::MutexGuard<'_, Option<SqlError>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
