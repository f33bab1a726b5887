//! Merging a fork into what it was forked from, the other way round, or a run that conflicted.
//!
//! The work is [`cowry_vfs::merge`]'s: it makes the merged tree as an overlay over the latest revision. Here it is
//! found what to merge, and the overlay committed: all of it as one revision, or, with a conflict that nobody
//! decided, nothing.

mod options;
mod report;

use std::sync::Arc;
use std::time::Duration;

use cowry_vfs::commit::{InoMap, Judge, PersistAll, Verdict, apply};
use cowry_vfs::merge::{Kin, Merge, MergeError, Merged, Resolution, Scope};
use cowry_vfs::sqlite::{
    BaseOwner, CommitError, CommitRequest, Revision, RevisionInfo, RevisionKind, SealInfo, SqliteLayer,
};
use cowry_vfs::{Errno, Layer, NodeError, Overlay, OverlayOptions, ScratchLimits, VPathBuf, Vfs};

pub use self::options::{CsvKey, CsvKeyError, MergeOptions};
pub use self::report::{MergeReport, MergeVersion, VersionContent};
use crate::diff::Diff;
use crate::error::{Error, Result};
use crate::record::RunRecord;
use crate::run::{Kept, Late, find, load};
use crate::workspace::Workspace;

/// How often a merge is done again because others committed meanwhile.
const ATTEMPTS: usize = 5;
/// How much of a merge is held in memory, in bytes; the rest is in a file without a name.
const MEMORY_BYTES: u64 = 256 << 20;

impl Workspace {
    /// Merges what `other` changed since the two were last the same into this workspace, as one revision.
    ///
    /// One is a fork or a copy of the other, as pushing and pulling makes them, or both are forks of one. What is not sealed yet is sealed first, in
    /// both, unless they are read-only. Where the options leave a conflict, nothing is changed and the report tells.
    ///
    /// # Errors
    /// If the two have nothing in common, a column is named that a CSV file does not have, content is given for a
    /// path without a conflict, or a file cannot be read or written.
    pub fn merge(&self, other: &Workspace, options: &MergeOptions) -> Result<MergeReport> {
        if !options.dry_run {
            self.writable("merge into")?;
        }
        let (file, theirs) = (self.file("merge into")?, other.file("merge")?);
        if is_one_file(self, other) {
            return Err(itself(other));
        }
        if theirs.has_open_changes()? && !other.is_read_only() {
            other.seal(None)?;
        }
        let their_rev = theirs.head()?;
        again(|| {
            self.seal_unless(options.dry_run)?;
            let ours = file.head()?;
            let kinship = file.kinship(theirs, their_rev)?.ok_or_else(|| unrelated(self, other))?;
            let trees = [kinship.base.clone(), file.at(ours)?, theirs.at(their_rev)?];
            let merge = Merge {
                base: trees[0].clone(),
                ours: (trees[1].clone(), kinship.our_kin.clone()),
                theirs: (trees[2].clone(), kinship.their_kin.clone()),
                our_scope: kinship.our_scope(),
                their_scope: kinship.their_scope(),
                rules: options,
            };
            let merged = self.merged(merge, options)?;
            let base = (kinship.owner, kinship.revision);
            let mut report = self.report(&merged, base, (ours, Some(their_rev)), trees)?;
            if options.dry_run || report.has_conflicts() {
                return Ok(Some(report));
            }
            let seal = SealInfo {
                message: Some(options.message.clone().unwrap_or_else(|| said(other, their_rev))),
                ..SealInfo::of(RevisionKind::Merge)
            };
            let commit = Commit { file, base: ours, merged: &merged, seal: &seal, judge: &PersistAll };
            let note = |made: &InoMap, _| file.note_merge(&kinship.merging, &merged.pairs, made);
            let Some(revision) = commit.run(note)? else { return Ok(None) };
            report.revision = revision;
            Ok(Some(report))
        })
    }

    /// Merges the kept changes of a run, as far as its policy lets them persist, into the latest revision.
    ///
    /// # Errors
    /// If they are not kept; otherwise as [`merge`](Workspace::merge).
    pub fn merge_run(&self, id: &str, options: &MergeOptions) -> Result<(RunRecord, MergeReport)> {
        if !options.dry_run {
            self.writable("merge into")?;
        }
        let file = self.file("merge into")?;
        let record = find(self, id)?;
        let kept = load(self, &record)?;
        let (theirs, judge) = self.what_persists(&record, &kept)?;
        let theirs: Arc<dyn Layer> = Arc::new(theirs);
        let rules = record.policy.rules()?;
        let mut late = Late::new(self, record.clone(), &kept, &rules)?;
        let (mut met, mut is_ready) = (None, false);
        let report = again(|| {
            self.seal_unless(options.dry_run)?;
            let (base, ours) = (Revision(record.base), file.head()?);
            let trees = [kept.root.clone(), file.at(ours)?, theirs.clone()];
            let changes = file.diff(base, ours)?;
            let merge = Merge {
                base: trees[0].clone(),
                ours: (trees[1].clone(), Kin::through(trees[0].clone())),
                theirs: (trees[2].clone(), Kin::through(trees[0].clone())),
                our_scope: Scope::Changes(&changes),
                their_scope: Scope::Changes(&judge.changes),
                rules: options,
            };
            let merged = self.merged(merge, options)?;
            let mut report = self.report(&merged, (BaseOwner::Ours, base), (ours, None), trees)?;
            if report.has_conflicts() {
                return Ok(Some(report));
            }
            // Mounts are looked at once, and only if the workspace's own part can be merged.
            if !std::mem::replace(&mut is_ready, true) {
                met = kept.meet(self)?;
                late.look(met.as_ref(), |path| options.side(path))?;
                if !options.dry_run {
                    late.stage(met.as_ref())?;
                }
            }
            if options.dry_run {
                return Ok(Some(report));
            }
            let stay = report.resolved.iter().filter(|(_, by)| *by == Resolution::Ours);
            late.left_out(stay.map(|(conflict, _)| conflict.path.clone()));
            let message = options.message.clone().or_else(|| record.message.clone());
            let seal = SealInfo {
                kind: RevisionKind::Merge,
                message: message.or_else(|| Some(record.program.name.clone())),
                run: Some(record.id.clone()),
            };
            let commit = Commit { file, base: ours, merged: &merged, seal: &seal, judge: &judge };
            let Some(revision) = commit.run(|_, revision| late.decide(revision))? else { return Ok(None) };
            report.revision = revision;
            Ok(Some(report))
        });
        let report = match report {
            Ok(report) if options.dry_run || report.has_conflicts() => return Ok((record, report)),
            Ok(report) => report,
            Err(error) => return late.give_up(error),
        };
        let revision = report.revision.as_ref().map(|info| info.id);
        let record = late.conclude(revision, met.as_ref())?;
        Ok((record, report))
    }

    fn seal_unless(&self, dry_run: bool) -> Result<()> {
        if dry_run { Ok(()) } else { self.seal(None).map(drop) }
    }

    /// What a run changed, as far as it persists, as a tree of its own; and what expires of it.
    fn what_persists(&self, record: &RunRecord, kept: &Kept) -> Result<(Overlay, Expiring)> {
        let rules = record.policy.rules()?;
        let judge = crate::run::after_all(&rules, record);
        let overlay = Overlay::new(kept.root.clone(), self.overlay_options()?);
        let applied = apply(None, &kept.overlay, &mut InoMap::new(), &overlay, &judge)?;
        let changes = overlay.changes()?;
        Ok((overlay, Expiring { paths: applied.expiries, changes }))
    }

    fn merged(&self, merge: Merge<'_>, options: &MergeOptions) -> Result<Merged> {
        let merged = merge.run(self.overlay_options()?)?;
        let is_settled = |path: &VPathBuf| merged.resolved.iter().any(|(conflict, _)| conflict.path == *path);
        match options.contents.keys().find(|path| !is_settled(path)) {
            Some(path) => Err(Error::Usage(format!("{path} needs no new content: there is no conflict"))),
            None => Ok(merged),
        }
    }

    fn overlay_options(&self) -> Result<OverlayOptions> {
        let spill =
            tempfile::tempfile().map_err(|source| Error::host("write", std::env::temp_dir(), source))?;
        let limits = ScratchLimits { memory_bytes: MEMORY_BYTES, ..ScratchLimits::UNLIMITED };
        Ok(OverlayOptions { clock: self.clock(), limits, spill: Some(spill), budget: None })
    }

    fn report(
        &self,
        merged: &Merged,
        base: (BaseOwner, Revision),
        sides: (Revision, Option<Revision>),
        trees: [Arc<dyn Layer>; 3],
    ) -> Result<MergeReport> {
        let view = |layer: Arc<dyn Layer>| Vfs::new(layer, self.vfs_options(true));
        let after = view(Arc::new(merged.overlay.fork()));
        let diff = Diff::new(merged.overlay.changes()?, view(trees[1].clone()), after);
        Ok(MergeReport {
            base,
            ours: sides.0,
            theirs: sides.1,
            revision: None,
            conflicts: merged.conflicts.clone(),
            resolved: merged.resolved.clone(),
            combined: merged.combined.clone(),
            diff,
            trees,
        })
    }
}

/// Does it until nobody commits in between.
fn again(mut attempt: impl FnMut() -> Result<Option<MergeReport>>) -> Result<MergeReport> {
    for _ in 0..ATTEMPTS {
        if let Some(report) = attempt()? {
            return Ok(report);
        }
    }
    Err(Error::Store(NodeError::with_source(
        Errno::EBUSY,
        "others commit to the workspace all the time: try again when they are done",
    )))
}

/// A merge to be committed.
struct Commit<'a> {
    file: &'a Arc<SqliteLayer>,
    base: Revision,
    merged: &'a Merged,
    seal: &'a SealInfo,
    judge: &'a dyn Judge,
}

impl Commit<'_> {
    /// Commits, and whatever `note` writes with it. `None`: others committed the same meanwhile, and nothing was
    /// done. The inner `None`: ours is as it was.
    fn run(
        &self,
        mut note: impl FnMut(&InoMap, Option<Revision>) -> cowry_vfs::NodeResult<()>,
    ) -> Result<Option<Option<RevisionInfo>>> {
        let _prepared = self.file.prepare(None, &self.merged.overlay, &InoMap::new(), self.judge)?;
        let mut overtaken = false;
        let mut sealed = None;
        let result = self.file.batch(&mut |_| {
            let mut made = InoMap::new();
            // The merge is one of what was there: whatever came since belongs into it.
            if self.file.head()? != self.base || self.file.has_open_changes()? {
                overtaken = true;
                return Err(Errno::EAGAIN.into());
            }
            let request = CommitRequest {
                base: self.base,
                own: &[],
                before: None,
                after: &self.merged.overlay,
                committed: &mut made,
                judge: self.judge,
                info: self.seal,
            };
            match self.file.commit(request) {
                Ok(done) => sealed = done.revision,
                Err(CommitError::Node(error)) => return Err(error),
                Err(CommitError::Conflict(_)) => {
                    overtaken = true;
                    return Err(Errno::EAGAIN.into());
                }
            }
            note(&made, sealed)
        });
        match result {
            Err(_) if overtaken => Ok(None),
            Err(error) => Err(error.into()),
            Ok(()) => Ok(Some(sealed.map(|revision| self.file.revision(revision)).transpose()?)),
        }
    }
}

/// Lets everything persist; what a run's policy lets expire does.
#[derive(Debug)]
struct Expiring {
    paths: Vec<(VPathBuf, Duration)>,
    /// What the run changed that persists.
    changes: Vec<cowry_vfs::Change>,
}

impl Judge for Expiring {
    fn verdict(&self, path: &VPathBuf) -> Verdict {
        let expires = self.paths.iter().find(|(expiring, _)| path.is_within(expiring));
        expires.map_or(Verdict::Persist, |(_, after)| Verdict::Expire(*after))
    }

    fn verdict_below(&self, path: &VPathBuf) -> Option<Verdict> {
        if self.paths.iter().any(|(expiring, _)| expiring != path && expiring.is_within(path)) {
            return None;
        }
        Some(self.verdict(path))
    }
}

fn said(other: &Workspace, revision: Revision) -> String {
    let name = other.path().and_then(|path| path.file_name());
    let name = name.map_or_else(|| "a workspace".into(), |name| name.to_string_lossy());
    format!("merge {name} revision {revision}")
}

fn named(workspace: &Workspace) -> String {
    workspace.path().map_or_else(|| "the workspace".into(), |path| path.display().to_string())
}

fn is_one_file(ours: &Workspace, theirs: &Workspace) -> bool {
    let place = |workspace: &Workspace| workspace.path().and_then(|path| path.canonicalize().ok());
    place(ours).is_some_and(|ours| place(theirs) == Some(ours))
}

fn itself(workspace: &Workspace) -> Error {
    Error::Usage(format!("{} is the workspace itself: name a fork of it, or its parent", named(workspace)))
}

fn unrelated(ours: &Workspace, theirs: &Workspace) -> Error {
    Error::Usage(format!(
        "{} and {} have nothing in common: only a fork and its parent, forks of one workspace, or copies of \
         one can be merged",
        named(ours),
        named(theirs)
    ))
}

impl From<MergeError> for Error {
    fn from(error: MergeError) -> Error {
        match error {
            MergeError::Node(error) => error.into(),
            other => Error::Usage(other.to_string()),
        }
    }
}
