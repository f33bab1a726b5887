//! Hard links.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case};
use crate::errno::Errno;
use crate::layer::Layer;

const L: Needs = Needs::WRITES.and(Needs::HARD_LINKS);

pub(super) const CASES: &[Case] = &[
    case("is_the_same_node", L, a_file, is_the_same_node),
    case("in_another_directory", L, a_file, in_another_directory),
    case("counts_names", L, a_file, counts_names),
    case("taken_name_is_eexist", L, a_file, taken_name_is_eexist),
    case("its_own_name_is_eexist", L, a_file, its_own_name_is_eexist),
    case("of_a_directory_is_eperm", L, a_file, of_a_directory_is_eperm),
    case("of_a_symlink_is_of_the_link_itself", L.and(Needs::SYMLINKS), a_link, of_a_symlink),
    case("each_name_can_be_renamed", L, two_names, each_name_can_be_renamed),
    case("survive_in_what_was_there_before", Needs::READS.and(Needs::HARD_LINKS), two_names, survive),
    case("growing_through_one_shows_in_the_other", L, two_names, growing_through_one),
    case("replacing_one_leaves_the_other", L, two_names, replacing_one_leaves_the_other),
    case("of_what_lost_its_last_name_is_enoent", L, a_file, of_what_lost_its_last_name),
];

fn a_file(layer: &dyn Layer) {
    file(layer, "f", b"content");
    file(layer, "other", b"other");
    dir(layer, "d");
}

fn a_link(layer: &dyn Layer) {
    file(layer, "target", b"content");
    symlink(layer, "target", "s");
}

fn two_names(layer: &dyn Layer) {
    a_file(layer);
    link(layer, "f", "d/g").unwrap();
}

fn is_the_same_node(layer: &dyn Layer) {
    let made = link(layer, "f", "g").unwrap();
    assert_eq!(made.ino, ino(layer, "f"));
    assert_eq!(stat(layer, "g"), stat(layer, "f"));
    holds(layer, "g", b"content");
}

fn in_another_directory(layer: &dyn Layer) {
    link(layer, "f", "d/g").unwrap();
    assert_eq!(ino(layer, "d/g"), ino(layer, "f"));
    assert_eq!(list(layer, "d"), ["g"]);
}

fn counts_names(layer: &dyn Layer) {
    assert_eq!(link(layer, "f", "g").unwrap().nlink, 2);
    assert_eq!(link(layer, "g", "d/h").unwrap().nlink, 3);
    unlink(layer, "f").unwrap();
    assert_eq!(stat(layer, "g").nlink, 2);
}

fn taken_name_is_eexist(layer: &dyn Layer) {
    fails(link(layer, "f", "other"), Errno::EEXIST);
    fails(link(layer, "f", "d"), Errno::EEXIST);
    holds(layer, "other", b"other");
    assert_eq!(stat(layer, "f").nlink, 1);
}

fn its_own_name_is_eexist(layer: &dyn Layer) {
    fails(link(layer, "f", "f"), Errno::EEXIST);
}

fn of_a_directory_is_eperm(layer: &dyn Layer) {
    fails(link(layer, "d", "e"), Errno::EPERM);
    absent(layer, "e");
}

fn of_a_symlink(layer: &dyn Layer) {
    assert!(link(layer, "s", "t").unwrap().is_symlink());
    assert_eq!(stat(layer, "target").nlink, 1);
    assert_eq!(stat(layer, "s").nlink, 2);
}

fn each_name_can_be_renamed(layer: &dyn Layer) {
    rename(layer, "f", "d/moved").unwrap();
    rename(layer, "d/g", "g").unwrap();
    assert_eq!(ino(layer, "g"), ino(layer, "d/moved"));
    assert_eq!(stat(layer, "g").nlink, 2);
    holds(layer, "g", b"content");
}

fn survive(layer: &dyn Layer) {
    assert_eq!(ino(layer, "f"), ino(layer, "d/g"));
    assert_eq!(stat(layer, "f").nlink, 2);
}

fn growing_through_one(layer: &dyn Layer) {
    layer.append(ino(layer, "d/g"), b" more").unwrap();
    holds(layer, "f", b"content more");
    truncate(layer, "f", 3);
    holds(layer, "d/g", b"con");
}

fn replacing_one_leaves_the_other(layer: &dyn Layer) {
    rename(layer, "other", "f").unwrap();
    holds(layer, "f", b"other");
    holds(layer, "d/g", b"content");
    assert_eq!(stat(layer, "d/g").nlink, 1);
}

fn of_what_lost_its_last_name(layer: &dyn Layer) {
    let held = ino(layer, "f");
    layer.open(held).unwrap();
    unlink(layer, "f").unwrap();
    fails(layer.link(held, layer.root(), &name("back")), Errno::ENOENT);
    layer.release(held);
}
