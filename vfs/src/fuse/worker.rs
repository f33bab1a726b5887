//! The thread that changes the layer, many requests to a transaction.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::answer::Answer;
use super::core::Core;
use super::gather::{Gather, Write};
use super::stale::{self, Notice};
use super::{Elsewhere, FuseOptions, Version};
use crate::errno::{Errno, NodeError, NodeResult};
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
    /// A change of an inode.
    Change(Ino, Job),
    /// The most frequent of changes.
    Write(Write),
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
    gather: Gather,
    /// Whether there is room for all that a batch may write: otherwise each write has to hear of it itself.
    roomy: bool,
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
            task @ (Task::Change(..) | Task::Write(_)) => {
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
            gather: Gather::default(),
            roomy: false,
            touched: HashSet::new(),
            commits: Vec::new(),
        };
        let mut first = Some(first);
        let result = self.core.layer.clone().batch(&mut |layer| {
            let mut next = first.take();
            slice.roomy = layer
                .statfs()
                .is_ok_and(|stat| stat.total_bytes.saturating_sub(stat.used_bytes) > 2 * SLICE_BYTES as u64);
            while let Some(task) = next {
                next = if self.step(layer, task, &mut slice) { self.next(slice.until) } else { None };
            }
            self.settle(layer, &mut slice);
            Ok(())
        });
        match (first, result) {
            // The transaction could not even begin.
            (Some(task), Err(error)) => self.refuse(task, error),
            (_, Err(_)) => self.lose(slice.touched),
            _ => {}
        }
        let commits = slice.commits.len();
        for job in slice.commits {
            let _ = job(Ok(&*self.core.layer));
        }
        self.done(commits + 1);
    }

    /// Does one task inside the batch. Says whether there may be another.
    fn step(&self, layer: &dyn Layer, task: Task, slice: &mut Slice) -> bool {
        let settled = matches!(task, Task::Write(_)) || self.settle(layer, slice);
        let outcome = match task {
            Task::Look(job) => job(Ok(layer)),
            Task::Change(ino, job) => {
                slice.touched.insert(ino);
                job(Ok(layer))
            }
            Task::Write(write) => self.write(layer, write, slice),
            Task::Commit(job) => {
                slice.commits.push(job);
                return false;
            }
        };
        self.done(1);
        settled && slice.bytes < SLICE_BYTES && !outcome.is_err_and(may_have_failed_half_way)
    }

    fn write(&self, layer: &dyn Layer, write: Write, slice: &mut Slice) -> Result<(), Errno> {
        let Write { ino, offset, data, kills_set_id, reply } = write;
        slice.touched.insert(ino);
        slice.bytes += data.len();
        if slice.roomy && !kills_set_id && slice.gather.take(ino, offset, &data) {
            reply.written(data.len() as u32);
            return Ok(());
        }
        let settled = self.settle(layer, slice);
        let written = self.core.write(layer, ino, offset, &data, kills_set_id);
        if written.is_ok() {
            slice.gather.note(ino, offset + data.len() as u64);
        }
        let outcome = written.as_ref().map(|_| ()).map_err(|error| error.errno());
        reply.answer(&self.core, written);
        if settled { outcome } else { Err(Errno::EIO) }
    }

    /// Gives the layer what was gathered. Says whether it took it; otherwise the file's next `fsync` says so.
    fn settle(&self, layer: &dyn Layer, slice: &mut Slice) -> bool {
        match slice.gather.settle(layer) {
            Ok(()) => true,
            Err(ino) => {
                self.core.lost.lock().insert(ino);
                false
            }
        }
    }

    /// Answers a change that cannot be made.
    fn refuse(&self, task: Task, error: NodeError) {
        match task {
            Task::Write(write) => write.reply.answer(&self.core, Err(error)),
            Task::Look(job) | Task::Change(_, job) | Task::Commit(job) => {
                let _ = job(Err(error));
            }
        }
        self.done(1);
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
