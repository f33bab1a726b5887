//! Inode numbers that lead nowhere: `ESTALE` from every operation.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case, nothing};
use crate::errno::Errno;
use crate::layer::Layer;
use crate::node::{Ino, NewAttr, NewNode, RenameMode, SetAttr, XattrMode};

const W: Needs = Needs::WRITES;

pub(super) const CASES: &[Case] = &[
    case("looking", Needs::READS, nothing, looking),
    case("content", W, nothing, changing_content),
    case("attributes", W, nothing, attributes),
    case("entries", W, a_file, entries),
    case("links", W.and(Needs::HARD_LINKS), a_file, links),
    case("extended_attributes", W.and(Needs::XATTRS), nothing, extended_attributes),
    case("release_is_harmless", Needs::READS, nothing, release_is_harmless),
];

fn a_file(layer: &dyn Layer) {
    file(layer, "f", b"f");
}

/// A number that no node has: the largest that the layer could give.
fn nowhere(layer: &dyn Layer) -> Ino {
    let bits = u32::from(layer.features().ino_bits.clamp(1, 63));
    Ino((1 << bits) - 1)
}

fn looking(layer: &dyn Layer) {
    let gone = nowhere(layer);
    fails(layer.getattr(gone), Errno::ESTALE);
    fails(layer.lookup(gone, &name("x")), Errno::ESTALE);
    fails(layer.readdir(gone, None, 1), Errno::ESTALE);
    fails(layer.readlink(gone), Errno::ESTALE);
    fails(layer.read(gone, 0, 1), Errno::ESTALE);
    fails(layer.open(gone), Errno::ESTALE);
}

fn changing_content(layer: &dyn Layer) {
    let gone = nowhere(layer);
    fails(layer.write(gone, 0, b"x"), Errno::ESTALE);
    fails(layer.append(gone, b"x"), Errno::ESTALE);
    fails(layer.setattr(gone, &SetAttr::size(0)), Errno::ESTALE);
}

fn attributes(layer: &dyn Layer) {
    fails(layer.setattr(nowhere(layer), &SetAttr { mtime: Some(OLD), ..SetAttr::default() }), Errno::ESTALE);
}

fn entries(layer: &dyn Layer) {
    let (gone, root) = (nowhere(layer), layer.root());
    let (f, x) = (name("f"), name("x"));
    fails(layer.create(gone, &x, NewNode::File(b""), &NewAttr::with_mode(0o644)), Errno::ESTALE);
    fails(layer.unlink(gone, &x), Errno::ESTALE);
    fails(layer.rmdir(gone, &x), Errno::ESTALE);
    fails(layer.rename((root, &f), (gone, &x), RenameMode::Replace), Errno::ESTALE);
    fails(layer.rename((gone, &x), (root, &f), RenameMode::Replace), Errno::ESTALE);
    holds(layer, "f", b"f");
}

fn links(layer: &dyn Layer) {
    fails(layer.link(nowhere(layer), layer.root(), &name("x")), Errno::ESTALE);
    fails(layer.link(ino(layer, "f"), nowhere(layer), &name("x")), Errno::ESTALE);
}

fn extended_attributes(layer: &dyn Layer) {
    let gone = nowhere(layer);
    fails(layer.getxattr(gone, "user.a"), Errno::ESTALE);
    fails(layer.listxattr(gone), Errno::ESTALE);
    fails(layer.setxattr(gone, "user.a", b"", XattrMode::Any), Errno::ESTALE);
    fails(layer.removexattr(gone, "user.a"), Errno::ESTALE);
}

fn release_is_harmless(layer: &dyn Layer) {
    layer.release(nowhere(layer));
    assert!(layer.getattr(layer.root()).unwrap().is_dir());
}
