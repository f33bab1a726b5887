//! Writes to buckets: journalled before the commit, made after it.
//!
//! Two things are written to buckets: files that a rule promotes, and what a run changed in a mount of one. What a
//! mount is to get is copied into a folder beside the workspace first; what is promoted is in the revision that the
//! commit makes. The journal, a list of objects each with how the run saw it, becomes valid in the transaction of the
//! commit. Then the objects are written, each only if it still is as the run saw it (promoted ones in any case). What
//! could not be written stays in the journal, and [`finish`] tries again: what was written before a crash is known by a
//! mark in its metadata, or by its content. A promotion that is made late replaces nothing that is newer, see [`newer`].

mod hold;
mod journal;
mod newer;
mod order;
mod plan;
mod store;
mod take;
#[cfg(test)]
mod tests;
mod tree;

use std::sync::Mutex;

use cowry_vfs::sqlite::{Revision, SqliteLayer};
use cowry_vfs::{NodeResult, VPathBuf};

use self::journal::{Act, Held, Journal, Step, Target, Want};
use self::newer::Newer;
use self::plan::Writes;
use self::store::{Refusal, Store};
use self::take::{Source, Taken, each, take_all};
pub(crate) use self::tree::{BucketTree, open};
use super::late::{Finish, Promotion};
use super::steps::Steps;
use super::trees::Trees;
use crate::address::Address;
use crate::diff::Diff;
use crate::error::{Error, Result};
use crate::policy::{FileRules, RuleJudge};
use crate::record::{BucketRecord, ConflictRecord};
use crate::workspace::Workspace;

/// Everything journalled, but nothing written to a bucket yet.
#[derive(Debug)]
pub(crate) struct Staged {
    journal: Journal,
    held: Held,
}

/// What a bucket said when it was asked before a commit.
pub(crate) enum Before {
    Ready(Option<Staged>),
    Conflict(Vec<ConflictRecord>),
}

/// Asks every bucket that rules promote to whether it is there and takes our keys.
pub(crate) fn meet(rules: &FileRules) -> Result<()> {
    rules.promoted_to().into_iter().try_for_each(|to| reach("promote files", to))
}

/// Asks a bucket whether it is there and takes our keys.
pub(crate) fn reach(doing: &str, at: &Address) -> Result<()> {
    let met = Store::open(at).and_then(|store| store.meet());
    met.map_err(|refusal| Error::Bucket { doing: doing.into(), why: said(refusal, at) })
}

/// A refusal in one line that names the bucket.
pub(crate) fn said(refusal: Refusal, at: &Address) -> String {
    match refusal {
        Refusal::Trouble(why) => why,
        Refusal::Changed => format!("{at}: somebody else changed it meanwhile"),
    }
}

/// What would be written.
pub(crate) fn planned(trees: &Trees, diff: &Diff, judge: &RuleJudge<'_>) -> Result<Vec<BucketRecord>> {
    Ok(targets(trees, diff, judge)?.iter().map(Target::record).collect())
}

/// Looks for conflicts and holds what mounts are to get.
pub(crate) fn stage(
    workspace: &Workspace,
    id: &str,
    trees: &Trees,
    diff: &Diff,
    judge: &RuleJudge<'_>,
) -> Result<Before> {
    let targets = targets(trees, diff, judge)?;
    if targets.is_empty() {
        return Ok(Before::Ready(None));
    }
    let conflicts = conflicts(&targets);
    if !conflicts.is_empty() {
        return Ok(Before::Conflict(conflicts));
    }
    targets.iter().try_for_each(|target| hold::check(target, diff.after()))?;
    let file = workspace.file("write to a bucket from")?;
    let held = Held::of(workspace, id)?.make()?;
    let mut staged = Staged {
        journal: Journal { id: id.into(), decided: false, revision: None, late: false, targets: Vec::new() },
        held,
    };
    let done = (|| {
        // Before anything is held, so that whoever finds it knows that nobody needs it.
        staged.journal.write(file)?;
        targets.iter().try_for_each(|target| hold::hold(target, diff.after(), &staged.held))
    })();
    match done {
        Ok(()) => {
            staged.journal.targets = targets;
            Ok(Before::Ready(Some(staged)))
        }
        Err(error) => {
            staged.abandon(workspace)?;
            Err(error)
        }
    }
}

fn targets(trees: &Trees, diff: &Diff, judge: &RuleJudge<'_>) -> Result<Vec<Target>> {
    let places: Vec<VPathBuf> = trees.places();
    let mut targets = plan::promotions(diff, judge, &places)?;
    if trees.buckets().next().is_none() {
        return Ok(targets);
    }
    let (all, before) = (Steps::of(diff, judge)?, trees.before()?);
    for (mount, tree) in trees.buckets() {
        let inner = all.within(&mount.at);
        let steps = Writes { mount, tree, steps: &inner, before: &before, after: diff.after() }.plan()?;
        if !steps.is_empty() {
            targets.push(Target::new(&mount.source, Some(mount.at.to_string()), steps));
        }
    }
    number(&mut targets);
    Ok(targets)
}

/// What is held for all mounts of a run lies in one folder, and no two writes of it have one mark.
fn number(targets: &mut [Target]) {
    let acts = targets.iter_mut().flat_map(|target| &mut target.steps).map(|step| &mut step.act);
    let numbers = acts.filter_map(|act| if let Act::Put { number, .. } = act { Some(number) } else { None });
    numbers.enumerate().for_each(|(next, number)| *number = next);
}

/// The objects that are not as the run saw them. Where a bucket does not answer, its own answer later decides.
fn conflicts(targets: &[Target]) -> Vec<ConflictRecord> {
    let mut found = Vec::new();
    for target in targets {
        let (Some(place), Ok(store)) = (&target.mount, at(&target.address)) else { continue };
        let looked = each(&target.steps, |step| match is_as_seen(&store, step) {
            Ok(same) => (same, true),
            Err(_) => (true, false),
        });
        let changed = target.steps.iter().zip(looked).filter(|(_, same)| *same == Some(false));
        found.extend(changed.map(|(step, _)| ConflictRecord {
            path: format!("{place}/{}", step.name),
            what: format!("changed in {} since", target.address),
        }));
    }
    found
}

fn is_as_seen(store: &Store, step: &Step) -> std::result::Result<bool, Refusal> {
    if matches!(step.want, Want::Anything | Want::NotNewer) {
        return Ok(true);
    }
    let there = store.look(&step.name)?;
    Ok(match (&step.want, &there) {
        (Want::Anything | Want::NotNewer, _) | (Want::Absent, None) => true,
        // What is gone already need not be removed.
        (Want::Tag(_), None) => step.act == Act::Remove,
        (Want::Tag(tag), Some(there)) => there.tag.as_ref() == Some(tag),
        (Want::Absent, Some(_)) => false,
    })
}

fn at(address: &str) -> std::result::Result<Store, Refusal> {
    Store::open(&Address::parse(address).map_err(Refusal::Trouble)?)
}

impl Staged {
    /// Says that all is to be written; part of the commit, which made `revision`.
    pub fn decide(&mut self, file: &SqliteLayer, revision: Option<Revision>) -> NodeResult<()> {
        self.journal.decided = true;
        self.journal.revision = revision.map(|revision| revision.0);
        self.journal.write(file)
    }

    /// What is to be written.
    pub fn records(&self) -> Vec<BucketRecord> {
        self.journal.records()
    }

    /// Writes what can be written and tells how that went; the rest stays journalled.
    pub fn put_in_place(self, workspace: &Workspace, trees: Option<&Trees>) -> Result<Vec<BucketRecord>> {
        let Staged { mut journal, held } = self;
        take_journal(&mut journal, &held, workspace, trees);
        let records = journal.records();
        settle(&journal, held, workspace)?;
        Ok(records)
    }

    /// Forgets all of it.
    pub fn abandon(self, workspace: &Workspace) -> Result<()> {
        self.held.remove();
        Ok(self.journal.forget(workspace.file("write to a bucket from")?)?)
    }
}

fn settle(journal: &Journal, held: Held, workspace: &Workspace) -> Result<()> {
    let file = workspace.file("write to a bucket from")?;
    if journal.is_done() {
        journal.forget(file)?;
        held.remove();
    } else {
        journal.write(file)?;
    }
    Ok(())
}

fn take_journal(journal: &mut Journal, held: &Held, workspace: &Workspace, trees: Option<&Trees>) {
    let tree = journal.revision.and_then(|revision| workspace.fs_at(Revision(revision)).ok());
    let steps = journal.targets.iter().flat_map(|target| &target.steps);
    let (objects, bytes) = (steps.clone().count() as u64, steps.map(Step::bytes).sum());
    let writing = workspace.on_writing().begin(objects, bytes);
    let source = Source {
        id: &journal.id,
        held,
        tree,
        newer: Newer::than(journal, workspace),
        large: Mutex::default(),
        writing,
    };
    for target in &mut journal.targets {
        take_target(target, &source, trees);
    }
}

fn take_target(target: &mut Target, source: &Source<'_>, trees: Option<&Trees>) {
    target.conflicts.clear();
    target.trouble = source.held.misses(target);
    if target.trouble.is_some() {
        return;
    }
    let store = match at(&target.address) {
        Ok(store) => store,
        Err(Refusal::Trouble(why)) => return target.trouble = Some(why),
        Err(Refusal::Changed) => return,
    };
    let tree = trees.and_then(|trees| trees.bucket(target.mount.as_deref()?));
    let taken = take_all(&store, &target.steps, source);
    let steps = std::mem::take(&mut target.steps);
    for (step, taken) in steps.into_iter().zip(taken) {
        match taken {
            Taken::Done(bytes, tag) => {
                target.done += 1;
                target.removed += u64::from(matches!(step.act, Act::Remove | Act::Unmark));
                target.bytes += bytes;
                if let (Some(tree), Act::Put { .. } | Act::Remove) = (tree, &step.act) {
                    tree.wrote(&step.name, tag);
                }
                continue;
            }
            Taken::Conflict => target.conflicts.push(format!("{}/{}", target.address, step.name)),
            Taken::Trouble(why) => target.trouble = Some(why),
            Taken::Untried => {}
        }
        target.steps.push(step);
    }
}

/// Writes to buckets that are not finished, each by the id of its run, and not being made by a live process.
pub(crate) fn unfinished(workspace: &Workspace) -> Result<Vec<(String, Vec<BucketRecord>)>> {
    let Ok(file) = workspace.file("write to a bucket from") else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for journal in Journal::all(file)?.into_iter().filter(|journal| journal.decided) {
        if !Held::of(workspace, &journal.id)?.is_busy() {
            let records = journal.records();
            found.push((journal.id, records));
        }
    }
    Ok(found)
}

/// Removes what a process that died had held for a commit that did not come about.
pub(crate) fn clean(workspace: &Workspace) -> Result<()> {
    let file = workspace.file("write to a bucket from")?;
    for journal in Journal::all(file)?.into_iter().filter(|journal| !journal.decided) {
        let held = Held::of(workspace, &journal.id)?;
        if !held.is_busy() {
            held.remove();
            journal.forget(file)?;
        }
    }
    Ok(())
}

/// Finishes a journal, by its id or the beginning of it. `None`: there is none.
pub(crate) fn finish(
    workspace: &Workspace,
    id: &str,
    how: Finish,
) -> Result<Option<(String, Vec<BucketRecord>)>> {
    let file = workspace.file("write to a bucket from")?;
    let mut ids: Vec<String> = Journal::all(file)?
        .into_iter()
        .filter(|journal| journal.decided && journal.id.starts_with(id))
        .map(|journal| journal.id)
        .collect();
    match ids.len() {
        0 => Ok(None),
        1 => finish_one(workspace, &ids.remove(0), how),
        _ => Err(Error::AmbiguousRun { id: id.into(), found: ids }),
    }
}

fn finish_one(workspace: &Workspace, id: &str, how: Finish) -> Result<Option<(String, Vec<BucketRecord>)>> {
    let held = Held::of(workspace, id)?;
    let was_there = held.path.exists();
    let held = held.make()?;
    // What it says now: until the lock was taken another process may have been at it.
    let Some(mut journal) = Journal::of(workspace.file("write to a bucket from")?, id)? else {
        held.remove();
        return Ok(None);
    };
    match how {
        Finish::Retry => {
            journal.late = true;
            take_journal(&mut journal, &held, workspace, None);
        }
        Finish::Overwrite => {
            journal.want_anything();
            take_journal(&mut journal, &held, workspace, None);
        }
        Finish::Drop => journal.targets.iter_mut().for_each(give_up),
    }
    let records = journal.records();
    // One that was made for its lock alone would be in the way of the one that is to have its name.
    let is_in_the_way = !was_there && journal.targets.iter().any(|target| held.misses(target).is_some());
    let made = held.path.clone();
    settle(&journal, held, workspace)?;
    if is_in_the_way {
        let _ = std::fs::remove_dir_all(made);
    }
    Ok(Some((id.into(), records)))
}

fn give_up(target: &mut Target) {
    target.steps.clear();
    target.trouble = Some("the rest was dropped".into());
}

/// Whether a bucket can keep a file of this name and size, as far as can be said without asking it.
pub(crate) fn takes(address: &Address, name: &str, size: u64) -> bool {
    let is_name = Store::open(address).map_or(true, |store| store.check_name(name).is_ok());
    // What is kept holds far less than it may have holes, so that the size tells.
    is_name && size <= 2 * hold::HOLES
}

/// Journals what a revision promotes, beside what is journalled already of the commit that made it.
pub(crate) fn promote(
    workspace: &Workspace,
    staged: &mut Option<Staged>,
    promotion: &Promotion<'_>,
) -> Result<()> {
    let Promotion { id, diff, judge, places, revision, again } = *promotion;
    let targets = plan::promotions(diff, judge, places)?;
    if targets.is_empty() {
        return Ok(());
    }
    targets.iter().try_for_each(|target| hold::check(target, diff.after()))?;
    if staged.is_none() {
        let (id, late) = (id.into(), again.is_some());
        let journal = Journal { id, decided: true, revision: None, late, targets: Vec::new() };
        *staged = Some(Staged { journal, held: Held::of(workspace, promotion.id)?.make()? });
    }
    let journal = &mut staged.as_mut().expect("it was just made").journal;
    journal.revision = Some(revision.0);
    journal.targets.extend(targets);
    if again == Some(Finish::Overwrite) {
        journal.want_anything();
    }
    Ok(journal.write(workspace.file("write to a bucket from")?)?)
}
