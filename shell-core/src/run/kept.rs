//! Runs that were not committed: looking at their changes, committing them after all, dropping them.

use std::sync::Arc;

use cowry_vfs::commit::{InoMap, Judge, Verdict};
use cowry_vfs::sqlite::{CommitError, CommitRequest, Revision, RevisionKind, SealInfo};
use cowry_vfs::{DeltaBounds, Errno, Layer, Overlay, OverlayOptions, ScratchLimits, VPathBuf};

use super::finish::row;
use super::steps::Steps;
use super::trees::Trees;
use crate::diff::Diff;
use crate::error::{Error, Result};
use crate::policy::FileRules;
use crate::record::{ConflictRecord, Fate, RunRecord, VerdictRecord};
use crate::workspace::Workspace;

/// Whose version of a path that both changed is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// The workspace's, as it is now: what the run changed there is left out.
    Ours,
    /// The run's: it is written over what is there.
    Theirs,
}

/// The shortest beginning of an id that is looked for.
const PREFIX_MIN: usize = 3;
/// How many of the runs that an id could mean are shown.
const SHOWN: usize = 3;

/// What may stand for the id of the newest run.
const LATEST: &str = "latest";

/// The record of the run with this id, or the only one whose id begins so, or the newest.
pub(crate) fn find(workspace: &Workspace, id: &str) -> Result<RunRecord> {
    let file = workspace.file("look up a run of")?;
    if id == LATEST {
        let newest = workspace.runs(1)?.into_iter().next();
        return newest.ok_or_else(|| Error::NoRun { id: id.into() });
    }
    if let Some(row) = file.run(id)? {
        return RunRecord::decode(&row.record);
    }
    let none = || Error::NoRun { id: id.into() };
    if id.len() < PREFIX_MIN {
        return Err(none());
    }
    let found = file.run_ids(id, SHOWN)?;
    match found.as_slice() {
        [] => Err(none()),
        [only] => RunRecord::decode(&file.run(only)?.ok_or_else(none)?.record),
        _ => Err(Error::AmbiguousRun { id: id.into(), found }),
    }
}

/// What the run changed: from what is kept, or from the revision that it became.
pub(crate) fn diff_kept(workspace: &Workspace, record: &RunRecord) -> Result<Diff> {
    match (load(workspace, record), record.revision()) {
        (Ok(kept), _) => kept.diff(workspace),
        (Err(_), Some(revision)) => workspace.diff(Revision(revision.saturating_sub(1)), Revision(revision)),
        (Err(error), None) => Err(error),
    }
}

/// Commits what is kept, as a success of the run would have been.
pub(crate) fn commit_kept(
    workspace: &Workspace,
    mut record: RunRecord,
    side: Option<Side>,
) -> Result<RunRecord> {
    let kept = load(workspace, &record)?;
    let rules = record.policy.rules()?;
    let mut judge = after_all(&rules, &record);
    let revision = match side {
        // Paths of this run are in the workspace already: its nodes are not, so it is put in by paths.
        _ if judge.some_committed => by_paths(workspace, &record, &kept, &judge)?,
        Some(Side::Theirs) => by_paths(workspace, &record, &kept, &judge)?,
        Some(Side::Ours) => without_conflicts(workspace, &record, &kept, &mut judge)?,
        None => match attempt(workspace, &record, &kept, &judge)? {
            Ok(revision) => revision,
            Err(conflicts) => return Err(Error::Conflict { run: Some(record.id), conflicts }),
        },
    };
    note_verdicts(&mut record, &rules, &judge.left_out);
    record.fate = match revision.or(record.revision().map(Revision)) {
        Some(revision) => Fate::Committed { revision: revision.0 },
        None => Fate::Unchanged,
    };
    let mut record = forget(workspace, record)?;
    if revision.is_some() {
        super::late::promote(workspace, &mut record)?;
    }
    Ok(record)
}

/// Notes what became of paths that a run's end had discarded and that were committed late. Of other mounts nothing is.
pub(crate) fn note_verdicts(record: &mut RunRecord, rules: &FileRules, left_out: &[VPathBuf]) {
    let judge = rules.judge(true);
    let mounts: Vec<VPathBuf> =
        record.policy.mounts.iter().filter_map(|mount| VPathBuf::parse(&mount.at).ok()).collect();
    for change in record.changes.iter_mut().filter(|change| change.verdict == VerdictRecord::Discard) {
        let Ok(path) = VPathBuf::parse(&change.path) else { continue };
        if !mounts.iter().chain(left_out).any(|outside| path.is_within(outside)) {
            change.verdict = judge.verdict(&path).into();
        }
    }
}

/// Drops what is kept.
pub(crate) fn drop_kept(workspace: &Workspace, mut record: RunRecord) -> Result<RunRecord> {
    load(workspace, &record)?;
    if record.revision().is_none() {
        record.fate = Fate::Dropped;
    }
    forget(workspace, record)
}

/// Keeps the changes of a run no longer, and writes its record.
pub(crate) fn forget(workspace: &Workspace, mut record: RunRecord) -> Result<RunRecord> {
    let file = workspace.file("change a run of")?;
    record.kept_until = None;
    file.batch(&mut |_| {
        file.drop_run_changes(&record.id)?;
        file.put_run(&row(&record))
    })?;
    Ok(record)
}

/// The changes of a run over the revision that it saw.
pub(crate) struct Kept {
    /// That revision.
    pub(crate) root: Arc<dyn Layer>,
    /// The changes.
    pub(crate) overlay: Overlay,
}

impl Kept {
    fn diff(&self, workspace: &Workspace) -> Result<Diff> {
        let trees = Trees::open(self.root.clone(), &[], workspace.clock())?;
        trees.diff(&[Some(self.overlay.fork())])
    }
}

/// Reads the kept changes of a run.
pub(crate) fn load(workspace: &Workspace, record: &RunRecord) -> Result<Kept> {
    let gone = |why: &str| Error::NothingKept { id: record.id.clone(), why: why.into() };
    let file = workspace.file("look up a run of")?;
    let why = match record.fate {
        Fate::Committed { .. } => "they were committed",
        Fate::Unchanged => "it changed nothing that persists",
        Fate::Dropped => "they were dropped",
        _ if record.kept_until.is_none() => "they were too large",
        _ => "they were kept for 24 hours",
    };
    if !record.is_kept(workspace.clock().now()) {
        return Err(gone(why));
    }
    let bytes = file.run_changes(&record.id)?.ok_or_else(|| gone(why))?;
    let root = file.at(Revision(record.base))?;
    let options = OverlayOptions {
        clock: workspace.clock(),
        limits: ScratchLimits::UNLIMITED,
        ..OverlayOptions::default()
    };
    let overlay = Overlay::new(root.clone(), options);
    overlay
        .merge(&mut &bytes[..], &DeltaBounds::default())
        .map_err(|error| gone(&format!("they cannot be read: {error}")))?;
    Ok(Kept { root, overlay })
}

/// Judges as a success would have been, without what is in the workspace already or is left to others.
#[derive(Debug)]
pub(crate) struct AfterAll<'a> {
    rules: &'a FileRules,
    /// The run failed, and what persists then was committed then.
    some_committed: bool,
    left_out: Vec<VPathBuf>,
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

type Attempt = std::result::Result<Option<Revision>, Vec<ConflictRecord>>;

fn attempt(workspace: &Workspace, record: &RunRecord, kept: &Kept, judge: &dyn Judge) -> Result<Attempt> {
    let file = workspace.file("commit to")?;
    let request = CommitRequest {
        base: Revision(record.base),
        own: &[],
        before: None,
        after: &kept.overlay,
        committed: &mut InoMap::default(),
        judge,
        info: &seal_info(record),
    };
    match file.commit(request) {
        Ok(done) => Ok(Ok(done.revision)),
        Err(CommitError::Conflict(conflicts)) => Ok(Err(conflicts.iter().map(ConflictRecord::of).collect())),
        Err(CommitError::Node(error)) => Err(error.into()),
    }
}

/// Leaves out what conflicts; that can bring up another conflict, of a directory above.
fn without_conflicts(
    workspace: &Workspace,
    record: &RunRecord,
    kept: &Kept,
    judge: &mut AfterAll<'_>,
) -> Result<Option<Revision>> {
    const ROUNDS: usize = 16;
    for _ in 0..ROUNDS {
        match attempt(workspace, record, kept, judge)? {
            Ok(revision) => return Ok(revision),
            Err(conflicts) => {
                let paths = conflicts.iter().filter_map(|conflict| VPathBuf::parse(&conflict.path).ok());
                judge.left_out.extend(paths);
            }
        }
    }
    let conflicts = match attempt(workspace, record, kept, judge)? {
        Ok(revision) => return Ok(revision),
        Err(conflicts) => conflicts,
    };
    Err(Error::Conflict { run: Some(record.id.clone()), conflicts })
}

/// Writes the run's version over whatever is there.
fn by_paths(
    workspace: &Workspace,
    record: &RunRecord,
    kept: &Kept,
    judge: &dyn Judge,
) -> Result<Option<Revision>> {
    let file = workspace.file("commit to")?;
    let diff = kept.diff(workspace)?;
    let steps = Steps::of(&diff, judge)?;
    let tree = workspace.fs();
    file.seal(&SealInfo::of(RevisionKind::Edit))?;
    let mut failed = None;
    let mut sealed = None;
    let result = file.batch(&mut |_| {
        if let Err(error) = steps.apply(diff.after(), &tree) {
            failed = Some(error);
            return Err(Errno::EIO.into());
        }
        sealed = file.seal(&seal_info(record))?;
        Ok(())
    });
    match (result, failed) {
        (_, Some(error)) => Err(error),
        (Err(error), None) => Err(error.into()),
        (Ok(()), None) => Ok(sealed.map(|info| info.id)),
    }
}

fn seal_info(record: &RunRecord) -> SealInfo {
    SealInfo {
        kind: RevisionKind::Run,
        message: record.message.clone().or_else(|| Some(record.program.name.clone())),
        run: Some(record.id.clone()),
    }
}
