//! What a program sees through the kernel.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cowry_tests::mounted::{Mounted, assert_sound, home, unmount};
use cowry_vfs::fuse::{FuseError, FuseMount, FuseOptions};
use cowry_vfs::sqlite::{RevisionKind, SealInfo};
use cowry_vfs::{Layer, MemoryLayer, Name, NewAttr, NewNode, SqliteLayer, SqliteOptions, Vfs, VfsOptions};
use rustix::fs::{FallocateFlags, RenameFlags, XattrFlags};
use rustix::io::Errno;

use crate::{Case, nothing};

/// How long to wait for what is bound to come.
const PATIENCE: Duration = Duration::from_secs(120);
/// nobody
const NOBODY: u32 = 65_534;

pub static CASES: &[Case] = &[
    Case { name: "kernel::what_was_written_is_in_the_workspace", lacks: nothing, run: written },
    Case { name: "kernel::an_unlinked_open_file_keeps_its_data", lacks: nothing, run: unlinked },
    Case { name: "kernel::an_unlinked_open_file_is_gone_when_closed", lacks: nothing, run: unlinked_is_gone },
    Case { name: "kernel::names_share_an_inode", lacks: nothing, run: links },
    Case { name: "kernel::rename_takes_its_flags", lacks: nothing, run: renames },
    Case { name: "kernel::holes_are_made_found_and_read_as_zeros", lacks: nothing, run: holes },
    Case { name: "kernel::extended_attributes_of_users", lacks: nothing, run: xattrs },
    Case { name: "kernel::a_fifo_connects_two_programs", lacks: nothing, run: fifo },
    Case { name: "kernel::another_user_is_let_in_and_held_to_the_modes", lacks: not_root, run: other_user },
    Case { name: "kernel::a_writer_without_the_right_takes_set_id_off", lacks: not_root, run: set_id },
    Case { name: "kernel::a_set_group_id_directory_hands_its_group_on", lacks: not_root, run: set_group_id },
    Case { name: "kernel::a_large_directory_is_listed_whole", lacks: nothing, run: large_directory },
    Case {
        name: "kernel::a_directory_may_shrink_while_it_is_read",
        lacks: nothing,
        run: shrinking_directory,
    },
    Case { name: "kernel::names_have_their_limits", lacks: nothing, run: names },
    Case { name: "kernel::what_others_commit_is_seen", lacks: nothing, run: seen },
    Case { name: "kernel::a_revision_is_mounted_read_only", lacks: nothing, run: revision },
    Case { name: "kernel::any_layer_is_mounted", lacks: nothing, run: memory },
    Case { name: "kernel::a_used_directory_is_refused", lacks: nothing, run: refused },
    Case { name: "kernel::a_range_is_copied_within_the_mount", lacks: nothing, run: copy_range },
    Case { name: "kernel::times_are_set_to_the_nanosecond", lacks: nothing, run: times },
];

fn not_root() -> Option<String> {
    (!rustix::process::geteuid().is_root()).then(|| "needs to be root".to_owned())
}

/// The error number of what failed.
fn errno<T>(result: std::io::Result<T>) -> Option<i32> {
    result.err().and_then(|error| error.raw_os_error())
}

fn written() {
    let (mounted, layer) = Mounted::new();
    let at = mounted.path();
    fs::create_dir(at.join("dir")).unwrap();
    fs::write(at.join("dir/small"), "content").unwrap();
    let large: Vec<u8> = (0..3_000_000u32).flat_map(u32::to_le_bytes).collect();
    fs::write(at.join("large"), &large).unwrap();
    symlink("dir/small", at.join("link")).unwrap();
    assert_eq!(fs::read_to_string(at.join("link")).unwrap(), "content");
    assert!(fs::read(at.join("large")).unwrap() == large);
    mounted.unmount().unwrap();

    let files = Vfs::new(layer.clone(), VfsOptions::default());
    assert_eq!(files.read_to_string("/link").unwrap(), "content");
    assert!(files.read("/large").unwrap() == large);
    assert!(layer.seal(&SealInfo::of(RevisionKind::Edit)).unwrap().is_some(), "it went to the open revision");
    assert_sound(&layer);
}

fn unlinked() {
    let (mounted, _layer) = Mounted::new();
    let path = mounted.path().join("file");
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).open(&path).unwrap();
    file.write_all(b"before").unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(errno(fs::metadata(&path)), Some(Errno::NOENT.raw_os_error()));
    file.write_all(b", after").unwrap();
    file.sync_all().unwrap();
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "before, after");
    assert_eq!(file.metadata().unwrap().nlink(), 0);
    fs::write(&path, "another").unwrap();
    assert_ne!(fs::metadata(&path).unwrap().ino(), file.metadata().unwrap().ino());
}

fn unlinked_is_gone() {
    let (mounted, layer) = Mounted::new();
    let path = mounted.path().join("file");
    fs::write(&path, "x").unwrap();
    let file = File::open(&path).unwrap();
    let ino = cowry_vfs::Ino(file.metadata().unwrap().ino());
    fs::remove_file(&path).unwrap();
    assert!(file.metadata().is_ok());
    drop(file);
    mounted.unmount().unwrap();
    assert!(layer.getattr(ino).is_err(), "nothing holds it any more");
    assert_sound(&layer);
}

fn links() {
    let (mounted, _layer) = Mounted::new();
    let (a, b) = (mounted.path().join("a"), mounted.path().join("b"));
    fs::write(&a, "one").unwrap();
    fs::hard_link(&a, &b).unwrap();
    assert_eq!(fs::metadata(&a).unwrap().ino(), fs::metadata(&b).unwrap().ino());
    assert_eq!(fs::metadata(&b).unwrap().nlink(), 2);
    fs::write(&b, "two").unwrap();
    assert_eq!(fs::read_to_string(&a).unwrap(), "two");
    fs::remove_file(&a).unwrap();
    assert_eq!(fs::metadata(&b).unwrap().nlink(), 1);
    assert_eq!(fs::read_to_string(&b).unwrap(), "two");
}

fn renames() {
    let (mounted, _layer) = Mounted::new();
    let dir = File::open(mounted.path()).unwrap();
    let rename = |from: &str, to: &str, flags| rustix::fs::renameat_with(&dir, from, &dir, to, flags);
    let read = |name: &str| fs::read_to_string(mounted.path().join(name)).unwrap();
    fs::write(mounted.path().join("a"), "a").unwrap();
    fs::write(mounted.path().join("b"), "b").unwrap();
    assert_eq!(rename("a", "b", RenameFlags::NOREPLACE), Err(Errno::EXIST));
    rename("a", "b", RenameFlags::EXCHANGE).unwrap();
    assert_eq!((read("a"), read("b")), ("b".into(), "a".into()));
    assert_eq!(rename("a", "none", RenameFlags::EXCHANGE), Err(Errno::NOENT));
    rename("a", "c", RenameFlags::NOREPLACE).unwrap();
    rename("c", "b", RenameFlags::empty()).unwrap();
    assert_eq!(read("b"), "b");
    assert_eq!(fs::read_dir(mounted.path()).unwrap().count(), 1);
}

fn holes() {
    let (mounted, _layer) = Mounted::new();
    let path = mounted.path().join("file");
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path).unwrap();
    file.write_all_at(&[7; 1 << 20], 0).unwrap();
    file.write_all_at(&[7; 1 << 20], 8 << 20).unwrap();
    assert!(file.metadata().unwrap().blocks() * 512 <= 3 << 20, "the gap takes no space");
    let seek = |from| rustix::fs::seek(&file, from);
    assert_eq!(seek(rustix::fs::SeekFrom::Hole(0)), Ok(1 << 20));
    assert_eq!(seek(rustix::fs::SeekFrom::Data(1 << 20)), Ok(8 << 20));
    assert_eq!(seek(rustix::fs::SeekFrom::Data(9 << 20)), Err(Errno::NXIO));
    let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    rustix::fs::fallocate(&file, punch, 1000, 500_000).unwrap();
    let mut bytes = vec![1; 1 << 20];
    file.read_exact_at(&mut bytes, 0).unwrap();
    assert!(bytes[..1000].iter().chain(&bytes[501_000..]).all(|byte| *byte == 7));
    assert!(bytes[1000..501_000].iter().all(|byte| *byte == 0));
    rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, 10 << 20).unwrap();
    assert_eq!(file.metadata().unwrap().len(), 10 << 20);
    let collapse = rustix::fs::fallocate(&file, FallocateFlags::COLLAPSE_RANGE, 0, 4096);
    assert_eq!(collapse, Err(Errno::OPNOTSUPP));
}

fn xattrs() {
    let (mounted, _layer) = Mounted::new();
    let path = mounted.path().join("file");
    fs::write(&path, "").unwrap();
    let set = |name, value: &[u8], flags| rustix::fs::setxattr(&path, name, value, flags);
    set("user.colour", b"blue", XattrFlags::CREATE).unwrap();
    assert_eq!(set("user.colour", b"red", XattrFlags::CREATE), Err(Errno::EXIST));
    assert_eq!(set("user.shape", b"round", XattrFlags::REPLACE), Err(Errno::NODATA));
    assert_eq!(set("trusted.x", b"", XattrFlags::empty()), Err(Errno::OPNOTSUPP));
    let mut value = [0; 64];
    let length = rustix::fs::getxattr(&path, "user.colour", &mut value).unwrap();
    assert_eq!(&value[..length], b"blue");
    assert_eq!(rustix::fs::getxattr(&path, "user.colour", &mut value[..2]), Err(Errno::RANGE));
    let length = rustix::fs::listxattr(&path, &mut value[..]).unwrap();
    assert_eq!(&value[..length], b"user.colour\0");
    rustix::fs::removexattr(&path, "user.colour").unwrap();
    assert_eq!(rustix::fs::getxattr(&path, "user.colour", &mut value), Err(Errno::NODATA));
}

fn fifo() {
    let (mounted, _layer) = Mounted::new();
    let path = mounted.path().join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    assert!(fs::metadata(&path).unwrap().file_type().is_fifo());
    let there = path.clone();
    let writer = std::thread::spawn(move || fs::write(there, "through").unwrap());
    assert_eq!(fs::read_to_string(&path).unwrap(), "through");
    writer.join().unwrap();
}

/// Runs a shell line as nobody; its exit status.
fn as_nobody(line: &str, at: &Path) -> bool {
    let status = Command::new("/bin/sh").args(["-c", line]).current_dir(at).uid(NOBODY).gid(NOBODY).status();
    status.expect("a shell").success()
}

fn other_user() {
    let (mounted, _layer) = Mounted::new();
    let at = mounted.path();
    fs::write(at.join("private"), "secret").unwrap();
    fs::set_permissions(at.join("private"), Permissions::from_mode(0o600)).unwrap();
    fs::create_dir(at.join("open")).unwrap();
    fs::set_permissions(at.join("open"), Permissions::from_mode(0o1777)).unwrap();
    fs::write(at.join("open/roots"), "").unwrap();
    assert!(!as_nobody("cat private 2>/dev/null", at));
    assert!(!as_nobody("echo x 2>/dev/null >file", at));
    assert!(as_nobody("echo mine >open/file && cat open/file >/dev/null", at));
    assert!(!as_nobody("rm -f open/roots 2>/dev/null", at), "the directory is sticky");
    let made = fs::metadata(at.join("open/file")).unwrap();
    assert_eq!((made.uid(), made.gid()), (NOBODY, NOBODY));
}

fn set_id() {
    let (mounted, _layer) = Mounted::new();
    let at = mounted.path();
    let mode = |name: &str| fs::metadata(at.join(name)).unwrap().mode() & 0o7777;
    let fresh = |name: &str| {
        fs::write(at.join(name), "text").unwrap();
        fs::set_permissions(at.join(name), Permissions::from_mode(0o6777)).unwrap();
        assert_eq!(mode(name), 0o6777);
    };
    fresh("written");
    assert!(as_nobody("echo x >>written", at));
    assert_eq!(mode("written"), 0o777);
    fresh("cut");
    assert!(as_nobody(": >cut", at));
    assert_eq!(mode("cut"), 0o777);
    fresh("given");
    chown(at.join("given"), Some(7), None).unwrap();
    assert_eq!(mode("given"), 0o777);
    fresh("by_root");
    OpenOptions::new().append(true).open(at.join("by_root")).unwrap().write_all(b"x").unwrap();
    assert_eq!(mode("by_root"), 0o6777, "root keeps them");
}

fn set_group_id() {
    let (mounted, _layer) = Mounted::new();
    let dir = mounted.path().join("dir");
    fs::create_dir(&dir).unwrap();
    chown(&dir, None, Some(55)).unwrap();
    fs::set_permissions(&dir, Permissions::from_mode(0o2755)).unwrap();
    fs::write(dir.join("file"), "").unwrap();
    fs::create_dir(dir.join("below")).unwrap();
    let below = fs::metadata(dir.join("below")).unwrap();
    assert_eq!(fs::metadata(dir.join("file")).unwrap().gid(), 55);
    assert_eq!((below.gid(), below.mode() & 0o2000), (55, 0o2000));
}

fn listed(dir: &Path) -> BTreeSet<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    fs::read_dir(dir).unwrap().map(name).collect()
}

fn large_directory() {
    let (mounted, _layer) = Mounted::new();
    let names: BTreeSet<String> = (0..3000).map(|i| format!("a name of some length {i}")).collect();
    names.iter().for_each(|name| fs::write(mounted.path().join(name), "").unwrap());
    assert_eq!(listed(mounted.path()), names);
    let sizes = fs::read_dir(mounted.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len());
    assert_eq!(sizes.sum::<u64>(), 0);
}

fn shrinking_directory() {
    let (mounted, _layer) = Mounted::new();
    (0..1000).for_each(|i| fs::write(mounted.path().join(format!("file{i}")), "x").unwrap());
    for entry in fs::read_dir(mounted.path()).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    assert_eq!(listed(mounted.path()), BTreeSet::new());
}

fn names() {
    let (mounted, _layer) = Mounted::new();
    let at = mounted.path();
    fs::write(at.join("n".repeat(255)), "").unwrap();
    let long = Some(Errno::NAMETOOLONG.raw_os_error());
    assert_eq!(errno(fs::write(at.join("n".repeat(256)), "")), long);
    assert_eq!(errno(fs::metadata(at.join("n".repeat(256)))), long);
    let no_text = at.join(OsStr::from_bytes(b"\xff"));
    assert_eq!(errno(fs::write(no_text, "")), Some(Errno::ILSEQ.raw_os_error()));
    fs::write(at.join("ñandú 鳥"), "").unwrap();
    assert!(listed(at).contains("ñandú 鳥"));
}

/// Waits until `come` says so.
fn eventually(what: &str, come: impl Fn() -> bool) {
    let start = Instant::now();
    while !come() {
        assert!(start.elapsed() < PATIENCE, "{what} did not come");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

fn seen() {
    let (mounted, _layer) = Mounted::new();
    let at = mounted.path();
    fs::write(at.join("changed"), "ours").unwrap();
    fs::write(at.join("removed"), "ours").unwrap();
    File::open(at).unwrap().sync_all().unwrap();
    assert_eq!(fs::read_to_string(at.join("changed")).unwrap(), "ours");
    assert!(fs::metadata(at.join("removed")).is_ok() && fs::metadata(at.join("made")).is_err());

    let theirs = SqliteLayer::open(mounted.home().join("w.cowry"), &SqliteOptions::default()).unwrap();
    let files = Vfs::new(Arc::new(theirs), VfsOptions::default());
    files.write("/made", b"theirs").unwrap();
    // As long as before: nothing but the kernel being told can make it look again.
    files.write("/changed", b"thrs").unwrap();
    files.unlink("/removed").unwrap();
    eventually("a new file", || fs::read_to_string(at.join("made")).is_ok_and(|text| text == "theirs"));
    eventually("a changed file", || fs::read_to_string(at.join("changed")).unwrap() == "thrs");
    eventually("a removed file", || fs::metadata(at.join("removed")).is_err());
}

fn revision() {
    let home = home();
    let layer = SqliteLayer::create(home.path().join("w.cowry"), &SqliteOptions::default()).unwrap();
    let layer = Arc::new(layer);
    let files = Vfs::new(layer.clone(), VfsOptions::default());
    files.write("/file", b"then").unwrap();
    let then = layer.seal(&SealInfo::of(RevisionKind::Edit)).unwrap().unwrap().id;
    files.write("/file", b"now").unwrap();
    let dir = home.path().join("mnt");
    fs::create_dir(&dir).unwrap();
    let options = FuseOptions { read_only: true, ..FuseOptions::default() };
    let mount = FuseMount::new(layer.at(then).unwrap(), &dir, &options).unwrap();
    assert_eq!(fs::read_to_string(dir.join("file")).unwrap(), "then");
    let refused = Some(Errno::ROFS.raw_os_error());
    assert_eq!(errno(fs::write(dir.join("file"), "")), refused);
    assert_eq!(errno(fs::create_dir(dir.join("dir"))), refused);
    assert_eq!(errno(fs::remove_file(dir.join("file"))), refused);
    unmount(&mount).unwrap();
}

fn memory() {
    let layer = Arc::new(MemoryLayer::new());
    let name = Name::new("made before").unwrap();
    layer.create(layer.root(), &name, NewNode::File(b"text"), &NewAttr::with_mode(0o644)).unwrap();
    let mounted = Mounted::over(layer.clone());
    assert_eq!(fs::read_to_string(mounted.path().join("made before")).unwrap(), "text");
    fs::write(mounted.path().join("made here"), "more").unwrap();
    mounted.unmount().unwrap();
    let made = layer.lookup(layer.root(), &Name::new("made here").unwrap()).unwrap();
    assert_eq!(&layer.read(made.ino, 0, 100).unwrap()[..], b"more");
}

fn refused() {
    let (mounted, _layer) = Mounted::new();
    let other = || Arc::new(MemoryLayer::new());
    let again = FuseMount::new(other(), mounted.path(), &FuseOptions::default());
    assert!(matches!(again, Err(FuseError::AlreadyMounted { .. })), "{again:?}");
    let full = FuseMount::new(other(), mounted.home(), &FuseOptions::default());
    assert!(matches!(full, Err(FuseError::NotEmpty { .. })), "{full:?}");
}

fn copy_range() {
    let (mounted, _layer) = Mounted::new();
    let at = mounted.path();
    let bytes: Vec<u8> = (0..2_000_000u32).map(|i| (i % 251) as u8).collect();
    fs::write(at.join("from"), &bytes).unwrap();
    let from = File::open(at.join("from")).unwrap();
    let to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(at.join("to")).unwrap();
    let (mut read, mut written) = (1000, 5);
    while read < bytes.len() as u64 {
        let copied = rustix::fs::copy_file_range(&from, Some(&mut read), &to, Some(&mut written), 1 << 30);
        assert!(copied.unwrap() > 0);
    }
    let copy = fs::read(at.join("to")).unwrap();
    assert!(copy[..5] == [0; 5] && copy[5..] == bytes[1000..]);
}

fn times() {
    let (mounted, _layer) = Mounted::new();
    let path = mounted.path().join("file");
    fs::write(&path, "").unwrap();
    let moment = |seconds: i64, nanos: i64| rustix::fs::Timespec { tv_sec: seconds, tv_nsec: nanos };
    let times = rustix::fs::Timestamps {
        last_access: moment(-5, 123_456_789),
        last_modification: moment(4_102_444_800, 1),
    };
    rustix::fs::utimensat(rustix::fs::CWD, &path, &times, rustix::fs::AtFlags::empty()).unwrap();
    let told = fs::metadata(&path).unwrap();
    assert_eq!((told.atime(), told.atime_nsec()), (-5, 123_456_789));
    assert_eq!((told.mtime(), told.mtime_nsec()), (4_102_444_800, 1));
}
