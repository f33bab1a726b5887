//! What a plan comes to on the target, found out before anything is changed there: what comes, what goes, and what
//! cannot come because something that stays is in the way.

use std::borrow::Cow;
use std::collections::HashMap;

use super::Touched;
use super::plan::Plan;
use super::target::Below;
use crate::errno::NodeResult;
use crate::node::{FileType, Ino, Stat};
use crate::overlay::diff::Step;
use crate::overlay::places::Place;
use crate::path::{Name, VPathBuf};

/// A plan and what it meets on the target.
pub(crate) struct Stage<'p, 'a> {
    pub(super) plan: &'p Plan<'a>,
    /// What comes, each directory before what is below it.
    pub(super) arrivals: Vec<Arrival<'p>>,
    /// Names that are to go and that the target has.
    pub(super) leaving: Vec<Leaving<'p>>,
    pub(super) by_place: HashMap<Place, usize>,
    pub(super) by_node: HashMap<Ino, Vec<usize>>,
    /// How many names a node that the target has is still to get.
    pub(super) coming: HashMap<Ino, usize>,
    /// Where directories of the overlay are to be found.
    pub(super) homes: HashMap<Ino, Home>,
    /// Where something that stays is in the way.
    pub(super) blocked: Vec<VPathBuf>,
    /// Directories that were to be moved whole, to where another one is that stays.
    pub(super) merging: Vec<Ino>,
    /// What the target has at the name of each step that comes, as far as it was looked at.
    occupants: HashMap<usize, Option<Stat>>,
    /// The steps that come into each directory.
    by_dir: HashMap<Ino, Vec<usize>>,
}

/// A name that comes.
pub(super) struct Arrival<'p> {
    pub(super) step: Cow<'p, Step>,
    /// A directory that is there and becomes the one that comes.
    pub(super) share: Option<Stat>,
}

/// A name on the target that is to go, or its node to move.
pub(super) struct Leaving<'p> {
    pub(super) step: &'p Step,
    /// Where on the target it is now.
    pub(super) at: Place,
    pub(super) before: Stat,
    /// It was to be moved whole and cannot: it goes with all that is below it.
    pub(super) whole: bool,
}

/// Where on the target a directory of the overlay is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Home {
    There(Ino),
    /// It is yet to be made.
    Made,
    /// Nowhere: something that stays is in the way.
    Blocked,
}

impl Home {
    pub(super) fn ino(self) -> Option<Ino> {
        match self {
            Home::There(ino) => Some(ino),
            Home::Made | Home::Blocked => None,
        }
    }
}

/// What to do about a name that is to come.
enum Way {
    Free,
    /// It is there already.
    There(Stat),
    /// Another directory is there and stays.
    Shared(Stat),
    Blocked,
}

impl<'p, 'a> Stage<'p, 'a> {
    pub(crate) fn new(plan: &'p Plan<'a>) -> NodeResult<Stage<'p, 'a>> {
        let mut stage = Stage {
            plan,
            arrivals: Vec::with_capacity(plan.added.len()),
            leaving: Vec::new(),
            by_place: HashMap::new(),
            by_node: HashMap::new(),
            coming: HashMap::new(),
            homes: HashMap::from([(plan.differ.after.base.root, Home::There(plan.target.layer.root()))]),
            blocked: Vec::new(),
            merging: Vec::new(),
            occupants: HashMap::new(),
            by_dir: HashMap::new(),
        };
        stage.find_leaving()?;
        for (index, step) in plan.added.iter().enumerate() {
            stage.by_dir.entry(step.dir).or_default().push(index);
            if stage.node(step)?.is_some() {
                *stage.coming.entry(step.node).or_default() += 1;
            }
        }
        for (index, step) in plan.added.iter().enumerate() {
            stage.visit(index, step)?;
        }
        Ok(stage)
    }

    /// Finds on the target what is to go. What an earlier commit left out is not there, or is something else.
    fn find_leaving(&mut self) -> NodeResult<()> {
        let mut by_dir: HashMap<Ino, Vec<&'p Step>> = HashMap::new();
        for step in &self.plan.removed {
            by_dir.entry(step.dir).or_default().push(step);
        }
        for (dir, mut steps) in by_dir {
            let Some(dir) = self.plan.target.dir(dir)? else { continue };
            steps.sort_by(|a, b| a.name.cmp(&b.name));
            let names: Vec<&Name> = steps.iter().map(|step| &step.name).collect();
            for (step, before) in steps.iter().zip(self.plan.target.look_many(dir, &names)?) {
                let is_it = |stat: &Stat| match step.kind {
                    FileType::Directory => stat.is_dir(),
                    _ => Some(stat.ino) == self.plan.target.number(step.node),
                };
                if let Some(before) = before.filter(is_it) {
                    let index = self.leaving.len();
                    let at = (dir, step.name.clone());
                    self.by_place.insert(at.clone(), index);
                    self.by_node.entry(step.node).or_default().push(index);
                    self.leaving.push(Leaving { step, at, before, whole: false });
                }
            }
        }
        Ok(())
    }

    /// The target's node that a step can be done with: a file to link or move, a directory to move.
    pub(super) fn node(&self, step: &Step) -> NodeResult<Option<Ino>> {
        if self.plan.fresh.contains(&step.node) {
            return Ok(None);
        }
        if step.kind != FileType::Directory {
            return self.plan.target.file(step.node);
        }
        let moved = self.by_node.get(&step.node).and_then(|indices| indices.first());
        Ok(moved.map(|index| self.leaving[*index].before.ino))
    }

    /// Finds out about one name that is to come.
    fn visit(&mut self, index: usize, step: &'p Step) -> NodeResult<()> {
        let node = self.node(step)?;
        let way = match self.home(step.dir, true)? {
            None | Some(Home::Blocked) => Way::Blocked,
            Some(Home::Made) => Way::Free,
            Some(Home::There(dir)) => {
                let occupant = self.occupant(dir, index)?;
                self.way(dir, step, occupant, node)?
            }
        };
        let is_dir = step.kind == FileType::Directory;
        let home = match way {
            Way::Free => {
                self.arrivals.push(Arrival { step: Cow::Borrowed(step), share: None });
                node.map_or(Home::Made, Home::There)
            }
            Way::Shared(stat) => {
                self.merging.extend(node.map(|_| step.node));
                self.arrivals.push(Arrival { step: Cow::Borrowed(step), share: Some(stat) });
                Home::There(stat.ino)
            }
            Way::There(stat) => {
                self.stays(step, dir_place(self.homes.get(&step.dir), step));
                Home::There(stat.ino)
            }
            Way::Blocked => {
                self.block(step);
                Home::Blocked
            }
        };
        if is_dir {
            self.homes.insert(step.node, home);
        }
        Ok(())
    }

    /// A name that was to go and to come stays.
    fn stays(&mut self, step: &Step, place: Option<Place>) {
        if let Some(index) = place.and_then(|place| self.by_place.remove(&place)) {
            self.forget(index);
        }
        self.one_less(step.node);
    }

    /// A name that was to go is not to go any more.
    fn forget(&mut self, index: usize) {
        if let Some(left) = self.by_node.get_mut(&self.leaving[index].step.node) {
            left.retain(|other| *other != index);
        }
    }

    fn one_less(&mut self, node: Ino) {
        if let Some(coming) = self.coming.get_mut(&node) {
            *coming -= 1;
        }
    }

    fn block(&mut self, step: &Step) {
        self.blocked.push(step.path.clone());
        self.one_less(step.node);
        if step.kind == FileType::Directory && !self.plan.fresh.contains(&step.node) {
            for index in self.by_node.get(&step.node).into_iter().flatten() {
                self.leaving[*index].whole = true;
            }
        }
    }

    /// What is at the name of a step; all that come into one directory are looked at together.
    fn occupant(&mut self, dir: Ino, index: usize) -> NodeResult<Option<Stat>> {
        if !self.occupants.contains_key(&index) {
            let steps = &self.by_dir[&self.plan.added[index].dir];
            let names: Vec<&Name> = steps.iter().map(|step| &self.plan.added[*step].name).collect();
            let found = self.plan.target.look_many(dir, &names)?;
            self.occupants.extend(steps.iter().copied().zip(found));
        }
        Ok(self.occupants[&index])
    }

    /// Whether a place on the target is free for a step, or will be.
    fn way(&mut self, dir: Ino, step: &Step, occupant: Option<Stat>, node: Option<Ino>) -> NodeResult<Way> {
        let Some(there) = occupant else { return Ok(Way::Free) };
        if node == Some(there.ino) {
            return Ok(Way::There(there));
        }
        let place = (dir, step.name.clone());
        let leaving = self.by_place.get(&place).copied();
        if let Some(index) = leaving
            && (!there.is_dir() || self.moves(index) || self.vanishes(there.ino)?)
        {
            return Ok(Way::Free);
        }
        if !there.is_dir() || step.kind != FileType::Directory {
            return Ok(Way::Blocked);
        }
        if let Some(index) = self.by_place.remove(&place) {
            self.forget(index);
        }
        Ok(Way::Shared(there))
    }

    /// Whether something that is to go or to move is at a place yet.
    pub(super) fn occupies(&self, place: (Ino, &Name)) -> bool {
        !self.by_place.is_empty() && self.by_place.contains_key(&(place.0, place.1.clone()))
    }

    /// Whether what is to go at one place comes to another, whole.
    pub(super) fn moves(&self, index: usize) -> bool {
        self.coming.get(&self.leaving[index].step.node).is_some_and(|left| *left > 0)
    }

    /// Whether everything below a directory of the target is to go or to move.
    fn vanishes(&self, dir: Ino) -> NodeResult<bool> {
        self.plan.target.below(dir, &mut |dir, name, _| {
            Ok(match self.by_place.get(&(dir, name.clone())) {
                None => Below::Stop,
                Some(index) if self.moves(*index) || self.leaving[*index].whole => Below::Past,
                Some(_) => Below::Deeper,
            })
        })
    }

    /// Where a directory of the overlay is or will be. What is missing of those that come nowhere themselves is made, if
    /// `make` says so; else it is `None`.
    pub(super) fn home(&mut self, dir: Ino, make: bool) -> NodeResult<Option<Home>> {
        let places = &self.plan.differ.places_after;
        let mut way = Vec::new();
        let mut at = dir;
        let mut home = loop {
            if let Some(home) = self.homes.get(&at) {
                break *home;
            }
            let Some((parent, name)) = places.dir_place(at)? else { return Ok(None) };
            let Some(path) = places.path(parent, &name)? else { return Ok(None) };
            way.push(Step { dir: parent, name, node: at, kind: FileType::Directory, path });
            at = parent;
        };
        for step in way.into_iter().rev() {
            let dir = step.node;
            let Some(found) = self.home_in(home, step, make)? else { return Ok(None) };
            self.homes.insert(dir, found);
            home = found;
        }
        Ok(Some(home))
    }

    /// Where a directory is or will be that stands in one at `parent` and comes from nowhere.
    fn home_in(&mut self, parent: Home, step: Step, make: bool) -> NodeResult<Option<Home>> {
        let way = match parent {
            Home::Blocked => Way::Blocked,
            Home::Made => Way::Free,
            Home::There(parent) => {
                let occupant = self.plan.target.look(parent, &step.name)?;
                self.way(parent, &step, occupant, None)?
            }
        };
        Ok(match way {
            Way::Shared(stat) | Way::There(stat) => Some(Home::There(stat.ino)),
            Way::Blocked => Some(Home::Blocked),
            Way::Free if make => {
                self.arrivals.push(Arrival { step: Cow::Owned(step), share: None });
                Some(Home::Made)
            }
            Way::Free => None,
        })
    }

    /// What would be touched, in the target's numbers.
    pub(crate) fn touched(&self) -> NodeResult<Touched> {
        let mut touched = Touched::default();
        for leaving in &self.leaving {
            touched.entries.push(leaving.at.clone());
            if leaving.before.is_dir() {
                touched.gone_dirs.push(leaving.before.ino);
            }
        }
        let arrivals = self.arrivals.iter().map(|arrival| &*arrival.step);
        for step in arrivals.chain(&self.plan.added) {
            touched.entries.extend(dir_place(self.homes.get(&step.dir), step));
            // Where it was, too: others may have moved it.
            touched.entries.extend(self.plan.target.number(step.dir).map(|dir| (dir, step.name.clone())));
        }
        for (found, _) in &self.plan.modified {
            let is_dir = found.kind == FileType::Directory;
            // The copy of a file holds what the file was: another's change of it would be lost.
            let left = is_dir && self.plan.fresh.contains(&found.ino);
            let known =
                if is_dir { self.plan.target.dir(found.ino)? } else { self.plan.target.number(found.ino) };
            let Some(ino) = known.filter(|_| !left) else { continue };
            if found.content {
                touched.content.push(ino);
            }
            if found.attrs || found.xattrs || (found.mtime && !is_dir && !found.content) {
                touched.attrs.push(ino);
            }
        }
        touched.entries.sort();
        touched.entries.dedup();
        Ok(touched)
    }
}

/// The place of a step on the target, if its directory is there.
fn dir_place(home: Option<&Home>, step: &Step) -> Option<Place> {
    match home {
        Some(Home::There(dir)) => Some((*dir, step.name.clone())),
        _ => None,
    }
}
