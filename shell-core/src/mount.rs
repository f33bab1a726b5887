//! What can be mounted beside a workspace, as people write it.

use std::fmt;
use std::path::{Path, PathBuf};

use cowry_vfs::VPathBuf;

use crate::address::Address;

/// A host directory or a bucket in the tree of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mount {
    /// Where it appears.
    pub at: VPathBuf,
    /// What appears there.
    pub source: MountSource,
    /// Whether what a run writes there reaches the source.
    pub mode: MountMode,
}

/// What is mounted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MountSource {
    /// A directory of the host.
    Folder(PathBuf),
    /// A bucket, or what is below a prefix of one. Its keys are the environment's and no program sees them.
    Bucket(Address),
}

impl fmt::Display for MountSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MountSource::Folder(path) => path.display().fmt(f),
            MountSource::Bucket(address) => address.fmt(f),
        }
    }
}

/// Whether a mount can be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MountMode {
    /// Writing fails with `EROFS`.
    #[default]
    ReadOnly,
    /// Writes are held until the run has committed, then applied to the source entry by entry.
    ReadWrite,
}

/// Whether what follows a colon at the end of an address is more likely meant as a mode than as part of a prefix.
fn is_like_a_mode(text: &str) -> bool {
    (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// A mount that cannot be used. The message says what to write.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("mount \"{text}\": {problem}")]
pub struct MountError {
    /// The mount as written.
    pub text: String,
    /// What is wrong with it, and what to write.
    pub problem: String,
}

impl Mount {
    /// A mount of `source` at the absolute path `at`: a directory, relative to `folder`, or the address of a bucket.
    ///
    /// # Errors
    /// If `at` is relative, the root or below `/program`, or `source` is an address that cannot be.
    pub fn new(at: &str, source: &str, mode: MountMode, folder: &Path) -> Result<Mount, MountError> {
        // An address may hold a key by mistake, which must not be repeated.
        let shown = if source.contains('@') { "…" } else { source };
        let bad = |problem: &str| MountError { text: format!("{at}={shown}"), problem: problem.into() };
        if !at.starts_with('/') {
            return Err(bad("the place must be an absolute path, such as /data"));
        }
        let place = VPathBuf::parse(at).map_err(|error| bad(&error.to_string()))?;
        if place.is_root() {
            return Err(bad("the root is the workspace itself; mount below it, such as /data"));
        }
        if place.components().next().is_some_and(|first| first.as_str() == "program") {
            return Err(bad("/program is where the program's own folder is; mount elsewhere"));
        }
        if source.is_empty() {
            return Err(bad("the source is missing; write /data=./folder"));
        }
        let source = if Address::is_one(source) {
            if let Some((_, mode)) = source.rsplit_once(':').filter(|(_, mode)| is_like_a_mode(mode)) {
                return Err(bad(&format!(
                    "\":{mode}\" is no mode; write :ro or :rw (a prefix that ends so is written with a slash behind it)"
                )));
            }
            MountSource::Bucket(Address::parse(source).map_err(|problem| bad(&problem))?)
        } else {
            MountSource::Folder(folder.join(source))
        };
        Ok(Mount { at: place, source, mode })
    }

    /// Reads `/data=SOURCE`, `/data=SOURCE:ro` or `/data=SOURCE:rw`, as `--mount` has it.
    ///
    /// # Errors
    /// If there is no `=`, and as [`Mount::new`].
    pub fn parse(text: &str) -> Result<Mount, MountError> {
        let missing =
            || MountError { text: text.into(), problem: "write /data=SOURCE, or /data=SOURCE:rw".into() };
        let (at, source) = text.split_once('=').ok_or_else(missing)?;
        let (source, mode) = match source.rsplit_once(':') {
            Some((source, "ro")) => (source, MountMode::ReadOnly),
            Some((source, "rw")) => (source, MountMode::ReadWrite),
            _ => (source, MountMode::ReadOnly),
        };
        Mount::new(at, source, mode, Path::new(""))
    }

    /// The directory of the host, if it is one.
    pub fn folder(&self) -> Option<&Path> {
        match &self.source {
            MountSource::Folder(path) => Some(path),
            MountSource::Bucket(_) => None,
        }
    }

    /// The bucket, if it is one.
    pub fn bucket(&self) -> Option<&Address> {
        match &self.source {
            MountSource::Folder(_) => None,
            MountSource::Bucket(address) => Some(address),
        }
    }

    /// Whether what a run writes there reaches the source.
    pub fn is_writable(&self) -> bool {
        self.mode == MountMode::ReadWrite
    }
}
