//! Permissions, where a mount checks them.

use crate::conformance::kit::refused;
use crate::conformance::{Needs, VfsCase, vfs_case};
use crate::errno::Errno;
use crate::fs::{Access, Credentials, Follow, OpenOptions, SetTime, Vfs, VfsOptions};
use crate::node::RenameMode;

const O: Needs = Needs::WRITES.and(Needs::OWNERSHIP);

pub(super) const CASES: &[VfsCase] = &[
    vfs_case("without_them_modes_mean_nothing", O, tree, without_them_modes_mean_nothing),
    vfs_case("owner_group_and_others", O, tree, owner_group_and_others),
    vfs_case("owner_bits_come_first", O, tree, owner_bits_come_first),
    vfs_case("root_passes", O, tree, root_passes),
    vfs_case("root_executes_only_what_someone_may", O, tree, root_executes_only_what_someone_may),
    vfs_case("search_of_each_directory", O, tree, search_of_each_directory),
    vfs_case("search_without_reading_cannot_list", O, tree, search_without_reading_cannot_list),
    vfs_case("making_needs_write_on_the_directory", O, tree, making_needs_write_on_the_directory),
    vfs_case("removing_needs_write_on_the_directory", O, tree, removing_needs_write_on_the_directory),
    vfs_case("removing_needs_nothing_of_the_file", O, tree, removing_needs_nothing_of_the_file),
    vfs_case("renaming_needs_both_directories", O, tree, renaming_needs_both_directories),
    vfs_case("sticky_directory_keeps_others_entries", O, tree, sticky_directory_keeps_others_entries),
    vfs_case("chmod_is_for_the_owner", O, tree, chmod_is_for_the_owner),
    vfs_case("chown_is_for_root", O, tree, chown_is_for_root),
    vfs_case("owner_may_give_a_file_to_its_group", O, tree, owner_may_give_a_file_to_its_group),
    vfs_case("writer_may_set_times_to_now_only", O, tree, writer_may_set_times_to_now_only),
    vfs_case("open_rights_are_those_of_opening", O, tree, open_rights_are_those_of_opening),
];

/// As root: `/d` is 755 of 1000:1000 and holds `f`, 640 of 1000:2000.
fn tree(vfs: &Vfs) {
    vfs.mkdir("/d", 0o777).unwrap();
    vfs.write("/d/f", b"content").unwrap();
    vfs.chmod("/d/f", 0o640).unwrap();
    vfs.chown("/d/f", Some(1000), Some(2000)).unwrap();
    vfs.chmod("/d", 0o755).unwrap();
    vfs.chmod("/", 0o755).unwrap();
}

/// The same tree with checks, seen by someone.
fn seen_by(vfs: &Vfs, uid: u32, gid: u32) -> Vfs {
    let layer = vfs.locate("/", Follow::Yes).unwrap().layer;
    let options = VfsOptions { uid, gid, checks: true, clock: vfs.clock().clone(), ..VfsOptions::default() };
    Vfs::new(layer, options)
}

fn without_them_modes_mean_nothing(vfs: &Vfs) {
    vfs.chmod("/d/f", 0).unwrap();
    vfs.chmod("/d", 0).unwrap();
    let other = vfs.with_credentials(Credentials { uid: 7, gid: 7, umask: 0 });
    other.write("/d/f", b"changed").unwrap();
    other.chown("/d/f", Some(7), None).unwrap();
}

fn owner_group_and_others(vfs: &Vfs) {
    let owner = seen_by(vfs, 1000, 1000);
    owner.write("/d/f", b"changed").unwrap();
    let group = seen_by(vfs, 5, 2000);
    assert_eq!(group.read("/d/f").unwrap(), &b"changed"[..]);
    refused(group.write("/d/f", b"x"), Errno::EACCES);
    let other = seen_by(vfs, 5, 5);
    refused(other.read("/d/f"), Errno::EACCES);
    refused(other.access("/d/f", Access::READ), Errno::EACCES);
    other.access("/d/f", Access::EXISTS).unwrap();
}

fn owner_bits_come_first(vfs: &Vfs) {
    vfs.chmod("/d/f", 0o044).unwrap();
    refused(seen_by(vfs, 1000, 2000).read("/d/f"), Errno::EACCES);
    seen_by(vfs, 5, 5).read("/d/f").unwrap();
}

fn root_passes(vfs: &Vfs) {
    vfs.chmod("/d/f", 0).unwrap();
    vfs.chmod("/d", 0).unwrap();
    let root = seen_by(vfs, 0, 0);
    root.write("/d/f", b"changed").unwrap();
    root.write("/d/new", b"").unwrap();
    root.read_dir("/d").unwrap();
}

fn root_executes_only_what_someone_may(vfs: &Vfs) {
    let root = seen_by(vfs, 0, 0);
    refused(root.access("/d/f", Access::EXECUTE), Errno::EACCES);
    vfs.chmod("/d/f", 0o001).unwrap();
    root.access("/d/f", Access::EXECUTE).unwrap();
}

fn search_of_each_directory(vfs: &Vfs) {
    vfs.chmod("/d", 0o744).unwrap();
    let group = seen_by(vfs, 5, 2000);
    refused(group.stat("/d/f"), Errno::EACCES);
    refused(group.stat("/d/nothing"), Errno::EACCES);
    refused(group.stat("/d/."), Errno::EACCES);
    group.stat("/d").unwrap();
    refused(group.with_cwd("/d"), Errno::EACCES);
}

fn search_without_reading_cannot_list(vfs: &Vfs) {
    vfs.chmod("/d", 0o711).unwrap();
    let group = seen_by(vfs, 5, 2000);
    refused(group.read_dir("/d"), Errno::EACCES);
    group.read("/d/f").unwrap();
}

fn making_needs_write_on_the_directory(vfs: &Vfs) {
    let other = seen_by(vfs, 5, 2000);
    refused(other.write("/d/new", b""), Errno::EACCES);
    refused(other.mkdir("/d/new", 0o777), Errno::EACCES);
    refused(other.symlink("x", "/d/new"), Errno::EACCES);
    refused(other.mkdir("/d/f", 0o777), Errno::EEXIST);
}

fn removing_needs_write_on_the_directory(vfs: &Vfs) {
    let other = seen_by(vfs, 5, 2000);
    refused(other.unlink("/d/f"), Errno::EACCES);
    refused(other.remove_all("/d/f"), Errno::EACCES);
    refused(other.rmdir("/d"), Errno::EACCES);
    refused(other.unlink("/d/nothing"), Errno::ENOENT);
}

fn removing_needs_nothing_of_the_file(vfs: &Vfs) {
    vfs.chmod("/d/f", 0).unwrap();
    seen_by(vfs, 1000, 1000).unlink("/d/f").unwrap();
}

fn renaming_needs_both_directories(vfs: &Vfs) {
    vfs.mkdir("/open", 0o777).unwrap();
    vfs.chmod("/open", 0o777).unwrap();
    let other = seen_by(vfs, 5, 5);
    other.write("/open/g", b"").unwrap();
    refused(other.rename("/open/g", "/d/g", RenameMode::Replace), Errno::EACCES);
    refused(other.rename("/d/f", "/open/f", RenameMode::Replace), Errno::EACCES);
    other.rename("/open/g", "/open/h", RenameMode::Replace).unwrap();
}

fn sticky_directory_keeps_others_entries(vfs: &Vfs) {
    vfs.chmod("/d", 0o1777).unwrap();
    let other = seen_by(vfs, 5, 5);
    refused(other.unlink("/d/f"), Errno::EPERM);
    refused(other.rename("/d/f", "/d/g", RenameMode::Replace), Errno::EPERM);
    other.write("/d/own", b"").unwrap();
    refused(other.rename("/d/own", "/d/f", RenameMode::Replace), Errno::EPERM);
    other.unlink("/d/own").unwrap();
    seen_by(vfs, 1000, 1000).unlink("/d/f").unwrap();
}

fn chmod_is_for_the_owner(vfs: &Vfs) {
    refused(seen_by(vfs, 5, 2000).chmod("/d/f", 0o777), Errno::EPERM);
    seen_by(vfs, 1000, 5).chmod("/d/f", 0o600).unwrap();
    seen_by(vfs, 0, 0).chmod("/d/f", 0o640).unwrap();
}

fn chown_is_for_root(vfs: &Vfs) {
    refused(seen_by(vfs, 1000, 1000).chown("/d/f", Some(5), None), Errno::EPERM);
    refused(seen_by(vfs, 5, 5).chown("/d/f", Some(5), None), Errno::EPERM);
    seen_by(vfs, 0, 0).chown("/d/f", Some(5), Some(5)).unwrap();
}

fn owner_may_give_a_file_to_its_group(vfs: &Vfs) {
    let owner = seen_by(vfs, 1000, 1000);
    owner.chown("/d/f", None, Some(1000)).unwrap();
    refused(owner.chown("/d/f", None, Some(7)), Errno::EPERM);
}

fn writer_may_set_times_to_now_only(vfs: &Vfs) {
    vfs.chmod("/d/f", 0o660).unwrap();
    let group = seen_by(vfs, 5, 2000);
    group.utimes("/d/f", SetTime::Now, SetTime::Now).unwrap();
    let then = SetTime::At(crate::Timestamp(1));
    refused(group.utimes("/d/f", then, then), Errno::EPERM);
    let other = seen_by(vfs, 5, 5);
    refused(other.utimes("/d/f", SetTime::Now, SetTime::Now), Errno::EACCES);
}

fn open_rights_are_those_of_opening(vfs: &Vfs) {
    let owner = seen_by(vfs, 1000, 1000);
    let file = owner.open("/d/f", OpenOptions::update()).unwrap();
    vfs.chmod("/d/f", 0).unwrap();
    file.write(b"still").unwrap();
    refused(owner.open("/d/f", OpenOptions::read()), Errno::EACCES);
}
