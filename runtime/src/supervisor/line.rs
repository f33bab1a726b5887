//! A socket that does not block, with what goes in and out of it.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;

use rustix::event::PollFlags;

use crate::wire::{self, Decoder, Message};

/// The largest buffer that is kept for the next message.
const KEPT: usize = 64 << 10;

/// Bytes on their way out of a socket that does not block.
#[derive(Default)]
pub(super) struct Outgoing {
    pub bytes: Vec<u8>,
    sent: usize,
}

impl Outgoing {
    pub fn is_empty(&self) -> bool {
        self.sent == self.bytes.len()
    }

    pub fn push<M: Message>(&mut self, message: &M) {
        if self.is_empty() {
            self.bytes.clear();
            self.sent = 0;
        }
        self.bytes = wire::encode(message, std::mem::take(&mut self.bytes));
    }

    pub fn flush(&mut self, mut to: &UnixStream) -> io::Result<()> {
        while !self.is_empty() {
            match to.write(&self.bytes[self.sent..]) {
                Ok(sent) => self.sent += sent,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                // It is gone; its end says why.
                Err(e) if matches!(e.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) => {
                    self.sent = self.bytes.len()
                }
                Err(e) => return Err(e),
            }
        }
        if self.bytes.capacity() > KEPT {
            *self = Outgoing::default();
        }
        Ok(())
    }
}

/// One of the two sockets.
pub(super) struct Line<M: Message> {
    pub socket: UnixStream,
    pub incoming: Decoder<M>,
    pub outgoing: Outgoing,
    pub is_open: bool,
}

impl<M: Message> Line<M> {
    pub fn new(socket: UnixStream, bounds: M::Bounds) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let (incoming, outgoing) = (Decoder::new(bounds), Outgoing::default());
        Ok(Line { socket, incoming, outgoing, is_open: true })
    }

    pub fn interest(&self) -> PollFlags {
        let mut interest = PollFlags::empty();
        interest.set(PollFlags::IN, self.is_open);
        interest.set(PollFlags::OUT, self.is_open && !self.outgoing.is_empty());
        interest
    }

    pub fn fill(&mut self) -> io::Result<()> {
        match self.incoming.fill(&mut &self.socket) {
            Ok(0) => self.is_open = false,
            Ok(_) => {}
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(e) if e.kind() == io::ErrorKind::ConnectionReset => self.is_open = false,
            Err(e) => return Err(e),
        }
        Ok(())
    }
}
