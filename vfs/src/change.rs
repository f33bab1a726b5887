//! What differs between two states of a tree.

use crate::node::Stat;
use crate::path::VPathBuf;

/// How a path changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub enum ChangeKind {
    /// It is there now and was not.
    Added,
    /// It was there and is not now.
    Removed,
    /// Content, attributes or both differ.
    Modified,
    /// The same node was at `from` before; content or attributes may differ as well.
    Renamed,
}

/// One path that differs. A removed or added directory is followed by everything below it;
/// a renamed directory stands for its whole unchanged subtree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// Where it is now (of a removal: where it was).
    pub path: VPathBuf,
    /// How it changed.
    pub kind: ChangeKind,
    /// Where it was, if it was renamed.
    pub from: Option<VPathBuf>,
    /// Its attributes before.
    pub before: Option<Stat>,
    /// Its attributes now.
    pub after: Option<Stat>,
    /// Whether the content differs (regular files and symbolic links).
    pub content: bool,
}
