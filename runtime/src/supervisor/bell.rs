//! What wakes whoever looks after a sandbox.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::event::{EventfdFlags, eventfd};

/// A descriptor that can be waited for among others, and is ready while it rings.
#[derive(Debug)]
pub(super) struct Bell(OwnedFd);

impl Bell {
    pub(super) fn new() -> io::Result<Bell> {
        Ok(Bell(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    pub(super) fn ring(&self) {
        // One that has been rung so often rings already.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    pub(super) fn silence(&self) {
        // One that does not ring is silent.
        let _ = rustix::io::read(&self.0, &mut [0; 8]);
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Which job a user has had enough of.
#[derive(Debug)]
pub(super) struct Unwanted {
    bell: Bell,
    job: AtomicU32,
}

impl Unwanted {
    pub(super) fn new() -> io::Result<Unwanted> {
        Ok(Unwanted { bell: Bell::new()?, job: AtomicU32::new(0) })
    }

    /// Says that it is this one.
    pub(super) fn set(&self, job: u32) {
        self.job.store(job, Ordering::SeqCst);
        self.bell.ring();
    }

    /// Whether it is this one. What rang has been heard then.
    pub(super) fn is(&self, job: u32) -> bool {
        self.bell.silence();
        job != 0 && self.job.load(Ordering::SeqCst) == job
    }
}

impl AsFd for Unwanted {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}
