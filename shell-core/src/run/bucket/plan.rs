//! What a run's changes mean for buckets: which files are promoted, which objects of mounts are written and removed.

use std::collections::HashSet;

use cowry_vfs::{ChangeKind, FileType, Stat, VPathBuf, Vfs};

use super::journal::{Act, Step, Target, Want};
use super::tree::BucketTree;
use crate::diff::Diff;
use crate::error::{Error, Result};
use crate::mount::Mount;
use crate::policy::RuleJudge;
use crate::run::steps::{Steps, What};

/// The files of the workspace that rules promote, by bucket. Of mounts nothing is promoted.
pub(super) fn promotions(diff: &Diff, judge: &RuleJudge<'_>, mounts: &[VPathBuf]) -> Result<Vec<Target>> {
    let mut targets: Vec<Target> = Vec::new();
    if judge.rules().promoted_to().is_empty() {
        return Ok(targets);
    }
    let mut add = |path: &VPathBuf, stat: &Stat| {
        let inside = !mounts.iter().any(|mount| path.is_within(mount));
        if let (true, FileType::Regular, Some((to, name))) = (inside, stat.kind, judge.promotion(path)) {
            let act = Act::Promote { path: path.to_string(), size: stat.size };
            let step = Step { name, want: Want::NotNewer, act };
            let to = to.to_string();
            match targets.iter_mut().find(|target| target.address == to) {
                Some(target) => target.steps.push(step),
                None => targets.push(Target::new(to, None, vec![step])),
            }
        }
    };
    for change in &diff.changes {
        match change.after {
            // What goes with a moved directory is not in the diff.
            Some(stat) if stat.is_dir() && change.kind == ChangeKind::Renamed => {
                for entry in diff.after().walk_tree(&change.path)? {
                    let entry = entry?;
                    add(&entry.path, &entry.stat);
                }
            }
            Some(stat) => add(&change.path, &stat),
            None => {}
        }
    }
    targets.iter_mut().for_each(|target| last_wins(&mut target.steps));
    Ok(targets)
}

/// Two rules may give two files one name; the one that is later by path stays, whatever order they are written in.
fn last_wins(steps: &mut Vec<Step>) {
    steps.reverse();
    let mut seen = HashSet::new();
    steps.retain(|step| seen.insert(step.name.clone()));
    steps.reverse();
}

/// The changes of a mount that are to be objects.
pub(super) struct Writes<'a> {
    pub mount: &'a Mount,
    pub tree: &'a BucketTree,
    pub steps: &'a Steps,
    /// All trees as they were first seen.
    pub before: &'a Vfs,
    pub after: &'a Vfs,
}

impl Writes<'_> {
    /// The objects to write and to remove. Only content makes an object another one: modes and times go with it.
    pub fn plan(&self) -> Result<Vec<Step>> {
        let mut list = Vec::new();
        for path in &self.steps.removes {
            let removal = self.removal(path);
            match self.steps.makes.get(path).map(|make| make.what) {
                None => {
                    list.push(removal);
                    list.extend(path.parent().and_then(|parent| self.mark(&parent)));
                }
                // A folder and a file of one name are two objects: the one does not take the other's place.
                Some(What::File) if removal.act == Act::Unmark => list.push(removal),
                Some(What::Directory) if removal.act == Act::Remove => list.push(removal),
                Some(_) => {}
            }
        }
        for (path, make) in &self.steps.makes {
            match make.what {
                What::File => {
                    let (size, mode, mtime) = (make.stat.size, make.stat.mode, make.stat.mtime.0);
                    list.push(self.step(path, self.want(path), Act::Put { number: 0, size, mode, mtime }));
                }
                What::Directory => list.extend(self.mark(path)),
                What::Symlink => return Err(self.no_links(path)),
                What::Attributes => {}
            }
        }
        let mut seen = HashSet::new();
        list.retain(|step| step.act != Act::Mark || seen.insert(step.name.clone()));
        Ok(list)
    }

    fn removal(&self, path: &VPathBuf) -> Step {
        match self.before.lstat(&self.whole(path)) {
            Ok(stat) if stat.is_dir() => self.step(path, Want::Anything, Act::Unmark),
            Ok(_) => self.step(path, self.want(path), Act::Remove),
            Err(_) if self.tree.is_own(name(path)) => self.step(path, self.want(path), Act::Remove),
            // A directory that this session made: it may have a mark.
            Err(_) => self.step(path, Want::Anything, Act::Unmark),
        }
    }

    /// A folder that is there and empty would not be there without a mark.
    fn mark(&self, path: &VPathBuf) -> Option<Step> {
        let empty =
            |whole: &str| self.after.read_dir_page(whole, None, 1).is_ok_and(|entries| entries.is_empty());
        let is_empty = !path.is_root() && empty(&self.whole(path));
        is_empty.then(|| self.step(path, Want::Anything, Act::Mark))
    }

    fn want(&self, path: &VPathBuf) -> Want {
        let seen = self.before.lstat(&self.whole(path)).ok().filter(|stat| !stat.is_dir());
        self.tree.want(name(path), seen.map(|stat| stat.ino))
    }

    fn whole(&self, path: &VPathBuf) -> String {
        format!("{}{path}", self.mount.at)
    }

    fn step(&self, path: &VPathBuf, want: Want, act: Act) -> Step {
        Step { name: name(path).into(), want, act }
    }

    fn no_links(&self, path: &VPathBuf) -> Error {
        let (doing, source) = (format!("write {}", self.whole(path)), &self.mount.source);
        let why = format!(
            "{source}/{}: a bucket keeps no symbolic links; write a file there, or discard the link by a rule",
            name(path)
        );
        Error::Bucket { doing, why }
    }
}

fn name(path: &VPathBuf) -> &str {
    path.as_str().trim_start_matches('/')
}
