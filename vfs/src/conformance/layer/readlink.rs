//! Reading symbolic links.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case};
use crate::layer::Layer;

const READS: Needs = Needs::READS.and(Needs::SYMLINKS);
const W: Needs = Needs::WRITES.and(Needs::SYMLINKS);

pub(super) const CASES: &[Case] = &[
    case("returns_the_target_as_written", READS, links, returns_the_target_as_written),
    case("size_is_the_length_of_the_target", READS, links, size_is_the_length_of_the_target),
    case("lookup_does_not_follow", READS, links, lookup_does_not_follow),
    case("rename_keeps_the_target", W, links, rename_keeps_the_target),
    case("can_have_several_names", W.and(Needs::HARD_LINKS), links, can_have_several_names),
];

const TARGETS: [(&str, &str); 5] = [
    ("relative", "d/f"),
    ("absolute", "/d//f/../x"),
    ("dangling", "no/where"),
    ("self", "self"),
    ("unicode", "\u{1f41a}/\u{e9}"),
];

fn links(layer: &dyn Layer) {
    dir(layer, "d");
    for (path, target) in TARGETS {
        symlink(layer, target, path);
    }
}

fn returns_the_target_as_written(layer: &dyn Layer) {
    for (path, target) in TARGETS {
        assert_eq!(layer.readlink(ino(layer, path)).unwrap(), target);
    }
}

fn size_is_the_length_of_the_target(layer: &dyn Layer) {
    for (path, target) in TARGETS {
        assert_eq!(stat(layer, path).size, target.len() as u64);
    }
}

fn lookup_does_not_follow(layer: &dyn Layer) {
    for (path, _) in TARGETS {
        assert!(layer.lookup(layer.root(), &name(path)).unwrap().is_symlink());
    }
}

fn rename_keeps_the_target(layer: &dyn Layer) {
    rename(layer, "relative", "d/moved").unwrap();
    assert_eq!(layer.readlink(ino(layer, "d/moved")).unwrap(), "d/f");
}

fn can_have_several_names(layer: &dyn Layer) {
    link(layer, "dangling", "d/second").unwrap();
    unlink(layer, "dangling").unwrap();
    assert_eq!(layer.readlink(ino(layer, "d/second")).unwrap(), "no/where");
}
