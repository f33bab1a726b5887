//! The thread that changes the layer, many requests to a transaction.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::core::Core;
use super::stale::{self, Notice};
use super::{Elsewhere, FuseOptions, Version};
use crate::errno::{Errno, NodeResult};
use crate::layer::Layer;
use crate::node::Ino;

/// How often to ask, while nothing happens, whether somebody else has changed the layer.
const WATCH_EVERY: Duration = Duration::from_millis(250);
/// Bytes written after which a batch is committed.
const SLICE_BYTES: usize = 32 << 20;

/// What to do with the layer, or with the reason why there is none to be had. Returns the error that it answered.
pub(super) type Job = Box<dyn FnOnce(NodeResult<&dyn Layer>) -> Result<(), Errno> + Send>;

/// What the worker is asked for.
pub(super) enum Task {
    /// Something that changes nothing.
    Look(Job),
    /// A change of an inode, with so many bytes.
    Change(Ino, usize, Job),
    /// Everything so far is to be committed; then the answer.
    Commit(Job),
}

/// Where tasks go.
#[derive(Clone)]
pub(super) struct Queue {
    tasks: Sender<Task>,
    /// Tasks that wait or run, and the batch that is open.
    pending: Arc<AtomicUsize>,
}

impl Queue {
    pub(super) fn send(&self, task: Task) {
        self.pending.fetch_add(1, Ordering::SeqCst);
        // The worker outlives all senders; if it died, the reply that is dropped here says `EIO`.
        let _ = self.tasks.send(task);
    }

    /// Whether whoever sends tasks may look at the layer by itself: nothing waits and no batch is open.
    pub(super) fn is_idle(&self) -> bool {
        self.pending.load(Ordering::SeqCst) == 0
    }
}

/// The running thread.
pub(super) struct Worker {
    queue: Queue,
    thread: JoinHandle<()>,
}

impl Worker {
    pub(super) fn start(core: Arc<Core>, options: &FuseOptions, notices: Sender<Vec<Notice>>) -> Worker {
        let (tasks, incoming) = mpsc::channel();
        let pending = Arc::new(AtomicUsize::new(0));
        let watch = match &options.elsewhere {
            Elsewhere::Watched(version) => Some((version.clone(), version().ok())),
            Elsewhere::Never | Elsewhere::Unknown => None,
        };
        let state = State { core, incoming, pending: pending.clone(), slice: options.slice, watch, notices };
        let thread = super::spawn("cowry-fuse-work", move || state.run());
        Worker { queue: Queue { tasks, pending }, thread }
    }

    pub(super) fn queue(&self) -> Queue {
        self.queue.clone()
    }

    /// Waits until what was asked for is done. Everybody else has dropped the queue.
    pub(super) fn join(self) {
        drop(self.queue);
        // A panic there has been reported; there is nothing left to serve either way.
        let _ = self.thread.join();
    }
}

struct State {
    core: Arc<Core>,
    incoming: Receiver<Task>,
    pending: Arc<AtomicUsize>,
    slice: Duration,
    watch: Option<(Version, Option<u64>)>,
    notices: Sender<Vec<Notice>>,
}

/// One batch.
struct Slice {
    until: Instant,
    bytes: usize,
    touched: HashSet<Ino>,
    /// Answers that wait for the commit.
    commits: Vec<Job>,
}

impl State {
    fn run(mut self) {
        loop {
            match self.incoming.recv_timeout(WATCH_EVERY) {
                Ok(task) => self.start(task),
                Err(RecvTimeoutError::Timeout) => self.watch(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let pinned = self.core.known.lock().drain_pinned();
        pinned.into_iter().for_each(|ino| self.core.layer.release(ino));
    }

    fn start(&mut self, task: Task) {
        match task {
            Task::Look(job) | Task::Commit(job) => {
                let _ = job(Ok(&*self.core.layer));
                self.done(1);
            }
            task @ Task::Change(..) => {
                self.watch();
                self.batch(task);
            }
        }
    }

    fn done(&self, tasks: usize) {
        self.pending.fetch_sub(tasks, Ordering::SeqCst);
    }

    /// Runs changes in one transaction until it is time to commit it.
    fn batch(&mut self, first: Task) {
        // The open batch counts as pending, so that nobody looks past it.
        self.pending.fetch_add(1, Ordering::SeqCst);
        let mut slice = Slice {
            until: Instant::now() + self.slice,
            bytes: 0,
            touched: HashSet::new(),
            commits: Vec::new(),
        };
        let mut first = Some(first);
        let result = self.core.layer.clone().batch(&mut |layer| {
            let Some(first) = first.take() else { return Ok(()) };
            let mut next = Some(first);
            while let Some(task) = next {
                next = if self.step(layer, task, &mut slice) { self.next(slice.until) } else { None };
            }
            Ok(())
        });
        if let (Some(Task::Change(_, _, job)), Err(error)) = (first, &result) {
            // The transaction could not even begin.
            let _ = job(Err(error.clone()));
            self.done(1);
        } else if result.is_err() {
            self.lose(slice.touched);
        }
        let commits = slice.commits.len();
        for job in slice.commits {
            let _ = job(Ok(&*self.core.layer));
        }
        self.done(commits + 1);
    }

    /// Does one task inside the batch. Says whether there may be another.
    fn step(&self, layer: &dyn Layer, task: Task, slice: &mut Slice) -> bool {
        let outcome = match task {
            Task::Look(job) => job(Ok(layer)),
            Task::Change(ino, bytes, job) => {
                slice.bytes += bytes;
                slice.touched.insert(ino);
                job(Ok(layer))
            }
            Task::Commit(job) => {
                slice.commits.push(job);
                return false;
            }
        };
        self.done(1);
        slice.bytes < SLICE_BYTES && !outcome.is_err_and(may_have_failed_half_way)
    }

    fn next(&self, until: Instant) -> Option<Task> {
        self.incoming.recv_timeout(until.saturating_duration_since(Instant::now())).ok()
    }

    /// What was acknowledged is gone: the kernel is to forget it, and `fsync` to say so.
    fn lose(&self, touched: HashSet<Ino>) {
        self.core.lost.lock().extend(touched);
        let _ = self.notices.send(stale::find(&self.core));
    }

    /// Asks whether somebody else has changed the layer, and tells the kernel.
    fn watch(&mut self) {
        let Some((version, last)) = &mut self.watch else { return };
        let Ok(now) = version() else { return };
        if *last != Some(now) {
            *last = Some(now);
            let _ = self.notices.send(stale::find(&self.core));
        }
    }
}

/// Errors after which the batch may have to be undone, so that it is better ended at once.
fn may_have_failed_half_way(errno: Errno) -> bool {
    matches!(errno, Errno::EIO | Errno::ENOSPC | Errno::ENOMEM | Errno::EBUSY)
}
