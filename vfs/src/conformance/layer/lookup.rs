//! Finding an entry by its name.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case, nothing};
use crate::errno::Errno;
use crate::layer::Layer;
use crate::node::FileType;

pub(super) const CASES: &[Case] = &[
    case("finds_what_was_made", Needs::READS, one_of_each, finds_what_was_made),
    case("missing_name_is_enoent", Needs::READS, one_of_each, missing_name_is_enoent),
    case("case_matters", Needs::READS, one_of_each, case_matters),
    case("bytes_are_not_normalised", Needs::READS, composed, bytes_are_not_normalised),
    case("name_of_255_bytes", Needs::READS, long_name, name_of_255_bytes),
    case("odd_names_are_names", Needs::WRITES, nothing, odd_names_are_names),
    case("root_is_a_directory", Needs::READS, nothing, root_is_a_directory),
    case("deep_nesting", Needs::READS, deep, deep_nesting),
];

fn one_of_each(layer: &dyn Layer) {
    file(layer, "file", b"x");
    dir(layer, "dir");
}

fn finds_what_was_made(layer: &dyn Layer) {
    let found = layer.lookup(layer.root(), &name("file")).unwrap();
    assert_eq!((found.kind, found.size), (FileType::Regular, 1));
    assert!(layer.lookup(layer.root(), &name("dir")).unwrap().is_dir());
}

fn missing_name_is_enoent(layer: &dyn Layer) {
    fails(layer.lookup(layer.root(), &name("nothing")), Errno::ENOENT);
    fails(layer.lookup(ino(layer, "dir"), &name("nothing")), Errno::ENOENT);
}

fn case_matters(layer: &dyn Layer) {
    fails(layer.lookup(layer.root(), &name("FILE")), Errno::ENOENT);
}

fn composed(layer: &dyn Layer) {
    file(layer, "caf\u{e9}", b"composed");
}

fn bytes_are_not_normalised(layer: &dyn Layer) {
    holds(layer, "caf\u{e9}", b"composed");
    fails(layer.lookup(layer.root(), &name("cafe\u{301}")), Errno::ENOENT);
}

fn long_name(layer: &dyn Layer) {
    file(layer, &"n".repeat(255), b"long");
}

fn name_of_255_bytes(layer: &dyn Layer) {
    holds(layer, &"n".repeat(255), b"long");
    assert_eq!(list(layer, ""), ["n".repeat(255)]);
}

fn odd_names_are_names(layer: &dyn Layer) {
    let odd = ["...", " ", "-rf", "a\nb", "%00", "*", "tab\t", "\u{1f41a}", "'", "\\"];
    for text in odd {
        file(layer, text, text.as_bytes());
    }
    for text in odd {
        holds(layer, text, text.as_bytes());
    }
    assert_eq!(list(layer, "").len(), odd.len());
}

fn root_is_a_directory(layer: &dyn Layer) {
    let root = layer.getattr(layer.root()).unwrap();
    assert!(root.is_dir());
    assert_eq!(root.ino, layer.root());
    assert!(root.nlink >= 2, "nlink {}", root.nlink);
}

fn deep(layer: &dyn Layer) {
    let mut path = String::new();
    for _ in 0..60 {
        path.push_str("/d");
        dir(layer, &path);
    }
    file(layer, &format!("{path}/leaf"), b"deep");
}

fn deep_nesting(layer: &dyn Layer) {
    holds(layer, &format!("{}/leaf", "/d".repeat(60)), b"deep");
}
