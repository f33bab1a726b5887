//! Changes of a tree: copy-up, entries, links.
//!
//! Every operation first does what can fail (reads the lower layer, copies up, takes quota), then changes the
//! tree. A copy-up by itself changes nothing that can be seen, so a failure half way leaves no trace.

use std::collections::HashMap;
use std::sync::Arc;

use imbl::OrdMap;
use parking_lot::Mutex;

use super::attrs::{TARGET_MAX, own_target};
use super::base::Base;
use super::content::Content;
use super::node::{Body, Entry, Node};
use super::scratch::Scratch;
use super::tree::{Child, Tree, View};
use crate::clock::Timestamp;
use crate::errno::{Errno, NodeResult};
use crate::node::{FileType, Ino, NewAttr, NewNode, RenameMode, Stat};
use crate::path::Name;

/// The most names of one node.
pub(crate) const LINK_MAX: u32 = 65_000;

/// Who holds which nodes open, shared with the batches of the same instance.
pub(crate) type Pins = Arc<Mutex<HashMap<Ino, u32>>>;

/// A tree that is being changed.
pub(crate) struct Edit<'a> {
    pub(crate) tree: &'a mut Tree,
    pub(crate) base: &'a Base,
    pub(crate) scratch: &'a Arc<Scratch>,
    pub(crate) pins: &'a Pins,
    pub(crate) now: Timestamp,
}

impl Edit<'_> {
    pub(crate) fn view(&self) -> View<'_> {
        View { tree: self.tree, base: self.base }
    }

    pub(super) fn next_stamp(&mut self) -> u64 {
        self.tree.stamp += 1;
        self.tree.stamp
    }

    fn check_nodes(&self) -> NodeResult<()> {
        let nodes = self.tree.nodes.len() as u64 + self.scratch.nodes_elsewhere();
        match nodes < self.scratch.limits.nodes {
            true => Ok(()),
            false => Err(Errno::EDQUOT.into()),
        }
    }

    /// The delta of a node, made if there is none yet.
    pub(crate) fn copy_up(&mut self, ino: Ino) -> NodeResult<&mut Node> {
        if !self.tree.nodes.contains_key(&ino) {
            let stat = self.view().lower_stat(ino)?;
            self.copy_up_as(&stat)?;
        }
        Ok(self.node_mut(ino))
    }

    fn copy_up_as(&mut self, stat: &Stat) -> NodeResult<()> {
        self.check_nodes()?;
        self.settle_home(stat.ino);
        let place = self.tree.homes.get(&stat.ino).cloned();
        self.tree.nodes.insert(stat.ino, Arc::new(Node::of_origin(stat, place)));
        Ok(())
    }

    fn copy_up_child(&mut self, child: &Child) -> NodeResult<()> {
        match child {
            Child::Own(_) => Ok(()),
            Child::Lower(stat) => self.copy_up_as(stat),
        }
    }

    /// Keeps what is remembered of where the lower layer has a node and what is above it.
    fn settle_home(&mut self, ino: Ino) {
        let mut ino = ino;
        while ino != self.base.root && self.base.is_lower(ino) && !self.tree.homes.contains_key(&ino) {
            let Some(home) = self.base.seen.recall(ino) else { return };
            let above = home.0;
            self.tree.homes.insert(ino, home);
            ino = above;
        }
    }

    pub(crate) fn node_mut(&mut self, ino: Ino) -> &mut Node {
        Arc::make_mut(self.tree.nodes.get_mut(&ino).expect("it was copied up before"))
    }

    /// A directory that entries can be added to: copied up, `ENOENT` if it was removed.
    fn open_dir(&mut self, dir: Ino) -> NodeResult<()> {
        let node = self.copy_up(dir)?;
        node.entries()?;
        if node.nlink == 0 { Err(Errno::ENOENT.into()) } else { Ok(()) }
    }

    pub(crate) fn create(
        &mut self,
        parent: Ino,
        name: &Name,
        new: NewNode<'_>,
        attr: &NewAttr,
    ) -> NodeResult<Stat> {
        let taken = self.view().child(parent, name)?.is_some();
        self.open_dir(parent)?;
        if taken {
            return Err(Errno::EEXIST.into());
        }
        let is_dir = matches!(new, NewNode::Directory);
        if is_dir {
            self.check_links(parent)?;
        }
        self.check_nodes()?;
        let body = self.new_body(new)?;
        let (ino, stamp, now) = (Ino(self.tree.next), self.next_stamp(), self.now);
        self.tree.next += 1;
        let node = Node {
            ino,
            mode: attr.mode & 0o7777,
            nlink: if is_dir { 2 } else { 1 },
            uid: attr.uid,
            gid: attr.gid,
            atime: now,
            mtime: attr.mtime.unwrap_or(now),
            ctime: now,
            btime: now,
            version: 1,
            stamp,
            place: is_dir.then(|| (parent, name.clone())),
            xattrs: None,
            body,
            _charge: None,
        };
        let stat = node.stat();
        self.tree.nodes.insert(ino, Arc::new(node));
        let dir = self.node_mut(parent);
        dir.entries_mut().insert(name.clone(), Entry::Node(ino));
        count_dirs(dir, false, is_dir);
        dir.modify(now, stamp);
        Ok(stat)
    }

    fn new_body(&self, new: NewNode<'_>) -> NodeResult<Body> {
        Ok(match new {
            NewNode::File(bytes) => {
                let mut content = Content::empty();
                content.write(self.scratch, self.tree.stamp + 1, 0, bytes)?;
                Body::File(content)
            }
            NewNode::Directory => Body::Directory(OrdMap::new()),
            NewNode::Symlink("") => return Err(Errno::ENOENT.into()),
            NewNode::Symlink(text) if text.len() > TARGET_MAX => return Err(Errno::ENAMETOOLONG.into()),
            NewNode::Symlink(text) => Body::Symlink(own_target(self.scratch, text)?),
            NewNode::CharDevice(rdev) => Body::Special(FileType::CharDevice, rdev),
            NewNode::BlockDevice(rdev) => Body::Special(FileType::BlockDevice, rdev),
            NewNode::Fifo | NewNode::Socket => Body::Special(new.kind(), 0),
        })
    }

    fn check_links(&self, ino: Ino) -> NodeResult<()> {
        if self.view().stat(ino)?.nlink >= LINK_MAX { Err(Errno::EMLINK.into()) } else { Ok(()) }
    }

    pub(crate) fn link(&mut self, ino: Ino, parent: Ino, name: &Name) -> NodeResult<Stat> {
        let stat = self.view().stat(ino)?;
        let taken = self.view().child(parent, name)?.is_some();
        self.open_dir(parent)?;
        match stat {
            _ if stat.is_dir() => return Err(Errno::EPERM.into()),
            _ if taken => return Err(Errno::EEXIST.into()),
            _ if stat.nlink == 0 => return Err(Errno::ENOENT.into()),
            _ if stat.nlink >= LINK_MAX => return Err(Errno::EMLINK.into()),
            _ => {}
        }
        self.copy_up(ino)?;
        let (stamp, now) = (self.next_stamp(), self.now);
        self.attach(parent, name, ino)?;
        self.node_mut(parent).modify(now, stamp);
        let node = self.node_mut(ino);
        node.nlink += 1;
        node.touch(now, stamp);
        Ok(node.stat())
    }

    pub(crate) fn unlink(&mut self, parent: Ino, name: &Name) -> NodeResult<()> {
        let child = self.view().child(parent, name)?.ok_or(Errno::ENOENT)?;
        if child.is_dir() {
            return Err(Errno::EISDIR.into());
        }
        self.remove(parent, name, &child)
    }

    pub(crate) fn rmdir(&mut self, parent: Ino, name: &Name) -> NodeResult<()> {
        let child = self.view().child(parent, name)?.ok_or(Errno::ENOENT)?;
        if !child.is_dir() {
            return Err(Errno::ENOTDIR.into());
        }
        if !self.view().is_empty(child.ino())? {
            return Err(Errno::ENOTEMPTY.into());
        }
        self.remove(parent, name, &child)
    }

    /// Takes an entry away, and one link of its node.
    fn remove(&mut self, parent: Ino, name: &Name, child: &Child) -> NodeResult<()> {
        self.copy_up(parent)?;
        self.prepare_drop(child)?;
        let in_lower = self.in_lower(parent, name)?;
        let (stamp, now) = (self.next_stamp(), self.now);
        self.detach(parent, name, in_lower);
        let dir = self.node_mut(parent);
        count_dirs(dir, child.is_dir(), false);
        dir.modify(now, stamp);
        self.drop_child(child, stamp);
        Ok(())
    }

    /// Whether the lower layer has an entry of this name in this directory.
    fn in_lower(&self, dir: Ino, name: &Name) -> NodeResult<bool> {
        match self.tree.nodes.get(&dir).map(|node| node.entries()).transpose()?.and_then(|e| e.get(name)) {
            Some(Entry::Whiteout) => Ok(true),
            _ => Ok(self.base.lower_entry(dir, name)?.is_some()),
        }
    }

    fn detach(&mut self, dir: Ino, name: &Name, in_lower: bool) {
        let entries = self.node_mut(dir).entries_mut();
        if in_lower {
            entries.insert(name.clone(), Entry::Whiteout);
        } else {
            entries.remove(name);
        }
    }

    /// Makes a name lead to a node. A lower node that comes back to where it was needs no entry.
    fn attach(&mut self, dir: Ino, name: &Name, ino: Ino) -> NodeResult<()> {
        let at_home =
            self.base.is_lower(ino) && self.base.lower_entry(dir, name)?.is_some_and(|stat| stat.ino == ino);
        let entries = self.node_mut(dir).entries_mut();
        if at_home {
            entries.remove(name);
        } else {
            entries.insert(name.clone(), Entry::Node(ino));
        }
        Ok(())
    }

    /// Whether losing a name is the end of a node nobody touched: then it needs no delta, and no quota.
    fn ends_with_name(&self, child: &Child) -> bool {
        match child {
            Child::Own(_) => false,
            Child::Lower(stat) => {
                (stat.is_dir() || stat.nlink <= 1) && !self.pins.lock().contains_key(&stat.ino)
            }
        }
    }

    fn prepare_drop(&mut self, child: &Child) -> NodeResult<()> {
        if self.ends_with_name(child) { Ok(()) } else { self.copy_up_child(child) }
    }

    /// Takes one link of what a name led to, prepared before.
    fn drop_child(&mut self, child: &Child, stamp: u64) {
        if self.ends_with_name(child) {
            self.tree.gone.insert(child.ino(), stamp);
        } else {
            self.drop_link(child.ino(), stamp);
        }
    }

    /// Takes one link of a node (of a directory: the only one that counts).
    fn drop_link(&mut self, ino: Ino, stamp: u64) {
        let now = self.now;
        let node = self.node_mut(ino);
        node.nlink = if node.is_dir() { 0 } else { node.nlink.saturating_sub(1) };
        node.touch(now, stamp);
        if node.nlink > 0 {
            return;
        }
        node.place = None;
        if self.base.is_lower(ino) {
            self.tree.gone.insert(ino, stamp);
        }
        if self.pins.lock().contains_key(&ino) {
            self.tree.orphans.insert(ino, ());
        } else {
            self.tree.nodes.remove(&ino);
        }
    }

    /// Drops the nodes that have neither a name nor a holder.
    pub(crate) fn sweep(&mut self) {
        if self.tree.orphans.is_empty() {
            return;
        }
        let pins = self.pins.lock();
        let lost: Vec<Ino> =
            self.tree.orphans.keys().filter(|ino| !pins.contains_key(ino)).copied().collect();
        for ino in lost {
            self.tree.orphans.remove(&ino);
            self.tree.nodes.remove(&ino);
        }
    }

    /// Makes the tree what it was. Numbers and stamps go on from where they are: no number is given twice, and
    /// whoever knows the tree up to a stamp before `saved` is told of it correctly.
    pub(crate) fn go_back(&mut self, saved: &Tree) {
        let (next, stamp) = (self.tree.next, self.next_stamp());
        *self.tree = Tree { next, stamp, ..saved.clone() };
        self.sweep();
    }

    pub(crate) fn rename(
        &mut self,
        from: (Ino, &Name),
        to: (Ino, &Name),
        mode: RenameMode,
    ) -> NodeResult<()> {
        let view = self.view();
        view.check_dir(to.0)?;
        let source = view.child(from.0, from.1)?.ok_or(Errno::ENOENT)?;
        let target = view.child(to.0, to.1)?;
        if source.is_dir() && view.is_within(to.0, source.ino())? {
            return Err(Errno::EINVAL.into());
        }
        match (mode, target) {
            (RenameMode::NoReplace, Some(_)) => Err(Errno::EEXIST.into()),
            (RenameMode::Exchange, None) => Err(Errno::ENOENT.into()),
            (_, Some(target)) if target.ino() == source.ino() => Ok(()),
            (RenameMode::Exchange, Some(target)) => {
                if target.is_dir() && view.is_within(from.0, target.ino())? {
                    return Err(Errno::EINVAL.into());
                }
                self.exchange(from, &source, to, &target)
            }
            (_, target) => self.replace(from, &source, to, target),
        }
    }

    fn replace(
        &mut self,
        from: (Ino, &Name),
        source: &Child,
        to: (Ino, &Name),
        target: Option<Child>,
    ) -> NodeResult<()> {
        match &target {
            Some(target) if target.is_dir() && self.view().is_within(from.0, target.ino())? => {
                return Err(Errno::ENOTEMPTY.into());
            }
            Some(target) if target.is_dir() && !source.is_dir() => return Err(Errno::EISDIR.into()),
            Some(target) if !target.is_dir() && source.is_dir() => return Err(Errno::ENOTDIR.into()),
            Some(target) if target.is_dir() && !self.view().is_empty(target.ino())? => {
                return Err(Errno::ENOTEMPTY.into());
            }
            _ => {}
        }
        if source.is_dir() && target.is_none() && from.0 != to.0 {
            self.check_links(to.0)?;
        }
        self.copy_up(from.0)?;
        self.open_dir(to.0)?;
        self.copy_up_child(source)?;
        target.iter().try_for_each(|target| self.prepare_drop(target))?;
        let in_lower = self.in_lower(from.0, from.1)?;
        let (stamp, now) = (self.next_stamp(), self.now);
        self.attach(to.0, to.1, source.ino())?;
        self.detach(from.0, from.1, in_lower);
        if let Some(target) = target {
            count_dirs(self.node_mut(to.0), target.is_dir(), false);
            self.drop_child(&target, stamp);
        }
        if source.is_dir() {
            count_dirs(self.node_mut(from.0), true, false);
            count_dirs(self.node_mut(to.0), false, true);
        }
        self.settle(source, to, now, stamp);
        self.node_mut(from.0).modify(now, stamp);
        if to.0 != from.0 {
            self.node_mut(to.0).modify(now, stamp);
        }
        Ok(())
    }

    fn exchange(
        &mut self,
        from: (Ino, &Name),
        source: &Child,
        to: (Ino, &Name),
        target: &Child,
    ) -> NodeResult<()> {
        self.open_dir(from.0)?;
        self.open_dir(to.0)?;
        self.copy_up_child(source)?;
        self.copy_up_child(target)?;
        // Both lookups that attaching does are answered before anything changes.
        self.base.lower_entry(to.0, to.1)?;
        self.base.lower_entry(from.0, from.1)?;
        let (stamp, now) = (self.next_stamp(), self.now);
        self.attach(to.0, to.1, source.ino())?;
        self.attach(from.0, from.1, target.ino())?;
        let (out, back) = (source.is_dir(), target.is_dir());
        let dir = self.node_mut(from.0);
        count_dirs(dir, out, back);
        dir.modify(now, stamp);
        let dir = self.node_mut(to.0);
        count_dirs(dir, back, out);
        if to.0 != from.0 {
            dir.modify(now, stamp);
        }
        self.settle(source, to, now, stamp);
        self.settle(target, from, now, stamp);
        Ok(())
    }

    /// Notes on a moved node where it is now.
    fn settle(&mut self, moved: &Child, to: (Ino, &Name), now: Timestamp, stamp: u64) {
        let node = self.node_mut(moved.ino());
        if node.is_dir() {
            node.place = Some((to.0, to.1.clone()));
        }
        node.touch(now, stamp);
    }
}

/// Counts the links of a directory when a subdirectory left or came. It never falls to zero, which would mean
/// that the directory was removed: some lower layers do not count subdirectories.
fn count_dirs(dir: &mut Node, left: bool, came: bool) {
    dir.nlink = (dir.nlink + u32::from(came)).saturating_sub(u32::from(left)).max(1);
}
