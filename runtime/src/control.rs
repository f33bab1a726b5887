//! What supervisor and zygote say to each other: packets, some with descriptors.
//!
//! Two kinds of sockets carry them. On the *control* socket the zygote announces itself and takes requests. Each
//! request brings a *status* socket of its own, on which the zygote answers for that one sandbox: once when it is
//! forked, once when it has ended. So any thread can ask, nobody sorts answers, and whoever holds a sandbox
//! learns of its end and of the zygote's.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use cowry_vfs::{Features, Ino};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::spec::{Limits, Lockdown};

/// The build that both ends of every socket have to come from.
pub(crate) const BUILD_ID: &str = env!("COWRY_BUILD_ID");
/// What a zygote's first packet begins with; its build follows. This never changes, so that builds can tell
/// each other apart.
pub(crate) const HELLO: &str = "cowry-zygote ";
/// The most trees in a sandbox.
pub(crate) const MOUNTS_MAX: usize = 64;
/// The longest packet.
pub(crate) const PACKET: usize = 64 << 10;
/// The longest packet of a status.
pub(crate) const STATUS: usize = 256;
/// The most descriptors in a packet: status, fs, main, stderr, and a spill file for each mount.
const FDS: usize = 4 + MOUNTS_MAX;

/// What a zygote says on the control socket, once, after its greeting.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Boot {
    /// It takes requests.
    Ready(Lockdown),
    /// It cannot.
    Failed(String),
}

/// A request for a sandbox. The descriptors that come with it are, in order: its status socket, its `fs` socket,
/// its `main` socket, its stderr, and a spill file for each mount that says so.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SpawnRequest {
    pub seed: [u8; 32],
    pub limits: Limits,
    pub mounts: Vec<MountInfo>,
    pub program: Option<MountInfo>,
}

/// What a sandbox knows of a tree before it asks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MountInfo {
    pub at: String,
    pub name: String,
    pub features: Features,
    pub root: Ino,
    pub writable: bool,
    pub spills: bool,
}

/// What a zygote says on the status socket of a sandbox.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Status {
    /// It runs; its pidfd comes along.
    Spawned,
    /// It could not be forked.
    Failed { errno: i32 },
    /// It has ended.
    Ended { status: i32, cpu: Duration, peak_memory_bytes: u64 },
}

/// A pair of sockets that keep packets whole.
pub(crate) fn packet_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// Sends a message with descriptors.
pub(crate) fn send<M: Serialize>(socket: impl AsFd, message: &M, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let bytes = postcard::to_stdvec(message).map_err(io::Error::other)?;
    send_bytes(socket, &bytes, fds)
}

/// Sends a packet with descriptors. A peer that is gone is an error, never a signal.
pub(crate) fn send_bytes(socket: impl AsFd, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    if bytes.len() > PACKET || fds.len() > FDS {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(fds));
    }
    loop {
        match rustix::net::sendmsg(&socket, &[IoSlice::new(bytes)], &mut ancillary, SendFlags::NOSIGNAL) {
            Err(rustix::io::Errno::INTR) => {}
            sent => return Ok(sent.map(drop)?),
        }
    }
}

/// A packet and what came with it.
pub(crate) struct Packet {
    pub bytes: Vec<u8>,
    pub fds: Vec<OwnedFd>,
}

impl Packet {
    /// The message in it.
    pub(crate) fn decode<M: DeserializeOwned>(&self) -> io::Result<M> {
        postcard::from_bytes(&self.bytes).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
    }
}

/// Waits for a packet and says how long it is; 0 where the other end is closed.
fn waiting(socket: impl AsFd) -> io::Result<usize> {
    loop {
        let mut nothing: [u8; 0] = [];
        match rustix::net::recv(&socket, &mut nothing, RecvFlags::PEEK | RecvFlags::TRUNC) {
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::CONNRESET) => return Ok(0),
            Ok((_, len)) => return Ok(len),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Receives a packet of at most `max` bytes, `None` where the other end is closed.
pub(crate) fn receive(socket: impl AsFd, max: usize) -> io::Result<Option<Packet>> {
    // No more memory than it takes: in a fork every page that is written to is a copy.
    let mut bytes = vec![0; waiting(&socket)?.min(max)];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let got = loop {
        let mut into = [IoSliceMut::new(&mut bytes)];
        match rustix::net::recvmsg(&socket, &mut into, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::CONNRESET) => return Ok(None),
            got => break got?.bytes,
        }
    };
    let mut fds = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights);
        }
    }
    if got == 0 {
        return Ok(None);
    }
    bytes.truncate(got);
    Ok(Some(Packet { bytes, fds }))
}
