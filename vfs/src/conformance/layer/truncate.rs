//! Changing the size.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case};
use crate::errno::Errno;
use crate::layer::Layer;
use crate::node::SetAttr;

const W: Needs = Needs::WRITES;

pub(super) const CASES: &[Case] = &[
    case("cuts_off", W, ten_bytes, cuts_off),
    case("to_nothing", W, ten_bytes, to_nothing),
    case("grows_with_zeros", W, ten_bytes, grows_with_zeros),
    case("does_not_bring_back_what_was_cut", W, ten_bytes, does_not_bring_back_what_was_cut),
    case("of_a_large_file", W, a_megabyte, of_a_large_file),
    case("then_writing_past_the_end_leaves_zeros", W, ten_bytes, then_writing_past_the_end),
    case("moves_mtime", W, ten_bytes, moves_mtime),
    case("a_given_mtime_wins", W, ten_bytes, a_given_mtime_wins),
    case("past_the_largest_offset_is_efbig", W, ten_bytes, past_the_largest_offset_is_efbig),
    case("to_far_out_costs_little", W.and(Needs::SPARSE), ten_bytes, to_far_out_costs_little),
];

fn ten_bytes(layer: &dyn Layer) {
    file(layer, "f", b"0123456789");
}

fn a_megabyte(layer: &dyn Layer) {
    file(layer, "f", &pattern(1 << 20));
}

fn cuts_off(layer: &dyn Layer) {
    truncate(layer, "f", 4);
    holds(layer, "f", b"0123");
}

fn to_nothing(layer: &dyn Layer) {
    truncate(layer, "f", 0);
    holds(layer, "f", b"");
}

fn grows_with_zeros(layer: &dyn Layer) {
    truncate(layer, "f", 13);
    holds(layer, "f", b"0123456789\0\0\0");
}

fn does_not_bring_back_what_was_cut(layer: &dyn Layer) {
    truncate(layer, "f", 3);
    truncate(layer, "f", 8);
    holds(layer, "f", b"012\0\0\0\0\0");
}

fn of_a_large_file(layer: &dyn Layer) {
    let mut model = pattern(1 << 20);
    for size in [700_001, 300_000, 900_000, 65_537, 65_536, 65_535, 100_000] {
        truncate(layer, "f", size as u64);
        model.resize(size, 0);
        holds(layer, "f", &model);
    }
}

fn then_writing_past_the_end(layer: &dyn Layer) {
    truncate(layer, "f", 2);
    write(layer, "f", 5, b"x");
    holds(layer, "f", b"01\0\0\0x");
}

fn moves_mtime(layer: &dyn Layer) {
    for size in [3, 30] {
        age(layer, "f");
        let before = stat(layer, "f").version;
        truncate(layer, "f", size);
        touched(layer, "f");
        assert!(stat(layer, "f").version > before);
    }
}

fn a_given_mtime_wins(layer: &dyn Layer) {
    let change = SetAttr { mtime: Some(OLD), ..SetAttr::size(3) };
    let after = layer.setattr(ino(layer, "f"), &change).unwrap();
    assert_eq!((after.size, after.mtime), (3, OLD));
}

fn past_the_largest_offset_is_efbig(layer: &dyn Layer) {
    fails(layer.setattr(ino(layer, "f"), &SetAttr::size(u64::MAX)), Errno::EFBIG);
    fails(layer.setattr(ino(layer, "f"), &SetAttr::size(1 << 63)), Errno::EFBIG);
    holds(layer, "f", b"0123456789");
}

fn to_far_out_costs_little(layer: &dyn Layer) {
    truncate(layer, "f", 1 << 40);
    let stat = stat(layer, "f");
    assert_eq!(stat.size, 1 << 40);
    assert!(stat.blocks < 4096, "{} blocks for ten bytes", stat.blocks);
    assert_eq!(layer.read(stat.ino, (1 << 40) - 3, 10).unwrap(), &[0; 3][..]);
}
