//! What a promotion that is made late leaves alone.
//!
//! A promotion replaces whatever is there, as long as it follows its commit. When it is made later, or others committed
//! in between, what is there may be newer: promoted by a later run, or put there by somebody else. The mark of an object
//! tells which run of this workspace wrote it, and so which is later; of any other object the time tells.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use cowry_vfs::Timestamp;
use cowry_vfs::sqlite::Revision;

use super::journal::{Journal, Want};
use super::store::{Refusal, There};
use crate::run::find;
use crate::workspace::Workspace;

/// In nanoseconds.
const SECOND: i64 = 1_000_000_000;

/// Tells what is newer than a revision.
pub(super) struct Newer<'a> {
    workspace: &'a Workspace,
    revision: u64,
    sealed_at: Timestamp,
    /// The revisions that runs made, by their ids; `None` of runs that are not of this workspace.
    made: Mutex<HashMap<String, Option<u64>>>,
}

impl<'a> Newer<'a> {
    /// `None`: nothing can be newer than what this promotes, which was committed just now.
    pub fn than(journal: &Journal, workspace: &'a Workspace) -> Option<Newer<'a>> {
        let revision = journal.revision?;
        let is_latest = workspace.head().is_ok_and(|head| head.0 <= revision);
        if is_latest && !journal.late {
            return None;
        }
        let file = workspace.file("write to a bucket from").ok()?;
        // Of a revision that nobody knows everything is newer.
        let sealed_at = file.revision(Revision(revision)).map_or(Timestamp(i64::MIN), |info| info.sealed_at);
        Some(Newer { workspace, revision, sealed_at, made: Mutex::default() })
    }

    /// What has to be under a name for it to be replaced, which is what was found there.
    ///
    /// # Errors
    /// [`Refusal::Changed`] if that is newer.
    pub fn want(&self, there: Option<There>) -> Result<Want, Refusal> {
        match there {
            None => Ok(Want::Absent),
            Some(there) if self.is_newer(&there) => Err(Refusal::Changed),
            Some(There { tag: Some(tag), .. }) => Ok(Want::Tag(tag)),
            Some(There { tag: None, .. }) => Ok(Want::Anything),
        }
    }

    fn is_newer(&self, there: &There) -> bool {
        match there.mark.as_ref().and_then(|mark| self.made_by(mark)) {
            Some(revision) => revision > self.revision,
            None => is_at_or_after(there.modified, self.sealed_at),
        }
    }

    /// The revision that the run made which left a mark.
    fn made_by(&self, mark: &str) -> Option<u64> {
        let id = mark.split('-').next().unwrap_or(mark);
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = made.get(id) {
            return *known;
        }
        let record = find(self.workspace, id).ok().filter(|record| record.id == id);
        let revision = record.and_then(|record| record.revision());
        made.insert(id.to_owned(), revision);
        revision
    }
}

/// Whether something was written when something else happened, or later. Most buckets tell times in whole seconds.
fn is_at_or_after(written: Timestamp, happened: Timestamp) -> bool {
    let in_seconds = written.0 % SECOND == 0;
    let since = if in_seconds { happened.0.div_euclid(SECOND).saturating_mul(SECOND) } else { happened.0 };
    written.0 >= since
}
