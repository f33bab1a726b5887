//! What happens in a sandbox, from the fork to the end: lock down, then run jobs.

mod limits;
pub(crate) mod lockdown;
mod serve;
mod syscalls;
mod watchdog;

pub(crate) use watchdog::PATIENCE;

use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::control::SpawnRequest;
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

/// What a new sandbox is born with.
pub(crate) struct Birth {
    pub request: SpawnRequest,
    pub descriptors: Descriptors,
    /// Bytes of private writable memory at the fork.
    pub data_bytes: u64,
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

    /// Closes everything else, the zygote's descriptors and those of other sandboxes first of all.
    fn keep_only(self) -> io::Result<Kept> {
        // From here on it is closed by number, with all the rest.
        let stderr = ManuallyDrop::new(self.stderr);
        sys::dup_onto(stderr.as_fd(), 2)?;
        let mut keep: Vec<_> = self.spills.iter().map(AsRawFd::as_raw_fd).collect();
        keep.extend([self.fs.as_raw_fd(), self.main.as_raw_fd()]);
        sys::close_all_but(&mut keep)?;
        Ok(Kept { fs: self.fs, main: self.main, spills: self.spills })
    }
}

/// The descriptors of a sandbox, when it has no others any more.
struct Kept {
    fs: UnixStream,
    main: UnixStream,
    spills: Vec<OwnedFd>,
}

/// Becomes a sandbox. The engine is never torn down: the process ends where it stands.
pub(crate) fn enter(isolate: &mut Isolate, birth: Birth, locks: &lockdown::LastLock) -> ! {
    let lived = catch_unwind(AssertUnwindSafe(|| live(isolate, birth, locks)));
    sys::exit_now(match lived {
        Ok(Ok(())) => exit::DONE,
        Ok(Err(error)) => {
            complain(&error);
            exit::FAILED
        }
        // The panic has had its say on stderr.
        Err(_) => exit::FAILED,
    })
}

fn live(isolate: &mut Isolate, birth: Birth, locks: &lockdown::LastLock) -> io::Result<()> {
    let Birth { request, descriptors, data_bytes } = birth;
    let kept = descriptors.keep_only()?;
    sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong, 0)?;
    let mut lockdown = Lockdown::default();
    limits::apply(&request, data_bytes)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let watchdog = watchdog::start(isolate.interrupt_handle(), request.limits)?;
    lockdown::lock_sandbox(locks, &mut lockdown);
    if locks.is_granted && !lockdown.is_complete() {
        // What the zygote was granted it announced; a sandbox with less runs no code.
        return Err(io::Error::other(lockdown.missing.join("; ")));
    }
    serve::serve(isolate, &runtime, &watchdog, request, kept, lockdown.missing)
}

fn complain(error: &io::Error) {
    use io::Write;
    let _ = writeln!(io::stderr(), "sandbox: {error}");
}
