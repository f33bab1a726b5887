//! Whose turn it is to write: threads of this process behind a lock, processes behind a lock file.
//!
//! Threads that wait for the lock share the transaction of whoever holds it: a change that is done is left standing in
//! the open transaction and the next thread adds its own as a savepoint. The last one of such a *group* commits,
//! with one fsync for all, and only then does any of them return. Whoever is alone commits at once, as if there
//! were no groups.
//!
//! Between processes SQLite lets whoever polls at the right moment write next, so one that writes all the time would
//! starve the others. Therefore each takes the *turnstile* first and holds it until its transaction has begun:
//! the one that waits is the next one to write.

use std::cell::{Cell, RefCell};
use std::fs::{File, TryLockError};
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, ReentrantMutex, ReentrantMutexGuard};

use super::open::side_file;
use super::tx::Writer;
use crate::errno::NodeResult;

/// The lock that makes one writer of the threads of a process. A thread may take it again.
pub(super) struct WriterLock {
    slot: ReentrantMutex<Slot>,
    /// Threads on their way to the lock. Each of them will have it, so a transaction may be left to them.
    waiting: AtomicUsize,
}

struct Slot {
    writer: RefCell<Writer>,
    /// How often the thread that has the lock has taken it.
    holds: Cell<u32>,
}

impl WriterLock {
    pub(super) fn new(writer: Writer) -> WriterLock {
        let slot = Slot { writer: RefCell::new(writer), holds: Cell::new(0) };
        WriterLock { slot: ReentrantMutex::new(slot), waiting: AtomicUsize::new(0) }
    }

    /// Takes the lock to do something other than a change. No group is open then.
    pub(super) fn lock(&self) -> WriterGuard<'_> {
        let guard = self.join();
        guard.borrow_mut().commit_group();
        guard
    }

    /// Takes the lock to change something. The changes of others may stand in the open transaction.
    pub(super) fn join(&self) -> WriterGuard<'_> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let slot = self.slot.lock();
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        WriterGuard::new(self, slot)
    }

    /// How many threads are on their way to the lock.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    pub(super) fn is_owned_by_current_thread(&self) -> bool {
        self.slot.is_owned_by_current_thread()
    }

    /// Takes the lock if it is free and there is no group open, or this thread is in a batch.
    pub(super) fn try_lock(&self) -> Option<WriterGuard<'_>> {
        let guard = WriterGuard::new(self, self.slot.try_lock()?);
        let theirs = guard.borrow().has_group();
        (!theirs).then_some(guard)
    }
}

/// The lock, held.
pub(super) struct WriterGuard<'a> {
    lock: &'a WriterLock,
    slot: ReentrantMutexGuard<'a, Slot>,
}

impl<'a> WriterGuard<'a> {
    fn new(lock: &'a WriterLock, slot: ReentrantMutexGuard<'a, Slot>) -> WriterGuard<'a> {
        slot.holds.set(slot.holds.get() + 1);
        WriterGuard { lock, slot }
    }

    /// Lets go of the lock and waits until the change that `ticket` stands for is committed.
    pub(super) fn acknowledge(self, ticket: Option<Ticket>) -> NodeResult<()> {
        let Some(ticket) = ticket else { return Ok(()) };
        // This thread goes on holding the lock, so nobody else could commit.
        if self.slot.holds.get() > 1 {
            self.borrow_mut().commit_group();
        }
        drop(self);
        ticket.wait()
    }
}

impl Deref for WriterGuard<'_> {
    type Target = RefCell<Writer>;
    fn deref(&self) -> &RefCell<Writer> {
        &self.slot.writer
    }
}

impl Drop for WriterGuard<'_> {
    fn drop(&mut self) {
        self.slot.holds.set(self.slot.holds.get() - 1);
        if self.slot.holds.get() == 0
            && let Ok(mut writer) = self.slot.writer.try_borrow_mut()
        {
            writer.part_with(self.lock.waiting.load(Ordering::SeqCst) > 0);
        }
    }
}

/// The most changes that share a transaction: whoever came first must not wait for ever.
const GROUP_MAX: u32 = 128;

/// Changes that wait for one COMMIT.
#[derive(Default)]
pub(super) struct Group {
    ticket: Arc<Outcome>,
    members: u32,
}

#[derive(Default)]
struct Outcome {
    result: Mutex<Option<NodeResult<()>>>,
    known: Condvar,
}

/// A change that is done and not committed.
pub(super) struct Ticket(Arc<Outcome>);

impl Group {
    pub(super) fn add(&mut self) -> Ticket {
        self.members += 1;
        Ticket(self.ticket.clone())
    }

    pub(super) fn is_full(&self) -> bool {
        self.members >= GROUP_MAX
    }

    /// Tells everybody what became of their change.
    pub(super) fn finish(self, result: NodeResult<()>) {
        *self.ticket.result.lock() = Some(result);
        self.ticket.known.notify_all();
    }
}

impl Ticket {
    fn wait(self) -> NodeResult<()> {
        let mut result = self.0.result.lock();
        while result.is_none() {
            self.0.known.wait(&mut result);
        }
        result.clone().expect("waited for")
    }
}

/// A lock file that processes queue at before they begin to write.
pub(super) struct Turnstile {
    file: File,
}

/// How long to wait between two looks at the turnstile.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

impl Turnstile {
    /// `None` where no such file can be made: then SQLite's own lock has to do.
    pub(super) fn open(path: &Path) -> Option<Turnstile> {
        Some(Turnstile { file: side_file(path).ok()? })
    }

    /// Waits until this process is next, or until the time is over. Passing is best effort: SQLite's lock decides.
    pub(super) fn pass(&self, patience: Duration) -> Passage<'_> {
        let begun = Instant::now();
        loop {
            match self.file.try_lock() {
                Ok(()) => return Passage(Some(&self.file)),
                Err(TryLockError::Error(_)) => return Passage(None),
                Err(TryLockError::WouldBlock) if begun.elapsed() >= patience => return Passage(None),
                #[expect(
                    clippy::disallowed_methods,
                    reason = "the lock of another process cannot be waited for with a bound"
                )]
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK_AGAIN),
            }
        }
    }
}

/// Being next; lets the next one in when dropped.
pub(super) struct Passage<'a>(Option<&'a File>);

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        if let Some(file) = self.0 {
            let _ = file.unlock();
        }
    }
}
