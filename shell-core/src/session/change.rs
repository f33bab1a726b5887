//! What changes a session and not its workspace: undoing entries, mounts, limits.

use cowry_runtime::Limits;

use super::{Session, fork_all};
use crate::diff::Diff;
use crate::error::{Error, Result};
use crate::mount::Mount;
use crate::policy::LimitSettings;

impl Session {
    /// Undoes what the last entry that changed files did to them; globals stay as they are. Returns what is undone.
    ///
    /// # Errors
    /// If no entry since the last commit has changed files, or that is not remembered any more.
    pub fn undo(&mut self) -> Result<Diff> {
        let before = fork_all(&self.written);
        while let Some(at) = self.wrote.iter().rposition(|wrote| *wrote) {
            let entries = self.wrote.len() - at;
            let undone = self.sandbox()?.undo(entries)?;
            if self.settle() || !undone {
                self.wrote.clear();
                return Err(Error::Usage(
                    "that is not remembered any more: .discard goes back to the last commit".into(),
                ));
            }
            self.wrote.truncate(at);
            let diff = self.trees.diff_since(&self.written, &before)?;
            // An entry that only read has written times of access.
            if !diff.is_empty() {
                return Ok(diff);
            }
        }
        Err(Error::Usage("nothing to undo: no entry since the last commit changed files".into()))
    }

    /// Mounts a host directory from the next entry on, in a new sandbox: globals are lost, files are not.
    ///
    /// # Errors
    /// If it cannot be mounted there; nothing has changed then.
    pub fn mount(&mut self, mount: Mount) -> Result<()> {
        self.trees.add(&mount)?;
        if let Err(error) = self.trees.after(&self.written) {
            self.trees.remove_last();
            return Err(error);
        }
        self.options.policy.mounts.push(mount);
        self.restart()
    }

    /// What is mounted beside the workspace.
    pub fn mounts(&self) -> &[Mount] {
        &self.options.policy.mounts
    }

    /// Sets the limits of entries from the next one on, in a new sandbox: globals are lost, files are not.
    ///
    /// # Errors
    /// If the sandbox cannot be made.
    pub fn set_limits(&mut self, limits: LimitSettings) -> Result<()> {
        self.options.policy.limits = limits;
        self.restart()
    }

    /// The limits that were asked for; the others are the defaults.
    pub fn limit_settings(&self) -> &LimitSettings {
        &self.options.policy.limits
    }

    /// The limits of each entry.
    pub fn limits(&self) -> Limits {
        self.options.policy.limits.resolve()
    }
}
