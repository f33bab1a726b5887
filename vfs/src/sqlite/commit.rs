//! Committing what a sandbox wrote: all of it as one revision, or nothing.

use super::SqliteLayer;
use super::conflict::{self, Conflict};
use super::revision::{Revision, RevisionKind, SealInfo};
use super::tier::Sent;
use crate::commit::{Applied, Apply, InoMap, Judge, plan, with_stage};
use crate::errno::{Errno, NodeError, NodeResult};
use crate::overlay::Overlay;

/// What to commit, and on what it was based.
#[derive(Debug)]
pub struct CommitRequest<'a> {
    /// The revision below the overlay.
    pub base: Revision,
    /// Revisions after the base that the same session made; they do not conflict with it.
    pub own: &'a [Revision],
    /// The overlay as it was at the session's last commit; `None` if this is the first.
    pub before: Option<&'a Overlay>,
    /// The overlay.
    pub after: &'a Overlay,
    /// Nodes that the session's earlier commits made; brought up to date by a success.
    pub committed: &'a mut InoMap,
    /// Who says what persists.
    pub judge: &'a dyn Judge,
    /// What to say about the revision.
    pub info: &'a SealInfo,
}

/// What a commit did.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The new revision; `None` if nothing persisted that was not there already.
    pub revision: Option<Revision>,
    /// What persisted and what did not, path by path.
    pub applied: Applied,
}

/// Why nothing was committed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Others changed the same since the base.
    #[error("the workspace has changed meanwhile: {}", list(.0))]
    Conflict(Vec<Conflict>),
    /// The overlay or the workspace could not be read or written.
    #[error(transparent)]
    Node(#[from] NodeError),
}

fn list(conflicts: &[Conflict]) -> String {
    let more = conflicts.len().saturating_sub(3);
    let mut text = conflicts.iter().take(3).map(Conflict::to_string).collect::<Vec<_>>().join("; ");
    if more > 0 {
        text += &format!("; and {more} more");
    }
    text
}

/// Content of a commit that is where it belongs before the commit begins.
pub struct Prepared<'a> {
    _sent: Option<Sent<'a>>,
}

impl SqliteLayer {
    /// Uploads what a commit is going to write, where content goes to a bucket: for whoever commits within a batch,
    /// which waits for nothing. Keep the result until the batch has ended. Does nothing within one.
    ///
    /// # Errors
    /// `EIO`, `ETIMEDOUT` of the bucket; those of reading the overlay.
    pub fn prepare(
        &self,
        before: Option<&Overlay>,
        after: &Overlay,
        committed: &InoMap,
        judge: &dyn Judge,
    ) -> NodeResult<Prepared<'_>> {
        let _sent = self.stage_content((before, after), committed, judge)?;
        Ok(Prepared { _sent })
    }

    /// Commits what an overlay changed and its judge lets persist, as one revision, in one transaction. Direct
    /// writes that are not sealed yet and paths that have expired become revisions of their own before it. After an
    /// error everything is as it was.
    ///
    /// Where content goes to a bucket, it is uploaded before the transaction begins. The overlay must not be written
    /// meanwhile.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] if others changed the same since the base; otherwise those of the layers, `EBUSY` among
    /// them while another process writes.
    pub fn commit(&self, request: CommitRequest<'_>) -> Result<Committed, CommitError> {
        let CommitRequest { base, own, before, after, committed, judge, info } = request;
        let _prepared = self.prepare(before, after, committed, judge)?;
        let mut conflicts = Vec::new();
        let result = self.in_batch(|| {
            self.seal(&SealInfo::of(RevisionKind::Edit))?;
            let states = (before, after);
            self.expire(&|| plan(before, after, committed, self, judge))?;
            with_stage(states, committed, self, judge, |stage| {
                let head = self.change(|tx| Ok(tx.state.head))?;
                if conflict::may_be(base, head, own) {
                    let touched = stage.touched()?;
                    conflicts =
                        self.change(|tx| conflict::find(tx.conn, (base, head), own, &touched, Some(judge)))?;
                }
                if !conflicts.is_empty() {
                    return Err(Errno::EAGAIN.into());
                }
                let (applied, noted) = Apply::new(stage, after, Some(self)).run()?;
                self.change(|tx| tx.note_expiries(&applied))?;
                let revision = self.seal(info)?.map(|info| info.id);
                Ok((Committed { revision, applied }, noted))
            })
        });
        if !conflicts.is_empty() {
            return Err(CommitError::Conflict(conflicts));
        }
        let (done, noted) = result?;
        committed.learn(noted);
        // It is committed. What was not foreseen waits in the file, and is tried again before the next revision.
        let _ = self.raise();
        Ok(done)
    }
}
