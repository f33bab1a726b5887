//! What came of a merge, and what each side has where there is a conflict.

use std::sync::Arc;

use cowry_vfs::merge::{MergeConflict, Method, Resolution};
use cowry_vfs::sqlite::{BaseOwner, Revision, RevisionInfo};
use cowry_vfs::{Errno, FileType, Layer, VPathBuf};

use crate::diff::Diff;
use crate::error::Result;

/// What came of a merge.
#[derive(Debug)]
pub struct MergeReport {
    /// The revision that was started from, and which of the two has it.
    pub base: (BaseOwner, Revision),
    /// The revision of ours that was merged into.
    pub ours: Revision,
    /// The revision of the other workspace that was merged; `None` if it was a run.
    pub theirs: Option<Revision>,
    /// The new revision; `None` if there are conflicts, nothing to merge, or nothing was to be committed.
    pub revision: Option<RevisionInfo>,
    /// What needs a decision. While there is any, nothing was changed.
    pub conflicts: Vec<MergeConflict>,
    /// What needed one and got it from the options.
    pub resolved: Vec<(MergeConflict, Resolution)>,
    /// Files that both changed and that were put together, and how.
    pub combined: Vec<(VPathBuf, Method)>,
    /// What the merge changes of ours. Where there is a conflict it is as ours has it.
    pub diff: Diff,
    pub(super) trees: [Arc<dyn Layer>; 3],
}

/// One of the three states of a merge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MergeVersion {
    /// What both started from.
    Base,
    /// What is merged into.
    Ours,
    /// What is merged.
    Theirs,
}

/// What one state has where there is a conflict.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum VersionContent {
    /// Nothing: it was removed, or was never there.
    Missing,
    /// A file.
    File(Vec<u8>),
    /// A symbolic link, and its target.
    Link(String),
    /// A directory, and the names in it.
    Directory(Vec<String>),
    /// A FIFO, a socket or a device.
    Other(FileType),
}

impl MergeReport {
    /// Whether it needs decisions.
    pub fn has_conflicts(&self) -> bool {
        !self.conflicts.is_empty()
    }

    /// The conflict at a path, settled or not.
    pub fn conflict(&self, path: &VPathBuf) -> Option<&MergeConflict> {
        let settled = self.resolved.iter().map(|(conflict, _)| conflict);
        self.conflicts.iter().chain(settled).find(|conflict| conflict.path == *path)
    }

    /// What one state has where there is a conflict, in full.
    ///
    /// # Errors
    /// If its tree cannot be read.
    pub fn content(&self, conflict: &MergeConflict, version: MergeVersion) -> Result<VersionContent> {
        let (tree, node) = match version {
            MergeVersion::Base => (&self.trees[0], conflict.base),
            MergeVersion::Ours => (&self.trees[1], conflict.ours),
            MergeVersion::Theirs => (&self.trees[2], conflict.theirs),
        };
        let Some(node) = node else { return Ok(VersionContent::Missing) };
        let stat = match tree.getattr(node) {
            Err(error) if error == Errno::ESTALE => return Ok(VersionContent::Missing),
            stat => stat?,
        };
        Ok(match stat.kind {
            FileType::Regular => VersionContent::File(whole(&**tree, &stat)?),
            FileType::Symlink => VersionContent::Link(tree.readlink(node)?),
            FileType::Directory => {
                let entries = tree.readdir(node, None, usize::MAX)?;
                VersionContent::Directory(entries.into_iter().map(|entry| entry.name.to_string()).collect())
            }
            other => VersionContent::Other(other),
        })
    }
}

fn whole(tree: &dyn Layer, stat: &cowry_vfs::Stat) -> Result<Vec<u8>> {
    const PIECE: usize = 1 << 20;
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < stat.size {
        let piece = tree.read(stat.ino, bytes.len() as u64, PIECE)?;
        if piece.is_empty() {
            break;
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}
