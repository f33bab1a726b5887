//! Watching: what is changed through a [`Vfs`] and its clones, told to who asked for it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::errno::Result;
use crate::fs::{Context, Follow, Vfs};
use crate::path::VPathBuf;

/// What happened to a path.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FsEventKind {
    /// It was made, or a name was given to what was there.
    Create,
    /// Its content or attributes were changed.
    Modify,
    /// It was removed, with everything below it.
    Remove,
    /// It came from [`FsEvent::from`], with everything below it; what it replaced is gone.
    Rename,
    /// Events are missing: there were more than the queue holds, or changes were rolled back. Look again.
    Overflow,
}

/// One change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FsEvent {
    /// What happened.
    pub kind: FsEventKind,
    /// What it happened to, without links; of an overflow, what is watched.
    pub path: VPathBuf,
    /// Of a rename, the old path.
    pub from: Option<VPathBuf>,
}

/// How a path is watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WatchOptions {
    /// Whether everything below is meant, or only the path itself and its entries.
    pub recursive: bool,
    /// How many events are kept until they are taken, an overflow included.
    pub capacity: usize,
}

impl Default for WatchOptions {
    fn default() -> Self {
        WatchOptions { recursive: false, capacity: 4096 }
    }
}

/// Events since it was made, in order. Dropping it stops the watching.
///
/// Changes that follow one another on one path come as one. An operation on a whole tree (rename, remove, copy)
/// is one event, of its top. What is written through an open file is told of the path it was opened by.
#[derive(Debug)]
pub struct Watch {
    queue: Arc<Queue>,
    watchers: Arc<Watchers>,
}

impl Watch {
    /// The next event, if there is one.
    pub fn try_next(&self) -> Option<FsEvent> {
        self.queue.events.lock().pop_front()
    }

    /// The next event; waits for it at most this long.
    pub fn next_within(&self, timeout: Duration) -> Option<FsEvent> {
        let mut events = self.queue.events.lock();
        self.queue.ready.wait_while_for(&mut events, |events| events.is_empty(), timeout);
        events.pop_front()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut list = self.watchers.list.lock();
        list.retain(|queue| !std::ptr::eq(queue.as_ptr(), &*self.queue));
        self.watchers.count.store(list.len(), Ordering::Release);
    }
}

/// Who watches a filesystem.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    /// How many there are, so that changes nobody watches cost one load.
    count: AtomicUsize,
    list: Mutex<Vec<Weak<Queue>>>,
}

#[derive(Debug)]
struct Queue {
    path: VPathBuf,
    options: WatchOptions,
    events: Mutex<VecDeque<FsEvent>>,
    ready: Condvar,
}

impl Watchers {
    /// Whether nobody watches.
    pub fn is_idle(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    fn add(self: &Arc<Self>, path: VPathBuf, options: WatchOptions) -> Watch {
        let events = Mutex::new(VecDeque::new());
        let queue = Arc::new(Queue { path, options, events, ready: Condvar::new() });
        let mut list = self.list.lock();
        list.push(Arc::downgrade(&queue));
        self.count.store(list.len(), Ordering::Release);
        Watch { queue, watchers: self.clone() }
    }

    /// Tells everyone who watches the path.
    pub fn tell(&self, event: &FsEvent) {
        for queue in self.list.lock().iter().filter_map(Weak::upgrade) {
            if queue.concerns(event) {
                queue.push(event.clone());
            }
        }
    }

    /// Tells everyone that what they know may be wrong.
    pub fn tell_lost(&self) {
        for queue in self.list.lock().iter().filter_map(Weak::upgrade) {
            queue.push(queue.overflow());
        }
    }
}

impl Queue {
    fn concerns(&self, event: &FsEvent) -> bool {
        let moves = matches!(event.kind, FsEventKind::Remove | FsEventKind::Rename);
        let mut paths = [Some(&event.path), event.from.as_ref()].into_iter().flatten();
        paths.any(|path| self.covers(path) || moves && self.path.is_within(path))
    }

    fn covers(&self, path: &VPathBuf) -> bool {
        match self.options.recursive {
            true => path.is_within(&self.path),
            false => *path == self.path || path.parent().as_ref() == Some(&self.path),
        }
    }

    fn overflow(&self) -> FsEvent {
        FsEvent { kind: FsEventKind::Overflow, path: self.path.clone(), from: None }
    }

    fn push(&self, event: FsEvent) {
        let mut events = self.events.lock();
        let last = events.back();
        let repeated = matches!(event.kind, FsEventKind::Modify | FsEventKind::Overflow);
        if repeated && last == Some(&event) {
            return;
        }
        if events.len() + 1 < self.options.capacity.max(1) {
            events.push_back(event);
        } else if last.is_none_or(|last| last.kind != FsEventKind::Overflow) {
            events.push_back(self.overflow());
        }
        self.ready.notify_all();
    }
}

impl Vfs {
    /// Tells from now on what is changed at `path` and at its entries (or everywhere below it) through this `Vfs` and
    /// its clones. Changes made on a layer by itself, or by others, are not seen. The watch stays with the path, not with
    /// what is there.
    ///
    /// # Errors
    /// As [`Vfs::stat`].
    pub fn watch(&self, path: &str, options: WatchOptions) -> Result<Watch> {
        let table = self.table();
        let resolve = || {
            let mut walk = self.walk(&table, path)?;
            walk.find(path, Follow::Yes)?;
            Ok(walk.path())
        };
        resolve().at("watch", path).map(|path| self.shared.watchers.add(path, options))
    }

    /// Tells who watches of a change; `path` is asked for only if there are any.
    pub(super) fn tell(&self, kind: FsEventKind, path: impl FnOnce() -> VPathBuf) {
        if !self.shared.watchers.is_idle() {
            self.shared.watchers.tell(&FsEvent { kind, path: path(), from: None });
        }
    }

    pub(super) fn tell_rename(&self, from: impl FnOnce() -> VPathBuf, to: impl FnOnce() -> VPathBuf) {
        if !self.shared.watchers.is_idle() {
            let event = FsEvent { kind: FsEventKind::Rename, path: to(), from: Some(from()) };
            self.shared.watchers.tell(&event);
        }
    }

    pub(super) fn tell_modified(&self, path: &str, follow: Follow) {
        self.tell_changed(FsEventKind::Modify, path, follow);
    }

    /// Tells of a change to what `path` leads to.
    pub(super) fn tell_changed(&self, kind: FsEventKind, path: &str, follow: Follow) {
        if self.shared.watchers.is_idle() {
            return;
        }
        let table = self.table();
        let Ok(mut walk) = self.walk(&table, path) else { return };
        if walk.find(path, follow).is_ok() {
            self.tell(kind, || walk.path());
        }
    }
}
