//! What can be mounted beside a workspace, as people write it.

use std::path::{Path, PathBuf};

use cowry_vfs::VPathBuf;

/// A host directory in the tree of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mount {
    /// Where it appears.
    pub at: VPathBuf,
    /// The directory on the host.
    pub source: PathBuf,
    /// Whether what a run writes there reaches the host.
    pub mode: MountMode,
}

/// Whether a mount can be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MountMode {
    /// Writing fails with `EROFS`.
    #[default]
    ReadOnly,
    /// Writes are held until the run has committed, then applied to the host entry by entry.
    ReadWrite,
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
    /// A mount of `source`, relative to `folder`, at the absolute path `at`.
    ///
    /// # Errors
    /// If `at` is relative, the root or below `/program`, or `source` names object storage.
    pub fn new(at: &str, source: &str, mode: MountMode, folder: &Path) -> Result<Mount, MountError> {
        let bad = |problem: &str| MountError { text: format!("{at}={source}"), problem: problem.into() };
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
        if source.contains("://") {
            return Err(bad("only host directories can be mounted; object storage is not there yet"));
        }
        Ok(Mount { at: place, source: folder.join(source), mode })
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

    /// Whether what a run writes there reaches the host.
    pub fn is_writable(&self) -> bool {
        self.mode == MountMode::ReadWrite
    }
}
