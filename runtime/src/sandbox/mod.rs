//! What happens in a sandbox, from the fork to the end: lock down, then run jobs.

mod limits;
pub(crate) mod lockdown;
mod serve;
mod syscalls;
pub(crate) mod trial;
pub(crate) mod undo;
mod watchdog;

pub(crate) use watchdog::PATIENCE;

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::runtime::Runtime;

use self::watchdog::Watchdog;
use crate::control::{self, SpawnRequest};
use crate::dirt::Dirt;
use crate::isolate::Isolate;
use crate::spec::Lockdown;
use crate::sys;

/// Exit codes with a meaning of their own. A result always comes as a message.
pub(crate) mod exit {
    /// The supervisor has no more jobs.
    pub(crate) const DONE: i32 = 0;
    /// Code that did not stop when its processor time was up.
    pub(crate) const CPU: i32 = 71;
    /// Code that did not stop when its wall time was up.
    pub(crate) const WALL: i32 = 72;
    /// Code that did not stop when the user asked.
    pub(crate) const INTERRUPTED: i32 = 73;
    /// A bug in this crate, or a socket that broke.
    pub(crate) const FAILED: i32 = 74;
}

/// The descriptors that a sandbox keeps.
pub(crate) struct Descriptors {
    pub fs: UnixStream,
    pub main: UnixStream,
    pub stderr: OwnedFd,
    /// One for each mount that spills, in order.
    pub spills: Vec<OwnedFd>,
}

impl Descriptors {
    /// Takes them out of a packet in their order; `None` if there are not exactly as many as the request needs.
    pub(crate) fn new(
        request: &SpawnRequest,
        mut fds: impl ExactSizeIterator<Item = OwnedFd>,
    ) -> Option<Self> {
        let spills = request.mounts.iter().filter(|m| m.spills).count();
        if fds.len() != 3 + spills {
            return None;
        }
        let (fs, main, stderr) = (fds.next()?.into(), fds.next()?.into(), fds.next()?);
        Some(Descriptors { fs, main, stderr, spills: fds.collect() })
    }

    /// Makes the stderr of the sandbox that of the process. Nothing else is open any more.
    fn keep(self) -> io::Result<Kept> {
        sys::dup_onto(self.stderr.as_fd(), 2)?;
        Ok(Kept { fs: self.fs, main: self.main, spills: self.spills })
    }
}

/// The descriptors of a sandbox, when it has no others any more.
struct Kept {
    fs: UnixStream,
    main: UnixStream,
    spills: Vec<OwnedFd>,
}

/// What a fork has of its zygote, beside the isolate.
#[derive(Clone, Copy)]
pub(crate) struct Inherited<'a> {
    pub locks: &'a lockdown::LastLock,
    /// What a job is known to write to.
    pub dirt: &'a Dirt,
    /// Bytes of private writable memory at the fork.
    pub data_bytes: u64,
}

/// Becomes a sandbox once there is a request for one on `orders`. The engine is never torn down: the process ends
/// where it stands.
pub(crate) fn enter(isolate: &mut Isolate, inherited: Inherited<'_>, orders: OwnedFd) -> ! {
    end(|| live(isolate, inherited, orders))
}

/// Ends the process as this life of it ends.
fn end(life: impl FnOnce() -> io::Result<()>) -> ! {
    sys::exit_now(match catch_unwind(AssertUnwindSafe(life)) {
        Ok(Ok(())) => exit::DONE,
        Ok(Err(error)) => {
            complain(&error);
            exit::FAILED
        }
        // The panic has had its say on stderr.
        Err(_) => exit::FAILED,
    })
}

/// Everything that needs no request comes first: a fork waits here, ready, until it is wanted.
fn live(isolate: &mut Isolate, inherited: Inherited<'_>, orders: OwnedFd) -> io::Result<()> {
    // The zygote's descriptors first of all, and those of other sandboxes.
    sys::close_all_but(&mut [orders.as_raw_fd()])?;
    let prepared = Prepared::new(isolate, inherited.locks)?;
    inherited.dirt.touch();
    // A zygote that wants no more of us has closed its end.
    let Some(packet) = control::receive(&orders, control::PACKET)? else { return Ok(()) };
    drop(orders);
    let request: SpawnRequest = packet.decode()?;
    let descriptors =
        Descriptors::new(&request, packet.fds.into_iter()).ok_or(io::ErrorKind::InvalidInput)?;
    let kept = descriptors.keep()?;
    let missing = prepared.lock(&request, inherited)?;
    serve::serve(isolate, &prepared, request, kept, missing)
}

/// What a sandbox has before it knows what it is for.
struct Prepared {
    runtime: Runtime,
    watchdog: Watchdog,
    /// What came of locking it down.
    locked: Result<(), String>,
}

impl Prepared {
    fn new(isolate: &mut Isolate, locks: &lockdown::LastLock) -> io::Result<Prepared> {
        sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong, 0)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let watchdog = watchdog::start(isolate.interrupt_handle())?;
        Ok(Prepared { runtime, watchdog, locked: lockdown::lock_waiting(locks) })
    }

    /// Puts the limits and the last lock on, and says what of it the kernel did not grant.
    fn lock(&self, request: &SpawnRequest, inherited: Inherited<'_>) -> io::Result<Vec<String>> {
        let mut lockdown = Lockdown::default();
        limits::apply(request, inherited.data_bytes)?;
        lockdown::lock_sandbox(inherited.locks, &self.locked, &mut lockdown);
        if inherited.locks.is_granted && !lockdown.is_complete() {
            // What the zygote was granted it announced; a sandbox with less runs no code.
            return Err(io::Error::other(lockdown.missing.join("; ")));
        }
        Ok(lockdown.missing)
    }
}

fn complain(error: &io::Error) {
    use io::Write;
    let _ = writeln!(io::stderr(), "sandbox: {error}");
}
