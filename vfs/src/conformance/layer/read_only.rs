//! A layer that cannot be written: `EROFS` from every change.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case};
use crate::errno::Errno;
use crate::layer::Layer;
use crate::node::{Allocate, NewNode, RenameMode, SetAttr, XattrMode};

const R: Needs = Needs::READ_ONLY;

pub(super) const CASES: &[Case] = &[
    case("making_is_erofs", R, tree, making_is_erofs),
    case("linking_is_erofs", R, tree, linking_is_erofs),
    case("removing_is_erofs", R, tree, removing_is_erofs),
    case("renaming_is_erofs", R, tree, renaming_is_erofs),
    case("writing_is_erofs", R, tree, writing_is_erofs),
    case("attributes_are_erofs", R, tree, attributes_are_erofs),
    case("extended_attributes_are_erofs", R, tree, extended_attributes_are_erofs),
    case("changes_in_a_batch_are_erofs", R, tree, changes_in_a_batch_are_erofs),
    case("everything_can_be_read", R, tree, everything_can_be_read),
    case("open_files_can_be_read", R, tree, open_files_can_be_read),
];

fn tree(layer: &dyn Layer) {
    file(layer, "f", b"content");
    dir(layer, "d");
    file(layer, "d/g", b"below");
}

fn making_is_erofs(layer: &dyn Layer) {
    for node in [NewNode::File(b""), NewNode::Directory] {
        fails(create(layer, "x", node), Errno::EROFS);
    }
    absent(layer, "x");
}

fn linking_is_erofs(layer: &dyn Layer) {
    fails(link(layer, "f", "x"), Errno::EROFS);
}

fn removing_is_erofs(layer: &dyn Layer) {
    fails(unlink(layer, "f"), Errno::EROFS);
    fails(rmdir(layer, "d"), Errno::EROFS);
    holds(layer, "f", b"content");
}

fn renaming_is_erofs(layer: &dyn Layer) {
    for mode in [RenameMode::Replace, RenameMode::NoReplace, RenameMode::Exchange] {
        fails(rename_as(layer, "f", "d", mode), Errno::EROFS);
    }
}

fn writing_is_erofs(layer: &dyn Layer) {
    let f = ino(layer, "f");
    fails(layer.write(f, 0, b"x"), Errno::EROFS);
    fails(layer.append(f, b"x"), Errno::EROFS);
    fails(layer.allocate(f, Allocate::Reserve, 0, 10), Errno::EROFS);
    holds(layer, "f", b"content");
}

fn attributes_are_erofs(layer: &dyn Layer) {
    let f = ino(layer, "f");
    for change in [SetAttr::size(0), SetAttr::mode(0o600), SetAttr { atime: Some(OLD), ..SetAttr::default() }]
    {
        fails(layer.setattr(f, &change), Errno::EROFS);
    }
}

fn extended_attributes_are_erofs(layer: &dyn Layer) {
    fails(layer.setxattr(ino(layer, "f"), "user.a", b"x", XattrMode::Any), Errno::EROFS);
    fails(layer.removexattr(ino(layer, "f"), "user.a"), Errno::EROFS);
}

fn changes_in_a_batch_are_erofs(layer: &dyn Layer) {
    fails(layer.batch(&mut |layer| unlink(layer, "f")), Errno::EROFS);
    holds(layer, "f", b"content");
}

fn everything_can_be_read(layer: &dyn Layer) {
    assert_eq!(list(layer, ""), ["d", "f"]);
    holds(layer, "f", b"content");
    holds(layer, "d/g", b"below");
    assert!(!layer.features().writable);
}

fn open_files_can_be_read(layer: &dyn Layer) {
    let f = ino(layer, "f");
    layer.open(f).unwrap();
    assert_eq!(layer.read(f, 3, 4).unwrap(), &b"tent"[..]);
    layer.release(f);
}
