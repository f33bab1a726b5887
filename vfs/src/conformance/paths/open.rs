//! Opening files.

use crate::conformance::kit::refused;
use crate::conformance::{Needs, VfsCase, no_files, vfs_case};
use crate::errno::Errno;
use crate::fs::{OpenOptions, Vfs};
use crate::node::FileType;

const R: Needs = Needs::READS;
const W: Needs = Needs::WRITES;
const L: Needs = W.and(Needs::SYMLINKS);

pub(super) const CASES: &[VfsCase] = &[
    vfs_case("missing_is_enoent", R, tree, missing_is_enoent),
    vfs_case("neither_reading_nor_writing_is_einval", R, tree, neither_is_einval),
    vfs_case("create_makes_a_file", W, no_files, create_makes_a_file),
    vfs_case("create_keeps_what_is_there", W, tree, create_keeps_what_is_there),
    vfs_case("exclusive_makes_a_file", W, no_files, exclusive_makes_a_file),
    vfs_case("exclusive_of_anything_is_eexist", W, tree, exclusive_of_anything_is_eexist),
    vfs_case("exclusive_of_a_dangling_link_is_eexist", L, links, exclusive_of_a_dangling_link),
    vfs_case("create_through_a_dangling_link_makes_its_target", L, links, create_through_a_dangling_link),
    vfs_case("create_through_a_link_into_nothing_is_enoent", L, links, create_through_a_link_into_nothing),
    vfs_case("create_with_a_trailing_slash_is_eisdir", W, tree, create_with_a_trailing_slash_is_eisdir),
    vfs_case("truncate_empties", W, tree, truncate_empties),
    vfs_case("truncate_for_reading_is_einval", W, tree, truncate_for_reading_is_einval),
    vfs_case("directory_for_reading", R, tree, directory_for_reading),
    vfs_case("directory_for_writing_is_eisdir", W, tree, directory_for_writing_is_eisdir),
    vfs_case("directory_with_create_is_eisdir", W, tree, directory_with_create_is_eisdir),
    vfs_case("directory_demanded_of_a_file_is_enotdir", R, tree, directory_demanded_of_a_file),
    vfs_case("no_follow_of_a_link_is_eloop", L, links, no_follow_of_a_link_is_eloop),
    vfs_case("no_follow_concerns_the_last_component", L, links, no_follow_concerns_the_last_component),
    vfs_case("fifo_and_devices_are_enxio", W.and(Needs::SPECIAL), specials, fifo_and_devices_are_enxio),
    vfs_case("umask_applies", W.and(Needs::OWNERSHIP), no_files, umask_applies),
    vfs_case(
        "made_read_only_can_still_be_written_through",
        W.and(Needs::OWNERSHIP),
        no_files,
        made_read_only,
    ),
];

fn tree(vfs: &Vfs) {
    vfs.mkdir("/d", 0o777).unwrap();
    vfs.write("/f", b"content").unwrap();
}

fn links(vfs: &Vfs) {
    tree(vfs);
    vfs.symlink("f", "/link").unwrap();
    vfs.symlink("d", "/dir").unwrap();
    vfs.symlink("d/new", "/dangling").unwrap();
    vfs.symlink("none/new", "/into-nothing").unwrap();
}

fn specials(vfs: &Vfs) {
    vfs.mknod("/fifo", FileType::Fifo, 0o666, 0).unwrap();
    vfs.mknod("/null", FileType::CharDevice, 0o666, 259).unwrap();
    vfs.mknod("/socket", FileType::Socket, 0o666, 0).unwrap();
}

const CREATE: OpenOptions = OpenOptions {
    read: false,
    write: true,
    append: false,
    create: true,
    exclusive: false,
    truncate: false,
    directory: false,
    no_follow: false,
    mode: 0o666,
};
const EXCLUSIVE: OpenOptions = OpenOptions { exclusive: true, ..CREATE };

fn missing_is_enoent(vfs: &Vfs) {
    refused(vfs.open("/nothing", OpenOptions::read()), Errno::ENOENT);
    refused(vfs.open("/nothing", OpenOptions::update()), Errno::ENOENT);
}

fn neither_is_einval(vfs: &Vfs) {
    refused(vfs.open("/f", OpenOptions::default()), Errno::EINVAL);
}

fn create_makes_a_file(vfs: &Vfs) {
    let file = vfs.open("/new", CREATE).unwrap();
    assert_eq!(file.stat().unwrap().size, 0);
    assert!(vfs.stat("/new").unwrap().is_file());
}

fn create_keeps_what_is_there(vfs: &Vfs) {
    vfs.open("/f", CREATE).unwrap();
    assert_eq!(vfs.read("/f").unwrap(), &b"content"[..]);
}

fn exclusive_makes_a_file(vfs: &Vfs) {
    vfs.open("/new", EXCLUSIVE).unwrap();
    refused(vfs.open("/new", EXCLUSIVE), Errno::EEXIST);
}

fn exclusive_of_anything_is_eexist(vfs: &Vfs) {
    for path in ["/f", "/d", "/", "/d/..", "/."] {
        refused(vfs.open(path, EXCLUSIVE), Errno::EEXIST);
    }
}

fn exclusive_of_a_dangling_link(vfs: &Vfs) {
    refused(vfs.open("/dangling", EXCLUSIVE), Errno::EEXIST);
    refused(vfs.open("/link", EXCLUSIVE), Errno::EEXIST);
    assert!(!vfs.exists("/d/new"));
}

fn create_through_a_dangling_link(vfs: &Vfs) {
    vfs.open("/dangling", CREATE).unwrap().write(b"made").unwrap();
    assert_eq!(vfs.read("/d/new").unwrap(), &b"made"[..]);
    assert!(vfs.lstat("/dangling").unwrap().is_symlink());
}

fn create_through_a_link_into_nothing(vfs: &Vfs) {
    refused(vfs.open("/into-nothing", CREATE), Errno::ENOENT);
}

fn create_with_a_trailing_slash_is_eisdir(vfs: &Vfs) {
    refused(vfs.open("/new/", CREATE), Errno::EISDIR);
    refused(vfs.open("/d/", CREATE), Errno::EISDIR);
}

fn truncate_empties(vfs: &Vfs) {
    let file = vfs.open("/f", OpenOptions::write()).unwrap();
    assert_eq!(file.stat().unwrap().size, 0);
    assert_eq!(vfs.read("/f").unwrap(), &b""[..]);
}

fn truncate_for_reading_is_einval(vfs: &Vfs) {
    refused(vfs.open("/f", OpenOptions { truncate: true, ..OpenOptions::read() }), Errno::EINVAL);
    assert_eq!(vfs.read("/f").unwrap(), &b"content"[..]);
}

fn directory_for_reading(vfs: &Vfs) {
    let dir = vfs.open("/d", OpenOptions { directory: true, ..OpenOptions::read() }).unwrap();
    assert!(dir.stat().unwrap().is_dir());
    refused(dir.read(&mut [0; 4]), Errno::EISDIR);
    dir.sync().unwrap();
    refused(vfs.read("/d"), Errno::EISDIR);
}

fn directory_for_writing_is_eisdir(vfs: &Vfs) {
    refused(vfs.open("/d", OpenOptions::update()), Errno::EISDIR);
    refused(vfs.open("/d", OpenOptions::append()), Errno::EISDIR);
    refused(vfs.write("/d", b""), Errno::EISDIR);
    refused(vfs.write("/", b""), Errno::EISDIR);
}

fn directory_with_create_is_eisdir(vfs: &Vfs) {
    refused(vfs.open("/d", OpenOptions { create: true, ..OpenOptions::read() }), Errno::EISDIR);
}

fn directory_demanded_of_a_file(vfs: &Vfs) {
    refused(vfs.open("/f", OpenOptions { directory: true, ..OpenOptions::read() }), Errno::ENOTDIR);
}

fn no_follow_of_a_link_is_eloop(vfs: &Vfs) {
    let no_follow = OpenOptions { no_follow: true, ..OpenOptions::read() };
    refused(vfs.open("/link", no_follow), Errno::ELOOP);
    refused(vfs.open("/dangling", OpenOptions { no_follow: true, ..CREATE }), Errno::ELOOP);
    refused(vfs.open("/dir", OpenOptions { directory: true, ..no_follow }), Errno::ENOTDIR);
    vfs.open("/f", no_follow).unwrap();
}

fn no_follow_concerns_the_last_component(vfs: &Vfs) {
    vfs.write("/d/g", b"g").unwrap();
    let no_follow = OpenOptions { no_follow: true, ..OpenOptions::read() };
    assert_eq!(vfs.open("/dir/g", no_follow).unwrap().read_all().unwrap(), &b"g"[..]);
}

fn fifo_and_devices_are_enxio(vfs: &Vfs) {
    for path in ["/fifo", "/null", "/socket"] {
        refused(vfs.open(path, OpenOptions::read()), Errno::ENXIO);
        refused(vfs.write(path, b""), Errno::ENXIO);
    }
}

fn umask_applies(vfs: &Vfs) {
    vfs.write("/f", b"").unwrap();
    assert_eq!(vfs.stat("/f").unwrap().mode, 0o644);
    vfs.open("/g", OpenOptions { mode: 0o777, ..CREATE }).unwrap();
    assert_eq!(vfs.stat("/g").unwrap().mode, 0o755);
    vfs.mkdir("/d", 0o777).unwrap();
    assert_eq!(vfs.stat("/d").unwrap().mode, 0o755);
}

fn made_read_only(vfs: &Vfs) {
    let file = vfs.open("/f", OpenOptions { mode: 0o444, ..CREATE }).unwrap();
    file.write(b"content").unwrap();
    assert_eq!(vfs.stat("/f").unwrap().mode, 0o444);
    assert_eq!(vfs.read("/f").unwrap(), &b"content"[..]);
}
