//! Attributes.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case};
use crate::layer::Layer;

pub(super) const CASES: &[Case] = &[
    case("agrees_with_lookup_and_readdir", Needs::READS, family, agrees_with_lookup_and_readdir),
    case("inode_numbers_differ", Needs::READS, family, inode_numbers_differ),
    case("inode_numbers_fit_the_declared_bits", Needs::READS, family, numbers_fit),
    case("asking_changes_nothing", Needs::READS, family, asking_changes_nothing),
    case("directory_counts_its_subdirectories", Needs::READS, family, directory_counts_its_subdirectories),
    case("directory_has_no_size", Needs::READS, family, directory_has_no_size),
];

fn family(layer: &dyn Layer) {
    file(layer, "a", b"one");
    file(layer, "b", b"two");
    dir(layer, "d");
    dir(layer, "d/e");
    dir(layer, "d/f");
    file(layer, "d/g", b"three");
}

fn agrees_with_lookup_and_readdir(layer: &dyn Layer) {
    for entry in layer.readdir(layer.root(), None, 10).unwrap() {
        assert_eq!(layer.getattr(entry.stat.ino).unwrap(), entry.stat);
        assert_eq!(layer.lookup(layer.root(), &entry.name).unwrap(), entry.stat);
    }
}

fn inode_numbers_differ(layer: &dyn Layer) {
    let mut seen: Vec<_> = ["a", "b", "d", "d/e", "d/f", "d/g", ""].map(|path| ino(layer, path)).into();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 7);
}

fn numbers_fit(layer: &dyn Layer) {
    let bits = u32::from(layer.features().ino_bits);
    for path in ["a", "b", "d", "d/e", "d/g", ""] {
        let ino = ino(layer, path).0;
        assert!(bits >= 64 || ino >> bits == 0, "{ino} does not fit {bits} bits");
    }
}

fn asking_changes_nothing(layer: &dyn Layer) {
    let before = stat(layer, "a");
    content(layer, "a");
    list(layer, "d");
    let after = stat(layer, "a");
    assert_eq!((before.mtime, before.ctime, before.version), (after.mtime, after.ctime, after.version));
}

fn directory_counts_its_subdirectories(layer: &dyn Layer) {
    assert_eq!(stat(layer, "d").nlink, 4);
    assert_eq!(stat(layer, "d/e").nlink, 2);
    assert_eq!(stat(layer, "a").nlink, 1);
}

fn directory_has_no_size(layer: &dyn Layer) {
    assert_eq!(stat(layer, "d").size, 0);
}
