//! Reading content.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case};
use crate::layer::Layer;

pub(super) const CASES: &[Case] = &[
    case("whole_content", Needs::READS, ten_bytes, whole_content),
    case("a_range", Needs::READS, ten_bytes, a_range),
    case("is_short_only_at_the_end", Needs::READS, ten_bytes, is_short_only_at_the_end),
    case("at_and_past_the_end_is_empty", Needs::READS, ten_bytes, at_and_past_the_end_is_empty),
    case("nothing_asked_nothing_read", Needs::READS, ten_bytes, nothing_asked_nothing_read),
    case("huge_length_is_fine", Needs::READS, ten_bytes, huge_length_is_fine),
    case("ranges_across_a_large_file", Needs::READS, a_megabyte, ranges_across_a_large_file),
    case("binary_content_is_kept", Needs::READS, all_bytes, binary_content_is_kept),
];

fn ten_bytes(layer: &dyn Layer) {
    file(layer, "f", b"0123456789");
}

fn read(layer: &dyn Layer, offset: u64, len: usize) -> Vec<u8> {
    layer.read(ino(layer, "f"), offset, len).unwrap().to_vec()
}

fn whole_content(layer: &dyn Layer) {
    assert_eq!(read(layer, 0, 10), b"0123456789");
}

fn a_range(layer: &dyn Layer) {
    assert_eq!(read(layer, 3, 4), b"3456");
}

fn is_short_only_at_the_end(layer: &dyn Layer) {
    assert_eq!(read(layer, 8, 10), b"89");
}

fn at_and_past_the_end_is_empty(layer: &dyn Layer) {
    assert_eq!(read(layer, 10, 1), b"");
    assert_eq!(read(layer, 1 << 40, 1), b"");
    assert_eq!(read(layer, i64::MAX as u64, 1), b"");
}

fn nothing_asked_nothing_read(layer: &dyn Layer) {
    assert_eq!(read(layer, 2, 0), b"");
}

fn huge_length_is_fine(layer: &dyn Layer) {
    assert_eq!(read(layer, 5, usize::MAX >> 1), b"56789");
}

fn a_megabyte(layer: &dyn Layer) {
    file(layer, "f", &pattern(1 << 20));
}

fn ranges_across_a_large_file(layer: &dyn Layer) {
    let all = pattern(1 << 20);
    for (offset, len) in [(0, 1), (65_535, 2), (65_536, 65_536), (200_001, 300_003), ((1 << 20) - 5, 100)] {
        let end = (offset + len).min(all.len());
        assert!(read(layer, offset as u64, len) == all[offset..end], "range {offset}+{len}");
    }
}

fn all_bytes(layer: &dyn Layer) {
    let bytes: Vec<u8> = (0..=255).collect();
    file(layer, "f", &bytes);
}

fn binary_content_is_kept(layer: &dyn Layer) {
    let bytes: Vec<u8> = (0..=255).collect();
    holds(layer, "f", &bytes);
}
