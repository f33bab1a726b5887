//! Buckets after the end of a run: what was left is written, and what was committed late is promoted.

use cowry_vfs::sqlite::Revision;
use cowry_vfs::{Errno, VPathBuf};

use super::bucket;
use super::finish::row;
use super::kept::find;
use super::outside::Outside;
use super::trees::Trees;
use crate::diff::Diff;
use crate::error::{Error, Result};
use crate::policy::RuleJudge;
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
    let revision = record.revision().map(Revision);
    let mut outside = Outside::default();
    if let Some(revision) = revision {
        promote(workspace, &record, &mut outside, (revision, Some(how)))?;
    }
    put_in_place(workspace, &mut record, outside, None, None)?;
    Ok((record.id, record.buckets))
}

/// What a revision promotes.
#[derive(Clone, Copy)]
pub(crate) struct Promotion<'a> {
    pub id: &'a str,
    pub diff: &'a Diff,
    pub judge: &'a RuleJudge<'a>,
    /// Where mounts are, of which nothing is promoted.
    pub places: &'a [VPathBuf],
    pub revision: Revision,
    /// How, if it was to be there long ago.
    pub again: Option<Finish>,
}

/// Writes what a late commit decided, and what its revision promotes, and puts into the record how that went.
pub(crate) fn put_in_place(
    workspace: &Workspace,
    record: &mut RunRecord,
    mut outside: Outside,
    trees: Option<&Trees>,
    revision: Option<Revision>,
) -> Result<()> {
    let promoted =
        revision.map_or(Ok(()), |revision| promote(workspace, record, &mut outside, (revision, None)));
    record.buckets = outside.put_in_place(workspace, trees)?;
    workspace.file("change a run of")?.put_run(&row(record))?;
    promoted
}

/// Adds what the revision of a run promotes.
fn promote(
    workspace: &Workspace,
    record: &RunRecord,
    outside: &mut Outside,
    (revision, again): (Revision, Option<Finish>),
) -> Result<()> {
    let rules = record.policy.rules()?;
    if rules.promoted_to().is_empty() {
        return Ok(());
    }
    let diff = own_changes(workspace, record, revision.0)?;
    let places: Vec<VPathBuf> =
        record.policy.mounts.iter().filter_map(|mount| VPathBuf::parse(&mount.at).ok()).collect();
    let judge = rules.judge(true);
    let (id, diff, judge, places) = (record.id.as_str(), &diff, &judge, places.as_slice());
    outside.promote(workspace, &Promotion { id, diff, judge, places, revision, again })
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
