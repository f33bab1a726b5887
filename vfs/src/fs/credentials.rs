//! Who acts, and what the mode bits let them do where a mount `checks`.

use crate::errno::{Errno, NodeResult};
use crate::fs::Access;
use crate::node::{FileType, Stat};
use crate::walk::Node;

/// Who acts: user, group, and the umask of what they make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Credentials {
    /// The user; 0 passes every check.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Mode bits that new files and directories do not get.
    pub umask: u32,
}

impl Credentials {
    fn exempt(&self, node: &Node) -> bool {
        self.uid == 0 || !node.mount.options.checks
    }

    /// The class of mode bits that applies: owner, group or others.
    fn allowed(&self, stat: &Stat) -> u32 {
        let shift = if stat.uid == self.uid {
            6
        } else if stat.gid == self.gid {
            3
        } else {
            0
        };
        stat.mode >> shift & 0o7
    }

    /// # Errors
    /// `EACCES` if the mode bits do not allow all that is asked for. Who is exempt may do everything
    /// but execute a file that nobody may execute.
    pub(crate) fn need(&self, node: &Node, access: Access) -> NodeResult<()> {
        let denied = if self.exempt(node) {
            access.execute && !node.stat.is_dir() && node.stat.mode & 0o111 == 0
        } else {
            access.bits() & !self.allowed(&node.stat) != 0
        };
        if denied { Err(Errno::EACCES.into()) } else { Ok(()) }
    }

    pub(crate) fn need_search(&self, dir: &Node) -> NodeResult<()> {
        self.need(dir, Access::EXECUTE)
    }

    /// # Errors
    /// `EACCES` if entries of `dir` may not be made or removed.
    pub(crate) fn need_entries(&self, dir: &Node) -> NodeResult<()> {
        self.need(dir, Access { write: true, execute: true, read: false })
    }

    /// # Errors
    /// `EACCES`, and `EPERM` for another's entry of a sticky directory.
    pub(crate) fn need_remove(&self, dir: &Node, node: &Node) -> NodeResult<()> {
        self.need_entries(dir)?;
        let sticky = dir.stat.mode & 0o1000 != 0 && !self.exempt(dir);
        if sticky && self.uid != node.stat.uid && self.uid != dir.stat.uid {
            return Err(Errno::EPERM.into());
        }
        Ok(())
    }

    /// # Errors
    /// `EPERM` for who neither owns it nor is exempt.
    pub(crate) fn need_owner(&self, node: &Node) -> NodeResult<()> {
        if self.exempt(node) || self.uid == node.stat.uid { Ok(()) } else { Err(Errno::EPERM.into()) }
    }

    /// # Errors
    /// `EPERM` for a device node made by who is not exempt.
    pub(crate) fn need_device(&self, dir: &Node, kind: FileType) -> NodeResult<()> {
        let device = matches!(kind, FileType::CharDevice | FileType::BlockDevice);
        if device && !self.exempt(dir) { Err(Errno::EPERM.into()) } else { Ok(()) }
    }

    /// Whether a node can be made set-group-id: only by who is in that group.
    pub(crate) fn may_set_gid(&self, node: &Node) -> bool {
        self.exempt(node) || self.gid == node.stat.gid
    }

    /// # Errors
    /// `EPERM` for a change of owner, or of group to one that is not one's own.
    pub(crate) fn need_chown(&self, node: &Node, uid: Option<u32>, gid: Option<u32>) -> NodeResult<()> {
        if self.exempt(node) {
            return Ok(());
        }
        let owns = self.uid == node.stat.uid;
        let same_user = uid.is_none_or(|uid| owns && uid == node.stat.uid);
        let own_group = gid.is_none_or(|gid| owns && (gid == self.gid || gid == node.stat.gid));
        if same_user && own_group { Ok(()) } else { Err(Errno::EPERM.into()) }
    }
}
