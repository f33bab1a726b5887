//! Reads of what has to be fetched from far away: threads of their own wait for it, so that neither whoever takes the
//! kernel's requests does, and with it everybody else, nor a transaction that is open.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, OnceLock};

use fuser::ReplyData;
use parking_lot::Mutex;

use super::answer::Answer;
use super::core::Core;
use super::worker::{Queue, Task};
use crate::errno::{Errno, NodeResult};
use crate::node::Ino;

/// Reads that wait at a time.
const THREADS: usize = 8;

/// A read as the kernel asks for it.
pub(super) struct Read {
    pub(super) ino: Ino,
    pub(super) offset: u64,
    pub(super) size: usize,
    pub(super) reply: ReplyData,
}

/// The threads, which are there from the first such read on until this is dropped.
pub(super) struct Fetchers {
    core: Arc<Core>,
    queue: Queue,
    reads: OnceLock<Sender<Read>>,
}

impl Fetchers {
    pub(super) fn new(core: Arc<Core>, queue: Queue) -> Fetchers {
        Fetchers { core, queue, reads: OnceLock::new() }
    }

    /// Answers a read when what it takes is here.
    pub(super) fn send(&self, read: Read) {
        // The threads outlive the sender; if they died, the reply that is dropped here says `EIO`.
        let _ = self.reads.get_or_init(|| self.start()).send(read);
    }

    fn start(&self) -> Sender<Read> {
        let (reads, incoming) = mpsc::channel();
        let incoming = Arc::new(Mutex::new(incoming));
        for _ in 0..THREADS {
            let (core, queue, incoming) = (self.core.clone(), self.queue.clone(), incoming.clone());
            super::spawn("cowry-fuse-read", move || serve(&core, &queue, &incoming));
        }
        reads
    }
}

fn serve(core: &Arc<Core>, queue: &Queue, incoming: &Mutex<Receiver<Read>>) {
    loop {
        let next = incoming.lock().recv();
        let Ok(Read { ino, offset, size, reply }) = next else { return };
        // What is committed says where most of it is. The reply comes from the worker, who sees what is not, too.
        match core.layer.read(ino, offset, size) {
            Err(error) if matches!(error.errno(), Errno::EIO | Errno::ETIMEDOUT) => {
                reply.answer(core, Err(error));
            }
            _ => {
                let core = core.clone();
                queue.send(Task::Look(Box::new(move |layer| {
                    let read: NodeResult<_> = layer.and_then(|layer| layer.read(ino, offset, size));
                    let outcome = read.as_ref().map(|_| ()).map_err(|error| error.errno());
                    reply.answer(&core, read);
                    outcome
                })));
            }
        }
    }
}
