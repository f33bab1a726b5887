//! Set-id bits: when they fall, and how directories hand theirs on.

use crate::conformance::kit::refused;
use crate::conformance::{Needs, VfsCase, vfs_case};
use crate::errno::Errno;
use crate::fs::{Credentials, File, Follow, OpenOptions, Vfs, VfsOptions};
use crate::node::{Allocate, FileType, RenameMode};

const O: Needs = Needs::WRITES.and(Needs::OWNERSHIP);

pub(super) const CASES: &[VfsCase] = &[
    vfs_case("writing_takes_them_off", O, tree, writing_takes_them_off),
    vfs_case("replacing_all_content_takes_them_off", O, tree, replacing_all_content_takes_them_off),
    vfs_case("truncating_takes_them_off", O, tree, truncating_takes_them_off),
    vfs_case("allocating_takes_them_off", O, tree, allocating_takes_them_off),
    vfs_case("opening_to_truncate_takes_them_off", O, tree, opening_to_truncate_takes_them_off),
    vfs_case("writing_nothing_leaves_them", O, tree, writing_nothing_leaves_them),
    vfs_case("root_keeps_them", O, tree, root_keeps_them),
    vfs_case("open_handle_sees_that_they_were_set_again", O, tree, open_handle_sees_that_they_were_set_again),
    vfs_case("group_bit_without_execute_stays", O, tree, group_bit_without_execute_stays),
    vfs_case("chown_takes_them_off_even_for_root", O, tree, chown_takes_them_off_even_for_root),
    vfs_case("outsider_cannot_set_the_group_bit", O, tree, outsider_cannot_set_the_group_bit),
    vfs_case("mkdir_gives_none", O, tree, mkdir_gives_none),
    vfs_case("outsider_makes_no_group_program", O, tree, outsider_makes_no_group_program),
    vfs_case("exchanged_directory_must_be_writable", O.and(Needs::RENAME_MODES), tree, exchanged_directory),
];

const ALL: u32 = 0o6755;

fn tree(vfs: &Vfs) {
    vfs.write("/f", b"content").unwrap();
    vfs.mkdir("/shared", 0o777).unwrap();
    vfs.chown("/shared", None, Some(2000)).unwrap();
    vfs.chmod("/shared", 0o2777).unwrap();
    vfs.chmod("/", 0o777).unwrap();
}

fn acting_as(vfs: &Vfs, uid: u32, gid: u32) -> Vfs {
    vfs.with_credentials(Credentials { uid, gid, umask: 0o022 })
}

/// The same tree, with checks.
fn checked(vfs: &Vfs, uid: u32, gid: u32) -> Vfs {
    let layer = vfs.locate("/", Follow::Yes).unwrap().layer;
    let options = VfsOptions { uid, gid, checks: true, clock: vfs.clock().clone(), ..VfsOptions::default() };
    Vfs::new(layer, options)
}

#[track_caller]
fn has_mode(vfs: &Vfs, path: &str, mode: u32) {
    assert_eq!(format!("{:o}", vfs.stat(path).unwrap().mode), format!("{mode:o}"), "mode of {path}");
}

fn writing_takes_them_off(vfs: &Vfs) {
    let changes: [fn(&File) -> crate::Result<usize>; 2] =
        [|file| file.write(b"x"), |file| file.write_at(b"x", 3)];
    for options in [OpenOptions::update(), OpenOptions::append()] {
        for change in changes {
            vfs.chmod("/f", ALL).unwrap();
            change(&vfs.open("/f", options).unwrap()).unwrap();
            has_mode(vfs, "/f", 0o755);
        }
    }
}

fn replacing_all_content_takes_them_off(vfs: &Vfs) {
    vfs.chmod("/f", ALL).unwrap();
    vfs.write("/f", b"new").unwrap();
    has_mode(vfs, "/f", 0o755);
    vfs.chmod("/f", ALL).unwrap();
    vfs.append("/f", b"er").unwrap();
    has_mode(vfs, "/f", 0o755);
}

fn truncating_takes_them_off(vfs: &Vfs) {
    vfs.chmod("/f", ALL).unwrap();
    vfs.truncate("/f", 3).unwrap();
    has_mode(vfs, "/f", 0o755);
    vfs.chmod("/f", ALL).unwrap();
    vfs.open("/f", OpenOptions::update()).unwrap().truncate(9).unwrap();
    has_mode(vfs, "/f", 0o755);
}

fn allocating_takes_them_off(vfs: &Vfs) {
    vfs.chmod("/f", ALL).unwrap();
    vfs.open("/f", OpenOptions::update()).unwrap().allocate(Allocate::Reserve, 0, 100).unwrap();
    has_mode(vfs, "/f", 0o755);
}

fn opening_to_truncate_takes_them_off(vfs: &Vfs) {
    vfs.chmod("/f", ALL).unwrap();
    drop(vfs.open("/f", OpenOptions::write()).unwrap());
    has_mode(vfs, "/f", 0o755);
}

fn writing_nothing_leaves_them(vfs: &Vfs) {
    vfs.chmod("/f", ALL).unwrap();
    vfs.open("/f", OpenOptions::update()).unwrap().write(b"").unwrap();
    has_mode(vfs, "/f", ALL);
}

fn root_keeps_them(vfs: &Vfs) {
    vfs.chmod("/f", ALL).unwrap();
    let root = acting_as(vfs, 0, 0);
    root.write("/f", b"new").unwrap();
    root.append("/f", b"er").unwrap();
    root.truncate("/f", 1).unwrap();
    has_mode(vfs, "/f", ALL);
}

fn open_handle_sees_that_they_were_set_again(vfs: &Vfs) {
    let file = vfs.open("/f", OpenOptions::update()).unwrap();
    file.write(b"one").unwrap();
    vfs.chmod("/f", ALL).unwrap();
    file.write(b"two").unwrap();
    has_mode(vfs, "/f", 0o755);
    file.chmod(ALL).unwrap();
    file.write(b"three").unwrap();
    has_mode(vfs, "/f", 0o755);
}

fn group_bit_without_execute_stays(vfs: &Vfs) {
    vfs.chmod("/f", 0o6745).unwrap();
    vfs.write("/f", b"by a member").unwrap();
    has_mode(vfs, "/f", 0o2745);
    acting_as(vfs, 5, 5).write("/f", b"by an outsider").unwrap();
    has_mode(vfs, "/f", 0o745);
}

fn chown_takes_them_off_even_for_root(vfs: &Vfs) {
    vfs.chmod("/f", ALL).unwrap();
    acting_as(vfs, 0, 0).chown("/f", Some(7), None).unwrap();
    has_mode(vfs, "/f", 0o755);
    vfs.chown("/shared", Some(7), None).unwrap();
    has_mode(vfs, "/shared", 0o2777);
}

fn outsider_cannot_set_the_group_bit(vfs: &Vfs) {
    vfs.chown("/f", Some(1000), Some(2000)).unwrap();
    checked(vfs, 1000, 1000).chmod("/f", ALL).unwrap();
    has_mode(vfs, "/f", 0o4755);
    checked(vfs, 1000, 2000).chmod("/f", ALL).unwrap();
    has_mode(vfs, "/f", ALL);
    checked(vfs, 0, 0).chmod("/f", 0o2711).unwrap();
    has_mode(vfs, "/f", 0o2711);
}

fn mkdir_gives_none(vfs: &Vfs) {
    vfs.mkdir("/d", 0o7755).unwrap();
    has_mode(vfs, "/d", 0o1755);
    vfs.mkdir("/shared/d", 0o4755).unwrap();
    has_mode(vfs, "/shared/d", 0o2755);
}

fn outsider_makes_no_group_program(vfs: &Vfs) {
    let make = |vfs: &Vfs, path: &str| vfs.mknod(path, FileType::Regular, 0o2755, 0).unwrap();
    make(&acting_as(vfs, 1000, 1000), "/shared/outsider");
    make(&acting_as(vfs, 1000, 2000), "/shared/member");
    make(&acting_as(vfs, 0, 0), "/shared/root");
    has_mode(vfs, "/shared/outsider", 0o755);
    has_mode(vfs, "/shared/member", 0o2755);
    has_mode(vfs, "/shared/root", 0o2755);
    assert_eq!(vfs.stat("/shared/outsider").unwrap().gid, 2000);
}

fn exchanged_directory(vfs: &Vfs) {
    vfs.mkdir("/a", 0o777).unwrap();
    vfs.mkdir("/a/mine", 0o755).unwrap();
    vfs.mkdir("/shared/theirs", 0o755).unwrap();
    for path in ["/a", "/a/mine"] {
        vfs.chown(path, Some(5), Some(5)).unwrap();
    }
    let who = checked(vfs, 5, 5);
    refused(who.rename("/a/mine", "/shared/theirs", RenameMode::Exchange), Errno::EACCES);
    vfs.chown("/shared/theirs", Some(5), Some(5)).unwrap();
    who.rename("/a/mine", "/shared/theirs", RenameMode::Exchange).unwrap();
}
