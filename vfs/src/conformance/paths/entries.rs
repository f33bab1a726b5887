//! Making, removing, linking and renaming by path.

use crate::conformance::kit::refused;
use crate::conformance::{Needs, VfsCase, vfs_case};
use crate::errno::Errno;
use crate::fs::Vfs;
use crate::node::{FileType, RenameMode};

const W: Needs = Needs::WRITES;
const L: Needs = W.and(Needs::SYMLINKS);

pub(super) const CASES: &[VfsCase] = &[
    vfs_case("mkdir_with_a_trailing_slash", W, tree, mkdir_with_a_trailing_slash),
    vfs_case("mkdir_of_anything_there_is_eexist", W, tree, mkdir_of_anything_there_is_eexist),
    vfs_case("mkdir_of_a_dangling_link_is_eexist", L, links, mkdir_of_a_dangling_link_is_eexist),
    vfs_case("symlink_with_a_trailing_slash_is_enoent", L, tree, symlink_with_a_trailing_slash_is_enoent),
    vfs_case("symlink_of_nothing_is_enoent", L, tree, symlink_of_nothing_is_enoent),
    vfs_case("mknod_of_a_directory_is_eperm", W, tree, mknod_of_a_directory_is_eperm),
    vfs_case("mknod_makes_a_file", W, tree, mknod_makes_a_file),
    vfs_case("unlink_of_a_directory_is_eisdir", W, tree, unlink_of_a_directory_is_eisdir),
    vfs_case("unlink_of_a_file_with_a_slash_is_enotdir", W, tree, unlink_of_a_file_with_a_slash),
    vfs_case("unlink_takes_the_link", L, links, unlink_takes_the_link),
    vfs_case("rmdir_of_dot_is_einval", W, tree, rmdir_of_dot_is_einval),
    vfs_case("rmdir_of_dotdot_is_enotempty", W, tree, rmdir_of_dotdot_is_enotempty),
    vfs_case("rmdir_of_the_root_is_ebusy", W, tree, rmdir_of_the_root_is_ebusy),
    vfs_case("rmdir_of_a_file_is_enotdir", W, tree, rmdir_of_a_file_is_enotdir),
    vfs_case("rmdir_of_a_link_is_enotdir", L, links, rmdir_of_a_link_is_enotdir),
    vfs_case("rename_of_dots_is_ebusy", W, tree, rename_of_dots_is_ebusy),
    vfs_case("rename_of_a_file_with_a_slash_is_enotdir", W, tree, rename_of_a_file_with_a_slash),
    vfs_case("rename_of_a_directory_with_slashes", W, tree, rename_of_a_directory_with_slashes),
    vfs_case("rename_below_itself_is_einval", W, tree, rename_below_itself_is_einval),
    vfs_case("rename_through_a_link_on_the_way", L, links, rename_through_a_link_on_the_way),
    vfs_case("rename_takes_the_link", L, links, rename_takes_the_link),
    vfs_case("link_of_a_link_is_of_the_link", L.and(Needs::HARD_LINKS), links, link_of_a_link),
    vfs_case("link_of_a_directory_is_eperm", W.and(Needs::HARD_LINKS), tree, link_of_a_directory_is_eperm),
    vfs_case("link_onto_a_name_is_eexist", W.and(Needs::HARD_LINKS), tree, link_onto_a_name_is_eexist),
    vfs_case("readlink_of_a_file_is_einval", W, tree, readlink_of_a_file_is_einval),
];

fn tree(vfs: &Vfs) {
    vfs.mkdir_all("/d/e", 0o777).unwrap();
    vfs.write("/f", b"content").unwrap();
}

fn links(vfs: &Vfs) {
    tree(vfs);
    vfs.symlink("f", "/to-file").unwrap();
    vfs.symlink("d", "/to-dir").unwrap();
    vfs.symlink("nowhere", "/dangling").unwrap();
}

fn rename(vfs: &Vfs, from: &str, to: &str) -> crate::Result<()> {
    vfs.rename(from, to, RenameMode::Replace)
}

fn mkdir_with_a_trailing_slash(vfs: &Vfs) {
    vfs.mkdir("/new//", 0o777).unwrap();
    assert!(vfs.stat("/new").unwrap().is_dir());
}

fn mkdir_of_anything_there_is_eexist(vfs: &Vfs) {
    for path in ["/f", "/f/", "/d", "/d/", "/", ".", "..", "/d/.", "/d/.."] {
        refused(vfs.mkdir(path, 0o777), Errno::EEXIST);
    }
}

fn mkdir_of_a_dangling_link_is_eexist(vfs: &Vfs) {
    refused(vfs.mkdir("/dangling", 0o777), Errno::EEXIST);
    refused(vfs.mkdir("/dangling/", 0o777), Errno::EEXIST);
    refused(vfs.symlink("x", "/dangling"), Errno::EEXIST);
}

fn symlink_with_a_trailing_slash_is_enoent(vfs: &Vfs) {
    refused(vfs.symlink("x", "/new/"), Errno::ENOENT);
    refused(vfs.symlink("x", "/d/"), Errno::EEXIST);
}

fn symlink_of_nothing_is_enoent(vfs: &Vfs) {
    refused(vfs.symlink("", "/new"), Errno::ENOENT);
    refused(vfs.symlink(&"t".repeat(4096), "/new"), Errno::ENAMETOOLONG);
}

fn mknod_of_a_directory_is_eperm(vfs: &Vfs) {
    refused(vfs.mknod("/new", FileType::Directory, 0o777, 0), Errno::EPERM);
}

fn mknod_makes_a_file(vfs: &Vfs) {
    vfs.mknod("/new", FileType::Regular, 0o666, 0).unwrap();
    assert_eq!(vfs.read("/new").unwrap(), &b""[..]);
    refused(vfs.mknod("/new", FileType::Regular, 0o666, 0), Errno::EEXIST);
}

fn unlink_of_a_directory_is_eisdir(vfs: &Vfs) {
    for path in ["/d", "/d/", "/", "/d/.", "/d/e/.."] {
        refused(vfs.unlink(path), Errno::EISDIR);
    }
}

fn unlink_of_a_file_with_a_slash(vfs: &Vfs) {
    refused(vfs.unlink("/f/"), Errno::ENOTDIR);
    refused(vfs.unlink("/nothing/"), Errno::ENOENT);
}

fn unlink_takes_the_link(vfs: &Vfs) {
    refused(vfs.unlink("/to-dir/"), Errno::ENOTDIR);
    for path in ["/to-file", "/to-dir", "/dangling"] {
        vfs.unlink(path).unwrap();
        refused(vfs.lstat(path), Errno::ENOENT);
    }
    assert!(vfs.exists("/f") && vfs.exists("/d"));
}

fn rmdir_of_dot_is_einval(vfs: &Vfs) {
    refused(vfs.rmdir("/d/e/."), Errno::EINVAL);
    refused(vfs.with_cwd("/d/e").unwrap().rmdir("."), Errno::EINVAL);
}

fn rmdir_of_dotdot_is_enotempty(vfs: &Vfs) {
    refused(vfs.rmdir("/d/e/.."), Errno::ENOTEMPTY);
}

fn rmdir_of_the_root_is_ebusy(vfs: &Vfs) {
    refused(vfs.rmdir("/"), Errno::EBUSY);
}

fn rmdir_of_a_file_is_enotdir(vfs: &Vfs) {
    refused(vfs.rmdir("/f"), Errno::ENOTDIR);
    refused(vfs.rmdir("/f/"), Errno::ENOTDIR);
}

fn rmdir_of_a_link_is_enotdir(vfs: &Vfs) {
    vfs.rmdir("/d/e").unwrap();
    refused(vfs.rmdir("/to-dir"), Errno::ENOTDIR);
    refused(vfs.rmdir("/to-dir/"), Errno::ENOTDIR);
}

fn rename_of_dots_is_ebusy(vfs: &Vfs) {
    for path in ["/d/.", "/d/e/..", "/"] {
        refused(rename(vfs, path, "/new"), Errno::EBUSY);
        refused(rename(vfs, "/f", path), Errno::EBUSY);
    }
}

fn rename_of_a_file_with_a_slash(vfs: &Vfs) {
    refused(rename(vfs, "/f/", "/new"), Errno::ENOTDIR);
    refused(rename(vfs, "/f", "/new/"), Errno::ENOTDIR);
    assert!(vfs.exists("/f"));
}

fn rename_of_a_directory_with_slashes(vfs: &Vfs) {
    rename(vfs, "/d/", "/new/").unwrap();
    assert!(vfs.exists("/new/e"));
}

fn rename_below_itself_is_einval(vfs: &Vfs) {
    refused(rename(vfs, "/d", "/d/e/d"), Errno::EINVAL);
    refused(rename(vfs, "/d", "/d/new"), Errno::EINVAL);
    refused(rename(vfs, "/d/e", "/d"), Errno::ENOTEMPTY);
}

fn rename_through_a_link_on_the_way(vfs: &Vfs) {
    rename(vfs, "/f", "/to-dir/g").unwrap();
    assert_eq!(vfs.read("/d/g").unwrap(), &b"content"[..]);
}

fn rename_takes_the_link(vfs: &Vfs) {
    rename(vfs, "/to-dir", "/d/moved").unwrap();
    assert_eq!(vfs.readlink("/d/moved").unwrap(), "d");
    rename(vfs, "/f", "/to-file").unwrap();
    assert!(vfs.lstat("/to-file").unwrap().is_file());
}

fn link_of_a_link(vfs: &Vfs) {
    vfs.link("/to-file", "/second").unwrap();
    assert_eq!(vfs.readlink("/second").unwrap(), "f");
    assert_eq!(vfs.stat("/f").unwrap().nlink, 1);
}

fn link_of_a_directory_is_eperm(vfs: &Vfs) {
    refused(vfs.link("/d", "/new"), Errno::EPERM);
}

fn link_onto_a_name_is_eexist(vfs: &Vfs) {
    refused(vfs.link("/f", "/d"), Errno::EEXIST);
    refused(vfs.link("/f", "/f"), Errno::EEXIST);
    refused(vfs.link("/nothing", "/d"), Errno::ENOENT);
}

fn readlink_of_a_file_is_einval(vfs: &Vfs) {
    refused(vfs.readlink("/f"), Errno::EINVAL);
    refused(vfs.readlink("/"), Errno::EINVAL);
}
