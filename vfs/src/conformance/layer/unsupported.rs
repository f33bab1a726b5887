//! What a layer does not have is `EOPNOTSUPP`, and changes nothing.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case};
use crate::errno::Errno;
use crate::layer::Layer;
use crate::node::{NewNode, XattrMode};

const W: Needs = Needs::WRITES;

pub(super) const CASES: &[Case] = &[
    case("special_nodes", W.and(Needs::NO_SPECIAL), a_file, special_nodes),
    case("special_node_onto_a_name_is_eexist", W.and(Needs::NO_SPECIAL), a_file, onto_a_name),
    case("symbolic_links", W.and(Needs::NO_SYMLINKS), a_file, symbolic_links),
    case("hard_links", W.and(Needs::NO_HARD_LINKS), a_file, hard_links),
    case("extended_attributes", W.and(Needs::NO_XATTRS), a_file, extended_attributes),
];

fn a_file(layer: &dyn Layer) {
    file(layer, "f", b"content");
}

fn special_nodes(layer: &dyn Layer) {
    for node in [NewNode::Fifo, NewNode::Socket, NewNode::CharDevice(1), NewNode::BlockDevice(1)] {
        fails(create(layer, "x", node), Errno::EOPNOTSUPP);
    }
    absent(layer, "x");
}

fn onto_a_name(layer: &dyn Layer) {
    fails(create(layer, "f", NewNode::Fifo), Errno::EEXIST);
}

fn symbolic_links(layer: &dyn Layer) {
    fails(create(layer, "x", NewNode::Symlink("f")), Errno::EOPNOTSUPP);
    absent(layer, "x");
}

fn hard_links(layer: &dyn Layer) {
    fails(link(layer, "f", "x"), Errno::EOPNOTSUPP);
    absent(layer, "x");
}

fn extended_attributes(layer: &dyn Layer) {
    let ino = ino(layer, "f");
    fails(layer.setxattr(ino, "user.a", b"x", XattrMode::Any), Errno::EOPNOTSUPP);
    fails(layer.getxattr(ino, "user.a"), Errno::EOPNOTSUPP);
}
