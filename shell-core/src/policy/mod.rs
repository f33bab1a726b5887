//! What a run may use and what becomes of what it wrote: `cowry.toml`.

mod file;
mod glob;
mod rules;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use cowry_runtime::Limits;

pub use self::glob::{Glob, GlobError};
pub use self::rules::{FileRules, Keep, Rule, RuleJudge, When};
use crate::mount::Mount;

/// Everything that a policy file can say.
///
/// The default persists everything but `/tmp`, mounts nothing and has the runtime's own limits.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Which paths persist.
    pub files: FileRules,
    /// What is mounted beside the workspace.
    pub mounts: Vec<Mount>,
    /// Whether a run is refused where the kernel lacks a part of the lockdown.
    pub strict: bool,
    /// Limits that differ from the runtime's own.
    pub limits: LimitSettings,
}

/// Limits of a run; what is `None` is left at the runtime's default.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LimitSettings {
    /// Engine heap and array buffers, in bytes (default 128 MiB).
    pub memory: Option<u64>,
    /// Processor time (default 30 s).
    pub cpu: Option<Duration>,
    /// Time on the clock (default 60 s).
    pub wall: Option<Duration>,
    /// Everything written and not yet committed, in bytes (default 1 GiB).
    pub scratch: Option<u64>,
    /// How much of that stays in memory, in bytes (default 64 MiB).
    pub scratch_memory: Option<u64>,
    /// Files and directories made (default 100,000).
    pub files: Option<u64>,
    /// Console output kept, in bytes (default 1 MiB); more is counted and dropped.
    pub log: Option<u64>,
    /// The result, in bytes (default 16 MiB).
    pub result: Option<u64>,
}

impl LimitSettings {
    /// These limits over the runtime's own.
    pub fn resolve(&self) -> Limits {
        let default = Limits::default();
        Limits {
            memory_bytes: self.memory.unwrap_or(default.memory_bytes),
            cpu: self.cpu.unwrap_or(default.cpu),
            wall: self.wall.unwrap_or(default.wall),
            scratch_memory_bytes: self.scratch_memory.unwrap_or(default.scratch_memory_bytes),
            scratch_bytes: self.scratch.unwrap_or(default.scratch_bytes),
            files: self.files.unwrap_or(default.files),
            log_bytes: self.log.unwrap_or(default.log_bytes),
            result_bytes: self.result.unwrap_or(default.result_bytes),
        }
    }
}

/// A policy that cannot be used. The message names the place and says what to write.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file could not be read.
    #[error("cannot read the policy {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the host said.
        reason: String,
    },
    /// Something in it is wrong.
    #[error("{place}: {problem}")]
    Invalid {
        /// File and line, such as `cowry.toml:12`.
        place: String,
        /// What is wrong, and what to write.
        problem: String,
    },
}

impl Policy {
    /// Reads a policy file; relative mount sources are relative to its folder.
    ///
    /// # Errors
    /// If it cannot be read or used.
    pub fn load(path: &Path) -> Result<Policy, PolicyError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| PolicyError::Unreadable { path: path.into(), reason: error.to_string() })?;
        Policy::parse(&text, &path.display().to_string(), path.parent().unwrap_or(Path::new("")))
    }

    /// Reads the text of a policy; `name` stands for it in messages, `folder` is where relative sources begin.
    ///
    /// # Errors
    /// If it cannot be used; an unknown key is refused with its line and the keys there are.
    pub fn parse(text: &str, name: &str, folder: &Path) -> Result<Policy, PolicyError> {
        file::parse(text, name, folder)
    }
}
