//! Committing what a session wrote.

use cowry_vfs::sqlite::{CommitError, CommitRequest, Revision, RevisionKind, SealInfo, SqliteLayer};
use cowry_vfs::{Errno, Layer};

use super::{Session, SessionCommit, fork_all};
use crate::diff::Diff;
use crate::error::{Error, Result};
use crate::interrupt::Doing;
use crate::record::{ConflictRecord, Fate};
use crate::run::Uncommitted;
use crate::run::outside::{Outside, Staging};

impl Session {
    /// Commits what is new since the last commit and goes on.
    ///
    /// # Errors
    /// [`Error::Conflict`] if others changed the same files since the base; nothing is committed then. If it names a run, all
    /// of it is kept as that run's changes, which [`Workspace::run_commit`](crate::Workspace::run_commit) takes.
    pub fn commit(&mut self, message: Option<&str>) -> Result<SessionCommit> {
        let file = self.workspace.file("commit to")?.clone();
        if self.workspace.is_read_only() {
            return Err(Error::ReadOnly { what: "commit" });
        }
        let diff = self.diff()?;
        if diff.is_empty() {
            return Ok(SessionCommit { revision: None, diff, id: None, buckets: Vec::new() });
        }
        let id = self.commit_id();
        let committing = self.handle.during(Doing::Committing);
        let (revision, outside) = match self.attempt(&file, &id, &diff, message) {
            Err(Error::Conflict { conflicts, .. }) => return Err(self.keep(id, &diff, message, conflicts)),
            done => done?,
        };
        if let Some(kept) = self.kept.take() {
            // It is committed, and not to be committed once more.
            let _ = self.workspace.run_drop(&kept);
        }
        drop(committing);
        let _writing = self.handle.during(Doing::Writing(id.clone()));
        let buckets = outside.put_in_place(&self.workspace, Some(&self.trees))?;
        Ok(SessionCommit { revision, diff, id: Some(id), buckets })
    }

    /// Stages and commits; what is staged is put away if nothing is committed.
    fn attempt(
        &mut self,
        file: &SqliteLayer,
        id: &str,
        diff: &Diff,
        message: Option<&str>,
    ) -> Result<(Option<Revision>, Outside)> {
        let mut outside = self.stage(id, diff)?;
        match self.commit_staged(file, message, &mut outside) {
            Ok(revision) => Ok((revision, outside)),
            Err(error) => {
                outside.abandon(&self.workspace)?;
                Err(error)
            }
        }
    }

    /// What names a commit: that of the last one, if that met a conflict and still waits for what is to become of it.
    fn commit_id(&self) -> String {
        let waits =
            |id: &String| self.workspace.run_record(id).is_ok_and(|record| record.fate == Fate::Conflict);
        let fresh = || crate::id::fresh(self.workspace.clock().now());
        self.kept.clone().filter(waits).unwrap_or_else(fresh)
    }

    /// Keeps what conflicts, as that of a run is kept, so that there is another way out than to discard it.
    fn keep(
        &mut self,
        id: String,
        diff: &Diff,
        message: Option<&str>,
        conflicts: Vec<ConflictRecord>,
    ) -> Error {
        let uncommitted = Uncommitted {
            id: &id,
            workspace: &self.workspace,
            policy: &self.options.policy,
            trees: &self.trees,
            base: self.base,
            own: &self.own,
            written: &self.written,
            diff,
            message,
            conflicts: &conflicts,
        };
        // If that fails, too, the conflict is what there is to be told.
        let run = uncommitted.keep().unwrap_or(false).then_some(id);
        self.kept.clone_from(&run);
        Error::Conflict { run, conflicts }
    }

    /// Prepares the writes outside the workspace.
    fn stage(&self, id: &str, diff: &Diff) -> Result<Outside> {
        let staging = Staging {
            workspace: &self.workspace,
            id,
            trees: &self.trees,
            mounts: &self.options.policy.mounts,
            diff,
            judge: &self.options.policy.files.judge(true),
        };
        staging.stage()?.map_err(|conflicts| Error::Conflict { run: None, conflicts })
    }

    /// The commit and, in the same transaction, the word that what is staged is to be put in place.
    fn commit_staged(
        &mut self,
        file: &SqliteLayer,
        message: Option<&str>,
        outside: &mut Outside,
    ) -> Result<Option<Revision>> {
        let Some(Some(after)) = self.written.first() else { return Ok(None) };
        let info = SealInfo { message: message.map(Into::into), ..SealInfo::of(RevisionKind::Session) };
        let judge = self.options.policy.files.judge(true);
        let before = self.committed.first().and_then(Option::as_ref);
        let _prepared = file.prepare(before, after, &self.nodes, &judge)?;
        let mut nodes = self.nodes.clone();
        let mut outcome = Ok(None);
        let result = file.batch(&mut |_| {
            nodes = self.nodes.clone();
            let request = CommitRequest {
                base: self.base,
                own: &self.own,
                before,
                after,
                committed: &mut nodes,
                judge: &judge,
                info: &info,
            };
            match file.commit(request) {
                Ok(done) => outcome = Ok(done.revision),
                Err(CommitError::Node(error)) => return Err(error),
                Err(CommitError::Conflict(found)) => {
                    let conflicts = found.iter().map(ConflictRecord::of).collect();
                    outcome = Err(Error::Conflict { run: None, conflicts });
                    return Err(Errno::EAGAIN.into());
                }
            }
            outside.decide(file, outcome.as_ref().ok().copied().flatten())
        });
        match (result, outcome) {
            (Ok(()), Ok(revision)) => {
                self.nodes = nodes;
                self.committed = fork_all(&self.written);
                self.wrote.clear();
                self.own.extend(revision);
                Ok(revision)
            }
            (_, Err(conflict)) => Err(conflict),
            (Err(error), _) => Err(error.into()),
        }
    }
}
