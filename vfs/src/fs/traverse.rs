//! Walking a tree, and what there is in it.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::errno::{Errno, Error, NodeError, NodeResult, Result};
use crate::fs::{Access, Context, Credentials, Follow, Vfs, read};
use crate::mount::{MountId, MountTable};
use crate::node::{DirEntry, Stat};
use crate::path::{Name, VPathBuf};
use crate::walk::Node;

/// One thing that a walk came by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraverseEntry {
    /// Where it is, without links on the way.
    pub path: VPathBuf,
    /// How many levels below the start.
    pub depth: usize,
    /// The mount it is in.
    pub mount: MountId,
    /// What it is.
    pub stat: Stat,
}

/// A walk through a tree: the start first, each directory before what it holds, entries in name order,
/// links not followed, mounts entered. Memory is bounded by depth, not by the size of the tree.
///
/// A directory that cannot be listed yields one error and the walk goes on beside it. What is removed
/// meanwhile is passed over.
#[derive(Debug)]
pub struct Traverse {
    table: Arc<MountTable>,
    credentials: Credentials,
    start: Option<(VPathBuf, Node)>,
    stack: Vec<Level>,
    enter: Option<(VPathBuf, Node)>,
}

#[derive(Debug)]
struct Level {
    dir: Node,
    path: VPathBuf,
    page: VecDeque<DirEntry>,
    after: Option<Name>,
    last: bool,
}

impl Vfs {
    /// Walks the tree at `path`. If that is a link it is followed; no other is.
    ///
    /// # Errors
    /// As [`Vfs::stat`]; later ones come with the items, for the operation `scandir`.
    pub fn walk_tree(&self, path: &str) -> Result<Traverse> {
        let table = self.table();
        let start = self.walk(&table, path).and_then(|mut walk| {
            let node = walk.find(path, Follow::Yes)?;
            Ok((walk.path(), node))
        });
        let start = Some(start.at("scandir", path)?);
        Ok(Traverse { table, credentials: self.credentials, start, stack: Vec::new(), enter: None })
    }
}

impl Traverse {
    /// Leaves out what is below the directory that came last.
    pub fn skip_below(&mut self) {
        self.enter = None;
    }

    fn yielded(&mut self, path: VPathBuf, depth: usize, node: Node) -> TraverseEntry {
        let entry = TraverseEntry { path: path.clone(), depth, mount: node.mount.id, stat: node.stat };
        self.enter = node.stat.is_dir().then_some((path, node));
        entry
    }

    fn push(&mut self, path: VPathBuf, dir: Node) -> NodeResult<()> {
        self.credentials.need(&dir, Access { read: true, write: false, execute: true })?;
        let mut level = Level { dir, path, page: VecDeque::new(), after: None, last: false };
        level.refill(&self.table)?;
        self.stack.push(level);
        Ok(())
    }

    fn failed(path: &VPathBuf, error: NodeError) -> Option<Result<TraverseEntry>> {
        Some(Err(Error::at("scandir", path.as_str(), error)))
    }
}

impl Level {
    fn refill(&mut self, table: &MountTable) -> NodeResult<()> {
        let page = read::list(table, &*self.dir.mount.layer, &self.dir, self.after.as_ref(), read::PAGE)?;
        self.last = page.len() < read::PAGE;
        self.after = page.last().map(|entry| entry.name.clone());
        self.page = page.into();
        Ok(())
    }
}

impl Iterator for Traverse {
    type Item = Result<TraverseEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some((path, node)) = self.start.take() {
            return Some(Ok(self.yielded(path, 0, node)));
        }
        if let Some((path, dir)) = self.enter.take() {
            match self.push(path.clone(), dir) {
                Err(error) if error != Errno::ESTALE => return Self::failed(&path, error),
                _ => {}
            }
        }
        loop {
            let depth = self.stack.len();
            let level = self.stack.last_mut()?;
            if let Some(entry) = level.page.pop_front() {
                let path = level.path.join(&entry.name);
                let parent = &level.dir;
                let mount = match self.table.covering(parent.mount.id, parent.ino(), &entry.name) {
                    Some(mounted) => mounted.clone(),
                    None => parent.mount.clone(),
                };
                let node = Node { mount, stat: entry.stat };
                return Some(Ok(self.yielded(path, depth, node)));
            }
            if level.last {
                self.stack.pop();
                continue;
            }
            if let Err(error) = level.refill(&self.table) {
                let path = level.path.clone();
                self.stack.pop();
                if error != Errno::ESTALE {
                    return Self::failed(&path, error);
                }
            }
        }
    }
}
