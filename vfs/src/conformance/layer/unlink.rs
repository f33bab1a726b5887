//! Removing names of files.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case};
use crate::errno::Errno;
use crate::layer::Layer;

const W: Needs = Needs::WRITES;
const LINKS: Needs = W.and(Needs::HARD_LINKS);

pub(super) const CASES: &[Case] = &[
    case("removes_the_name", W, some, removes_the_name),
    case("leaves_neighbours", W, some, leaves_neighbours),
    case("missing_name_is_enoent", W, some, missing_name_is_enoent),
    case("twice_is_enoent", W, some, twice_is_enoent),
    case("directory_is_eisdir", W, some, directory_is_eisdir),
    case("removed_node_is_estale", W, some, removed_node_is_estale),
    case("symlink_goes_its_target_stays", W.and(Needs::SYMLINKS), a_link, symlink_goes_its_target_stays),
    case("other_names_stay", LINKS, two_names, other_names_stay),
    case("last_name_frees_the_node", LINKS, two_names, last_name_frees_the_node),
];

fn some(layer: &dyn Layer) {
    file(layer, "a", b"a");
    file(layer, "f", b"f");
    file(layer, "z", b"z");
    dir(layer, "d");
    file(layer, "d/f", b"below");
}

fn a_link(layer: &dyn Layer) {
    file(layer, "target", b"kept");
    symlink(layer, "target", "s");
}

fn two_names(layer: &dyn Layer) {
    file(layer, "f", b"shared");
    dir(layer, "d");
    link(layer, "f", "d/g").unwrap();
}

fn removes_the_name(layer: &dyn Layer) {
    unlink(layer, "f").unwrap();
    absent(layer, "f");
    unlink(layer, "d/f").unwrap();
    absent(layer, "d/f");
}

fn leaves_neighbours(layer: &dyn Layer) {
    unlink(layer, "f").unwrap();
    assert_eq!(list(layer, ""), ["a", "d", "z"]);
    holds(layer, "a", b"a");
    holds(layer, "d/f", b"below");
}

fn missing_name_is_enoent(layer: &dyn Layer) {
    age(layer, "");
    fails(unlink(layer, "nothing"), Errno::ENOENT);
    untouched(layer, "");
}

fn twice_is_enoent(layer: &dyn Layer) {
    unlink(layer, "f").unwrap();
    fails(unlink(layer, "f"), Errno::ENOENT);
}

fn directory_is_eisdir(layer: &dyn Layer) {
    fails(unlink(layer, "d"), Errno::EISDIR);
    holds(layer, "d/f", b"below");
}

fn removed_node_is_estale(layer: &dyn Layer) {
    let gone = ino(layer, "f");
    unlink(layer, "f").unwrap();
    fails(layer.getattr(gone), Errno::ESTALE);
    fails(layer.read(gone, 0, 1), Errno::ESTALE);
}

fn symlink_goes_its_target_stays(layer: &dyn Layer) {
    unlink(layer, "s").unwrap();
    absent(layer, "s");
    holds(layer, "target", b"kept");
}

fn other_names_stay(layer: &dyn Layer) {
    unlink(layer, "f").unwrap();
    absent(layer, "f");
    holds(layer, "d/g", b"shared");
    assert_eq!(stat(layer, "d/g").nlink, 1);
    write(layer, "d/g", 0, b"S");
    holds(layer, "d/g", b"Shared");
}

fn last_name_frees_the_node(layer: &dyn Layer) {
    let gone = ino(layer, "f");
    unlink(layer, "d/g").unwrap();
    unlink(layer, "f").unwrap();
    fails(layer.getattr(gone), Errno::ESTALE);
}
