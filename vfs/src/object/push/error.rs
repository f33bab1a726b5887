//! Why a push or pull did not take place.

use std::io;
use std::path::{Path, PathBuf};

use crate::errno::NodeError;
use crate::object::Trouble;
use crate::sqlite::OpenError;
use crate::sqlite::travel::TravelError;

/// Why a push or pull did not take place. Each message is one line that says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// The bucket cannot be used.
    #[error(transparent)]
    Bucket(#[from] Trouble),
    /// The workspace cannot be opened or made.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The workspace cannot be read or written.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// A file of the host.
    #[error("cannot {what} {}: {source}", path.display())]
    Host {
        /// The verb: `read`, `write`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the host said.
        source: io::Error,
    },
    /// Others pushed, or are at it; or something here would be lost.
    #[error("{0}")]
    Conflict(String),
    /// What is asked for is not there, or is not what it says.
    #[error("{0}")]
    Unusable(String),
}

impl PushError {
    pub(super) fn host(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PushError {
        let path = path.to_owned();
        move |source| PushError::Host { what, path, source }
    }
}

impl From<TravelError> for PushError {
    fn from(error: TravelError) -> PushError {
        match error {
            TravelError::Open(error) => PushError::Open(error),
            TravelError::Node(error) => PushError::Node(error),
            TravelError::Unsound(what) => {
                PushError::Unusable(format!("what was pushed cannot be used: {what}"))
            }
            TravelError::Diverged(what) => PushError::Conflict(what),
        }
    }
}
