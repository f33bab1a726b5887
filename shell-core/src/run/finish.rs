//! After the sandbox is gone: commit, record, kept changes, host directories.

use cowry_runtime::Outcome;
use cowry_vfs::commit::{InoMap, Judge, Verdict};
use cowry_vfs::sqlite::{
    CommitError, CommitRequest, KeptChanges, Revision, RevisionKind, RunRow, SealInfo, SqliteLayer,
};
use cowry_vfs::{Errno, Layer, NodeError, NodeResult, Overlay, Timestamp, VPathBuf};

use super::Run;
use super::bucket;
use super::outside::{Outside, Staging};
use super::trees::Trees;
use crate::diff::Diff;
use crate::error::{Error, Result};
use crate::interrupt::Doing;
use crate::policy::RuleJudge;
use crate::record::{ConflictRecord, Fate, RunRecord};
use crate::workspace::Workspace;

/// How long the changes of a run that was not committed are kept.
const KEPT: i64 = 24 * 3600 * 1_000_000_000;
/// The largest changes that are kept, in bytes.
const KEPT_BYTES: u64 = 64 << 20;

/// Everything that the end of a run is about.
pub(super) struct Ending<'a> {
    pub workspace: &'a Workspace,
    pub run: &'a Run,
    pub trees: &'a Trees,
    pub overlays: &'a [Option<Overlay>],
    pub diff: &'a Diff,
    pub judge: RuleJudge<'a>,
}

/// How the attempt to commit went.
enum Attempt {
    /// Committed, or nothing to commit; in the first case the record was written with it.
    Done(Option<Revision>),
    Conflict(Vec<ConflictRecord>),
    Failed(String),
}

impl Ending<'_> {
    /// Commits what persists and writes the record, which says what became of the files.
    pub fn finish(&self, mut record: RunRecord) -> Result<RunRecord> {
        let changed = !self.diff.is_empty();
        if self.run.dry_run {
            record.buckets = bucket::planned(self.trees, self.diff, &self.judge)?;
        }
        let Ok(file) = self.workspace.file("commit to") else {
            record.fate = if changed { Fate::Scratch } else { Fate::Unchanged };
            return Ok(record);
        };
        if self.run.dry_run || !changed {
            record.fate = if changed { Fate::DryRun } else { Fate::Unchanged };
            if !self.workspace.is_read_only() {
                self.write(file, &mut record)?;
            }
            return Ok(record);
        }
        let attempt = match self.stage(&record) {
            Err(Error::Bucket { why, .. }) => Attempt::Failed(why),
            // What the run did is kept whatever cannot be staged.
            Err(error) => Attempt::Failed(error.to_string()),
            Ok(Err(conflicts)) => Attempt::Conflict(conflicts),
            Ok(Ok(mut outside)) => {
                let attempt = self.attempt(file, &mut record, &mut outside);
                match &attempt {
                    Attempt::Done(Some(_)) => {
                        let _writing = self.run.interrupt.during(Doing::Writing(record.id.clone()));
                        record.buckets = outside.put_in_place(self.workspace, self.trees)?;
                        if !record.buckets.is_empty() {
                            file.put_run(&row(&record))?;
                        }
                    }
                    Attempt::Done(None) if outside.is_empty() => {}
                    Attempt::Done(None) => self.only_outside(file, &mut record, outside)?,
                    Attempt::Conflict(_) | Attempt::Failed(_) => outside.abandon(self.workspace)?,
                }
                attempt
            }
        };
        self.conclude(file, &mut record, attempt)?;
        Ok(record)
    }

    /// Writes what is written nowhere but outside the workspace. The record is there before that, so that whoever finds it
    /// undone knows whose it is.
    fn only_outside(&self, file: &SqliteLayer, record: &mut RunRecord, mut outside: Outside) -> Result<()> {
        // What is promoted is in the workspace already.
        let head = file.head()?;
        record.fate = without_revision(record);
        record.buckets = outside.records();
        file.batch(&mut |_| {
            outside.decide(file, Some(head))?;
            file.put_run(&row(record))
        })?;
        let _writing = self.run.interrupt.during(Doing::Writing(record.id.clone()));
        record.buckets = outside.put_in_place(self.workspace, self.trees)?;
        Ok(())
    }

    /// Prepares the writes outside the workspace, unless somebody else was there first.
    fn stage(&self, record: &RunRecord) -> Result<std::result::Result<Outside, Vec<ConflictRecord>>> {
        let staging = Staging {
            workspace: self.workspace,
            id: &record.id,
            trees: self.trees,
            mounts: &self.run.policy.mounts,
            diff: self.diff,
            judge: &self.judge,
        };
        staging.stage()
    }

    /// Commit and record are one transaction, so that there is never one without the other.
    fn attempt(&self, file: &SqliteLayer, record: &mut RunRecord, outside: &mut Outside) -> Attempt {
        let Some(Some(after)) = self.overlays.first() else { return Attempt::Done(None) };
        if self.judge.verdict_below(&VPathBuf::root()) == Some(Verdict::Discard) {
            return Attempt::Done(None);
        }
        let info = SealInfo {
            kind: RevisionKind::Run,
            message: self.run.message.clone().or_else(|| Some(record.program.name.clone())),
            run: Some(record.id.clone()),
        };
        let rest = if record.outcome.is_success() { None } else { encode(after) };
        let base = Revision(record.base);
        let _prepared = match file.prepare(None, after, &InoMap::default(), &self.judge) {
            Ok(prepared) => prepared,
            Err(error) => return Attempt::Failed(reason(&error)),
        };
        let mut conflicts = None;
        let mut revision = None;
        let result = file.batch(&mut |_| {
            let nodes = &mut InoMap::default();
            let request = CommitRequest {
                base,
                own: &[],
                before: None,
                after,
                committed: nodes,
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
            let Some(revision) = revision else { return Ok(()) };
            record.fate = Fate::Committed { revision: revision.0 };
            self.keep(file, record, rest.as_deref())?;
            outside.decide(file, Some(revision))?;
            record.buckets = outside.records();
            file.put_run(&row(record))
        });
        match (result, conflicts) {
            (Ok(()), _) => Attempt::Done(revision),
            (Err(_), Some(conflicts)) => Attempt::Conflict(conflicts),
            (Err(error), None) => Attempt::Failed(reason(&error)),
        }
    }

    /// Says what became of the files, keeps those that were not committed, and writes the record.
    fn conclude(&self, file: &SqliteLayer, record: &mut RunRecord, attempt: Attempt) -> Result<()> {
        match attempt {
            Attempt::Done(Some(_)) => return Ok(()),
            Attempt::Done(None) => record.fate = without_revision(record),
            Attempt::Conflict(conflicts) => {
                record.fate = Fate::Conflict;
                record.conflicts = conflicts;
            }
            Attempt::Failed(reason) => record.fate = Fate::CommitFailed { reason },
        }
        self.write(file, record)
    }

    /// Writes the record, and with it the changes of a run that could yet be committed.
    fn write(&self, file: &SqliteLayer, record: &mut RunRecord) -> Result<()> {
        let rest = match (&record.fate, self.overlays.first()) {
            (Fate::Unchanged, _) => None,
            (_, Some(Some(after))) => encode(after),
            _ => None,
        };
        file.batch(&mut |_| {
            self.keep(file, record, rest.as_deref())?;
            file.put_run(&row(record))
        })?;
        Ok(())
    }

    fn keep(&self, file: &SqliteLayer, record: &mut RunRecord, changes: Option<&[u8]>) -> NodeResult<()> {
        let Some(changes) = changes else { return Ok(()) };
        let until = Timestamp(self.workspace.clock().now().0.saturating_add(KEPT));
        let base = Some(Revision(record.base));
        file.put_run_changes(&record.id, KeptChanges { changes, until, base })?;
        record.kept_until = Some(until);
        Ok(())
    }
}

/// What became of a run of which the workspace has no revision, and nothing kept it from one.
fn without_revision(record: &RunRecord) -> Fate {
    if record.outcome.is_success() { Fate::Unchanged } else { Fate::Failed }
}

/// Why a commit failed, and what to do where that is known.
fn reason(error: &NodeError) -> String {
    match error.errno() {
        Errno::EDQUOT => {
            format!("{error}: the workspace's quota leaves no room; raise it with `cowry quota`")
        }
        _ => match std::error::Error::source(error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        },
    }
}

/// The row of a record: what is listed, and the whole of it.
pub(super) fn row(record: &RunRecord) -> RunRow {
    RunRow {
        id: record.id.clone(),
        started: record.started,
        name: record.program.name.clone(),
        outcome: outcome_word(&record.outcome).into(),
        revision: record.revision().map(Revision),
        record: serde_json::to_vec(record).expect("a record can be written as JSON"),
    }
}

fn outcome_word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Completed { exit_code: 0 } => "completed",
        Outcome::Completed { .. } => "failed",
        Outcome::Threw(_) => "threw",
        Outcome::TimedOut(_) => "timed out",
        Outcome::OutOfMemory => "out of memory",
        Outcome::Interrupted => "interrupted",
        Outcome::Killed { .. } => "killed",
        Outcome::Crashed { .. } => "crashed",
        _ => "refused",
    }
}

/// All changes as bytes, unless there are none or too many of them to keep.
fn encode(overlay: &Overlay) -> Option<Vec<u8>> {
    let usage = overlay.usage();
    if usage.nodes == 0 || usage.memory_bytes + usage.spilled_bytes > KEPT_BYTES {
        return None;
    }
    let mut bytes = Vec::new();
    overlay.encode_since(0, &mut bytes).ok()?;
    (bytes.len() as u64 <= 2 * KEPT_BYTES).then_some(bytes)
}
