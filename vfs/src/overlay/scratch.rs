//! Where written bytes live: memory first, then an unlinked file, under one quota for all forks.
//!
//! Every piece of stored data is a [`Block`] behind an `Arc`. Its quota is given back when the last fork that
//! refers to it lets go, so that what is counted is what is really held. A block that nobody else refers
//! to may be changed in place, in memory and in the spill file alike; that is what keeps a file written twenty
//! bytes at a time from becoming a list of twenty-byte pieces.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::errno::{Errno, NodeError, NodeResult};

/// The most bytes in one block: a larger write makes several.
pub(crate) const BLOCK_MAX: usize = 256 * 1024;
/// What a block costs beside its bytes, counted so that a file of single bytes cannot take a hundredfold.
pub(crate) const BLOCK_COST: u64 = 128;
/// The room a spilled block gets at least, so that small appends find some.
const SPILL_MIN: u64 = 16 * 1024;

/// How much an overlay may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ScratchLimits {
    /// Bytes held in memory; further data goes to the spill file. Without one this is the bound of everything.
    pub memory_bytes: u64,
    /// Bytes held in all, in memory and spilled; past it `EDQUOT`.
    pub total_bytes: u64,
    /// Nodes that are new or changed; past it `EDQUOT`.
    pub nodes: u64,
    /// Size of one file; past it `EFBIG`.
    pub file_bytes: u64,
}

impl ScratchLimits {
    /// No bound but the machine's.
    pub const UNLIMITED: ScratchLimits = ScratchLimits {
        memory_bytes: u64::MAX,
        total_bytes: u64::MAX,
        nodes: u64::MAX,
        file_bytes: i64::MAX as u64,
    };

    /// How much memory the entries and extents of a merged tree may take: several entries for each node, and
    /// more extents than the data can sensibly be cut into.
    fn tree_bytes(&self) -> u64 {
        self.nodes.saturating_mul(1024).saturating_add(self.total_bytes / 16).saturating_add(16 << 20)
    }
}

impl Default for ScratchLimits {
    /// What a sandbox gets unless told otherwise: 64 MiB in memory, 1 GiB in all, 100,000 nodes.
    fn default() -> Self {
        ScratchLimits {
            memory_bytes: 64 << 20,
            total_bytes: 1 << 30,
            nodes: 100_000,
            file_bytes: i64::MAX as u64,
        }
    }
}

/// What an overlay holds, together with all its forks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ScratchUsage {
    /// Bytes in memory, extended attributes and link targets included.
    pub memory_bytes: u64,
    /// Bytes in the spill file.
    pub spilled_bytes: u64,
    /// Nodes that are new or changed, in this fork.
    pub nodes: u64,
}

/// The quota and the spill file, shared by all forks of one overlay.
#[derive(Debug)]
pub(crate) struct Scratch {
    pub(crate) limits: ScratchLimits,
    used: Arc<Used>,
    /// Nodes of this overlay that are in `used`.
    nodes: AtomicU64,
    /// What the tree itself takes where another sent it; bounded apart, since who sent it did not count it.
    tree: AtomicU64,
    spill: Option<Spill>,
}

/// What is counted against the limits, of everything that shares them.
#[derive(Debug, Default)]
struct Used {
    /// File content in memory.
    data: AtomicU64,
    /// What cannot be spilled: extended attributes, link targets.
    meta: AtomicU64,
    spilled: AtomicU64,
    nodes: AtomicU64,
}

/// What an overlay and its forks hold, for another overlay to be counted together with: the mounts of one run have
/// one set of limits.
#[derive(Clone, Debug)]
pub struct ScratchBudget(Arc<Used>);

#[derive(Debug)]
struct Spill {
    file: File,
    ranges: Mutex<Ranges>,
}

/// Which parts of the spill file are free: `offset → length`, none touching another, and where it ends.
#[derive(Debug, Default)]
struct Ranges {
    free: BTreeMap<u64, u64>,
    end: u64,
}

impl Scratch {
    pub(crate) fn new(
        limits: ScratchLimits,
        spill: Option<File>,
        budget: Option<ScratchBudget>,
    ) -> Arc<Scratch> {
        let spill = spill.map(|file| Spill { file, ranges: Mutex::default() });
        let used = budget.map_or_else(Arc::default, |budget| budget.0);
        Arc::new(Scratch { limits, used, nodes: AtomicU64::new(0), tree: AtomicU64::new(0), spill })
    }

    pub(crate) fn budget(&self) -> ScratchBudget {
        ScratchBudget(self.used.clone())
    }

    /// Bytes in memory and bytes spilled.
    pub(crate) fn used(&self) -> (u64, u64) {
        let memory = self.used.data.load(Ordering::Relaxed) + self.used.meta.load(Ordering::Relaxed);
        (memory, self.used.spilled.load(Ordering::Relaxed))
    }

    /// Tells those who share the limits how many nodes a tree has now.
    pub(crate) fn note_nodes(&self, nodes: usize) {
        let nodes = nodes as u64;
        let noted = self.nodes.swap(nodes, Ordering::Relaxed);
        // Wraps around where it falls, which adds up all the same.
        self.used.nodes.fetch_add(nodes.wrapping_sub(noted), Ordering::Relaxed);
    }

    /// Nodes of the others who share the limits.
    pub(crate) fn nodes_elsewhere(&self) -> u64 {
        let all = self.used.nodes.load(Ordering::Relaxed);
        all.saturating_sub(self.nodes.load(Ordering::Relaxed))
    }

    fn check_total(&self, more: u64) -> NodeResult<()> {
        let (memory, spilled) = self.used();
        if more > self.limits.total_bytes.saturating_sub(memory + spilled) {
            return Err(Errno::EDQUOT.into());
        }
        Ok(())
    }

    /// Whether `more` bytes of content still go to memory.
    fn fits_memory(&self, more: u64) -> bool {
        more <= self.limits.memory_bytes.saturating_sub(self.used().0)
    }

    /// Stores `data`, at most [`BLOCK_MAX`] of it.
    pub(crate) fn store(self: &Arc<Self>, data: &[u8], stamp: u64) -> NodeResult<Arc<Block>> {
        let len = data.len() as u64;
        self.check_total(len + BLOCK_COST)?;
        if self.fits_memory(len + BLOCK_COST) {
            let bytes = data.to_vec();
            self.used.data.fetch_add(bytes.capacity() as u64 + BLOCK_COST, Ordering::Relaxed);
            return Ok(Arc::new(Block { at: At::Memory(bytes), stamp, scratch: self.clone() }));
        }
        let spill = self.spill.as_ref().ok_or(Errno::EDQUOT)?;
        let room = match self.check_total(len.max(SPILL_MIN)) {
            Ok(()) => len.max(SPILL_MIN),
            Err(_) => len,
        };
        let charge = self.charge(BLOCK_COST)?;
        let offset = spill.ranges.lock().take(room);
        self.used.spilled.fetch_add(room, Ordering::Relaxed);
        let at = At::Spilled { offset, room, len, _charge: charge };
        let block = Block { at, stamp, scratch: self.clone() };
        spill.file.write_all_at(data, offset).map_err(NodeError::io)?;
        Ok(Arc::new(block))
    }

    /// Counts `bytes` of what must stay in memory, until the charge is dropped.
    pub(crate) fn charge(self: &Arc<Self>, bytes: u64) -> NodeResult<Charge> {
        self.check_total(bytes)?;
        if bytes > self.limits.memory_bytes.saturating_sub(self.used.meta.load(Ordering::Relaxed)) {
            return Err(Errno::EDQUOT.into());
        }
        self.used.meta.fetch_add(bytes, Ordering::Relaxed);
        Ok(Charge { bytes, scratch: self.clone() })
    }

    /// Starts to count what a node of a merged tree takes.
    pub(crate) fn tree_charge(self: &Arc<Self>) -> TreeCharge {
        TreeCharge { bytes: 0, scratch: self.clone() }
    }

    fn spill(&self) -> &Spill {
        self.spill.as_ref().expect("spilled blocks are made only where there is a spill file")
    }
}

/// Quota of something that stays in memory; given back when dropped.
#[derive(Debug)]
pub(crate) struct Charge {
    bytes: u64,
    scratch: Arc<Scratch>,
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.scratch.used.meta.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// What the entries or extents of a merged node take in memory; given back when dropped.
#[derive(Debug)]
pub(crate) struct TreeCharge {
    bytes: u64,
    scratch: Arc<Scratch>,
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.note_nodes(0);
    }
}

impl TreeCharge {
    /// Counts `bytes` more, or says `EDQUOT` where no overlay within its limits would have come.
    pub(crate) fn grow(&mut self, bytes: u64) -> NodeResult<()> {
        let used = self.scratch.tree.load(Ordering::Relaxed);
        if bytes > self.scratch.limits.tree_bytes().saturating_sub(used) {
            return Err(Errno::EDQUOT.into());
        }
        self.scratch.tree.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for TreeCharge {
    fn drop(&mut self) {
        self.scratch.tree.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Some stored bytes.
#[derive(Debug)]
pub(crate) struct Block {
    at: At,
    /// The stamp of the tree when these bytes were last changed.
    pub(crate) stamp: u64,
    scratch: Arc<Scratch>,
}

#[derive(Debug)]
enum At {
    Memory(Vec<u8>),
    /// `len` bytes at `offset` of the spill file, with space up to `room`.
    Spilled {
        offset: u64,
        room: u64,
        len: u64,
        _charge: Charge,
    },
}

impl Block {
    pub(crate) fn len(&self) -> u64 {
        match &self.at {
            At::Memory(bytes) => bytes.len() as u64,
            At::Spilled { len, .. } => *len,
        }
    }

    /// The bytes, if they are in memory.
    pub(crate) fn memory(&self) -> Option<&[u8]> {
        match &self.at {
            At::Memory(bytes) => Some(bytes),
            At::Spilled { .. } => None,
        }
    }

    /// Fills `into` from `from` on; the range must lie inside.
    pub(crate) fn read(&self, from: u64, into: &mut [u8]) -> NodeResult<()> {
        match &self.at {
            At::Memory(bytes) => {
                let from = from as usize;
                into.copy_from_slice(&bytes[from..from + into.len()]);
                Ok(())
            }
            At::Spilled { offset, .. } => {
                self.scratch.spill().file.read_exact_at(into, offset + from).map_err(NodeError::io)
            }
        }
    }

    /// Replaces bytes; the range must lie inside.
    pub(crate) fn overwrite(&mut self, from: u64, data: &[u8]) -> NodeResult<()> {
        match &mut self.at {
            At::Memory(bytes) => {
                let from = from as usize;
                bytes[from..from + data.len()].copy_from_slice(data);
                Ok(())
            }
            At::Spilled { offset, .. } => {
                let at = *offset + from;
                self.scratch.spill().file.write_all_at(data, at).map_err(NodeError::io)
            }
        }
    }

    /// Forgets what lies past `len`.
    pub(crate) fn truncate(&mut self, keep: u64) {
        match &mut self.at {
            At::Memory(bytes) => {
                bytes.truncate(keep as usize);
                let had = bytes.capacity();
                if had > 2 * bytes.len() + 64 {
                    bytes.shrink_to_fit();
                    self.scratch.used.data.fetch_sub((had - bytes.capacity()) as u64, Ordering::Relaxed);
                }
            }
            At::Spilled { len, .. } => *len = (*len).min(keep),
        }
    }

    /// Appends `data` if there is room or room can be had; `false` if the data needs a block of its own.
    pub(crate) fn append(&mut self, data: &[u8]) -> NodeResult<bool> {
        let more = data.len() as u64;
        if self.len() + more > BLOCK_MAX as u64 {
            return Ok(false);
        }
        let scratch = self.scratch.clone();
        match &mut self.at {
            At::Memory(bytes) => {
                if bytes.capacity() - bytes.len() < data.len() && !scratch.grow(bytes, data.len()) {
                    return Ok(false);
                }
                bytes.extend_from_slice(data);
            }
            At::Spilled { offset, room, len, .. } => {
                if *len + more > *room {
                    return Ok(false);
                }
                scratch.spill().file.write_all_at(data, *offset + *len).map_err(NodeError::io)?;
                *len += more;
            }
        }
        Ok(true)
    }
}

impl Scratch {
    /// Makes space for `more` bytes in `bytes`: twice as much as there is, or just enough near the bound.
    fn grow(&self, bytes: &mut Vec<u8>, more: usize) -> bool {
        let had = bytes.capacity();
        let need = bytes.len() + more;
        let fits = |capacity: usize| {
            let added = (capacity - had) as u64;
            self.fits_memory(added) && self.check_total(added).is_ok()
        };
        let Some(capacity) = [need.max(had * 2).min(BLOCK_MAX), need].into_iter().find(|c| fits(*c)) else {
            return false;
        };
        bytes.reserve_exact(capacity - bytes.len());
        self.used.data.fetch_add((bytes.capacity() - had) as u64, Ordering::Relaxed);
        true
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        match &self.at {
            At::Memory(bytes) => {
                let held = bytes.capacity() as u64 + BLOCK_COST;
                self.scratch.used.data.fetch_sub(held, Ordering::Relaxed);
            }
            At::Spilled { offset, room, .. } => {
                self.scratch.spill().ranges.lock().give_back(*offset, *room);
                self.scratch.used.spilled.fetch_sub(*room, Ordering::Relaxed);
            }
        }
    }
}

impl Ranges {
    /// The first free range that is long enough, or the end of the file.
    fn take(&mut self, len: u64) -> u64 {
        let found = self.free.iter().find(|(_, free)| **free >= len).map(|(offset, free)| (*offset, *free));
        let Some((offset, free)) = found else {
            let offset = self.end;
            self.end += len;
            return offset;
        };
        self.free.remove(&offset);
        if free > len {
            self.free.insert(offset + len, free - len);
        }
        offset
    }

    fn give_back(&mut self, mut offset: u64, mut len: u64) {
        if let Some((&before, &before_len)) = self.free.range(..offset).next_back()
            && before + before_len == offset
        {
            self.free.remove(&before);
            (offset, len) = (before, before_len + len);
        }
        if let Some(after_len) = self.free.remove(&(offset + len)) {
            len += after_len;
        }
        if offset + len == self.end {
            self.end = offset;
        } else {
            self.free.insert(offset, len);
        }
    }
}
