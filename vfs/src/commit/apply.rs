//! Doing a plan.

use std::collections::{HashMap, HashSet};

use super::make::{Update, copy_node};
use super::plan::Plan;
use super::room::{Limbo, Way};
use super::{Applied, InoMap};
use crate::change::{Change, ChangeKind};
use crate::clock::Timestamp;
use crate::errno::{Errno, NodeResult};
use crate::layer::Layer;
use crate::node::{FileType, Ino, RenameMode, SetAttr, Stat};
use crate::overlay::Overlay;
use crate::overlay::changes::merge_replaced;
use crate::overlay::diff::Step;
use crate::overlay::places::{Place, tree_order};
use crate::path::{Name, VPathBuf};

/// A commit being done.
pub(super) struct Apply<'a> {
    plan: Plan<'a>,
    pub(super) source: &'a Overlay,
    pub(super) target: &'a dyn Layer,
    map: InoMap,
    /// Nodes that this commit made or took for the overlay's: the overlay's number, and the target's.
    pub(super) made: HashMap<Ino, Ino>,
    /// Names that are to go and that the target has.
    pub(super) leaving: Vec<Leaving>,
    pub(super) by_place: HashMap<Place, usize>,
    pub(super) by_node: HashMap<Ino, Vec<usize>>,
    /// How many names a node is still to get.
    pub(super) coming: HashMap<Ino, usize>,
    /// Directories of the target whose entries changed.
    pub(super) stirred: HashSet<Ino>,
    pub(super) limbo: Option<Limbo>,
    pub(super) records: Vec<Record>,
}

/// A name on the target that is to go, or its node to move.
pub(super) struct Leaving {
    pub(super) step: Step,
    /// Where on the target it is now.
    pub(super) at: Place,
    before: Stat,
}

/// What was done at a path.
pub(super) struct Record {
    path: VPathBuf,
    kind: ChangeKind,
    from: Option<VPathBuf>,
    pub(super) before: Option<Stat>,
    /// The target's node that is there now, as it was when this was noted.
    after: Option<Stat>,
    content: bool,
}

impl<'a> Apply<'a> {
    pub(super) fn new(
        mut plan: Plan<'a>,
        source: &'a Overlay,
        map: InoMap,
        target: &'a dyn Layer,
    ) -> NodeResult<Apply<'a>> {
        let removed = std::mem::take(&mut plan.removed);
        let mut apply = Apply {
            plan,
            source,
            target,
            map,
            made: HashMap::new(),
            leaving: Vec::new(),
            by_place: HashMap::new(),
            by_node: HashMap::new(),
            coming: HashMap::new(),
            stirred: HashSet::new(),
            limbo: None,
            records: Vec::new(),
        };
        for step in removed {
            apply.find_leaving(step)?;
        }
        for step in &apply.plan.added {
            if !apply.plan.fresh.contains(&step.node) {
                *apply.coming.entry(step.node).or_default() += 1;
            }
        }
        Ok(apply)
    }

    /// Finds on the target what is to go. What an earlier commit left out is not there, or is another node.
    fn find_leaving(&mut self, step: Step) -> NodeResult<()> {
        let (Some(dir), Some(node)) = (self.plan.on_target(step.dir), self.plan.on_target(step.node)) else {
            return Ok(());
        };
        let Some(before) = self.look(dir, &step.name)?.filter(|stat| stat.ino == node) else { return Ok(()) };
        let at = (dir, step.name.clone());
        self.by_place.insert(at.clone(), self.leaving.len());
        self.by_node.entry(step.node).or_default().push(self.leaving.len());
        self.leaving.push(Leaving { step, at, before });
        Ok(())
    }

    pub(super) fn look(&self, dir: Ino, name: &Name) -> NodeResult<Option<Stat>> {
        match self.target.lookup(dir, name) {
            Ok(stat) => Ok(Some(stat)),
            Err(error) if matches!(error.errno(), Errno::ENOENT | Errno::ESTALE) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn run(mut self) -> NodeResult<(Applied, InoMap)> {
        for step in std::mem::take(&mut self.plan.added) {
            if !self.arrive(&step)? {
                self.plan.discarded.push(step.path);
            }
        }
        self.update()?;
        self.leave()?;
        self.leave_limbo()?;
        self.set_times()?;
        self.finish()
    }

    /// The target's node for a node of the overlay, as far as there is one by now.
    fn known(&self, ino: Ino) -> Option<Ino> {
        match self.made.get(&ino) {
            Some(made) => Some(*made),
            None if self.plan.fresh.contains(&ino) => None,
            None => self.plan.on_target(ino),
        }
    }

    /// Lets a name come; `false` if something that stays is in the way.
    fn arrive(&mut self, step: &Step) -> NodeResult<bool> {
        let parent = self.dir(step.dir)?;
        let done = match parent {
            Some(parent) => self.put(parent, step)?,
            None => false,
        };
        if let Some(coming) = self.coming.get_mut(&step.node) {
            *coming -= 1;
        }
        Ok(done)
    }

    fn put(&mut self, parent: Ino, step: &Step) -> NodeResult<bool> {
        let known = self.known(step.node);
        if known.is_none() {
            // Most of what comes is new, and most names are free.
            match self.make(parent, step) {
                Err(error) if error == Errno::EEXIST => {}
                done => return done.map(|()| true),
            }
        }
        let place = (parent, step.name.clone());
        if let Some(occupant) = self.look(parent, &step.name)? {
            if Some(occupant.ino) == known {
                return Ok(true);
            }
            match self.make_way(&place, &occupant, step)? {
                Way::Free => {}
                Way::Shared => {
                    self.share(step, &place, &occupant)?;
                    return Ok(true);
                }
                Way::Blocked => return Ok(false),
            }
        }
        let leaving = known.and_then(|_| self.take_leaving(step.node));
        match (known, leaving) {
            (Some(node), Some(index)) => self.move_to(index, node, place, step)?,
            (Some(node), None) if step.kind != FileType::Directory => {
                let stat = self.target.link(node, parent, &step.name)?;
                self.stirred.insert(parent);
                self.record(step, ChangeKind::Added, Some(stat));
            }
            _ => self.make(parent, step)?,
        }
        Ok(true)
    }

    /// Makes a node that the target does not have.
    fn make(&mut self, parent: Ino, step: &Step) -> NodeResult<()> {
        let made = copy_node(self.source, step.node, self.target, parent, &step.name)?;
        self.made.insert(step.node, made.ino);
        self.stirred.insert(parent);
        self.record(step, ChangeKind::Added, Some(made));
        Ok(())
    }

    /// A name of this node that is to go, so that it can be moved.
    fn take_leaving(&mut self, node: Ino) -> Option<usize> {
        if self.plan.fresh.contains(&node) {
            return None;
        }
        let index = self.by_node.get_mut(&node)?.pop()?;
        self.by_place.remove(&self.leaving[index].at);
        Some(index)
    }

    fn move_to(&mut self, index: usize, node: Ino, to: Place, step: &Step) -> NodeResult<()> {
        let leaving = &self.leaving[index];
        let from = leaving.at.clone();
        self.target.rename((from.0, &from.1), (to.0, &to.1), RenameMode::Replace)?;
        let record = Record {
            path: step.path.clone(),
            kind: ChangeKind::Renamed,
            from: Some(leaving.step.path.clone()),
            before: Some(leaving.before),
            after: Some(Stat { ino: node, ..leaving.before }),
            content: false,
        };
        self.records.push(record);
        self.stirred.extend([from.0, to.0]);
        Ok(())
    }

    pub(super) fn record(&mut self, step: &Step, kind: ChangeKind, after: Option<Stat>) {
        let content = matches!(step.kind, FileType::Regular | FileType::Symlink);
        self.records.push(Record { path: step.path.clone(), kind, from: None, before: None, after, content });
    }

    /// The target's directory for one of the overlay's; what is missing of its parents is made.
    /// `None` if something that stays is in the way.
    fn dir(&mut self, dir: Ino) -> NodeResult<Option<Ino>> {
        let mut way = Vec::new();
        let mut at = dir;
        let mut found = loop {
            if let Some(known) = self.known(at) {
                break known;
            }
            let Some((parent, name)) = self.plan.differ.places_after.names(at)?.pop() else {
                return Ok(None);
            };
            way.push((at, parent, name));
            at = parent;
        };
        for (node, dir, name) in way.into_iter().rev() {
            let Some(path) = self.plan.differ.places_after.path(dir, &name)? else { return Ok(None) };
            let step = Step { dir, name, node, kind: FileType::Directory, path };
            if !self.put(found, &step)? {
                return Ok(None);
            }
            let Some(made) = self.known(node) else { return Ok(None) };
            found = made;
        }
        Ok(Some(found))
    }

    /// Brings over what changed of nodes that the target had.
    fn update(&mut self) -> NodeResult<()> {
        let differ = self.plan.differ;
        let said: HashMap<Ino, usize> = self
            .records
            .iter()
            .enumerate()
            .filter_map(|(at, record)| Some((record.after?.ino, at)))
            .collect();
        for (found, path) in std::mem::take(&mut self.plan.modified) {
            if self.made.contains_key(&found.ino) {
                continue;
            }
            let Some(into) = self.known(found.ino) else { continue };
            let before = self.target.getattr(into)?;
            let base = differ.content_before(found.ino, &differ.before.stat(found.ino)?);
            let contents =
                differ.after.own(found.ino).and_then(|node| node.content().ok()).map(|now| (now, &base));
            let update = Update { source: self.source, ino: found.ino, target: self.target, into, found };
            update.run(contents, differ.after.base.origin(found.ino))?;
            match said.get(&into) {
                Some(at) => self.records[*at].content |= found.content,
                None => self.records.push(Record {
                    path,
                    kind: ChangeKind::Modified,
                    from: None,
                    before: Some(before),
                    after: Some(before),
                    content: found.content,
                }),
            }
        }
        Ok(())
    }

    /// Removes what is to go: files, then directories from below. One that is not empty stays.
    fn leave(&mut self) -> NodeResult<()> {
        let mut left: Vec<usize> = self.by_place.values().copied().collect();
        left.sort_by(|a, b| tree_order(&self.leaving[*b].step.path, &self.leaving[*a].step.path));
        let (dirs, files): (Vec<usize>, Vec<usize>) =
            left.into_iter().partition(|index| self.leaving[*index].before.is_dir());
        for index in files.into_iter().chain(dirs) {
            self.remove(index)?;
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, index: usize) -> NodeResult<()> {
        let leaving = &self.leaving[index];
        let (dir, name) = leaving.at.clone();
        let done = match leaving.before.is_dir() {
            true => self.target.rmdir(dir, &name),
            false => self.target.unlink(dir, &name),
        };
        let step = leaving.step.clone();
        match done {
            Ok(()) => {
                let before = leaving.before;
                self.record(&step, ChangeKind::Removed, None);
                self.records.last_mut().expect("it was just added").before = Some(before);
                self.stirred.insert(dir);
            }
            Err(error) if error == Errno::ENOTEMPTY => self.plan.discarded.push(step.path.clone()),
            Err(error) => return Err(error),
        }
        self.by_place.remove(&(dir, name));
        if let Some(left) = self.by_node.get_mut(&step.node) {
            left.retain(|other| *other != index);
        }
        Ok(())
    }

    /// Gives directories whose entries changed the time they have in the overlay.
    fn set_times(&mut self) -> NodeResult<()> {
        let touched = self.plan.differ.after.tree.nodes.values();
        let mut dirs: HashSet<Ino> =
            touched.filter(|node| node.is_dir() && node.nlink > 0).map(|node| node.ino).collect();
        dirs.extend(self.made.keys());
        for dir in dirs {
            let Some(into) = self.known(dir).filter(|into| self.stirred.contains(into)) else { continue };
            match self.target.setattr(into, &mtime(self.source.getattr(dir)?.mtime)) {
                Err(error) if error == Errno::ESTALE => {}
                other => drop(other?),
            }
        }
        Ok(())
    }

    fn finish(mut self) -> NodeResult<(Applied, InoMap)> {
        self.note_lost()?;
        let mut created: Vec<(Ino, Ino)> = self.made.iter().map(|(ino, target)| (*ino, *target)).collect();
        created.sort();
        for (ino, target) in &created {
            self.map.known.insert(*ino, Some(*target));
        }
        let is_link = |record: &&Record| record.after.is_some_and(|stat| stat.nlink > 1);
        let linked: HashSet<Ino> =
            self.records.iter().filter(is_link).filter_map(|record| Some(record.after?.ino)).collect();
        let mut changes = Vec::with_capacity(self.records.len());
        for record in self.records {
            let Record { path, kind, from, before, after, content } = record;
            let after = match after {
                // A new file with one name is as it was made; the rest changed since.
                Some(made) if kind != ChangeKind::Added || made.is_dir() || linked.contains(&made.ino) => {
                    Some(self.target.getattr(made.ino)?)
                }
                after => after,
            };
            changes.push(Change { path, kind, from, before, after, content });
        }
        changes.sort_by(|a, b| {
            tree_order(&a.path, &b.path)
                .then((a.kind != ChangeKind::Removed).cmp(&(b.kind != ChangeKind::Removed)))
        });
        let changes = merge_replaced(changes);
        let done: HashSet<&VPathBuf> = changes.iter().map(|change| &change.path).collect();
        let mut discarded = self.plan.discarded;
        discarded.retain(|path| !done.contains(path));
        discarded.sort_by(tree_order);
        discarded.dedup();
        Ok((Applied { discarded, expiries: self.plan.expiries, created, changes }, self.map))
    }

    /// Notes which nodes the overlay still has but the target has not: should one of them come to a persisting
    /// path later, it must be made.
    fn note_lost(&mut self) -> NodeResult<()> {
        for leaving in &self.leaving {
            let node = leaving.step.node;
            if self.made.contains_key(&node) || !self.plan.differ.after.is_alive(node) {
                continue;
            }
            match self.target.getattr(leaving.before.ino) {
                Ok(_) => {}
                Err(error) if error == Errno::ESTALE => {
                    self.map.known.insert(node, None);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Sets the time of the last change of content, and nothing else.
pub(super) fn mtime(mtime: Timestamp) -> SetAttr {
    SetAttr { mtime: Some(mtime), ..SetAttr::default() }
}
