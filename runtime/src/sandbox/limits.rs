//! Resource limits: the backstop behind the bounds that are kept more politely. Processor time is not among them: it
//! is allowed from job to job, which only the supervisor can be trusted with.

use std::io;

use crate::control::SpawnRequest;
use crate::sys;

/// Memory beside engine heap, buffers and scratch: stacks, the cache of what was read, frames in the making.
const HEADROOM: u64 = 80 << 20;
/// What a file or directory takes beside its content.
const NODE: u64 = 512;
/// Descriptors: what a sandbox is born with and what its event loop opens before the lock.
const DESCRIPTORS: u64 = 128;

/// Bounds memory, files and descriptors of this process for good.
pub(super) fn apply(request: &SpawnRequest, data_bytes: u64) -> io::Result<()> {
    let limits = &request.limits;
    let writable = request.mounts.iter().filter(|m| m.writable).count() as u64;
    let data = data_bytes
        + limits.memory_bytes
        + limits.scratch_memory_bytes * writable
        + limits.files * NODE
        // A result exists as a string of the engine, as text and as a frame.
        + limits.result_bytes * 3
        + HEADROOM;
    sys::limit(libc::RLIMIT_DATA, data, data)?;
    sys::limit(libc::RLIMIT_NOFILE, DESCRIPTORS, DESCRIPTORS)?;
    let spill = limits.scratch_bytes.saturating_mul(2).max(1 << 20);
    sys::limit(libc::RLIMIT_FSIZE, spill, spill)
}
