//! Mounts as they are now, for what a run wrote to them earlier.

use std::path::Path;
use std::sync::Arc;

use cowry_vfs::{Layer, Overlay, VPathBuf};

use super::mounts::{KeptMounts, Seen, seen};
use crate::diff::Diff;
use crate::error::{Error, Result};
use crate::mount::{Mount, MountMode};
use crate::policy::FileRules;
use crate::record::ConflictRecord;
use crate::run::bucket;
use crate::run::outside::{Outside, Staging};
use crate::run::steps::{Make, What};
use crate::run::trees::Trees;
use crate::workspace::Workspace;

/// What is kept of mounts, and the mounts as they are now: what is seen of them at first is what stays true of them.
#[derive(Debug)]
pub(crate) struct Met<'a> {
    kept: &'a KeptMounts,
    mounts: Vec<Mount>,
    pub trees: Trees,
}

impl KeptMounts {
    /// Opens the mounts beside a workspace's tree.
    pub fn meet(&self, workspace: &Workspace, root: Arc<dyn Layer>) -> Result<Met<'_>> {
        let places = self.index.places.iter();
        let mounts: Vec<Mount> = places
            .map(|place| Mount::new(place.at.as_str(), &place.source, MountMode::ReadWrite, Path::new("")))
            .collect::<std::result::Result<_, _>>()?;
        let trees = Trees::open(root, &mounts, workspace.clock())?;
        Ok(Met { kept: self, mounts, trees })
    }
}

impl Met<'_> {
    /// The paths that are not as the run saw them.
    pub fn conflicts(&self) -> Result<Vec<(VPathBuf, ConflictRecord)>> {
        let before = self.trees.before()?;
        let mut found = Vec::new();
        for (path, was) in self.kept.index.paths() {
            let Some(mount) = self.mount_of(path) else { continue };
            let is = seen(&self.trees, &before, &mount.at, path)?;
            if !self.agree(path, was, &is) {
                let what = format!("changed in {} since", mount.source);
                found.push((path.clone(), ConflictRecord { path: path.to_string(), what }));
            }
        }
        Ok(found)
    }

    /// Whether what is there can give way to what the run wrote. What is gone need not be removed, and a directory that
    /// was to be made may be there.
    fn agree(&self, path: &VPathBuf, was: &Seen, is: &Seen) -> bool {
        match (self.kept.index.makes.get(path), is) {
            (None, Seen::Absent) | (Some((What::Directory, _)), Seen::Directory) => true,
            _ => was == is,
        }
    }

    fn mount_of(&self, path: &VPathBuf) -> Option<&Mount> {
        let over = self.mounts.iter().filter(|mount| path.is_within(&mount.at));
        over.max_by_key(|mount| mount.at.as_str().len())
    }

    /// The paths that no retry would put into their buckets.
    pub fn unfit(&self) -> Result<Vec<VPathBuf>> {
        let steps = self.kept.steps()?;
        let is_unfit = |(path, make): &(&VPathBuf, &Make)| {
            self.mount_of(path).is_some_and(|mount| {
                let name = path.as_str().strip_prefix(mount.at.as_str()).unwrap_or_default();
                let name = name.trim_start_matches('/');
                mount.bucket().is_some_and(|address| {
                    make.what == What::Symlink || !bucket::takes(address, name, make.stat.size)
                })
            })
        };
        Ok(steps.makes.iter().filter(is_unfit).map(|(path, _)| path.clone()).collect())
    }

    /// What the run wrote, over what is there now; `root` is what it wrote to the workspace.
    pub fn diff(&self, root: Option<&Overlay>, left_out: &[VPathBuf]) -> Result<Diff> {
        let (onto, overlays) = self.trees.writable()?;
        let stays = |path: &VPathBuf| left_out.iter().any(|out| path.is_within(out));
        let mut steps = self.kept.steps()?;
        steps.removes.retain(|path| !stays(path));
        steps.makes.retain(|path, _| !stays(path));
        steps.apply(&self.kept.tree(), &onto)?;
        let written: Vec<Option<Overlay>> = std::iter::once(root.map(Overlay::fork))
            .chain(overlays.iter().map(|overlay| Some(overlay.fork())))
            .collect();
        self.trees.diff(&written)
    }

    /// Prepares the writes, to be made if the commit is.
    pub fn stage(
        &self,
        workspace: &Workspace,
        id: &str,
        rules: &FileRules,
        left_out: &[VPathBuf],
    ) -> Result<Outside> {
        let diff = self.diff(None, left_out)?;
        let judge = rules.judge(true);
        let (trees, mounts) = (&self.trees, self.mounts.as_slice());
        let staging = Staging { workspace, id, trees, mounts, diff: &diff, judge: &judge };
        staging.stage()?.map_err(|conflicts| Error::Conflict { run: Some(id.into()), conflicts })
    }
}
