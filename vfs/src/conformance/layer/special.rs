//! FIFOs, sockets and devices: they exist, and that is all.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case, nothing};
use crate::errno::Errno;
use crate::layer::Layer;
use crate::node::{FileType, NewNode, SetAttr};

const S: Needs = Needs::WRITES.and(Needs::SPECIAL);

pub(super) const CASES: &[Case] = &[
    case("each_kind_can_be_made", S, nothing, each_kind_can_be_made),
    case("device_number_is_kept", S, nothing, device_number_is_kept),
    case("have_no_content", S, nothing, have_no_content),
    case("can_be_renamed_and_removed", S, a_fifo, can_be_renamed_and_removed),
    case("can_be_linked", S.and(Needs::HARD_LINKS), a_fifo, can_be_linked),
];

fn a_fifo(layer: &dyn Layer) {
    create(layer, "fifo", NewNode::Fifo).unwrap();
}

fn each_kind_can_be_made(layer: &dyn Layer) {
    let kinds = [
        ("f", NewNode::Fifo, FileType::Fifo),
        ("s", NewNode::Socket, FileType::Socket),
        ("c", NewNode::CharDevice(259), FileType::CharDevice),
        ("b", NewNode::BlockDevice(2049), FileType::BlockDevice),
    ];
    for (path, node, kind) in kinds {
        assert_eq!(create(layer, path, node).unwrap().kind, kind);
        assert_eq!(stat(layer, path).kind, kind);
    }
}

fn device_number_is_kept(layer: &dyn Layer) {
    create(layer, "c", NewNode::CharDevice(0x1_0305)).unwrap();
    assert_eq!(stat(layer, "c").rdev, 0x1_0305);
    file(layer, "f", b"");
    assert_eq!(stat(layer, "f").rdev, 0);
}

fn have_no_content(layer: &dyn Layer) {
    let fifo = create(layer, "fifo", NewNode::Fifo).unwrap().ino;
    fails(layer.read(fifo, 0, 1), Errno::EINVAL);
    fails(layer.write(fifo, 0, b"x"), Errno::EINVAL);
    fails(layer.setattr(fifo, &SetAttr::size(1)), Errno::EINVAL);
    assert_eq!(stat(layer, "fifo").size, 0);
}

fn can_be_renamed_and_removed(layer: &dyn Layer) {
    rename(layer, "fifo", "pipe").unwrap();
    assert_eq!(stat(layer, "pipe").kind, FileType::Fifo);
    unlink(layer, "pipe").unwrap();
    absent(layer, "pipe");
}

fn can_be_linked(layer: &dyn Layer) {
    link(layer, "fifo", "second").unwrap();
    assert_eq!(ino(layer, "fifo"), ino(layer, "second"));
}
