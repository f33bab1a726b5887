//! Bringing back an earlier state, as a new revision.
//!
//! All of it: rows are set to what they were, so that inodes keep their numbers and a renamed directory is one row
//! again. Some paths: they are taken away where they are and put back where they were; contents are shared with
//! the past, not copied. A node that is gone comes back under its number, one that lives elsewhere stays there and
//! is put back as another node.

use std::collections::HashMap;

use super::SqliteLayer;
use super::diff::{self, order};
use super::inode::Node;
use super::revision::{Revision, RevisionInfo, RevisionKind, SealInfo};
use super::schema::{NOW, ROOT};
use super::tx::Tx;
use super::view::View;
use crate::change::{Change, ChangeKind};
use crate::errno::{Errno, NodeError, NodeResult};
use crate::node::{Ino, SeekTo};
use crate::path::{Name, VPathBuf};

/// How much of a file is copied at a time.
const COPY_BYTES: u64 = 4 << 20;

impl SqliteLayer {
    /// Makes the tree, or only what is at and below `paths`, what it was in `rev`, and seals that. What was changed
    /// directly since the latest revision is sealed first. `None` if nothing differs.
    ///
    /// # Errors
    /// `ENOENT` if there is no such revision, or a path is in neither tree; `ENOTDIR` if something is in the way of a
    /// path's parents; `EDQUOT` if it takes more than before and than the workspace may. Then nothing has changed.
    pub fn restore(
        &self,
        rev: Revision,
        paths: &[VPathBuf],
        info: &SealInfo,
    ) -> NodeResult<Option<RevisionInfo>> {
        let _kept = self.shared.hold(rev)?;
        self.revision(rev)?;
        self.change(|tx| {
            tx.seal(&SealInfo::of(RevisionKind::Edit))?;
            let before = tx.state.pending.usage;
            if paths.is_empty() || paths.iter().any(VPathBuf::is_root) {
                tx.restore_all(rev.0 as i64)?;
            } else {
                tx.restore_paths(rev.0 as i64, paths)?;
            }
            tx.need_room_since(before)?;
            tx.seal(info)
        })
    }
}

impl Tx<'_> {
    fn restore_all(&mut self, rev: i64) -> NodeResult<()> {
        self.flush()?;
        let (entries, inodes) = {
            let (now, then) = (self.view_at(NOW), self.view_at(rev));
            (diff::entries(&now, &then)?, diff::inodes(&now, &then)?)
        };
        for change in entries {
            let row = self.view().entry(change.parent, &change.name)?;
            self.set_entry(change.parent, &change.name, row.as_ref(), change.after)?;
        }
        for ino in inodes {
            let then = diff::named(&self.view_at(rev), ino)?;
            match (self.live(ino)?, then) {
                (None, None) => {}
                (None, Some(then)) => self.revive(then)?,
                (Some(now), None) if now.nlink == 0 => {}
                (Some(now), None) => self.forget(now)?,
                (Some(now), Some(then)) => {
                    let (nlink, parent) = (then.nlink, then.parent);
                    self.revert(now, then, nlink, parent)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn live(&self, ino: i64) -> NodeResult<Option<Node>> {
        match self.view().node(ino) {
            Ok(node) => Ok(Some(node)),
            Err(e) if e == Errno::ESTALE => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Takes in the content of a node of the past, if it belongs to an ancestor that may prune it: only what the
    /// forked revision has is kept there.
    fn take_in(&mut self, node: &mut Node) -> NodeResult<()> {
        let (Some(content), Some(base)) = (node.content, self.shared.lineage.base()) else { return Ok(()) };
        let kept = Node::load(self.conn, node.ino, base)?.is_some_and(|kept| kept.content == node.content);
        if content >= self.state.first.0 || kept {
            return Ok(());
        }
        let past = node.clone();
        (node.content, node.size, node.space) = (None, 0, 0);
        let (ino, mut at) = (Ino(past.ino as u64), 0);
        while let Some(from) = self.view_at(past.from).next(ino, at, SeekTo::Data)? {
            let to = self.view_at(past.from).next(ino, from, SeekTo::Hole)?.unwrap_or(past.size as u64);
            at = to.min(from + COPY_BYTES);
            let bytes = self.view_at(past.from).read(ino, from, (at - from) as usize)?;
            self.write_node(node, from, &bytes)?;
        }
        self.resize(node, past.size)
    }

    /// Brings back a node that is gone, under its number.
    fn revive(&mut self, mut node: Node) -> NodeResult<()> {
        self.take_in(&mut node)?;
        let mut statement = self.conn.prepare_cached("SELECT max(version) FROM inode WHERE ino = ?1")?;
        node.version = statement.query_row([node.ino], |row| row.get(0))?;
        node.touch(self.now);
        self.insert(&mut node)
    }

    /// Gives a node the content and attributes it had.
    fn revert(&mut self, now: Node, mut then: Node, nlink: u32, parent: Option<i64>) -> NodeResult<()> {
        let same = (now.nlink, now.parent, now.mtime) == (nlink, parent, then.mtime);
        if same && !now.differs(&then) {
            return Ok(());
        }
        if now.nlink == 0 {
            self.execute("DELETE FROM orphan WHERE ino = ?1", [now.ino])?;
        }
        if now.content != then.content {
            self.take_in(&mut then)?;
            self.drop_content(now.content)?;
        }
        let Node { from, version, btime, counted, .. } = now;
        let mut node = Node { from, version, btime, counted, nlink, parent, ..then };
        node.touch(self.now);
        self.save(node)
    }

    fn restore_paths(&mut self, rev: i64, paths: &[VPathBuf]) -> NodeResult<()> {
        self.flush()?;
        let changes = {
            let (now, then) = (self.view_at(NOW), self.view_at(rev));
            for path in paths {
                if walk(&now, path)?.is_none() && walk(&then, path)?.is_none() {
                    let message = format!("{path} is neither in revision {rev} nor there now");
                    return Err(NodeError::with_source(Errno::ENOENT, message));
                }
            }
            diff::changes(&now, &then)?
        };
        let mut plan = Plan::default();
        for change in &changes {
            plan.add(change, paths);
        }
        plan.remove.sort_by(order);
        plan.put.sort_by(order);
        for path in roots(&plan.remove) {
            self.remove_path(path)?;
        }
        let mut put = HashMap::new();
        for path in roots(&plan.put) {
            self.put_path(rev, path, &mut put)?;
        }
        for ino in plan.revert {
            let (now, then) = (self.live(ino)?, diff::named(&self.view_at(rev), ino)?);
            if let (Some(now), Some(then), false) = (now, then, put.contains_key(&ino)) {
                let (nlink, parent) = (now.nlink, now.parent);
                self.revert(now, then, nlink, parent)?;
            }
        }
        Ok(())
    }

    /// Removes what is at a path, with everything below it.
    fn remove_path(&mut self, path: &VPathBuf) -> NodeResult<()> {
        let Some((parent, name)) = split(path) else { return Ok(()) };
        match walk(&self.view(), &parent)? {
            Some(dir) => self.remove_tree(dir, &name),
            None => Ok(()),
        }
    }

    /// Removes an entry and everything below it. Not by recursion: a tree may be deeper than a stack.
    pub(super) fn remove_tree(&mut self, parent: i64, name: &Name) -> NodeResult<()> {
        let mut left = vec![(Ino(parent as u64), name.clone())];
        while let Some((dir, name)) = left.last().cloned() {
            let mut done = self.unlink(dir, &name);
            if matches!(&done, Err(e) if *e == Errno::EISDIR) {
                done = self.rmdir(dir, &name);
            }
            match done {
                Err(e) if e == Errno::ENOTEMPTY => {
                    let inner = self.view().lookup(dir, &name)?.ino;
                    let children = self.view().readdir(inner, None, usize::MAX)?;
                    left.extend(children.into_iter().map(|child| (inner, child.name)));
                    continue;
                }
                Err(e) if e != Errno::ENOENT => return Err(e),
                _ => {}
            }
            left.pop();
        }
        Ok(())
    }

    /// Puts back what was at a path, with everything below it, and parents that are missing.
    fn put_path(&mut self, rev: i64, path: &VPathBuf, put: &mut HashMap<i64, i64>) -> NodeResult<()> {
        let (mut then, mut now) = (ROOT, ROOT);
        let names: Vec<Name> = path.components().collect();
        for (depth, name) in names.iter().enumerate() {
            let last = depth + 1 == names.len();
            let Some(row) = self.view_at(rev).entry(then, name)? else { return Ok(()) };
            then = row.ino;
            if last {
                return self.put_tree(rev, then, now, name, put);
            }
            now = match self.view().entry(now, name)? {
                Some(row) => self.view().dir(row.ino)?.ino,
                None => self.put_node(rev, then, now, name, put)?,
            };
        }
        Ok(())
    }

    fn put_tree(
        &mut self,
        rev: i64,
        then: i64,
        parent: i64,
        name: &Name,
        put: &mut HashMap<i64, i64>,
    ) -> NodeResult<()> {
        let mut left = vec![(then, parent, name.clone())];
        while let Some((then, parent, name)) = left.pop() {
            let ino = self.put_node(rev, then, parent, &name, put)?;
            let view = self.view_at(rev);
            if view.node(then)?.is_dir() {
                let children = view.readdir(Ino(then as u64), None, usize::MAX)?;
                left.extend(children.into_iter().map(|child| (child.stat.ino.0 as i64, ino, child.name)));
            }
        }
        Ok(())
    }

    /// Gives one node of the past a name; a directory comes back empty. Returns the node it is now.
    fn put_node(
        &mut self,
        rev: i64,
        then: i64,
        parent: i64,
        name: &Name,
        put: &mut HashMap<i64, i64>,
    ) -> NodeResult<i64> {
        let dir = Ino(parent as u64);
        let mut node = self.view_at(rev).node(then)?;
        if let Some(&ino) = put.get(&then) {
            return self.link(Ino(ino as u64), dir, name).map(|_| ino);
        }
        let live = self.live(then)?;
        if let Some(live) = &live
            && !live.is_dir()
            && node.nlink > 1
            && live.nlink > 0
            && !live.differs(&node)
        {
            return self.link(Ino(then as u64), dir, name).map(|_| then);
        }
        self.open_dir(parent)?;
        if self.view().entry(parent, name)?.is_some() {
            return Err(Errno::EEXIST.into());
        }
        let is_dir = node.is_dir();
        node.nlink = if is_dir { 2 } else { 1 };
        node.parent = is_dir.then_some(parent);
        if live.is_some() {
            self.take_in(&mut node)?;
            node.ino = self.new_ino();
            node.version = 0;
            (node.btime, node.ctime) = (self.now, self.now);
            node.touch(self.now);
            self.insert(&mut node)?;
        } else {
            self.revive(node.clone())?;
        }
        self.set_entry(parent, name, None, Some(node.ino))?;
        self.touch_dir(parent, i32::from(is_dir))?;
        put.insert(then, node.ino);
        Ok(node.ino)
    }
}

/// What has to happen to paths, from a diff of now against then.
#[derive(Default)]
struct Plan {
    /// Paths of now.
    remove: Vec<VPathBuf>,
    /// Paths of then.
    put: Vec<VPathBuf>,
    /// Inodes that are where they were and changed.
    revert: Vec<i64>,
}

impl Plan {
    fn add(&mut self, change: &Change, wanted: &[VPathBuf]) {
        let replaced = || change.before.map(|stat| stat.ino) != change.after.map(|stat| stat.ino);
        match change.kind {
            ChangeKind::Removed => remember(&mut self.remove, &change.path, wanted),
            ChangeKind::Added => remember(&mut self.put, &change.path, wanted),
            ChangeKind::Renamed => {
                remember(&mut self.remove, change.from.as_ref().unwrap_or(&change.path), wanted);
                remember(&mut self.put, &change.path, wanted);
            }
            ChangeKind::Modified if replaced() => {
                remember(&mut self.remove, &change.path, wanted);
                remember(&mut self.put, &change.path, wanted);
            }
            ChangeKind::Modified => {
                if wanted.iter().any(|path| change.path.is_within(path)) {
                    self.revert.extend(change.after.map(|stat| stat.ino.0 as i64));
                }
            }
        }
    }
}

/// Notes `path` if it is wanted, or what is wanted below it.
fn remember(list: &mut Vec<VPathBuf>, path: &VPathBuf, wanted: &[VPathBuf]) {
    if wanted.iter().any(|wanted| path.is_within(wanted)) {
        list.push(path.clone());
    } else {
        list.extend(wanted.iter().filter(|wanted| wanted.is_within(path)).cloned());
    }
}

/// Of sorted paths those that are not below another.
fn roots(sorted: &[VPathBuf]) -> Vec<&VPathBuf> {
    let mut roots: Vec<&VPathBuf> = Vec::new();
    for path in sorted {
        if roots.last().is_none_or(|last| !path.is_within(last)) {
            roots.push(path);
        }
    }
    roots
}

/// Where a path leads, symbolic links not followed.
pub(super) fn walk(view: &View<'_>, path: &VPathBuf) -> NodeResult<Option<i64>> {
    let mut at = ROOT;
    for name in path.components() {
        match view.entry(at, &name)? {
            Some(row) => at = row.ino,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

/// The directory and the last component; `None` for the root.
pub(super) fn split(path: &VPathBuf) -> Option<(VPathBuf, Name)> {
    Some((path.parent()?, path.components().last()?))
}
