//! Everything that leads to one sandbox, waited on at once.

use std::fmt;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cowry_vfs::{Errno, Layer};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::process::{Signal, pidfd_send_signal};

use super::bell::Unwanted;
use super::line::Line;
use super::patience::{Patience, Refused};
use super::slow::{self, Slow};
use crate::control::{self, Status};
use crate::remote::{self, FsReply, FsRequest};
use crate::wire::{FromSandbox, Message, SandboxBounds, WireError};

/// The most of a sandbox's stderr that is kept: its end.
const STDERR_KEPT: usize = 16 << 10;
/// How often stderr is read at once.
const STDERR_READS: usize = 16;
/// How long a process that was killed, or closed its sockets, may take to be gone.
const REAP_TIME: Duration = Duration::from_secs(60);

/// How a sandbox process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// As `wait` reports it.
    Status { status: i32, cpu: Duration, peak_memory_bytes: u64 },
    /// The zygote died, and took it along.
    WithZygote,
}

/// What happens next.
#[derive(Debug)]
pub(super) enum Next {
    Message(FromSandbox),
    /// Every message it sent has been handed out.
    Ended(End),
    /// The deadline has passed.
    Late,
    /// It broke the protocol, or a socket did.
    Broken(String),
}

/// What a new sandbox is reached by.
pub(super) struct Ends {
    pub fs: UnixStream,
    pub main: UnixStream,
    pub stderr: OwnedFd,
    pub status: OwnedFd,
    pub process: Arc<OwnedFd>,
}

pub(super) struct Link {
    fs: Line<FsRequest>,
    main: Line<FromSandbox>,
    stderr: Option<std::fs::File>,
    /// The end of what came on stderr.
    said: Vec<u8>,
    status: OwnedFd,
    process: Arc<OwnedFd>,
    trees: Arc<[Arc<dyn Layer>]>,
    /// Who asks what takes its time, and whether that is under way.
    slow: Option<Slow>,
    is_waiting: bool,
    patience: Patience,
    end: Option<End>,
    pub fs_requests: u64,
    pub fs_bytes: u64,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("process", &self.process).field("end", &self.end).finish_non_exhaustive()
    }
}

impl Link {
    pub(super) fn new(
        ends: Ends,
        trees: Vec<Arc<dyn Layer>>,
        bounds: SandboxBounds,
        unwanted: Arc<Unwanted>,
    ) -> io::Result<Link> {
        let patience = Patience::new(unwanted);
        rustix::fs::fcntl_setfl(&ends.stderr, OFlags::NONBLOCK)?;
        Ok(Link {
            fs: Line::new(ends.fs, ())?,
            main: Line::new(ends.main, bounds)?,
            stderr: Some(ends.stderr.into()),
            said: Vec::new(),
            status: ends.status,
            process: ends.process,
            trees: trees.into(),
            slow: None,
            is_waiting: false,
            patience,
            end: None,
            fs_requests: 0,
            fs_bytes: 0,
        })
    }

    /// Puts a message on `main` that is sent with the next one.
    pub(super) fn queue<M: Message>(&mut self, message: &M) {
        self.main.outgoing.push(message);
    }

    /// Sends a message on `main`; what does not fit goes out while waiting.
    pub(super) fn send<M: Message>(&mut self, message: &M) -> io::Result<()> {
        self.main.outgoing.push(message);
        self.main.outgoing.flush(&self.main.socket)
    }

    /// Begins to answer for a job, until `wall` is over.
    pub(super) fn begin(&mut self, job: u32, wall: Instant) {
        self.patience.begin(job, wall);
    }

    /// Why the job was not answered any more, if it was not.
    pub(super) fn refused(&self) -> Option<Refused> {
        self.patience.refused()
    }

    /// Waits until what was sent is on its way, and answers questions about files meanwhile.
    pub(super) fn drain(&mut self, deadline: Instant) -> io::Result<()> {
        while self.main.is_open && !self.main.outgoing.is_empty() {
            if !self.wait(deadline)? {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        Ok(())
    }

    /// Waits for the next message or the end, and answers questions about files meanwhile.
    pub(super) fn next(&mut self, deadline: Instant) -> Next {
        loop {
            match self.main.incoming.next() {
                Ok(Some(message)) => return Next::Message(message),
                Ok(None) => {}
                Err(error) => return Next::Broken(error.to_string()),
            }
            if let Some(end) = self.end.filter(|_| !self.main.is_open) {
                return Next::Ended(end);
            }
            match self.wait(deadline) {
                Ok(true) => {}
                Ok(false) => return Next::Late,
                Err(error) => return Next::Broken(error.to_string()),
            }
        }
    }

    /// Kills the sandbox and waits until it is gone.
    pub(super) fn kill(&mut self) -> End {
        let _ = pidfd_send_signal(&*self.process, Signal::KILL);
        let deadline = Instant::now() + REAP_TIME;
        while self.end.is_none() && matches!(self.wait(deadline), Ok(true)) {}
        self.end.unwrap_or(End::WithZygote)
    }

    /// The end of what it wrote on stderr.
    pub(super) fn stderr(&mut self) -> String {
        self.hear();
        String::from_utf8_lossy(&self.said).trim().to_owned()
    }

    /// Waits until something can be done on any of the descriptors, and does it. False once it is too late.
    fn wait(&mut self, deadline: Instant) -> io::Result<bool> {
        let now = Instant::now();
        // Whoever keeps a descriptor ready gains no time by it.
        if now >= deadline {
            return Ok(false);
        }
        let until = if self.is_waiting { deadline.min(self.patience.end()) } else { deadline };
        let left = Timespec::try_from(until.saturating_duration_since(now)).map_err(io::Error::other)?;
        let slow = self.slow.as_ref().map_or(self.status.as_fd(), AsFd::as_fd);
        let lines = [
            (self.is_waiting, self.patience.as_fd(), PollFlags::IN),
            (self.is_waiting, slow, PollFlags::IN),
            (self.fs.is_open, self.fs.socket.as_fd(), self.fs.interest()),
            (self.main.is_open, self.main.socket.as_fd(), self.main.interest()),
            (self.end.is_none(), self.status.as_fd(), PollFlags::IN),
            (
                self.stderr.is_some(),
                self.stderr.as_ref().map_or(self.status.as_fd(), AsFd::as_fd),
                PollFlags::IN,
            ),
        ];
        // What is closed is left out: it would be ready for ever.
        let open = lines.iter().filter(|(is_open, ..)| *is_open);
        let mut set: Vec<_> =
            open.map(|(_, fd, interest)| PollFd::from_borrowed_fd(*fd, *interest)).collect();
        match poll(&mut set, Some(&left)) {
            Ok(0) if until < deadline => {}
            Ok(0) => return Ok(false),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut polled = set.iter().map(|fd| !fd.revents().is_empty());
        let [unwanted, slow, fs, main, status, stderr] =
            lines.map(|(is_open, ..)| is_open && polled.next().unwrap_or(false));
        if unwanted {
            self.patience.hear();
        }
        if slow {
            self.hand_on()?;
        }
        self.let_go()?;
        if fs {
            self.serve()?;
        }
        if main {
            self.main.outgoing.flush(&self.main.socket)?;
            self.main.fill()?;
        }
        if stderr {
            self.hear();
        }
        if status {
            self.learn_end()?;
        }
        Ok(true)
    }

    /// Answers one question, or has it answered. A sandbox asks the next one when it has the answer.
    fn serve(&mut self) -> io::Result<()> {
        self.fs.outgoing.flush(&self.fs.socket)?;
        self.fs.fill()?;
        let Some(request) = self.fs.incoming.next().map_err(|e: WireError| io::Error::from(e))? else {
            return Ok(());
        };
        if !self.fs.outgoing.is_empty() || !self.fs.incoming.is_empty() || self.is_waiting {
            return Err(io::Error::other("a question about files before the last one was answered"));
        }
        if !slow::is(&self.trees, &request) {
            return self.reply(&remote::answer(&self.trees, request));
        }
        self.patience.hear();
        if self.patience.is_over() {
            return self.refuse();
        }
        let slow = self.slow.take().map_or_else(|| Slow::new(self.trees.clone()), Ok)?;
        slow.ask(request)?;
        self.slow = Some(slow);
        self.is_waiting = true;
        Ok(())
    }

    /// Hands on the answer that took its time.
    fn hand_on(&mut self) -> io::Result<()> {
        let Some(reply) = self.slow.as_ref().map(Slow::answer).transpose()?.flatten() else { return Ok(()) };
        self.is_waiting = false;
        self.reply(&reply)
    }

    /// Leaves the question alone that takes longer than anybody waits.
    fn let_go(&mut self) -> io::Result<()> {
        if !self.is_waiting || !self.patience.is_over() {
            return Ok(());
        }
        self.slow = None;
        self.is_waiting = false;
        self.refuse()
    }

    fn refuse(&mut self) -> io::Result<()> {
        self.patience.refuse();
        self.reply(&FsReply::Failed(Errno::ETIMEDOUT))
    }

    fn reply(&mut self, reply: &FsReply) -> io::Result<()> {
        self.fs.outgoing.push(reply);
        self.fs_requests += 1;
        self.fs_bytes += self.fs.outgoing.bytes.len() as u64;
        self.fs.outgoing.flush(&self.fs.socket)
    }

    /// Reads what is on stderr, and keeps the end of it.
    fn hear(&mut self) {
        let mut piece = [0; 4096];
        // No more at once than a pipe holds, or one that writes without end would hold us up.
        for _ in 0..STDERR_READS {
            let Some(stderr) = &mut self.stderr else { return };
            match stderr.read(&mut piece) {
                Ok(0) => self.stderr = None,
                Ok(len) => {
                    self.said.extend_from_slice(&piece[..len]);
                    let excess = self.said.len().saturating_sub(STDERR_KEPT);
                    self.said.drain(..excess);
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.stderr = None,
            }
        }
    }

    fn learn_end(&mut self) -> io::Result<()> {
        self.end = match control::receive(&self.status, control::STATUS)? {
            None => {
                // Without a process namespace it may have outlived its zygote.
                let _ = pidfd_send_signal(&*self.process, Signal::KILL);
                Some(End::WithZygote)
            }
            Some(packet) => match packet.decode()? {
                Status::Ended { status, cpu, peak_memory_bytes } => {
                    Some(End::Status { status, cpu, peak_memory_bytes })
                }
                Status::Spawned | Status::Failed { .. } => None,
            },
        };
        Ok(())
    }

    /// Kills the sandbox without waiting for it to be gone.
    pub(super) fn let_die(&self) {
        let _ = pidfd_send_signal(&*self.process, Signal::KILL);
    }
}

#[cfg(test)]
mod tests;
