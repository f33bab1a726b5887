//! What becomes of set-id bits: they fall when a file changes hands or content, and directories hand theirs on.
//! The rules are Linux's (`setattr_should_drop_suidgid`, `mode_strip_sgid`).

use std::sync::atomic::{AtomicU64, Ordering};

use crate::errno::NodeResult;
use crate::fs::Credentials;
use crate::node::{FileType, NewAttr, SetAttr, Stat};
use crate::walk::Node;

/// The set-user-id bit.
pub(super) const SET_UID: u32 = 0o4000;
/// The set-group-id bit.
pub(super) const SET_GID: u32 = 0o2000;
const GROUP_EXECUTE: u32 = 0o0010;
/// The generation that no mount is in.
const NEVER: u64 = u64::MAX;

impl Credentials {
    /// Mode and owner of a node that is made in `dir`: the umask is applied, a set-group-id directory hands its group
    /// on, and to directories its bit. `mkdir` itself gives no set-id bits.
    pub fn new_attr(&self, dir: &Stat, kind: FileType, mode: u32) -> NewAttr {
        let inherits = dir.mode & SET_GID != 0;
        let outsider = self.uid != 0 && self.gid != dir.gid;
        let mode = match kind {
            FileType::Symlink => mode & 0o7777,
            FileType::Directory if inherits => mode & 0o1777 & !self.umask | SET_GID,
            FileType::Directory => mode & 0o1777 & !self.umask,
            // Else anyone could make programs that run with the group of a shared directory.
            _ if inherits && outsider && runs_as_group(mode) => mode & 0o7777 & !self.umask & !SET_GID,
            _ => mode & 0o7777 & !self.umask,
        };
        let gid = if inherits { dir.gid } else { self.gid };
        NewAttr { mode, uid: self.uid, gid, mtime: None }
    }
}

fn runs_as_group(mode: u32) -> bool {
    mode & (SET_GID | GROUP_EXECUTE) == SET_GID | GROUP_EXECUTE
}

/// The mode of a file once somebody changed its content or owner. Set-group-id without a group that may execute
/// means something else (mandatory locks), and only falls where an outsider did it.
fn plain(who: &Credentials, stat: &Stat) -> u32 {
    let outsider = who.uid != 0 && who.gid != stat.gid;
    let mut mode = stat.mode & !SET_UID;
    if runs_as_group(mode) || outsider {
        mode &= !SET_GID;
    }
    mode
}

/// The mode that a change of owner leaves a node with, if it is another. Nobody is exempt: a program must not
/// act as an owner it was given to.
pub(super) fn after_chown(who: &Credentials, stat: &Stat) -> Option<u32> {
    let mode = if stat.is_dir() { stat.mode } else { plain(who, stat) };
    (mode != stat.mode).then_some(mode)
}

/// The mode that a change of content leaves a file with, if it is another. uid 0 keeps set-id bits; that modes are not
/// checked is no reason to, since what a file claims to be outlives the mount.
pub(super) fn after_write(who: &Credentials, stat: &Stat) -> Option<u32> {
    let mode = plain(who, stat);
    (who.uid != 0 && stat.is_file() && mode != stat.mode).then_some(mode)
}

/// Takes set-id bits off a file whose content is about to change.
///
/// # Errors
/// Those of `setattr`.
pub(super) fn before_write(who: &Credentials, node: &Node) -> NodeResult<()> {
    match after_write(who, &node.stat) {
        Some(mode) => node.mount.layer.setattr(node.ino(), &SetAttr::mode(mode)).map(drop),
        None => Ok(()),
    }
}

/// What a handle knows of the set-id bits of its file, so that not every write asks the layer.
#[derive(Debug)]
pub(super) struct Seen(AtomicU64);

impl Seen {
    /// Nothing is known.
    pub fn nothing() -> Seen {
        Seen(AtomicU64::new(NEVER))
    }

    /// Takes the bits off before a write, unless they have been off since somebody in this mount last set any.
    ///
    /// # Errors
    /// Those of the layer.
    pub fn before_write(&self, who: &Credentials, node: &Node) -> NodeResult<()> {
        let generation = node.mount.set_ids.load(Ordering::Acquire);
        if self.0.load(Ordering::Relaxed) == generation {
            return Ok(());
        }
        let stat = node.mount.layer.getattr(node.ino())?;
        before_write(who, &Node { mount: node.mount.clone(), stat })?;
        self.0.store(generation, Ordering::Relaxed);
        Ok(())
    }
}

/// Notes that set-id bits were set in a mount.
pub(super) fn note_chmod(node: &Node, mode: u32) {
    if mode & (SET_UID | SET_GID) != 0 {
        node.mount.set_ids.fetch_add(1, Ordering::Release);
    }
}
