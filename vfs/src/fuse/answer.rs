//! Answers to the kernel: each kind of reply knows how to say what the layer returned.

use bytes::Bytes;
use fuser::{
    FileHandle, FopenFlags, Generation, ReplyAttr, ReplyData, ReplyEmpty, ReplyEntry, ReplyLseek, ReplyOpen,
    ReplyStatfs, ReplyWrite, ReplyXattr,
};

use super::convert;
use super::core::Core;
use crate::errno::{Errno, NodeResult};
use crate::node::{Stat, StatFs};

/// A reply that is given once.
pub(super) trait Answer: Send + 'static {
    /// What it says on success.
    type Value;

    fn answer(self, core: &Core, result: NodeResult<Self::Value>);
}

/// Inode numbers are never given twice within a workspace, so one generation does.
const GENERATION: Generation = Generation(0);
/// Blocks that sizes of filesystems are counted in.
const BLOCK: u64 = 4096;

impl Answer for ReplyEntry {
    type Value = Stat;

    fn answer(self, core: &Core, result: NodeResult<Stat>) {
        match result {
            Ok(stat) => self.entry(&core.validity, &convert::attr(&stat, core.root), GENERATION),
            Err(error) => self.error(convert::errno(&error)),
        }
    }
}

/// A lookup, whose failure the kernel may remember too.
pub(super) struct Lookup(pub(super) ReplyEntry);

impl Answer for Lookup {
    type Value = Stat;

    fn answer(self, core: &Core, result: NodeResult<Stat>) {
        match result {
            Err(error) if error == Errno::ENOENT => {
                self.0.entry(&core.negative_validity, &convert::no_attr(), GENERATION);
            }
            result => self.0.answer(core, result),
        }
    }
}

impl Answer for ReplyAttr {
    type Value = Stat;

    fn answer(self, core: &Core, result: NodeResult<Stat>) {
        match result {
            Ok(stat) => self.attr(&core.validity, &convert::attr(&stat, core.root)),
            Err(error) => self.error(convert::errno(&error)),
        }
    }
}

impl Answer for ReplyData {
    type Value = Bytes;

    fn answer(self, _: &Core, result: NodeResult<Bytes>) {
        match result {
            Ok(data) => self.data(&data),
            Err(error) => self.error(convert::errno(&error)),
        }
    }
}

impl Answer for ReplyEmpty {
    type Value = ();

    fn answer(self, _: &Core, result: NodeResult<()>) {
        match result {
            Ok(()) => self.ok(),
            Err(error) => self.error(convert::errno(&error)),
        }
    }
}

/// Files are known by their numbers alone: handles need none.
impl Answer for ReplyOpen {
    type Value = ();

    fn answer(self, _: &Core, result: NodeResult<()>) {
        match result {
            Ok(()) => self.opened(FileHandle(0), FopenFlags::empty()),
            Err(error) => self.error(convert::errno(&error)),
        }
    }
}

impl Answer for ReplyWrite {
    type Value = u32;

    fn answer(self, _: &Core, result: NodeResult<u32>) {
        match result {
            Ok(written) => self.written(written),
            Err(error) => self.error(convert::errno(&error)),
        }
    }
}

impl Answer for ReplyLseek {
    type Value = u64;

    fn answer(self, _: &Core, result: NodeResult<u64>) {
        match result {
            Ok(offset) => self.offset(offset as i64),
            Err(error) => self.error(convert::errno(&error)),
        }
    }
}

impl Answer for ReplyStatfs {
    type Value = StatFs;

    fn answer(self, _: &Core, result: NodeResult<StatFs>) {
        match result {
            Ok(stat) => {
                let free = stat.total_bytes.saturating_sub(stat.used_bytes) / BLOCK;
                let inodes = stat.total_inodes.saturating_sub(stat.used_inodes);
                let block = BLOCK as u32;
                self.statfs(
                    stat.total_bytes / BLOCK,
                    free,
                    free,
                    stat.total_inodes,
                    inodes,
                    block,
                    255,
                    block,
                );
            }
            Err(error) => self.error(convert::errno(&error)),
        }
    }
}

/// Extended attributes: asked without room for them, only the size is told.
pub(super) struct Measured(pub(super) ReplyXattr, pub(super) u32);

impl Answer for Measured {
    type Value = Bytes;

    fn answer(self, _: &Core, result: NodeResult<Bytes>) {
        match (result, self.1) {
            (Ok(data), 0) => self.0.size(data.len() as u32),
            (Ok(data), room) if data.len() > room as usize => self.0.error(fuser::Errno::ERANGE),
            (Ok(data), _) => self.0.data(&data),
            (Err(error), _) => self.0.error(convert::errno(&error)),
        }
    }
}
