//! What is to be done, judged.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::{InoMap, Judge, Touched, Verdict};
use crate::errno::NodeResult;
use crate::node::{FileType, Ino};
use crate::overlay::Overlay;
use crate::overlay::diff::{Diff, Differ, Mod, Pair, Step};
use crate::overlay::places::tree_order;
use crate::overlay::tree::View;
use crate::path::{Name, VPathBuf};

/// What persists, and what does not.
pub(super) struct Plan<'a> {
    pub(super) differ: &'a Differ<'a>,
    pub(super) committed: &'a InoMap,
    /// Names that go.
    pub(super) removed: Vec<Step>,
    /// Names that come, each directory before what is below it.
    pub(super) added: Vec<Step>,
    /// Nodes that change and have a persisting name; with one such path.
    pub(super) modified: Vec<(Mod, VPathBuf)>,
    /// Nodes that are made anew although the target has them: split directories, files that come to
    /// a persisting path from one where their removal is discarded, and files that change while the target
    /// has them under a discarded name too.
    pub(super) fresh: HashSet<Ino>,
    pub(super) discarded: Vec<VPathBuf>,
    pub(super) expiries: Vec<(VPathBuf, Duration)>,
}

/// Plans and hands the plan to `work`.
pub(super) fn with_plan<R>(
    before: Option<&Overlay>,
    after: &Overlay,
    committed: &InoMap,
    judge: &dyn Judge,
    work: impl FnOnce(Plan<'_>) -> NodeResult<R>,
) -> NodeResult<R> {
    let pair = Pair::of(before, after);
    let base = after.store.base();
    let differ = Differ::new(View { tree: &pair.before, base }, View { tree: &pair.after, base })?;
    let diff = differ.diff()?;
    let (fresh, expiries) = (HashSet::new(), Vec::new());
    let mut planner = Planner { differ: &differ, committed, judge, diff, fresh, expiries };
    planner.split_directories()?;
    work(planner.judged()?)
}

struct Planner<'a> {
    differ: &'a Differ<'a>,
    committed: &'a InoMap,
    judge: &'a dyn Judge,
    diff: Diff,
    fresh: HashSet<Ino>,
    /// Of what moves along with directories.
    expiries: Vec<(VPathBuf, Duration)>,
}

impl<'a> Planner<'a> {
    fn on_target(&self, ino: Ino) -> Option<Ino> {
        self.committed.resolve(ino, self.differ.after.base.is_lower(ino))
    }

    /// Takes the renames of directories apart that cannot stay one.
    fn split_directories(&mut self) -> NodeResult<()> {
        let froms: HashMap<Ino, VPathBuf> = self
            .diff
            .removed
            .iter()
            .filter(|step| step.kind == FileType::Directory)
            .map(|step| (step.node, step.path.clone()))
            .collect();
        let known = |steps: &[Step]| steps.iter().map(|s| (s.dir, s.name.clone())).collect::<HashSet<_>>();
        let (mut went, mut came) = (known(&self.diff.removed), known(&self.diff.added));
        let moved: Vec<Step> =
            self.diff.added.iter().filter(|step| froms.contains_key(&step.node)).cloned().collect();
        for step in moved {
            let one = match self.verdict_on_move(&step, &froms[&step.node])? {
                Some(true) => self.on_target(step.node).is_some(),
                Some(false) => true,
                None => false,
            };
            if !one {
                let (fresh, differ) = (&mut self.fresh, self.differ);
                differ.expand(true, step.node, &mut came, &mut self.diff.added, &mut |dir| {
                    fresh.insert(dir);
                })?;
                differ.expand(false, step.node, &mut went, &mut self.diff.removed, &mut |_| {})?;
            }
        }
        Ok(())
    }

    /// Whether all of a renamed directory persists, before and after; or all of it does not. `None`: some does.
    /// Where the judge cannot tell by the paths alone, everything below is asked for.
    fn verdict_on_move(&mut self, step: &Step, from: &VPathBuf) -> NodeResult<Option<bool>> {
        let below = [(false, from), (true, &step.path)];
        let mut said = None;
        let mut expiries = Vec::new();
        for (after, path) in below {
            if let Some(verdict) = self.judge.verdict_below(path) {
                if *said.get_or_insert(verdict.persists()) != verdict.persists() {
                    return Ok(None);
                }
                continue;
            }
            let mut steps = Vec::new();
            self.differ.expand(after, step.node, &mut HashSet::new(), &mut steps, &mut |_| {})?;
            for path in std::iter::once(path).chain(steps.iter().map(|step| &step.path)) {
                let verdict = self.judge.verdict(path);
                if *said.get_or_insert(verdict.persists()) != verdict.persists() {
                    return Ok(None);
                }
                if let (true, Verdict::Expire(time)) = (after && *path != step.path, verdict) {
                    expiries.push((path.clone(), time));
                }
            }
        }
        self.expiries.append(&mut expiries);
        Ok(said)
    }

    fn judged(mut self) -> NodeResult<Plan<'a>> {
        let diff = std::mem::take(&mut self.diff);
        let mut plan = Plan {
            differ: self.differ,
            committed: self.committed,
            removed: Vec::new(),
            added: Vec::new(),
            modified: Vec::new(),
            fresh: std::mem::take(&mut self.fresh),
            discarded: Vec::new(),
            expiries: std::mem::take(&mut self.expiries),
        };
        let mut stayed = HashSet::new();
        for step in diff.removed {
            match self.judge.verdict(&step.path).persists() {
                true => plan.removed.push(step),
                false => {
                    stayed.insert(step.node);
                    plan.discarded.push(step.path);
                }
            }
        }
        for step in diff.added {
            if self.judge_one(&step.path, &mut plan) {
                if stayed.contains(&step.node) || self.is_guarded(step.node)? {
                    plan.fresh.insert(step.node);
                }
                plan.added.push(step);
            }
        }
        self.judge_mods(diff.modified, &mut plan)?;
        self.part_links(&mut plan)?;
        plan.added.sort_by(|a, b| tree_order(&a.path, &b.path));
        plan.discarded.sort_by(tree_order);
        plan.discarded.dedup();
        plan.expiries.sort_by(|a, b| tree_order(&a.0, &b.0));
        plan.expiries.dedup();
        Ok(plan)
    }

    /// Asks for the verdict on a path where something is now, and notes it.
    fn judge_one(&self, path: &VPathBuf, plan: &mut Plan<'_>) -> bool {
        match self.judge.verdict(path) {
            Verdict::Persist => true,
            Verdict::Discard => {
                plan.discarded.push(path.clone());
                false
            }
            Verdict::Expire(after) => {
                plan.expiries.push((path.clone(), after));
                true
            }
        }
    }

    fn judge_mods(&self, modified: Vec<Mod>, plan: &mut Plan<'_>) -> NodeResult<()> {
        for found in modified {
            let mut persists = None;
            let paths = self.differ.places_after.paths(found.ino, found.kind)?;
            for path in &paths {
                if self.judge.verdict(path).persists() {
                    self.judge_one(path, plan);
                    persists.get_or_insert_with(|| path.clone());
                }
            }
            match persists {
                None => plan.discarded.extend(paths),
                // An earlier commit left it out; now it is wanted.
                Some(_) if self.on_target(found.ino).is_none() => self.add_again(&found, plan)?,
                Some(path) => {
                    if self.is_guarded(found.ino)? {
                        plan.fresh.insert(found.ino);
                    }
                    plan.modified.push((found, path));
                }
            }
        }
        Ok(())
    }

    /// Whether the target has a touched file under a name where changes are discarded. The names the lower layer has
    /// tell, whatever became of them since: no commit makes, moves or removes a name that is discarded. What an
    /// earlier commit made has none.
    fn is_guarded(&self, ino: Ino) -> NodeResult<bool> {
        let differ = self.differ;
        let touched_file = differ.after.own(ino).is_some_and(|node| !node.is_dir());
        if !touched_file || !differ.after.base.is_lower(ino) || self.on_target(ino) != Some(ino) {
            return Ok(false);
        }
        let places = &differ.places_after;
        for (dir, name) in places.lower_names(ino)? {
            // Better a copy too many than a change where there must be none.
            let path = places.lower_path(dir, &name)?;
            if path.is_none_or(|path| !self.judge.verdict(&path).persists()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Lets all persisting names of a file that is made anew lead to the copy, those that did not change as well:
    /// they are one file still, and what has a discarded name is another.
    fn part_links(&self, plan: &mut Plan<'_>) -> NodeResult<()> {
        let after = self.differ.after;
        let is_file = |ino: &&Ino| after.own(**ino).is_some_and(|node| !node.is_dir());
        let mut files: Vec<Ino> = plan.fresh.iter().filter(is_file).copied().collect();
        if files.is_empty() {
            return Ok(());
        }
        files.sort();
        let come: HashSet<(Ino, Name)> =
            plan.added.iter().map(|step| (step.dir, step.name.clone())).collect();
        for node in files {
            let kind = after.stat(node)?.kind;
            for (dir, name) in self.differ.places_after.names(node)? {
                let Some(path) = self.differ.places_after.path(dir, &name)? else { continue };
                if come.contains(&(dir, name.clone())) || !self.judge.verdict(&path).persists() {
                    continue;
                }
                self.judge_one(&path, plan);
                let step = Step { dir, name, node, kind, path };
                plan.removed.push(step.clone());
                plan.added.push(step);
            }
        }
        Ok(())
    }

    /// Lets all persisting names of a node come that the target does not have.
    fn add_again(&self, found: &Mod, plan: &mut Plan<'_>) -> NodeResult<()> {
        if plan.added.iter().any(|step| step.node == found.ino) || found.ino == self.differ.after.base.root {
            return Ok(());
        }
        for (dir, name) in self.differ.places_after.names(found.ino)? {
            let Some(path) = self.differ.places_after.path(dir, &name)? else { continue };
            if self.judge.verdict(&path).persists() {
                plan.added.push(Step { dir, name, node: found.ino, kind: found.kind, path });
            }
        }
        Ok(())
    }
}

impl Plan<'_> {
    /// The target's node for a node that it had before this commit.
    pub(super) fn on_target(&self, ino: Ino) -> Option<Ino> {
        self.committed.resolve(ino, self.differ.after.base.is_lower(ino))
    }

    pub(super) fn touched(&self) -> Touched {
        let mut touched = Touched::default();
        let entry = |dir: Ino, name: &Name| self.on_target(dir).map(|dir| (dir, name.clone()));
        for step in &self.removed {
            if self.on_target(step.node).is_none() {
                continue;
            }
            touched.entries.extend(entry(step.dir, &step.name));
            if step.kind == FileType::Directory {
                touched.gone_dirs.extend(self.on_target(step.node));
            }
        }
        for step in &self.added {
            if !self.fresh.contains(&step.dir) {
                touched.entries.extend(entry(step.dir, &step.name));
            }
        }
        for (found, _) in &self.modified {
            let is_dir = found.kind == FileType::Directory;
            // The copy of a file holds what the file was: another's change of it would be lost.
            let left = is_dir && self.fresh.contains(&found.ino);
            let Some(ino) = self.on_target(found.ino).filter(|_| !left) else { continue };
            if found.content {
                touched.content.push(ino);
            }
            if found.attrs || found.xattrs || (found.mtime && !is_dir && !found.content) {
                touched.attrs.push(ino);
            }
        }
        touched.entries.sort();
        touched.entries.dedup();
        touched
    }
}
