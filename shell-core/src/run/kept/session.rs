//! What a session could not commit because of others, kept as the changes of a run.

use std::sync::Arc;

use cowry_runtime::{Lockdown, Outcome, Usage};
use cowry_vfs::sqlite::Revision;
use cowry_vfs::{Atime, Change, Overlay, OverlayOptions, ScratchLimits, Vfs, VfsOptions};

use crate::diff::Diff;
use crate::error::Result;
use crate::policy::Policy;
use crate::record::{
    CHANGES_RECORDED, ChangeRecord, ConflictRecord, Fate, PolicyRecord, ProgramRecord, RunRecord,
};
use crate::run::Run;
use crate::run::finish::{Ending, KEPT_BYTES};
use crate::run::steps::Steps;
use crate::run::trees::Trees;
use crate::workspace::Workspace;
use cowry_vfs::commit::Judge as _;

/// What a run of this kind is called in place of its program.
const NAME: &str = "[session]";

/// A commit that did not come about, and all that it was about.
pub(crate) struct Uncommitted<'a> {
    pub id: &'a str,
    pub workspace: &'a Workspace,
    pub policy: &'a Policy,
    pub trees: &'a Trees,
    /// The revision that the session began with.
    pub base: Revision,
    /// Those that it made since.
    pub own: &'a [Revision],
    pub written: &'a [Option<Overlay>],
    /// What is new since the last of them.
    pub diff: &'a Diff,
    pub message: Option<&'a str>,
    pub conflicts: &'a [ConflictRecord],
}

impl Uncommitted<'_> {
    /// Keeps it for [`commit_kept`](super::commit_kept). `false`: it is not kept, or not all of it.
    pub fn keep(&self) -> Result<bool> {
        let Some((base, root)) = self.workspace_part()? else { return Ok(false) };
        let mounts = self.written.iter().skip(1).map(|overlay| overlay.as_ref().map(Overlay::fork));
        let overlays: Vec<Option<Overlay>> = std::iter::once(Some(root)).chain(mounts).collect();
        let run = Run { policy: self.policy.clone(), ..Run::expression("") };
        let ending = Ending {
            workspace: self.workspace,
            run: &run,
            trees: self.trees,
            overlays: &overlays,
            diff: self.diff,
            judge: self.policy.files.judge(true),
        };
        let mut record = self.record(base);
        ending.write(self.workspace.file("keep changes in")?, &mut record, false)?;
        Ok(record.kept_until.is_some() && record.lost.is_empty())
    }

    /// What is new of the workspace, over the revision that it is new to. `None`: that cannot be told, as others came
    /// in between the session's own commits, or it is too large.
    fn workspace_part(&self) -> Result<Option<(Revision, Overlay)>> {
        let Some(Some(written)) = self.written.first() else { return Ok(None) };
        let Some(last) = self.own.last().copied() else { return Ok(Some((self.base, written.fork()))) };
        // What others did in between would pass for what the session saw.
        if last.0 - self.base.0 != self.own.len() as u64 {
            return Ok(None);
        }
        let limits =
            ScratchLimits { memory_bytes: KEPT_BYTES, total_bytes: KEPT_BYTES, ..ScratchLimits::UNLIMITED };
        let options = OverlayOptions { clock: self.workspace.clock(), limits, ..OverlayOptions::default() };
        let overlay = Arc::new(Overlay::new(self.workspace.layer_at(last)?, options));
        let options = VfsOptions { umask: 0, atime: Atime::Never, ..VfsOptions::default() };
        let in_mount =
            |change: &Change| self.policy.mounts.iter().any(|mount| change.path.is_within(&mount.at));
        let judge = self.policy.files.judge(true);
        let steps = Steps::of_those(self.diff, &judge, |change| !in_mount(change))?;
        let applied = steps.apply(self.diff.after(), &Vfs::new(overlay.clone(), options));
        Ok(applied.is_ok().then(|| (last, overlay.fork())))
    }

    fn record(&self, base: Revision) -> RunRecord {
        let (now, judge) = (self.workspace.clock().now(), self.policy.files.judge(true));
        let changes = self.diff.changes.iter().take(CHANGES_RECORDED);
        RunRecord {
            id: self.id.into(),
            started: now,
            ended: now,
            program: ProgramRecord { name: NAME.into(), hash: String::new() },
            input_hash: None,
            args: Vec::new(),
            env_names: Vec::new(),
            seed: None,
            message: self.message.map(Into::into),
            policy: PolicyRecord::of(self.policy),
            dry_run: false,
            base: base.0,
            outcome: Outcome::Completed { exit_code: 0 },
            result: None,
            usage: Usage::default(),
            logs: Vec::new(),
            logs_dropped: 0,
            changes: changes.map(|change| ChangeRecord::of(change, judge.verdict(&change.path))).collect(),
            changes_omitted: self.diff.changes.len().saturating_sub(CHANGES_RECORDED) as u64,
            lockdown: Lockdown::default(),
            fate: Fate::Conflict,
            conflicts: self.conflicts.to_vec(),
            kept_until: None,
            kept_mounts: Vec::new(),
            unread: Vec::new(),
            lost: Vec::new(),
            buckets: Vec::new(),
        }
    }
}
