//! The forkable state of an overlay, and how it is read together with the layer below.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use imbl::OrdMap;

use super::base::{Base, PAGE};
use super::names::find_many;
use super::node::{Body, Entry, Node, Target};
use crate::errno::{Errno, NodeResult};
use crate::layer::Layer;
use crate::node::{DirEntry, FileType, Ino, SeekTo, Stat, check_xattr_name};
use crate::path::Name;

/// Everything that a fork has of its own; cloning costs a few reference counts.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    /// Nodes that are new or touched.
    pub(crate) nodes: OrdMap<Ino, Arc<Node>>,
    /// Nodes of the lower layer that lost their last name, and when (in stamps).
    pub(crate) gone: OrdMap<Ino, u64>,
    /// Nodes without a name that somebody held open when they lost it.
    pub(crate) orphans: OrdMap<Ino, ()>,
    /// Where the lower layer has the nodes that were touched, and the directories above them.
    pub(crate) homes: OrdMap<Ino, (Ino, Name)>,
    /// The number of the next new node.
    pub(crate) next: u64,
    /// Counts changes; each node carries the count of its last.
    pub(crate) stamp: u64,
}

/// What a name in a directory leads to.
#[derive(Clone, Debug)]
pub(crate) enum Child {
    /// A node the overlay has a delta of.
    Own(Arc<Node>),
    /// A node of the lower layer that nobody touched.
    Lower(Stat),
}

impl Child {
    pub(crate) fn stat(&self) -> Stat {
        match self {
            Child::Own(node) => node.stat(),
            Child::Lower(stat) => *stat,
        }
    }

    pub(crate) fn ino(&self) -> Ino {
        match self {
            Child::Own(node) => node.ino,
            Child::Lower(stat) => stat.ino,
        }
    }

    pub(crate) fn is_dir(&self) -> bool {
        match self {
            Child::Own(node) => node.is_dir(),
            Child::Lower(stat) => stat.is_dir(),
        }
    }
}

/// A tree over its base, to be read.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) tree: &'a Tree,
    pub(crate) base: &'a Base,
}

impl Tree {
    pub(crate) fn new(next: u64) -> Tree {
        Tree {
            nodes: OrdMap::new(),
            gone: OrdMap::new(),
            orphans: OrdMap::new(),
            homes: OrdMap::new(),
            next,
            stamp: 0,
        }
    }
}

impl View<'_> {
    /// The delta of a node, if there is one.
    pub(crate) fn own(&self, ino: Ino) -> Option<&Arc<Node>> {
        self.tree.nodes.get(&ino)
    }

    /// Lower attributes of a node that nobody touched, else `ESTALE`.
    pub(crate) fn lower_stat(&self, ino: Ino) -> NodeResult<Stat> {
        match self.base.lower_of(ino) {
            Some(lower) if !self.tree.gone.contains_key(&ino) => lower.getattr(ino),
            _ => Err(Errno::ESTALE.into()),
        }
    }

    /// A lower layer that has this node untouched, else `ESTALE`.
    pub(crate) fn untouched(&self, ino: Ino) -> NodeResult<&dyn Layer> {
        match self.base.lower_of(ino) {
            Some(lower) if !self.tree.gone.contains_key(&ino) => Ok(lower),
            _ => Err(Errno::ESTALE.into()),
        }
    }

    pub(crate) fn stat(&self, ino: Ino) -> NodeResult<Stat> {
        match self.own(ino) {
            Some(node) => Ok(node.stat()),
            None => self.lower_stat(ino),
        }
    }

    /// Whether the node exists and has a name (or is the root).
    pub(crate) fn is_alive(&self, ino: Ino) -> bool {
        match self.own(ino) {
            Some(node) => node.nlink > 0,
            None => self.base.is_lower(ino) && !self.tree.gone.contains_key(&ino),
        }
    }

    /// What `name` in `dir` leads to.
    ///
    /// # Errors
    /// `ENOTDIR`, `ESTALE`.
    pub(crate) fn child(&self, dir: Ino, name: &Name) -> NodeResult<Option<Child>> {
        match self.own(dir) {
            Some(node) => match node.entries()?.get(name) {
                Some(Entry::Node(ino)) => {
                    return Ok(Some(Child::Own(self.entry_node(*ino).clone())));
                }
                Some(Entry::Whiteout) => return Ok(None),
                None => {}
            },
            None if self.tree.gone.contains_key(&dir) => return Err(Errno::ESTALE.into()),
            None if !self.base.is_lower(dir) => return Err(Errno::ESTALE.into()),
            None => {}
        }
        let Some(stat) = self.base.lower_entry(dir, name)? else { return Ok(None) };
        Ok(Some(match self.own(stat.ino) {
            Some(node) => Child::Own(node.clone()),
            None => Child::Lower(stat),
        }))
    }

    /// What each of `names`, which are in order, leads to.
    pub(crate) fn children(&self, dir: Ino, names: &[&Name]) -> NodeResult<Vec<Option<Stat>>> {
        let own = self.own(dir).map(|node| node.entries()).transpose()?;
        let entry = |name: &Name| own.and_then(|entries| entries.get(name));
        let below: Vec<&Name> = names.iter().filter(|name| entry(name).is_none()).copied().collect();
        let mut lower = self.lower_children(dir, &below)?.into_iter();
        let child = |name: &&Name| match entry(name) {
            Some(Entry::Node(ino)) => Some(self.entry_node(*ino).stat()),
            Some(Entry::Whiteout) => None,
            None => {
                let stat = lower.next().expect("it was asked for")?;
                Some(self.own(stat.ino).map_or(stat, |node| node.stat()))
            }
        };
        Ok(names.iter().map(child).collect())
    }

    fn lower_children(&self, dir: Ino, names: &[&Name]) -> NodeResult<Vec<Option<Stat>>> {
        let Some(lower) = self.base.lower_of(dir) else { return Ok(vec![None; names.len()]) };
        let page = |after: Option<&Name>, limit| lower.readdir(dir, after, limit);
        let found = find_many(names, page, |name| self.base.lower_entry(dir, name))?;
        for (name, stat) in names.iter().zip(&found) {
            if let Some(stat) = stat {
                self.base.seen.remember(stat.ino, dir, name);
            }
        }
        Ok(found)
    }

    /// The attributes of what a name leads to, without touching a reference count.
    pub(crate) fn lookup(&self, dir: Ino, name: &Name) -> NodeResult<Stat> {
        if let Some(node) = self.own(dir)
            && let Some(Entry::Node(ino)) = node.entries()?.get(name)
        {
            return Ok(self.entry_node(*ino).stat());
        }
        self.child(dir, name)?.map(|child| child.stat()).ok_or(Errno::ENOENT.into())
    }

    /// The node of an explicit entry.
    pub(crate) fn entry_node(&self, ino: Ino) -> &Arc<Node> {
        self.own(ino).expect("a changed entry leads to a node with a delta")
    }

    pub(crate) fn readdir(&self, dir: Ino, after: Option<&Name>, limit: usize) -> NodeResult<Vec<DirEntry>> {
        let mut out = Vec::new();
        if limit == 0 {
            self.check_dir(dir)?;
            return Ok(out);
        }
        self.scan(dir, after, limit.min(PAGE), &mut |name, stat| {
            out.push(DirEntry { name, stat });
            Ok(out.len() < limit)
        })?;
        Ok(out)
    }

    /// Calls `each` for every entry after a name, merged and in order, until it says `false`.
    pub(crate) fn scan(
        &self,
        dir: Ino,
        after: Option<&Name>,
        page: usize,
        each: &mut dyn FnMut(Name, Stat) -> NodeResult<bool>,
    ) -> NodeResult<()> {
        let own = match self.own(dir) {
            Some(node) => Some(node.entries()?),
            None => {
                self.untouched(dir)?;
                None
            }
        };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut upper = own
            .into_iter()
            .flat_map(|entries| entries.range::<_, Name>((from, Bound::Unbounded)))
            .filter_map(|(name, entry)| match entry {
                Entry::Node(ino) => Some((name, *ino)),
                Entry::Whiteout => None,
            })
            .peekable();
        let mut more = true;
        self.base.lower_entries(dir, after, page, &mut |entry| {
            while let Some((name, ino)) = upper.next_if(|(name, _)| **name < entry.name) {
                more = each(name.clone(), self.entry_node(ino).stat())?;
                if !more {
                    return Ok(false);
                }
            }
            if own.is_some_and(|entries| entries.contains_key(&entry.name)) {
                return Ok(true);
            }
            let stat = self.own(entry.stat.ino).map_or(entry.stat, |node| node.stat());
            if stat.is_dir() {
                self.base.seen.remember(stat.ino, dir, &entry.name);
            }
            more = each(entry.name, stat)?;
            Ok(more)
        })?;
        while more && let Some((name, ino)) = upper.next() {
            more = each(name.clone(), self.entry_node(ino).stat())?;
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self, dir: Ino) -> NodeResult<bool> {
        if let Some(node) = self.own(dir)
            && node.entries()?.values().any(|entry| matches!(entry, Entry::Node(_)))
        {
            return Ok(false);
        }
        let mut empty = true;
        self.scan(dir, None, PAGE, &mut |_, _| {
            empty = false;
            Ok(false)
        })?;
        Ok(empty)
    }

    /// Whether it exists and is a directory, else `ESTALE`, `ENOTDIR`.
    pub(crate) fn check_dir(&self, dir: Ino) -> NodeResult<()> {
        let kind = match self.own(dir) {
            Some(node) => node.kind(),
            None => self.lower_stat(dir)?.kind,
        };
        if kind == FileType::Directory { Ok(()) } else { Err(Errno::ENOTDIR.into()) }
    }

    pub(crate) fn readlink(&self, ino: Ino) -> NodeResult<String> {
        match self.own(ino).map(|node| &node.body) {
            Some(Body::Symlink(Target::Own(target))) => Ok(target.text.clone()),
            Some(Body::Symlink(Target::Origin(_))) => match self.base.lower_of(ino) {
                Some(lower) => lower.readlink(ino),
                None => Err(Errno::EIO.into()),
            },
            Some(_) => Err(Errno::EINVAL.into()),
            None => self.untouched(ino)?.readlink(ino),
        }
    }

    pub(crate) fn seek(&self, ino: Ino, offset: u64, to: SeekTo) -> NodeResult<u64> {
        match self.own(ino) {
            Some(node) => node.content()?.seek(self.base.origin(ino), offset, to),
            None => self.untouched(ino)?.seek(ino, offset, to),
        }
    }

    pub(crate) fn getxattr(&self, ino: Ino, name: &str) -> NodeResult<Bytes> {
        check_xattr_name(name)?;
        match self.own(ino) {
            Some(node) => match &node.xattrs {
                Some(xattrs) => xattrs.map.get(name).cloned().ok_or(Errno::ENODATA.into()),
                None => match self.base.lower_of(ino) {
                    Some(lower) => lower.getxattr(ino, name),
                    None => Err(Errno::ENODATA.into()),
                },
            },
            None => self.untouched(ino)?.getxattr(ino, name),
        }
    }

    pub(crate) fn listxattr(&self, ino: Ino) -> NodeResult<Vec<String>> {
        match self.own(ino) {
            Some(node) => match &node.xattrs {
                Some(xattrs) => Ok(xattrs.map.keys().cloned().collect()),
                None => self.base.lower_of(ino).map_or(Ok(Vec::new()), |lower| lower.listxattr(ino)),
            },
            None => self.untouched(ino)?.listxattr(ino),
        }
    }

    /// The directory that a directory stands in; `None` for the root and for removed ones.
    pub(crate) fn parent_of(&self, dir: Ino) -> NodeResult<Option<Ino>> {
        if dir == self.base.root {
            return Ok(None);
        }
        if let Some(node) = self.own(dir) {
            if let Some((parent, _)) = &node.place {
                return Ok(Some(*parent));
            }
            if node.nlink == 0 {
                return Ok(None);
            }
        }
        Ok(self.home(dir)?.map(|(parent, _)| parent))
    }

    /// Where the lower layer has a node: as remembered, else found by walking it.
    pub(crate) fn home(&self, ino: Ino) -> NodeResult<Option<(Ino, Name)>> {
        if !self.base.is_lower(ino) || ino == self.base.root {
            return Ok(None);
        }
        if let Some(home) = self.tree.homes.get(&ino) {
            return Ok(Some(home.clone()));
        }
        if let Some(home) = self.base.seen.recall(ino) {
            return Ok(Some(home));
        }
        let mut found = None;
        self.base.walk_lower(&mut |dir, entry| {
            if entry.stat.ino == ino {
                found = Some((dir, entry.name.clone()));
            }
            Ok(found.is_none())
        })?;
        if let Some((dir, name)) = &found {
            self.base.seen.remember(ino, *dir, name);
        }
        Ok(found)
    }

    /// Whether `dir` is `top` or lies below it.
    pub(crate) fn is_within(&self, dir: Ino, top: Ino) -> NodeResult<bool> {
        let mut at = Some(dir);
        while let Some(dir) = at {
            if dir == top {
                return Ok(true);
            }
            at = self.parent_of(dir)?;
        }
        Ok(false)
    }
}
