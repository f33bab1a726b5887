//! What an operation fails with: one line, a code where there is one, and what a batch had done.

use std::fmt;

use cowry_vfs::{Errno, Error};

/// What kind of error JavaScript sees.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Class {
    /// `Error`.
    Plain,
    /// `TypeError`: the call itself was wrong.
    Type,
    /// `StateBatchOperationError`: an operation on many files stopped in the middle.
    Batch {
        /// Which: `replaceInFiles` or `applyEdits`.
        operation: &'static str,
        /// Whether everything is as it was before.
        rolled_back: bool,
        /// Why it is not, if it was to be.
        rollback_error: Option<String>,
    },
}

/// A failed operation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StateError {
    pub(crate) class: Class,
    pub(crate) message: String,
    /// The error number's name, such as `ENOENT`.
    pub(crate) code: Option<&'static str>,
    /// The file it is about.
    pub(crate) path: Option<String>,
}

impl StateError {
    /// A failure that has no code.
    pub(crate) fn new(message: impl Into<String>) -> StateError {
        StateError { class: Class::Plain, message: message.into(), code: None, path: None }
    }

    /// A wrong call.
    pub(crate) fn usage(message: impl Into<String>) -> StateError {
        StateError { class: Class::Type, ..StateError::new(message) }
    }

    /// A failure of a file operation in the reference's words: `CODE: what` and then `rest` as it stands.
    pub(crate) fn coded(errno: Errno, what: impl fmt::Display, path: &str) -> StateError {
        StateError {
            code: Some(errno.name()),
            path: Some(path.to_owned()),
            ..StateError::new(format!("{}: {what}", errno.name()))
        }
    }

    /// A failed reading. Node names no path where a directory is read; here it is named, as the reference does.
    pub(super) fn of_read(error: Error, path: &str) -> StateError {
        if error.errno() == Errno::EISDIR {
            Error::at("read", path, Errno::EISDIR).into()
        } else {
            error.into()
        }
    }

    /// The error of one file, as that of the whole batch.
    pub(crate) fn in_batch(self, operation: &'static str, rolled_back: bool) -> StateError {
        StateError { class: Class::Batch { operation, rolled_back, rollback_error: None }, ..self }
    }

    /// Whether it has this code.
    pub(crate) fn is(&self, errno: Errno) -> bool {
        self.code == Some(errno.name())
    }
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StateError {}

impl From<Error> for StateError {
    fn from(error: Error) -> StateError {
        StateError {
            code: Some(error.errno().name()),
            path: error.path().map(str::to_owned),
            ..StateError::new(error.to_string())
        }
    }
}
