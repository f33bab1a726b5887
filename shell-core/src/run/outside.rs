//! What a commit writes outside the workspace: to host directories and to buckets.

use cowry_vfs::NodeResult;
use cowry_vfs::sqlite::{Revision, SqliteLayer};

use super::bucket::{self, Before};
use super::host;
use super::late::Promotion;
use super::steps::Steps;
use super::trees::Trees;
use crate::diff::Diff;
use crate::error::{Error, Result};
use crate::mount::Mount;
use crate::policy::RuleJudge;
use crate::record::{BucketRecord, ConflictRecord};
use crate::workspace::Workspace;

/// Everything staged, and nothing in place yet.
#[derive(Debug, Default)]
pub(crate) struct Outside {
    host: Option<host::Staged>,
    buckets: Option<bucket::Staged>,
}

/// Everything that staging is about.
pub(crate) struct Staging<'a> {
    pub workspace: &'a Workspace,
    /// What names the run or commit.
    pub id: &'a str,
    pub trees: &'a Trees,
    pub mounts: &'a [Mount],
    pub diff: &'a Diff,
    pub judge: &'a RuleJudge<'a>,
}

impl Staging<'_> {
    /// Prepares all writes, unless somebody else was there first.
    pub fn stage(&self) -> Result<std::result::Result<Outside, Vec<ConflictRecord>>> {
        let host = match self.stage_host()? {
            Ok(host) => host,
            Err(conflicts) => return Ok(Err(conflicts)),
        };
        let outside = Outside { host, buckets: None };
        match bucket::stage(self.workspace, self.id, self.trees, self.diff, self.judge) {
            Ok(Before::Ready(buckets)) => Ok(Ok(Outside { buckets, ..outside })),
            Ok(Before::Conflict(conflicts)) => {
                outside.abandon(self.workspace)?;
                Ok(Err(conflicts))
            }
            Err(error) => {
                outside.abandon(self.workspace)?;
                Err(error)
            }
        }
    }

    fn stage_host(&self) -> Result<std::result::Result<Option<host::Staged>, Vec<ConflictRecord>>> {
        if !self.mounts.iter().any(|mount| mount.is_writable() && mount.folder().is_some()) {
            return Ok(Ok(None));
        }
        let conflicts = host::conflicts(self.mounts, self.diff)?;
        if !conflicts.is_empty() {
            return Ok(Err(conflicts));
        }
        let steps = Steps::of(self.diff, self.judge)?;
        host::stage(self.workspace, self.id, self.mounts, &steps, self.diff.after()).map(Ok)
    }
}

impl Outside {
    /// Says that everything is to be put in place; part of the commit, which made `revision`.
    pub fn decide(&mut self, file: &SqliteLayer, revision: Option<Revision>) -> NodeResult<()> {
        self.host.as_mut().map_or(Ok(()), |host| host.decide(file))?;
        self.buckets.as_mut().map_or(Ok(()), |buckets| buckets.decide(file, revision))
    }

    /// Whether nothing is to be written anywhere.
    pub fn is_empty(&self) -> bool {
        self.host.is_none() && self.buckets.is_none()
    }

    /// What is to be written to buckets.
    pub fn records(&self) -> Vec<BucketRecord> {
        self.buckets.as_ref().map(bucket::Staged::records).unwrap_or_default()
    }

    /// Has what the commit promotes written to buckets, too.
    pub fn promote(&mut self, workspace: &Workspace, promotion: &Promotion<'_>) -> Result<()> {
        bucket::promote(workspace, &mut self.buckets, promotion)
    }

    /// Puts everything in place that can be, and tells of buckets how that went.
    pub fn put_in_place(self, workspace: &Workspace, trees: Option<&Trees>) -> Result<Vec<BucketRecord>> {
        let host = self.host.map_or(Ok(()), |host| host.put_in_place(workspace));
        let buckets = self.buckets.map(|buckets| buckets.put_in_place(workspace, trees));
        host?;
        buckets.transpose().map(Option::unwrap_or_default)
    }

    /// Removes what was staged.
    pub fn abandon(self, workspace: &Workspace) -> Result<()> {
        let host = self.host.map_or(Ok(()), |host| host.abandon(workspace));
        let buckets = self.buckets.map_or(Ok(()), |buckets| buckets.abandon(workspace));
        host.and(buckets)
    }
}

/// Refuses, before any work is done, what could not be written at its end.
pub(crate) fn check(workspace: &Workspace, files: &crate::policy::FileRules) -> Result<()> {
    let Some(to) = files.promoted_to().first().copied() else { return Ok(()) };
    if workspace.is_scratch() {
        return Err(Error::Usage(format!(
            "the policy promotes files to {to}, which takes a workspace: name one with -w FILE or COWRY_WORKSPACE"
        )));
    }
    bucket::meet(files)
}
