//! Why data could not be read.

use std::fmt;

use cowry_vfs::Error;

/// How much of a bad row an error shows, in characters.
const SHOWN: usize = 80;

/// One row that is not what it should be. Reading can go on after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadRow {
    /// The line it begins on, from 1.
    pub(crate) line: u64,
    /// What is wrong with it.
    pub(crate) reason: String,
    /// The beginning of the row as it stands in the file.
    pub(crate) text: String,
}

impl BadRow {
    pub(crate) fn new(line: u64, reason: impl Into<String>, row: &[u8]) -> BadRow {
        let end = row.len().min(SHOWN * 4);
        let text = String::from_utf8_lossy(&row[..end]);
        let text = text.trim_end_matches(['\r', '\n']).chars().take(SHOWN).collect();
        BadRow { line, reason: reason.into(), text }
    }
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

/// Why reading stopped.
#[derive(Debug)]
pub(crate) enum DataError {
    /// The file could not be read.
    File(Error),
    /// A row is bad; the next call goes on after it.
    Row(BadRow),
    /// The data is not what it was said to be, from this line on.
    Broken {
        /// The line, from 1.
        line: u64,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// What was asked for makes no sense.
    Option(String),
}

impl DataError {
    pub(crate) fn broken(line: u64, reason: impl Into<String>) -> DataError {
        DataError::Broken { line, reason: reason.into() }
    }

    /// The line it is about, from 1.
    pub(crate) fn line(&self) -> Option<u64> {
        match self {
            DataError::Row(bad) => Some(bad.line),
            DataError::Broken { line, .. } => Some(*line),
            DataError::File(_) | DataError::Option(_) => None,
        }
    }
}

impl From<Error> for DataError {
    fn from(error: Error) -> Self {
        DataError::File(error)
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DataError::File(error) => error.fmt(f),
            DataError::Row(bad) => bad.fmt(f),
            DataError::Broken { line, reason } => write!(f, "line {line}: {reason}"),
            DataError::Option(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for DataError {}

/// What reading data answers with.
pub(crate) type DataResult<T> = Result<T, DataError>;
