//! The thread that ends a job whose time is up, or whose user has had enough.
//!
//! It interrupts the isolate first. Code inside one long native call does not notice; when it has had 100 ms more of
//! a processor the process ends where it stands, with an exit code that says why.

use std::cell::Cell;
use std::io;
use std::os::unix::thread::JoinHandleExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::exit;
use crate::host::InterruptHandle;
use crate::job::{Interrupt, TimeLimit};
use crate::spec::Limits;
use crate::sys;
use crate::zygote::{ARM, INTERRUPT};

/// What interrupted code may take to come back, on the wall and of a processor: on a busy machine it may not have had
/// one for longer than that, and is not to blame for it.
const GRACE: Duration = Duration::from_millis(100);
/// How long code may take to come back that gets no processor, or waits for an answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// The thread calls a handful of functions.
pub(super) const STACK: usize = 64 << 10;

/// The job being watched.
#[derive(Clone, Copy)]
struct Watched {
    /// Tells one job from the next; the supervisor counts the same way.
    number: u32,
    cpu_end: Duration,
    wall_end: Duration,
}

impl Watched {
    /// Why it should end now, if it should.
    fn due(&self, unwanted: u32) -> Option<Interrupt> {
        if self.number == unwanted {
            Some(Interrupt::Requested)
        } else if sys::cpu_time() >= self.cpu_end {
            Some(Interrupt::Time(TimeLimit::Cpu))
        } else {
            (sys::monotonic() >= self.wall_end).then_some(Interrupt::Time(TimeLimit::Wall))
        }
    }

    /// The longest sleep that misses neither end by much: with one busy thread, processor time cannot run ahead
    /// of the wall.
    fn patience(&self) -> Duration {
        let cpu = self.cpu_end.saturating_sub(sys::cpu_time());
        let wall = self.wall_end.saturating_sub(sys::monotonic());
        cpu.min(wall).max(Duration::from_millis(1))
    }
}

pub(super) struct Watchdog {
    job: Arc<Mutex<Option<Watched>>>,
    jobs: Cell<u32>,
    thread: JoinHandle<()>,
}

/// Starts the thread, with nothing to watch yet.
pub(super) fn start(isolate: InterruptHandle) -> io::Result<Watchdog> {
    let job = Arc::new(Mutex::new(None));
    let watched = job.clone();
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(move || watch(&isolate, &watched))?;
    Ok(Watchdog { job, jobs: 0.into(), thread })
}

impl Watchdog {
    /// Watches over `work`, which may take as long as these limits say.
    pub(super) fn during<T>(&self, limits: &Limits, work: impl FnOnce() -> T) -> T {
        self.jobs.set(self.jobs.get() + 1);
        *lock(&self.job) = Some(Watched {
            number: self.jobs.get(),
            cpu_end: sys::cpu_time() + limits.cpu,
            wall_end: sys::monotonic().saturating_add(limits.wall),
        });
        // SAFETY: the thread never ends before the process does.
        unsafe { libc::pthread_kill(self.thread.as_pthread_t(), ARM) };
        let done = work();
        *lock(&self.job) = None;
        done
    }
}

/// Nothing here panics while it holds the lock, so poison means nothing.
fn lock(job: &Mutex<Option<Watched>>) -> MutexGuard<'_, Option<Watched>> {
    job.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watch(isolate: &InterruptHandle, job: &Mutex<Option<Watched>>) {
    // The job that the user last asked to interrupt. It may not have begun yet; one that is over stays over.
    let mut unwanted = 0;
    loop {
        let watched = *lock(job);
        let due = watched.and_then(|watched| watched.due(unwanted));
        let (Some(watched), Some(why)) = (watched, due) else {
            let patience = watched.map(|watched| watched.patience());
            if let Some((INTERRUPT, number)) = sys::wait_signal(&[INTERRUPT, ARM], patience) {
                unwanted = number;
            }
            continue;
        };
        {
            let current = lock(job);
            if !is_same(&current, &watched) {
                continue;
            }
            isolate.interrupt(why);
        }
        insist(job, &watched, why);
    }
}

/// Ends the process unless the job comes to an end soon.
fn insist(job: &Mutex<Option<Watched>>, watched: &Watched, why: Interrupt) {
    let (wall, cpu) = (sys::monotonic(), sys::cpu_time());
    while let Some(left) = grace_left(sys::monotonic() - wall, sys::cpu_time() - cpu) {
        sys::wait_signal(&[INTERRUPT, ARM], Some(left));
        if !is_same(&lock(job), watched) {
            return;
        }
    }
    sys::exit_now(match why {
        Interrupt::Time(TimeLimit::Cpu) => exit::CPU,
        Interrupt::Time(TimeLimit::Wall) => exit::WALL,
        Interrupt::Requested => exit::INTERRUPTED,
    })
}

/// What is left of the grace after this much time; never less than a millisecond, so that waiting for it costs little.
fn grace_left(wall: Duration, cpu: Duration) -> Option<Duration> {
    let left = GRACE.saturating_sub(wall).max(GRACE.saturating_sub(cpu)).min(PATIENCE.saturating_sub(wall));
    (!left.is_zero()).then(|| left.max(Duration::from_millis(1)))
}

fn is_same(current: &Option<Watched>, watched: &Watched) -> bool {
    current.is_some_and(|current| current.number == watched.number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(wall_ms: u64, cpu_ms: u64) -> Option<u64> {
        let left = grace_left(Duration::from_millis(wall_ms), Duration::from_millis(cpu_ms));
        left.map(|left| left.as_millis() as u64)
    }

    #[test]
    fn code_that_has_a_processor_gets_100_ms() {
        assert_eq!(
            [left(0, 0), left(30, 30), left(100, 100), left(100, 180)],
            [Some(100), Some(70), None, None]
        );
    }

    #[test]
    fn code_without_a_processor_gets_more_and_not_for_ever() {
        assert_eq!([left(300, 40), left(4_990, 40), left(5_000, 40)], [Some(60), Some(10), None]);
    }
}
