//! Who reads sealed revisions: pruning and giving back the rows of what was pruned have to wait for them.
//!
//! A process that reads any holds a shared lock on a file beside the workspace; which ones, it knows itself. It is
//! not the file that says who has the workspace open: one that waits at a prompt, or only works on what is there
//! now, keeps nobody from tidying up.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::open::{Shared, beside, same_file, side_file};
use super::revision::Revision;
use crate::errno::{Errno, NodeError, NodeResult};

/// How long to wait before asking again for a lock that another process has.
const PAUSE: Duration = Duration::from_millis(5);

/// The revisions that this process reads, and the lock that says that there are any.
pub(super) struct Holds {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The lock's file; `None` before the first reader, and where no such file can be made (a read-only folder).
    file: Option<File>,
    counts: BTreeMap<Revision, u32>,
}

impl Holds {
    pub(super) fn new(workspace: &Path) -> Holds {
        Holds { path: side_path(workspace), state: Mutex::default() }
    }

    /// Keeps a revision from being pruned until it is [released](Holds::release).
    ///
    /// # Errors
    /// `EBUSY` if another process is pruning for longer than `wait`.
    pub(super) fn keep(&self, rev: Revision, wait: Duration) -> NodeResult<()> {
        let mut state = self.state.lock();
        if state.counts.is_empty() {
            self.lock(&mut state, wait, File::try_lock_shared)?;
        }
        *state.counts.entry(rev).or_insert(0) += 1;
        Ok(())
    }

    pub(super) fn release(&self, rev: Revision) {
        let mut state = self.state.lock();
        if let Some(count) = state.counts.get_mut(&rev) {
            *count -= 1;
            if *count == 0 {
                state.counts.remove(&rev);
            }
        }
        if state.counts.is_empty() {
            state.file.as_ref().map(File::unlock);
        }
    }

    /// Runs `work` while no other process reads a sealed revision, and tells it which ones this one does.
    ///
    /// # Errors
    /// `EBUSY` if others do for longer than `wait`.
    pub(super) fn alone<T>(
        &self,
        wait: Duration,
        work: impl FnOnce(&[Revision]) -> NodeResult<T>,
    ) -> NodeResult<T> {
        let mut state = self.state.lock();
        self.lock(&mut state, wait, File::try_lock)?;
        let done = work(&state.counts.keys().copied().collect::<Vec<_>>());
        if let Some(file) = &state.file {
            // Back to what readers of this process need. Nobody can have come between who would not wait for it.
            let _ = if state.counts.is_empty() { file.unlock() } else { file.lock_shared() };
        }
        done
    }

    fn lock(
        &self,
        state: &mut State,
        wait: Duration,
        lock: fn(&File) -> Result<(), TryLockError>,
    ) -> NodeResult<()> {
        let deadline = Instant::now() + wait;
        loop {
            if state.file.as_ref().is_none_or(|file| !same_file(file, &self.path)) {
                let Ok(file) = side_file(&self.path) else { return Ok(()) };
                state.file = Some(file);
            }
            let file = state.file.as_ref().expect("opened above");
            match lock(file) {
                // Whoever leaves last removes the file; a lock on what was removed protects nothing.
                Ok(()) if same_file(file, &self.path) => return Ok(()),
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return Err(self.busy()),
                Err(TryLockError::WouldBlock) => std::thread::park_timeout(PAUSE),
                Err(TryLockError::Error(error)) => return Err(NodeError::io(error)),
                Ok(()) => {}
            }
        }
    }

    fn busy(&self) -> NodeError {
        let text = format!(
            "another process works on a revision of the workspace (a run, a prompt, a mount of a revision, or a \
             prune): wait for it to end, or stop it (`fuser -v {}` names it)",
            self.path.display()
        );
        NodeError::with_source(Errno::EBUSY, text)
    }
}

/// Removes the file unless somebody reads. Whoever opens it meanwhile finds that it is gone when it has the lock.
fn remove_unlocked(file: &File, path: &Path) {
    if file.try_lock().is_ok() && same_file(file, path) {
        let _ = std::fs::remove_file(path);
    }
}

/// Removes the file that a reader left that was killed.
pub(super) fn clear_away(workspace: &Path) {
    let path = side_path(workspace);
    if let Ok(file) = File::open(&path) {
        remove_unlocked(&file, &path);
    }
}

/// Where the file is: one by whatever link the workspace was opened, or the locks would not meet.
fn side_path(workspace: &Path) -> PathBuf {
    let workspace = workspace.canonicalize().unwrap_or_else(|_| workspace.to_owned());
    beside(&workspace, "-reading")
}

impl Drop for Holds {
    fn drop(&mut self) {
        if let Some(file) = &self.state.lock().file {
            remove_unlocked(file, &self.path);
        }
    }
}

/// A revision that is being read; released when dropped.
pub(super) struct Hold<'a> {
    shared: &'a Shared,
    rev: Revision,
}

impl Shared {
    /// Keeps a revision from being pruned, in the file that made it, until it is [released](Shared::release).
    ///
    /// # Errors
    /// `EBUSY` if another process is pruning there for longer than one waits.
    pub(super) fn keep(&self, rev: Revision) -> NodeResult<()> {
        self.holds_of(rev).keep(rev, self.options.busy_timeout)
    }

    pub(super) fn release(&self, rev: Revision) {
        self.holds_of(rev).release(rev);
    }

    /// The same for as long as the result lives.
    pub(super) fn hold(&self, rev: Revision) -> NodeResult<Hold<'_>> {
        self.keep(rev)?;
        Ok(Hold { shared: self, rev })
    }

    /// Of this file, or of the ancestor that made the revision.
    fn holds_of(&self, rev: Revision) -> &Holds {
        let older = self.lineage.ancestors().iter().take_while(|ancestor| (rev.0 as i64) < ancestor.limit);
        match older.count() {
            0 => &self.holds,
            place => &self.ancestors_holds[place - 1],
        }
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.shared.release(self.rev);
    }
}
