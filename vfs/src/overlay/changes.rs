//! The changes of an overlay as a list of paths.

use std::collections::{HashMap, HashSet};

use super::Overlay;
use super::diff::{Diff, Differ, Mod, Pair, Step};
use super::places::tree_order;
use super::tree::View;
use crate::change::{Change, ChangeKind};
use crate::errno::NodeResult;
use crate::node::{FileType, Ino};
use crate::path::VPathBuf;

impl Overlay {
    /// What differs from the lower layer, path by path, in the order of a tree walk.
    ///
    /// # Errors
    /// Those of reading the lower layer; `ENAMETOOLONG` if a path has become too long to be one.
    pub fn changes(&self) -> NodeResult<Vec<Change>> {
        self.changes_since(None)
    }

    /// What differs from an earlier fork of this overlay; `None` stands for the lower layer.
    ///
    /// # Errors
    /// As [`changes`](Overlay::changes).
    pub fn changes_since(&self, before: Option<&Overlay>) -> NodeResult<Vec<Change>> {
        let pair = Pair::of(before, self);
        let base = self.store.base();
        let differ = Differ::new(View { tree: &pair.before, base }, View { tree: &pair.after, base })?;
        Listing { differ: &differ, out: Vec::new() }.list(differ.diff()?)
    }
}

struct Listing<'a> {
    differ: &'a Differ<'a>,
    out: Vec<Change>,
}

impl Listing<'_> {
    fn list(mut self, mut diff: Diff) -> NodeResult<Vec<Change>> {
        diff.removed.sort_by(|a, b| tree_order(&a.path, &b.path));
        diff.added.sort_by(|a, b| tree_order(&a.path, &b.path));
        let mods: HashMap<Ino, Mod> = diff.modified.iter().map(|found| (found.ino, *found)).collect();
        let mut left: HashMap<Ino, Vec<Step>> = HashMap::new();
        for step in diff.removed.into_iter().rev() {
            left.entry(step.node).or_default().push(step);
        }
        for step in diff.added {
            let from = left.get_mut(&step.node).and_then(Vec::pop);
            self.arrived(&step, from, mods.get(&step.node))?;
        }
        for step in left.into_values().flatten() {
            let before = Some(self.differ.before.stat(step.node)?);
            let content = has_content(step.kind);
            self.out.push(Change {
                path: step.path,
                kind: ChangeKind::Removed,
                from: None,
                before,
                after: None,
                content,
            });
        }
        let said: HashSet<VPathBuf> = self
            .out
            .iter()
            .filter(|change| change.after.is_some())
            .map(|change| change.path.clone())
            .collect();
        for found in mods.values() {
            self.modified(found, &said)?;
        }
        self.out.sort_by(|a, b| tree_order(&a.path, &b.path).then(rank(a.kind).cmp(&rank(b.kind))));
        Ok(merge_replaced(self.out))
    }

    fn arrived(&mut self, step: &Step, from: Option<Step>, found: Option<&Mod>) -> NodeResult<()> {
        let after = Some(self.differ.after.stat(step.node)?);
        let change = match from {
            Some(from) => Change {
                path: step.path.clone(),
                kind: ChangeKind::Renamed,
                from: Some(from.path),
                before: Some(self.differ.before.stat(step.node)?),
                after,
                content: found.is_some_and(|found| found.content),
            },
            None => Change {
                path: step.path.clone(),
                kind: ChangeKind::Added,
                from: None,
                before: None,
                after,
                content: has_content(step.kind),
            },
        };
        self.out.push(change);
        Ok(())
    }

    /// Says of every name of a node that it changed, unless the name itself was said to be new.
    fn modified(&mut self, found: &Mod, said: &HashSet<VPathBuf>) -> NodeResult<()> {
        let before = self.differ.before.stat(found.ino)?;
        let after = self.differ.after.stat(found.ino)?;
        for path in self.differ.places_after.paths(found.ino, found.kind)? {
            if !said.contains(&path) {
                self.out.push(Change {
                    path,
                    kind: ChangeKind::Modified,
                    from: None,
                    before: Some(before),
                    after: Some(after),
                    content: found.content,
                });
            }
        }
        Ok(())
    }
}

fn has_content(kind: FileType) -> bool {
    matches!(kind, FileType::Regular | FileType::Symlink)
}

/// At one path, what went comes before what came.
fn rank(kind: ChangeKind) -> u8 {
    u8::from(kind != ChangeKind::Removed)
}

/// A path that lost one node and got another of the same kind was modified.
pub(crate) fn merge_replaced(changes: Vec<Change>) -> Vec<Change> {
    let mut out: Vec<Change> = Vec::with_capacity(changes.len());
    for change in changes {
        let kinds = |change: &Change| change.before.or(change.after).map(|stat| stat.kind);
        let replaces = out.last().is_some_and(|last| {
            last.path == change.path
                && (last.kind, change.kind) == (ChangeKind::Removed, ChangeKind::Added)
                && kinds(last) == kinds(&change)
        });
        if !replaces {
            out.push(change);
            continue;
        }
        let last = out.pop().expect("there is one");
        let attrs = |change: &Change| change.before.or(change.after).map(|s| (s.mode, s.uid, s.gid));
        let is_dir = kinds(&change) == Some(FileType::Directory);
        if !is_dir || attrs(&last) != attrs(&change) {
            out.push(Change { kind: ChangeKind::Modified, before: last.before, content: !is_dir, ..change });
        }
    }
    out
}
