//! Changes that depend on a version.

use crate::conformance::kit::refused;
use crate::conformance::{Needs, VfsCase, vfs_case};
use crate::errno::Errno;
use crate::fs::Vfs;
use crate::node::RenameMode;

const W: Needs = Needs::WRITES;

pub(super) const CASES: &[VfsCase] = &[
    vfs_case("write_at_the_version_seen", W, tree, write_at_the_version_seen),
    vfs_case("write_at_another_changes_nothing", W, tree, write_at_another_changes_nothing),
    vfs_case("append_and_truncate", W, tree, append_and_truncate),
    vfs_case("unlink", W, tree, unlink),
    vfs_case("rmdir", W, tree, rmdir),
    vfs_case("rename", W, tree, rename),
    vfs_case("another_file_of_that_name_is_another_version", W, tree, another_file_of_that_name),
    vfs_case("attributes_count_as_changes", W.and(Needs::OWNERSHIP), tree, attributes_count_as_changes),
    vfs_case("reading_does_not", W, tree, reading_does_not),
    vfs_case("set_id_bits_fall_all_the_same", W.and(Needs::OWNERSHIP), tree, set_id_bits_fall_all_the_same),
    vfs_case("what_is_not_there_is_enoent", W, tree, what_is_not_there_is_enoent),
];

fn tree(vfs: &Vfs) {
    vfs.write("/f", b"one").unwrap();
    vfs.mkdir("/d", 0o777).unwrap();
}

fn version(vfs: &Vfs, path: &str) -> u64 {
    vfs.stat(path).unwrap().version
}

fn write_at_the_version_seen(vfs: &Vfs) {
    let seen = version(vfs, "/f");
    let after = vfs.at_version(seen).write("/f", b"second").unwrap();
    assert_eq!((after.size, after.version > seen), (6, true));
    assert_eq!(after.version, version(vfs, "/f"));
    vfs.at_version(after.version).write("/f", b"").unwrap();
    assert_eq!(vfs.read("/f").unwrap(), &b""[..]);
}

fn write_at_another_changes_nothing(vfs: &Vfs) {
    let seen = version(vfs, "/f");
    vfs.write("/f", b"faster").unwrap();
    let before = vfs.stat("/f").unwrap();
    refused(vfs.at_version(seen).write("/f", b"slower"), Errno::EAGAIN);
    refused(vfs.at_version(seen).append("/f", b"slower"), Errno::EAGAIN);
    refused(vfs.at_version(seen).truncate("/f", 1), Errno::EAGAIN);
    assert_eq!(vfs.stat("/f").unwrap(), before);
    assert_eq!(vfs.read("/f").unwrap(), &b"faster"[..]);
}

fn append_and_truncate(vfs: &Vfs) {
    let after = vfs.at_version(version(vfs, "/f")).append("/f", b", two").unwrap();
    assert_eq!(vfs.read("/f").unwrap(), &b"one, two"[..]);
    assert_eq!(vfs.at_version(after.version).truncate("/f", 2).unwrap().size, 2);
    assert_eq!(vfs.read("/f").unwrap(), &b"on"[..]);
}

fn unlink(vfs: &Vfs) {
    let seen = version(vfs, "/f");
    vfs.append("/f", b"!").unwrap();
    refused(vfs.at_version(seen).unlink("/f"), Errno::EAGAIN);
    vfs.at_version(version(vfs, "/f")).unlink("/f").unwrap();
    assert!(!vfs.exists("/f"));
}

fn rmdir(vfs: &Vfs) {
    let seen = version(vfs, "/d");
    vfs.write("/d/in", b"").unwrap();
    vfs.unlink("/d/in").unwrap();
    refused(vfs.at_version(seen).rmdir("/d"), Errno::EAGAIN);
    vfs.at_version(version(vfs, "/d")).rmdir("/d").unwrap();
}

fn rename(vfs: &Vfs) {
    let seen = version(vfs, "/f");
    vfs.append("/f", b"!").unwrap();
    refused(vfs.at_version(seen).rename("/f", "/g", RenameMode::Replace), Errno::EAGAIN);
    assert!(!vfs.exists("/g"));
    vfs.at_version(version(vfs, "/f")).rename("/f", "/g", RenameMode::Replace).unwrap();
    assert_eq!(vfs.read("/g").unwrap(), &b"one!"[..]);
}

fn another_file_of_that_name(vfs: &Vfs) {
    let seen = version(vfs, "/f");
    vfs.append("/f", b"!").unwrap();
    vfs.unlink("/f").unwrap();
    vfs.write("/f", b"new").unwrap();
    // A number that only the old file had.
    refused(vfs.at_version(seen + 1000).unlink("/f"), Errno::EAGAIN);
    assert!(vfs.exists("/f"));
}

fn attributes_count_as_changes(vfs: &Vfs) {
    let seen = version(vfs, "/f");
    vfs.chmod("/f", 0o600).unwrap();
    refused(vfs.at_version(seen).write("/f", b"x"), Errno::EAGAIN);
}

fn reading_does_not(vfs: &Vfs) {
    let seen = version(vfs, "/f");
    vfs.read("/f").unwrap();
    vfs.at_version(seen).write("/f", b"x").unwrap();
}

fn set_id_bits_fall_all_the_same(vfs: &Vfs) {
    vfs.chmod("/f", 0o6755).unwrap();
    vfs.at_version(version(vfs, "/f")).write("/f", b"x").unwrap();
    assert_eq!(vfs.stat("/f").unwrap().mode, 0o755);
}

fn what_is_not_there_is_enoent(vfs: &Vfs) {
    refused(vfs.at_version(1).write("/none", b""), Errno::ENOENT);
    refused(vfs.at_version(1).unlink("/none"), Errno::ENOENT);
    refused(vfs.at_version(1).write("/d", b""), Errno::EISDIR);
}
