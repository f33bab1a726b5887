//! How long a job waits for answers about files that take their time.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bell::Unwanted;

/// How long after the end of its time, or the wish of a user, a job is let go that waits for an answer. By then its
/// sandbox has interrupted it, and whatever it is answered is the last that it sees.
const LET_GO: Duration = Duration::from_millis(500);

/// Why a question was not answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refused {
    /// The time of the job was over.
    Late,
    /// A user had enough of it.
    Unwanted,
}

/// Until when a job waits for answers about files that take their time.
pub(super) struct Patience {
    /// Which job a user has had enough of.
    unwanted: Arc<Unwanted>,
    /// The job, counted from 1, or 0.
    job: u32,
    end: Instant,
    is_unwanted: bool,
    /// Whether a question was not answered for that.
    has_refused: bool,
}

impl Patience {
    /// Nothing is waited for yet.
    pub fn new(unwanted: Arc<Unwanted>) -> Patience {
        Patience { unwanted, job: 0, end: Instant::now(), is_unwanted: false, has_refused: false }
    }

    /// Begins with a job, whose time ends at `wall`.
    pub fn begin(&mut self, job: u32, wall: Instant) {
        self.job = job;
        self.end = wall + LET_GO;
        self.is_unwanted = false;
        self.has_refused = false;
    }

    /// When nobody waits any more.
    pub fn end(&self) -> Instant {
        self.end
    }

    pub fn is_over(&self) -> bool {
        Instant::now() >= self.end
    }

    /// Looks whether it is this job that a user has had enough of.
    pub fn hear(&mut self) {
        if self.unwanted.is(self.job) && !self.is_unwanted {
            self.is_unwanted = true;
            self.end = self.end.min(Instant::now() + LET_GO);
        }
    }

    /// Notes that a question was not answered.
    pub fn refuse(&mut self) {
        self.has_refused = true;
    }

    /// Why one was not, if so.
    pub fn refused(&self) -> Option<Refused> {
        let why = if self.is_unwanted { Refused::Unwanted } else { Refused::Late };
        self.has_refused.then_some(why)
    }
}

/// Ready when a user has had enough of a job, perhaps of this one.
impl AsFd for Patience {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.unwanted.as_fd()
    }
}
