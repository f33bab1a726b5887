//! Renaming directories, with all that is below them.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case};
use crate::errno::Errno;
use crate::layer::Layer;

const W: Needs = Needs::WRITES;

pub(super) const CASES: &[Case] = &[
    case("takes_everything_below_along", W, tree, takes_everything_below_along),
    case("keeps_all_numbers", W, tree, keeps_all_numbers),
    case("to_another_parent_counts_links", W, tree, to_another_parent_counts_links),
    case("onto_empty_dir_replaces_it", W, tree, onto_empty_dir_replaces_it),
    case("onto_nonempty_dir_is_enotempty", W, tree, onto_nonempty_dir_is_enotempty),
    case("onto_file_is_enotdir", W, tree, onto_file_is_enotdir),
    case("onto_symlink_is_enotdir", W.and(Needs::SYMLINKS), with_link, onto_symlink_is_enotdir),
    case("below_itself_is_einval", W, tree, below_itself_is_einval),
    case("onto_its_own_parent_is_enotempty", W, tree, onto_its_own_parent_is_enotempty),
    case("below_can_be_changed_afterwards", W, tree, below_can_be_changed_afterwards),
    case("old_name_made_again_is_empty", W, tree, old_name_made_again_is_empty),
    case("there_and_back", W, tree, there_and_back),
    case("into_a_renamed_directory", W, tree, into_a_renamed_directory),
    case("parent_and_child_trade_places", W, tree, parent_and_child_trade_places),
    case("leaves_can_move_out_of_it", W, tree, leaves_can_move_out_of_it),
    case("replaced_directory_is_gone", W, tree, replaced_directory_is_gone),
    case("twice_then_list", W, tree, twice_then_list),
];

fn tree(layer: &dyn Layer) {
    dir(layer, "d");
    file(layer, "d/f", b"f");
    dir(layer, "d/sub");
    file(layer, "d/sub/g", b"g");
    dir(layer, "empty");
    dir(layer, "full");
    file(layer, "full/x", b"x");
    file(layer, "file", b"file");
}

fn with_link(layer: &dyn Layer) {
    tree(layer);
    symlink(layer, "empty", "s");
}

fn takes_everything_below_along(layer: &dyn Layer) {
    rename(layer, "d", "moved").unwrap();
    absent(layer, "d");
    assert_eq!(list(layer, "moved"), ["f", "sub"]);
    holds(layer, "moved/f", b"f");
    holds(layer, "moved/sub/g", b"g");
}

fn keeps_all_numbers(layer: &dyn Layer) {
    let before = ["d", "d/f", "d/sub", "d/sub/g"].map(|path| ino(layer, path));
    rename(layer, "d", "full/m").unwrap();
    assert_eq!(["full/m", "full/m/f", "full/m/sub", "full/m/sub/g"].map(|path| ino(layer, path)), before);
}

fn to_another_parent_counts_links(layer: &dyn Layer) {
    assert_eq!((stat(layer, "").nlink, stat(layer, "full").nlink), (5, 2));
    rename(layer, "d", "full/d").unwrap();
    assert_eq!((stat(layer, "").nlink, stat(layer, "full").nlink), (4, 3));
    assert_eq!(stat(layer, "full/d").nlink, 3);
}

fn onto_empty_dir_replaces_it(layer: &dyn Layer) {
    rename(layer, "d", "empty").unwrap();
    absent(layer, "d");
    holds(layer, "empty/sub/g", b"g");
    assert_eq!(stat(layer, "").nlink, 4);
}

fn onto_nonempty_dir_is_enotempty(layer: &dyn Layer) {
    fails(rename(layer, "d", "full"), Errno::ENOTEMPTY);
    fails(rename(layer, "empty", "full"), Errno::ENOTEMPTY);
    holds(layer, "d/f", b"f");
    holds(layer, "full/x", b"x");
}

fn onto_file_is_enotdir(layer: &dyn Layer) {
    fails(rename(layer, "d", "file"), Errno::ENOTDIR);
    fails(rename(layer, "empty", "full/x"), Errno::ENOTDIR);
    holds(layer, "file", b"file");
}

fn onto_symlink_is_enotdir(layer: &dyn Layer) {
    fails(rename(layer, "d", "s"), Errno::ENOTDIR);
    assert!(stat(layer, "s").is_symlink());
}

fn below_itself_is_einval(layer: &dyn Layer) {
    fails(rename(layer, "d", "d/sub/d"), Errno::EINVAL);
    fails(rename(layer, "d", "d/new"), Errno::EINVAL);
    fails(rename(layer, "d", "d/sub"), Errno::EINVAL);
    holds(layer, "d/sub/g", b"g");
}

fn onto_its_own_parent_is_enotempty(layer: &dyn Layer) {
    fails(rename(layer, "d/sub", "d"), Errno::ENOTEMPTY);
    holds(layer, "d/sub/g", b"g");
}

fn below_can_be_changed_afterwards(layer: &dyn Layer) {
    rename(layer, "d", "m").unwrap();
    write(layer, "m/sub/g", 1, b"2");
    file(layer, "m/sub/new", b"n");
    unlink(layer, "m/f").unwrap();
    dir(layer, "m/f");
    assert_eq!(list(layer, "m"), ["f", "sub"]);
    assert_eq!(list(layer, "m/sub"), ["g", "new"]);
    holds(layer, "m/sub/g", b"g2");
    assert!(stat(layer, "m/f").is_dir());
}

fn old_name_made_again_is_empty(layer: &dyn Layer) {
    rename(layer, "d", "m").unwrap();
    dir(layer, "d");
    assert_eq!(list(layer, "d"), [""; 0]);
    file(layer, "d/f", b"new");
    holds(layer, "m/f", b"f");
    holds(layer, "d/f", b"new");
}

fn there_and_back(layer: &dyn Layer) {
    let before = ino(layer, "d");
    rename(layer, "d", "full/d").unwrap();
    rename(layer, "full/d", "d").unwrap();
    assert_eq!(ino(layer, "d"), before);
    assert_eq!(list(layer, "full"), ["x"]);
    holds(layer, "d/sub/g", b"g");
}

fn into_a_renamed_directory(layer: &dyn Layer) {
    rename(layer, "full", "home").unwrap();
    rename(layer, "d", "home/d").unwrap();
    rename(layer, "home/d/sub", "home/sub").unwrap();
    holds(layer, "home/sub/g", b"g");
    assert_eq!(list(layer, "home"), ["d", "sub", "x"]);
    assert_eq!(list(layer, "home/d"), ["f"]);
}

fn parent_and_child_trade_places(layer: &dyn Layer) {
    rename(layer, "d/sub", "sub").unwrap();
    rename(layer, "d", "sub/d").unwrap();
    holds(layer, "sub/d/f", b"f");
    holds(layer, "sub/g", b"g");
    fails(rename(layer, "sub", "sub/d/sub"), Errno::EINVAL);
}

fn leaves_can_move_out_of_it(layer: &dyn Layer) {
    rename(layer, "d", "m").unwrap();
    rename(layer, "m/sub/g", "g").unwrap();
    rename(layer, "m/f", "full/x").unwrap();
    holds(layer, "g", b"g");
    holds(layer, "full/x", b"f");
    assert_eq!(list(layer, "m/sub"), [""; 0]);
    rmdir(layer, "m/sub").unwrap();
    rmdir(layer, "m").unwrap();
}

fn replaced_directory_is_gone(layer: &dyn Layer) {
    let gone = ino(layer, "empty");
    rename(layer, "d", "empty").unwrap();
    fails(layer.getattr(gone), Errno::ESTALE);
}

fn twice_then_list(layer: &dyn Layer) {
    rename(layer, "d", "e1").unwrap();
    rename(layer, "e1", "full/e2").unwrap();
    rename(layer, "full", "top").unwrap();
    assert_eq!(list(layer, ""), ["empty", "file", "top"]);
    assert_eq!(list(layer, "top"), ["e2", "x"]);
    holds(layer, "top/e2/sub/g", b"g");
}
