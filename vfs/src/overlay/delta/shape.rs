//! Looking at a merged tree as a whole: is it a tree?

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::merge::{Outcome, malformed};
use crate::node::Ino;
use crate::overlay::base::Base;
use crate::overlay::node::{Body, Entry, Node};
use crate::overlay::tree::{Tree, View};
use crate::path::Name;

/// How a directory hangs together with the root.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Looked at, on the way up.
    Asked,
    /// What is above it leads to the root.
    Rooted,
    /// It is nowhere.
    Loose,
}

/// The tree as a whole.
pub(super) struct Shape {
    /// Where changed entries put directories.
    places: HashMap<Ino, (Ino, Name)>,
    standing: HashMap<Ino, Standing>,
}

impl Shape {
    pub(super) fn of(tree: &Tree, base: &Base) -> Outcome<Shape> {
        let mut shape = Shape { places: HashMap::new(), standing: HashMap::new() };
        for (dir, node) in &tree.nodes {
            let Body::Directory(entries) = &node.body else { continue };
            for (name, entry) in entries {
                let Entry::Node(ino) = entry else { continue };
                let Some(child) = tree.nodes.get(ino) else {
                    return malformed("an entry that leads nowhere");
                };
                if *ino == base.root {
                    return malformed("the root inside itself");
                }
                if child.is_dir() && shape.places.insert(*ino, (*dir, name.clone())).is_some() {
                    return malformed("a directory in two places");
                }
            }
        }
        shape.standing.insert(base.root, Standing::Rooted);
        let dirs: Vec<Ino> = tree.nodes.values().filter(|node| node.is_dir()).map(|node| node.ino).collect();
        for dir in dirs {
            shape.stand(dir, View { tree, base })?;
        }
        Ok(shape)
    }

    /// Finds out whether a directory hangs on the root.
    fn stand(&mut self, dir: Ino, view: View<'_>) -> Outcome<Standing> {
        let mut way = Vec::new();
        let mut at = dir;
        let end = loop {
            match self.standing.get(&at) {
                Some(Standing::Asked) => break Standing::Loose,
                Some(known) => break *known,
                None => {}
            }
            self.standing.insert(at, Standing::Asked);
            way.push(at);
            match self.above(at, view)? {
                Some(parent) => at = parent,
                None => break Standing::Loose,
            }
        };
        for dir in way {
            self.standing.insert(dir, end);
        }
        Ok(end)
    }

    /// The directory above, if there is exactly one.
    fn above(&self, dir: Ino, view: View<'_>) -> Outcome<Option<Ino>> {
        let at_home = self.at_home(dir, view)?;
        match (self.places.get(&dir), at_home) {
            (Some((_, _)), Some(_)) => malformed("a directory in two places"),
            (Some((parent, _)), None) => Ok(Some(*parent)),
            (None, home) => Ok(home.map(|(parent, _)| parent)),
        }
    }

    /// Where the lower layer has a directory, if it is still seen there.
    fn at_home(&self, dir: Ino, view: View<'_>) -> Outcome<Option<(Ino, Name)>> {
        if !view.base.is_lower(dir) {
            return Ok(None);
        }
        let Some((parent, name)) = view.home(dir)? else { return malformed("a directory that is nowhere") };
        let hidden = match view.own(parent) {
            Some(node) => node.entries().is_ok_and(|entries| entries.contains_key(&name)),
            None => view.tree.gone.contains_key(&parent),
        };
        Ok((!hidden && !view.tree.gone.contains_key(&dir)).then_some((parent, name)))
    }

    /// Notes on directories where they are.
    pub(super) fn settle(mut self, tree: &mut Tree, base: &Base) -> Outcome<()> {
        let before = tree.clone();
        let view = View { tree: &before, base };
        for node in before.nodes.values().filter(|node| node.is_dir()) {
            if self.stand(node.ino, view)? != Standing::Rooted {
                return malformed("a directory that is nowhere");
            }
            let place = match self.places.remove(&node.ino) {
                Some(place) => Some(place),
                None if node.ino == base.root => None,
                None => self.at_home(node.ino, view)?,
            };
            if node.place != place {
                let mut node = Node::clone(node);
                node.place = place;
                tree.nodes.insert(node.ino, Arc::new(node));
            }
        }
        Ok(())
    }
}

/// Drops new nodes that no directory leads to any more: that is how the removal of a new node is conveyed.
pub(super) fn prune(tree: &mut Tree, base: &Base) {
    let mut reached: HashSet<Ino> = HashSet::new();
    let mut dirs: Vec<Ino> = tree
        .nodes
        .values()
        .filter(|node| node.is_dir() && base.is_lower(node.ino))
        .map(|node| node.ino)
        .collect();
    while let Some(dir) = dirs.pop() {
        let Some(Ok(entries)) = tree.nodes.get(&dir).map(|node| node.entries()) else { continue };
        for entry in entries.values() {
            if let Entry::Node(ino) = entry
                && !base.is_lower(*ino)
                && reached.insert(*ino)
            {
                dirs.push(*ino);
            }
        }
    }
    let lost: Vec<Ino> =
        tree.nodes.keys().filter(|ino| !base.is_lower(**ino) && !reached.contains(ino)).copied().collect();
    for ino in lost {
        tree.nodes.remove(&ino);
    }
}
