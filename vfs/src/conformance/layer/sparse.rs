//! Holes, and allocation.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case};
use crate::errno::Errno;
use crate::layer::Layer;
use crate::node::{Allocate, SeekTo};

const S: Needs = Needs::WRITES.and(Needs::SPARSE);
const READS: Needs = Needs::READS.and(Needs::SPARSE);
const MIB: u64 = 1 << 20;

pub(super) const CASES: &[Case] = &[
    case("data_is_found_after_a_hole", READS, island, data_is_found_after_a_hole),
    case("hole_is_found_after_data", READS, island, hole_is_found_after_data),
    case("end_counts_as_a_hole", READS, solid, end_counts_as_a_hole),
    case("seek_past_the_end_is_enxio", READS, island, seek_past_the_end_is_enxio),
    case("no_more_data_is_enxio", READS, tail_hole, no_more_data_is_enxio),
    case("seek_in_an_empty_file_is_enxio", READS, empty, seek_in_an_empty_file_is_enxio),
    case("punch_reads_as_zeros", S, solid, punch_reads_as_zeros),
    case("punch_keeps_the_size", S, solid, punch_keeps_the_size),
    case("punch_frees_space", S, solid, punch_frees_space),
    case("punch_of_part_of_a_block", S, solid, punch_of_part_of_a_block),
    case("zero_reads_as_zeros_and_grows", S, solid, zero_reads_as_zeros_and_grows),
    case("reserve_grows_with_zeros", S, solid, reserve_grows_with_zeros),
    case("reserve_keeps_what_is_there", S, solid, reserve_keeps_what_is_there),
    case("keep_size_does_not_grow", S, solid, keep_size_does_not_grow),
    case("empty_range_is_einval", S, solid, empty_range_is_einval),
    case("range_past_the_largest_offset_is_efbig", S, solid, range_past_the_largest_offset),
    case("writing_fills_a_hole", S, island, writing_fills_a_hole),
    case("allocation_moves_mtime", S, solid, allocation_moves_mtime),
];

/// A megabyte of hole, 64 KiB of data, a megabyte of hole, one byte.
fn island(layer: &dyn Layer) {
    file(layer, "f", b"");
    write(layer, "f", MIB, &pattern(65_536));
    write(layer, "f", 2 * MIB + 65_536, b"!");
}

fn solid(layer: &dyn Layer) {
    file(layer, "f", &pattern(262_144));
}

fn tail_hole(layer: &dyn Layer) {
    file(layer, "f", &pattern(65_536));
    truncate(layer, "f", MIB);
}

fn empty(layer: &dyn Layer) {
    file(layer, "f", b"");
}

fn seek(layer: &dyn Layer, offset: u64, to: SeekTo) -> crate::NodeResult<u64> {
    layer.seek(ino(layer, "f"), offset, to)
}

fn allocate(layer: &dyn Layer, how: Allocate, offset: u64, len: u64) {
    layer.allocate(ino(layer, "f"), how, offset, len).unwrap();
}

fn data_is_found_after_a_hole(layer: &dyn Layer) {
    assert_eq!(seek(layer, 0, SeekTo::Data).unwrap(), MIB);
    assert_eq!(seek(layer, MIB + 5, SeekTo::Data).unwrap(), MIB + 5);
    let last = seek(layer, MIB + 65_536, SeekTo::Data).unwrap();
    assert!(last > MIB + 65_536 && last <= 2 * MIB + 65_536, "data at {last}");
}

fn hole_is_found_after_data(layer: &dyn Layer) {
    assert_eq!(seek(layer, 0, SeekTo::Hole).unwrap(), 0);
    assert_eq!(seek(layer, MIB, SeekTo::Hole).unwrap(), MIB + 65_536);
}

fn end_counts_as_a_hole(layer: &dyn Layer) {
    assert_eq!(seek(layer, 0, SeekTo::Hole).unwrap(), 262_144);
    assert_eq!(seek(layer, 262_143, SeekTo::Hole).unwrap(), 262_144);
}

fn seek_past_the_end_is_enxio(layer: &dyn Layer) {
    let size = stat(layer, "f").size;
    for to in [SeekTo::Data, SeekTo::Hole] {
        fails(seek(layer, size, to), Errno::ENXIO);
        fails(seek(layer, size + MIB, to), Errno::ENXIO);
    }
}

fn no_more_data_is_enxio(layer: &dyn Layer) {
    fails(seek(layer, 65_536, SeekTo::Data), Errno::ENXIO);
    assert_eq!(seek(layer, 65_536, SeekTo::Hole).unwrap(), 65_536);
}

fn seek_in_an_empty_file_is_enxio(layer: &dyn Layer) {
    fails(seek(layer, 0, SeekTo::Data), Errno::ENXIO);
    fails(seek(layer, 0, SeekTo::Hole), Errno::ENXIO);
}

fn punch_reads_as_zeros(layer: &dyn Layer) {
    allocate(layer, Allocate::Punch, 65_536, 65_536);
    let mut model = pattern(262_144);
    model[65_536..131_072].fill(0);
    holds(layer, "f", &model);
    assert_eq!(seek(layer, 0, SeekTo::Hole).unwrap(), 65_536);
    assert_eq!(seek(layer, 65_536, SeekTo::Data).unwrap(), 131_072);
}

fn punch_keeps_the_size(layer: &dyn Layer) {
    allocate(layer, Allocate::Punch, 200_000, MIB);
    let mut model = pattern(262_144);
    model[200_000..].fill(0);
    holds(layer, "f", &model);
}

fn punch_frees_space(layer: &dyn Layer) {
    let before = stat(layer, "f").blocks;
    allocate(layer, Allocate::Punch, 0, 131_072);
    let after = stat(layer, "f").blocks;
    assert!(after < before, "{before} -> {after} blocks");
}

fn punch_of_part_of_a_block(layer: &dyn Layer) {
    allocate(layer, Allocate::Punch, 10, 3);
    let mut model = pattern(262_144);
    model[10..13].fill(0);
    holds(layer, "f", &model);
}

fn zero_reads_as_zeros_and_grows(layer: &dyn Layer) {
    allocate(layer, Allocate::Zero, 262_000, 1000);
    let mut model = pattern(262_144);
    model[262_000..].fill(0);
    model.resize(263_000, 0);
    holds(layer, "f", &model);
}

fn reserve_grows_with_zeros(layer: &dyn Layer) {
    allocate(layer, Allocate::Reserve, 262_144, 1000);
    let mut model = pattern(262_144);
    model.resize(263_144, 0);
    holds(layer, "f", &model);
}

fn reserve_keeps_what_is_there(layer: &dyn Layer) {
    allocate(layer, Allocate::Reserve, 0, 262_144);
    holds(layer, "f", &pattern(262_144));
}

fn keep_size_does_not_grow(layer: &dyn Layer) {
    allocate(layer, Allocate::KeepSize, 262_144, 65_536);
    holds(layer, "f", &pattern(262_144));
}

fn empty_range_is_einval(layer: &dyn Layer) {
    for how in [Allocate::Reserve, Allocate::KeepSize, Allocate::Punch, Allocate::Zero] {
        fails(layer.allocate(ino(layer, "f"), how, 5, 0), Errno::EINVAL);
    }
}

fn range_past_the_largest_offset(layer: &dyn Layer) {
    fails(layer.allocate(ino(layer, "f"), Allocate::Reserve, i64::MAX as u64, 2), Errno::EFBIG);
    holds(layer, "f", &pattern(262_144));
}

fn writing_fills_a_hole(layer: &dyn Layer) {
    write(layer, "f", 0, &pattern(65_536));
    assert_eq!(seek(layer, 0, SeekTo::Hole).unwrap(), 65_536);
    let bytes = layer.read(ino(layer, "f"), 65_530, 12).unwrap();
    assert_eq!(bytes, [&pattern(65_536)[65_530..], &[0; 6]].concat());
}

fn allocation_moves_mtime(layer: &dyn Layer) {
    age(layer, "f");
    allocate(layer, Allocate::Punch, 0, 65_536);
    touched(layer, "f");
}
