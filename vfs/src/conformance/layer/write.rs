//! Writing content.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case};
use crate::errno::Errno;
use crate::layer::Layer;

const W: Needs = Needs::WRITES;

pub(super) const CASES: &[Case] = &[
    case("over_the_middle", W, ten_bytes, over_the_middle),
    case("over_the_end_grows", W, ten_bytes, over_the_end_grows),
    case("past_the_end_leaves_zeros", W, ten_bytes, past_the_end_leaves_zeros),
    case("to_an_empty_file", W, empty, to_an_empty_file),
    case("of_nothing_changes_nothing", W, ten_bytes, of_nothing_changes_nothing),
    case("of_nothing_past_the_end_does_not_grow", W, ten_bytes, of_nothing_past_the_end),
    case("moves_mtime_and_version", W, ten_bytes, moves_mtime_and_version),
    case("does_not_move_mtime_of_the_directory", W, ten_bytes, keeps_mtime_of_the_directory),
    case("is_seen_through_every_name", W.and(Needs::HARD_LINKS), two_names, is_seen_through_every_name),
    case("past_the_largest_offset_is_efbig", W, ten_bytes, past_the_largest_offset_is_efbig),
    case("far_out_costs_little", W.and(Needs::SPARSE), ten_bytes, far_out_costs_little),
    case("small_ones_into_a_large_file", W, half_a_megabyte, small_ones_into_a_large_file),
    case("backwards", W, empty, backwards),
    case("overlapping", W, empty, overlapping),
    case("larger_than_what_is_kept_inline", W, ten_bytes, larger_than_inline),
];

fn ten_bytes(layer: &dyn Layer) {
    file(layer, "f", b"0123456789");
}

fn empty(layer: &dyn Layer) {
    file(layer, "f", b"");
}

fn two_names(layer: &dyn Layer) {
    file(layer, "f", b"0123456789");
    dir(layer, "d");
    link(layer, "f", "d/g").unwrap();
}

fn half_a_megabyte(layer: &dyn Layer) {
    file(layer, "f", &pattern(500_000));
}

fn over_the_middle(layer: &dyn Layer) {
    write(layer, "f", 3, b"abc");
    holds(layer, "f", b"012abc6789");
}

fn over_the_end_grows(layer: &dyn Layer) {
    write(layer, "f", 8, b"abcd");
    holds(layer, "f", b"01234567abcd");
}

fn past_the_end_leaves_zeros(layer: &dyn Layer) {
    write(layer, "f", 13, b"end");
    holds(layer, "f", b"0123456789\0\0\0end");
}

fn to_an_empty_file(layer: &dyn Layer) {
    write(layer, "f", 0, b"now");
    holds(layer, "f", b"now");
}

fn of_nothing_changes_nothing(layer: &dyn Layer) {
    let before = stat(layer, "f");
    write(layer, "f", 4, b"");
    assert_eq!(stat(layer, "f"), before);
}

fn of_nothing_past_the_end(layer: &dyn Layer) {
    write(layer, "f", 400, b"");
    holds(layer, "f", b"0123456789");
}

fn moves_mtime_and_version(layer: &dyn Layer) {
    age(layer, "f");
    let before = stat(layer, "f");
    write(layer, "f", 0, b"x");
    touched(layer, "f");
    let after = stat(layer, "f");
    assert!(after.version > before.version, "{} -> {}", before.version, after.version);
    assert!(after.ctime >= before.ctime);
    assert_eq!(after.ino, before.ino);
}

fn keeps_mtime_of_the_directory(layer: &dyn Layer) {
    age(layer, "");
    write(layer, "f", 0, b"x");
    untouched(layer, "");
}

fn is_seen_through_every_name(layer: &dyn Layer) {
    write(layer, "d/g", 0, b"abc");
    holds(layer, "f", b"abc3456789");
    write(layer, "f", 9, b"xyz");
    holds(layer, "d/g", b"abc345678xyz");
}

fn past_the_largest_offset_is_efbig(layer: &dyn Layer) {
    let ino = ino(layer, "f");
    fails(layer.write(ino, i64::MAX as u64, b"xx"), Errno::EFBIG);
    fails(layer.write(ino, u64::MAX, b"x"), Errno::EFBIG);
    holds(layer, "f", b"0123456789");
}

fn far_out_costs_little(layer: &dyn Layer) {
    write(layer, "f", 1 << 33, b"far");
    let stat = stat(layer, "f");
    assert_eq!(stat.size, (1 << 33) + 3);
    assert!(stat.blocks < 4096, "{} blocks for 13 bytes", stat.blocks);
    assert_eq!(layer.read(stat.ino, (1 << 33) - 2, 10).unwrap(), &b"\0\0far"[..]);
}

fn small_ones_into_a_large_file(layer: &dyn Layer) {
    let mut model = pattern(500_000);
    for step in 0..60usize {
        let at = step * 8_111 % 499_000;
        let data = [step as u8; 37];
        write(layer, "f", at as u64, &data);
        model[at..at + 37].copy_from_slice(&data);
    }
    holds(layer, "f", &model);
}

fn backwards(layer: &dyn Layer) {
    for at in (0..20).rev() {
        write(layer, "f", at * 3, &[b'a' + at as u8; 3]);
    }
    let expected: Vec<u8> = (0..20).flat_map(|at| [b'a' + at; 3]).collect();
    holds(layer, "f", &expected);
}

fn overlapping(layer: &dyn Layer) {
    write(layer, "f", 0, b"aaaaaaaaaa");
    write(layer, "f", 2, b"bbbbbb");
    write(layer, "f", 4, b"cc");
    write(layer, "f", 1, b"dd");
    write(layer, "f", 7, b"eeeee");
    holds(layer, "f", b"addbccbeeeee");
}

fn larger_than_inline(layer: &dyn Layer) {
    let data = pattern(200_000);
    write(layer, "f", 5, &data);
    let expected = [b"01234", &data[..]].concat();
    holds(layer, "f", &expected);
}
