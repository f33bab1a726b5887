//! Waiting for revisions that anybody makes, in this process or another.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use cowry_vfs::Errno;
use cowry_vfs::sqlite::{Revision, RevisionInfo};

use crate::error::Result;
use crate::workspace::Workspace;

/// How often the file is looked at. A look reads one row.
const POLL: Duration = Duration::from_millis(100);

/// The revisions of a workspace after one, as they come; from [`Workspace::watch`].
#[derive(Debug)]
pub struct RevisionWatch {
    workspace: Workspace,
    seen: Revision,
    found: VecDeque<RevisionInfo>,
}

impl RevisionWatch {
    pub(crate) fn new(workspace: Workspace, seen: Revision) -> RevisionWatch {
        RevisionWatch { workspace, seen, found: VecDeque::new() }
    }

    /// The next revision, if there is one. None is left out but those that were pruned meanwhile.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn try_next(&mut self) -> Result<Option<RevisionInfo>> {
        if self.found.is_empty() {
            self.look()?;
        }
        Ok(self.found.pop_front())
    }

    /// The next revision; waits for it at most this long.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn next_within(&mut self, timeout: Duration) -> Result<Option<RevisionInfo>> {
        let begin = Instant::now();
        loop {
            let next = self.try_next()?;
            let left = timeout.saturating_sub(begin.elapsed());
            if next.is_some() || left.is_zero() {
                return Ok(next);
            }
            std::thread::park_timeout(left.min(POLL));
        }
    }

    fn look(&mut self) -> Result<()> {
        let file = self.workspace.file("watch")?;
        let head = file.head()?;
        while self.seen < head {
            self.seen = Revision(self.seen.0 + 1);
            match file.revision(self.seen) {
                Ok(info) => self.found.push_back(info),
                Err(error) if error == Errno::ENOENT => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
