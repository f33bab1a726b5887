//! Extended attributes.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case};
use crate::errno::Errno;
use crate::layer::Layer;
use crate::node::XattrMode;

const X: Needs = Needs::WRITES.and(Needs::XATTRS);

pub(super) const CASES: &[Case] = &[
    case("comes_back_as_set", X, tree, comes_back_as_set),
    case("value_can_be_empty", X, tree, value_can_be_empty),
    case("missing_is_enodata", X, tree, missing_is_enodata),
    case("replaces_by_default", X, tree, replaces_by_default),
    case("create_of_existing_is_eexist", X, tree, create_of_existing_is_eexist),
    case("replace_of_missing_is_enodata", X, tree, replace_of_missing_is_enodata),
    case("list_is_sorted", X, tree, list_is_sorted),
    case("removed_is_gone", X, tree, removed_is_gone),
    case("outside_user_is_eopnotsupp", X, tree, outside_user_is_eopnotsupp),
    case("nothing_after_user_is_einval", X, tree, nothing_after_user_is_einval),
    case("long_name_is_erange", X, tree, long_name_is_erange),
    case("large_value_is_enospc", X, tree, large_value_is_enospc),
    case("on_directories", X, tree, on_directories),
    case("stay_with_a_renamed_file", X, attributed, stay_with_a_renamed_file),
    case("do_not_pass_to_a_file_made_again", X, attributed, do_not_pass_to_a_file_made_again),
    case("are_shared_by_all_names", X.and(Needs::HARD_LINKS), attributed, are_shared_by_all_names),
    case("setting_moves_version_but_not_mtime", X, tree, setting_moves_version_but_not_mtime),
];

fn tree(layer: &dyn Layer) {
    file(layer, "f", b"content");
    dir(layer, "d");
}

fn attributed(layer: &dyn Layer) {
    tree(layer);
    set(layer, "f", "user.kept", b"value");
}

fn set(layer: &dyn Layer, path: &str, name: &str, value: &[u8]) {
    layer.setxattr(ino(layer, path), name, value, XattrMode::Any).unwrap();
}

fn get(layer: &dyn Layer, path: &str, name: &str) -> crate::NodeResult<bytes::Bytes> {
    layer.getxattr(ino(layer, path), name)
}

fn comes_back_as_set(layer: &dyn Layer) {
    set(layer, "f", "user.a", b"one\0two\xff");
    assert_eq!(get(layer, "f", "user.a").unwrap(), &b"one\0two\xff"[..]);
    holds(layer, "f", b"content");
}

fn value_can_be_empty(layer: &dyn Layer) {
    set(layer, "f", "user.a", b"");
    assert!(get(layer, "f", "user.a").unwrap().is_empty());
}

fn missing_is_enodata(layer: &dyn Layer) {
    fails(get(layer, "f", "user.a"), Errno::ENODATA);
    fails(layer.removexattr(ino(layer, "f"), "user.a"), Errno::ENODATA);
}

fn replaces_by_default(layer: &dyn Layer) {
    set(layer, "f", "user.a", b"first, and longer");
    set(layer, "f", "user.a", b"second");
    assert_eq!(get(layer, "f", "user.a").unwrap(), &b"second"[..]);
    assert_eq!(layer.listxattr(ino(layer, "f")).unwrap(), ["user.a"]);
}

fn create_of_existing_is_eexist(layer: &dyn Layer) {
    set(layer, "f", "user.a", b"first");
    fails(layer.setxattr(ino(layer, "f"), "user.a", b"second", XattrMode::Create), Errno::EEXIST);
    assert_eq!(get(layer, "f", "user.a").unwrap(), &b"first"[..]);
}

fn replace_of_missing_is_enodata(layer: &dyn Layer) {
    fails(layer.setxattr(ino(layer, "f"), "user.a", b"x", XattrMode::Replace), Errno::ENODATA);
    fails(get(layer, "f", "user.a"), Errno::ENODATA);
}

fn list_is_sorted(layer: &dyn Layer) {
    assert!(layer.listxattr(ino(layer, "f")).unwrap().is_empty());
    for name in ["user.b", "user.c", "user.a"] {
        set(layer, "f", name, b"x");
    }
    assert_eq!(layer.listxattr(ino(layer, "f")).unwrap(), ["user.a", "user.b", "user.c"]);
}

fn removed_is_gone(layer: &dyn Layer) {
    set(layer, "f", "user.a", b"x");
    set(layer, "f", "user.b", b"y");
    layer.removexattr(ino(layer, "f"), "user.a").unwrap();
    fails(get(layer, "f", "user.a"), Errno::ENODATA);
    assert_eq!(layer.listxattr(ino(layer, "f")).unwrap(), ["user.b"]);
}

fn outside_user_is_eopnotsupp(layer: &dyn Layer) {
    for name in ["security.x", "trusted.x", "system.x", "plain", ""] {
        fails(layer.setxattr(ino(layer, "f"), name, b"x", XattrMode::Any), Errno::EOPNOTSUPP);
        fails(layer.removexattr(ino(layer, "f"), name), Errno::EOPNOTSUPP);
        fails(get(layer, "f", name), Errno::EOPNOTSUPP);
    }
}

fn nothing_after_user_is_einval(layer: &dyn Layer) {
    fails(layer.setxattr(ino(layer, "f"), "user.", b"x", XattrMode::Any), Errno::EINVAL);
    fails(layer.removexattr(ino(layer, "f"), "user."), Errno::EINVAL);
    fails(get(layer, "f", "user."), Errno::EINVAL);
}

fn long_name_is_erange(layer: &dyn Layer) {
    let longest = format!("user.{}", "n".repeat(250));
    set(layer, "f", &longest, b"x");
    fails(layer.setxattr(ino(layer, "f"), &format!("{longest}n"), b"x", XattrMode::Any), Errno::ERANGE);
}

fn large_value_is_enospc(layer: &dyn Layer) {
    let large = vec![b'v'; (64 << 10) + 1];
    fails(layer.setxattr(ino(layer, "f"), "user.a", &large, XattrMode::Any), Errno::ENOSPC);
    set(layer, "f", "user.a", &large[..2000]);
    assert_eq!(get(layer, "f", "user.a").unwrap().len(), 2000);
}

fn on_directories(layer: &dyn Layer) {
    set(layer, "d", "user.a", b"x");
    assert_eq!(get(layer, "d", "user.a").unwrap(), &b"x"[..]);
}

fn stay_with_a_renamed_file(layer: &dyn Layer) {
    rename(layer, "f", "d/g").unwrap();
    assert_eq!(get(layer, "d/g", "user.kept").unwrap(), &b"value"[..]);
}

fn do_not_pass_to_a_file_made_again(layer: &dyn Layer) {
    unlink(layer, "f").unwrap();
    file(layer, "f", b"second");
    assert!(layer.listxattr(ino(layer, "f")).unwrap().is_empty());
}

fn are_shared_by_all_names(layer: &dyn Layer) {
    link(layer, "f", "d/g").unwrap();
    set(layer, "d/g", "user.more", b"m");
    assert_eq!(layer.listxattr(ino(layer, "f")).unwrap(), ["user.kept", "user.more"]);
}

fn setting_moves_version_but_not_mtime(layer: &dyn Layer) {
    age(layer, "f");
    let before = stat(layer, "f");
    set(layer, "f", "user.a", b"x");
    assert!(stat(layer, "f").version > before.version);
    untouched(layer, "f");
}
