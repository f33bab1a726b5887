//! What one side did to the base: names that went, names that came, nodes that changed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::kin::{Kin, find};
use super::nodes;
use crate::change::Change;
use crate::errno::{Errno, NodeResult};
use crate::layer::Layer;
use crate::node::{FileType, Ino, Stat};
use crate::overlay::places::tree_order;
use crate::path::{Name, VPathBuf};

/// Where to look for what a side changed.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// Everywhere: both trees are walked, and all contents compared.
    Everywhere,
    /// Where these say, which are all that differs between the base and this side.
    Changes(&'a [Change]),
}

/// A name of the base that leads to its node no longer.
#[derive(Clone, Debug)]
pub(super) struct Gone {
    pub(super) dir: Ino,
    pub(super) name: Name,
    pub(super) node: Ino,
    pub(super) is_dir: bool,
    /// Where that was, in the base.
    pub(super) path: VPathBuf,
}

/// A name that leads to a node as it did not in the base. Numbers are the side's.
#[derive(Clone, Debug)]
pub(super) struct Come {
    pub(super) dir: Ino,
    pub(super) name: Name,
    pub(super) node: Ino,
    pub(super) kind: FileType,
    pub(super) path: VPathBuf,
}

/// What changed of a node that both have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Changed {
    pub(super) content: bool,
    pub(super) attrs: bool,
    pub(super) xattrs: bool,
    pub(super) mtime: bool,
}

impl Changed {
    /// Whether somebody would miss it.
    pub(super) fn matters(self) -> bool {
        self.content || self.attrs || self.xattrs
    }
}

/// One side, compared with the base.
pub(super) struct Side<'a> {
    pub(super) layer: &'a dyn Layer,
    pub(super) kin: Kin,
    /// Parents first.
    pub(super) gone: Vec<Gone>,
    /// Parents first.
    pub(super) come: Vec<Come>,
    /// By the base's number.
    pub(super) changed: BTreeMap<Ino, Changed>,
    gone_at: HashSet<(Ino, Name)>,
    /// Names that went of nodes, by the base's number.
    gone_from: HashMap<Ino, Vec<usize>>,
    /// New names of nodes, by the side's number.
    come_of: HashMap<Ino, Vec<usize>>,
    /// Where the base has its nodes, as far as they were seen.
    places: HashMap<Ino, (Ino, Name)>,
}

impl<'a> Side<'a> {
    /// Compares.
    ///
    /// # Errors
    /// Those of reading the layers.
    pub(super) fn compare(
        base: &'a dyn Layer,
        layer: &'a dyn Layer,
        kin: Kin,
        scope: Scope<'_>,
    ) -> NodeResult<Side<'a>> {
        let side = Side {
            layer,
            kin,
            gone: Vec::new(),
            come: Vec::new(),
            changed: BTreeMap::new(),
            gone_at: HashSet::new(),
            gone_from: HashMap::new(),
            come_of: HashMap::new(),
            places: HashMap::new(),
        };
        let everywhere = matches!(scope, Scope::Everywhere);
        let mut compare = Compare { base, side, everywhere, queue: Vec::new(), nodes: BTreeSet::new() };
        match scope {
            Scope::Everywhere => compare.begin_at_roots(),
            Scope::Changes(changes) => compare.begin_at(changes)?,
        }
        compare.run()
    }

    /// The side's node for one of the base, if it still has it.
    pub(super) fn node(&self, base: Ino) -> NodeResult<Option<Stat>> {
        match self.kin.to(base)? {
            Some(node) => find(self.layer, node),
            None => Ok(None),
        }
    }

    /// Whether a name of the base is gone.
    pub(super) fn lacks(&self, dir: Ino, name: &Name) -> bool {
        self.gone_at.contains(&(dir, name.clone()))
    }

    /// The names that a node of the base lost.
    pub(super) fn gone_of(&self, base: Ino) -> impl Iterator<Item = &Gone> {
        self.gone_from.get(&base).into_iter().flatten().map(|at| &self.gone[*at])
    }

    /// The new names of a node of this side.
    pub(super) fn names_of(&self, node: Ino) -> impl Iterator<Item = &Come> {
        self.come_of.get(&node).into_iter().flatten().map(|at| &self.come[*at])
    }

    /// The new names of a node of the base.
    pub(super) fn new_names(&self, base: Ino) -> NodeResult<Vec<Come>> {
        let node = self.kin.to(base)?;
        Ok(node.into_iter().flat_map(|node| self.names_of(node)).cloned().collect())
    }

    /// Whether a node of the base was changed so that somebody would miss it.
    pub(super) fn changes(&self, base: Ino) -> bool {
        self.changed.get(&base).is_some_and(|changed| changed.matters())
    }

    /// Where the base has a node, if that was seen.
    pub(super) fn base_place(&self, base: Ino) -> Option<&(Ino, Name)> {
        self.places.get(&base)
    }

    /// Where the base has it.
    fn base_path(&self, base: Ino) -> VPathBuf {
        let mut names = Vec::new();
        let mut at = base;
        while let Some((parent, name)) = self.places.get(&at) {
            names.push(name);
            at = *parent;
        }
        names.into_iter().rev().fold(VPathBuf::root(), |path, name| path.join(name))
    }

    /// Where this side has one of its nodes: at one of its new names, or else where the base has it.
    pub(super) fn path(&self, node: Ino) -> NodeResult<VPathBuf> {
        let mut names = Vec::new();
        let mut at = node;
        loop {
            let next = match self.names_of(at).next() {
                Some(come) => Some((come.dir, come.name.clone())),
                None => self.old_place(at)?,
            };
            let Some((parent, name)) = next else { break };
            names.push(name);
            at = parent;
        }
        Ok(names.iter().rev().fold(VPathBuf::root(), |path, name| path.join(name)))
    }

    /// Where the base has a node of this side, in the side's numbers.
    fn old_place(&self, node: Ino) -> NodeResult<Option<(Ino, Name)>> {
        let Some(base) = self.kin.back(node)? else { return Ok(None) };
        let Some((parent, name)) = self.places.get(&base) else { return Ok(None) };
        Ok(self.kin.to(*parent)?.map(|parent| (parent, name.clone())))
    }
}

struct Compare<'a> {
    base: &'a dyn Layer,
    side: Side<'a>,
    everywhere: bool,
    /// Directories to compare, or only on one side.
    queue: Vec<(Option<Ino>, Option<Ino>)>,
    /// Nodes of the base that may have changed.
    nodes: BTreeSet<Ino>,
}

impl<'a> Compare<'a> {
    fn begin_at_roots(&mut self) {
        let (base, side) = (self.base.root(), self.side.layer.root());
        self.nodes.insert(base);
        self.queue.push((Some(base), Some(side)));
    }

    /// Begins at directories of which an entry changed, and at nodes that changed.
    fn begin_at(&mut self, changes: &[Change]) -> NodeResult<()> {
        let mut dirs = BTreeMap::new();
        let (mut old, mut new) = (HashMap::new(), HashMap::new());
        for change in changes {
            if let (Some(before), Some(_)) = (change.before, change.after) {
                self.nodes.insert(before.ino);
            }
            let was = change.from.as_ref().unwrap_or(&change.path);
            if change.before.is_some()
                && let Some(dir) = self.dir_of(was, false, &mut old)?
                && let Some(side) = self.side.node(dir)?
            {
                dirs.insert(dir, side.ino);
            }
            if change.after.is_some()
                && let Some(dir) = self.dir_of(&change.path, true, &mut new)?
                && let Some(base) = self.side.kin.back(dir)?
                && find(self.base, base)?.is_some()
            {
                dirs.insert(base, dir);
            }
        }
        self.queue.extend(dirs.into_iter().map(|(base, side)| (Some(base), Some(side))));
        Ok(())
    }

    /// The directory that holds a path, in the base or on the side.
    fn dir_of(
        &mut self,
        path: &VPathBuf,
        on_side: bool,
        known: &mut HashMap<VPathBuf, Option<Ino>>,
    ) -> NodeResult<Option<Ino>> {
        let Some(parent) = path.parent() else { return Ok(None) };
        if let Some(known) = known.get(&parent) {
            return Ok(*known);
        }
        let layer = if on_side { self.side.layer } else { self.base };
        let mut at = Some(layer.root());
        for name in parent.components() {
            let Some(dir) = at else { break };
            at = lookup(layer, dir, &name)?.map(|stat| stat.ino);
            if let Some(node) = at {
                self.note_place(dir, &name, node, on_side)?;
            }
        }
        known.insert(parent, at);
        Ok(at)
    }

    /// Remembers where the base has a directory, if it has it there.
    fn note_place(&mut self, dir: Ino, name: &Name, node: Ino, on_side: bool) -> NodeResult<()> {
        if !on_side {
            self.side.places.insert(node, (dir, name.clone()));
            return Ok(());
        }
        if let (Some(dir), Some(node)) = (self.side.kin.back(dir)?, self.side.kin.back(node)?)
            && lookup(self.base, dir, name)?.is_some_and(|stat| stat.ino == node)
        {
            self.side.places.insert(node, (dir, name.clone()));
        }
        Ok(())
    }

    fn run(mut self) -> NodeResult<Side<'a>> {
        while let Some((base, side)) = self.queue.pop() {
            self.dirs(base, side)?;
        }
        self.index()?;
        for node in std::mem::take(&mut self.nodes) {
            self.node(node)?;
        }
        Ok(self.side)
    }

    /// Compares the entries of a directory of the base and of one of the side.
    fn dirs(&mut self, base: Option<Ino>, side: Option<Ino>) -> NodeResult<()> {
        let old = base.map_or(Ok(BTreeMap::new()), |dir| nodes::entries(self.base, dir))?;
        let mut new = side.map_or(Ok(BTreeMap::new()), |dir| nodes::entries(self.side.layer, dir))?;
        for (name, was) in old {
            let dir = base.expect("it had this entry");
            self.side.places.insert(was.ino, (dir, name.clone()));
            match (new.remove(&name), side) {
                (Some(is), Some(_)) if self.is_same(&was, &is)? => self.stayed(&was, &is),
                (Some(is), Some(side)) => {
                    self.gone(dir, name.clone(), &was)?;
                    self.come(side, name, &is)?;
                }
                _ => self.gone(dir, name, &was)?,
            }
        }
        for (name, is) in new {
            self.come(side.expect("it has this entry"), name, &is)?;
        }
        Ok(())
    }

    /// Whether an entry leads where it did. A file that was written anew in its place, as many programs save a
    /// file, is the file that it was.
    fn is_same(&mut self, was: &Stat, is: &Stat) -> NodeResult<bool> {
        let kin = &self.side.kin;
        if let Some(base) = kin.back(is.ino)? {
            return Ok(base == was.ino);
        }
        let alike = was.kind == is.kind && !was.is_dir() && was.nlink == 1 && is.nlink == 1;
        let anew = alike && self.side.node(was.ino)?.is_none();
        if anew {
            self.side.kin.pair(was.ino, is.ino);
            self.nodes.insert(was.ino);
        }
        Ok(anew)
    }

    fn stayed(&mut self, was: &Stat, is: &Stat) {
        if self.everywhere {
            self.nodes.insert(was.ino);
            if was.is_dir() {
                self.queue.push((Some(was.ino), Some(is.ino)));
            }
        }
    }

    fn gone(&mut self, dir: Ino, name: Name, was: &Stat) -> NodeResult<()> {
        if was.is_dir() && self.side.node(was.ino)?.is_none() {
            self.queue.push((Some(was.ino), None));
        }
        let path = VPathBuf::root();
        self.side.gone_at.insert((dir, name.clone()));
        self.side.gone.push(Gone { dir, name, node: was.ino, is_dir: was.is_dir(), path });
        Ok(())
    }

    fn come(&mut self, dir: Ino, name: Name, is: &Stat) -> NodeResult<()> {
        let base = match self.side.kin.back(is.ino)? {
            Some(base) => find(self.base, base)?,
            None => None,
        };
        match base {
            Some(base) if self.everywhere => {
                self.nodes.insert(base.ino);
                if is.is_dir() {
                    self.queue.push((Some(base.ino), Some(is.ino)));
                }
            }
            None if is.is_dir() => self.queue.push((None, Some(is.ino))),
            _ => {}
        }
        let (node, kind, path) = (is.ino, is.kind, VPathBuf::root());
        self.side.come.push(Come { dir, name, node, kind, path });
        Ok(())
    }

    /// Puts what was found in order, now that all paths can be told.
    fn index(&mut self) -> NodeResult<()> {
        let side = &mut self.side;
        for (at, come) in side.come.iter().enumerate() {
            side.come_of.entry(come.node).or_default().push(at);
        }
        for at in 0..side.gone.len() {
            let path = side.base_path(side.gone[at].dir).join(&side.gone[at].name);
            side.gone[at].path = path;
        }
        for at in 0..side.come.len() {
            let path = side.path(side.come[at].dir)?.join(&side.come[at].name);
            side.come[at].path = path;
        }
        side.gone.sort_by(|a, b| tree_order(&a.path, &b.path));
        side.come.sort_by(|a, b| tree_order(&a.path, &b.path));
        side.come_of.clear();
        for (at, gone) in side.gone.iter().enumerate() {
            side.gone_from.entry(gone.node).or_default().push(at);
        }
        for (at, come) in side.come.iter().enumerate() {
            side.come_of.entry(come.node).or_default().push(at);
        }
        Ok(())
    }

    fn node(&mut self, base: Ino) -> NodeResult<()> {
        let (Some(was), Some(is)) = (find(self.base, base)?, self.side.node(base)?) else { return Ok(()) };
        let layer = self.side.layer;
        let changed = Changed {
            content: !nodes::same_content((self.base, &was), (layer, &is))?,
            attrs: (was.mode, was.uid, was.gid) != (is.mode, is.uid, is.gid),
            xattrs: nodes::xattrs(self.base, was.ino)? != nodes::xattrs(layer, is.ino)?,
            mtime: !was.is_dir() && was.mtime != is.mtime,
        };
        if changed != Changed::default() {
            self.side.changed.insert(base, changed);
        }
        Ok(())
    }
}

/// The node that a name leads to, if there is one.
pub(super) fn lookup(layer: &dyn Layer, dir: Ino, name: &Name) -> NodeResult<Option<Stat>> {
    match layer.lookup(dir, name) {
        Ok(stat) => Ok(Some(stat)),
        Err(error) if matches!(error.errno(), Errno::ENOENT | Errno::ENOTDIR | Errno::ESTALE) => Ok(None),
        Err(error) => Err(error),
    }
}
