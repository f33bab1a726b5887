//! What an isolate is given when it becomes a sandbox's, and how it is interrupted from outside.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use cowry_vfs::{Clock, Overlay, Vfs};
use deno_core::futures::task::AtomicWaker;
use deno_core::v8;

use crate::job::{Event, Interrupt, TimeLimit};

/// Everything the code in an isolate can reach.
pub struct Host {
    /// The tree of mounts.
    pub vfs: Vfs,
    /// The folder of the program itself. Modules in it are `/program/…`; `fs` does not see it.
    pub program: Option<Vfs>,
    /// What the job writes, whose bounds also hold for what statements cannot keep in memory. Without one they have
    /// to.
    pub scratch: Option<Arc<Overlay>>,
    /// Takes what the program logs and writes. It bounds what it passes on.
    pub emit: Box<dyn Fn(Event)>,
    /// What `Math.random` and `crypto` are seeded with.
    pub seed: [u8; 32],
    /// How many bytes a result may have; a larger one throws.
    pub result_bytes: usize,
    /// The time. Coarsened to 100 µs before code sees it.
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("result_bytes", &self.result_bytes).finish_non_exhaustive()
    }
}

/// Why code was told to stop, and what wakes an isolate that waits.
#[derive(Default)]
pub(crate) struct InterruptState {
    reason: AtomicU8,
    pub(crate) waker: AtomicWaker,
}

impl InterruptState {
    /// Whether there was an interrupt since the last [`InterruptState::take`].
    pub(crate) fn is_raised(&self) -> bool {
        self.reason.load(Ordering::Acquire) != 0
    }

    /// Takes the reason, if there was an interrupt since the last call.
    pub(crate) fn take(&self) -> Option<Interrupt> {
        match self.reason.swap(0, Ordering::AcqRel) {
            1 => Some(Interrupt::Time(TimeLimit::Cpu)),
            2 => Some(Interrupt::Time(TimeLimit::Wall)),
            3 => Some(Interrupt::Requested),
            _ => None,
        }
    }
}

/// Stops what an isolate runs, from any thread.
#[derive(Clone)]
pub struct InterruptHandle {
    pub(crate) state: Arc<InterruptState>,
    pub(crate) isolate: v8::IsolateHandle,
}

impl InterruptHandle {
    /// Terminates the code that is running; [`Isolate::run`](crate::Isolate::run) reports why. The first reason
    /// counts. Code inside one long call of the engine stops when that call returns.
    pub fn interrupt(&self, why: Interrupt) {
        let code = match why {
            Interrupt::Time(TimeLimit::Cpu) => 1,
            Interrupt::Time(TimeLimit::Wall) => 2,
            Interrupt::Requested => 3,
        };
        let first = self.state.reason.compare_exchange(0, code, Ordering::AcqRel, Ordering::Relaxed);
        if first.is_ok() {
            self.isolate.terminate_execution();
            self.state.waker.wake();
        }
    }
}

impl fmt::Debug for InterruptHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InterruptHandle")
    }
}
