//! The process that is forked: built once, runs no user code, opens nothing once it is ready.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::control::{self, Boot, Packet, Status};
use crate::dirt::Dirt;
use crate::isolate::Isolate;
use crate::sandbox::{self, Inherited, lockdown};
use crate::spec::Lockdown;
use crate::sys;

/// Interrupts the job of a sandbox: sent by the supervisor, awaited by the watchdog.
pub(crate) const INTERRUPT: libc::c_int = libc::SIGUSR1;
/// Tells the watchdog of a sandbox that a job begins.
pub(crate) const ARM: libc::c_int = libc::SIGUSR2;

/// The longest packet in which a trial tells of pages.
const DIRT_MAX: usize = 256 << 10;

/// Boots and serves until the control socket closes.
pub(crate) fn main(control: OwnedFd, lockdown: Lockdown, is_for_one: bool) -> ! {
    let served = Zygote::boot(control.as_fd(), lockdown, is_for_one).and_then(|mut zygote| {
        control::send(&control, &Boot::Ready(zygote.lockdown.clone()), &[])?;
        zygote.serve()
    });
    if let Err(error) = served {
        let _ = control::send(&control, &Boot::Failed(error.to_string()), &[]);
        sys::exit_now(1);
    }
    sys::exit_now(0)
}

struct Zygote<'a> {
    control: BorrowedFd<'a>,
    signals: OwnedFd,
    /// `/proc/self/statm`, opened while it still could be.
    memory: File,
    isolate: Isolate,
    locks: lockdown::LastLock,
    lockdown: Lockdown,
    /// The sandboxes that live, each with its status socket.
    live: Vec<(libc::pid_t, OwnedFd)>,
    /// Where a trial says which pages a job writes to; `None` once it has.
    trial: Option<OwnedFd>,
    dirt: Dirt,
    /// A fork that waits for a request, so that no request waits for a fork.
    spare: Option<Spare>,
    /// How many requests there will be, if that is known.
    expected: Option<u32>,
}

impl<'a> Zygote<'a> {
    fn boot(control: BorrowedFd<'a>, mut lockdown: Lockdown, is_for_one: bool) -> io::Result<Self> {
        let _ = rustix::process::setsid();
        sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong, 0)?;
        let _ = rustix::thread::set_name(c"cowry-zygote");
        // Blocked before any sandbox exists, so that none can be hit before its watchdog waits for them.
        sys::block_signals(&[libc::SIGCHLD, INTERRUPT, ARM])?;
        sys::ignore_signal(libc::SIGXFSZ)?;
        let signals = sys::signalfd(&[libc::SIGCHLD])?;
        let memory = File::open("/proc/self/statm")?;
        let open_files = sys::limit(libc::RLIMIT_NOFILE, u64::MAX, u64::MAX);
        lockdown::touch();
        let isolate = Isolate::boot();
        if sys::thread_count()? != 1 {
            return Err(io::Error::other("the engine started a thread; a zygote can have only one"));
        }
        open_files?;
        let (own, locks) = lockdown::prepare(&mut lockdown)?;
        let (live, dirt) = (Vec::new(), Dirt::default());
        let mut zygote = Zygote {
            control,
            signals,
            memory,
            isolate,
            locks,
            lockdown,
            live,
            trial: None,
            dirt,
            spare: None,
            expected: is_for_one.then_some(1),
        };
        zygote.isolate.fill_gaps();
        // A fork is to have small pages of its own, and few. A kernel that cannot do otherwise has no large ones.
        let _ = sys::end_large_pages();
        let trial = zygote.try_out()?;
        lockdown::lock_zygote(&own, &mut zygote.lockdown);
        zygote.learn_lock(&trial)?;
        // Those of the engine stay as they are: it has done nothing since.
        sys::fill_gaps();
        zygote.trial = Some(trial);
        Ok(zygote)
    }

    /// Forks a child that is locked down as every sandbox will be, and does a job as they will.
    fn try_out(&mut self) -> io::Result<OwnedFd> {
        let (ours, theirs) = control::packet_pair()?;
        let inherited =
            Inherited { locks: &self.locks, dirt: &self.dirt, data_bytes: data_bytes(&self.memory)? };
        match sys::fork()? {
            sys::Fork::Child => sandbox::trial::enter(&mut self.isolate, inherited, theirs),
            sys::Fork::Parent(_) => Ok(ours),
        }
    }

    /// Learns what the kernel grants.
    fn learn_lock(&mut self, trial: &OwnedFd) -> io::Result<()> {
        let packet = control::receive(trial, control::PACKET)?;
        let tried: Lockdown = packet.ok_or(io::ErrorKind::UnexpectedEof)?.decode()?;
        self.locks.is_granted = tried.is_complete();
        self.lockdown.applied.extend(tried.applied);
        self.lockdown.missing.extend(tried.missing);
        Ok(())
    }

    fn serve(&mut self) -> io::Result<()> {
        loop {
            let trial = self.trial.as_ref().map_or(self.control, AsFd::as_fd);
            let mut ready = [
                PollFd::from_borrowed_fd(self.control, PollFlags::IN),
                PollFd::from_borrowed_fd(self.signals.as_fd(), PollFlags::IN),
                PollFd::from_borrowed_fd(trial, PollFlags::IN),
            ];
            match poll(&mut ready, None) {
                Err(rustix::io::Errno::INTR) => continue,
                polled => polled?,
            };
            let [asked, ended, tried] = ready.map(|fd| !fd.revents().is_empty());
            if ended {
                self.reap();
            }
            if asked {
                let Some(packet) = control::receive(self.control, control::PACKET)? else { return Ok(()) };
                self.spawn(packet);
            }
            if tried && let Some(trial) = self.trial.take() {
                let packet = control::receive(&trial, DIRT_MAX)?;
                self.dirt = packet.and_then(|packet| packet.decode().ok()).unwrap_or_default();
            }
            // Before the trial is over a fork would not know what to touch.
            if self.trial.is_none() && self.spare.is_none() && self.expected != Some(0) {
                self.spare = self.fork().ok();
            }
        }
    }

    fn reap(&mut self) {
        let mut info = [0; 128];
        while rustix::io::read(&self.signals, &mut info).is_ok() {}
        while let Some(end) = sys::reap() {
            self.spare.take_if(|spare| spare.pid == end.pid);
            let Some(at) = self.live.iter().position(|(pid, _)| *pid == end.pid) else { continue };
            let (_, status) = self.live.swap_remove(at);
            let ended =
                Status::Ended { status: end.status, cpu: end.cpu, peak_memory_bytes: end.peak_memory_bytes };
            // A supervisor that no longer wants to know has closed its end.
            let _ = control::send(status, &ended, &[]);
        }
    }

    fn spawn(&mut self, packet: Packet) {
        let mut fds = packet.fds.into_iter();
        let Some(status) = fds.next() else { return };
        let announced = self.hand_over(&packet.bytes, fds.as_slice()).and_then(|fork| {
            control::send(&status, &Status::Spawned, &[fork.process.as_fd()])?;
            Ok(fork.pid)
        });
        match announced {
            Ok(pid) => self.live.push((pid, status)),
            // Without a descriptor of its own the supervisor lets go of the sockets, which ends a sandbox.
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or(libc::EINVAL);
                let _ = control::send(status, &Status::Failed { errno }, &[]);
            }
        }
    }

    /// Has a request done: by the fork that waits, or by a new one if there is none, or it has come to its end.
    fn hand_over(&mut self, request: &[u8], fds: &[OwnedFd]) -> io::Result<Spare> {
        self.expected = self.expected.map(|expected| expected.saturating_sub(1));
        let fds: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
        if let Some(spare) = self.spare.take()
            && control::send_bytes(&spare.orders, request, &fds).is_ok()
        {
            return Ok(spare);
        }
        let fork = self.fork()?;
        control::send_bytes(&fork.orders, request, &fds)?;
        Ok(fork)
    }

    /// Forks a process that becomes a sandbox once it gets a request.
    fn fork(&mut self) -> io::Result<Spare> {
        let (orders, theirs) = control::packet_pair()?;
        let inherited =
            Inherited { locks: &self.locks, dirt: &self.dirt, data_bytes: data_bytes(&self.memory)? };
        let pid = match sys::fork()? {
            sys::Fork::Child => sandbox::enter(&mut self.isolate, inherited, theirs),
            sys::Fork::Parent(pid) => pid,
        };
        // Its number cannot be another's: only we reap it.
        let process =
            pidfd_open(Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidInput)?, PidfdFlags::empty())?;
        Ok(Spare { pid, process, orders })
    }
}

/// A fork, and what leads to it.
struct Spare {
    pid: libc::pid_t,
    process: OwnedFd,
    /// Takes one request. A fork that gets none ends when this is closed.
    orders: OwnedFd,
}

/// Bytes of private writable memory, which a child begins with, out of `statm`.
fn data_bytes(memory: &File) -> io::Result<u64> {
    let mut text = [0; 128];
    let len = memory.read_at(&mut text, 0)?;
    let text = String::from_utf8_lossy(&text[..len]);
    let pages: u64 = text.split_whitespace().nth(5).and_then(|n| n.parse().ok()).unwrap_or(0);
    Ok(pages * sys::page_bytes())
}
