//! What the kernel knows: the inodes that it may ask for by number, and where it last saw them.
//!
//! The kernel counts how often it was told of an inode and says when it forgets it. An inode that it knows is held open
//! on the layer from the moment that its last name goes, so that open files stay readable; holding every one open from the
//! start would cost each lookup a lock.

use std::collections::HashMap;

use crate::node::{Ino, Stat};
use crate::path::Name;

/// The inodes that the kernel knows.
#[derive(Default, Debug)]
pub(super) struct Known {
    inodes: HashMap<Ino, Seen>,
}

#[derive(Debug)]
struct Seen {
    /// How often the kernel was told of it and has not forgotten it.
    lookups: u64,
    /// Whether it is held open on the layer.
    pinned: bool,
    /// Its version when the kernel was last told its attributes.
    version: u64,
    /// One of its names.
    place: Option<(Ino, Name)>,
}

/// What the kernel believes of an inode.
pub(super) struct Belief {
    pub(super) ino: Ino,
    pub(super) version: u64,
    pub(super) place: Option<(Ino, Name)>,
}

impl Known {
    /// The kernel is told of an inode by name.
    pub(super) fn tell(&mut self, stat: &Stat, parent: Ino, name: &Name) {
        let place = Some((parent, name.clone()));
        let seen = self.inodes.entry(stat.ino).or_insert(Seen {
            lookups: 0,
            pinned: false,
            version: 0,
            place: None,
        });
        seen.lookups += 1;
        (seen.version, seen.place) = (stat.version, place);
    }

    /// The kernel is told the attributes of an inode.
    pub(super) fn refresh(&mut self, stat: &Stat) {
        if let Some(seen) = self.inodes.get_mut(&stat.ino) {
            seen.version = stat.version;
        }
    }

    /// The kernel moved an inode to another name.
    pub(super) fn moved(&mut self, ino: Ino, parent: Ino, name: &Name) {
        if let Some(seen) = self.inodes.get_mut(&ino) {
            seen.place = Some((parent, name.clone()));
        }
    }

    /// The kernel forgets an inode so many times. Says whether it now has to be released on the layer.
    pub(super) fn forget(&mut self, ino: Ino, times: u64) -> bool {
        let Some(seen) = self.inodes.get_mut(&ino) else { return false };
        seen.lookups = seen.lookups.saturating_sub(times);
        seen.lookups == 0 && self.inodes.remove(&ino).is_some_and(|seen| seen.pinned)
    }

    /// Marks an inode as held open. Says whether it now has to be: the kernel knows it and it was not before.
    pub(super) fn pin(&mut self, ino: Ino) -> bool {
        self.inodes.get_mut(&ino).is_some_and(|seen| !std::mem::replace(&mut seen.pinned, true))
    }

    /// Everything that the kernel believes.
    pub(super) fn beliefs(&self) -> Vec<Belief> {
        let belief = |(ino, seen): (&Ino, &Seen)| Belief {
            ino: *ino,
            version: seen.version,
            place: seen.place.clone(),
        };
        self.inodes.iter().map(belief).collect()
    }

    /// The inodes held open, which the end of the mount releases.
    pub(super) fn drain_pinned(&mut self) -> Vec<Ino> {
        self.inodes.drain().filter(|(_, seen)| seen.pinned).map(|(ino, _)| ino).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::Layer;
    use crate::memory::MemoryLayer;

    fn told(times: usize) -> (Known, Ino) {
        let layer = MemoryLayer::new();
        let stat = layer.getattr(layer.root()).expect("the root is there");
        let mut known = Known::default();
        let name = Name::new("a").expect("a name");
        (0..times).for_each(|_| known.tell(&stat, stat.ino, &name));
        (known, stat.ino)
    }

    #[test]
    fn an_inode_is_known_until_it_was_forgotten_as_often_as_told() {
        let (mut known, ino) = told(3);
        assert!(known.pin(ino));
        assert!(!known.forget(ino, 2));
        assert_eq!(known.beliefs().len(), 1);
        assert!(known.forget(ino, 1), "the pin is to be released");
        assert!(known.beliefs().is_empty());
    }

    #[test]
    fn an_inode_is_pinned_once() {
        let (mut known, ino) = told(1);
        assert!(known.pin(ino));
        assert!(!known.pin(ino));
        assert!(!known.pin(Ino(77)), "the kernel does not know it");
    }

    #[test]
    fn one_that_was_not_pinned_needs_no_release() {
        let (mut known, ino) = told(1);
        assert!(!known.forget(ino, 1));
        assert!(known.drain_pinned().is_empty());
    }
}
