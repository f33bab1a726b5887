//! Changes to a tree that was there before: where a copy-on-write layer could go wrong.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case};
use crate::errno::Errno;
use crate::layer::Layer;
use crate::node::RenameMode;

const W: Needs = Needs::WRITES;
const LINKS: Needs = W.and(Needs::HARD_LINKS);

pub(super) const CASES: &[Case] = &[
    case("removed_directory_made_again_hides_its_old_entries", W, tree, hides_old_entries),
    case("removed_file_made_again_has_no_old_content", W, tree, no_old_content),
    case("emptied_directory_can_be_removed", W, tree, emptied_directory_can_be_removed),
    case("emptied_directory_can_be_replaced", W, tree, emptied_directory_can_be_replaced),
    case("directory_becomes_a_file_and_back", W, tree, directory_becomes_a_file_and_back),
    case("listing_merges_old_and_new", W, tree, listing_merges_old_and_new),
    case("listing_skips_what_was_removed_in_every_page", W, hundred, listing_skips_what_was_removed),
    case("append_keeps_what_was_there", W, large, append_keeps_what_was_there),
    case("write_in_the_middle_keeps_both_sides", W, large, write_in_the_middle),
    case("cut_and_grown_shows_zeros", W, large, cut_and_grown_shows_zeros),
    case("attributes_change_without_content", W.and(Needs::OWNERSHIP), large, attributes_change),
    case("file_moves_out_of_a_renamed_directory", W, tree, file_moves_out_of_a_renamed_directory),
    case("name_in_a_renamed_directory_is_free_again", W, tree, name_in_a_renamed_directory),
    case("renamed_over_its_old_place", W, tree, renamed_over_its_old_place),
    case("exchange_of_directories", W.and(Needs::RENAME_MODES), tree, exchange_of_directories),
    case("numbers_survive_every_change", W, tree, numbers_survive_every_change),
    case("one_of_two_names_can_go", LINKS, linked, one_of_two_names_can_go),
    case("writing_through_one_name_shows_in_the_other", LINKS, linked, writing_through_one_name),
    case("names_in_a_renamed_directory_stay_linked", LINKS, linked, names_in_a_renamed_directory),
    case("a_third_name_joins", LINKS, linked, a_third_name_joins),
    case("open_file_removed_keeps_old_content", W, large, open_file_removed_keeps_old_content),
    case("deep_change_leaves_the_rest", W, deep, deep_change_leaves_the_rest),
];

fn tree(layer: &dyn Layer) {
    dir(layer, "d");
    file(layer, "d/a", b"a");
    file(layer, "d/b", b"b");
    dir(layer, "d/sub");
    file(layer, "d/sub/c", b"c");
    dir(layer, "e");
    file(layer, "e/x", b"x");
    file(layer, "f", b"f");
}

fn hundred(layer: &dyn Layer) {
    dir(layer, "d");
    for number in 0..100 {
        file(layer, &format!("d/{number:02}"), b"");
    }
}

fn large(layer: &dyn Layer) {
    file(layer, "f", &pattern(200_000));
}

fn linked(layer: &dyn Layer) {
    dir(layer, "d");
    file(layer, "d/one", b"shared");
    link(layer, "d/one", "two").unwrap();
}

fn deep(layer: &dyn Layer) {
    for top in ["p", "q"] {
        dir(layer, top);
        for middle in ["m", "n"] {
            dir(layer, &format!("{top}/{middle}"));
            file(layer, &format!("{top}/{middle}/leaf"), format!("{top}{middle}").as_bytes());
        }
    }
}

fn empty_out(layer: &dyn Layer) {
    unlink(layer, "d/sub/c").unwrap();
    rmdir(layer, "d/sub").unwrap();
    unlink(layer, "d/a").unwrap();
    unlink(layer, "d/b").unwrap();
}

fn hides_old_entries(layer: &dyn Layer) {
    empty_out(layer);
    rmdir(layer, "d").unwrap();
    dir(layer, "d");
    dir(layer, "d/sub");
    assert_eq!(list(layer, "d"), ["sub"]);
    assert_eq!(list(layer, "d/sub"), [""; 0]);
    absent(layer, "d/a");
    file(layer, "d/a", b"new");
    holds(layer, "d/a", b"new");
}

fn no_old_content(layer: &dyn Layer) {
    let before = ino(layer, "d/a");
    unlink(layer, "d/a").unwrap();
    file(layer, "d/a", b"");
    assert_ne!(ino(layer, "d/a"), before);
    write(layer, "d/a", 3, b"z");
    holds(layer, "d/a", b"\0\0\0z");
}

fn emptied_directory_can_be_removed(layer: &dyn Layer) {
    fails(rmdir(layer, "d"), Errno::ENOTEMPTY);
    empty_out(layer);
    assert_eq!(list(layer, "d"), [""; 0]);
    assert_eq!(stat(layer, "d").nlink, 2);
    rmdir(layer, "d").unwrap();
    assert_eq!(list(layer, ""), ["e", "f"]);
}

fn emptied_directory_can_be_replaced(layer: &dyn Layer) {
    fails(rename(layer, "e", "d"), Errno::ENOTEMPTY);
    empty_out(layer);
    rename(layer, "e", "d").unwrap();
    assert_eq!(list(layer, "d"), ["x"]);
}

fn directory_becomes_a_file_and_back(layer: &dyn Layer) {
    unlink(layer, "e/x").unwrap();
    rmdir(layer, "e").unwrap();
    file(layer, "e", b"file now");
    holds(layer, "e", b"file now");
    unlink(layer, "e").unwrap();
    dir(layer, "e");
    absent(layer, "e/x");
}

fn listing_merges_old_and_new(layer: &dyn Layer) {
    file(layer, "d/aa", b"");
    file(layer, "d/0", b"");
    file(layer, "d/zz", b"");
    unlink(layer, "d/b").unwrap();
    assert_eq!(list(layer, "d"), ["0", "a", "aa", "sub", "zz"]);
}

fn listing_skips_what_was_removed(layer: &dyn Layer) {
    for number in (0..100).filter(|number| number % 7 != 0) {
        unlink(layer, &format!("d/{number:02}")).unwrap();
    }
    for number in (0..100).step_by(20) {
        file(layer, &format!("d/{number:02}+"), b"");
    }
    let mut expected: Vec<String> = (0..100).step_by(7).map(|number| format!("{number:02}")).collect();
    expected.extend((0..100).step_by(20).map(|number| format!("{number:02}+")));
    expected.sort();
    assert_eq!(list(layer, "d"), expected);
}

fn append_keeps_what_was_there(layer: &dyn Layer) {
    layer.append(ino(layer, "f"), b"more").unwrap();
    let mut model = pattern(200_000);
    model.extend_from_slice(b"more");
    holds(layer, "f", &model);
}

fn write_in_the_middle(layer: &dyn Layer) {
    let mut model = pattern(200_000);
    for at in [0usize, 4095, 65_530, 131_072, 199_990] {
        write(layer, "f", at as u64, b"0123456789");
        model[at..at + 10].copy_from_slice(b"0123456789");
    }
    holds(layer, "f", &model);
}

fn cut_and_grown_shows_zeros(layer: &dyn Layer) {
    truncate(layer, "f", 100);
    truncate(layer, "f", 150_000);
    let mut model = pattern(100);
    model.resize(150_000, 0);
    holds(layer, "f", &model);
    write(layer, "f", 120_000, b"!");
    model[120_000] = b'!';
    holds(layer, "f", &model);
}

fn attributes_change(layer: &dyn Layer) {
    let before = ino(layer, "f");
    layer.setattr(before, &crate::SetAttr::mode(0o400)).unwrap();
    assert_eq!((stat(layer, "f").mode, ino(layer, "f")), (0o400, before));
    holds(layer, "f", &pattern(200_000));
}

fn file_moves_out_of_a_renamed_directory(layer: &dyn Layer) {
    rename(layer, "d", "e/d").unwrap();
    rename(layer, "e/d/sub/c", "c").unwrap();
    holds(layer, "c", b"c");
    assert_eq!(list(layer, "e/d/sub"), [""; 0]);
    assert_eq!(list(layer, "e/d"), ["a", "b", "sub"]);
}

fn name_in_a_renamed_directory(layer: &dyn Layer) {
    rename(layer, "d", "moved").unwrap();
    unlink(layer, "moved/a").unwrap();
    dir(layer, "moved/a");
    dir(layer, "d");
    file(layer, "d/b", b"other b");
    holds(layer, "moved/b", b"b");
    holds(layer, "d/b", b"other b");
    assert_eq!(list(layer, "moved/a"), [""; 0]);
}

fn renamed_over_its_old_place(layer: &dyn Layer) {
    rename(layer, "d", "moved").unwrap();
    rename(layer, "e", "d").unwrap();
    rename(layer, "moved", "e").unwrap();
    assert_eq!(list(layer, "d"), ["x"]);
    assert_eq!(list(layer, "e"), ["a", "b", "sub"]);
    holds(layer, "e/sub/c", b"c");
}

fn exchange_of_directories(layer: &dyn Layer) {
    rename_as(layer, "d/sub", "e", RenameMode::Exchange).unwrap();
    holds(layer, "e/c", b"c");
    holds(layer, "d/sub/x", b"x");
    unlink(layer, "e/c").unwrap();
    rmdir(layer, "e").unwrap();
    assert_eq!(list(layer, ""), ["d", "f"]);
}

fn numbers_survive_every_change(layer: &dyn Layer) {
    let paths = ["d", "d/a", "d/sub", "d/sub/c", "f"];
    let before = paths.map(|path| ino(layer, path));
    write(layer, "d/a", 0, b"changed");
    age(layer, "d/sub");
    truncate(layer, "f", 0);
    file(layer, "d/sub/new", b"");
    unlink(layer, "d/b").unwrap();
    assert_eq!(paths.map(|path| ino(layer, path)), before);
}

fn one_of_two_names_can_go(layer: &dyn Layer) {
    unlink(layer, "d/one").unwrap();
    assert_eq!(stat(layer, "two").nlink, 1);
    holds(layer, "two", b"shared");
    rmdir(layer, "d").unwrap();
}

fn writing_through_one_name(layer: &dyn Layer) {
    write(layer, "two", 6, b" content");
    holds(layer, "d/one", b"shared content");
    assert_eq!(ino(layer, "two"), ino(layer, "d/one"));
}

fn names_in_a_renamed_directory(layer: &dyn Layer) {
    rename(layer, "d", "moved").unwrap();
    write(layer, "moved/one", 0, b"S");
    holds(layer, "two", b"Shared");
    rename(layer, "two", "moved/two").unwrap();
    assert_eq!(stat(layer, "moved/one"), stat(layer, "moved/two"));
}

fn a_third_name_joins(layer: &dyn Layer) {
    assert_eq!(link(layer, "two", "d/three").unwrap().nlink, 3);
    unlink(layer, "two").unwrap();
    unlink(layer, "d/one").unwrap();
    holds(layer, "d/three", b"shared");
    assert_eq!(stat(layer, "d/three").nlink, 1);
}

fn open_file_removed_keeps_old_content(layer: &dyn Layer) {
    let held = ino(layer, "f");
    layer.open(held).unwrap();
    unlink(layer, "f").unwrap();
    layer.write(held, 10, b"!").unwrap();
    let mut model = pattern(200_000);
    model[10] = b'!';
    assert!(layer.read(held, 0, 300_000).unwrap() == model);
    layer.release(held);
}

fn deep_change_leaves_the_rest(layer: &dyn Layer) {
    write(layer, "p/m/leaf", 0, b"XY");
    holds(layer, "p/m/leaf", b"XY");
    for path in ["p/n/leaf", "q/m/leaf", "q/n/leaf"] {
        holds(layer, path, path.replace("/leaf", "").replace('/', "").as_bytes());
    }
}
