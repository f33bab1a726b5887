//! The rules of a filesystem as a table of cases, for whoever brings a [`Layer`] of their own.
//!
//! A case makes its fixture in `setup` and checks one rule in `run`; either panics with a message where
//! something is not as it should be. The two may see different layers of one tree: for an overlay, `setup`
//! can fill the lower one and `run` work on the upper. Nothing is handed from one to the other but names.
//!
//! ```
//! use cowry_vfs::conformance::layer_groups;
//! use cowry_vfs::{Layer, MemoryLayer};
//!
//! for group in layer_groups() {
//!     for case in group.cases {
//!         let layer = MemoryLayer::new();
//!         if case.needs.unmet(&layer.features()).is_none() {
//!             (case.setup)(&layer);
//!             (case.run)(&layer);
//!         }
//!     }
//! }
//! ```

mod kit;
mod layer;
mod paths;

use std::sync::Arc;

use crate::clock::ManualClock;
use crate::fs::{Vfs, VfsOptions};
use crate::layer::Layer;
use crate::node::Features;

pub use layer::groups as layer_groups;
pub use paths::groups as vfs_groups;

/// What fills a layer before a case runs.
pub type Setup = fn(&dyn Layer);

/// One rule of a layer.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The rule, as an identifier.
    pub name: &'static str,
    /// What the layer must be able to do.
    pub needs: Needs,
    /// Makes the fixture.
    pub setup: Setup,
    /// Checks the rule.
    pub run: fn(&dyn Layer),
}

/// One rule of paths, handles or mounts, over a layer.
#[derive(Clone, Copy, Debug)]
pub struct VfsCase {
    /// The rule, as an identifier.
    pub name: &'static str,
    /// What the layer must be able to do.
    pub needs: Needs,
    /// Makes the fixture.
    pub setup: fn(&Vfs),
    /// Checks the rule.
    pub run: fn(&Vfs),
}

/// Cases about one operation or one family of errors.
#[derive(Clone, Copy, Debug)]
pub struct Group<C: 'static> {
    /// What they are about.
    pub name: &'static str,
    /// The cases.
    pub cases: &'static [C],
}

/// The filesystem that cases of paths run on: uid and gid 1000, umask 022, no checks, a clock that stands
/// at one billion seconds.
pub fn vfs_over(layer: Arc<dyn Layer>) -> Vfs {
    let clock = ManualClock::new(kit::NOW);
    Vfs::new(layer, VfsOptions { clock, ..VfsOptions::default() })
}

/// What a case needs of a layer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Needs(u32);

impl Needs {
    /// Nothing: the case only reads.
    pub const READS: Needs = Needs(0);
    /// That it can be written.
    pub const WRITES: Needs = Needs(1);
    /// That it cannot.
    pub const READ_ONLY: Needs = Needs(1 << 1);
    /// Hard links.
    pub const HARD_LINKS: Needs = Needs(1 << 2);
    /// Symbolic links.
    pub const SYMLINKS: Needs = Needs(1 << 3);
    /// Extended attributes.
    pub const XATTRS: Needs = Needs(1 << 4);
    /// FIFOs, sockets, devices.
    pub const SPECIAL: Needs = Needs(1 << 5);
    /// Holes.
    pub const SPARSE: Needs = Needs(1 << 6);
    /// Modes and owners.
    pub const OWNERSHIP: Needs = Needs(1 << 7);
    /// Rename without replacing, and exchange.
    pub const RENAME_MODES: Needs = Needs(1 << 8);
    /// Batches that undo.
    pub const TRANSACTIONS: Needs = Needs(1 << 9);
    /// That it has no extended attributes.
    pub const NO_XATTRS: Needs = Needs(1 << 10);
    /// That it has no special nodes.
    pub const NO_SPECIAL: Needs = Needs(1 << 11);
    /// That it has no hard links.
    pub const NO_HARD_LINKS: Needs = Needs(1 << 12);
    /// That it has no symbolic links.
    pub const NO_SYMLINKS: Needs = Needs(1 << 13);

    /// Both.
    #[must_use]
    pub const fn and(self, other: Needs) -> Needs {
        Needs(self.0 | other.0)
    }

    /// The first thing that a layer with these features lacks.
    pub fn unmet(self, features: &Features) -> Option<&'static str> {
        let table = [
            (Needs::WRITES, features.writable, "writing"),
            (Needs::READ_ONLY, !features.writable, "being read-only"),
            (Needs::HARD_LINKS, features.hard_links, "hard links"),
            (Needs::SYMLINKS, features.symlinks, "symbolic links"),
            (Needs::XATTRS, features.xattrs, "extended attributes"),
            (Needs::SPECIAL, features.special_nodes, "special nodes"),
            (Needs::SPARSE, features.sparse, "holes"),
            (Needs::OWNERSHIP, features.ownership, "modes and owners"),
            (Needs::RENAME_MODES, features.rename_modes, "rename modes"),
            (Needs::TRANSACTIONS, features.transactions, "transactions"),
            (Needs::NO_XATTRS, !features.xattrs, "no extended attributes"),
            (Needs::NO_SPECIAL, !features.special_nodes, "no special nodes"),
            (Needs::NO_HARD_LINKS, !features.hard_links, "no hard links"),
            (Needs::NO_SYMLINKS, !features.symlinks, "no symbolic links"),
        ];
        let lacking = |(need, met, _): &&(Needs, bool, &str)| self.0 & need.0 != 0 && !met;
        table.iter().find(lacking).map(|(_, _, name)| *name)
    }

    /// What the fixture needs of the layer it is made in, which is written even for cases that only read.
    #[must_use]
    pub const fn of_fixture(self) -> Needs {
        Needs(self.0 & !Needs::READ_ONLY.0 | Needs::WRITES.0)
    }
}

const fn case(name: &'static str, needs: Needs, setup: Setup, run: fn(&dyn Layer)) -> Case {
    Case { name, needs, setup, run }
}

const fn vfs_case(name: &'static str, needs: Needs, setup: fn(&Vfs), run: fn(&Vfs)) -> VfsCase {
    VfsCase { name, needs, setup, run }
}

fn nothing(_: &dyn Layer) {}

fn no_files(_: &Vfs) {}
