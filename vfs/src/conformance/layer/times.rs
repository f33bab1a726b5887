//! Which times move, and which stay.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case};
use crate::layer::Layer;
use crate::node::Stat;

const W: Needs = Needs::WRITES;

pub(super) const CASES: &[Case] = &[
    case("reading_moves_nothing", Needs::READS, tree, reading_moves_nothing),
    case("unlink_moves_the_directory", W, tree, unlink_moves_the_directory),
    case("rmdir_moves_the_directory", W, tree, rmdir_moves_the_directory),
    case("rename_moves_both_directories", W, tree, rename_moves_both_directories),
    case("rename_leaves_mtime_of_what_moves", W, tree, rename_leaves_mtime_of_what_moves),
    case("link_moves_the_directory_only", W.and(Needs::HARD_LINKS), tree, link_moves_the_directory_only),
    case("unlink_changes_the_other_name", W.and(Needs::HARD_LINKS), tree, unlink_changes_the_other_name),
    case("birth_stays", W, tree, birth_stays),
    case("grandparent_stays", W, tree, grandparent_stays),
];

fn tree(layer: &dyn Layer) {
    dir(layer, "d");
    file(layer, "d/f", b"x");
    dir(layer, "d/e");
    dir(layer, "t");
}

fn reading_moves_nothing(layer: &dyn Layer) {
    let before = (stat(layer, "d"), stat(layer, "d/f"));
    content(layer, "d/f");
    list(layer, "d");
    assert_eq!((stat(layer, "d"), stat(layer, "d/f")), before);
}

fn unlink_moves_the_directory(layer: &dyn Layer) {
    age(layer, "d");
    unlink(layer, "d/f").unwrap();
    touched(layer, "d");
}

fn rmdir_moves_the_directory(layer: &dyn Layer) {
    age(layer, "d");
    rmdir(layer, "d/e").unwrap();
    touched(layer, "d");
}

fn rename_moves_both_directories(layer: &dyn Layer) {
    age(layer, "d");
    age(layer, "t");
    rename(layer, "d/f", "t/f").unwrap();
    touched(layer, "d");
    touched(layer, "t");
}

fn rename_leaves_mtime_of_what_moves(layer: &dyn Layer) {
    age(layer, "d/f");
    age(layer, "d");
    let before = (stat(layer, "d/f"), stat(layer, "d"));
    rename(layer, "d/f", "moved").unwrap();
    age(layer, "d");
    rename(layer, "d", "t/d").unwrap();
    untouched(layer, "moved");
    untouched(layer, "t/d");
    assert_eq!((ino(layer, "moved"), ino(layer, "t/d")), (before.0.ino, before.1.ino));
}

fn link_moves_the_directory_only(layer: &dyn Layer) {
    age(layer, "d/f");
    age(layer, "t");
    let before = stat(layer, "d/f");
    link(layer, "d/f", "t/g").unwrap();
    untouched(layer, "d/f");
    touched(layer, "t");
    changed(before, stat(layer, "d/f"));
}

fn unlink_changes_the_other_name(layer: &dyn Layer) {
    link(layer, "d/f", "t/g").unwrap();
    age(layer, "d/f");
    let before = stat(layer, "d/f");
    unlink(layer, "t/g").unwrap();
    untouched(layer, "d/f");
    changed(before, stat(layer, "d/f"));
}

fn changed(before: Stat, after: Stat) {
    assert!(after.version > before.version, "version did not grow");
    assert!(after.ctime >= before.ctime, "ctime went back");
}

fn birth_stays(layer: &dyn Layer) {
    let born = stat(layer, "d/f").btime;
    write(layer, "d/f", 0, b"y");
    age(layer, "d/f");
    rename(layer, "d/f", "t/f").unwrap();
    assert_eq!(stat(layer, "t/f").btime, born);
}

fn grandparent_stays(layer: &dyn Layer) {
    age(layer, "");
    file(layer, "d/new", b"");
    unlink(layer, "d/f").unwrap();
    untouched(layer, "");
}
