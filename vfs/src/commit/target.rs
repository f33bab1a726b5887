//! What the target has of the overlay's nodes before a commit.
//!
//! Files are known by number: those of the lower layer have the same on the target, and of those that earlier commits
//! of the session made it was noted. Directories are found by their path as of the last commit, since a number says
//! little of them: one that could not be moved whole was left where it was and made anew, and one that stays for what
//! it holds may have become another's.

use std::cell::RefCell;
use std::collections::HashMap;

use super::InoMap;
use crate::errno::{Errno, NodeResult};
use crate::layer::Layer;
use crate::node::{Ino, Stat};
use crate::overlay::diff::Differ;
use crate::overlay::names::find_many;
use crate::path::Name;

/// The target as it is before a commit.
pub(super) struct Target<'a> {
    pub(super) layer: &'a dyn Layer,
    differ: &'a Differ<'a>,
    committed: &'a InoMap,
    files: RefCell<HashMap<Ino, Option<Ino>>>,
    dirs: RefCell<HashMap<Ino, Option<Ino>>>,
}

impl<'a> Target<'a> {
    pub(super) fn new(layer: &'a dyn Layer, differ: &'a Differ<'a>, committed: &'a InoMap) -> Target<'a> {
        Target { layer, differ, committed, files: RefCell::default(), dirs: RefCell::default() }
    }

    /// The number a node would have there, if it is there at all.
    pub(super) fn number(&self, ino: Ino) -> Option<Ino> {
        self.committed.resolve(ino, self.differ.after.base.is_lower(ino))
    }

    /// The node of what is no directory.
    pub(super) fn file(&self, ino: Ino) -> NodeResult<Option<Ino>> {
        let Some(number) = self.number(ino) else { return Ok(None) };
        if let Some(known) = self.files.borrow().get(&ino) {
            return Ok(*known);
        }
        let known = match self.layer.getattr(number) {
            Ok(stat) => (stat.nlink > 0 && !stat.is_dir()).then_some(number),
            Err(error) if error == Errno::ESTALE => None,
            Err(error) => return Err(error),
        };
        self.files.borrow_mut().insert(ino, known);
        Ok(known)
    }

    /// The directory that is where `dir` was at the last commit.
    pub(super) fn dir(&self, dir: Ino) -> NodeResult<Option<Ino>> {
        let root = self.differ.after.base.root;
        let mut way = Vec::new();
        let mut at = dir;
        let mut found = loop {
            if at == root {
                break Some(self.layer.root());
            }
            if let Some(known) = self.dirs.borrow().get(&at) {
                break *known;
            }
            if !self.differ.before.is_alive(at) {
                break None;
            }
            let Some((parent, name)) = self.differ.places_before.dir_place(at)? else { break None };
            way.push((at, name));
            at = parent;
        };
        for (dir, name) in way.into_iter().rev() {
            if let Some(parent) = found {
                found = self.look(parent, &name)?.filter(Stat::is_dir).map(|stat| stat.ino);
            }
            self.dirs.borrow_mut().insert(dir, found);
        }
        Ok(found)
    }

    /// Where [`dir`](Target::dir) found a directory, if it was asked.
    pub(super) fn recall_dir(&self, dir: Ino) -> Option<Ino> {
        if dir == self.differ.after.base.root {
            return Some(self.layer.root());
        }
        self.dirs.borrow().get(&dir).copied().flatten()
    }

    /// Whether a node is there.
    pub(super) fn has(&self, ino: Ino, is_dir: bool) -> NodeResult<bool> {
        Ok(if is_dir { self.dir(ino)? } else { self.file(ino)? }.is_some())
    }

    pub(super) fn look(&self, dir: Ino, name: &Name) -> NodeResult<Option<Stat>> {
        match self.layer.lookup(dir, name) {
            Ok(stat) => Ok(Some(stat)),
            Err(error) if matches!(error.errno(), Errno::ENOENT | Errno::ESTALE) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What each of `names`, which are in order, leads to.
    pub(super) fn look_many(&self, dir: Ino, names: &[&Name]) -> NodeResult<Vec<Option<Stat>>> {
        find_many(names, |after, limit| self.layer.readdir(dir, after, limit), |name| self.look(dir, name))
    }

    /// Calls `each` with the directory and every entry below one, until it says `false`.
    pub(super) fn below(
        &self,
        dir: Ino,
        each: &mut dyn FnMut(Ino, &Name, &Stat) -> NodeResult<Below>,
    ) -> NodeResult<bool> {
        let mut dirs = vec![dir];
        while let Some(dir) = dirs.pop() {
            let mut after: Option<Name> = None;
            loop {
                let page = self.layer.readdir(dir, after.as_ref(), 256)?;
                let Some(last) = page.last() else { break };
                after = Some(last.name.clone());
                for entry in &page {
                    match each(dir, &entry.name, &entry.stat)? {
                        Below::Stop => return Ok(false),
                        Below::Deeper if entry.stat.is_dir() => dirs.push(entry.stat.ino),
                        Below::Deeper | Below::Past => {}
                    }
                }
            }
        }
        Ok(true)
    }
}

/// How a walk goes on.
pub(super) enum Below {
    Deeper,
    Past,
    Stop,
}
