//! Who says what persists.

use std::fmt;
use std::time::Duration;

use crate::path::VPathBuf;

/// What becomes of a change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is committed.
    Persist,
    /// It is left out.
    Discard,
    /// It is committed, and what is there is removed after this time.
    Expire(Duration),
}

impl Verdict {
    /// Whether it is committed.
    pub fn persists(self) -> bool {
        self != Verdict::Discard
    }
}

/// Judges changes by their final path. The same question always gets the same answer.
pub trait Judge: fmt::Debug {
    /// What becomes of a change at `path`.
    fn verdict(&self, path: &VPathBuf) -> Verdict;

    /// The verdict that covers `path` and everything that could ever be below it, if it is known to be one.
    fn verdict_below(&self, path: &VPathBuf) -> Option<Verdict>;
}

/// The judge who lets everything persist.
#[derive(Clone, Copy, Debug, Default)]
pub struct PersistAll;

impl Judge for PersistAll {
    fn verdict(&self, _: &VPathBuf) -> Verdict {
        Verdict::Persist
    }

    fn verdict_below(&self, _: &VPathBuf) -> Option<Verdict> {
        Some(Verdict::Persist)
    }
}
