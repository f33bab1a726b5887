//! What is done to the result: finding nodes in it, moving, making and removing them.

use std::collections::HashMap;

use bytes::Bytes;

use super::Merger;
use super::compare::{Come, lookup};
use super::kin::find;
use super::nodes;
use crate::commit::make::copy_node;
use crate::errno::{Errno, NodeResult};
use crate::layer::Layer;
use crate::node::{FileType, Ino, NewAttr, NewNode, RenameMode, SetAttr, Stat};
use crate::path::Name;

/// A name in a directory of the result.
pub(super) type Place = (Ino, Name);

/// A directory for what is between two places.
#[derive(Default)]
pub(super) struct Limbo {
    dir: Option<Place>,
    count: u64,
    /// By the result's number: where in it, and where it came from.
    waiting: HashMap<Ino, Vec<(Name, Place)>>,
}

impl Merger<'_> {
    /// A node of the result.
    pub(super) fn node(&self, ino: Ino) -> NodeResult<Option<Stat>> {
        find(self.merged, ino)
    }

    /// What the result has for a node of theirs.
    pub(super) fn of_theirs(&self, theirs: Ino) -> NodeResult<Option<Stat>> {
        if let Some(known) = self.known.get(&theirs) {
            return self.node(*known);
        }
        match self.their.kin.back(theirs)? {
            Some(base) => self.of_base(base),
            None => Ok(None),
        }
    }

    /// What the result has for a node of the base.
    pub(super) fn of_base(&self, base: Ino) -> NodeResult<Option<Stat>> {
        if let Some(ours) = self.our.kin.to(base)?
            && let Some(stat) = self.node(ours)?
        {
            return Ok(Some(stat));
        }
        let theirs = self.their.kin.to(base)?;
        match theirs.and_then(|theirs| self.known.get(&theirs)) {
            Some(known) => self.node(*known),
            None => Ok(None),
        }
    }

    /// One of the places where the result has a node of the base.
    pub(super) fn place(&self, base: Ino) -> NodeResult<Option<Place>> {
        let Some(node) = self.of_base(base)? else { return Ok(None) };
        for place in self.possible_places(base)? {
            if lookup(self.merged, place.0, &place.1)?.is_some_and(|stat| stat.ino == node.ino) {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    fn possible_places(&self, base: Ino) -> NodeResult<Vec<Place>> {
        let mut places = Vec::new();
        for come in self.their.new_names(base)? {
            places.extend(self.of_theirs(come.dir)?.map(|dir| (dir.ino, come.name.clone())));
        }
        places.extend(self.our.new_names(base)?.into_iter().map(|come| (come.dir, come.name)));
        let old = self.our.base_place(base).or_else(|| self.their.base_place(base));
        if let Some((parent, name)) = old {
            places.extend(self.of_base(*parent)?.map(|dir| (dir.ino, name.clone())));
        }
        Ok(places)
    }

    /// Moves what is at a place out of the way, to wait for its new one.
    pub(super) fn step_aside(&mut self, place: &Place, node: Ino) -> NodeResult<()> {
        let limbo = self.limbo()?;
        let name = Name::new(&self.limbo.count.to_string()).expect("digits make a name");
        self.limbo.count += 1;
        self.merged.rename((place.0, &place.1), (limbo, &name), RenameMode::Replace)?;
        self.limbo.waiting.entry(node).or_default().push((name, place.clone()));
        Ok(())
    }

    /// How many names of a node wait for a new place.
    pub(super) fn waiting(&self, node: Ino) -> usize {
        self.limbo.waiting.get(&node).map_or(0, Vec::len)
    }

    /// Forgets a name that waits: its new place has the node already.
    pub(super) fn drop_waiting(&mut self, node: Ino) -> NodeResult<()> {
        let Some((limbo, _)) = self.limbo.dir else { return Ok(()) };
        match self.limbo.waiting.get_mut(&node).and_then(Vec::pop) {
            Some((name, _)) => self.merged.unlink(limbo, &name),
            None => Ok(()),
        }
    }

    fn limbo(&mut self) -> NodeResult<Ino> {
        if let Some((dir, _)) = self.limbo.dir {
            return Ok(dir);
        }
        let root = self.merged.root();
        let mut number = 0;
        loop {
            let name = Name::new(&format!(".cowry-merge-{number}")).expect("it is a valid name");
            match self.merged.create(root, &name, NewNode::Directory, &NewAttr::with_mode(0o700)) {
                Ok(stat) => {
                    self.limbo.dir = Some((stat.ino, name));
                    return Ok(stat.ino);
                }
                Err(error) if error == Errno::EEXIST => number += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Moves a node that waits to a place that is free; `false` if none waits.
    ///
    /// # Errors
    /// `EINVAL` if the place is below the node.
    pub(super) fn take_from_limbo(&mut self, node: Ino, to: &Place) -> NodeResult<bool> {
        let Some((limbo, _)) = self.limbo.dir else { return Ok(false) };
        let Some((name, _)) = self.limbo.waiting.get(&node).and_then(|names| names.last()).cloned() else {
            return Ok(false);
        };
        self.merged.rename((limbo, &name), (to.0, &to.1), RenameMode::NoReplace)?;
        self.limbo.waiting.get_mut(&node).expect("it was just found").pop();
        Ok(true)
    }

    /// Puts what still waits back where it came from. What cannot go back, since its place is taken, is returned.
    pub(super) fn empty_limbo(&mut self) -> NodeResult<Vec<Ino>> {
        let mut stuck = Vec::new();
        let waiting = std::mem::take(&mut self.limbo.waiting);
        let Some((limbo, own)) = self.limbo.dir.take() else { return Ok(stuck) };
        let mut waiting: Vec<_> = waiting.into_iter().collect();
        waiting.sort();
        for (node, names) in waiting {
            for (name, (dir, old)) in names {
                match self.merged.rename((limbo, &name), (dir, &old), RenameMode::NoReplace) {
                    Ok(()) => {}
                    Err(error) if matches!(error.errno(), Errno::EEXIST | Errno::ESTALE | Errno::ENOENT) => {
                        stuck.push(node);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        // Where anything is stuck the result is not for use.
        if stuck.is_empty() {
            self.merged.rmdir(self.merged.root(), &own)?;
        }
        Ok(stuck)
    }

    /// Removes an entry and everything below it. Not by recursion: a tree may be deeper than a stack.
    pub(super) fn remove(&mut self, place: &Place) -> NodeResult<()> {
        let mut left = vec![place.clone()];
        while let Some((dir, name)) = left.last().cloned() {
            let Some(stat) = lookup(self.merged, dir, &name)? else {
                left.pop();
                continue;
            };
            if !stat.is_dir() {
                self.merged.unlink(dir, &name)?;
                left.pop();
                continue;
            }
            match self.merged.rmdir(dir, &name) {
                Ok(()) => drop(left.pop()),
                Err(error) if error == Errno::ENOTEMPTY => {
                    left.extend(
                        nodes::entries(self.merged, stat.ino)?.into_keys().map(|name| (stat.ino, name)),
                    );
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Frees a place of ours for theirs. What theirs has elsewhere goes there, the rest is removed.
    pub(super) fn evict(&mut self, place: &Place, node: &Stat) -> NodeResult<()> {
        if let Some(base) = self.our.kin.back(node.ino)?
            && self.their.node(base)?.is_some()
            && self.put_back(base, place)?
        {
            return Ok(());
        }
        self.remove(place)
    }

    /// Moves a node of the base back to where the base has it, if that is free.
    pub(super) fn put_back(&mut self, base: Ino, from: &Place) -> NodeResult<bool> {
        let old = self.our.base_place(base).or_else(|| self.their.base_place(base)).cloned();
        let Some((parent, name)) = old else { return Ok(false) };
        let Some(dir) = self.of_base(parent)? else { return Ok(false) };
        match self.merged.rename((from.0, &from.1), (dir.ino, &name), RenameMode::NoReplace) {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.errno(), Errno::EEXIST | Errno::EINVAL | Errno::ENOENT) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes a copy of a node of theirs, without what is below a directory.
    pub(super) fn make(&mut self, theirs: Ino, place: &Place) -> NodeResult<()> {
        let made = copy_node(self.their.layer, theirs, self.merged, place.0, &place.1)?;
        self.know(theirs, made.ino);
        Ok(())
    }

    /// Makes a file with this content, attributes as `like` has them, where nothing is.
    pub(super) fn make_file(
        &mut self,
        place: &Place,
        like: Option<&Stat>,
        content: &Bytes,
    ) -> NodeResult<Ino> {
        let attr = like.filter(|stat| stat.is_file()).map_or(NewAttr::with_mode(0o644), |stat| NewAttr {
            mode: stat.mode,
            uid: stat.uid,
            gid: stat.gid,
            mtime: None,
        });
        Ok(self.merged.create(place.0, &place.1, NewNode::File(content), &attr)?.ino)
    }

    /// Puts a file with this content where something else may be.
    pub(super) fn put_file(&mut self, place: &Place, content: &Bytes) -> NodeResult<Ino> {
        match lookup(self.merged, place.0, &place.1)? {
            Some(stat) if stat.is_file() => {
                nodes::write_whole(self.merged, stat.ino, content)?;
                Ok(stat.ino)
            }
            Some(stat) => {
                self.evict(place, &stat)?;
                self.make_file(place, None, content)
            }
            None => self.make_file(place, None, content),
        }
    }

    /// The result's directory for one of theirs; what is missing is made as theirs has it, whatever is in the way.
    pub(super) fn ensure_dir(&mut self, theirs: Ino) -> NodeResult<Ino> {
        let mut missing = Vec::new();
        let mut at = theirs;
        let mut dir = loop {
            if let Some(known) = self.of_theirs(at)?.filter(Stat::is_dir) {
                break known.ino;
            }
            let Some((parent, name)) = self.their_place(at)? else { break self.merged.root() };
            missing.push((at, name));
            at = parent;
        };
        for (node, name) in missing.into_iter().rev() {
            let place = (dir, name);
            let there = lookup(self.merged, place.0, &place.1)?;
            dir = match there {
                Some(stat) if stat.is_dir() => {
                    self.know(node, stat.ino);
                    stat.ino
                }
                there => {
                    if let Some(stat) = there {
                        self.evict(&place, &stat)?;
                    }
                    self.make(node, &place)?;
                    self.known[&node]
                }
            };
        }
        Ok(dir)
    }

    /// One place of a node of theirs, in their numbers.
    pub(super) fn their_place(&self, theirs: Ino) -> NodeResult<Option<(Ino, Name)>> {
        if let Some(Come { dir, name, .. }) = self.their.names_of(theirs).next() {
            return Ok(Some((*dir, name.clone())));
        }
        let Some(base) = self.their.kin.back(theirs)? else { return Ok(None) };
        let Some((parent, name)) = self.their.base_place(base).or_else(|| self.our.base_place(base)) else {
            return Ok(None);
        };
        Ok(self.their.kin.to(*parent)?.map(|parent| (parent, name.clone())))
    }

    /// Directories that were made here have the time that theirs have.
    pub(super) fn set_times(&mut self) -> NodeResult<()> {
        let mut made: Vec<(Ino, Ino)> = self.known.iter().map(|(theirs, made)| (*theirs, *made)).collect();
        made.sort();
        for (theirs, made) in made {
            let Some(stat) = find(self.their.layer, theirs)?.filter(|stat| stat.kind == FileType::Directory)
            else {
                continue;
            };
            if self.our.kin.back(made)?.is_none() && self.node(made)?.is_some() {
                self.merged.setattr(made, &SetAttr { mtime: Some(stat.mtime), ..SetAttr::default() })?;
            }
        }
        Ok(())
    }
}
