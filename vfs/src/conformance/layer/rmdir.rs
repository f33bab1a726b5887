//! Removing directories.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case};
use crate::errno::Errno;
use crate::layer::Layer;
use crate::node::NewNode;

const W: Needs = Needs::WRITES;

pub(super) const CASES: &[Case] = &[
    case("removes_an_empty_directory", W, tree, removes_an_empty_directory),
    case("nonempty_is_enotempty", W, tree, nonempty_is_enotempty),
    case("holding_only_a_directory_is_enotempty", W, tree, holding_only_a_directory_is_enotempty),
    case("emptied_directory_goes", W, tree, emptied_directory_goes),
    case("file_is_enotdir", W, tree, file_is_enotdir),
    case("symlink_is_enotdir", W.and(Needs::SYMLINKS), a_link, symlink_is_enotdir),
    case("missing_name_is_enoent", W, tree, missing_name_is_enoent),
    case("lowers_links_of_parent", W, tree, lowers_links_of_parent),
    case("removed_directory_is_estale", W, tree, removed_directory_is_estale),
    case("made_again_is_empty", W, tree, made_again_is_empty),
];

fn tree(layer: &dyn Layer) {
    dir(layer, "empty");
    dir(layer, "d");
    dir(layer, "d/e");
    file(layer, "d/e/f", b"deep");
    file(layer, "f", b"file");
}

fn a_link(layer: &dyn Layer) {
    dir(layer, "d");
    symlink(layer, "d", "s");
}

fn removes_an_empty_directory(layer: &dyn Layer) {
    rmdir(layer, "empty").unwrap();
    absent(layer, "empty");
    assert_eq!(list(layer, ""), ["d", "f"]);
}

fn nonempty_is_enotempty(layer: &dyn Layer) {
    fails(rmdir(layer, "d/e"), Errno::ENOTEMPTY);
    holds(layer, "d/e/f", b"deep");
}

fn holding_only_a_directory_is_enotempty(layer: &dyn Layer) {
    fails(rmdir(layer, "d"), Errno::ENOTEMPTY);
}

fn emptied_directory_goes(layer: &dyn Layer) {
    unlink(layer, "d/e/f").unwrap();
    rmdir(layer, "d/e").unwrap();
    rmdir(layer, "d").unwrap();
    assert_eq!(list(layer, ""), ["empty", "f"]);
}

fn file_is_enotdir(layer: &dyn Layer) {
    fails(rmdir(layer, "f"), Errno::ENOTDIR);
    holds(layer, "f", b"file");
}

fn symlink_is_enotdir(layer: &dyn Layer) {
    fails(rmdir(layer, "s"), Errno::ENOTDIR);
    assert!(stat(layer, "d").is_dir());
}

fn missing_name_is_enoent(layer: &dyn Layer) {
    fails(rmdir(layer, "nothing"), Errno::ENOENT);
}

fn lowers_links_of_parent(layer: &dyn Layer) {
    let before = stat(layer, "").nlink;
    rmdir(layer, "empty").unwrap();
    assert_eq!(stat(layer, "").nlink, before - 1);
}

fn removed_directory_is_estale(layer: &dyn Layer) {
    let gone = ino(layer, "empty");
    rmdir(layer, "empty").unwrap();
    fails(layer.getattr(gone), Errno::ESTALE);
    fails(layer.readdir(gone, None, 10), Errno::ESTALE);
    fails(
        layer.create(gone, &name("x"), NewNode::File(b""), &crate::NewAttr::with_mode(0o644)),
        Errno::ESTALE,
    );
}

fn made_again_is_empty(layer: &dyn Layer) {
    emptied_directory_goes(layer);
    dir(layer, "d");
    assert_eq!(list(layer, "d"), [""; 0]);
    dir(layer, "d/e");
    assert_eq!(list(layer, "d/e"), [""; 0]);
}
