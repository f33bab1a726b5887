//! Doing a plan.

use std::collections::{HashMap, HashSet};

use super::make::{Update, copy_node, plain_file};
use super::room::Limbo;
use super::stage::{Arrival, Home, Stage};
use super::target::Below;
use super::{Applied, Bulk, Noted};
use crate::change::{Change, ChangeKind};
use crate::clock::Timestamp;
use crate::errno::{Errno, NodeError, NodeResult};
use crate::layer::Layer;
use crate::node::{FileType, Ino, RenameMode, SetAttr, Stat};
use crate::overlay::Overlay;
use crate::overlay::changes::merge_replaced;
use crate::overlay::diff::{Mod, Step};
use crate::overlay::places::{Place, tree_order};
use crate::path::VPathBuf;

/// The most files made in one call.
const TOGETHER: usize = 256;

/// A commit being done.
pub(crate) struct Apply<'p, 'a> {
    pub(super) stage: Stage<'p, 'a>,
    pub(super) source: &'a Overlay,
    pub(super) target: &'a dyn Layer,
    bulk: Option<&'p dyn Bulk>,
    /// Nodes that this commit made or took for the overlay's: the overlay's number, and the target's.
    pub(super) made: HashMap<Ino, Ino>,
    /// Directories of the target whose entries changed.
    pub(super) stirred: HashSet<Ino>,
    pub(super) limbo: Option<Limbo>,
    pub(super) records: Vec<Record>,
    /// Paths that were to go and stay for what is below them.
    kept: Vec<VPathBuf>,
}

/// What was done at a path.
pub(super) struct Record {
    pub(super) path: VPathBuf,
    pub(super) kind: ChangeKind,
    pub(super) from: Option<VPathBuf>,
    pub(super) before: Option<Stat>,
    /// The target's node that is there now, as it was when this was noted.
    pub(super) after: Option<Stat>,
    pub(super) content: bool,
}

impl<'p, 'a> Apply<'p, 'a> {
    pub(crate) fn new(
        stage: Stage<'p, 'a>,
        source: &'a Overlay,
        bulk: Option<&'p dyn Bulk>,
    ) -> Apply<'p, 'a> {
        Apply {
            target: stage.plan.target.layer,
            bulk,
            stage,
            source,
            made: HashMap::new(),
            stirred: HashSet::new(),
            limbo: None,
            records: Vec::new(),
            kept: Vec::new(),
        }
    }

    pub(crate) fn run(mut self) -> NodeResult<(Applied, Noted)> {
        let arrivals = std::mem::take(&mut self.stage.arrivals);
        let mut at = 0;
        while let Some(arrival) = arrivals.get(at) {
            match self.arrive_together(&arrivals[at..])? {
                0 => {
                    self.arrive(arrival)?;
                    at += 1;
                }
                done => at += done,
            }
        }
        self.update()?;
        self.leave()?;
        self.leave_limbo()?;
        self.set_times()?;
        self.finish()
    }

    /// Makes as many as there are plain new files of one directory at the beginning of `arrivals`; returns how many.
    fn arrive_together(&mut self, arrivals: &[Arrival<'_>]) -> NodeResult<usize> {
        let Some(bulk) = self.bulk else { return Ok(0) };
        let dir = arrivals[0].step.dir;
        let Some(Home::There(parent)) = self.stage.homes.get(&dir).copied() else { return Ok(0) };
        let mut files = Vec::new();
        for arrival in arrivals.iter().take(TOGETHER) {
            let step = &*arrival.step;
            let is_new = step.dir == dir
                && step.kind == FileType::Regular
                && self.node(step)?.is_none()
                && !self.stage.occupies((parent, &step.name));
            let file = if is_new { plain_file(self.source, step.node, &step.name)? } else { None };
            let Some(file) = file else { break };
            files.push(file);
        }
        if files.is_empty() {
            return Ok(0);
        }
        let made = bulk.create_files(parent, &files)?;
        for (arrival, stat) in arrivals.iter().zip(&made) {
            self.note_made(&arrival.step, parent, *stat);
        }
        Ok(made.len())
    }

    /// Lets a name come.
    fn arrive(&mut self, arrival: &Arrival<'_>) -> NodeResult<()> {
        let step = &*arrival.step;
        if let Some(occupant) = &arrival.share {
            return self.share(step, occupant);
        }
        let Some(Home::There(parent)) = self.stage.homes.get(&step.dir).copied() else {
            return Err(NodeError::io(format!("{} has no directory to come to", step.path)));
        };
        let place = (parent, step.name.clone());
        if let Some(index) = self.stage.by_place.get(&place).copied() {
            self.make_room(index)?;
        }
        match (self.node(step)?, self.take_leaving(step.node)) {
            (Some(node), Some(index)) => self.move_to(index, node, place, step)?,
            (Some(node), None) if step.kind != FileType::Directory => {
                let stat = self.target.link(node, parent, &step.name)?;
                self.stirred.insert(parent);
                self.record(step, ChangeKind::Added, Some(stat));
            }
            _ => self.make(parent, step)?,
        }
        if let Some(coming) = self.stage.coming.get_mut(&step.node) {
            *coming -= 1;
        }
        Ok(())
    }

    /// The target's node that a step can be done with, as far as there is one by now.
    fn node(&self, step: &Step) -> NodeResult<Option<Ino>> {
        match self.made.get(&step.node) {
            Some(made) => Ok(Some(*made)),
            None => self.stage.node(step),
        }
    }

    /// Makes a node that the target does not have.
    fn make(&mut self, parent: Ino, step: &Step) -> NodeResult<()> {
        let made = copy_node(self.source, step.node, self.target, parent, &step.name)?;
        self.note_made(step, parent, made);
        Ok(())
    }

    fn note_made(&mut self, step: &Step, parent: Ino, made: Stat) {
        self.made.insert(step.node, made.ino);
        if made.is_dir() {
            self.stage.homes.insert(step.node, Home::There(made.ino));
        }
        self.stirred.insert(parent);
        self.record(step, ChangeKind::Added, Some(made));
    }

    /// A name of this node that is to go, so that it can be moved.
    fn take_leaving(&mut self, node: Ino) -> Option<usize> {
        if self.stage.plan.fresh.contains(&node) {
            return None;
        }
        let index = self.stage.by_node.get_mut(&node)?.pop()?;
        self.stage.by_place.remove(&self.stage.leaving[index].at);
        Some(index)
    }

    fn move_to(&mut self, index: usize, node: Ino, to: Place, step: &Step) -> NodeResult<()> {
        let leaving = &self.stage.leaving[index];
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

    /// Brings over what changed of nodes that the target had.
    fn update(&mut self) -> NodeResult<()> {
        let plan = self.stage.plan;
        let differ = plan.differ;
        let said: HashMap<Ino, usize> = self
            .records
            .iter()
            .enumerate()
            .filter_map(|(at, record)| Some((record.after?.ino, at)))
            .collect();
        for (found, path) in &plan.modified {
            let Some(into) = self.changed(found)? else { continue };
            let (found, path) = (*found, path.clone());
            // Where all it could come to is blocked, it may be gone by now.
            let Some(before) = self.still(into)? else { continue };
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

    /// The target's node for one that changed; `None` if it was made anew, or cannot be there.
    fn changed(&mut self, found: &Mod) -> NodeResult<Option<Ino>> {
        if self.made.contains_key(&found.ino) {
            return Ok(None);
        }
        if found.kind == FileType::Directory {
            return Ok(self.stage.home(found.ino, false)?.and_then(Home::ino));
        }
        let plan = self.stage.plan;
        if plan.fresh.contains(&found.ino) { Ok(None) } else { plan.target.file(found.ino) }
    }

    /// Removes what is to go: files, then directories from below. One that is not empty stays.
    fn leave(&mut self) -> NodeResult<()> {
        let mut left: Vec<usize> = self.stage.by_place.values().copied().collect();
        let leaving = &self.stage.leaving;
        left.sort_by(|a, b| tree_order(&leaving[*b].step.path, &leaving[*a].step.path));
        let (dirs, files): (Vec<usize>, Vec<usize>) =
            left.into_iter().partition(|index| leaving[*index].before.is_dir());
        for index in files.into_iter().chain(dirs) {
            self.remove(index)?;
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, index: usize) -> NodeResult<()> {
        let leaving = &self.stage.leaving[index];
        let (step, (dir, name), before) = (leaving.step, leaving.at.clone(), leaving.before);
        if leaving.whole {
            self.remove_below(before.ino, &step.path)?;
        }
        let done = match before.is_dir() {
            true => self.target.rmdir(dir, &name),
            false => self.target.unlink(dir, &name),
        };
        match done {
            Ok(()) => self.removed(step.path.clone(), before, dir),
            Err(error) if error == Errno::ENOTEMPTY => self.kept.push(step.path.clone()),
            Err(error) => return Err(error),
        }
        self.stage.by_place.remove(&(dir, name));
        if let Some(left) = self.stage.by_node.get_mut(&step.node) {
            left.retain(|other| *other != index);
        }
        Ok(())
    }

    /// Removes everything below a directory of the target.
    fn remove_below(&mut self, top: Ino, path: &VPathBuf) -> NodeResult<()> {
        let mut found = Vec::new();
        let mut paths = HashMap::from([(top, path.clone())]);
        self.stage.plan.target.below(top, &mut |dir, name, stat| {
            let path = paths[&dir].join(name);
            paths.insert(stat.ino, path.clone());
            found.push((path, dir, name.clone(), *stat));
            Ok(Below::Deeper)
        })?;
        for (path, dir, name, stat) in found.into_iter().rev() {
            match stat.is_dir() {
                true => self.target.rmdir(dir, &name)?,
                false => self.target.unlink(dir, &name)?,
            }
            self.removed(path, stat, dir);
        }
        Ok(())
    }

    fn removed(&mut self, path: VPathBuf, before: Stat, dir: Ino) {
        let content = matches!(before.kind, FileType::Regular | FileType::Symlink);
        let (kind, before) = (ChangeKind::Removed, Some(before));
        self.records.push(Record { path, kind, from: None, before, after: None, content });
        self.stirred.insert(dir);
    }

    /// Gives directories whose entries changed the time they have in the overlay.
    fn set_times(&mut self) -> NodeResult<()> {
        let plan = self.stage.plan;
        let touched = plan.differ.after.tree.nodes.values();
        let dirs: Vec<Ino> =
            touched.filter(|node| node.is_dir() && node.nlink > 0).map(|node| node.ino).collect();
        for dir in dirs {
            let known = self.stage.homes.get(&dir).copied().and_then(Home::ino);
            let maybe = known.or_else(|| plan.target.recall_dir(dir));
            if !maybe.is_some_and(|into| self.stirred.contains(&into)) {
                continue;
            }
            if let Some(Home::There(into)) = self.stage.home(dir, false)?
                && self.stirred.contains(&into)
            {
                self.target.setattr(into, &mtime(self.source.getattr(dir)?.mtime))?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> NodeResult<(Applied, Noted)> {
        let noted = self.noted()?;
        let mut created: Vec<(Ino, Ino)> = self.made.iter().map(|(ino, target)| (*ino, *target)).collect();
        created.sort();
        let is_link = |record: &&Record| record.after.is_some_and(|stat| stat.nlink > 1);
        let linked: HashSet<Ino> =
            self.records.iter().filter(is_link).filter_map(|record| Some(record.after?.ino)).collect();
        let mut changes = Vec::with_capacity(self.records.len());
        for record in std::mem::take(&mut self.records) {
            let Record { path, kind, from, before, after, content } = record;
            let after = match after {
                // A new file with one name is as it was made; the rest changed since.
                Some(made) if kind != ChangeKind::Added || made.is_dir() || linked.contains(&made.ino) => {
                    match self.still(made.ino)? {
                        Some(stat) => Some(stat),
                        None => continue,
                    }
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
        let mut discarded = self.kept;
        discarded.extend(self.stage.plan.discarded.iter().chain(&self.stage.blocked).cloned());
        discarded.retain(|path| !done.contains(path));
        discarded.sort_by(tree_order);
        discarded.dedup();
        let expiries = self.stage.plan.expiries.clone();
        Ok((Applied { discarded, expiries, created, changes }, noted))
    }

    /// A node of the target, if it is still there.
    fn still(&self, ino: Ino) -> NodeResult<Option<Stat>> {
        match self.target.getattr(ino) {
            Ok(stat) => Ok(Some(stat)),
            Err(error) if error == Errno::ESTALE => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What the next commit of the session is to know: which nodes were made, and which of those that the overlay still
    /// has the target has no more. Should one of these come to a persisting path later, it must be made.
    fn noted(&self) -> NodeResult<Noted> {
        let mut noted: Vec<(Ino, Option<Ino>)> =
            self.made.iter().map(|(ino, target)| (*ino, Some(*target))).collect();
        let plan = self.stage.plan;
        let left = self.stage.leaving.iter().filter(|leaving| !leaving.before.is_dir());
        for node in left.map(|leaving| leaving.step.node).chain(plan.fresh.iter().copied()) {
            if self.made.contains_key(&node) || !plan.differ.after.is_alive(node) {
                continue;
            }
            let is_gone = match plan.target.number(node) {
                Some(there) if !plan.fresh.contains(&node) => self.still(there)?.is_none(),
                _ => true,
            };
            if is_gone {
                noted.push((node, None));
            }
        }
        Ok(Noted(noted))
    }
}

/// Sets the time of the last change of content, and nothing else.
pub(super) fn mtime(mtime: Timestamp) -> SetAttr {
    SetAttr { mtime: Some(mtime), ..SetAttr::default() }
}
