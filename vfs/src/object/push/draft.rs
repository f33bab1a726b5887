//! The copy of a workspace that is pushed.

use std::path::{Path, PathBuf};

use super::manifest::Manifest;
use super::{Content, PushError, PushInfo, PushOptions, PushProgress, Stage};
use crate::sqlite::SqliteLayer;
use crate::sqlite::travel::{self, Claim};

/// The copy that is pushed, which goes in the end.
pub(super) struct Draft {
    pub(super) path: PathBuf,
    _claim: Claim,
}

impl Draft {
    pub(super) fn make(
        layer: &SqliteLayer,
        options: &PushOptions,
        on_progress: &mut dyn FnMut(PushProgress),
    ) -> Result<Draft, PushError> {
        let workspace = layer.path();
        let lock = travel::beside(workspace, "-pushing");
        let claim = Claim::take(lock).map_err(PushError::host("make a copy beside", workspace))?;
        let Some(claim) = claim else {
            let workspace = workspace.display();
            let why = format!("{workspace} is being pushed by another process: try again when that is done");
            return Err(PushError::Conflict(why));
        };
        let draft = Draft { path: travel::beside(workspace, "-push"), _claim: claim };
        let copying = |bytes, of_bytes| PushProgress { stage: Stage::Copying, blocks: 0, bytes, of_bytes };
        match options.revision {
            None => layer.copy_out(&draft.path, &mut |done, all| on_progress(copying(done, all)))?,
            Some(revision) => layer.copy_revision(&draft.path, revision)?,
        }
        Ok(draft)
    }

    /// What the copy is, by what is in it.
    pub(super) fn info(
        &self,
        layer: &SqliteLayer,
        options: &PushOptions,
        last: Option<&Manifest>,
        bytes: u64,
    ) -> Result<PushInfo, PushError> {
        let arrival = travel::inspect(&self.path)?;
        Ok(PushInfo {
            name: options.name.clone(),
            number: last.map_or(0, |last| last.info.number) + 1,
            workspace: arrival.workspace,
            revision: arrival.head,
            sealed_at: arrival.sealed_at,
            pushed_at: layer.options().clock.now(),
            bytes,
            content: if options.revision.is_some() { Content::Revision } else { Content::Workspace },
            version: env!("CARGO_PKG_VERSION").into(),
        })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

pub(super) fn remove(draft: &Path) {
    travel::clear_beside(draft);
    let _ = std::fs::remove_file(draft);
}
