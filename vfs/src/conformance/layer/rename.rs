//! Renaming files, and the modes of renaming.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case};
use crate::errno::Errno;
use crate::layer::Layer;
use crate::node::RenameMode;

const W: Needs = Needs::WRITES;
const LINKS: Needs = W.and(Needs::HARD_LINKS);
const MODES: Needs = W.and(Needs::RENAME_MODES);

pub(super) const CASES: &[Case] = &[
    case("moves_a_file", W, tree, moves_a_file),
    case("to_another_directory", W, tree, to_another_directory),
    case("keeps_the_number", W, tree, keeps_the_number),
    case("replaces_a_file", W, tree, replaces_a_file),
    case("replaced_file_is_gone", W, tree, replaced_file_is_gone),
    case("onto_itself_changes_nothing", W, tree, onto_itself_changes_nothing),
    case("between_names_of_one_file_changes_nothing", LINKS, two_names, between_names_of_one_file),
    case("file_onto_directory_is_eisdir", W, tree, file_onto_directory_is_eisdir),
    case("of_a_missing_name_is_enoent", W, tree, of_a_missing_name_is_enoent),
    case("refusal_changes_nothing", W, tree, refusal_changes_nothing),
    case("moves_a_symlink_itself", W.and(Needs::SYMLINKS), a_link, moves_a_symlink_itself),
    case("onto_a_symlink_replaces_the_link", W.and(Needs::SYMLINKS), a_link, onto_a_symlink),
    case("swap_through_a_third_name", W, tree, swap_through_a_third_name),
    case("there_and_back", W, tree, there_and_back),
    case("old_name_can_be_made_again", W, tree, old_name_can_be_made_again),
    case("noreplace_moves_to_a_free_name", MODES, tree, noreplace_moves_to_a_free_name),
    case("noreplace_onto_anything_is_eexist", MODES, tree, noreplace_onto_anything_is_eexist),
    case("noreplace_onto_itself_is_eexist", MODES, tree, noreplace_onto_itself_is_eexist),
    case("exchange_swaps_files", MODES, tree, exchange_swaps_files),
    case("exchange_swaps_file_and_directory", MODES, tree, exchange_swaps_file_and_directory),
    case("exchange_across_directories_counts_links", MODES, tree, exchange_counts_links),
    case("exchange_with_nothing_is_enoent", MODES, tree, exchange_with_nothing_is_enoent),
    case("exchange_with_what_is_below_is_einval", MODES, tree, exchange_with_what_is_below_is_einval),
];

fn tree(layer: &dyn Layer) {
    file(layer, "a", b"a");
    file(layer, "b", b"b");
    dir(layer, "d");
    file(layer, "d/f", b"f");
    dir(layer, "d/sub");
    dir(layer, "e");
}

fn two_names(layer: &dyn Layer) {
    file(layer, "a", b"a");
    link(layer, "a", "b").unwrap();
}

fn a_link(layer: &dyn Layer) {
    file(layer, "target", b"t");
    symlink(layer, "target", "s");
    file(layer, "f", b"f");
}

fn moves_a_file(layer: &dyn Layer) {
    rename(layer, "a", "c").unwrap();
    absent(layer, "a");
    holds(layer, "c", b"a");
}

fn to_another_directory(layer: &dyn Layer) {
    rename(layer, "d/f", "e/g").unwrap();
    absent(layer, "d/f");
    holds(layer, "e/g", b"f");
    assert_eq!(list(layer, "d"), ["sub"]);
    assert_eq!(list(layer, "e"), ["g"]);
}

fn keeps_the_number(layer: &dyn Layer) {
    let before = ino(layer, "a");
    rename(layer, "a", "d/c").unwrap();
    assert_eq!(ino(layer, "d/c"), before);
}

fn replaces_a_file(layer: &dyn Layer) {
    rename(layer, "a", "b").unwrap();
    absent(layer, "a");
    holds(layer, "b", b"a");
    assert_eq!(list(layer, ""), ["b", "d", "e"]);
}

fn replaced_file_is_gone(layer: &dyn Layer) {
    let gone = ino(layer, "b");
    rename(layer, "a", "b").unwrap();
    fails(layer.getattr(gone), Errno::ESTALE);
}

fn onto_itself_changes_nothing(layer: &dyn Layer) {
    age(layer, "");
    for path in ["a", "d"] {
        let before = stat(layer, path);
        rename(layer, path, path).unwrap();
        assert_eq!(stat(layer, path), before);
    }
    untouched(layer, "");
}

fn between_names_of_one_file(layer: &dyn Layer) {
    rename(layer, "a", "b").unwrap();
    holds(layer, "a", b"a");
    holds(layer, "b", b"a");
    assert_eq!(stat(layer, "a").nlink, 2);
}

fn file_onto_directory_is_eisdir(layer: &dyn Layer) {
    fails(rename(layer, "a", "d"), Errno::EISDIR);
    fails(rename(layer, "a", "e"), Errno::EISDIR);
}

fn of_a_missing_name_is_enoent(layer: &dyn Layer) {
    fails(rename(layer, "nothing", "c"), Errno::ENOENT);
    fails(rename(layer, "nothing", "a"), Errno::ENOENT);
    fails(rename(layer, "nothing", "nothing"), Errno::ENOENT);
    holds(layer, "a", b"a");
}

fn refusal_changes_nothing(layer: &dyn Layer) {
    age(layer, "");
    let before = (stat(layer, "a"), stat(layer, "d"));
    fails(rename(layer, "a", "d"), Errno::EISDIR);
    fails(rename(layer, "d", "a"), Errno::ENOTDIR);
    assert_eq!((stat(layer, "a"), stat(layer, "d")), before);
    untouched(layer, "");
}

fn moves_a_symlink_itself(layer: &dyn Layer) {
    rename(layer, "s", "moved").unwrap();
    assert!(stat(layer, "moved").is_symlink());
    holds(layer, "target", b"t");
}

fn onto_a_symlink(layer: &dyn Layer) {
    rename(layer, "f", "s").unwrap();
    assert!(stat(layer, "s").is_file());
    holds(layer, "s", b"f");
    holds(layer, "target", b"t");
}

fn swap_through_a_third_name(layer: &dyn Layer) {
    rename(layer, "a", "tmp").unwrap();
    rename(layer, "b", "a").unwrap();
    rename(layer, "tmp", "b").unwrap();
    holds(layer, "a", b"b");
    holds(layer, "b", b"a");
    assert_eq!(list(layer, ""), ["a", "b", "d", "e"]);
}

fn there_and_back(layer: &dyn Layer) {
    let before = ino(layer, "a");
    rename(layer, "a", "e/a").unwrap();
    rename(layer, "e/a", "a").unwrap();
    assert_eq!(ino(layer, "a"), before);
    holds(layer, "a", b"a");
    assert_eq!(list(layer, "e"), [""; 0]);
}

fn old_name_can_be_made_again(layer: &dyn Layer) {
    rename(layer, "a", "c").unwrap();
    file(layer, "a", b"new");
    holds(layer, "a", b"new");
    holds(layer, "c", b"a");
    assert_ne!(ino(layer, "a"), ino(layer, "c"));
}

fn noreplace_moves_to_a_free_name(layer: &dyn Layer) {
    rename_as(layer, "a", "e/c", RenameMode::NoReplace).unwrap();
    holds(layer, "e/c", b"a");
    absent(layer, "a");
}

fn noreplace_onto_anything_is_eexist(layer: &dyn Layer) {
    for target in ["b", "d", "e"] {
        fails(rename_as(layer, "a", target, RenameMode::NoReplace), Errno::EEXIST);
    }
    holds(layer, "a", b"a");
    holds(layer, "b", b"b");
}

fn noreplace_onto_itself_is_eexist(layer: &dyn Layer) {
    fails(rename_as(layer, "a", "a", RenameMode::NoReplace), Errno::EEXIST);
}

fn exchange_swaps_files(layer: &dyn Layer) {
    let numbers = (ino(layer, "a"), ino(layer, "b"));
    rename_as(layer, "a", "b", RenameMode::Exchange).unwrap();
    holds(layer, "a", b"b");
    holds(layer, "b", b"a");
    assert_eq!((ino(layer, "b"), ino(layer, "a")), numbers);
}

fn exchange_swaps_file_and_directory(layer: &dyn Layer) {
    rename_as(layer, "a", "d", RenameMode::Exchange).unwrap();
    holds(layer, "d", b"a");
    holds(layer, "a/f", b"f");
    assert_eq!(list(layer, "a"), ["f", "sub"]);
}

fn exchange_counts_links(layer: &dyn Layer) {
    rename_as(layer, "a", "d/sub", RenameMode::Exchange).unwrap();
    assert!(stat(layer, "a").is_dir());
    holds(layer, "d/sub", b"a");
    assert_eq!(stat(layer, "d").nlink, 2);
    assert_eq!(stat(layer, "").nlink, 5);
}

fn exchange_with_nothing_is_enoent(layer: &dyn Layer) {
    fails(rename_as(layer, "a", "nothing", RenameMode::Exchange), Errno::ENOENT);
    fails(rename_as(layer, "nothing", "a", RenameMode::Exchange), Errno::ENOENT);
}

fn exchange_with_what_is_below_is_einval(layer: &dyn Layer) {
    fails(rename_as(layer, "d", "d/sub", RenameMode::Exchange), Errno::EINVAL);
    fails(rename_as(layer, "d/f", "d", RenameMode::Exchange), Errno::EINVAL);
}
