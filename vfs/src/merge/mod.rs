//! Three-way merge: what theirs changed since the base, done to ours as well.
//!
//! The three trees are layers whose nodes are related by [`Kin`], so that a rename is seen as one and a changed file
//! is found wherever the other side moved it. The result is an overlay over ours: nothing is changed until somebody
//! commits it, and looking at it is a dry run.
//!
//! Sides are compared by entries and nodes. First theirs' removals are done and what theirs moved steps aside, the
//! deepest first; then everything comes to its place, parents first; then contents and attributes are merged, field
//! by field. What only one side changed is taken. What both changed alike is no conflict. What does not go together
//! is told as a [`MergeConflict`], unless [`MergeRules`] settle it.
//!
//! Contents are merged by lines; those of `.json` by keys; those of files whose rules name a key by rows of a CSV. A
//! file that is larger than [`MERGE_MAX`] or holds a NUL is taken or left as a whole.

mod attach;
mod compare;
mod conflict;
mod content;
mod csv;
mod detach;
mod fields;
mod ground;
mod json;
mod kin;
mod nodes;
#[cfg(test)]
mod tests;
mod text;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::errno::{NodeError, NodeResult};
use crate::layer::Layer;
use crate::node::Ino;
use crate::overlay::{Overlay, OverlayOptions};
use crate::path::VPathBuf;
use compare::Side;
use ground::Limbo;

pub use compare::Scope;
pub use conflict::{MergeConflict, MergeConflictKind, MergeRules, NoRules, Resolution};
pub use content::{MERGE_MAX, Method};
pub use kin::Kin;

/// What to merge.
#[derive(Debug)]
pub struct Merge<'a> {
    /// What both sides started from.
    pub base: Arc<dyn Layer>,
    /// What the result is made of, and how its nodes are related to the base's.
    pub ours: (Arc<dyn Layer>, Kin),
    /// Whose changes are brought over, and how its nodes are related to the base's.
    pub theirs: (Arc<dyn Layer>, Kin),
    /// Where to look for what ours changed.
    pub our_scope: Scope<'a>,
    /// Where to look for what theirs changed.
    pub their_scope: Scope<'a>,
    /// What is decided already.
    pub rules: &'a dyn MergeRules,
}

/// Why there is no result, not even conflicts.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// The rows of a CSV file cannot be told apart by a column that none of the three has.
    #[error("{path} has no column {column:?}: name one of its header for its rows to be told apart by")]
    NoColumn {
        /// The file.
        path: VPathBuf,
        /// The column.
        column: String,
    },
    /// A tree could not be read, or the result not be held.
    #[error(transparent)]
    Node(#[from] NodeError),
}

/// A merge that was done, but for its conflicts.
#[derive(Debug)]
pub struct Merged {
    /// The result, over ours. Where there is a conflict it is as ours has it.
    pub overlay: Overlay,
    /// What was not settled, in path order. While there is any, the result is nothing to commit.
    pub conflicts: Vec<MergeConflict>,
    /// What was a conflict and was settled by the rules.
    pub resolved: Vec<(MergeConflict, Resolution)>,
    /// Files that both changed and that were put together, and how.
    pub combined: Vec<(VPathBuf, Method)>,
    /// Nodes of theirs and what they are in the result, where equal numbers do not tell: what a later merge of the
    /// two has to know.
    pub pairs: Vec<(Ino, Ino)>,
}

impl Merge<'_> {
    /// Merges. `options` are the result's.
    ///
    /// # Errors
    /// [`MergeError::NoColumn`]; [`MergeError::Node`] if a tree cannot be read or the overlay is full.
    pub fn run(self, options: OverlayOptions) -> Result<Merged, MergeError> {
        let Merge { base, ours, theirs, our_scope, their_scope, rules } = self;
        let merged = Overlay::new(ours.0.clone(), options);
        let merger = Merger {
            our: Side::compare(&*base, &*ours.0, ours.1, our_scope)?,
            their: Side::compare(&*base, &*theirs.0, theirs.1, their_scope)?,
            base: &*base,
            merged: &merged,
            rules,
            known: HashMap::new(),
            taken: HashSet::new(),
            skipped: HashSet::new(),
            sheltered: HashSet::new(),
            kept: HashSet::new(),
            told: HashSet::new(),
            said: HashSet::new(),
            limbo: Limbo::default(),
            conflicts: Vec::new(),
            resolved: Vec::new(),
            combined: Vec::new(),
        };
        let outcome = merger.run()?;
        let Outcome { mut conflicts, resolved, combined, pairs } = outcome;
        conflicts.sort_by(|a, b| crate::overlay::places::tree_order(&a.path, &b.path));
        Ok(Merged { overlay: merged, conflicts, resolved, combined, pairs })
    }
}

/// A merge being done.
struct Merger<'a> {
    base: &'a dyn Layer,
    our: Side<'a>,
    their: Side<'a>,
    /// Starts as ours; nodes that ours has keep their numbers.
    merged: &'a Overlay,
    rules: &'a dyn MergeRules,
    /// Nodes of theirs that were made here or found to be one of ours.
    known: HashMap<Ino, Ino>,
    /// What they are in the result.
    taken: HashSet<Ino>,
    /// Directories of theirs that do not come, so nothing below them does.
    skipped: HashSet<Ino>,
    /// Directories of the base that theirs removed and that stay with everything in them.
    sheltered: HashSet<Ino>,
    /// Nodes of the result that stay although theirs removed what they are in.
    kept: HashSet<Ino>,
    /// Nodes of the base about which a conflict was told that covers what else theirs did to them.
    told: HashSet<Ino>,
    /// The conflicts that were told.
    said: HashSet<(VPathBuf, MergeConflictKind)>,
    limbo: Limbo,
    conflicts: Vec<MergeConflict>,
    resolved: Vec<(MergeConflict, Resolution)>,
    combined: Vec<(VPathBuf, Method)>,
}

struct Outcome {
    conflicts: Vec<MergeConflict>,
    resolved: Vec<(MergeConflict, Resolution)>,
    combined: Vec<(VPathBuf, Method)>,
    pairs: Vec<(Ino, Ino)>,
}

impl Merger<'_> {
    fn run(mut self) -> Result<Outcome, MergeError> {
        self.detach()?;
        self.attach()?;
        self.change()?;
        self.set_times()?;
        let pairs = self.pairs()?;
        let Merger { conflicts, resolved, combined, .. } = self;
        Ok(Outcome { conflicts, resolved, combined, pairs })
    }

    /// Which nodes of theirs are which of the result, where the numbers do not tell.
    fn pairs(&self) -> NodeResult<Vec<(Ino, Ino)>> {
        let mut pairs: BTreeMap<Ino, Ino> = BTreeMap::new();
        for base in self.our.kin.told().chain(self.their.kin.told()) {
            if let (Some(theirs), Some(here)) = (self.their.node(base)?, self.of_base(base)?) {
                pairs.insert(theirs.ino, here.ino);
            }
        }
        for (theirs, here) in &self.known {
            if self.node(*here)?.is_some() {
                pairs.insert(*theirs, *here);
            }
        }
        Ok(pairs.into_iter().collect())
    }

    fn know(&mut self, theirs: Ino, here: Ino) {
        self.known.insert(theirs, here);
        self.taken.insert(here);
    }

    /// Tells a conflict and returns how it is to be settled, if that was decided. One that was told before, about
    /// another name of the same file, is not told again.
    fn clash(&mut self, conflict: MergeConflict) -> Option<Resolution> {
        let resolution = self.rules.resolve(&conflict.path, conflict.what);
        if !self.said.insert((conflict.path.clone(), conflict.what)) {
            return resolution;
        }
        match &resolution {
            Some(resolution) => self.resolved.push((conflict, resolution.clone())),
            None => self.conflicts.push(conflict),
        }
        resolution
    }

    /// Tells a conflict about a node of the base.
    fn clash_on(
        &mut self,
        base: Ino,
        what: MergeConflictKind,
        detail: Option<String>,
    ) -> NodeResult<Option<Resolution>> {
        let (ours, theirs) = (self.our.node(base)?, self.their.node(base)?);
        let (ours, theirs) = (ours.map(|stat| stat.ino), theirs.map(|stat| stat.ino));
        let path = match (ours, theirs) {
            (Some(ours), _) => self.path_here(ours, base)?,
            (None, Some(theirs)) => self.their.path(theirs)?,
            (None, None) => VPathBuf::root(),
        };
        Ok(self.clash(MergeConflict { path, what, detail, base: Some(base), ours, theirs }))
    }

    /// Where ours has a node of the base. What one of the two comparisons did not have to look at the other saw.
    fn path_here(&self, ours: Ino, base: Ino) -> NodeResult<VPathBuf> {
        let mut names = Vec::new();
        let (mut ours, mut base) = (ours, base);
        loop {
            if let Some(come) = self.our.names_of(ours).next() {
                let path = come.path.clone();
                return Ok(names.into_iter().rev().fold(path, |path: VPathBuf, name| path.join(&name)));
            }
            let place = self.our.base_place(base).or_else(|| self.their.base_place(base)).cloned();
            let Some((parent, name)) = place else { break };
            names.push(name);
            base = parent;
            let Some(dir) = self.our.kin.to(base)? else { break };
            ours = dir;
        }
        Ok(names.into_iter().rev().fold(VPathBuf::root(), |path, name| path.join(&name)))
    }
}
