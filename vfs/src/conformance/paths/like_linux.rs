//! What the comparison with the kernel found: which of two errors comes first, and what is whose to do.

use crate::conformance::kit::refused;
use crate::conformance::{Needs, VfsCase, vfs_case};
use crate::errno::Errno;
use crate::fs::{Follow, OpenOptions, Vfs, VfsOptions};
use crate::node::{Allocate, FileType, RenameMode, XattrMode};

const W: Needs = Needs::WRITES;
const O: Needs = W.and(Needs::OWNERSHIP);

pub(super) const CASES: &[VfsCase] = &[
    vfs_case("name_too_long_comes_after_a_missing_directory", W, tree, name_too_long_comes_last),
    vfs_case("unlink_with_a_slash_of_a_directory_is_eisdir", W, tree, unlink_with_a_slash),
    vfs_case("link_with_a_slash_is_enoent", W.and(Needs::HARD_LINKS), tree, link_with_a_slash),
    vfs_case("rename_onto_what_holds_it_is_enotempty", W, tree, rename_onto_what_holds_it),
    vfs_case(
        "exchange_with_what_holds_it_is_einval",
        W.and(Needs::RENAME_MODES),
        tree,
        exchange_with_what_holds_it,
    ),
    vfs_case("rename_of_another_kind_tells_rights_first", O, tree, rename_of_another_kind),
    vfs_case("devices_are_for_root_to_make", O.and(Needs::SPECIAL), tree, devices_are_for_root),
    vfs_case("chown_to_what_it_is_is_for_the_owner", O, tree, chown_to_what_it_is),
    vfs_case("chown_of_nothing_takes_no_bits_off_others", O, tree, chown_of_nothing),
    vfs_case(
        "attributes_of_a_fifo_are_eperm",
        O.and(Needs::SPECIAL).and(Needs::XATTRS),
        tree,
        attributes_of_a_fifo,
    ),
    vfs_case(
        "attributes_of_a_sticky_directory",
        O.and(Needs::XATTRS),
        tree,
        attributes_of_a_sticky_directory,
    ),
    vfs_case("nothing_allocated_is_einval_first", W, tree, nothing_allocated),
];

/// `/d` holds a directory with a file; `/open` is a directory that everyone may write.
fn tree(vfs: &Vfs) {
    vfs.mkdir_all("/d/in", 0o755).unwrap();
    vfs.write("/d/in/f", b"content").unwrap();
    vfs.mkdir("/open", 0o777).unwrap();
    if vfs.locate("/", Follow::Yes).unwrap().layer.features().ownership {
        vfs.chmod("/open", 0o777).unwrap();
    }
}

/// The same tree with checks, seen by a stranger.
fn stranger(vfs: &Vfs) -> Vfs {
    let layer = vfs.locate("/", Follow::Yes).unwrap().layer;
    Vfs::new(layer, VfsOptions { uid: 7, gid: 7, checks: true, ..VfsOptions::default() })
}

fn name_too_long_comes_last(vfs: &Vfs) {
    let long = format!("/{}", "n".repeat(256));
    refused(vfs.rename(&long, "/missing/a", RenameMode::Replace), Errno::ENOENT);
    refused(vfs.rename(&long, "/a", RenameMode::Replace), Errno::ENAMETOOLONG);
    refused(vfs.rename("/missing", &long, RenameMode::Replace), Errno::ENOENT);
    refused(vfs.rename("/d", &long, RenameMode::Replace), Errno::ENAMETOOLONG);
    refused(vfs.rmdir(&long), Errno::ENAMETOOLONG);
    refused(vfs.open(&long, OpenOptions::write()), Errno::ENAMETOOLONG);
    refused(vfs.remove_all(&long), Errno::ENAMETOOLONG);
    refused(vfs.lstat(&long), Errno::ENAMETOOLONG);
}

fn unlink_with_a_slash(vfs: &Vfs) {
    refused(vfs.unlink("/d/"), Errno::EISDIR);
    refused(vfs.unlink("/d/in/f/"), Errno::ENOTDIR);
    refused(vfs.unlink("/missing/"), Errno::ENOENT);
}

fn link_with_a_slash(vfs: &Vfs) {
    refused(vfs.link("/d/in/f", "/new/"), Errno::ENOENT);
    refused(vfs.link("/d", "/new/"), Errno::ENOENT);
    refused(vfs.link("/d", "/new"), Errno::EPERM);
}

fn rename_onto_what_holds_it(vfs: &Vfs) {
    refused(vfs.rename("/d/in/f", "/d", RenameMode::Replace), Errno::ENOTEMPTY);
    refused(vfs.rename("/d/in", "/d", RenameMode::Replace), Errno::ENOTEMPTY);
    refused(vfs.rename("/d", "/d/in/d", RenameMode::Replace), Errno::EINVAL);
}

fn exchange_with_what_holds_it(vfs: &Vfs) {
    refused(vfs.rename("/d/in/f", "/d", RenameMode::Exchange), Errno::EINVAL);
    refused(vfs.rename("/d", "/d/in", RenameMode::Exchange), Errno::EINVAL);
}

fn rename_of_another_kind(vfs: &Vfs) {
    let other = stranger(vfs);
    other.mkdir("/open/dir", 0o755).unwrap();
    other.write("/open/file", b"").unwrap();
    refused(other.rename("/open/file", "/d/in", RenameMode::Replace), Errno::EACCES);
    refused(other.rename("/open/file", "/open/dir", RenameMode::Replace), Errno::EISDIR);
    refused(other.rename("/open/dir", "/open/file", RenameMode::Replace), Errno::ENOTDIR);
}

fn devices_are_for_root(vfs: &Vfs) {
    refused(stranger(vfs).mknod("/open/null", FileType::CharDevice, 0o666, 0x103), Errno::EPERM);
    stranger(vfs).mknod("/open/fifo", FileType::Fifo, 0o666, 0).unwrap();
    vfs.mknod("/open/null", FileType::CharDevice, 0o666, 0x103).unwrap();
}

fn chown_to_what_it_is(vfs: &Vfs) {
    let stat = vfs.stat("/d/in/f").unwrap();
    refused(stranger(vfs).chown("/d/in/f", Some(stat.uid), None), Errno::EPERM);
    refused(stranger(vfs).chown("/d/in/f", None, Some(stat.gid)), Errno::EPERM);
    stranger(vfs).chown("/d/in/f", None, None).unwrap();
}

fn chown_of_nothing(vfs: &Vfs) {
    vfs.chmod("/d/in/f", 0o4755).unwrap();
    refused(stranger(vfs).chown("/d/in/f", None, None), Errno::EPERM);
    assert_eq!(vfs.stat("/d/in/f").unwrap().mode, 0o4755);
}

fn attributes_of_a_fifo(vfs: &Vfs) {
    vfs.mknod("/fifo", FileType::Fifo, 0o666, 0).unwrap();
    refused(vfs.setxattr("/fifo", "user.a", b"x", XattrMode::Any), Errno::EPERM);
    refused(vfs.removexattr("/fifo", "user.a"), Errno::EPERM);
    refused(vfs.getxattr("/fifo", "user.a"), Errno::ENODATA);
}

fn attributes_of_a_sticky_directory(vfs: &Vfs) {
    vfs.chmod("/open", 0o1777).unwrap();
    refused(stranger(vfs).setxattr("/open", "user.a", b"x", XattrMode::Any), Errno::EPERM);
    vfs.setxattr("/open", "user.a", b"x", XattrMode::Any).unwrap();
    assert_eq!(stranger(vfs).getxattr("/open", "user.a").unwrap(), &b"x"[..]);
}

fn nothing_allocated(vfs: &Vfs) {
    let file = vfs.open("/d/in/f", OpenOptions::read()).unwrap();
    refused(file.allocate(Allocate::Reserve, 0, 0), Errno::EINVAL);
    refused(file.allocate(Allocate::Reserve, 0, 1), Errno::EBADF);
}
