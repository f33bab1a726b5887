//! Making and removing whole trees, and temporary directories.

use std::sync::Arc;

use crate::conformance::kit::refused;
use crate::conformance::{Needs, VfsCase, vfs_case};
use crate::errno::Errno;
use crate::fs::{MountOptions, Vfs};
use crate::memory::MemoryLayer;

const W: Needs = Needs::WRITES;
const L: Needs = W.and(Needs::SYMLINKS);

pub(super) const CASES: &[VfsCase] = &[
    vfs_case("mkdir_all_makes_what_is_missing", W, tree, mkdir_all_makes_what_is_missing),
    vfs_case("mkdir_all_of_what_is_there_is_fine", W, tree, mkdir_all_of_what_is_there_is_fine),
    vfs_case("mkdir_all_over_a_file_is_eexist", W, tree, mkdir_all_over_a_file_is_eexist),
    vfs_case("mkdir_all_through_a_file_is_enotdir", W, tree, mkdir_all_through_a_file_is_enotdir),
    vfs_case("mkdir_all_through_a_link", L, links, mkdir_all_through_a_link),
    vfs_case("mkdir_all_of_a_relative_path", W, tree, mkdir_all_of_a_relative_path),
    vfs_case("remove_all_takes_everything", W, tree, remove_all_takes_everything),
    vfs_case("remove_all_of_nothing_is_fine", W, tree, remove_all_of_nothing_is_fine),
    vfs_case("remove_all_of_a_file", W, tree, remove_all_of_a_file),
    vfs_case("remove_all_does_not_follow_links", L, links, remove_all_does_not_follow_links),
    vfs_case("remove_all_of_a_link_takes_the_link", L, links, remove_all_of_a_link_takes_the_link),
    vfs_case("remove_all_of_the_root_is_ebusy", W, tree, remove_all_of_the_root_is_ebusy),
    vfs_case("remove_all_with_a_mount_inside_is_ebusy", W, tree, remove_all_with_a_mount_inside),
    vfs_case("remove_all_of_a_deep_tree", W, deep, remove_all_of_a_deep_tree),
    vfs_case("remove_all_of_a_wide_directory", W, wide, remove_all_of_a_wide_directory),
    vfs_case("mkdtemp_makes_a_new_private_directory", W, tree, mkdtemp_makes_a_new_private_directory),
];

fn tree(vfs: &Vfs) {
    vfs.mkdir_all("/d/e", 0o777).unwrap();
    vfs.write("/d/f", b"f").unwrap();
    vfs.write("/d/e/g", b"g").unwrap();
    vfs.write("/file", b"kept").unwrap();
}

fn links(vfs: &Vfs) {
    tree(vfs);
    vfs.mkdir("/safe", 0o777).unwrap();
    vfs.write("/safe/kept", b"kept").unwrap();
    vfs.symlink("/safe", "/d/out").unwrap();
    vfs.symlink("/safe/kept", "/d/out-file").unwrap();
}

fn deep(vfs: &Vfs) {
    let mut here = vfs.clone();
    for _ in 0..40 {
        here.mkdir("d", 0o777).unwrap();
        here.write("f", b"").unwrap();
        here = here.with_cwd("d").unwrap();
    }
}

fn wide(vfs: &Vfs) {
    vfs.mkdir("/d", 0o777).unwrap();
    for number in 0..600 {
        vfs.write(&format!("/d/{number}"), b"").unwrap();
    }
}

fn mkdir_all_makes_what_is_missing(vfs: &Vfs) {
    assert_eq!(vfs.mkdir_all("/d/x/y/z/", 0o777).unwrap().as_deref(), Some("/d/x"));
    assert!(vfs.stat("/d/x/y/z").unwrap().is_dir());
}

fn mkdir_all_of_what_is_there_is_fine(vfs: &Vfs) {
    for path in ["/d/e", "/d", "/", ".", "/d/."] {
        assert_eq!(vfs.mkdir_all(path, 0o777).unwrap(), None, "{path}");
    }
}

fn mkdir_all_over_a_file_is_eexist(vfs: &Vfs) {
    refused(vfs.mkdir_all("/d/f", 0o777), Errno::EEXIST);
}

fn mkdir_all_through_a_file_is_enotdir(vfs: &Vfs) {
    refused(vfs.mkdir_all("/d/f/x/y", 0o777), Errno::ENOTDIR);
    refused(vfs.mkdir_all("/d/f/x", 0o777), Errno::ENOTDIR);
}

fn mkdir_all_through_a_link(vfs: &Vfs) {
    vfs.mkdir_all("/d/out/x/y", 0o777).unwrap();
    assert!(vfs.exists("/safe/x/y"));
    assert_eq!(vfs.mkdir_all("/d/out", 0o777).unwrap(), None);
}

fn mkdir_all_of_a_relative_path(vfs: &Vfs) {
    vfs.with_cwd("/d").unwrap().mkdir_all("x/y", 0o777).unwrap();
    assert!(vfs.exists("/d/x/y"));
}

fn remove_all_takes_everything(vfs: &Vfs) {
    vfs.remove_all("/d").unwrap();
    let names: Vec<_> = vfs.read_dir("/").unwrap().into_iter().map(|entry| entry.name.to_string()).collect();
    assert_eq!(names, ["file"]);
}

fn remove_all_of_nothing_is_fine(vfs: &Vfs) {
    vfs.remove_all("/nothing").unwrap();
    vfs.remove_all("/nothing/at/all").unwrap();
    refused(vfs.remove_all("/file/x"), Errno::ENOTDIR);
}

fn remove_all_of_a_file(vfs: &Vfs) {
    refused(vfs.remove_all("/d/f/"), Errno::ENOTDIR);
    vfs.remove_all("/d/f").unwrap();
    assert!(!vfs.exists("/d/f"));
}

fn remove_all_does_not_follow_links(vfs: &Vfs) {
    vfs.remove_all("/d").unwrap();
    assert!(!vfs.exists("/d"));
    assert_eq!(vfs.read("/safe/kept").unwrap(), &b"kept"[..]);
}

fn remove_all_of_a_link_takes_the_link(vfs: &Vfs) {
    vfs.remove_all("/d/out").unwrap();
    refused(vfs.lstat("/d/out"), Errno::ENOENT);
    assert!(vfs.exists("/safe/kept"));
}

fn remove_all_of_the_root_is_ebusy(vfs: &Vfs) {
    refused(vfs.remove_all("/"), Errno::EBUSY);
    refused(vfs.remove_all("/d/."), Errno::EINVAL);
}

fn remove_all_with_a_mount_inside(vfs: &Vfs) {
    let inside = Arc::new(MemoryLayer::new());
    vfs.mount("/d/e/m", inside, MountOptions::default()).unwrap();
    vfs.write("/d/e/m/kept", b"kept").unwrap();
    refused(vfs.remove_all("/d"), Errno::EBUSY);
    refused(vfs.remove_all("/d/e/m"), Errno::EBUSY);
    assert_eq!(vfs.read("/d/e/m/kept").unwrap(), &b"kept"[..]);
}

fn remove_all_of_a_deep_tree(vfs: &Vfs) {
    vfs.remove_all("/d").unwrap();
    assert!(!vfs.exists("/d"));
    assert!(vfs.exists("/f"));
}

fn remove_all_of_a_wide_directory(vfs: &Vfs) {
    vfs.remove_all("/d").unwrap();
    assert!(vfs.read_dir("/").unwrap().is_empty());
}

fn mkdtemp_makes_a_new_private_directory(vfs: &Vfs) {
    let mut state = 7u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    let first = vfs.mkdtemp("/d/tmp-", &mut random).unwrap();
    let second = vfs.mkdtemp("/d/tmp-", &mut random).unwrap();
    assert_ne!(first, second);
    assert_eq!(first.len(), "/d/tmp-".len() + 6);
    assert!(vfs.stat(&first).unwrap().is_dir());
    refused(vfs.mkdtemp("/nothing/tmp-", &mut random), Errno::ENOENT);
    refused(
        vfs.mkdtemp(&first[..first.len() - 6], &mut || 0).and(vfs.mkdtemp("/d/tmp-", &mut || 0)),
        Errno::EEXIST,
    );
}
