//! How full it is, and durability.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case};
use crate::errno::Errno;
use crate::layer::Layer;

pub(super) const CASES: &[Case] = &[
    case("uses_no_more_than_there_is", Needs::READS, tree, uses_no_more_than_there_is),
    case("fsync_of_file_directory_and_all", Needs::WRITES, tree, fsync),
    case("fsync_of_nothing_is_estale", Needs::WRITES, tree, fsync_of_nothing_is_estale),
];

fn tree(layer: &dyn Layer) {
    dir(layer, "d");
    file(layer, "d/f", &pattern(100_000));
}

fn uses_no_more_than_there_is(layer: &dyn Layer) {
    let stat = layer.statfs().unwrap();
    assert!(stat.used_bytes <= stat.total_bytes, "{stat:?}");
    assert!(stat.used_inodes <= stat.total_inodes, "{stat:?}");
}

fn fsync(layer: &dyn Layer) {
    write(layer, "d/f", 5, b"x");
    layer.fsync(Some(ino(layer, "d/f"))).unwrap();
    layer.fsync(Some(ino(layer, "d"))).unwrap();
    layer.fsync(None).unwrap();
    assert_eq!(content(layer, "d/f")[5], b'x');
}

fn fsync_of_nothing_is_estale(layer: &dyn Layer) {
    let gone = ino(layer, "d/f");
    unlink(layer, "d/f").unwrap();
    fails(layer.fsync(Some(gone)), Errno::ESTALE);
}
