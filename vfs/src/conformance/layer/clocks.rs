//! What each change does to mtime and ctime, of the node and of its directory: POSIX's table.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case};
use crate::layer::Layer;
use crate::node::{Allocate, NewNode, RenameMode, SetAttr, XattrMode};

const W: Needs = Needs::WRITES;

pub(super) const CASES: &[Case] = &[
    case("write", W, tree, |layer| moves(layer, "d/f", BOTH, || write(layer, "d/f", 0, b"y"))),
    case("write_leaves_the_directory", W, tree, |layer| {
        moves(layer, "d", NONE, || write(layer, "d/f", 0, b"y"))
    }),
    case("append", W, tree, |layer| {
        moves(layer, "d/f", BOTH, || layer.append(ino(layer, "d/f"), b"y").unwrap());
    }),
    case("empty_write", W, tree, |layer| moves(layer, "d/f", NONE, || write(layer, "d/f", 0, b""))),
    case("truncate", W, tree, |layer| moves(layer, "d/f", BOTH, || truncate(layer, "d/f", 0))),
    case("truncate_to_the_same_size", W, tree, |layer| {
        moves(layer, "d/f", BOTH, || truncate(layer, "d/f", 1))
    }),
    case("allocate", W, tree, |layer| moves(layer, "d/f", BOTH, || allocate(layer))),
    case("chmod", W.and(Needs::OWNERSHIP), tree, |layer| {
        moves(layer, "d/f", CTIME, || set(layer, "d/f", SetAttr::mode(0o600)));
    }),
    case("chown", W.and(Needs::OWNERSHIP), tree, |layer| {
        moves(layer, "d/f", CTIME, || set(layer, "d/f", SetAttr { uid: Some(7), ..SetAttr::default() }));
    }),
    case("setting_mtime", W, tree, |layer| {
        moves(layer, "d/f", CTIME, || {
            let mtime = Some(stat(layer, "d/f").mtime);
            set(layer, "d/f", SetAttr { mtime, ..SetAttr::default() });
        });
    }),
    case("setxattr", W.and(Needs::XATTRS), tree, |layer| {
        let set = || layer.setxattr(ino(layer, "d/f"), "user.a", b"1", XattrMode::Any).unwrap();
        moves(layer, "d/f", CTIME, set);
    }),
    case("removexattr", W.and(Needs::XATTRS), with_attribute, |layer| {
        moves(layer, "d/f", CTIME, || layer.removexattr(ino(layer, "d/f"), "user.a").unwrap());
    }),
    case("create", W, tree, |layer| moves(layer, "d", BOTH, || file(layer, "d/new", b""))),
    case("mkdir", W, tree, |layer| moves(layer, "d", BOTH, || dir(layer, "d/new"))),
    case("symlink", W.and(Needs::SYMLINKS), tree, |layer| {
        moves(layer, "d", BOTH, || symlink(layer, "f", "d/new"));
    }),
    case("mknod", W.and(Needs::SPECIAL), tree, |layer| {
        moves(layer, "d", BOTH, || create(layer, "d/new", NewNode::Fifo).unwrap());
    }),
    case("link", W.and(Needs::HARD_LINKS), tree, |layer| {
        moves(layer, "d/f", CTIME, || link(layer, "d/f", "t/a").unwrap());
        moves(layer, "t", BOTH, || link(layer, "d/f", "t/b").unwrap());
    }),
    case("unlink", W, tree, |layer| moves(layer, "d", BOTH, || unlink(layer, "d/f").unwrap())),
    case("unlink_of_one_name", W.and(Needs::HARD_LINKS), twice, |layer| {
        moves(layer, "d/f", CTIME, || unlink(layer, "t/f").unwrap());
    }),
    case("rmdir", W, tree, |layer| moves(layer, "d", BOTH, || rmdir(layer, "d/e").unwrap())),
    case("rename_of_both_directories", W, tree, |layer| {
        moves(layer, "d", BOTH, || rename(layer, "d/f", "t/f").unwrap());
        moves(layer, "t", BOTH, || rename(layer, "d/e", "t/e").unwrap());
    }),
    case("rename_replacing_one_name", W.and(Needs::HARD_LINKS), twice, |layer| {
        file(layer, "other", b"");
        moves(layer, "d/f", CTIME, || rename(layer, "other", "t/f").unwrap());
    }),
    case("exchange", W.and(Needs::RENAME_MODES), twice_apart, |layer| {
        moves(layer, "d", BOTH, || rename_as(layer, "d/f", "t/g", RenameMode::Exchange).unwrap());
        moves(layer, "t", BOTH, || rename_as(layer, "d/f", "t/g", RenameMode::Exchange).unwrap());
    }),
    case("refused_change", W, tree, |layer| {
        moves(layer, "d", NONE, || rmdir(layer, "d/f").unwrap_err());
        moves(layer, "d", NONE, || create(layer, "d/f", NewNode::File(b"")).unwrap_err());
    }),
];

/// Whether mtime moves, and whether ctime.
const BOTH: (bool, bool) = (true, true);
const CTIME: (bool, bool) = (false, true);
const NONE: (bool, bool) = (false, false);

fn tree(layer: &dyn Layer) {
    dir(layer, "d");
    file(layer, "d/f", b"x");
    dir(layer, "d/e");
    dir(layer, "t");
}

fn twice(layer: &dyn Layer) {
    tree(layer);
    link(layer, "d/f", "t/f").unwrap();
}

fn twice_apart(layer: &dyn Layer) {
    tree(layer);
    file(layer, "t/g", b"z");
}

fn with_attribute(layer: &dyn Layer) {
    tree(layer);
    layer.setxattr(ino(layer, "d/f"), "user.a", b"1", XattrMode::Any).unwrap();
}

fn allocate(layer: &dyn Layer) {
    layer.allocate(ino(layer, "d/f"), Allocate::Reserve, 0, 100).unwrap();
}

#[track_caller]
fn set(layer: &dyn Layer, path: &str, changes: SetAttr) {
    layer.setattr(ino(layer, path), &changes).unwrap();
}

#[track_caller]
fn moves<T>(layer: &dyn Layer, path: &str, (mtime, ctime): (bool, bool), change: impl FnOnce() -> T) {
    tick(layer);
    let before = stat(layer, path);
    change();
    let after = stat(layer, path);
    let moved = (after.mtime > before.mtime, after.ctime > before.ctime);
    assert_eq!(moved, (mtime, ctime), "whether mtime and ctime of {path} moved");
    assert_eq!(after.version > before.version, ctime, "whether the version of {path} grew");
}

/// Lets the layer's clock move on: a host's may stand still for some milliseconds.
fn tick(layer: &dyn Layer) {
    let begin = file(layer, "tick", b"").ctime;
    while stat(layer, "tick").ctime <= begin {
        set(layer, "tick", SetAttr { mtime: Some(OLD), ..SetAttr::default() });
    }
    unlink(layer, "tick").unwrap();
}
