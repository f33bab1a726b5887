//! Copying.

use crate::conformance::kit::{OLD, refused};
use crate::conformance::{Needs, VfsCase, vfs_case};
use crate::errno::Errno;
use crate::fs::{CopyTree, Overwrite, SetTime, Vfs};
use crate::node::XattrMode;

const W: Needs = Needs::WRITES;

pub(super) const CASES: &[VfsCase] = &[
    vfs_case("file_to_a_new_name", W, tree, file_to_a_new_name),
    vfs_case("file_over_another", W, tree, file_over_another),
    vfs_case("file_to_itself_changes_nothing", W, tree, file_to_itself_changes_nothing),
    vfs_case("file_over_another_refused_is_eexist", W, tree, file_over_another_refused_is_eexist),
    vfs_case("directory_as_a_file_is_eisdir", W, tree, directory_as_a_file_is_eisdir),
    vfs_case("file_keeps_its_mode", W.and(Needs::OWNERSHIP), tree, file_keeps_its_mode),
    vfs_case("file_follows_links", W.and(Needs::SYMLINKS), links, file_follows_links),
    vfs_case("holes_stay_holes", W.and(Needs::SPARSE), tree, holes_stay_holes),
    vfs_case("large_file", W, tree, large_file),
    vfs_case("tree_is_copied_whole", W, tree, tree_is_copied_whole),
    vfs_case("tree_keeps_times", W, tree, tree_keeps_times),
    vfs_case("tree_keeps_modes", W.and(Needs::OWNERSHIP), tree, tree_keeps_modes),
    vfs_case("tree_keeps_links_as_links", W.and(Needs::SYMLINKS), links, tree_keeps_links_as_links),
    vfs_case("tree_keeps_hard_links", W.and(Needs::HARD_LINKS), tree, tree_keeps_hard_links),
    vfs_case("tree_keeps_extended_attributes", W.and(Needs::XATTRS), tree, tree_keeps_extended_attributes),
    vfs_case("tree_is_merged", W, tree, tree_is_merged),
    vfs_case("tree_merged_keeping_what_is_there", W, tree, tree_merged_keeping_what_is_there),
    vfs_case("tree_merge_refused_is_eexist", W, tree, tree_merge_refused_is_eexist),
    vfs_case("tree_refused_leaves_nothing", W.and(Needs::TRANSACTIONS), tree, tree_refused_leaves_nothing),
    vfs_case("tree_into_itself_is_einval", W, tree, tree_into_itself_is_einval),
    vfs_case("kinds_that_do_not_fit", W, tree, kinds_that_do_not_fit),
];

fn tree(vfs: &Vfs) {
    vfs.mkdir_all("/d/sub", 0o777).unwrap();
    vfs.write("/d/f", b"one").unwrap();
    vfs.write("/d/sub/g", b"two").unwrap();
    vfs.mkdir("/other", 0o777).unwrap();
    vfs.write("/other/f", b"other").unwrap();
}

fn links(vfs: &Vfs) {
    tree(vfs);
    vfs.symlink("f", "/d/link").unwrap();
    vfs.symlink("nowhere", "/d/dangling").unwrap();
    vfs.symlink("/other/new", "/to-new").unwrap();
}

fn text(vfs: &Vfs, path: &str) -> String {
    vfs.read_to_string(path).unwrap_or_else(|error| panic!("{error}"))
}

fn names(vfs: &Vfs, path: &str) -> Vec<String> {
    vfs.read_dir(path).unwrap().into_iter().map(|entry| entry.name.to_string()).collect()
}

fn file_to_a_new_name(vfs: &Vfs) {
    vfs.copy("/d/f", "/new", Overwrite::Fail).unwrap();
    assert_eq!((text(vfs, "/new"), text(vfs, "/d/f")), ("one".into(), "one".into()));
    assert_ne!(vfs.stat("/new").unwrap().ino, vfs.stat("/d/f").unwrap().ino);
}

fn file_over_another(vfs: &Vfs) {
    let before = vfs.stat("/other/f").unwrap().ino;
    vfs.copy("/d/f", "/other/f", Overwrite::Replace).unwrap();
    assert_eq!(text(vfs, "/other/f"), "one");
    assert_eq!(vfs.stat("/other/f").unwrap().ino, before);
}

fn file_to_itself_changes_nothing(vfs: &Vfs) {
    vfs.copy("/d/f", "/d/../d/f", Overwrite::Replace).unwrap();
    assert_eq!(text(vfs, "/d/f"), "one");
}

fn file_over_another_refused_is_eexist(vfs: &Vfs) {
    refused(vfs.copy("/d/f", "/other/f", Overwrite::Fail), Errno::EEXIST);
    vfs.copy("/d/f", "/other/f", Overwrite::Keep).unwrap();
    assert_eq!(text(vfs, "/other/f"), "other");
}

fn directory_as_a_file_is_eisdir(vfs: &Vfs) {
    refused(vfs.copy("/d", "/new", Overwrite::Replace), Errno::EISDIR);
    refused(vfs.copy("/d/f", "/other", Overwrite::Replace), Errno::EISDIR);
    refused(vfs.copy("/nothing", "/new", Overwrite::Replace), Errno::ENOENT);
}

fn file_keeps_its_mode(vfs: &Vfs) {
    vfs.chmod("/d/f", 0o755).unwrap();
    vfs.copy("/d/f", "/new", Overwrite::Fail).unwrap();
    vfs.copy("/d/f", "/other/f", Overwrite::Replace).unwrap();
    assert_eq!((vfs.stat("/new").unwrap().mode, vfs.stat("/other/f").unwrap().mode), (0o755, 0o755));
}

fn file_follows_links(vfs: &Vfs) {
    vfs.copy("/d/link", "/to-new", Overwrite::Replace).unwrap();
    assert!(vfs.lstat("/other/new").unwrap().is_file());
    assert_eq!(text(vfs, "/other/new"), "one");
}

fn holes_stay_holes(vfs: &Vfs) {
    vfs.truncate("/d/f", 1 << 30).unwrap();
    vfs.copy("/d/f", "/new", Overwrite::Fail).unwrap();
    let stat = vfs.stat("/new").unwrap();
    assert_eq!(stat.size, 1 << 30);
    assert!(stat.blocks < 4096, "{} blocks", stat.blocks);
}

fn large_file(vfs: &Vfs) {
    let data = crate::conformance::kit::pattern((1 << 20) + 4321);
    vfs.write("/large", &data).unwrap();
    vfs.copy("/large", "/copy", Overwrite::Fail).unwrap();
    assert!(vfs.read("/copy").unwrap() == data);
}

fn tree_is_copied_whole(vfs: &Vfs) {
    vfs.copy_tree("/d", "/new", CopyTree::default()).unwrap();
    assert_eq!(names(vfs, "/new"), ["f", "sub"]);
    assert_eq!((text(vfs, "/new/f"), text(vfs, "/new/sub/g")), ("one".into(), "two".into()));
    vfs.write("/new/f", b"changed").unwrap();
    assert_eq!(text(vfs, "/d/f"), "one");
}

fn tree_keeps_times(vfs: &Vfs) {
    for path in ["/d/f", "/d/sub/g", "/d/sub", "/d"] {
        vfs.utimes(path, SetTime::At(OLD), SetTime::At(OLD)).unwrap();
    }
    vfs.copy_tree("/d", "/new", CopyTree::default()).unwrap();
    for path in ["/new/f", "/new/sub", "/new"] {
        assert_eq!(vfs.stat(path).unwrap().mtime, OLD, "{path}");
    }
    vfs.copy_tree("/d", "/late", CopyTree { times: false, ..CopyTree::default() }).unwrap();
    assert!(vfs.stat("/late/f").unwrap().mtime > OLD);
}

fn tree_keeps_modes(vfs: &Vfs) {
    vfs.chmod("/d/f", 0o4711).unwrap();
    vfs.chmod("/d/sub", 0o1777).unwrap();
    vfs.copy_tree("/d", "/new", CopyTree::default()).unwrap();
    assert_eq!((vfs.stat("/new/f").unwrap().mode, vfs.stat("/new/sub").unwrap().mode), (0o4711, 0o1777));
}

fn tree_keeps_links_as_links(vfs: &Vfs) {
    vfs.copy_tree("/d", "/new", CopyTree::default()).unwrap();
    assert_eq!(vfs.readlink("/new/link").unwrap(), "f");
    assert_eq!(vfs.readlink("/new/dangling").unwrap(), "nowhere");
}

fn tree_keeps_hard_links(vfs: &Vfs) {
    vfs.link("/d/f", "/d/sub/h").unwrap();
    vfs.copy_tree("/d", "/new", CopyTree::default()).unwrap();
    let (first, second) = (vfs.stat("/new/f").unwrap(), vfs.stat("/new/sub/h").unwrap());
    assert_eq!((first.ino, first.nlink), (second.ino, 2));
    assert_ne!(first.ino, vfs.stat("/d/f").unwrap().ino);
}

fn tree_keeps_extended_attributes(vfs: &Vfs) {
    vfs.setxattr("/d/f", "user.a", b"1", XattrMode::Any).unwrap();
    vfs.copy_tree("/d", "/new", CopyTree::default()).unwrap();
    assert_eq!(vfs.getxattr("/new/f", "user.a").unwrap(), &b"1"[..]);
}

fn tree_is_merged(vfs: &Vfs) {
    vfs.write("/other/kept", b"kept").unwrap();
    vfs.copy_tree("/d", "/other", CopyTree::default()).unwrap();
    assert_eq!(names(vfs, "/other"), ["f", "kept", "sub"]);
    assert_eq!(text(vfs, "/other/f"), "one");
}

fn tree_merged_keeping_what_is_there(vfs: &Vfs) {
    vfs.copy_tree("/d", "/other", CopyTree { overwrite: Overwrite::Keep, ..CopyTree::default() }).unwrap();
    assert_eq!((text(vfs, "/other/f"), text(vfs, "/other/sub/g")), ("other".into(), "two".into()));
}

fn tree_merge_refused_is_eexist(vfs: &Vfs) {
    let options = CopyTree { overwrite: Overwrite::Fail, ..CopyTree::default() };
    refused(vfs.copy_tree("/d", "/other", options), Errno::EEXIST);
    assert_eq!(text(vfs, "/other/f"), "other");
}

fn tree_refused_leaves_nothing(vfs: &Vfs) {
    vfs.write("/d/a", b"comes first").unwrap();
    let options = CopyTree { overwrite: Overwrite::Fail, ..CopyTree::default() };
    refused(vfs.copy_tree("/d", "/other", options), Errno::EEXIST);
    assert_eq!(names(vfs, "/other"), ["f"]);
}

fn tree_into_itself_is_einval(vfs: &Vfs) {
    for to in ["/d/new", "/d/sub/new", "/d", "/d/../d/sub/x"] {
        refused(vfs.copy_tree("/d", to, CopyTree::default()), Errno::EINVAL);
    }
    assert_eq!(names(vfs, "/d"), ["f", "sub"]);
}

fn kinds_that_do_not_fit(vfs: &Vfs) {
    refused(vfs.copy_tree("/d", "/other/f", CopyTree::default()), Errno::ENOTDIR);
    refused(vfs.copy_tree("/d/f", "/other", CopyTree::default()), Errno::EISDIR);
    refused(vfs.copy_tree("/d", "/nothing/new", CopyTree::default()), Errno::ENOENT);
}
