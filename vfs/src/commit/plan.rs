//! What is to be done, judged.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::stage::Stage;
use super::target::{Below, Target};
use super::{InoMap, Judge, Verdict};
use crate::errno::NodeResult;
use crate::layer::Layer;
use crate::node::{FileType, Ino};
use crate::overlay::Overlay;
use crate::overlay::diff::{Diff, Differ, Mod, Pair, Step};
use crate::overlay::places::tree_order;
use crate::overlay::tree::View;
use crate::path::{Name, VPathBuf};

/// What persists, and what does not.
pub(crate) struct Plan<'a> {
    pub(super) differ: &'a Differ<'a>,
    pub(super) target: &'a Target<'a>,
    /// Names that go.
    pub(super) removed: Vec<Step>,
    /// Names that come, each directory before what is below it.
    pub(super) added: Vec<Step>,
    /// Nodes that change and have a persisting name; with one such path.
    pub(super) modified: Vec<(Mod, VPathBuf)>,
    /// Nodes that are made anew although the target has them: split directories, and files that the target has under
    /// a discarded name too.
    pub(super) fresh: HashSet<Ino>,
    pub(super) discarded: Vec<VPathBuf>,
    pub(super) expiries: Vec<(VPathBuf, Duration)>,
}

/// Plans, looks at the target and hands what that came to to `work`.
pub(crate) fn with_stage<R>(
    states: (Option<&Overlay>, &Overlay),
    committed: &InoMap,
    target: &dyn Layer,
    judge: &dyn Judge,
    work: impl FnOnce(Stage<'_, '_>) -> NodeResult<R>,
) -> NodeResult<R> {
    let (before, after) = states;
    let pair = Pair::of(before, after);
    let base = after.store.base();
    let differ = Differ::new(View { tree: &pair.before, base }, View { tree: &pair.after, base })?;
    let target = Target::new(target, &differ, committed);
    let mut apart = HashSet::new();
    loop {
        let (diff, fresh, expiries) = (differ.diff()?, HashSet::new(), Vec::new());
        let mut planner =
            Planner { differ: &differ, target: &target, judge, diff, fresh, expiries, apart: &apart };
        planner.split_directories()?;
        let plan = planner.judged()?;
        let stage = Stage::new(&plan)?;
        if stage.merging.is_empty() {
            return work(stage);
        }
        // Each time there is less that is moved whole.
        let merging = stage.merging;
        apart.extend(merging);
    }
}

struct Planner<'a> {
    differ: &'a Differ<'a>,
    target: &'a Target<'a>,
    judge: &'a dyn Judge,
    diff: Diff,
    fresh: HashSet<Ino>,
    /// Directories that cannot be moved whole since another that stays is where they are to be.
    apart: &'a HashSet<Ino>,
    /// Of what moves along with directories.
    expiries: Vec<(VPathBuf, Duration)>,
}

impl<'a> Planner<'a> {
    /// Takes the renames of directories apart that cannot stay one.
    fn split_directories(&mut self) -> NodeResult<()> {
        let froms: HashMap<Ino, VPathBuf> = self
            .diff
            .removed
            .iter()
            .filter(|step| step.kind == FileType::Directory)
            .map(|step| (step.node, step.path.clone()))
            .collect();
        let moved: Vec<Step> =
            self.diff.added.iter().filter(|step| froms.contains_key(&step.node)).cloned().collect();
        if moved.is_empty() {
            return Ok(());
        }
        let known = |steps: &[Step]| steps.iter().map(|s| (s.dir, s.name.clone())).collect::<HashSet<_>>();
        let (mut went, mut came) = (known(&self.diff.removed), known(&self.diff.added));
        for step in moved {
            let one = !self.apart.contains(&step.node);
            let one = one
                && match self.verdict_on_move(&step, &froms[&step.node])? {
                    Some(true) => self.target.dir(step.node)?.is_some(),
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
            if !after && said == Some(true) && self.holds_discarded(step.node, from)? {
                return Ok(None);
            }
        }
        self.expiries.append(&mut expiries);
        Ok(said)
    }

    /// Whether the target has something in a directory whose removal was discarded earlier.
    fn holds_discarded(&self, dir: Ino, path: &VPathBuf) -> NodeResult<bool> {
        let Some(dir) = self.target.dir(dir)? else { return Ok(false) };
        let mut paths = HashMap::from([(dir, path.clone())]);
        let all_persists = self.target.below(dir, &mut |dir, name, stat| {
            let path = paths[&dir].join(name);
            if !self.judge.verdict(&path).persists() {
                return Ok(Below::Stop);
            }
            if stat.is_dir() {
                paths.insert(stat.ino, path);
            }
            Ok(Below::Deeper)
        })?;
        Ok(!all_persists)
    }

    fn judged(mut self) -> NodeResult<Plan<'a>> {
        let diff = std::mem::take(&mut self.diff);
        let mut plan = Plan {
            differ: self.differ,
            target: self.target,
            removed: Vec::new(),
            added: Vec::new(),
            modified: Vec::new(),
            fresh: std::mem::take(&mut self.fresh),
            discarded: Vec::new(),
            expiries: std::mem::take(&mut self.expiries),
        };
        for step in diff.removed {
            match self.judge.verdict(&step.path).persists() {
                true => plan.removed.push(step),
                false => plan.discarded.push(step.path),
            }
        }
        for step in diff.added {
            if self.judge_one(&step.path, &mut plan) {
                if self.is_guarded(step.node, step.kind)? {
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
                Some(_) if !self.target.has(found.ino, found.kind == FileType::Directory)? => {
                    self.add_again(&found, plan)?
                }
                Some(path) => {
                    if self.is_guarded(found.ino, found.kind)? {
                        plan.fresh.insert(found.ino);
                    }
                    plan.modified.push((found, path));
                }
            }
        }
        Ok(())
    }

    /// Whether the target has a file under a name where changes are discarded. The names the lower layer has
    /// tell, whatever became of them since: no commit makes, moves or removes a name that is discarded. What an
    /// earlier commit made has none.
    fn is_guarded(&self, ino: Ino, kind: FileType) -> NodeResult<bool> {
        let differ = self.differ;
        let is_lower = kind != FileType::Directory && differ.after.base.is_lower(ino);
        if !is_lower || self.target.number(ino) != Some(ino) {
            return Ok(false);
        }
        let places = &differ.places_after;
        for (dir, name) in places.all_lower_names(ino)? {
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
        if plan.fresh.is_empty() {
            return Ok(());
        }
        let after = self.differ.after;
        let mut files: Vec<Ino> = plan.fresh.iter().copied().collect();
        files.sort();
        let come: HashSet<(Ino, Name)> =
            plan.added.iter().map(|step| (step.dir, step.name.clone())).collect();
        for node in files {
            let kind = after.stat(node)?.kind;
            if kind == FileType::Directory {
                continue;
            }
            for (dir, name) in self.differ.places_after.all_names(node)? {
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
