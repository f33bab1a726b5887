//! The operations that change the layer.

use super::core::Core;
use crate::clock::Timestamp;
use crate::errno::{Errno, NodeResult};
use crate::layer::Layer;
use crate::node::{Allocate, FileType, Ino, NewAttr, NewNode, RenameMode, SeekTo, SetAttr, Stat};
use crate::path::Name;

const SET_UID: u32 = 0o4000;
const SET_GID: u32 = 0o2000;
const GROUP_EXEC: u32 = 0o0010;

/// How much of a copy is in memory at a time, in bytes.
const COPY_STEP: u64 = 1 << 20;
/// How much one request copies at most; the kernel asks again for the rest.
const COPY_MAX: u64 = 64 << 20;

/// Who makes a node, and with which mode.
#[derive(Clone, Copy)]
pub(super) struct Maker {
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// umask already applied.
    pub(super) mode: u32,
}

/// A node of any kind, with what it needs.
pub(super) enum New {
    Directory,
    Symlink(String),
    /// Anything else, and the number of a device.
    Special(FileType, u64),
}

impl New {
    fn node(&self) -> NodeResult<NewNode<'_>> {
        Ok(match self {
            New::Directory => NewNode::Directory,
            New::Symlink(target) => NewNode::Symlink(target),
            New::Special(FileType::Fifo, _) => NewNode::Fifo,
            New::Special(FileType::Socket, _) => NewNode::Socket,
            New::Special(FileType::CharDevice, number) => NewNode::CharDevice(*number),
            New::Special(FileType::BlockDevice, number) => NewNode::BlockDevice(*number),
            New::Special(FileType::Regular, _) => NewNode::File(&[]),
            New::Special(..) => return Err(Errno::EINVAL.into()),
        })
    }
}

impl Core {
    pub(super) fn create(
        &self,
        layer: &dyn Layer,
        parent: Ino,
        name: &Name,
        new: &New,
        maker: Maker,
    ) -> NodeResult<Stat> {
        let dir = layer.getattr(parent)?;
        let mut attr = NewAttr { mode: maker.mode & 0o7777, uid: maker.uid, gid: maker.gid, mtime: None };
        // What is made in a set-group-id directory belongs to its group, and a directory hands that on.
        if dir.mode & SET_GID != 0 {
            attr.gid = dir.gid;
            if matches!(new, New::Directory) {
                attr.mode |= SET_GID;
            }
        }
        let stat = layer.create(parent, name, new.node()?, &attr)?;
        self.known.lock().tell(&stat, parent, name);
        Ok(stat)
    }

    pub(super) fn link(&self, layer: &dyn Layer, ino: Ino, parent: Ino, name: &Name) -> NodeResult<Stat> {
        let stat = layer.link(ino, parent, name)?;
        self.known.lock().tell(&stat, parent, name);
        Ok(stat)
    }

    pub(super) fn unlink(&self, layer: &dyn Layer, parent: Ino, name: &Name) -> NodeResult<()> {
        self.hold(layer, parent, name)?;
        layer.unlink(parent, name)
    }

    pub(super) fn rmdir(&self, layer: &dyn Layer, parent: Ino, name: &Name) -> NodeResult<()> {
        self.hold(layer, parent, name)?;
        layer.rmdir(parent, name)
    }

    /// Holds open what is about to lose its last name, if the kernel knows it.
    fn hold(&self, layer: &dyn Layer, parent: Ino, name: &Name) -> NodeResult<()> {
        let stat = layer.lookup(parent, name)?;
        if (stat.is_dir() || stat.nlink <= 1) && self.known.lock().pin(stat.ino) {
            layer.open(stat.ino)?;
        }
        Ok(())
    }

    pub(super) fn rename(
        &self,
        layer: &dyn Layer,
        from: (Ino, &Name),
        to: (Ino, &Name),
        mode: RenameMode,
    ) -> NodeResult<()> {
        if mode == RenameMode::Replace {
            match self.hold(layer, to.0, to.1) {
                Err(error) if error == Errno::ENOENT => {}
                held => held?,
            }
        }
        layer.rename(from, to, mode)?;
        self.note_place(layer, to);
        if mode == RenameMode::Exchange {
            self.note_place(layer, from);
        }
        Ok(())
    }

    fn note_place(&self, layer: &dyn Layer, (parent, name): (Ino, &Name)) {
        if let Ok(stat) = layer.lookup(parent, name) {
            self.known.lock().moved(stat.ino, parent, name);
        }
    }

    /// Changes attributes. The kernel leaves it to the filesystem to take set-id bits off a file that changes its
    /// owner or is cut by anybody but root.
    pub(super) fn setattr(&self, layer: &dyn Layer, ino: Ino, mut set: SetAttr, by: u32) -> NodeResult<Stat> {
        let owner = set.uid.is_some() || set.gid.is_some();
        let nothing = set == SetAttr::default();
        if set.mode.is_none() && (owner || nothing || set.size.is_some() && by != 0) {
            let stat = layer.getattr(ino)?;
            let mode = if stat.is_dir() { stat.mode } else { without_set_id(stat.mode) };
            // A change of nothing (an owner that stays) sets ctime all the same, as a change of mode to itself does.
            set.mode = Some(mode).filter(|mode| nothing || *mode != stat.mode);
        }
        let stat = layer.setattr(ino, &set)?;
        self.known.lock().refresh(&stat);
        Ok(stat)
    }

    pub(super) fn write(
        &self,
        layer: &dyn Layer,
        ino: Ino,
        offset: u64,
        data: &[u8],
        kills_set_id: bool,
    ) -> NodeResult<u32> {
        layer.write(ino, offset, data)?;
        if kills_set_id {
            let mode = layer.getattr(ino)?.mode;
            if without_set_id(mode) != mode {
                layer.setattr(ino, &SetAttr::mode(without_set_id(mode)))?;
            }
        }
        Ok(data.len() as u32)
    }

    pub(super) fn allocate(
        &self,
        layer: &dyn Layer,
        ino: Ino,
        mode: u32,
        offset: u64,
        mut len: u64,
    ) -> NodeResult<()> {
        const KEEP_SIZE: u32 = 1;
        const PUNCH_HOLE: u32 = 2;
        const ZERO_RANGE: u32 = 16;
        let how = match mode {
            0 => Allocate::Reserve,
            KEEP_SIZE => Allocate::KeepSize,
            mode if mode == PUNCH_HOLE | KEEP_SIZE => Allocate::Punch,
            ZERO_RANGE => Allocate::Zero,
            mode if mode == ZERO_RANGE | KEEP_SIZE => {
                // To read as zeros without growing is to be a hole as far as there is a file.
                len = len.min(layer.getattr(ino)?.size.saturating_sub(offset));
                Allocate::Punch
            }
            _ => return Err(Errno::EOPNOTSUPP.into()),
        };
        if len == 0 { Ok(()) } else { layer.allocate(ino, how, offset, len) }
    }

    /// Copies a range, leaving holes out, and says how much there was to copy.
    pub(super) fn copy(
        &self,
        layer: &dyn Layer,
        (from, mut at): (Ino, u64),
        (to, offset): (Ino, u64),
        len: u64,
    ) -> NodeResult<u32> {
        let size = layer.getattr(from)?.size;
        let start = at;
        let end = at.saturating_add(len.min(COPY_MAX)).min(size);
        while at < end {
            let next = match layer.seek(from, at, SeekTo::Data) {
                Err(error) if error == Errno::ENXIO => end,
                found => found?.min(end),
            };
            if next > at {
                zero(layer, to, offset + (at - start), next - at)?;
                at = next;
                continue;
            }
            let data = layer.read(from, at, (end - at).min(COPY_STEP) as usize)?;
            // Somebody cut the file meanwhile.
            if data.is_empty() {
                break;
            }
            layer.write(to, offset + (at - start), &data)?;
            at += data.len() as u64;
        }
        Ok((at - start) as u32)
    }
}

/// Makes a range read as zeros, beyond the end too.
fn zero(layer: &dyn Layer, ino: Ino, offset: u64, len: u64) -> NodeResult<()> {
    layer.allocate(ino, Allocate::Zero, offset, len)
}

/// What is left of a mode when somebody else changes the file.
fn without_set_id(mode: u32) -> u32 {
    let group = if mode & GROUP_EXEC != 0 { SET_GID } else { 0 };
    mode & !SET_UID & !group
}

/// The time that a program asked for.
pub(super) fn time(core: &Core, time: fuser::TimeOrNow) -> Timestamp {
    match time {
        fuser::TimeOrNow::SpecificTime(time) => super::convert::timestamp(time),
        fuser::TimeOrNow::Now => core.clock.now(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_group_id_without_execution_is_no_privilege() {
        assert_eq!(without_set_id(0o6755), 0o755);
        assert_eq!(without_set_id(0o6745), 0o2745);
        assert_eq!(without_set_id(0o1644), 0o1644);
    }
}
