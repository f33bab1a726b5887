//! Operations on the wrong kind of node: `ENOTDIR`, `EISDIR`, `EINVAL`.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case};
use crate::errno::Errno;
use crate::layer::Layer;
use crate::node::{Allocate, NewAttr, NewNode, RenameMode, SeekTo, SetAttr};

const W: Needs = Needs::WRITES;
const LINK: Needs = Needs::READS.and(Needs::SYMLINKS);

pub(super) const CASES: &[Case] = &[
    case("lookup_in_a_file_is_enotdir", Needs::READS, tree, lookup_in_a_file_is_enotdir),
    case("lookup_in_a_symlink_is_enotdir", LINK, with_link, lookup_in_a_symlink_is_enotdir),
    case("readdir_of_a_file_is_enotdir", Needs::READS, tree, readdir_of_a_file_is_enotdir),
    case("create_in_a_file_is_enotdir", W, tree, create_in_a_file_is_enotdir),
    case("unlink_in_a_file_is_enotdir", W, tree, unlink_in_a_file_is_enotdir),
    case("rmdir_in_a_file_is_enotdir", W, tree, rmdir_in_a_file_is_enotdir),
    case("rename_into_or_out_of_a_file_is_enotdir", W, tree, rename_into_or_out_of_a_file_is_enotdir),
    case("link_into_a_file_is_enotdir", W.and(Needs::HARD_LINKS), tree, link_into_a_file_is_enotdir),
    case("read_of_a_directory_is_eisdir", Needs::READS, tree, read_of_a_directory_is_eisdir),
    case("write_to_a_directory_is_eisdir", W, tree, write_to_a_directory_is_eisdir),
    case("truncate_of_a_directory_is_eisdir", W, tree, truncate_of_a_directory_is_eisdir),
    case("allocate_in_a_directory_is_eisdir", W.and(Needs::SPARSE), tree, allocate_in_a_directory),
    case("readlink_of_a_file_is_einval", Needs::READS, tree, readlink_of_a_file_is_einval),
    case("read_of_a_symlink_is_einval", LINK, with_link, read_of_a_symlink_is_einval),
    case("write_to_a_symlink_is_einval", W.and(LINK), with_link, write_to_a_symlink_is_einval),
    case("truncate_of_a_symlink_is_einval", W.and(LINK), with_link, truncate_of_a_symlink_is_einval),
    case("seek_in_a_directory_is_eisdir", Needs::READS.and(Needs::SPARSE), tree, seek_in_a_directory),
];

fn tree(layer: &dyn Layer) {
    file(layer, "f", b"content");
    dir(layer, "d");
}

fn with_link(layer: &dyn Layer) {
    tree(layer);
    symlink(layer, "d", "s");
}

fn lookup_in_a_file_is_enotdir(layer: &dyn Layer) {
    fails(layer.lookup(ino(layer, "f"), &name("x")), Errno::ENOTDIR);
}

fn lookup_in_a_symlink_is_enotdir(layer: &dyn Layer) {
    fails(layer.lookup(ino(layer, "s"), &name("x")), Errno::ENOTDIR);
}

fn readdir_of_a_file_is_enotdir(layer: &dyn Layer) {
    fails(layer.readdir(ino(layer, "f"), None, 10), Errno::ENOTDIR);
}

fn create_in_a_file_is_enotdir(layer: &dyn Layer) {
    let attr = NewAttr::with_mode(0o644);
    for node in [NewNode::File(b""), NewNode::Directory] {
        fails(layer.create(ino(layer, "f"), &name("x"), node, &attr), Errno::ENOTDIR);
    }
}

fn unlink_in_a_file_is_enotdir(layer: &dyn Layer) {
    fails(layer.unlink(ino(layer, "f"), &name("x")), Errno::ENOTDIR);
}

fn rmdir_in_a_file_is_enotdir(layer: &dyn Layer) {
    fails(layer.rmdir(ino(layer, "f"), &name("x")), Errno::ENOTDIR);
}

fn rename_into_or_out_of_a_file_is_enotdir(layer: &dyn Layer) {
    let (root, f, d, x) = (layer.root(), name("f"), name("d"), name("x"));
    let inside = ino(layer, "f");
    fails(layer.rename((root, &d), (inside, &x), RenameMode::Replace), Errno::ENOTDIR);
    fails(layer.rename((inside, &x), (root, &x), RenameMode::Replace), Errno::ENOTDIR);
    assert_eq!(list(layer, ""), [d.as_str(), f.as_str()]);
}

fn link_into_a_file_is_enotdir(layer: &dyn Layer) {
    fails(layer.link(ino(layer, "f"), ino(layer, "f"), &name("x")), Errno::ENOTDIR);
}

fn read_of_a_directory_is_eisdir(layer: &dyn Layer) {
    fails(layer.read(ino(layer, "d"), 0, 1), Errno::EISDIR);
}

fn write_to_a_directory_is_eisdir(layer: &dyn Layer) {
    fails(layer.write(ino(layer, "d"), 0, b"x"), Errno::EISDIR);
    fails(layer.append(ino(layer, "d"), b"x"), Errno::EISDIR);
}

fn truncate_of_a_directory_is_eisdir(layer: &dyn Layer) {
    fails(layer.setattr(ino(layer, "d"), &SetAttr::size(0)), Errno::EISDIR);
}

fn allocate_in_a_directory(layer: &dyn Layer) {
    fails(layer.allocate(ino(layer, "d"), Allocate::Reserve, 0, 1), Errno::EISDIR);
}

fn readlink_of_a_file_is_einval(layer: &dyn Layer) {
    fails(layer.readlink(ino(layer, "f")), Errno::EINVAL);
    fails(layer.readlink(ino(layer, "d")), Errno::EINVAL);
}

fn read_of_a_symlink_is_einval(layer: &dyn Layer) {
    fails(layer.read(ino(layer, "s"), 0, 1), Errno::EINVAL);
}

fn write_to_a_symlink_is_einval(layer: &dyn Layer) {
    fails(layer.write(ino(layer, "s"), 0, b"x"), Errno::EINVAL);
    fails(layer.append(ino(layer, "s"), b"x"), Errno::EINVAL);
    assert_eq!(layer.readlink(ino(layer, "s")).unwrap(), "d");
}

fn truncate_of_a_symlink_is_einval(layer: &dyn Layer) {
    fails(layer.setattr(ino(layer, "s"), &SetAttr::size(0)), Errno::EINVAL);
}

fn seek_in_a_directory(layer: &dyn Layer) {
    fails(layer.seek(ino(layer, "d"), 0, SeekTo::Data), Errno::EISDIR);
}
