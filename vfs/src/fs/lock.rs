//! Advisory locks, among the handles of one [`Vfs`](crate::Vfs) and its clones: whole files by handle (`flock`), ranges
//! by owner (`fcntl`). They keep nobody from reading or writing who does not ask for one.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::errno::{Errno, Error, NodeResult, Result};
use crate::fs::{Context, File};
use crate::mount::MountId;
use crate::node::Ino;

/// Who may hold a lock at the same time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LockKind {
    /// Others that share it.
    Shared,
    /// Nobody else.
    Exclusive,
}

/// What to do while others hold a lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LockWait {
    /// Gives up at once: `EAGAIN`.
    #[default]
    No,
    /// Waits, at most this long: then `ETIMEDOUT`.
    AtMost(Duration),
}

/// Who holds range locks: what a process is to `fcntl`. Whoever acts for several gives each a number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LockOwner(pub u64);

/// A range lock that somebody holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeldLock {
    /// How.
    pub kind: LockKind,
    /// Of which bytes; to the end of the file, however long it gets, if it ends at `u64::MAX`.
    pub range: Range<u64>,
    /// Who.
    pub owner: LockOwner,
}

/// Whoever can hold a lock.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Holder {
    Handle(u64),
    Owner(LockOwner),
}

type FileId = (MountId, Ino);

#[derive(Clone, PartialEq, Eq, Debug)]
struct Lock {
    holder: Holder,
    kind: LockKind,
    range: Range<u64>,
}

impl Lock {
    fn is_whole(&self) -> bool {
        matches!(self.holder, Holder::Handle(_))
    }

    /// Whether the other keeps this one from being taken. The two sorts of locks do not know each other.
    fn conflicts(&self, other: &Lock) -> bool {
        self.holder != other.holder
            && self.is_whole() == other.is_whole()
            && (self.kind == LockKind::Exclusive || other.kind == LockKind::Exclusive)
            && self.range.start < other.range.end
            && other.range.start < self.range.end
    }
}

/// The locks of a filesystem.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    held: Mutex<Held>,
    released: Condvar,
    handles: AtomicU64,
}

#[derive(Debug, Default)]
struct Held {
    files: HashMap<FileId, Vec<Lock>>,
    /// What those who wait want.
    waiting: HashMap<Holder, (FileId, Lock)>,
}

impl Held {
    fn blockers(&self, file: FileId, wanted: &Lock) -> impl Iterator<Item = Holder> {
        let locks = self.files.get(&file).map_or(&[][..], Vec::as_slice);
        locks.iter().filter(move |lock| wanted.conflicts(lock)).map(|lock| lock.holder)
    }

    /// Whether those who hold what is wanted wait, themselves or through others, for who wants it.
    fn would_deadlock(&self, file: FileId, wanted: &Lock) -> bool {
        let mut seen = HashSet::new();
        let mut ask: Vec<Holder> = self.blockers(file, wanted).collect();
        while let Some(holder) = ask.pop() {
            if holder == wanted.holder {
                return true;
            }
            if let (true, Some((file, lock))) = (seen.insert(holder), self.waiting.get(&holder)) {
                ask.extend(self.blockers(*file, lock));
            }
        }
        false
    }

    /// Takes a lock that nothing keeps from being taken, in the place of what its holder has of the range.
    fn take(&mut self, file: FileId, lock: Lock) {
        self.give_back(file, lock.holder, &lock.range);
        self.files.entry(file).or_default().push(lock);
    }

    fn give_back(&mut self, file: FileId, holder: Holder, range: &Range<u64>) {
        let Some(locks) = self.files.get_mut(&file) else { return };
        let mut kept = Vec::new();
        for lock in locks.drain(..) {
            if lock.holder != holder {
                kept.push(lock);
                continue;
            }
            let before = lock.range.start..lock.range.end.min(range.start);
            let after = lock.range.start.max(range.end)..lock.range.end;
            let rest = [before, after].into_iter().filter(|rest| rest.start < rest.end);
            kept.extend(rest.map(|range| Lock { range, ..lock.clone() }));
        }
        *locks = kept;
        if locks.is_empty() {
            self.files.remove(&file);
        }
    }
}

impl Locks {
    /// A number for a handle.
    pub fn new_handle(&self) -> u64 {
        self.handles.fetch_add(1, Ordering::Relaxed)
    }

    fn lock(&self, file: FileId, wanted: Lock, wait: LockWait) -> NodeResult<()> {
        let mut held = self.held.lock();
        let begin = Instant::now();
        while held.blockers(file, &wanted).next().is_some() {
            let LockWait::AtMost(limit) = wait else { return Err(Errno::EAGAIN.into()) };
            if held.would_deadlock(file, &wanted) {
                return Err(Errno::EDEADLK.into());
            }
            let left = limit.saturating_sub(begin.elapsed());
            if left.is_zero() {
                return Err(Errno::ETIMEDOUT.into());
            }
            let holder = wanted.holder;
            held.waiting.insert(holder, (file, wanted.clone()));
            self.released.wait_for(&mut held, left);
            held.waiting.remove(&holder);
        }
        held.take(file, wanted);
        // Taking a lock can be giving part of one back: exclusive becomes shared.
        self.released.notify_all();
        Ok(())
    }

    fn unlock(&self, file: FileId, holder: Holder, range: &Range<u64>) {
        self.held.lock().give_back(file, holder, range);
        self.released.notify_all();
    }

    /// Lets go of what a handle holds, and of every range lock of those who took one through it: closing any handle
    /// of a file is the end of its owner's locks, as POSIX has it.
    pub fn close(&self, file: FileId, handle: u64, owners: &[LockOwner]) {
        let mut held = self.held.lock();
        let owners = owners.iter().map(|owner| Holder::Owner(*owner));
        for holder in std::iter::once(Holder::Handle(handle)).chain(owners) {
            held.give_back(file, holder, &EVERYTHING);
        }
        self.released.notify_all();
    }
}

const EVERYTHING: Range<u64> = 0..u64::MAX;

impl File {
    fn lock_id(&self) -> FileId {
        (self.mount(), self.node().ino())
    }

    /// Locks the whole file for this handle, as `flock` does, or changes the lock it has. The lock ends when the handle is
    /// dropped.
    ///
    /// # Errors
    /// `EAGAIN` if others hold it and `wait` says not to wait; `ETIMEDOUT` if they still do after that long; `EDEADLK` if
    /// they wait for this handle.
    pub fn flock(&self, kind: LockKind, wait: LockWait) -> Result<()> {
        let lock = Lock { holder: Holder::Handle(self.lock_handle()), kind, range: EVERYTHING };
        self.locks().lock(self.lock_id(), lock, wait).of("flock")
    }

    /// Gives the lock of this handle back, if it has one.
    pub fn funlock(&self) {
        self.locks().unlock(self.lock_id(), Holder::Handle(self.lock_handle()), &EVERYTHING);
    }

    /// Locks a range of bytes for an owner, in the place of what that owner has of it. An end of `u64::MAX` means the end
    /// of the file, however long it gets. All locks of an owner on a file end when it closes any handle of that file it
    /// took one through.
    ///
    /// # Errors
    /// `EBADF` for a shared lock through a handle that cannot read, or an exclusive one through one that cannot write;
    /// `EINVAL` for an empty range; `EAGAIN`, `ETIMEDOUT`, `EDEADLK` as [`File::flock`].
    pub fn lock_range(
        &self,
        owner: LockOwner,
        kind: LockKind,
        range: Range<u64>,
        wait: LockWait,
    ) -> Result<()> {
        const OP: &str = "fcntl";
        let allowed = match kind {
            LockKind::Shared => self.options().read,
            LockKind::Exclusive => self.options().writes(),
        };
        match allowed {
            false => return Err(Error::new(OP, Errno::EBADF)),
            true if range.is_empty() => return Err(Error::new(OP, Errno::EINVAL)),
            true => {}
        }
        self.note_lock_owner(owner);
        let lock = Lock { holder: Holder::Owner(owner), kind, range };
        self.locks().lock(self.lock_id(), lock, wait).of(OP)
    }

    /// Gives a range back that an owner may have locked.
    pub fn unlock_range(&self, owner: LockOwner, range: Range<u64>) {
        self.locks().unlock(self.lock_id(), Holder::Owner(owner), &range);
    }

    /// A lock that would keep an owner from locking a range, if there is one.
    pub fn range_conflict(&self, owner: LockOwner, kind: LockKind, range: Range<u64>) -> Option<HeldLock> {
        let wanted = Lock { holder: Holder::Owner(owner), kind, range };
        let held = self.locks().held.lock();
        let found = held.files.get(&self.lock_id())?.iter().find(|lock| wanted.conflicts(lock))?;
        let Holder::Owner(owner) = found.holder else { return None };
        Some(HeldLock { kind: found.kind, range: found.range.clone(), owner })
    }
}
