//! What differs between two states of an overlay, entry by entry and node by node.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::Overlay;
use super::content::Content;
use super::node::{Body, Node};
use super::places::Places;
use super::tree::{Tree, View};
use crate::errno::NodeResult;
use crate::node::{FileType, Ino, Stat};
use crate::path::{Name, VPathBuf};

/// How many entries of a directory are looked at in one go.
const PAGE: usize = 256;

/// Two states: trees over the same base.
pub(crate) struct Pair {
    pub(crate) before: Tree,
    pub(crate) after: Tree,
}

impl Pair {
    /// `None` before means: as the lower layer is.
    pub(crate) fn of(before: Option<&Overlay>, after: &Overlay) -> Pair {
        let after_tree = after.store.snapshot();
        let mut before = match before {
            Some(before) => before.store.snapshot(),
            None => Tree::new(after.store.base().first_new),
        };
        // Where the lower layer has its nodes is the same for both, and the later one knows more.
        before.homes = after_tree.homes.clone();
        Pair { before, after: after_tree }
    }
}

/// An entry that one of the two has and the other does not have, or has otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) dir: Ino,
    pub(crate) name: Name,
    pub(crate) node: Ino,
    pub(crate) kind: FileType,
    pub(crate) path: VPathBuf,
}

/// What of a node that both have differs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Mod {
    pub(crate) ino: Ino,
    pub(crate) kind: FileType,
    pub(crate) content: bool,
    /// Mode or owner.
    pub(crate) attrs: bool,
    pub(crate) xattrs: bool,
    /// Of a directory: without a change of entries.
    pub(crate) mtime: bool,
}

impl Mod {
    pub(crate) fn any(&self) -> bool {
        self.content || self.attrs || self.xattrs || self.mtime
    }
}

/// Everything that differs.
#[derive(Debug, Default)]
pub(crate) struct Diff {
    /// Entries as they were before; everything below a directory that is gone is among them.
    pub(crate) removed: Vec<Step>,
    /// Entries as they are now; everything below a new directory is among them.
    pub(crate) added: Vec<Step>,
    pub(crate) modified: Vec<Mod>,
}

/// Compares two states.
pub(crate) struct Differ<'a> {
    pub(crate) before: View<'a>,
    pub(crate) after: View<'a>,
    pub(crate) places_before: Places<'a>,
    pub(crate) places_after: Places<'a>,
}

impl<'a> Differ<'a> {
    pub(crate) fn new(before: View<'a>, after: View<'a>) -> NodeResult<Differ<'a>> {
        let (places_before, places_after) = (Places::new(before)?, Places::new(after)?);
        Ok(Differ { before, after, places_before, places_after })
    }

    /// Nodes that have a name now and were touched since.
    fn touched(&self) -> impl Iterator<Item = &'a Arc<Node>> {
        let (before, after) = (self.before, self.after);
        after.tree.nodes.values().filter(move |node| {
            node.nlink > 0 && !before.own(node.ino).is_some_and(|old| Arc::ptr_eq(old, node))
        })
    }

    pub(crate) fn diff(&self) -> NodeResult<Diff> {
        let mut diff = Diff::default();
        for node in self.touched() {
            if node.is_dir() {
                self.entries(node, &mut diff)?;
            }
        }
        let dirs: HashSet<Ino> = diff.removed.iter().chain(&diff.added).map(|step| step.dir).collect();
        self.below_removed(&mut diff)?;
        for node in self.touched() {
            if self.before.is_alive(node.ino) {
                let found = self.compare(node, dirs.contains(&node.ino))?;
                if found.any() {
                    diff.modified.push(found);
                }
            }
        }
        Ok(diff)
    }

    /// Compares the entries of one directory.
    fn entries(&self, node: &Node, diff: &mut Diff) -> NodeResult<()> {
        let dir = node.ino;
        let was_there = self.before.is_alive(dir);
        let old = self.before.own(dir).filter(|_| was_there).map(|old| old.entries()).transpose()?;
        let mut names: BTreeSet<&Name> = node.entries()?.keys().collect();
        names.extend(old.into_iter().flat_map(|entries| entries.keys()));
        let names: Vec<&Name> = names.into_iter().collect();
        let then = if was_there { self.before.children(dir, &names)? } else { vec![None; names.len()] };
        let now = self.after.children(dir, &names)?;
        for ((name, then), now) in names.into_iter().zip(then).zip(now) {
            if now.map(|stat| stat.ino) == then.map(|stat| stat.ino) {
                continue;
            }
            if let Some(stat) = then {
                diff.removed.extend(step(&self.places_before, dir, name, &stat)?);
            }
            if let Some(stat) = now {
                diff.added.extend(step(&self.places_after, dir, name, &stat)?);
            }
        }
        Ok(())
    }

    /// Adds what was below directories that are gone.
    fn below_removed(&self, diff: &mut Diff) -> NodeResult<()> {
        let mut at = 0;
        while at < diff.removed.len() {
            let top = diff.removed[at].clone();
            at += 1;
            if top.kind == FileType::Directory && !self.after.is_alive(top.node) {
                self.before.scan(top.node, None, PAGE, &mut |name, stat| {
                    diff.removed.extend(step(&self.places_before, top.node, &name, &stat)?);
                    Ok(true)
                })?;
            }
        }
        Ok(())
    }

    /// Compares a node that both have; `entries`: whether it is a directory with other entries now.
    fn compare(&self, node: &Node, entries: bool) -> NodeResult<Mod> {
        let ino = node.ino;
        let old = self.before.stat(ino)?;
        let attrs = (node.mode, node.uid, node.gid) != (old.mode, old.uid, old.gid);
        let content = match &node.body {
            Body::File(content) => !content.same(&self.content_before(ino, &old)),
            _ => false,
        };
        let mtime = node.mtime != old.mtime && !entries;
        Ok(Mod { ino, kind: node.kind(), content, attrs, xattrs: self.xattrs_differ(node)?, mtime })
    }

    /// The content of a file before.
    pub(crate) fn content_before(&self, ino: Ino, old: &Stat) -> Content {
        match self.before.own(ino).and_then(|node| node.content().ok()) {
            Some(content) => content.clone(),
            None => Content::of_origin(old.size, old.blocks),
        }
    }

    fn xattrs_differ(&self, node: &Node) -> NodeResult<bool> {
        let Some(now) = &node.xattrs else { return Ok(false) };
        if let Some(then) = self.before.own(node.ino).and_then(|old| old.xattrs.as_ref()) {
            return Ok(then.map != now.map);
        }
        let names = self.before.listxattr(node.ino)?;
        if !names.iter().eq(now.map.keys()) {
            return Ok(true);
        }
        for (name, value) in &now.map {
            if self.before.getxattr(node.ino, name)? != *value {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Adds everything below a directory to a list of entries, as one of the two states has it, except what `known`
    /// has already. Directories that were gone through are handed to `seen`.
    pub(crate) fn expand(
        &self,
        after: bool,
        top: Ino,
        known: &mut HashSet<(Ino, Name)>,
        into: &mut Vec<Step>,
        seen: &mut dyn FnMut(Ino),
    ) -> NodeResult<()> {
        let (view, places) = match after {
            true => (self.after, &self.places_after),
            false => (self.before, &self.places_before),
        };
        let mut dirs = vec![top];
        while let Some(dir) = dirs.pop() {
            seen(dir);
            view.scan(dir, None, PAGE, &mut |name, stat| {
                if known.insert((dir, name.clone())) {
                    into.extend(step(places, dir, &name, &stat)?);
                    if stat.is_dir() {
                        dirs.push(stat.ino);
                    }
                }
                Ok(true)
            })?;
        }
        Ok(())
    }
}

/// An entry with its path; `None` if its directory has none.
fn step(places: &Places<'_>, dir: Ino, name: &Name, stat: &Stat) -> NodeResult<Option<Step>> {
    let path = places.path(dir, name)?;
    Ok(path.map(|path| Step { dir, name: name.clone(), node: stat.ino, kind: stat.kind, path }))
}
