//! Runs that were not committed: looking at their changes, committing them after all, dropping them.

mod commit;
mod met;
mod mounts;
mod session;

use std::sync::Arc;

use cowry_vfs::sqlite::Revision;
use cowry_vfs::{DeltaBounds, Layer, Overlay, OverlayOptions, ScratchLimits, VPathBuf};

pub(crate) use self::commit::{Late, after_all, commit_kept};
use self::met::Met;
use self::mounts::KeptMounts;
pub(super) use self::mounts::{Gathered, Gathering, NotYet, key as mounts_key};
pub(crate) use self::session::Uncommitted;
use super::finish::row;
use super::trees::Trees;
use crate::diff::Diff;
use crate::error::{Error, Result};
use crate::record::{ConflictRecord, Fate, RunRecord};
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

/// Drops what is kept.
pub(crate) fn drop_kept(workspace: &Workspace, mut record: RunRecord) -> Result<RunRecord> {
    load(workspace, &record)?;
    if record.revision().is_none() {
        record.fate = Fate::Dropped;
    }
    record.kept_until = None;
    let file = workspace.file("change a run of")?;
    file.batch(&mut |_| {
        commit::drop_changes(file, &record.id)?;
        file.put_run(&row(&record))
    })?;
    Ok(record)
}

/// The changes of a run over the revision that it saw, and those of mounts.
pub(crate) struct Kept {
    /// That revision.
    pub(crate) root: Arc<dyn Layer>,
    /// The changes.
    pub(crate) overlay: Overlay,
    mounts: Option<KeptMounts>,
    /// The mounts of which something was kept and is not any more.
    lost: Vec<ConflictRecord>,
    /// All mounts of the run.
    places: Vec<VPathBuf>,
}

impl Kept {
    /// Opens the mounts of which something is kept, if there are any.
    pub(crate) fn meet(&self, workspace: &Workspace) -> Result<Option<Met<'_>>> {
        self.mounts.as_ref().map(|mounts| mounts.meet(workspace, self.root.clone())).transpose()
    }

    /// What the run changed, over what mounts are now.
    fn diff(&self, workspace: &Workspace) -> Result<Diff> {
        match self.meet(workspace)? {
            Some(met) => met.diff(Some(&self.overlay), &[]),
            None => self.diff_of_workspace(workspace),
        }
    }

    fn diff_of_workspace(&self, workspace: &Workspace) -> Result<Diff> {
        let trees = Trees::open(self.root.clone(), &[], workspace.clock())?;
        trees.diff(&[Some(self.overlay.fork())])
    }

    /// The mounts of which nothing can be committed.
    fn mounts_left(&self) -> Vec<VPathBuf> {
        let is_kept = |place: &VPathBuf| {
            self.mounts.as_ref().is_some_and(|kept| kept.index.places.iter().any(|kept| kept.at == *place))
        };
        self.places.iter().filter(|place| !is_kept(place)).cloned().collect()
    }
}

/// Reads the kept changes of a run.
pub(crate) fn load(workspace: &Workspace, record: &RunRecord) -> Result<Kept> {
    let gone = |why: &str| Error::NothingKept { id: record.id.clone(), why: why.into() };
    let file = workspace.file("look up a run of")?;
    let bytes = match file.run_changes(&record.id)? {
        Some(bytes) if record.is_kept(workspace.clock().now()) => bytes,
        _ => return Err(gone(why_gone(record))),
    };
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
    let (mounts, lost) = load_mounts(workspace, record)?;
    let places = record.policy.mounts.iter().filter_map(|mount| VPathBuf::parse(&mount.at).ok()).collect();
    Ok(Kept { root, overlay, mounts, lost, places })
}

fn why_gone(record: &RunRecord) -> &'static str {
    match record.fate {
        Fate::Committed { .. } => "they were committed",
        Fate::Unchanged if !record.kept_mounts.is_empty() => "they were committed",
        Fate::Unchanged => "it changed nothing that persists",
        Fate::Dropped => "they were dropped",
        _ if record.kept_until.is_none() => "they were too large",
        _ => "they were kept for 24 hours",
    }
}

/// What is kept of mounts, or which mounts have nothing any more.
fn load_mounts(
    workspace: &Workspace,
    record: &RunRecord,
) -> Result<(Option<KeptMounts>, Vec<ConflictRecord>)> {
    if record.kept_mounts.is_empty() {
        return Ok((None, Vec::new()));
    }
    let bytes = workspace.file("look up a run of")?.run_changes(&mounts::key(&record.id))?;
    let why = match bytes.map(|bytes| KeptMounts::decode(&bytes)) {
        Some(Ok(kept)) => return Ok((Some(kept), Vec::new())),
        Some(Err(why)) => format!("cannot be read: {why}"),
        None => {
            "is not kept any more: it made room for others, or the workspace was pulled from elsewhere".into()
        }
    };
    let lost = |at: &String| ConflictRecord { path: at.clone(), what: why.clone() };
    Ok((None, record.kept_mounts.iter().map(lost).collect()))
}
