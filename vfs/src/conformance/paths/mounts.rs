//! Mounts: crossed in both directions, apart for renames and links, busy while they are there.

use std::sync::Arc;

use crate::conformance::kit::refused;
use crate::conformance::{Needs, VfsCase, vfs_case};
use crate::errno::Errno;
use crate::fs::{CopyTree, Follow, MountOptions, Overwrite, Vfs};
use crate::memory::MemoryLayer;
use crate::node::RenameMode;

const R: Needs = Needs::READS;
const W: Needs = Needs::WRITES;
const L: Needs = W.and(Needs::SYMLINKS);
const H: Needs = W.and(Needs::HARD_LINKS);

pub(super) const CASES: &[VfsCase] = &[
    vfs_case("hides_what_is_below", R, tree, hides_what_is_below),
    vfs_case("dotdot_leads_out", R, tree, dotdot_leads_out),
    vfs_case("needs_no_directory_to_be_there", R, tree, needs_no_directory_to_be_there),
    vfs_case("is_listed_where_it_is", R, tree, is_listed_where_it_is),
    vfs_case("on_a_file_is_enotdir", R, tree, on_a_file_is_enotdir),
    vfs_case("missing_directories_appear_with_it", R, tree, missing_directories_appear_with_it),
    vfs_case("missing_directories_go_with_it", R, tree, missing_directories_go_with_it),
    vfs_case("missing_directories_are_shared", R, tree, missing_directories_are_shared),
    vfs_case("through_a_dangling_link_is_enotdir", L, tree, through_a_dangling_link_is_enotdir),
    vfs_case("twice_is_ebusy", R, tree, twice_is_ebusy),
    vfs_case("inside_a_mount", R, tree, inside_a_mount),
    vfs_case("is_shared_by_clones", R, tree, is_shared_by_clones),
    vfs_case("unmount_shows_what_was_hidden", R, tree, unmount_shows_what_was_hidden),
    vfs_case("unmount_with_another_inside_is_ebusy", R, tree, unmount_with_another_inside_is_ebusy),
    vfs_case("open_file_outlives_unmount", R, tree, open_file_outlives_unmount),
    vfs_case("rename_across_is_exdev", W, tree, rename_across_is_exdev),
    vfs_case("link_across_is_exdev", H, tree, link_across_is_exdev),
    vfs_case("mount_point_is_busy", W, tree, mount_point_is_busy),
    vfs_case("directory_holding_one_can_be_renamed", W, tree, directory_holding_one_can_be_renamed),
    vfs_case("directory_holding_one_cannot_be_removed", W, tree, directory_holding_one_cannot_be_removed),
    vfs_case("links_lead_in_and_out", L, tree, links_lead_in_and_out),
    vfs_case("copies_go_across", W, tree, copies_go_across),
    vfs_case("walk_enters_them", R, tree, walk_enters_them),
    vfs_case("read_only_is_erofs", R, tree, read_only_is_erofs),
    vfs_case("read_only_exists_before_it_is_erofs", R, tree, read_only_exists_before_it_is_erofs),
    vfs_case("numbers_tell_them_apart", R, tree, numbers_tell_them_apart),
];

fn tree(vfs: &Vfs) {
    vfs.mkdir_all("/m/hidden", 0o777).unwrap();
    vfs.mkdir("/d", 0o777).unwrap();
    vfs.write("/f", b"outside").unwrap();
}

/// Mounts a layer that holds `/in` and `/sub/deep`.
fn mount(vfs: &Vfs, path: &str, options: MountOptions) {
    let layer = Arc::new(MemoryLayer::new());
    let inside = Vfs::new(layer.clone(), crate::VfsOptions::default());
    inside.write("/in", b"inside").unwrap();
    inside.mkdir("/sub", 0o777).unwrap();
    inside.write("/sub/deep", b"deep").unwrap();
    vfs.mount(path, layer, options).unwrap();
}

fn at_m(vfs: &Vfs) {
    mount(vfs, "/m", MountOptions::default());
}

fn text(vfs: &Vfs, path: &str) -> String {
    vfs.read_to_string(path).unwrap_or_else(|error| panic!("{error}"))
}

fn names(vfs: &Vfs, path: &str) -> Vec<String> {
    vfs.read_dir(path).unwrap().into_iter().map(|entry| entry.name.to_string()).collect()
}

fn hides_what_is_below(vfs: &Vfs) {
    at_m(vfs);
    assert_eq!(names(vfs, "/m"), ["in", "sub"]);
    assert_eq!(text(vfs, "/m/sub/deep"), "deep");
    refused(vfs.stat("/m/hidden"), Errno::ENOENT);
}

fn dotdot_leads_out(vfs: &Vfs) {
    at_m(vfs);
    assert_eq!(text(vfs, "/m/sub/../../f"), "outside");
    assert_eq!(text(vfs, "/m/../m/in"), "inside");
    let there = vfs.with_cwd("/m/sub").unwrap();
    assert_eq!(text(&there, "../../f"), "outside");
    assert_eq!(there.realpath("..").unwrap().as_str(), "/m");
}

fn needs_no_directory_to_be_there(vfs: &Vfs) {
    mount(vfs, "/d/new", MountOptions::default());
    assert_eq!(text(vfs, "/d/new/in"), "inside");
    assert_eq!(names(vfs, "/d"), ["new"]);
    refused(vfs.mkdir("/d/new", 0o777), Errno::EEXIST);
}

fn is_listed_where_it_is(vfs: &Vfs) {
    mount(vfs, "/e", MountOptions::default());
    at_m(vfs);
    mount(vfs, "/z", MountOptions::default());
    assert_eq!(names(vfs, "/"), ["d", "e", "f", "m", "z"]);
    let mut seen = Vec::new();
    while let Some(entry) = vfs.read_dir_page("/", seen.last(), 1).unwrap().pop() {
        seen.push(entry.name);
    }
    assert_eq!(seen.len(), 5);
    let entry = &vfs.read_dir("/").unwrap()[3];
    assert_eq!(entry.stat, vfs.stat("/m").unwrap());
}

fn on_a_file_is_enotdir(vfs: &Vfs) {
    refused(vfs.mount("/f", Arc::new(MemoryLayer::new()), MountOptions::default()), Errno::ENOTDIR);
    refused(vfs.mount("/f/x", Arc::new(MemoryLayer::new()), MountOptions::default()), Errno::ENOTDIR);
}

fn missing_directories_appear_with_it(vfs: &Vfs) {
    mount(vfs, "/no/such/place", MountOptions::default());
    assert_eq!(text(vfs, "/no/such/place/in"), "inside");
    assert_eq!(names(vfs, "/no"), ["such"]);
    assert_eq!(text(vfs, "/no/such/place/../../../f"), "outside");
    refused(vfs.write("/no/such/file", b""), Errno::EROFS);
    assert_eq!(vfs.mounts().len(), 2);
}

fn missing_directories_go_with_it(vfs: &Vfs) {
    mount(vfs, "/no/such/place", MountOptions::default());
    vfs.unmount("/no/such/place").unwrap();
    refused(vfs.stat("/no"), Errno::ENOENT);
    assert_eq!(names(vfs, "/"), ["d", "f", "m"]);
}

fn missing_directories_are_shared(vfs: &Vfs) {
    mount(vfs, "/no/a", MountOptions::default());
    mount(vfs, "/no/b/c", MountOptions::default());
    assert_eq!(names(vfs, "/no"), ["a", "b"]);
    vfs.unmount("/no/a").unwrap();
    assert_eq!(text(vfs, "/no/b/c/in"), "inside");
    vfs.unmount("/no/b/c").unwrap();
    refused(vfs.stat("/no"), Errno::ENOENT);
}

fn through_a_dangling_link_is_enotdir(vfs: &Vfs) {
    vfs.symlink("nowhere", "/dangling").unwrap();
    refused(
        vfs.mount("/dangling/x/y", Arc::new(MemoryLayer::new()), MountOptions::default()),
        Errno::ENOTDIR,
    );
}

fn twice_is_ebusy(vfs: &Vfs) {
    at_m(vfs);
    for path in ["/m", "/"] {
        refused(vfs.mount(path, Arc::new(MemoryLayer::new()), MountOptions::default()), Errno::EBUSY);
    }
}

fn inside_a_mount(vfs: &Vfs) {
    at_m(vfs);
    mount(vfs, "/m/sub/n", MountOptions::default());
    assert_eq!(text(vfs, "/m/sub/n/in"), "inside");
    assert_eq!(text(vfs, "/m/sub/n/../../../f"), "outside");
    let at: Vec<_> = vfs.mounts().iter().map(|mount| mount.at.to_string()).collect();
    assert_eq!(at, ["/", "/m", "/m/sub/n"]);
}

fn is_shared_by_clones(vfs: &Vfs) {
    let clone = vfs.with_cwd("/d").unwrap();
    at_m(vfs);
    assert_eq!(text(&clone, "../m/in"), "inside");
}

fn unmount_shows_what_was_hidden(vfs: &Vfs) {
    at_m(vfs);
    refused(vfs.unmount("/d"), Errno::EINVAL);
    refused(vfs.unmount("/"), Errno::EBUSY);
    vfs.unmount("/m").unwrap();
    assert_eq!(names(vfs, "/m"), ["hidden"]);
    refused(vfs.unmount("/m"), Errno::EINVAL);
}

fn unmount_with_another_inside_is_ebusy(vfs: &Vfs) {
    at_m(vfs);
    mount(vfs, "/m/sub/n", MountOptions::default());
    refused(vfs.unmount("/m"), Errno::EBUSY);
    vfs.unmount("/m/sub/n").unwrap();
    vfs.unmount("/m").unwrap();
}

fn open_file_outlives_unmount(vfs: &Vfs) {
    at_m(vfs);
    let file = vfs.open("/m/in", crate::OpenOptions::read()).unwrap();
    vfs.unmount("/m").unwrap();
    assert_eq!(file.read_all().unwrap(), &b"inside"[..]);
}

fn rename_across_is_exdev(vfs: &Vfs) {
    at_m(vfs);
    refused(vfs.rename("/f", "/m/f", RenameMode::Replace), Errno::EXDEV);
    refused(vfs.rename("/m/in", "/in", RenameMode::Replace), Errno::EXDEV);
    vfs.rename("/m/in", "/m/sub/in", RenameMode::Replace).unwrap();
    assert_eq!(text(vfs, "/m/sub/in"), "inside");
}

fn link_across_is_exdev(vfs: &Vfs) {
    at_m(vfs);
    refused(vfs.link("/f", "/m/g"), Errno::EXDEV);
    refused(vfs.link("/f", "/m/in"), Errno::EEXIST);
}

fn mount_point_is_busy(vfs: &Vfs) {
    at_m(vfs);
    refused(vfs.rmdir("/m"), Errno::EBUSY);
    refused(vfs.rename("/m", "/n", RenameMode::Replace), Errno::EBUSY);
    refused(vfs.rename("/d", "/m", RenameMode::Replace), Errno::EBUSY);
    refused(vfs.unlink("/m"), Errno::EISDIR);
    assert_eq!(text(vfs, "/m/in"), "inside");
}

fn directory_holding_one_can_be_renamed(vfs: &Vfs) {
    mount(vfs, "/d/new", MountOptions::default());
    vfs.rename("/d", "/e", RenameMode::Replace).unwrap();
    assert_eq!(text(vfs, "/e/new/in"), "inside");
}

fn directory_holding_one_cannot_be_removed(vfs: &Vfs) {
    mount(vfs, "/d/new", MountOptions::default());
    refused(vfs.rmdir("/d"), Errno::EBUSY);
    vfs.mkdir("/empty", 0o777).unwrap();
    refused(vfs.rename("/empty", "/d", RenameMode::Replace), Errno::EBUSY);
}

fn links_lead_in_and_out(vfs: &Vfs) {
    at_m(vfs);
    vfs.symlink("m/sub", "/into").unwrap();
    vfs.symlink("../f", "/m/out").unwrap();
    vfs.symlink("/f", "/m/sub/root").unwrap();
    assert_eq!(text(vfs, "/into/deep"), "deep");
    assert_eq!(text(vfs, "/m/out"), "outside");
    assert_eq!(text(vfs, "/into/root"), "outside");
}

fn copies_go_across(vfs: &Vfs) {
    at_m(vfs);
    vfs.copy("/m/in", "/copy", Overwrite::Fail).unwrap();
    vfs.copy("/f", "/m/f", Overwrite::Fail).unwrap();
    vfs.copy_tree("/m", "/d/m", CopyTree::default()).unwrap();
    assert_eq!((text(vfs, "/copy"), text(vfs, "/m/f")), ("inside".into(), "outside".into()));
    assert_eq!(text(vfs, "/d/m/sub/deep"), "deep");
}

fn walk_enters_them(vfs: &Vfs) {
    at_m(vfs);
    let seen: Vec<_> = vfs.walk_tree("/").unwrap().map(|entry| entry.unwrap().path.to_string()).collect();
    assert_eq!(seen, ["/", "/d", "/f", "/m", "/m/in", "/m/sub", "/m/sub/deep"]);
}

fn read_only_is_erofs(vfs: &Vfs) {
    mount(vfs, "/m", MountOptions { read_only: true, ..MountOptions::default() });
    refused(vfs.write("/m/in", b"x"), Errno::EROFS);
    refused(vfs.write("/m/new", b"x"), Errno::EROFS);
    refused(vfs.mkdir("/m/new", 0o777), Errno::EROFS);
    refused(vfs.unlink("/m/in"), Errno::EROFS);
    refused(vfs.rename("/m/in", "/m/out", RenameMode::Replace), Errno::EROFS);
    refused(vfs.truncate("/m/in", 0), Errno::EROFS);
    refused(vfs.chmod("/m/in", 0o600), Errno::EROFS);
    refused(vfs.access("/m/in", crate::Access::WRITE), Errno::EROFS);
    assert_eq!(text(vfs, "/m/in"), "inside");
}

fn read_only_exists_before_it_is_erofs(vfs: &Vfs) {
    mount(vfs, "/m", MountOptions { read_only: true, ..MountOptions::default() });
    refused(vfs.mkdir("/m/sub", 0o777), Errno::EEXIST);
    refused(vfs.symlink("x", "/m/in"), Errno::EEXIST);
}

fn numbers_tell_them_apart(vfs: &Vfs) {
    at_m(vfs);
    let (outer, inner) = (vfs.locate("/", Follow::Yes).unwrap(), vfs.locate("/m/in", Follow::Yes).unwrap());
    assert_ne!(outer.mount, inner.mount);
    assert_eq!(inner.path.as_str(), "/m/in");
    assert_eq!(inner.mount, vfs.locate("/m", Follow::Yes).unwrap().mount);
}
