//! Rows of `entry` and the operations on names: create, link, unlink, rmdir, rename.

use super::inode::Node;
use super::schema::LIVE;
use super::tx::{Next, Tx};
use super::view::EntryRow;
use crate::clock::Timestamp;
use crate::errno::{Errno, NodeResult};
use crate::node::{FileType, Ino, NewAttr, NewNode, RenameMode, Stat};
use crate::path::Name;

/// The most names of one node, and subdirectories of one directory.
const LINK_MAX: u32 = 65_000;
/// The longest target of a symbolic link.
const TARGET_MAX: usize = 4095;

/// Parent, name, `from_rev`, `to_rev`, inode.
pub(super) const INSERT_ENTRY: &str =
    "INSERT INTO main.entry(parent, name, from_rev, to_rev, ino) VALUES (?1, ?2, ?3, ?4, ?5)";

impl Tx<'_> {
    /// Lets a name lead to `ino`, or to nothing; `old` is its row now.
    pub(super) fn set_entry(
        &mut self,
        parent: i64,
        name: &Name,
        old: Option<&EntryRow>,
        ino: Option<i64>,
    ) -> NodeResult<()> {
        let rev = self.rev();
        self.state.pending.note_entry(parent, name);
        let name = name.as_str();
        match (old, ino) {
            (Some(old), Some(ino)) if old.from == rev => {
                self.execute(
                    "UPDATE main.entry SET ino = ?4 WHERE parent = ?1 AND name = ?2 AND from_rev = ?3",
                    (parent, name, rev, ino),
                )?;
                return Ok(());
            }
            (Some(old), None) if old.from == rev => {
                self.execute(
                    "DELETE FROM main.entry WHERE parent = ?1 AND name = ?2 AND from_rev = ?3",
                    (parent, name, rev),
                )?;
                return Ok(());
            }
            (Some(old), _) => {
                self.end_entry(parent, name, old)?;
            }
            (None, _) => {}
        }
        if let Some(ino) = ino {
            self.execute(INSERT_ENTRY, (parent, name, rev, LIVE, ino))?;
        }
        Ok(())
    }

    /// Ends an entry in the open revision. One of a file that a fork stands on is hidden by an ended copy of it.
    fn end_entry(&self, parent: i64, name: &str, old: &EntryRow) -> NodeResult<()> {
        let key = (parent, name, old.from, self.rev());
        let ended = self.execute(
            "UPDATE main.entry SET to_rev = ?4 WHERE parent = ?1 AND name = ?2 AND from_rev = ?3",
            key,
        )?;
        if ended == 0 {
            let (_, _, from, rev) = key;
            self.execute(
                "INSERT INTO main.entry(parent, name, from_rev, to_rev, ino) VALUES (?1, ?2, ?3, ?4, ?5)",
                (parent, name, from, rev, old.ino),
            )?;
        }
        Ok(())
    }

    /// A number no inode ever had.
    pub(super) fn new_ino(&mut self) -> i64 {
        Next::take(&mut self.state.next.ino)
    }

    pub(super) fn create(
        &mut self,
        parent: Ino,
        name: &Name,
        new: NewNode<'_>,
        attr: &NewAttr,
    ) -> NodeResult<Stat> {
        let parent = parent.0 as i64;
        let is_dir = new == NewNode::Directory;
        let links = self.open_dir(parent)?.node.nlink;
        if self.is_taken(parent, name)? {
            return Err(Errno::EEXIST.into());
        }
        if is_dir && links >= LINK_MAX {
            return Err(Errno::EMLINK.into());
        }
        self.need_inode()?;
        let target = match new {
            NewNode::Symlink("") => return Err(Errno::ENOENT.into()),
            NewNode::Symlink(target) if target.len() > TARGET_MAX => return Err(Errno::ENAMETOOLONG.into()),
            NewNode::Symlink(target) => Some(target.to_owned()),
            _ => None,
        };
        let rdev = match new {
            NewNode::CharDevice(rdev) | NewNode::BlockDevice(rdev) => rdev as i64,
            _ => 0,
        };
        let mut node = Node {
            ino: self.new_ino(),
            from: self.rev(),
            kind: new.kind(),
            mode: attr.mode & 0o7777,
            uid: attr.uid,
            gid: attr.gid,
            rdev,
            nlink: if is_dir { 2 } else { 1 },
            size: target.as_ref().map_or(0, |target| target.len() as i64),
            space: 0,
            counted: 0,
            mtime: attr.mtime.map_or(self.now, |time| time.0),
            ctime: self.now,
            btime: self.now,
            version: 1,
            content: None,
            parent: is_dir.then_some(parent),
            target,
            xattrs: None,
        };
        if let NewNode::File(data) = new {
            self.write_node(&mut node, 0, data)?;
        }
        self.insert(&mut node)?;
        self.set_entry(parent, name, None, Some(node.ino))?;
        self.touch_dir(parent, i32::from(is_dir))?;
        let stat = node.stat(Timestamp(node.btime));
        self.state.pending.note_made(node);
        Ok(stat)
    }

    pub(super) fn is_taken(&self, parent: i64, name: &Name) -> NodeResult<bool> {
        let view = self.view();
        // In a batch more files may come into this directory, which makes it worth a look at all of it.
        if self.state.is_batch() {
            view.examine(parent)?;
        }
        Ok(!self.state.pending.is_absent(parent, name) && view.entry(parent, name)?.is_some())
    }

    pub(super) fn link(&mut self, ino: Ino, parent: Ino, name: &Name) -> NodeResult<Stat> {
        let parent = parent.0 as i64;
        let mut node = self.view().node(ino.0 as i64)?;
        self.open_dir(parent)?;
        if node.is_dir() {
            return Err(Errno::EPERM.into());
        }
        if self.view().entry(parent, name)?.is_some() {
            return Err(Errno::EEXIST.into());
        }
        match node.nlink {
            0 => return Err(Errno::ENOENT.into()),
            n if n >= LINK_MAX => return Err(Errno::EMLINK.into()),
            _ => {}
        }
        node.nlink += 1;
        node.touch(self.now);
        self.set_entry(parent, name, None, Some(node.ino))?;
        self.save(node)?;
        self.touch_dir(parent, 0)?;
        self.view().stat(ino)
    }

    pub(super) fn unlink(&mut self, parent: Ino, name: &Name) -> NodeResult<()> {
        let (parent, row, node) = self.named(parent, name)?;
        if node.is_dir() {
            return Err(Errno::EISDIR.into());
        }
        self.set_entry(parent, name, Some(&row), None)?;
        self.lose_name(node)?;
        self.touch_dir(parent, 0)
    }

    pub(super) fn rmdir(&mut self, parent: Ino, name: &Name) -> NodeResult<()> {
        let (parent, row, node) = self.named(parent, name)?;
        if !node.is_dir() {
            return Err(Errno::ENOTDIR.into());
        }
        if self.view().is_populated(node.ino)? {
            return Err(Errno::ENOTEMPTY.into());
        }
        self.set_entry(parent, name, Some(&row), None)?;
        self.lose_name(node)?;
        self.touch_dir(parent, -1)
    }

    /// The directory, the entry in it and what it leads to.
    fn named(&mut self, parent: Ino, name: &Name) -> NodeResult<(i64, EntryRow, Node)> {
        let parent = parent.0 as i64;
        self.view().dir(parent)?;
        let row = self.view().entry(parent, name)?.ok_or(Errno::ENOENT)?;
        let node = self.view().node(row.ino)?;
        self.open_dir(parent)?;
        Ok((parent, row, node))
    }

    /// Takes one name from a node; a directory has only the one.
    pub(super) fn lose_name(&mut self, mut node: Node) -> NodeResult<()> {
        if node.is_dir() || node.nlink <= 1 {
            return self.forget(node);
        }
        node.nlink -= 1;
        node.touch(self.now);
        self.save(node)
    }

    pub(super) fn rename(
        &mut self,
        from: (Ino, &Name),
        to: (Ino, &Name),
        mode: RenameMode,
    ) -> NodeResult<()> {
        let new_parent = to.0.0 as i64;
        self.view().dir(new_parent)?;
        let (old_parent, old_row, node) = self.named(from.0, from.1)?;
        self.open_dir(new_parent)?;
        let there = match self.view().entry(new_parent, to.1)? {
            Some(row) => Some((self.view().node(row.ino)?, row)),
            None => None,
        };
        self.refuse_loop(&node, new_parent)?;
        let moved = Move { node, old_parent, old_name: from.1, old_row, new_parent, new_name: to.1 };
        match (mode, there) {
            (RenameMode::Exchange, None) => Err(Errno::ENOENT.into()),
            (RenameMode::NoReplace, Some(_)) => Err(Errno::EEXIST.into()),
            (_, Some((other, _))) if other.ino == moved.node.ino => Ok(()),
            (RenameMode::Exchange, Some((other, row))) => self.exchange(moved, other, &row),
            (_, there) => self.replace(moved, there),
        }
    }

    fn replace(&mut self, moved: Move<'_>, there: Option<(Node, EntryRow)>) -> NodeResult<()> {
        let Move { node, old_parent, old_name, old_row, new_parent, new_name } = moved;
        let is_dir = node.is_dir();
        if let Some((other, _)) = &there {
            if other.is_dir() && self.view().is_within(old_parent, other.ino)? {
                return Err(Errno::ENOTEMPTY.into());
            }
            match (is_dir, other.is_dir()) {
                (true, false) => return Err(Errno::ENOTDIR.into()),
                (false, true) => return Err(Errno::EISDIR.into()),
                (true, true) if self.view().is_populated(other.ino)? => return Err(Errno::ENOTEMPTY.into()),
                _ => {}
            }
        } else if is_dir && old_parent != new_parent && self.open_dir(new_parent)?.node.nlink >= LINK_MAX {
            return Err(Errno::EMLINK.into());
        }
        self.set_entry(old_parent, old_name, Some(&old_row), None)?;
        self.set_entry(new_parent, new_name, there.as_ref().map(|(_, row)| row), Some(node.ino))?;
        let replaced_dir = there.as_ref().is_some_and(|(other, _)| other.is_dir());
        if let Some((other, _)) = there {
            self.lose_name(other)?;
        }
        self.settle_in(node, new_parent)?;
        self.touch_dir(old_parent, -i32::from(is_dir))?;
        self.touch_dir(new_parent, i32::from(is_dir) - i32::from(replaced_dir))
    }

    fn exchange(&mut self, moved: Move<'_>, other: Node, other_row: &EntryRow) -> NodeResult<()> {
        let Move { node, old_parent, old_name, old_row, new_parent, new_name } = moved;
        self.refuse_loop(&other, old_parent)?;
        let gain = i32::from(node.is_dir()) - i32::from(other.is_dir());
        self.set_entry(old_parent, old_name, Some(&old_row), Some(other.ino))?;
        self.set_entry(new_parent, new_name, Some(other_row), Some(node.ino))?;
        self.settle_in(node, new_parent)?;
        self.settle_in(other, old_parent)?;
        self.touch_dir(old_parent, -gain)?;
        self.touch_dir(new_parent, gain)
    }

    /// Records on the node itself that it was moved.
    fn settle_in(&mut self, mut node: Node, parent: i64) -> NodeResult<()> {
        // Its row may have changed since it was loaded: it can be one of the two directories involved.
        if let Some(dir) = self.state.pending.dirs.get(&node.ino) {
            node = dir.node.clone();
        }
        if node.is_dir() {
            node.parent = Some(parent);
        }
        node.touch(self.now);
        self.save(node)
    }

    /// `EINVAL` if `node` is a directory and `parent` is it or below it.
    fn refuse_loop(&self, node: &Node, parent: i64) -> NodeResult<()> {
        if node.kind == FileType::Directory && self.view().is_within(parent, node.ino)? {
            return Err(Errno::EINVAL.into());
        }
        Ok(())
    }
}

/// What is being renamed, and where to.
struct Move<'a> {
    node: Node,
    old_parent: i64,
    old_name: &'a Name,
    old_row: EntryRow,
    new_parent: i64,
    new_name: &'a Name,
}
