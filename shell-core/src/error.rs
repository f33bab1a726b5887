//! What can go wrong, in words that say what to do, and in kinds that a caller can branch on.

use std::path::PathBuf;

use cowry_runtime::RuntimeError;
use cowry_vfs::{Errno, NodeError};

use crate::mount::MountError;
use crate::policy::{GlobError, PolicyError};
use crate::record::ConflictRecord;
use crate::revision::RevisionError;

/// What every fallible operation of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of failure it is. A command line turns it into its exit status.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller asked for something that makes no sense: bad JSON, no such file, an unknown key.
    Usage,
    /// The workspace cannot be used: missing, locked, damaged, newer.
    Workspace,
    /// Somebody else changed the same files first.
    Conflict,
    /// A policy forbids it.
    Refused,
    /// A file operation in the workspace failed.
    Files,
    /// The sandbox could not be made.
    Runtime,
    /// The host failed: a file that cannot be read, a full disk; or a bucket.
    Host,
}

/// A failure of a workspace, a run, a session or a transfer. Its message is one line that says what to do.
///
/// A program that throws is not an error but an [`Outcome`](crate::Outcome).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The workspace file is not there.
    #[error("no workspace at {}: name an existing file, or create one with a run or an import", path.display())]
    NoWorkspace {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{} is not a Cowry workspace: name another file", path.display())]
    NotAWorkspace {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a later version.
    #[error("{} has schema {found}, this version reads up to {supported}: use a newer cowry", path.display())]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: i32,
        /// The newest one known here.
        supported: i32,
    },
    /// Another process is writing and did not finish in time.
    #[error("{} is locked by another process: wait for it to end and try again", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged.
    #[error(
        "{path} is damaged ({detail}): save what can be read with `cowry -w {path} check --salvage DIR`, or restore a copy",
        path = path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The file is so damaged that nothing can be read.
    #[error("nothing can be read of {} ({detail}): restore it from a copy", path.display())]
    Hopeless {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The workspace cannot be opened for a reason of the host's.
    #[error("cannot open {}: {reason}", path.display())]
    Unopenable {
        /// The file.
        path: PathBuf,
        /// What the host said.
        reason: String,
    },
    /// The workspace was opened to be read.
    #[error("the workspace is open read-only: open it for writing to {what}")]
    ReadOnly {
        /// What was asked for.
        what: &'static str,
    },
    /// There is no workspace file, so nothing lasts.
    #[error("there is no workspace to {what}: name one with -w FILE or COWRY_WORKSPACE")]
    Scratch {
        /// What was asked for.
        what: &'static str,
    },
    /// A revision that is malformed or not there.
    #[error(transparent)]
    Revision(#[from] RevisionError),
    /// A policy file that cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A glob that cannot be used, and where it was given.
    #[error("{place}: {error}")]
    Glob {
        /// Where: an option such as `--persist`.
        place: String,
        /// The glob and what is wrong with it.
        error: GlobError,
    },
    /// A mount that cannot be used.
    #[error(transparent)]
    Mount(#[from] MountError),
    /// Something else that was asked for makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The policy forbids it.
    #[error("refused: {0}")]
    Refused(String),
    /// Others changed the same files since the base.
    #[error("{}", conflict_text(conflicts))]
    Conflict {
        /// The run whose changes are kept, if it was a run.
        run: Option<String>,
        /// Which paths, and why.
        conflicts: Vec<ConflictRecord>,
    },
    /// No run has this id.
    #[error("no run {id}: see `cowry runs` for those there are")]
    NoRun {
        /// The id as given.
        id: String,
    },
    /// The beginning of an id that several runs share.
    #[error("{id} is the beginning of several runs ({}): give more of it", found.join(", "))]
    AmbiguousRun {
        /// The id as given.
        id: String,
        /// Some of those that match.
        found: Vec<String>,
    },
    /// The run's changes are not there (any more).
    #[error("the changes of run {id} are not kept: {why}")]
    NothingKept {
        /// The run.
        id: String,
        /// Why not.
        why: String,
    },
    /// A file operation in the workspace.
    #[error(transparent)]
    Files(#[from] cowry_vfs::Error),
    /// The workspace failed beneath the level of paths.
    #[error("{}", store_text(.0))]
    Store(#[source] NodeError),
    /// The runtime could not make or use a sandbox.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// A bucket that cannot be used.
    #[error("cannot {doing}: {why}")]
    Bucket {
        /// What was being done: `mount at /data`.
        doing: String,
        /// The bucket's address, what is wrong with it and what to check.
        why: String,
    },
    /// The bucket of a push or pull, or what is in it, cannot be used.
    #[error("{0}")]
    Push(String),
    /// Somebody else was faster, or went another way.
    #[error("{0}")]
    Diverged(String),
    /// A file of the host.
    #[error("cannot {what} {}: {source}", path.display())]
    Host {
        /// The verb: `read`, `write`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the host said.
        source: std::io::Error,
    },
    /// An archive or another stream that could not be read or written.
    #[error("cannot {what}: {source}")]
    Stream {
        /// What was being done: `read the archive`.
        what: &'static str,
        /// What went wrong.
        source: std::io::Error,
    },
}

impl Error {
    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::NoWorkspace { .. }
            | Error::NotAWorkspace { .. }
            | Error::NewerSchema { .. }
            | Error::Locked { .. }
            | Error::Damaged { .. }
            | Error::Hopeless { .. }
            | Error::Unopenable { .. }
            | Error::ReadOnly { .. }
            | Error::Scratch { .. }
            | Error::Store(_) => ErrorKind::Workspace,
            Error::Revision(_)
            | Error::Policy(_)
            | Error::Glob { .. }
            | Error::Mount(_)
            | Error::Usage(_)
            | Error::NoRun { .. }
            | Error::AmbiguousRun { .. }
            | Error::NothingKept { .. } => ErrorKind::Usage,
            Error::Refused(_) | Error::Runtime(RuntimeError::Refused { .. }) => ErrorKind::Refused,
            Error::Conflict { .. } | Error::Diverged(_) => ErrorKind::Conflict,
            Error::Files(_) => ErrorKind::Files,
            Error::Runtime(_) => ErrorKind::Runtime,
            Error::Host { .. } | Error::Stream { .. } | Error::Bucket { .. } | Error::Push(_) => {
                ErrorKind::Host
            }
        }
    }

    /// Whether a bucket is to blame, and not the workspace's own file.
    pub fn is_of_bucket(&self) -> bool {
        match self {
            Error::Bucket { .. } | Error::Push(_) => true,
            Error::Files(error) => is_trouble(std::error::Error::source(error)),
            Error::Store(error) => is_trouble(std::error::Error::source(error)),
            _ => false,
        }
    }

    /// Whether it says that content is lost: what holds it in a bucket is missing or damaged.
    pub fn is_lost_content(&self) -> bool {
        match self {
            Error::Files(error) => is_lost(std::error::Error::source(error)),
            Error::Store(error) => is_lost(std::error::Error::source(error)),
            _ => false,
        }
    }

    /// Its text with that of its cause, where that says more.
    pub(crate) fn in_full(&self) -> String {
        let text = self.to_string();
        match std::error::Error::source(self).map(ToString::to_string) {
            Some(cause) if !text.contains(&cause) => format!("{text}: {cause}"),
            _ => text,
        }
    }

    pub(crate) fn host(what: &'static str, path: impl Into<PathBuf>, source: std::io::Error) -> Error {
        Error::Host { what, path: path.into(), source }
    }
}

impl From<NodeError> for Error {
    fn from(error: NodeError) -> Error {
        match std::error::Error::source(&error) {
            // The layer says in words what it was that is not there.
            Some(what) if error == Errno::ENOENT => Error::Usage(what.to_string()),
            _ => Error::Store(error),
        }
    }
}

/// What the layer said of it, which says more than its number; else the number's own text.
fn store_text(error: &NodeError) -> String {
    let text = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    // Being locked is no failure, and its text says what to do; a bucket's trouble is not the file's.
    let is_its_own = *error != Errno::EBUSY && !is_trouble(std::error::Error::source(error));
    if is_its_own { format!("the workspace failed: {text}") } else { text }
}

/// Whether it is what a bucket said.
#[cfg(feature = "object")]
pub(crate) fn is_trouble(cause: Option<&(dyn std::error::Error + 'static)>) -> bool {
    cause.is_some_and(|cause| cause.is::<cowry_vfs::object::Trouble>())
}

/// Whether it is what a lost object is told by.
#[cfg(feature = "object")]
pub(crate) fn is_lost(cause: Option<&(dyn std::error::Error + 'static)>) -> bool {
    cause.is_some_and(cowry_vfs::sqlite::is_lost_content)
}

#[cfg(not(feature = "object"))]
pub(crate) fn is_lost(_: Option<&(dyn std::error::Error + 'static)>) -> bool {
    false
}

#[cfg(not(feature = "object"))]
pub(crate) fn is_trouble(_: Option<&(dyn std::error::Error + 'static)>) -> bool {
    false
}

/// Names the first few paths; the whole list is in the error and in the run record.
fn conflict_text(conflicts: &[ConflictRecord]) -> String {
    const SHOWN: usize = 3;
    let mut text = String::from("conflict: changed by others since the base: ");
    let shown: Vec<String> = conflicts.iter().take(SHOWN).map(|c| c.path.clone()).collect();
    text.push_str(&shown.join(", "));
    if conflicts.len() > SHOWN {
        text.push_str(&format!(" and {} more", conflicts.len() - SHOWN));
    }
    text
}
