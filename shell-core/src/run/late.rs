//! Buckets after the end of a run: what was left is written, and what was committed late is promoted.

use cowry_vfs::sqlite::Revision;
use cowry_vfs::{Errno, VPathBuf};

use super::bucket;
use super::finish::row;
use super::kept::find;
use crate::diff::Diff;
use crate::error::{Error, Result};
use crate::record::{BucketRecord, RunRecord};
use crate::workspace::Workspace;

/// What to do with what is left to be written to buckets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Finish {
    /// Writes what still is as the run saw it.
    #[default]
    Retry,
    /// Writes over what others changed meanwhile.
    Overwrite,
    /// Forgets it.
    Drop,
}

/// Writes what a journal holds, or promotes again what a run committed.
pub(crate) fn finish(workspace: &Workspace, id: &str, how: Finish) -> Result<(String, Vec<BucketRecord>)> {
    let whole = find(workspace, id).ok().map(|record| record.id);
    if let Some((id, buckets)) = bucket::finish(workspace, whole.as_deref().unwrap_or(id), how)? {
        if let Ok(mut record) = find(workspace, &id) {
            record.buckets.clone_from(&buckets);
            workspace.file("change a run of")?.put_run(&row(&record))?;
        }
        return Ok((id, buckets));
    }
    let mut record = find(workspace, id)?;
    let promotes = !record.policy.rules()?.promoted_to().is_empty();
    if how == Finish::Drop || !promotes || record.revision().is_none() {
        let id = record.id;
        return Err(Error::Usage(format!("run {id} has nothing left to write to a bucket")));
    }
    promote_again(workspace, &mut record, Some(how))?;
    Ok((record.id, record.buckets))
}

/// Promotes what a run committed, and writes that into its record.
pub(crate) fn promote(workspace: &Workspace, record: &mut RunRecord) -> Result<()> {
    promote_again(workspace, record, None)
}

/// The same, or once more.
fn promote_again(workspace: &Workspace, record: &mut RunRecord, again: Option<Finish>) -> Result<()> {
    let rules = record.policy.rules()?;
    let (Some(revision), false) = (record.revision(), rules.promoted_to().is_empty()) else { return Ok(()) };
    let diff = own_changes(workspace, record, revision)?;
    let places: Vec<VPathBuf> =
        record.policy.mounts.iter().filter_map(|mount| VPathBuf::parse(&mount.at).ok()).collect();
    let judge = rules.judge(true);
    let made = Revision(revision);
    record.buckets = bucket::promote(workspace, &record.id, &diff, &judge, &places, made, again)?;
    workspace.file("change a run of")?.put_run(&row(record))?;
    Ok(())
}

/// What the revision of a run changed, which the one before it tells.
fn own_changes(workspace: &Workspace, record: &RunRecord, revision: u64) -> Result<Diff> {
    let (before, file) = (revision.saturating_sub(1), workspace.file("promote files of")?);
    let is_gone = |at| file.revision(Revision(at)).is_err_and(|error| error == Errno::ENOENT);
    let gone = match (is_gone(revision), is_gone(before)) {
        (false, false) => return workspace.diff(Revision(before), Revision(revision)),
        (true, _) => ", which was pruned".to_owned(),
        (false, true) => format!(", and revision {before} that it started from was pruned"),
    };
    Err(Error::Usage(format!(
        "run {} made revision {revision}{gone}: what it promoted cannot be told any more, so run it again",
        record.id
    )))
}
