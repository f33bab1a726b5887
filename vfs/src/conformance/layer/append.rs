//! Appending.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case};
use crate::layer::Layer;

const W: Needs = Needs::WRITES;

pub(super) const CASES: &[Case] = &[
    case("returns_where_it_went", W, three_bytes, returns_where_it_went),
    case("to_an_empty_file", W, three_bytes, to_an_empty_file),
    case("goes_to_the_end_there_is_by_then", W, three_bytes, goes_to_the_end_there_is_by_then),
    case("to_a_large_file", W, a_megabyte, to_a_large_file),
    case("of_nothing_changes_nothing", W, three_bytes, of_nothing_changes_nothing),
    case("moves_mtime", W, three_bytes, moves_mtime),
];

fn three_bytes(layer: &dyn Layer) {
    file(layer, "f", b"abc");
    file(layer, "empty", b"");
}

fn a_megabyte(layer: &dyn Layer) {
    file(layer, "f", &pattern(1 << 20));
}

fn append(layer: &dyn Layer, path: &str, data: &[u8]) -> u64 {
    layer.append(ino(layer, path), data).unwrap()
}

fn returns_where_it_went(layer: &dyn Layer) {
    assert_eq!(append(layer, "f", b"de"), 3);
    assert_eq!(append(layer, "f", b"f"), 5);
    holds(layer, "f", b"abcdef");
}

fn to_an_empty_file(layer: &dyn Layer) {
    assert_eq!(append(layer, "empty", b"x"), 0);
    holds(layer, "empty", b"x");
}

fn goes_to_the_end_there_is_by_then(layer: &dyn Layer) {
    truncate(layer, "f", 1);
    assert_eq!(append(layer, "f", b"z"), 1);
    truncate(layer, "f", 4);
    assert_eq!(append(layer, "f", b"!"), 4);
    holds(layer, "f", b"az\0\0!");
}

fn to_a_large_file(layer: &dyn Layer) {
    let mut model = pattern(1 << 20);
    for step in 0..30u8 {
        let data = [step; 100];
        assert_eq!(append(layer, "f", &data), model.len() as u64);
        model.extend_from_slice(&data);
    }
    holds(layer, "f", &model);
}

fn of_nothing_changes_nothing(layer: &dyn Layer) {
    let before = stat(layer, "f");
    assert_eq!(append(layer, "f", b""), 3);
    assert_eq!(stat(layer, "f"), before);
}

fn moves_mtime(layer: &dyn Layer) {
    age(layer, "f");
    append(layer, "f", b"d");
    touched(layer, "f");
}
