//! What does not go together, and what to do about it.

use std::fmt;

use bytes::Bytes;

use crate::node::Ino;
use crate::path::VPathBuf;

/// What two sides did that does not go together.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum MergeConflictKind {
    /// Both changed the content of a file, or the target of a symbolic link.
    Content,
    /// Both changed the mode, the owner or an extended attribute.
    Attributes,
    /// Both put something of their own at one name.
    Added,
    /// Ours removed what theirs changed, moved or added to.
    RemovedHere,
    /// Theirs removed what ours changed, moved or added to.
    RemovedThere,
    /// Both moved it, to different places.
    Moved,
    /// Each moved one directory below the other.
    Loop,
}

impl MergeConflictKind {
    /// One word, as it is shown and written in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            MergeConflictKind::Content => "content",
            MergeConflictKind::Attributes => "attributes",
            MergeConflictKind::Added => "added",
            MergeConflictKind::RemovedHere => "removed_here",
            MergeConflictKind::RemovedThere => "removed_there",
            MergeConflictKind::Moved => "moved",
            MergeConflictKind::Loop => "loop",
        }
    }

    /// Whether new content for the path settles it.
    pub fn takes_content(self) -> bool {
        !matches!(self, MergeConflictKind::Attributes | MergeConflictKind::Moved | MergeConflictKind::Loop)
    }
}

impl fmt::Display for MergeConflictKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MergeConflictKind::Content => "changed on both sides",
            MergeConflictKind::Attributes => "attributes changed on both sides",
            MergeConflictKind::Added => "put there by both sides",
            MergeConflictKind::RemovedHere => "removed in ours, changed in theirs",
            MergeConflictKind::RemovedThere => "changed in ours, removed in theirs",
            MergeConflictKind::Moved => "moved to different places",
            MergeConflictKind::Loop => "directories moved below each other",
        })
    }
}

/// Something that cannot be merged without a decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MergeConflict {
    /// Where: as ours calls it; as theirs does if ours does not have it.
    pub path: VPathBuf,
    /// What does not go together.
    pub what: MergeConflictKind,
    /// More about it, in words.
    pub detail: Option<String>,
    /// The node in the base, if it was there.
    pub base: Option<Ino>,
    /// The node in ours, if it is there.
    pub ours: Option<Ino>,
    /// The node in theirs, if it is there.
    pub theirs: Option<Ino>,
}

impl fmt::Display for MergeConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.what)?;
        self.detail.as_ref().map_or(Ok(()), |detail| write!(f, " ({detail})"))
    }
}

/// How a conflict is settled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Resolution {
    /// As ours has it.
    Ours,
    /// As theirs has it.
    Theirs,
    /// A file with this content.
    Content(Bytes),
}

/// What is decided about a merge beforehand. The same question always gets the same answer.
pub trait MergeRules: fmt::Debug {
    /// How to settle a conflict at `path`; `None` leaves it one.
    fn resolve(&self, path: &VPathBuf, what: MergeConflictKind) -> Option<Resolution>;

    /// The columns that tell the rows of a CSV file apart; `None` merges it by lines.
    fn csv_key(&self, path: &VPathBuf) -> Option<Vec<String>>;
}

/// Nothing is decided: every conflict is one.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRules;

impl MergeRules for NoRules {
    fn resolve(&self, _: &VPathBuf, _: MergeConflictKind) -> Option<Resolution> {
        None
    }

    fn csv_key(&self, _: &VPathBuf) -> Option<Vec<String>> {
        None
    }
}
