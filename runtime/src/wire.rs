//! Frames between supervisor and sandbox. Hostile input ends here.
//!
//! A frame is its length (`u32`, little endian) and a body: one value in postcard's encoding. The first byte of
//! the body is the variant of the value, and each variant has a bound of its own, so a length is judged before
//! anything is allocated for it.

use std::io::{self, Read, Write};
use std::marker::PhantomData;

use cowry_vfs::Stat;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::job::{Event, Job, JobResult};
use crate::remote::Listing;
use crate::spec::Limits;

/// Bytes of the length in front of a body.
const HEADER: usize = 4;
/// How much is read from a socket at once.
const READ: usize = 64 << 10;
/// The longest piece of a delta.
pub(crate) const PIECE: usize = 128 << 10;
/// What is in front of a piece: its kind, its mount, its length.
const PIECE_HEAD: usize = 16;
/// The longest job: program text, input and stdin.
pub(crate) const JOB_MAX: usize = 256 << 20;

/// Why bytes are no frame. Whoever sent them broke the protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum WireError {
    /// A frame without a body.
    #[error("an empty frame")]
    Empty,
    /// A variant there is not.
    #[error("a frame of unknown kind {0}")]
    Unknown(u8),
    /// Longer than its kind may be.
    #[error("a frame of kind {kind} with {len} bytes, past its bound of {max}")]
    TooLong { kind: u8, len: usize, max: usize },
    /// A body that is no value of its type.
    #[error("a malformed frame of kind {0}")]
    Malformed(u8),
}

impl From<WireError> for io::Error {
    fn from(error: WireError) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}

/// A message that is sent in a frame.
pub(crate) trait Message: Serialize + DeserializeOwned {
    /// What the bounds depend on.
    type Bounds: Copy;

    /// The longest body of the variant with this index; `None` if there is no such variant.
    fn max_len(variant: u8, bounds: Self::Bounds) -> Option<usize>;
}

/// What a supervisor says on `main`.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum ToSandbox {
    /// Run this.
    Job(Box<Job>),
    /// Part of what was written on a mount before.
    Delta { mount: u16, piece: Blob },
    /// What was written on a mount is complete.
    DeltaEnd { mount: u16 },
    /// Collect garbage; the answer is a result like a job's.
    Collect,
    /// What the root of a tree looks like: it will be asked for.
    Root { mount: u16, stat: Stat, listing: Listing },
    /// Name the members of what a chain of names stands for; the answer is a result whose text has a line for each.
    Members { path: Vec<String>, prefix: String, most: u32 },
    /// Make all files what they were before so many of the last entries; the answer is a result.
    Undo { entries: u32 },
    /// Name the working directory; the answer is a result whose text it is.
    Cwd,
}

impl Message for ToSandbox {
    type Bounds = ();

    fn max_len(variant: u8, (): ()) -> Option<usize> {
        match variant {
            0 => Some(JOB_MAX),
            1 => Some(PIECE + PIECE_HEAD),
            2 => Some(PIECE_HEAD),
            3 => Some(1),
            4 => Some(1 << 20),
            5 => Some(64 << 10),
            6 => Some(PIECE_HEAD),
            7 => Some(1),
            _ => None,
        }
    }
}

/// What a sandbox says on `main`. For each job: events, then the delta of each writable mount, then the result.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum FromSandbox {
    /// It is locked down; these parts the kernel did not grant.
    Locked { missing: Vec<String> },
    /// Something was logged.
    Event(Event),
    /// Part of what was written on a mount since the last job.
    Delta { mount: u16, piece: Blob },
    /// The delta of a mount is complete.
    DeltaEnd { mount: u16 },
    /// The job is over.
    Result(JobResult, Report),
}

impl FromSandbox {
    /// The variant of a result.
    pub(crate) const RESULT: u8 = 4;
}

/// What a sandbox says of itself. Believed only where nothing depends on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    pub cpu_nanos: u64,
    pub peak_memory_bytes: u64,
    pub heap_bytes: u64,
    pub log_bytes: u64,
}

/// How long what a sandbox says may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SandboxBounds {
    pub log_bytes: usize,
    pub result_bytes: usize,
}

impl SandboxBounds {
    pub(crate) fn of(limits: &Limits) -> Self {
        let bytes = |n| usize::try_from(n).unwrap_or(usize::MAX);
        SandboxBounds { log_bytes: bytes(limits.log_bytes), result_bytes: bytes(limits.result_bytes) }
    }
}

impl Message for FromSandbox {
    type Bounds = SandboxBounds;

    fn max_len(variant: u8, bounds: SandboxBounds) -> Option<usize> {
        match variant {
            0 => Some(4 << 10),
            1 => Some(bounds.log_bytes.saturating_add(1 << 10)),
            2 => Some(PIECE + PIECE_HEAD),
            3 => Some(PIECE_HEAD),
            // A value comes in up to three forms; what was thrown in place of one is bounded where it is sent.
            Self::RESULT => Some(bounds.result_bytes.saturating_mul(3).saturating_add(1 << 20)),
            _ => None,
        }
    }
}

/// Bytes, encoded at once and not one by one.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Blob(#[serde(with = "blob")] pub Vec<u8>);

/// `#[serde(with = "blob")]` for a field of bytes.
pub(crate) mod blob {
    use serde::{Deserializer, Serializer, de};
    use std::fmt;
    use std::marker::PhantomData;

    pub(crate) fn serialize<T: AsRef<[u8]>, S: Serializer>(bytes: &T, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_bytes(bytes.as_ref())
    }

    pub(crate) fn deserialize<'de, T: From<Vec<u8>>, D: Deserializer<'de>>(d: D) -> Result<T, D::Error> {
        struct Bytes<T>(PhantomData<T>);
        impl<T: From<Vec<u8>>> de::Visitor<'_> for Bytes<T> {
            type Value = T;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<T, E> {
                Ok(bytes.to_vec().into())
            }
            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<T, E> {
                Ok(bytes.into())
            }
        }
        d.deserialize_byte_buf(Bytes(PhantomData))
    }
}

/// Appends a message as a frame.
pub(crate) fn encode<M: Message>(message: &M, mut out: Vec<u8>) -> Vec<u8> {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER]);
    let mut out = postcard::to_extend(message, out).expect("a vector takes everything");
    let len = u32::try_from(out.len() - start - HEADER).expect("a message is far shorter than 4 GiB");
    out[start..start + HEADER].copy_from_slice(&len.to_le_bytes());
    out
}

/// The length of the body that begins with `kind`, if it is within bounds.
fn judge<M: Message>(header: [u8; HEADER], kind: u8, bounds: M::Bounds) -> Result<usize, WireError> {
    let len = u32::from_le_bytes(header) as usize;
    match M::max_len(kind, bounds) {
        _ if len == 0 => Err(WireError::Empty),
        None => Err(WireError::Unknown(kind)),
        Some(max) if len > max => Err(WireError::TooLong { kind, len, max }),
        Some(_) => Ok(len),
    }
}

fn decode<M: Message>(body: &[u8]) -> Result<M, WireError> {
    let kind = body.first().copied().ok_or(WireError::Empty)?;
    match postcard::take_from_bytes::<M>(body) {
        Ok((message, [])) => Ok(message),
        _ => Err(WireError::Malformed(kind)),
    }
}

/// Sends one message on a blocking socket.
pub(crate) fn send<M: Message>(to: &mut impl Write, message: &M) -> io::Result<()> {
    to.write_all(&encode(message, Vec::new()))
}

/// Receives one message from a blocking socket, `None` where it was closed between two.
pub(crate) fn receive<M: Message>(from: &mut impl Read, bounds: M::Bounds) -> io::Result<Option<M>> {
    let mut head = [0; HEADER + 1];
    let mut got = 0;
    while got < head.len() {
        match from.read(&mut head[got..]) {
            Ok(0) if got == 0 => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => got += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    let [header @ .., kind] = head;
    let len = judge::<M>(header, kind, bounds)?;
    let mut body = vec![0; len];
    body[0] = kind;
    from.read_exact(&mut body[1..])?;
    Ok(Some(decode(&body)?))
}

/// Puts frames together from whatever pieces they arrive in.
pub(crate) struct Decoder<M: Message> {
    bounds: M::Bounds,
    buffer: Vec<u8>,
    /// Where the next frame begins in the buffer.
    start: usize,
    message: PhantomData<M>,
}

impl<M: Message> Decoder<M> {
    pub(crate) fn new(bounds: M::Bounds) -> Self {
        Decoder { bounds, buffer: Vec::new(), start: 0, message: PhantomData }
    }

    /// Reads once; 0 is the end. The buffer holds at most one frame in the making and one read.
    pub(crate) fn fill(&mut self, from: &mut impl Read) -> io::Result<usize> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let old = self.buffer.len();
        self.buffer.resize(old + READ, 0);
        let read = from.read(&mut self.buffer[old..]);
        self.buffer.truncate(old + *read.as_ref().unwrap_or(&0));
        read
    }

    /// Whether nothing has arrived beyond the last message.
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.buffer.len()
    }

    /// The next message, if all of it has arrived.
    pub(crate) fn next(&mut self) -> Result<Option<M>, WireError> {
        let rest = &self.buffer[self.start..];
        let Some((header, body)) = rest.split_first_chunk::<HEADER>() else { return Ok(None) };
        if *header == [0; HEADER] {
            return Err(WireError::Empty);
        }
        let Some(&kind) = body.first() else { return Ok(None) };
        let len = judge::<M>(*header, kind, self.bounds)?;
        let Some(body) = body.get(..len) else { return Ok(None) };
        let message = decode(body)?;
        self.start += HEADER + len;
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests;
