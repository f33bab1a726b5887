//! Commit: what an overlay changed and a judge lets persist, done again on the layer it was taken from.
//!
//! Everything is told by entries: a name that is gone, a name that is there, each judged by its path; and by
//! nodes that have a name before and after. A rename is both a name gone and a name there. [`plan`] says what would
//! be touched, so that conflicts can be looked for; [`apply`] does it.
//!
//! A stage is a plan that has looked at the target: what of it is there already, what stands in the way and stays
//! (then the path is told to be discarded), what stands in the way and will move or go. Nothing is changed before all
//! of that is known.
//!
//! The order on the target: first every name that is to be there, parents first. What stands in the way and is
//! to move or go steps aside, into a directory made for the purpose if it is still needed; so cycles of renames
//! come out right, and the common case moves everything just once. Then contents and attributes, then what is to
//! go, files before directories and the deepest first, and the times of directories last.
//!
//! A renamed directory stays one rename where everything below it persists, as judged by the paths before and
//! after. Elsewhere the directory is *split*: made anew at its new place, its files moved, made or left one by
//! one as their own paths are judged.

mod apply;
#[cfg(feature = "object")]
mod foresee;
mod judge;
pub(crate) mod make;
mod plan;
mod room;
mod stage;
mod target;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;

pub(crate) use self::apply::Apply;
pub(crate) use self::plan::with_stage;
use crate::change::Change;
use crate::errno::NodeResult;
use crate::layer::Layer;
use crate::node::{Ino, NewAttr, Stat};
use crate::overlay::Overlay;
use crate::path::{Name, VPathBuf};
pub use judge::{Judge, PersistAll, Verdict};

/// Which node of the target an overlay's node is, for nodes that earlier commits of a session made.
/// Nodes of the lower layer are the target's under the same number unless it says otherwise.
#[derive(Clone, Debug, Default)]
pub struct InoMap {
    /// `None`: it has a name in the overlay, but the target has no such node (any more).
    known: HashMap<Ino, Option<Ino>>,
}

impl InoMap {
    /// An empty map, for the first commit.
    pub fn new() -> InoMap {
        InoMap::default()
    }

    /// The target's node, if `ino` was noted.
    pub fn get(&self, ino: Ino) -> Option<Ino> {
        self.known.get(&ino).copied().flatten()
    }

    /// Everything that is noted: the overlay's number, and the target's.
    pub fn iter(&self) -> impl Iterator<Item = (Ino, Ino)> {
        self.known.iter().filter_map(|(ino, target)| target.map(|target| (*ino, target)))
    }

    pub(crate) fn learn(&mut self, noted: Noted) {
        self.known.extend(noted.0);
    }

    fn resolve(&self, ino: Ino, is_lower: bool) -> Option<Ino> {
        match self.known.get(&ino) {
            Some(known) => *known,
            None => is_lower.then_some(ino),
        }
    }
}

/// A regular file to be made.
#[derive(Debug)]
pub(crate) struct NewFile {
    pub(crate) name: Name,
    pub(crate) content: Bytes,
    pub(crate) attr: NewAttr,
}

/// A target that can make many files of one directory at a time.
pub(crate) trait Bulk {
    /// Makes them in this order; all of them, or the transaction has to be undone.
    ///
    /// # Errors
    /// As [`Layer::create`].
    fn create_files(&self, dir: Ino, files: &[NewFile]) -> NodeResult<Vec<Stat>>;
}

/// What a commit found out for the next one's [`InoMap`].
#[derive(Debug)]
pub(crate) struct Noted(Vec<(Ino, Option<Ino>)>);

/// What a commit would touch, in the target's numbers.
#[derive(Clone, Debug, Default)]
pub struct Touched {
    /// Entries that come, go or change.
    pub entries: Vec<(Ino, Name)>,
    /// Files whose content changes.
    pub content: Vec<Ino>,
    /// Nodes whose attributes (times aside, but a file's own) or extended attributes change.
    pub attrs: Vec<Ino>,
    /// Directories that are removed or renamed: changes of others below them are lost or misplaced.
    pub gone_dirs: Vec<Ino>,
}

/// What a commit did.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// What persisted, in the order of a tree walk; attributes are the target's.
    pub changes: Vec<Change>,
    /// Paths whose change was discarded: where something is now, or (if it went) was.
    pub discarded: Vec<VPathBuf>,
    /// Paths that persist for a time; of a directory it covers everything below.
    pub expiries: Vec<(VPathBuf, Duration)>,
    /// Nodes that were made: the overlay's number, and the target's. `committed` has them too.
    pub created: Vec<(Ino, Ino)>,
}

/// Says what [`apply`] would touch. `before` is the overlay as it was at the session's last commit, if
/// there was one; `committed` is what `apply` noted then.
///
/// # Errors
/// Those of both layers; `ENAMETOOLONG` if a path has become too long to be one.
pub fn plan(
    before: Option<&Overlay>,
    after: &Overlay,
    committed: &InoMap,
    target: &dyn Layer,
    judge: &dyn Judge,
) -> NodeResult<Touched> {
    with_stage((before, after), committed, target, judge, |stage| stage.touched())
}

/// Does on `target` what `after` changed (since `before`, if there was a commit before) and the judge lets
/// persist. The lower layer of the overlay is an earlier state of `target`, with the same numbers; that nothing it
/// touches has changed meanwhile is the caller's to check. Run it in a `batch`: an error leaves it half done.
/// `committed` is brought up to date; after an error it is as it was.
///
/// # Errors
/// Those of both layers; `ENAMETOOLONG` if a path has become too long to be one.
pub fn apply(
    before: Option<&Overlay>,
    after: &Overlay,
    committed: &mut InoMap,
    target: &dyn Layer,
    judge: &dyn Judge,
) -> NodeResult<Applied> {
    let (applied, noted) =
        with_stage((before, after), committed, target, judge, |stage| Apply::new(stage, after, None).run())?;
    committed.learn(noted);
    Ok(applied)
}
