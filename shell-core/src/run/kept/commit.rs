//! Committing late what a run wrote: to the workspace in one transaction, and then to mounts and buckets.

use std::sync::Arc;

use cowry_vfs::commit::{InoMap, Judge, Verdict};
use cowry_vfs::sqlite::{CommitError, CommitRequest, Revision, RevisionKind, SealInfo, SqliteLayer};
use cowry_vfs::{Errno, Layer as _, NodeResult, VPathBuf};

use super::met::Met;
use super::{Kept, Side, load, mounts};
use crate::error::{Error, Result};
use crate::policy::FileRules;
use crate::record::{ConflictRecord, Fate, RunRecord, VerdictRecord};
use crate::run::bucket;
use crate::run::finish::row;
use crate::run::late::put_in_place;
use crate::run::outside::Outside;
use crate::run::steps::Steps;
use crate::workspace::Workspace;

/// Commits what is kept, as a success of the run would have been.
pub(crate) fn commit_kept(workspace: &Workspace, record: RunRecord, side: Option<Side>) -> Result<RunRecord> {
    let kept = load(workspace, &record)?;
    let rules = record.policy.rules()?;
    let met = kept.meet(workspace)?;
    let mut late = Late::new(workspace, record, &kept, &rules)?;
    late.look(met.as_ref(), |_| side)?;
    late.stage(met.as_ref())?;
    // Paths of this run are in the workspace already: its nodes are not, so it is put in by paths.
    let by_paths = late.judge.some_committed || side == Some(Side::Theirs);
    let revision = match side {
        _ if by_paths => late.by_paths(),
        Some(Side::Ours) => late.without_conflicts(),
        _ => late.strictly(),
    };
    match revision {
        Ok(revision) => late.conclude(revision, met.as_ref()),
        Err(error) => late.give_up(error),
    }
}

/// A late commit: all that it takes.
pub(crate) struct Late<'a> {
    workspace: &'a Workspace,
    file: Arc<SqliteLayer>,
    record: RunRecord,
    kept: &'a Kept,
    judge: AfterAll<'a>,
    outside: Outside,
}

type Attempt = std::result::Result<Option<Revision>, Vec<ConflictRecord>>;

impl<'a> Late<'a> {
    pub fn new(
        workspace: &'a Workspace,
        record: RunRecord,
        kept: &'a Kept,
        rules: &'a FileRules,
    ) -> Result<Late<'a>> {
        let file = workspace.file("commit to")?.clone();
        if bucket::unfinished(workspace)?.iter().any(|(id, _)| *id == record.id) {
            let id = &record.id;
            return Err(Error::Usage(format!(
                "run {id} has something left to write to a bucket: first `cowry runs finish {id}`"
            )));
        }
        let judge = after_all(rules, &record);
        Ok(Late { workspace, file, record, kept, judge, outside: Outside::default() })
    }

    /// Looks at the mounts: what others changed there is left out, written over, or a conflict, as the side says.
    pub fn look(&mut self, met: Option<&Met<'_>>, side: impl Fn(&VPathBuf) -> Option<Side>) -> Result<()> {
        let Some(met) = met else { return Ok(()) };
        let ours = |path: &VPathBuf| side(path) == Some(Side::Ours);
        let mut open = Vec::new();
        for (path, conflict) in met.conflicts()? {
            match side(&path) {
                Some(Side::Theirs) => {}
                Some(Side::Ours) => self.judge.left_out.push(path),
                None => open.push(conflict),
            }
        }
        self.judge.left_out.extend(met.unfit()?.into_iter().filter(ours));
        if open.is_empty() { Ok(()) } else { Err(self.conflict(open)) }
    }

    /// Prepares what mounts are to get.
    pub fn stage(&mut self, met: Option<&Met<'_>>) -> Result<()> {
        let Some(met) = met else { return Ok(()) };
        self.outside = met.stage(self.workspace, &self.record.id, self.judge.rules, &self.judge.left_out)?;
        Ok(())
    }

    /// Leaves out these paths, which stay as they are.
    pub fn left_out(&mut self, paths: impl Iterator<Item = VPathBuf>) {
        self.judge.left_out.extend(paths);
    }

    fn conflict(&self, conflicts: Vec<ConflictRecord>) -> Error {
        Error::Conflict { run: Some(self.record.id.clone()), conflicts }
    }

    fn strictly(&mut self) -> Result<Option<Revision>> {
        self.attempt()?.map_err(|conflicts| self.conflict(conflicts))
    }

    /// Leaves out what conflicts; that can bring up another conflict, of a directory above.
    fn without_conflicts(&mut self) -> Result<Option<Revision>> {
        const ROUNDS: usize = 16;
        for _ in 0..ROUNDS {
            match self.attempt()? {
                Ok(revision) => return Ok(revision),
                Err(conflicts) => {
                    let paths = conflicts.iter().filter_map(|conflict| VPathBuf::parse(&conflict.path).ok());
                    self.judge.left_out.extend(paths);
                }
            }
        }
        self.strictly()
    }

    fn attempt(&mut self) -> Result<Attempt> {
        let (file, kept, info) = (self.file.clone(), self.kept, seal_info(&self.record));
        let _prepared = file.prepare(None, &kept.overlay, &InoMap::default(), &self.judge)?;
        let (mut conflicts, mut revision) = (None, None);
        let done = file.batch(&mut |_| {
            let request = CommitRequest {
                base: Revision(self.record.base),
                own: &[],
                before: None,
                after: &kept.overlay,
                committed: &mut InoMap::default(),
                judge: &self.judge,
                info: &info,
            };
            match file.commit(request) {
                Ok(done) => revision = done.revision,
                Err(CommitError::Node(error)) => return Err(error),
                Err(CommitError::Conflict(found)) => {
                    conflicts = Some(found.iter().map(ConflictRecord::of).collect());
                    return Err(Errno::EAGAIN.into());
                }
            }
            self.decide(revision)
        });
        match (done, conflicts) {
            (Ok(()), _) => Ok(Ok(revision)),
            (Err(_), Some(conflicts)) => Ok(Err(conflicts)),
            (Err(error), None) => Err(error.into()),
        }
    }

    /// Writes the run's version over whatever is there.
    fn by_paths(&mut self) -> Result<Option<Revision>> {
        let file = self.file.clone();
        let diff = self.kept.diff_of_workspace(self.workspace)?;
        let steps = Steps::of(&diff, &self.judge)?;
        let tree = self.workspace.fs();
        file.seal(&SealInfo::of(RevisionKind::Edit))?;
        let (mut failed, mut revision) = (None, None);
        let done = file.batch(&mut |_| {
            if let Err(error) = steps.apply(diff.after(), &tree) {
                failed = Some(error);
                return Err(Errno::EIO.into());
            }
            revision = file.seal(&seal_info(&self.record))?.map(|info| info.id);
            self.decide(revision)
        });
        match (done, failed) {
            (_, Some(error)) => Err(error),
            (Err(error), None) => Err(error.into()),
            (Ok(()), None) => Ok(revision),
        }
    }

    /// Part of the commit: nothing is kept any more, the record says so, and mounts are to get what is theirs.
    pub fn decide(&mut self, revision: Option<Revision>) -> NodeResult<()> {
        note_verdicts(&mut self.record, &self.judge, &self.kept.mounts_left());
        self.record.fate = match revision.map(|revision| revision.0).or(self.record.revision()) {
            Some(revision) => Fate::Committed { revision },
            None => Fate::Unchanged,
        };
        self.record.kept_until = None;
        self.record.lost.extend(self.kept.lost.iter().cloned());
        self.outside.decide(&self.file, Some(revision.map_or_else(|| self.file.head(), Ok)?))?;
        self.record.buckets = self.outside.records();
        drop_changes(&self.file, &self.record.id)?;
        self.file.put_run(&row(&self.record))
    }

    /// After the commit: writes to mounts, and promotes what a new revision has.
    pub fn conclude(self, revision: Option<Revision>, met: Option<&Met<'_>>) -> Result<RunRecord> {
        let Late { workspace, mut record, outside, .. } = self;
        if revision.is_some() || !outside.is_empty() {
            put_in_place(workspace, &mut record, outside, met.map(|met| &met.trees), revision)?;
        }
        Ok(record)
    }

    /// Nothing was committed: what mounts were to get is put away, and stays kept.
    pub fn give_up<T>(self, error: Error) -> Result<T> {
        self.outside.abandon(self.workspace)?;
        Err(error)
    }
}

/// Removes what is kept of a run; part of a transaction.
pub(super) fn drop_changes(file: &SqliteLayer, id: &str) -> NodeResult<()> {
    file.drop_run_changes(id)?;
    file.drop_run_changes(&mounts::key(id)).map(drop)
}

/// Notes what became of paths that a run's end had discarded and that were committed late. Of mounts of which nothing
/// was kept nothing is.
fn note_verdicts(record: &mut RunRecord, judge: &AfterAll<'_>, outside: &[VPathBuf]) {
    let rules = judge.rules.judge(true);
    for change in record.changes.iter_mut().filter(|change| change.verdict == VerdictRecord::Discard) {
        let Ok(path) = VPathBuf::parse(&change.path) else { continue };
        if !outside.iter().chain(&judge.left_out).any(|outside| path.is_within(outside)) {
            change.verdict = rules.verdict(&path).into();
        }
    }
}

/// Judges as a success would have been, without what is in the workspace already or is left to others.
#[derive(Debug)]
pub(crate) struct AfterAll<'a> {
    pub rules: &'a FileRules,
    /// The run failed, and what persists then was committed then.
    some_committed: bool,
    pub left_out: Vec<VPathBuf>,
}

/// The judge of what a run is to commit late.
pub(crate) fn after_all<'a>(rules: &'a FileRules, record: &RunRecord) -> AfterAll<'a> {
    AfterAll { rules, some_committed: record.revision().is_some(), left_out: Vec::new() }
}

impl Judge for AfterAll<'_> {
    fn verdict(&self, path: &VPathBuf) -> Verdict {
        let left_out = self.left_out.iter().any(|other| path.is_within(other));
        let there = self.some_committed && self.rules.judge(false).verdict(path) != Verdict::Discard;
        if left_out || there { Verdict::Discard } else { self.rules.judge(true).verdict(path) }
    }

    fn verdict_below(&self, path: &VPathBuf) -> Option<Verdict> {
        if self.left_out.iter().any(|other| path.is_within(other)) {
            return Some(Verdict::Discard);
        }
        let mixed = self.some_committed || self.left_out.iter().any(|other| other.is_within(path));
        if mixed { None } else { self.rules.judge(true).verdict_below(path) }
    }
}

fn seal_info(record: &RunRecord) -> SealInfo {
    SealInfo {
        kind: RevisionKind::Run,
        message: record.message.clone().or_else(|| Some(record.program.name.clone())),
        run: Some(record.id.clone()),
    }
}
