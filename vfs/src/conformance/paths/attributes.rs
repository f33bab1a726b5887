//! Attributes by path: modes, owners, times, inheritance, access times.

use crate::clock::Timestamp;
use crate::conformance::kit::{NOW, OLD, refused};
use crate::conformance::{Needs, VfsCase, vfs_case};
use crate::errno::Errno;
use crate::fs::{Access, Credentials, SetTime, Vfs};
use crate::node::XattrMode;

const W: Needs = Needs::WRITES;
const O: Needs = W.and(Needs::OWNERSHIP);
const L: Needs = O.and(Needs::SYMLINKS);

pub(super) const CASES: &[VfsCase] = &[
    vfs_case("chmod_follows_links", L, tree, chmod_follows_links),
    vfs_case("chown_follows_and_lchown_does_not", L, tree, chown_follows_and_lchown_does_not),
    vfs_case("chown_takes_set_id_bits_off_files", O, plain, chown_takes_set_id_bits_off_files),
    vfs_case("utimes_follows_and_lutimes_does_not", L, tree, utimes_follows_and_lutimes_does_not),
    vfs_case("utimes_now_is_the_clock", W, plain, utimes_now_is_the_clock),
    vfs_case("truncate_by_path", W, plain, truncate_by_path),
    vfs_case("truncate_of_a_directory_is_eisdir", W, plain, truncate_of_a_directory_is_eisdir),
    vfs_case("set_group_id_directory_hands_its_group_on", O, plain, set_group_id_directory),
    vfs_case("umask_is_the_clones_own", O, plain, umask_is_the_clones_own),
    vfs_case("reading_moves_an_old_access_time", O, plain, reading_moves_an_old_access_time),
    vfs_case("reading_again_does_not", O, plain, reading_again_does_not),
    vfs_case("access_asks_for_an_execute_bit", O, plain, access_asks_for_an_execute_bit),
    vfs_case("access_of_nothing_is_enoent", W, plain, access_of_nothing_is_enoent),
    vfs_case("extended_attributes_by_path", W.and(Needs::XATTRS), plain, extended_attributes_by_path),
    vfs_case("whole_files_are_replaced_and_extended", W, plain, whole_files_are_replaced_and_extended),
    vfs_case("writing_keeps_number_and_mode", O, plain, writing_keeps_number_and_mode),
];

fn plain(vfs: &Vfs) {
    vfs.write("/f", b"content").unwrap();
    vfs.mkdir("/d", 0o777).unwrap();
}

fn tree(vfs: &Vfs) {
    plain(vfs);
    vfs.symlink("f", "/link").unwrap();
}

fn chmod_follows_links(vfs: &Vfs) {
    vfs.chmod("/link", 0o4600).unwrap();
    assert_eq!(vfs.stat("/f").unwrap().mode, 0o4600);
    refused(vfs.chmod("/nothing", 0o600), Errno::ENOENT);
}

fn chown_follows_and_lchown_does_not(vfs: &Vfs) {
    vfs.chown("/link", Some(1), None).unwrap();
    vfs.lchown("/link", Some(2), Some(3)).unwrap();
    assert_eq!((vfs.stat("/f").unwrap().uid, vfs.stat("/f").unwrap().gid), (1, 1000));
    assert_eq!((vfs.lstat("/link").unwrap().uid, vfs.lstat("/link").unwrap().gid), (2, 3));
}

fn chown_takes_set_id_bits_off_files(vfs: &Vfs) {
    vfs.chmod("/f", 0o6755).unwrap();
    vfs.chmod("/d", 0o2755).unwrap();
    vfs.chown("/f", Some(1), None).unwrap();
    vfs.chown("/d", Some(1), None).unwrap();
    assert_eq!((vfs.stat("/f").unwrap().mode, vfs.stat("/d").unwrap().mode), (0o755, 0o2755));
}

fn utimes_follows_and_lutimes_does_not(vfs: &Vfs) {
    vfs.utimes("/link", SetTime::At(OLD), SetTime::At(OLD)).unwrap();
    vfs.lutimes("/link", SetTime::At(Timestamp(1)), SetTime::At(Timestamp(2))).unwrap();
    assert_eq!((vfs.stat("/f").unwrap().atime, vfs.stat("/f").unwrap().mtime), (OLD, OLD));
    let link = vfs.lstat("/link").unwrap();
    assert_eq!((link.atime, link.mtime), (Timestamp(1), Timestamp(2)));
}

fn utimes_now_is_the_clock(vfs: &Vfs) {
    vfs.utimes("/f", SetTime::At(OLD), SetTime::Now).unwrap();
    assert_eq!((vfs.stat("/f").unwrap().atime, vfs.stat("/f").unwrap().mtime), (OLD, NOW));
    vfs.utimes("/f", SetTime::Keep, SetTime::Keep).unwrap();
    assert_eq!((vfs.stat("/f").unwrap().atime, vfs.stat("/f").unwrap().mtime), (OLD, NOW));
}

fn truncate_by_path(vfs: &Vfs) {
    vfs.truncate("/f", 3).unwrap();
    vfs.truncate("/f", 5).unwrap();
    assert_eq!(vfs.read("/f").unwrap(), &b"con\0\0"[..]);
}

fn truncate_of_a_directory_is_eisdir(vfs: &Vfs) {
    refused(vfs.truncate("/d", 0), Errno::EISDIR);
    refused(vfs.truncate("/nothing", 0), Errno::ENOENT);
}

fn set_group_id_directory(vfs: &Vfs) {
    vfs.chown("/d", None, Some(77)).unwrap();
    vfs.chmod("/d", 0o2775).unwrap();
    vfs.write("/d/f", b"").unwrap();
    vfs.mkdir("/d/sub", 0o777).unwrap();
    let (file, sub) = (vfs.stat("/d/f").unwrap(), vfs.stat("/d/sub").unwrap());
    assert_eq!((file.gid, file.mode), (77, 0o644));
    assert_eq!((sub.gid, sub.mode), (77, 0o2755));
}

fn umask_is_the_clones_own(vfs: &Vfs) {
    let strict = vfs.with_credentials(Credentials { uid: 5, gid: 6, umask: 0o077 });
    strict.write("/mine", b"").unwrap();
    strict.mkdir("/own", 0o777).unwrap();
    let (file, dir) = (vfs.stat("/mine").unwrap(), vfs.stat("/own").unwrap());
    assert_eq!((file.mode, file.uid, file.gid, dir.mode), (0o600, 5, 6, 0o700));
}

fn reading_moves_an_old_access_time(vfs: &Vfs) {
    vfs.utimes("/f", SetTime::At(OLD), SetTime::At(OLD)).unwrap();
    vfs.read("/f").unwrap();
    assert_eq!(vfs.stat("/f").unwrap().atime, NOW);
    assert_eq!(vfs.stat("/f").unwrap().mtime, OLD);
}

fn reading_again_does_not(vfs: &Vfs) {
    let soon = Timestamp(NOW.0 - 1_000_000_000);
    // Later than any change to the file, and less than a day ago.
    let future = Timestamp(i64::MAX / 2);
    vfs.utimes("/f", SetTime::At(future), SetTime::At(soon)).unwrap();
    vfs.read("/f").unwrap();
    assert_eq!(vfs.stat("/f").unwrap().atime, future);
}

fn access_asks_for_an_execute_bit(vfs: &Vfs) {
    refused(vfs.access("/f", Access::EXECUTE), Errno::EACCES);
    vfs.access("/f", Access::READ).unwrap();
    vfs.access("/f", Access::WRITE).unwrap();
    vfs.access("/d", Access::EXECUTE).unwrap();
    vfs.chmod("/f", 0o010).unwrap();
    vfs.access("/f", Access::EXECUTE).unwrap();
}

fn access_of_nothing_is_enoent(vfs: &Vfs) {
    refused(vfs.access("/nothing", Access::EXISTS), Errno::ENOENT);
    vfs.access("/f", Access::EXISTS).unwrap();
}

fn extended_attributes_by_path(vfs: &Vfs) {
    vfs.setxattr("/f", "user.a", b"1", XattrMode::Any).unwrap();
    assert_eq!(vfs.getxattr("/f", "user.a").unwrap(), &b"1"[..]);
    assert_eq!(vfs.listxattr("/f").unwrap(), ["user.a"]);
    vfs.removexattr("/f", "user.a").unwrap();
    refused(vfs.getxattr("/f", "user.a"), Errno::ENODATA);
}

fn whole_files_are_replaced_and_extended(vfs: &Vfs) {
    vfs.write("/f", b"new").unwrap();
    assert_eq!(vfs.read("/f").unwrap(), &b"new"[..]);
    vfs.append("/f", b"er").unwrap();
    vfs.append("/g", b"made").unwrap();
    assert_eq!(vfs.read_to_string("/f").unwrap(), "newer");
    assert_eq!(vfs.read_to_string("/g").unwrap(), "made");
    vfs.write("/f", b"\xff").unwrap();
    refused(vfs.read_to_string("/f"), Errno::EILSEQ);
}

fn writing_keeps_number_and_mode(vfs: &Vfs) {
    vfs.chmod("/f", 0o600).unwrap();
    let before = vfs.stat("/f").unwrap();
    vfs.write("/f", b"other").unwrap();
    let after = vfs.stat("/f").unwrap();
    assert_eq!((after.ino, after.mode, after.size), (before.ino, 0o600, 5));
}
