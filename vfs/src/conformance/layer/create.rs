//! Making nodes.

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case, nothing};
use crate::errno::Errno;
use crate::layer::Layer;
use crate::node::{FileType, NewAttr, NewNode};

const W: Needs = Needs::WRITES;
const LINKS: Needs = W.and(Needs::SYMLINKS);

pub(super) const CASES: &[Case] = &[
    case("file_is_empty", W, nothing, file_is_empty),
    case("file_has_its_content_from_the_start", W, nothing, file_has_its_content_from_the_start),
    case("large_content", W, nothing, large_content),
    case("directory_is_empty", W, nothing, directory_is_empty),
    case("directory_raises_links_of_parent", W, a_directory, directory_raises_links_of_parent),
    case("symlink_keeps_its_target", LINKS, nothing, symlink_keeps_its_target),
    case("symlink_to_nothing_is_enoent", LINKS, nothing, symlink_to_nothing_is_enoent),
    case("symlink_target_of_4096_bytes_is_enametoolong", LINKS, nothing, long_target),
    case("taken_name_is_eexist", W, a_file, taken_name_is_eexist),
    case("taken_name_keeps_what_is_there", W, a_file, taken_name_keeps_what_is_there),
    case("taken_by_a_symlink_is_eexist", LINKS, a_link, taken_by_a_symlink_is_eexist),
    case("removed_name_can_be_made_again", W, a_file, removed_name_can_be_made_again),
    case("keeps_mode_and_owner", W.and(Needs::OWNERSHIP), nothing, keeps_mode_and_owner),
    case("keeps_all_twelve_mode_bits", W.and(Needs::OWNERSHIP), nothing, keeps_all_twelve_mode_bits),
    case("keeps_a_given_mtime", W, nothing, keeps_a_given_mtime),
    case("moves_mtime_of_the_directory", W, a_directory, moves_mtime_of_the_directory),
    case("refusal_does_not_move_mtime", W, a_file, refusal_does_not_move_mtime),
    case("same_name_in_two_directories", W, a_directory, same_name_in_two_directories),
];

fn a_file(layer: &dyn Layer) {
    file(layer, "taken", b"first");
}

fn a_directory(layer: &dyn Layer) {
    dir(layer, "d");
}

fn a_link(layer: &dyn Layer) {
    symlink(layer, "nowhere", "link");
}

fn file_is_empty(layer: &dyn Layer) {
    let made = file(layer, "f", b"");
    assert_eq!((made.kind, made.size, made.nlink), (FileType::Regular, 0, 1));
    holds(layer, "f", b"");
}

fn file_has_its_content_from_the_start(layer: &dyn Layer) {
    assert_eq!(file(layer, "f", b"hello").size, 5);
    holds(layer, "f", b"hello");
}

fn large_content(layer: &dyn Layer) {
    let data = pattern(300_000);
    file(layer, "large", &data);
    holds(layer, "large", &data);
}

fn directory_is_empty(layer: &dyn Layer) {
    let made = dir(layer, "d");
    assert_eq!((made.kind, made.nlink), (FileType::Directory, 2));
    assert_eq!(list(layer, "d"), [""; 0]);
}

fn directory_raises_links_of_parent(layer: &dyn Layer) {
    dir(layer, "d/e");
    assert_eq!(stat(layer, "d").nlink, 3);
    file(layer, "d/f", b"");
    assert_eq!(stat(layer, "d").nlink, 3);
}

fn symlink_keeps_its_target(layer: &dyn Layer) {
    let made = symlink(layer, "../some/where//else/.", "s");
    assert_eq!((made.kind, made.size), (FileType::Symlink, 21));
    assert_eq!(layer.readlink(made.ino).unwrap(), "../some/where//else/.");
}

fn symlink_to_nothing_is_enoent(layer: &dyn Layer) {
    fails(create(layer, "s", NewNode::Symlink("")), Errno::ENOENT);
    absent(layer, "s");
}

fn long_target(layer: &dyn Layer) {
    fails(create(layer, "s", NewNode::Symlink(&"t".repeat(4096))), Errno::ENAMETOOLONG);
    let longest = "t/".repeat(2047) + "t";
    let made = symlink(layer, &longest, "s");
    assert_eq!(layer.readlink(made.ino).unwrap(), longest);
}

fn taken_name_is_eexist(layer: &dyn Layer) {
    for node in [NewNode::File(b"second"), NewNode::Directory] {
        fails(create(layer, "taken", node), Errno::EEXIST);
    }
}

fn taken_name_keeps_what_is_there(layer: &dyn Layer) {
    let before = stat(layer, "taken");
    fails(create(layer, "taken", NewNode::File(b"second")), Errno::EEXIST);
    assert_eq!(stat(layer, "taken"), before);
    holds(layer, "taken", b"first");
}

fn taken_by_a_symlink_is_eexist(layer: &dyn Layer) {
    fails(create(layer, "link", NewNode::File(b"")), Errno::EEXIST);
    fails(create(layer, "link", NewNode::Symlink("elsewhere")), Errno::EEXIST);
}

fn removed_name_can_be_made_again(layer: &dyn Layer) {
    let before = ino(layer, "taken");
    unlink(layer, "taken").unwrap();
    dir(layer, "taken");
    assert_ne!(ino(layer, "taken"), before);
    assert_eq!(list(layer, "taken"), [""; 0]);
}

fn keeps_mode_and_owner(layer: &dyn Layer) {
    let attr = NewAttr { mode: 0o640, uid: 7, gid: 8, mtime: None };
    let made = layer.create(layer.root(), &name("f"), NewNode::File(b""), &attr).unwrap();
    assert_eq!((made.mode, made.uid, made.gid), (0o640, 7, 8));
}

fn keeps_all_twelve_mode_bits(layer: &dyn Layer) {
    let attr = NewAttr::with_mode(0o7777);
    let made = layer.create(layer.root(), &name("d"), NewNode::Directory, &attr).unwrap();
    assert_eq!(made.mode, 0o7777);
}

fn keeps_a_given_mtime(layer: &dyn Layer) {
    let attr = NewAttr { mtime: Some(OLD), ..NewAttr::with_mode(0o644) };
    layer.create(layer.root(), &name("f"), NewNode::File(b"x"), &attr).unwrap();
    untouched(layer, "f");
}

fn moves_mtime_of_the_directory(layer: &dyn Layer) {
    age(layer, "d");
    file(layer, "d/f", b"");
    touched(layer, "d");
    age(layer, "d");
    dir(layer, "d/e");
    touched(layer, "d");
}

fn refusal_does_not_move_mtime(layer: &dyn Layer) {
    age(layer, "");
    fails(create(layer, "taken", NewNode::Directory), Errno::EEXIST);
    untouched(layer, "");
}

fn same_name_in_two_directories(layer: &dyn Layer) {
    file(layer, "n", b"outer");
    file(layer, "d/n", b"inner");
    holds(layer, "n", b"outer");
    holds(layer, "d/n", b"inner");
}
