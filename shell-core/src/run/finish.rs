//! After the sandbox is gone: commit, record, kept changes, host directories.

use std::io::{self, Write};

use cowry_runtime::Outcome;
use cowry_vfs::commit::{InoMap, Judge, Verdict};
use cowry_vfs::sqlite::{
    CommitError, CommitRequest, KeptChanges, Revision, RevisionKind, RunRow, SealInfo, SqliteLayer,
};
use cowry_vfs::{Errno, Layer, NodeError, NodeResult, Overlay, Timestamp, VPathBuf};

use super::Run;
use super::bucket;
use super::kept::{Gathered, Gathering, NotYet, mounts_key};
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
pub(super) const KEPT_BYTES: u64 = 64 << 20;
/// The most paths of mounts a record names that could not be kept.
const LOST_RECORDED: usize = 1000;

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
                self.write(file, &mut record, false)?;
            }
            return Ok(record);
        }
        let attempt = match self.stage(&record) {
            Err(Error::Bucket { why, .. }) => Attempt::Failed(why),
            // What the run did is kept whatever cannot be staged.
            Err(error) => Attempt::Failed(error.in_full()),
            Ok(Err(conflicts)) => Attempt::Conflict(conflicts),
            Ok(Ok(mut outside)) => {
                let attempt = self.attempt(file, &mut record, &mut outside);
                match &attempt {
                    Attempt::Done(Some(_)) => {
                        let _writing = self.run.interrupt.during(Doing::Writing(record.id.clone()));
                        record.buckets = outside.put_in_place(self.workspace, Some(self.trees))?;
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
        record.buckets = outside.put_in_place(self.workspace, Some(self.trees))?;
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
        let rest = if record.outcome.is_success() { None } else { self.rest(true) };
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
            self.keep(file, record, rest.as_ref())?;
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
        let written = matches!(attempt, Attempt::Done(_));
        match attempt {
            Attempt::Done(Some(_)) => return Ok(()),
            Attempt::Done(None) => record.fate = without_revision(record),
            Attempt::Conflict(conflicts) => {
                record.fate = Fate::Conflict;
                record.conflicts = conflicts;
            }
            Attempt::Failed(reason) => record.fate = Fate::CommitFailed { reason },
        }
        self.write(file, record, written)
    }

    /// Writes the record, and with it the changes of a run that could yet be committed; `written` says whether those
    /// that persist whatever happens are in place.
    pub fn write(&self, file: &SqliteLayer, record: &mut RunRecord, written: bool) -> Result<()> {
        let rest = if record.fate == Fate::Unchanged { None } else { self.rest(written) };
        file.batch(&mut |_| {
            self.keep(file, record, rest.as_ref())?;
            file.put_run(&row(record))
        })?;
        Ok(())
    }

    /// What could yet be committed; `None` if that is nothing.
    fn rest(&self, written: bool) -> Option<Rest> {
        let workspace = self.overlays.first()?.as_ref()?;
        let judge =
            NotYet { success: self.run.policy.files.judge(true), written: written.then_some(&self.judge) };
        let gathering = Gathering {
            trees: self.trees,
            mounts: &self.run.policy.mounts,
            diff: self.diff,
            judge: &judge,
            limit: KEPT_BYTES,
        };
        let mounts = gathering.gather();
        let is_empty = workspace.usage().nodes == 0 && mounts.bytes.is_none() && mounts.lost.is_empty();
        (!is_empty).then(|| Rest { workspace: encode(workspace), mounts })
    }

    /// Keeps all of it or, where the workspace's part is too large, nothing.
    fn keep(&self, file: &SqliteLayer, record: &mut RunRecord, rest: Option<&Rest>) -> NodeResult<()> {
        let Some(Rest { workspace: Some(changes), mounts }) = rest else { return Ok(()) };
        let until = Timestamp(self.workspace.clock().now().0.saturating_add(KEPT));
        let base = Some(Revision(record.base));
        file.put_run_changes(&record.id, KeptChanges { changes, until, base })?;
        if let Some(changes) = &mounts.bytes {
            file.put_run_changes(&mounts_key(&record.id), KeptChanges { changes, until, base: None })?;
        }
        record.kept_mounts.clone_from(&mounts.mounts);
        record.lost = mounts.lost.clone();
        record.lost.truncate(LOST_RECORDED);
        record.kept_until = Some(until);
        Ok(())
    }
}

/// What became of a run of which the workspace has no revision, and nothing kept it from one.
fn without_revision(record: &RunRecord) -> Fate {
    if record.outcome.is_success() { Fate::Unchanged } else { Fate::Failed }
}

/// What a late commit is to make of a run.
struct Rest {
    /// The changes of the workspace, unless they are too large to be kept.
    workspace: Option<Vec<u8>>,
    mounts: Gathered,
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

/// All changes as bytes, unless there are too many of them to keep. What the overlay says of its size would not tell: it
/// shares its bounds with those of mounts.
fn encode(overlay: &Overlay) -> Option<Vec<u8>> {
    let mut bytes = Bounded(Vec::new());
    overlay.encode_since(0, &mut bytes).ok()?;
    Some(bytes.0)
}

/// Bytes up to a bound, past which writing fails.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if (self.0.len() + bytes.len()) as u64 > KEPT_BYTES + KEPT_BYTES / 4 {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
