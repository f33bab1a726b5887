//! Why a command stops: one line for people, one status for the caller.

use std::error::Error as _;
use std::fmt;
use std::io;

use cowry_shell_core::{Errno, ErrorKind};

use crate::status;

/// What every command returns: the exit status, or why there is none.
pub type Outcome<T = u8> = Result<T, Failure>;

/// Why a command stops.
#[derive(Debug)]
pub enum Failure {
    /// Something to say, in one line, and the status to leave with.
    Said { status: u8, line: String },
    /// Whoever read standard output went away; nothing is left to say.
    ReaderGone,
}

impl Failure {
    /// A mistake of the user, or a failure of Cowry: status 125.
    pub fn new(line: impl Into<String>) -> Failure {
        Failure::Said { status: status::COWRY, line: line.into() }
    }

    /// A failure with a status of its own.
    pub fn with_status(status: u8, line: impl Into<String>) -> Failure {
        Failure::Said { status, line: line.into() }
    }

    /// An error of the host on `path`, with what was being done (`read`, `write`).
    pub fn host(doing: &str, path: &std::path::Path, error: &io::Error) -> Failure {
        let folder = path.parent().map(|folder| folder.display().to_string()).unwrap_or_default();
        let path = path.display();
        Failure::new(match error.kind() {
            io::ErrorKind::NotFound if doing == "write" => {
                format!("cannot write {path}: there is no folder {folder}, make it first")
            }
            io::ErrorKind::NotFound => format!("no such file: {path}"),
            io::ErrorKind::PermissionDenied => format!("cannot {doing} {path}: permission denied"),
            io::ErrorKind::IsADirectory => format!("cannot {doing} {path}: it is a directory"),
            _ => format!("cannot {doing} {path}: {error}"),
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Said { line, .. } => f.write_str(line),
            Failure::ReaderGone => f.write_str("standard output was closed"),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::ReaderGone,
            _ => Failure::new(one_line(&error.to_string())),
        }
    }
}

/// The text on one line: what follows a line break is joined with a semicolon.
pub fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

impl From<cowry_shell_core::Error> for Failure {
    fn from(error: cowry_shell_core::Error) -> Failure {
        let status = match error.kind() {
            ErrorKind::Conflict => status::CONFLICT,
            ErrorKind::Refused => status::REFUSED,
            _ => status::COWRY,
        };
        if let cowry_shell_core::Error::Host { what, path, source } = &error {
            return Failure::host(what, path, source);
        }
        Failure::with_status(status, advised(&error))
    }
}

/// The error in one line, with what to do about it where its number alone would not tell.
fn advised(error: &cowry_shell_core::Error) -> String {
    let (errno, cause) = match error {
        cowry_shell_core::Error::Files(error) => (error.errno(), error.source()),
        cowry_shell_core::Error::Store(error) => (error.errno(), error.source()),
        _ => return one_line(&error.to_string()),
    };
    let told = one_line(&error.to_string());
    let damaged = |told: String| match told {
        told if error.is_lost_content() => {
            format!("{told}; `cowry check --deep` names all files that lost something")
        }
        told if error.is_of_bucket() => told,
        told => damaged(told),
    };
    match (errno, cause) {
        // It says who has the workspace, and how to find out.
        (Errno::EBUSY, Some(cause)) => one_line(&cause.to_string()),
        (Errno::EBUSY, None) => {
            "the workspace is locked by another process: wait for it to end and try again".into()
        }
        (Errno::EDQUOT, _) => {
            format!("{told}; `cowry quota` shows what the workspace's quota is, and changes it")
        }
        (Errno::EIO, Some(cause)) if !told.contains(&cause.to_string()) => {
            damaged(format!("{told}: {}", one_line(&cause.to_string())))
        }
        (Errno::EIO, _) => damaged(told),
        _ => told,
    }
}

/// What failed, and where to look, unless that was said.
fn damaged(told: String) -> String {
    let is_said = told.contains("put it back") || told.contains("`cowry ");
    if is_said { told } else { format!("{told}; `cowry check` tells whether the workspace is damaged") }
}

/// What a library says in its own words.
macro_rules! from_error {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Failure {
                Failure::from(cowry_shell_core::Error::from(error))
            }
        })*
    };
}

from_error!(
    cowry_shell_core::FsError,
    cowry_shell_core::MountError,
    cowry_shell_core::PolicyError,
    cowry_shell_core::RevisionError
);
