//! Pinned nodes: what is open outlives its names.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case};
use crate::errno::Errno;
use crate::layer::Layer;
use crate::node::{Ino, NewAttr, NewNode, SetAttr};

const W: Needs = Needs::WRITES;

pub(super) const CASES: &[Case] = &[
    case("unlinked_file_keeps_its_content", W, tree, unlinked_file_keeps_its_content),
    case("unlinked_file_can_be_written", W, tree, unlinked_file_can_be_written),
    case("unlinked_file_has_no_links", W, tree, unlinked_file_has_no_links),
    case("is_gone_after_the_last_release", W, tree, is_gone_after_the_last_release),
    case("counts", W, tree, counts),
    case("replaced_by_rename_stays", W, tree, replaced_by_rename_stays),
    case("made_again_is_another_node", W, tree, made_again_is_another_node),
    case("removed_directory_is_empty", W, tree, removed_directory_is_empty),
    case("create_in_a_removed_directory_is_enoent", W, tree, create_in_a_removed_directory_is_enoent),
    case("pins_do_not_hold_names", W, tree, pins_do_not_hold_names),
    case("of_what_is_still_named_changes_nothing", Needs::READS, tree, of_what_is_still_named),
];

fn tree(layer: &dyn Layer) {
    file(layer, "f", b"content");
    file(layer, "other", b"other");
    dir(layer, "d");
}

fn open(layer: &dyn Layer, path: &str) -> Ino {
    let ino = ino(layer, path);
    layer.open(ino).unwrap();
    ino
}

fn unlinked_file_keeps_its_content(layer: &dyn Layer) {
    let held = open(layer, "f");
    unlink(layer, "f").unwrap();
    assert_eq!(layer.read(held, 0, 100).unwrap(), &b"content"[..]);
    absent(layer, "f");
    layer.release(held);
}

fn unlinked_file_can_be_written(layer: &dyn Layer) {
    let held = open(layer, "f");
    unlink(layer, "f").unwrap();
    layer.write(held, 7, b" goes on").unwrap();
    assert_eq!(layer.append(held, b".").unwrap(), 15);
    layer.setattr(held, &SetAttr::size(12)).unwrap();
    assert_eq!(layer.read(held, 0, 100).unwrap(), &b"content goes"[..]);
    layer.release(held);
}

fn unlinked_file_has_no_links(layer: &dyn Layer) {
    let held = open(layer, "f");
    unlink(layer, "f").unwrap();
    assert_eq!(layer.getattr(held).unwrap().nlink, 0);
    layer.release(held);
}

fn is_gone_after_the_last_release(layer: &dyn Layer) {
    let held = open(layer, "f");
    unlink(layer, "f").unwrap();
    layer.release(held);
    fails(layer.getattr(held), Errno::ESTALE);
    fails(layer.open(held), Errno::ESTALE);
}

fn counts(layer: &dyn Layer) {
    let held = open(layer, "f");
    open(layer, "f");
    unlink(layer, "f").unwrap();
    layer.release(held);
    assert_eq!(layer.read(held, 0, 100).unwrap(), &b"content"[..]);
    layer.release(held);
    fails(layer.read(held, 0, 100), Errno::ESTALE);
}

fn replaced_by_rename_stays(layer: &dyn Layer) {
    let held = open(layer, "f");
    rename(layer, "other", "f").unwrap();
    assert_eq!(layer.read(held, 0, 100).unwrap(), &b"content"[..]);
    holds(layer, "f", b"other");
    layer.release(held);
}

fn made_again_is_another_node(layer: &dyn Layer) {
    let held = open(layer, "f");
    unlink(layer, "f").unwrap();
    file(layer, "f", b"second");
    assert_ne!(ino(layer, "f"), held);
    layer.write(held, 0, b"CONTENT").unwrap();
    holds(layer, "f", b"second");
    layer.release(held);
}

fn removed_directory_is_empty(layer: &dyn Layer) {
    let held = open(layer, "d");
    rmdir(layer, "d").unwrap();
    assert!(layer.readdir(held, None, 10).unwrap().is_empty());
    fails(layer.lookup(held, &name("x")), Errno::ENOENT);
    layer.release(held);
}

fn create_in_a_removed_directory_is_enoent(layer: &dyn Layer) {
    let held = open(layer, "d");
    rmdir(layer, "d").unwrap();
    let attr = NewAttr::with_mode(0o644);
    fails(layer.create(held, &name("x"), NewNode::File(b""), &attr), Errno::ENOENT);
    let (from, other) = split(layer, "other");
    fails(layer.rename((from, &other), (held, &other), crate::RenameMode::Replace), Errno::ENOENT);
    layer.release(held);
}

fn pins_do_not_hold_names(layer: &dyn Layer) {
    let held = open(layer, "f");
    rename(layer, "f", "d/g").unwrap();
    layer.write(held, 0, b"C").unwrap();
    holds(layer, "d/g", b"Content");
    layer.release(held);
}

fn of_what_is_still_named(layer: &dyn Layer) {
    let before = stat(layer, "f");
    let held = open(layer, "f");
    layer.release(held);
    assert_eq!(stat(layer, "f"), before);
    holds(layer, "f", b"content");
}
