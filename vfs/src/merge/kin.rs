//! Which node of one tree is which of another.

use std::collections::HashMap;
use std::sync::Arc;

use crate::errno::{Errno, NodeResult};
use crate::layer::Layer;
use crate::node::{Ino, Stat};

/// Tells which node of a side a node of the base is.
///
/// A number means the same in both where a tree that both go back to has it: numbers are never used again. What
/// was made on each side since is told by pairs.
#[derive(Clone, Debug)]
pub struct Kin {
    common: Arc<dyn Layer>,
    to: HashMap<Ino, Ino>,
    back: HashMap<Ino, Ino>,
}

impl Kin {
    /// Nodes that `common` has are the same under the same number in both trees; others have nothing in common.
    pub fn through(common: Arc<dyn Layer>) -> Kin {
        Kin { common, to: HashMap::new(), back: HashMap::new() }
    }

    /// The same, and these pairs of a node of the base and a node of the side besides.
    #[must_use]
    pub fn with(mut self, pairs: impl IntoIterator<Item = (Ino, Ino)>) -> Kin {
        pairs.into_iter().for_each(|(base, side)| self.pair(base, side));
        self
    }

    pub(super) fn pair(&mut self, base: Ino, side: Ino) {
        self.to.insert(base, side);
        self.back.insert(side, base);
    }

    /// Nodes of the base that are told by pairs.
    pub(super) fn told(&self) -> impl Iterator<Item = Ino> {
        self.to.keys().copied()
    }

    /// The side's number for a node of the base, whether or not it still has the node.
    pub(super) fn to(&self, base: Ino) -> NodeResult<Option<Ino>> {
        match self.to.get(&base) {
            Some(side) => Ok(Some(*side)),
            None => Ok(find(&*self.common, base)?.map(|_| base).filter(|side| !self.back.contains_key(side))),
        }
    }

    /// The base's number for a node of the side, whether or not it still has the node.
    pub(super) fn back(&self, side: Ino) -> NodeResult<Option<Ino>> {
        match self.back.get(&side) {
            Some(base) => Ok(Some(*base)),
            None => Ok(find(&*self.common, side)?.map(|_| side).filter(|base| !self.to.contains_key(base))),
        }
    }
}

/// A node that is there and has a name.
pub(super) fn find(layer: &dyn Layer, ino: Ino) -> NodeResult<Option<Stat>> {
    match layer.getattr(ino) {
        Ok(stat) => Ok(Some(stat).filter(|stat| stat.nlink > 0)),
        Err(error) if error == Errno::ESTALE => Ok(None),
        Err(error) => Err(error),
    }
}
