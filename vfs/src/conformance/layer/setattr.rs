//! Changing attributes.

use crate::clock::Timestamp;
use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case};
use crate::layer::Layer;
use crate::node::SetAttr;

const W: Needs = Needs::WRITES;
const O: Needs = W.and(Needs::OWNERSHIP);

pub(super) const CASES: &[Case] = &[
    case("mode", O, a_file_and_a_dir, mode),
    case("owner", O, a_file_and_a_dir, owner),
    case("of_a_symlink", O.and(Needs::SYMLINKS), a_link, of_a_symlink),
    case("several_at_once", O, a_file_and_a_dir, several_at_once),
    case("times_to_the_nanosecond", W, a_file_and_a_dir, times_to_the_nanosecond),
    case("times_before_1970", W, a_file_and_a_dir, times_before_1970),
    case("one_time_leaves_the_other", W, a_file_and_a_dir, one_time_leaves_the_other),
    case("of_the_root", O, a_file_and_a_dir, of_the_root),
    case("returns_all_attributes", W, a_file_and_a_dir, returns_all_attributes),
    case("keeps_content_and_number", O, a_file_and_a_dir, keeps_content_and_number),
    case("moves_version_but_not_mtime", O, a_file_and_a_dir, moves_version_but_not_mtime),
    case("atime_alone_is_no_change", O, a_file_and_a_dir, atime_alone_is_no_change),
    case("is_seen_through_every_name", O.and(Needs::HARD_LINKS), a_file_and_a_dir, through_every_name),
];

fn a_file_and_a_dir(layer: &dyn Layer) {
    file(layer, "f", b"content");
    dir(layer, "d");
    file(layer, "d/g", b"below");
}

fn a_link(layer: &dyn Layer) {
    file(layer, "f", b"content");
    symlink(layer, "f", "s");
}

fn set(layer: &dyn Layer, path: &str, change: SetAttr) -> crate::Stat {
    layer.setattr(ino(layer, path), &change).unwrap()
}

fn mode(layer: &dyn Layer) {
    for path in ["f", "d"] {
        for mode in [0o4755, 0o000, 0o1777, 0o644] {
            set(layer, path, SetAttr::mode(mode));
            assert_eq!(stat(layer, path).mode, mode);
        }
    }
}

fn owner(layer: &dyn Layer) {
    set(layer, "f", SetAttr { uid: Some(5), ..SetAttr::default() });
    set(layer, "f", SetAttr { gid: Some(6), ..SetAttr::default() });
    set(layer, "d", SetAttr { uid: Some(u32::MAX - 1), gid: Some(0), ..SetAttr::default() });
    assert_eq!((stat(layer, "f").uid, stat(layer, "f").gid), (5, 6));
    assert_eq!((stat(layer, "d").uid, stat(layer, "d").gid), (u32::MAX - 1, 0));
}

fn of_a_symlink(layer: &dyn Layer) {
    set(layer, "s", SetAttr { uid: Some(5), mtime: Some(OLD), ..SetAttr::default() });
    assert_eq!((stat(layer, "s").uid, stat(layer, "s").mtime), (5, OLD));
    assert_eq!(stat(layer, "f").uid, 1000);
}

fn several_at_once(layer: &dyn Layer) {
    let change = SetAttr { mode: Some(0o600), uid: Some(1), mtime: Some(OLD), ..SetAttr::size(3) };
    let after = set(layer, "f", change);
    assert_eq!((after.mode, after.uid, after.mtime, after.size), (0o600, 1, OLD, 3));
    holds(layer, "f", b"con");
}

fn times_to_the_nanosecond(layer: &dyn Layer) {
    let (atime, mtime) = (Timestamp(1_234_567_890_123_456_789), Timestamp(987_654_321_987_654_321));
    for path in ["f", "d"] {
        set(layer, path, SetAttr { atime: Some(atime), mtime: Some(mtime), ..SetAttr::default() });
        assert_eq!((stat(layer, path).atime, stat(layer, path).mtime), (atime, mtime));
    }
}

fn times_before_1970(layer: &dyn Layer) {
    let early = Timestamp(-86_400_000_000_001);
    set(layer, "f", SetAttr { mtime: Some(early), ..SetAttr::default() });
    assert_eq!(stat(layer, "f").mtime, early);
}

fn one_time_leaves_the_other(layer: &dyn Layer) {
    age(layer, "f");
    set(layer, "f", SetAttr { mtime: Some(Timestamp(5)), ..SetAttr::default() });
    assert_eq!((stat(layer, "f").atime, stat(layer, "f").mtime), (OLD, Timestamp(5)));
    set(layer, "f", SetAttr { atime: Some(Timestamp(6)), ..SetAttr::default() });
    assert_eq!((stat(layer, "f").atime, stat(layer, "f").mtime), (Timestamp(6), Timestamp(5)));
}

fn of_the_root(layer: &dyn Layer) {
    let after = layer.setattr(layer.root(), &SetAttr::mode(0o711)).unwrap();
    assert_eq!((after.mode, after.ino), (0o711, layer.root()));
    assert_eq!(list(layer, ""), ["d", "f"]);
}

fn returns_all_attributes(layer: &dyn Layer) {
    let after = set(layer, "f", SetAttr { mtime: Some(OLD), ..SetAttr::default() });
    assert_eq!(after, stat(layer, "f"));
}

fn keeps_content_and_number(layer: &dyn Layer) {
    let before = stat(layer, "f");
    set(layer, "f", SetAttr::mode(0o400));
    set(layer, "d", SetAttr::mode(0o700));
    assert_eq!(ino(layer, "f"), before.ino);
    holds(layer, "f", b"content");
    holds(layer, "d/g", b"below");
}

fn moves_version_but_not_mtime(layer: &dyn Layer) {
    age(layer, "f");
    let before = stat(layer, "f");
    set(layer, "f", SetAttr::mode(0o600));
    let after = stat(layer, "f");
    assert!(after.version > before.version);
    assert!(after.ctime >= before.ctime && after.ctime > OLD);
    assert_eq!((after.mtime, after.atime), (OLD, OLD));
}

fn atime_alone_is_no_change(layer: &dyn Layer) {
    let before = stat(layer, "f");
    set(layer, "f", SetAttr { atime: Some(OLD), ..SetAttr::default() });
    let after = stat(layer, "f");
    assert_eq!(after.atime, OLD);
    assert_eq!((after.ctime, after.mtime, after.version), (before.ctime, before.mtime, before.version));
}

fn through_every_name(layer: &dyn Layer) {
    link(layer, "f", "d/h").unwrap();
    set(layer, "d/h", SetAttr::mode(0o640));
    assert_eq!(stat(layer, "f").mode, 0o640);
}
