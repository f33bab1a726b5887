//! Starting a zygote, and asking it for sandboxes.

use std::fmt;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::birth::Spares;
use super::error::RuntimeError;
use super::sandbox::Sandbox;
use crate::control::{self, BUILD_ID, Boot, HELLO, Packet};
use crate::launcher;
use crate::spec::{Lockdown, SandboxSpec};

/// How long a program may take to greet: the first thing it does, but machines can be very busy. One that ends
/// without a greeting is noticed at once.
const HELLO_TIME: Duration = Duration::from_secs(60);
/// How long it may take to boot.
const BOOT_TIME: Duration = Duration::from_secs(180);
/// The most of a dead zygote's stderr that is passed on.
const LAST_WORDS: u64 = 4 << 10;

/// How to start a zygote.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ZygoteOptions {
    /// The program that becomes the zygote by calling [`init`](crate::init); the running one if `None`.
    pub program: Option<PathBuf>,
    /// Where scratch spills to, in files without a name; the host's temporary folder if `None`.
    pub spill_folder: Option<PathBuf>,
    /// One sandbox is all that is wanted: after it none is forked before it is asked for, which costs whoever asks for
    /// another one the time of a fork.
    pub is_for_one: bool,
}

/// A process that has an isolate ready and is forked for every sandbox.
///
/// It can be shared between threads. When it dies, every sandbox of it dies, and the next [`spawn`](Zygote::spawn)
/// starts another one. Dropping it ends it.
pub struct Zygote {
    options: ZygoteOptions,
    process: Mutex<Process>,
    spares: Spares,
}

impl fmt::Debug for Zygote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zygote").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Zygote {
    /// Starts a zygote. It boots in the background; the first [`spawn`](Zygote::spawn) waits for it.
    ///
    /// # Errors
    /// [`RuntimeError::NotInitialised`] if it is to be the running program and that has not called
    /// [`init`](crate::init); [`RuntimeError::Start`] if the program cannot be executed.
    pub fn start(options: &ZygoteOptions) -> Result<Zygote, RuntimeError> {
        let process = Process::start(options)?;
        let spares = Spares::new(options.spill_folder.clone().unwrap_or_else(std::env::temp_dir));
        // While it boots.
        spares.refill();
        Ok(Zygote { options: options.clone(), process: Mutex::new(process), spares })
    }

    /// Which parts of the lockdown are in force in sandboxes of this zygote. Waits until it has booted.
    ///
    /// # Errors
    /// [`RuntimeError::NotInitialised`], [`RuntimeError::BuildMismatch`], [`RuntimeError::ZygoteDied`].
    pub fn lockdown(&self) -> Result<Lockdown, RuntimeError> {
        Ok(self.ready()?.1)
    }

    /// The control socket and the locks of a zygote that has booted. One that could not is replaced first.
    fn ready(&self) -> Result<(Arc<OwnedFd>, Lockdown), RuntimeError> {
        let mut process = self.process.lock();
        if process.is_dead {
            *process = Process::start(&self.options)?;
        }
        process.ready()
    }

    /// The process to look at from outside: the launcher, whose only child is the zygote.
    pub fn process_id(&self) -> u32 {
        self.process.lock().child.id()
    }

    /// Forks a sandbox.
    ///
    /// # Errors
    /// [`RuntimeError::NotInitialised`], [`RuntimeError::BuildMismatch`], [`RuntimeError::ZygoteDied`],
    /// [`RuntimeError::Invalid`], [`RuntimeError::Refused`], [`RuntimeError::Spawn`].
    pub fn spawn(&self, spec: SandboxSpec) -> Result<Sandbox, RuntimeError> {
        let mut restarted = false;
        loop {
            let (control, lockdown) = self.ready()?;
            if spec.strict && !lockdown.is_complete() {
                return Err(RuntimeError::Refused { missing: lockdown.missing });
            }
            match Sandbox::spawn(&control, &self.spares, &spec, lockdown) {
                Err(RuntimeError::ZygoteDied { .. }) if !restarted => {
                    restarted = true;
                    self.restart(&control)?;
                }
                spawned => return spawned,
            }
        }
    }

    /// Starts another zygote, unless another thread has done so.
    fn restart(&self, dead: &Arc<OwnedFd>) -> Result<(), RuntimeError> {
        let mut process = self.process.lock();
        if Arc::ptr_eq(&process.control, dead) {
            *process = Process::start(&self.options)?;
        }
        Ok(())
    }
}

/// A launcher with its zygote.
struct Process {
    child: Child,
    stderr: Option<ChildStderr>,
    control: Arc<OwnedFd>,
    /// Known once it has booted.
    lockdown: Option<Lockdown>,
    is_dead: bool,
}

impl Process {
    fn start(options: &ZygoteOptions) -> Result<Process, RuntimeError> {
        if options.program.is_none() && !launcher::is_initialised() {
            return Err(RuntimeError::NotInitialised);
        }
        Process::execute(options).map_err(RuntimeError::Start)
    }

    /// The environment is cleared, or keys of the host's would sit in every sandbox's memory.
    ///
    /// The control socket is its stdin. Its closing is how the zygote learns that we are gone, however we went: a
    /// signal on the parent's death would come when the thread ends that called this.
    fn execute(options: &ZygoteOptions) -> io::Result<Process> {
        let (ours, theirs) = control::packet_pair()?;
        let program = options.program.clone().unwrap_or_else(|| "/proc/self/exe".into());
        let mut child = Command::new(program)
            .args([launcher::ARGUMENT, BUILD_ID])
            .args(options.is_for_one.then_some(launcher::ONE))
            .env_clear()
            .envs(ENVIRONMENT.iter().copied())
            .current_dir("/")
            // What is typed on the terminal is for the supervisor alone.
            .process_group(0)
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = child.stderr.take();
        Ok(Process { child, stderr, control: Arc::new(ours), lockdown: None, is_dead: false })
    }

    /// Waits until the zygote takes requests.
    fn ready(&mut self) -> Result<(Arc<OwnedFd>, Lockdown), RuntimeError> {
        let lockdown = match &self.lockdown {
            Some(lockdown) => lockdown.clone(),
            None => match self.boot() {
                Ok(lockdown) => lockdown,
                Err(error) => {
                    self.end();
                    return Err(error);
                }
            },
        };
        self.lockdown = Some(lockdown.clone());
        Ok((self.control.clone(), lockdown))
    }

    fn boot(&mut self) -> Result<Lockdown, RuntimeError> {
        self.greet()?;
        let boot = self.packet(BOOT_TIME)?.ok_or_else(|| self.died())?;
        match boot.decode().map_err(RuntimeError::Start)? {
            Boot::Ready(lockdown) => Ok(lockdown),
            Boot::Failed(detail) => Err(RuntimeError::ZygoteDied { detail }),
        }
    }

    /// Makes sure that the program is a zygote of this build and not one that does something else.
    fn greet(&mut self) -> Result<(), RuntimeError> {
        let hello = self.packet(HELLO_TIME)?.ok_or(RuntimeError::NotInitialised)?;
        let hello = String::from_utf8_lossy(&hello.bytes);
        let theirs = hello.strip_prefix(HELLO).ok_or(RuntimeError::NotInitialised)?;
        if theirs == BUILD_ID {
            return Ok(());
        }
        Err(RuntimeError::BuildMismatch { ours: BUILD_ID.into(), theirs: theirs.into() })
    }

    /// The next packet, `None` if none comes in time or the other end is closed.
    fn packet(&self, time: Duration) -> Result<Option<Packet>, RuntimeError> {
        if !wait_readable(self.control.as_fd(), time).map_err(RuntimeError::Start)? {
            return Ok(None);
        }
        control::receive(&*self.control, control::PACKET).map_err(RuntimeError::Start)
    }

    /// Ends the launcher, and with it the zygote and every sandbox.
    fn end(&mut self) {
        self.is_dead = true;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn died(&mut self) -> RuntimeError {
        let _ = self.child.kill();
        let mut said = Vec::new();
        if let Some(stderr) = self.stderr.take() {
            let _ = stderr.take(LAST_WORDS).read_to_end(&mut said);
        }
        RuntimeError::ZygoteDied { detail: String::from_utf8_lossy(&said).trim().into() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// All that a zygote knows of its host: what its engine and its C library are told.
const ENVIRONMENT: &[(&str, &str)] = &[
    // One arena: a second one would count as memory of the sandbox, and threads are few.
    ("MALLOC_ARENA_MAX", "1"),
    // Large pages for the heap, if the kernel has any: fewer faults as it boots, less to copy for each fork.
    ("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1"),
    // Libraries are bound once, and not in every fork again.
    ("LD_BIND_NOW", "1"),
    ("TZ", "UTC"),
    ("LC_ALL", "C"),
    ("V82JSC_NO_BC_CACHE", "1"),
    ("QJS_NO_WASM", "1"),
];

/// Waits until there is something to read, the other end's closing included.
pub(super) fn wait_readable(fd: BorrowedFd<'_>, time: Duration) -> io::Result<bool> {
    let end = Instant::now() + time;
    loop {
        let left =
            Timespec::try_from(end.saturating_duration_since(Instant::now())).map_err(io::Error::other)?;
        let mut ready = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
        match poll(&mut ready, Some(&left)) {
            Err(rustix::io::Errno::INTR) => {}
            polled => return Ok(polled? > 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// This binary's `main` is the test harness's: it has called no `init`.
    #[test]
    fn a_program_that_did_not_call_init_is_told_so() {
        let error = Zygote::start(&ZygoteOptions::default()).expect_err("it cannot be a zygote");
        assert!(matches!(error, RuntimeError::NotInitialised), "{error}");
        assert!(error.to_string().contains("cowry_runtime::init()"));
    }
}
