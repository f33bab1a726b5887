//! The process that is forked: built once, runs no user code, opens nothing once it is ready.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::control::{self, Boot, Packet, SpawnRequest, Status};
use crate::isolate::Isolate;
use crate::sandbox::{self, Birth, Descriptors, lockdown};
use crate::spec::Lockdown;
use crate::sys;

/// Interrupts the job of a sandbox: sent by the supervisor, awaited by the watchdog.
pub(crate) const INTERRUPT: libc::c_int = libc::SIGUSR1;
/// Tells the watchdog of a sandbox that a job begins.
pub(crate) const ARM: libc::c_int = libc::SIGUSR2;

/// Boots and serves until the control socket closes.
pub(crate) fn main(control: OwnedFd, lockdown: Lockdown) -> ! {
    let served = Zygote::boot(control.as_fd(), lockdown).and_then(|mut zygote| {
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
}

impl<'a> Zygote<'a> {
    fn boot(control: BorrowedFd<'a>, mut lockdown: Lockdown) -> io::Result<Self> {
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
        let locks = lockdown::lock_zygote(&mut lockdown)?;
        let mut zygote = Zygote { control, signals, memory, isolate, locks, lockdown, live: Vec::new() };
        zygote.try_last_lock()?;
        zygote.isolate.fill_gaps();
        Ok(zygote)
    }

    /// Locks a child down as every sandbox will be, to know what the kernel grants.
    fn try_last_lock(&mut self) -> io::Result<()> {
        let (ours, theirs) = control::packet_pair()?;
        match sys::fork()? {
            sys::Fork::Child => {
                let mut lockdown = Lockdown::default();
                lockdown::lock_sandbox(&self.locks, &mut lockdown);
                // `sendmsg` is behind the lock now, `write` is not.
                let bytes = postcard::to_stdvec(&lockdown).unwrap_or_default();
                let _ = rustix::io::write(&theirs, &bytes);
                sys::exit_now(0)
            }
            sys::Fork::Parent(pid) => {
                drop(theirs);
                let packet = control::receive(&ours, control::PACKET);
                sys::wait_for(pid);
                let tried: Lockdown = packet?.ok_or(io::ErrorKind::UnexpectedEof)?.decode()?;
                self.locks.is_granted = tried.is_complete();
                self.lockdown.applied.extend(tried.applied);
                self.lockdown.missing.extend(tried.missing);
                Ok(())
            }
        }
    }

    fn serve(&mut self) -> io::Result<()> {
        loop {
            let mut ready = [
                PollFd::from_borrowed_fd(self.control, PollFlags::IN),
                PollFd::from_borrowed_fd(self.signals.as_fd(), PollFlags::IN),
            ];
            match poll(&mut ready, None) {
                Err(rustix::io::Errno::INTR) => continue,
                polled => polled?,
            };
            let [asked, ended] = ready.map(|fd| !fd.revents().is_empty());
            if ended {
                self.reap();
            }
            if asked {
                let Some(packet) = control::receive(self.control, control::PACKET)? else { return Ok(()) };
                self.spawn(packet);
            }
        }
    }

    fn reap(&mut self) {
        let mut info = [0; 128];
        while rustix::io::read(&self.signals, &mut info).is_ok() {}
        while let Some(end) = sys::reap() {
            let Some(at) = self.live.iter().position(|(pid, _)| *pid == end.pid) else { continue };
            let (_, status) = self.live.swap_remove(at);
            let ended =
                Status::Ended { status: end.status, cpu: end.cpu, peak_memory_bytes: end.peak_memory_bytes };
            // A supervisor that no longer wants to know has closed its end.
            let _ = control::send(status, &ended, &[]);
        }
    }

    fn spawn(&mut self, packet: Packet) {
        let request = packet.decode::<SpawnRequest>();
        let mut fds = packet.fds.into_iter();
        let Some(status) = fds.next() else { return };
        let birth = request.and_then(|request| {
            let descriptors = Descriptors::new(&request, fds).ok_or(io::ErrorKind::InvalidInput)?;
            Ok(Birth { request, descriptors, data_bytes: self.data_bytes()? })
        });
        let forked = birth.and_then(|birth| match sys::fork()? {
            sys::Fork::Child => sandbox::enter(&mut self.isolate, birth, &self.locks),
            sys::Fork::Parent(pid) => Ok(pid),
        });
        let announced = forked.and_then(|pid| announce(pid, &status).map(|()| pid));
        match announced {
            Ok(pid) => self.live.push((pid, status)),
            // Without a descriptor of its own the supervisor lets go of the sockets, which ends a sandbox.
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or(libc::EINVAL);
                let _ = control::send(status, &Status::Failed { errno }, &[]);
            }
        }
    }

    /// Bytes of private writable memory, which a child begins with.
    fn data_bytes(&self) -> io::Result<u64> {
        let mut text = [0; 128];
        let len = self.memory.read_at(&mut text, 0)?;
        let text = String::from_utf8_lossy(&text[..len]);
        let pages: u64 = text.split_whitespace().nth(5).and_then(|n| n.parse().ok()).unwrap_or(0);
        Ok(pages * sys::page_bytes())
    }
}

/// Hands the supervisor a descriptor of the new process. It cannot be another's: only we reap it.
fn announce(pid: libc::pid_t, status: &OwnedFd) -> io::Result<()> {
    let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidInput)?;
    let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
    control::send(status, &Status::Spawned, &[pidfd.as_fd()])
}
