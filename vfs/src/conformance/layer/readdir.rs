//! Listing directories.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case, nothing};
use crate::layer::Layer;
use crate::node::{FileType, NewAttr, NewNode};

const W: Needs = Needs::WRITES;

pub(super) const CASES: &[Case] = &[
    case("empty_directory", Needs::READS, nothing, empty_directory),
    case("sorted_by_bytes", Needs::READS, mixed, sorted_by_bytes),
    case("entries_carry_attributes", Needs::READS, mixed, entries_carry_attributes),
    case("page_goes_on_after_a_name", Needs::READS, mixed, page_goes_on_after_a_name),
    case("page_goes_on_after_a_name_that_is_not_there", Needs::READS, mixed, after_a_name_not_there),
    case("page_after_the_last_name_is_empty", Needs::READS, mixed, page_after_the_last_name_is_empty),
    case("pages_hold_at_most_what_was_asked", Needs::READS, hundreds, pages_hold_at_most),
    case("many_entries_come_once_each", Needs::READS, hundreds, many_entries_come_once_each),
    case("goes_on_while_entries_are_removed", W, hundreds, goes_on_while_entries_are_removed),
    case("shows_what_was_made_and_removed", W, mixed, shows_what_was_made_and_removed),
    case("does_not_show_what_is_below", Needs::READS, mixed, does_not_show_what_is_below),
    case("follows_renames", W, mixed, follows_renames),
];

const SORTED: [&str; 6] = ["A", "Z", "a", "b", "z", "\u{e9}"];

fn mixed(layer: &dyn Layer) {
    for path in ["b", "\u{e9}", "Z", "a", "A"] {
        file(layer, path, path.as_bytes());
    }
    dir(layer, "z");
    file(layer, "z/below", b"");
}

fn hundreds(layer: &dyn Layer) {
    let attr = NewAttr::with_mode(0o644);
    for number in 0..300 {
        layer.create(layer.root(), &name(&format!("{number:03}")), NewNode::File(b""), &attr).unwrap();
    }
}

fn page(layer: &dyn Layer, after: &str, limit: usize) -> Vec<String> {
    let after = (!after.is_empty()).then(|| name(after));
    let page = layer.readdir(layer.root(), after.as_ref(), limit).unwrap();
    page.iter().map(|entry| entry.name.to_string()).collect()
}

fn empty_directory(layer: &dyn Layer) {
    assert_eq!(page(layer, "", 10), [""; 0]);
}

fn sorted_by_bytes(layer: &dyn Layer) {
    assert_eq!(page(layer, "", 100), SORTED);
    assert_eq!(list(layer, ""), SORTED);
}

fn entries_carry_attributes(layer: &dyn Layer) {
    for entry in layer.readdir(layer.root(), None, 100).unwrap() {
        assert_eq!(entry.stat, layer.lookup(layer.root(), &entry.name).unwrap());
        let kind = if &*entry.name == "z" { FileType::Directory } else { FileType::Regular };
        assert_eq!(entry.stat.kind, kind);
    }
}

fn page_goes_on_after_a_name(layer: &dyn Layer) {
    assert_eq!(page(layer, "A", 2), SORTED[1..3]);
    assert_eq!(page(layer, "a", 2), SORTED[3..5]);
}

fn after_a_name_not_there(layer: &dyn Layer) {
    assert_eq!(page(layer, "aa", 2), SORTED[3..5]);
    assert_eq!(page(layer, "!", 1), SORTED[..1]);
}

fn page_after_the_last_name_is_empty(layer: &dyn Layer) {
    assert_eq!(page(layer, "\u{e9}", 10), [""; 0]);
    assert_eq!(page(layer, "\u{1f41a}", 10), [""; 0]);
}

fn pages_hold_at_most(layer: &dyn Layer) {
    for limit in [1, 7, 128, 299, 300, 301] {
        assert_eq!(page(layer, "", limit).len(), limit.min(300));
    }
}

fn many_entries_come_once_each(layer: &dyn Layer) {
    let expected: Vec<String> = (0..300).map(|number| format!("{number:03}")).collect();
    assert_eq!(list(layer, ""), expected);
}

fn goes_on_while_entries_are_removed(layer: &dyn Layer) {
    let mut after = String::new();
    let mut seen = Vec::new();
    loop {
        let names = page(layer, &after, 50);
        let Some(last) = names.last() else { break };
        after = last.clone();
        for path in &names {
            unlink(layer, path).unwrap();
        }
        seen.extend(names);
    }
    assert_eq!(seen.len(), 300);
    assert_eq!(list(layer, ""), [""; 0]);
}

fn shows_what_was_made_and_removed(layer: &dyn Layer) {
    unlink(layer, "a").unwrap();
    file(layer, "aa", b"");
    unlink(layer, "b").unwrap();
    file(layer, "b", b"again");
    assert_eq!(list(layer, ""), ["A", "Z", "aa", "b", "z", "\u{e9}"]);
}

fn does_not_show_what_is_below(layer: &dyn Layer) {
    assert_eq!(list(layer, "z"), ["below"]);
}

fn follows_renames(layer: &dyn Layer) {
    rename(layer, "Z", "0").unwrap();
    rename(layer, "A", "z/A").unwrap();
    assert_eq!(list(layer, ""), ["0", "a", "b", "z", "\u{e9}"]);
    assert_eq!(list(layer, "z"), ["A", "below"]);
}
