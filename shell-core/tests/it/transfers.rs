//! Trees in and out of a workspace.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use cowry_shell_core::transfer::{
    Progress, Totals, export_folder, export_tar, import_folder, import_tar, replace,
};
use cowry_shell_core::{Error, OpenOptions};

use crate::Case;
use crate::place::Place;

pub const CASES: &[Case] = &[
    ("a_folder_goes_in_and_comes_out_the_same", a_folder_goes_in_and_comes_out_the_same),
    ("an_archive_goes_out_and_comes_back_the_same", an_archive_goes_out_and_comes_back_the_same),
    ("importing_again_replaces_and_merges", importing_again_replaces_and_merges),
    ("hostile_archives_stay_inside", hostile_archives_stay_inside),
    ("an_export_does_not_follow_links_of_the_host", an_export_does_not_follow_links_of_the_host),
    ("mistakes_are_named", mistakes_are_named),
    ("large_and_many_files", large_and_many_files),
    ("holes_stay_holes", holes_stay_holes),
    ("archives_carry_holes_as_holes", archives_carry_holes_as_holes),
    ("a_file_is_replaced_as_a_whole_or_not", a_file_is_replaced_as_a_whole_or_not),
    ("an_export_sets_no_set_id_bits", an_export_sets_no_set_id_bits),
];

/// When the files were last changed: with nanoseconds, which must survive.
fn time() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789)
}

fn long() -> String {
    format!("{}/{}", "d".repeat(120), "né".repeat(60))
}

fn folder(root: &Path) {
    std::fs::create_dir_all(root.join("sub/empty")).expect("folders");
    std::fs::create_dir_all(root.join(&long()[..120])).expect("folders");
    for (name, text) in [("a.txt", "alpha"), ("sub/tool.sh", "#!/bin/sh\n"), (&long(), "long"), ("none", "")]
    {
        std::fs::write(root.join(name), text).expect(name);
        let file = std::fs::File::options().append(true).open(root.join(name)).expect(name);
        file.set_modified(time()).expect(name);
    }
    std::fs::set_permissions(root.join("sub/tool.sh"), PermissionsExt::from_mode(0o750)).expect("a mode");
    std::fs::hard_link(root.join("a.txt"), root.join("sub/same.txt")).expect("a link");
    symlink("../a.txt", root.join("sub/link")).expect("a link");
    symlink("/nowhere/at/all", root.join("dangling")).expect("a link");
    std::fs::set_permissions(root.join("sub/empty"), PermissionsExt::from_mode(0o500)).expect("a mode");
}

fn same(root: &Path) {
    let text = |name: &str| std::fs::read_to_string(root.join(name)).expect(name);
    let meta = |name: &str| std::fs::symlink_metadata(root.join(name)).expect(name);
    assert_eq!((text("a.txt"), text(&long()), text("none")), ("alpha".into(), "long".into(), String::new()));
    assert_eq!(meta("sub/tool.sh").mode() & 0o7777, 0o750);
    assert_eq!(meta("sub/empty").mode() & 0o7777, 0o500);
    assert_eq!(meta("a.txt").modified().expect("a time"), time());
    assert_eq!(meta(&long()).modified().expect("a time"), time());
    assert_eq!((meta("a.txt").ino(), meta("a.txt").nlink()), (meta("sub/same.txt").ino(), 2));
    assert_eq!(std::fs::read_link(root.join("sub/link")).expect("a link"), Path::new("../a.txt"));
    assert_eq!(std::fs::read_link(root.join("dangling")).expect("a link"), Path::new("/nowhere/at/all"));
}

fn expected() -> Totals {
    Totals {
        files: 4,
        directories: 3,
        symlinks: 2,
        hard_links: 1,
        bytes: "alpha#!/bin/sh\nlong".len() as u64,
        ..Totals::default()
    }
}

fn quiet(_: Progress) {}

fn a_folder_goes_in_and_comes_out_the_same() {
    let place = Place::new();
    folder(&place.host("in"));
    let mut last = Progress::default();
    let totals = import_folder(&place.host("in"), &place.workspace.fs(), "/in/here", &mut |at| last = at);
    assert_eq!(totals.expect("imported"), expected());
    assert_eq!((last.entries, last.bytes), (10, expected().bytes));
    place.workspace.seal_import(Some("import")).expect("sealed").expect("a revision");
    let tree = place.workspace.fs_at(place.workspace.head().expect("head")).expect("a tree");
    assert_eq!(tree.read_to_string("/in/here/sub/link").expect("through the link"), "alpha");
    let totals = export_folder(&tree, "/in/here", &place.host("out/deep"), &mut quiet).expect("exported");
    assert_eq!(totals, expected());
    same(&place.host("out/deep"));
}

fn an_archive_goes_out_and_comes_back_the_same() {
    let place = Place::new();
    folder(&place.host("in"));
    import_folder(&place.host("in"), &place.workspace.fs(), "/", &mut quiet).expect("imported");
    let mut archive = Vec::new();
    assert_eq!(export_tar(&place.workspace.fs(), "/", &mut archive, &mut quiet).expect("packed"), expected());
    let totals = import_tar(&mut &archive[..], &place.workspace.fs(), "/back", &mut quiet).expect("unpacked");
    assert_eq!(totals, expected());
    export_folder(&place.workspace.fs(), "/back", &place.host("out"), &mut quiet).expect("exported");
    same(&place.host("out"));
}

fn importing_again_replaces_and_merges() {
    let place = Place::new();
    place.write("/in/a.txt", "old");
    place.write("/in/other", "stays");
    place.write("/in/sub/link", "was a file");
    folder(&place.host("in"));
    import_folder(&place.host("in"), &place.workspace.fs(), "/in", &mut quiet).expect("imported");
    assert_eq!((place.read("/in/a.txt"), place.read("/in/other")), ("alpha".into(), "stays".into()));
    assert_eq!(place.read("/in/sub/link"), "alpha");
}

/// One entry of a hand-made archive; the name goes in as it is.
fn entry(archive: &mut tar::Builder<Vec<u8>>, kind: tar::EntryType, name: &str, link: &str, text: &str) {
    let mut header = tar::Header::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_mtime(1);
    header.set_size(text.len() as u64);
    header.set_cksum();
    archive.append(&header, text.as_bytes()).expect("an entry");
}

fn hostile_archives_stay_inside() {
    use tar::EntryType::{Char, Link, Regular, Symlink};
    let place = Place::new();
    place.write("/etc/passwd", "untouched");
    let mut archive = tar::Builder::new(Vec::new());
    entry(&mut archive, Regular, "../../etc/passwd", "", "bad");
    entry(&mut archive, Regular, "/etc/shadow", "", "relative");
    entry(&mut archive, Symlink, "out", "/etc", "");
    entry(&mut archive, Regular, "out/passwd", "", "bad");
    entry(&mut archive, Link, "hard", "../etc/passwd", "");
    entry(&mut archive, Link, "missing", "no/such/file", "");
    entry(&mut archive, Char, "device", "", "");
    entry(&mut archive, Regular, "good", "", "good");
    let archive = archive.into_inner().expect("an archive");
    let totals = import_tar(&mut &archive[..], &place.workspace.fs(), "/in", &mut quiet).expect("unpacked");
    assert_eq!(place.read("/etc/passwd"), "untouched");
    assert_eq!((place.read("/in/etc/shadow"), place.read("/in/good")), ("relative".into(), "good".into()));
    let skipped: Vec<&str> = totals.skipped.iter().map(|s| s.path.trim_start_matches('/')).collect();
    let mut sorted = skipped.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, ["../../etc/passwd", "device", "hard", "missing", "out/passwd"]);
    assert_eq!((totals.files, totals.symlinks, totals.hard_links, totals.skipped_count), (2, 1, 0, 5));
}

fn an_export_does_not_follow_links_of_the_host() {
    let place = Place::new();
    place.write("/out/sub/a", "new");
    std::fs::create_dir_all(place.host("target")).expect("a folder");
    std::fs::create_dir_all(place.host("secret")).expect("a folder");
    std::fs::write(place.host("secret/a"), "old").expect("a file");
    symlink(place.host("secret"), place.host("target/sub")).expect("a link");
    let totals =
        export_folder(&place.workspace.fs(), "/out", &place.host("target"), &mut quiet).expect("exported");
    assert_eq!(std::fs::read_to_string(place.host("secret/a")).expect("a file"), "old");
    assert_eq!(totals.skipped_count, 2, "{:?}", totals.skipped);
}

fn mistakes_are_named() {
    let place = Place::new();
    place.write("/a", "1");
    let fs = place.workspace.fs();
    let says = |result: cowry_shell_core::Result<Totals>, text: &str| {
        let error = result.expect_err(text).to_string();
        assert!(error.contains(text), "{error}");
    };
    says(import_folder(&place.host("w.cowry"), &fs, "/x", &mut quiet), "is a file");
    says(import_folder(&place.host("nothing"), &fs, "/x", &mut quiet), "nothing");
    says(export_folder(&fs, "/a", &place.host("out"), &mut quiet), "/a is no directory");
    says(export_folder(&fs, "/missing", &place.host("out"), &mut quiet), "ENOENT");
    says(import_tar(&mut &b"\x1f\x8b\x08 compressed"[..], &fs, "/x", &mut quiet), "is compressed");
    says(import_tar(&mut &[7; 2048][..], &fs, "/x", &mut quiet), "no tar archive");
    says(import_tar(&mut &b"just a note"[..], &fs, "/x", &mut quiet), "no tar archive");
    says(import_tar(&mut &b""[..], &fs, "/x", &mut quiet), "no tar archive");
}

fn large_and_many_files() {
    let place = Place::new();
    let root = place.host("in");
    std::fs::create_dir(&root).expect("a folder");
    let large: Vec<u8> = (0..9_000_000u32).map(|n| (n.wrapping_mul(n) >> 7) as u8).collect();
    std::fs::write(root.join("large"), &large).expect("written");
    for n in 0..2500 {
        std::fs::write(root.join(format!("f{n:04}")), n.to_string()).expect("written");
    }
    let mut calls = 0;
    let totals = import_folder(&root, &place.workspace.fs(), "/in", &mut |_| calls += 1).expect("imported");
    assert_eq!((totals.files, calls >= 3), (2501, true));
    assert!(place.workspace.fs().read("/in/large").expect("a file") == large, "the same bytes");
    let mut archive = Vec::new();
    export_tar(&place.workspace.fs(), "/in", &mut archive, &mut quiet).expect("packed");
    import_tar(&mut &archive[..], &place.workspace.fs(), "/back", &mut quiet).expect("unpacked");
    assert!(place.workspace.fs().read("/back/large").expect("a file") == large, "the same bytes");
    assert_eq!(place.read("/back/f2499"), "2499");
}

/// Writes one byte in the middle of a hole of a terabyte.
fn hollow(place: &Place, path: &str) {
    let options = OpenOptions { create: true, ..OpenOptions::write() };
    let file = place.workspace.fs().open(path, options).expect("opened");
    file.write_at(b"x", 1 << 39).expect("written");
    file.truncate(1 << 40).expect("grown");
    place.workspace.seal(None).expect("sealed");
}

fn is_hollow(path: &Path) {
    let meta = std::fs::metadata(path).expect("there");
    assert_eq!(meta.len(), 1 << 40);
    assert!(meta.blocks() * 512 < 16 << 20, "{} blocks", meta.blocks());
    let mut byte = [0];
    let file = std::fs::File::open(path).expect("opened");
    std::os::unix::fs::FileExt::read_exact_at(&file, &mut byte, 1 << 39).expect("read");
    assert_eq!(&byte, b"x");
}

fn holes_stay_holes() {
    let place = Place::new();
    hollow(&place, "/hollow");
    export_folder(&place.workspace.fs(), "/", &place.host("out"), &mut quiet).expect("exported");
    is_hollow(&place.host("out/hollow"));
    import_folder(&place.host("out"), &place.workspace.fs(), "/back", &mut quiet).expect("imported");
    let stat = place.workspace.fs().stat("/back/hollow").expect("there");
    assert!(stat.size == 1 << 40 && stat.blocks * 512 < 16 << 20, "{stat:?}");
    export_folder(&place.workspace.fs(), "/back", &place.host("again"), &mut quiet).expect("exported");
    is_hollow(&place.host("again/hollow"));
}

fn archives_carry_holes_as_holes() {
    let place = Place::new();
    hollow(&place, "/hollow");
    place.workspace.fs().link("/hollow", "/same").expect("a link");
    let mut archive = Vec::new();
    let totals = export_tar(&place.workspace.fs(), "/", &mut archive, &mut quiet).expect("packed");
    assert_eq!((totals.files, totals.hard_links, totals.skipped_count), (1, 1, 0), "{:?}", totals.skipped);
    assert!(archive.len() < 1 << 20);
    import_tar(&mut &archive[..], &place.workspace.fs(), "/back", &mut quiet).expect("unpacked");
    export_folder(&place.workspace.fs(), "/back", &place.host("out"), &mut quiet).expect("exported");
    is_hollow(&place.host("out/hollow"));
    let sparse = sparse_archive(1 << 50);
    let totals = import_tar(&mut &sparse[..], &place.workspace.fs(), "/in", &mut quiet).expect("unpacked");
    assert_eq!((totals.files, totals.skipped_count), (1, 0), "{:?}", totals.skipped);
    let stat = place.workspace.fs().stat("/in/sparse").expect("there");
    assert_eq!((stat.size, stat.blocks), (1 << 50, 0));
}

/// An archive of one file that is a hole and nothing else.
fn sparse_archive(size: u64) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_gnu_mut().expect("of GNU's kind").name[..6].copy_from_slice(b"sparse");
    header.set_entry_type(tar::EntryType::GNUSparse);
    header.set_mode(0o644);
    header.set_mtime(1);
    header.set_size(0);
    let gnu = header.as_gnu_mut().expect("of GNU's kind");
    binary(&mut gnu.realsize, size);
    binary(&mut gnu.sparse[0].offset, size);
    gnu.sparse[0].numbytes[..2].copy_from_slice(b"0\0");
    header.set_cksum();
    let mut archive = tar::Builder::new(Vec::new());
    archive.append(&header, &b""[..]).expect("an entry");
    archive.into_inner().expect("an archive")
}

/// A number as GNU writes large ones.
fn binary(field: &mut [u8; 12], number: u64) {
    *field = [0; 12];
    field[0] = 0x80;
    field[4..].copy_from_slice(&number.to_be_bytes());
}

fn an_export_sets_no_set_id_bits() {
    let place = Place::new();
    place.write("/dir/tool", "x");
    let fs = place.workspace.fs();
    fs.chmod("/dir/tool", 0o6755).expect("a mode");
    fs.chmod("/dir", 0o7755).expect("a mode");
    export_folder(&fs, "/", &place.host("out"), &mut quiet).expect("exported");
    let mode = |name: &str| std::fs::metadata(place.host("out").join(name)).expect(name).mode() & 0o7777;
    assert_eq!((mode("dir/tool"), mode("dir")), (0o755, 0o1755));
}

fn a_file_is_replaced_as_a_whole_or_not() {
    use std::io::Write;
    let place = Place::new();
    let (folder, file) = (place.host("out"), place.host("out/file"));
    std::fs::create_dir(&folder).expect("new");
    let write = |path: &Path, text: &str, succeeds: bool| {
        replace(path, |mut file| {
            file.write_all(text.as_bytes()).expect("it can be written");
            if succeeds { Ok(()) } else { Err(Error::Usage("stop".into())) }
        })
    };
    write(&file, "first", true).expect("new");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).expect("a mode");
    write(&file, "half", false).expect_err("it fails");
    assert_eq!(std::fs::read_to_string(&file).expect("there"), "first");
    symlink("file", folder.join("link")).expect("a link");
    write(&folder.join("link"), "second", true).expect("through the link");
    assert_eq!(std::fs::read_to_string(&file).expect("there"), "second");
    assert_eq!(file.metadata().expect("there").mode() & 0o777, 0o640);
    write(&folder.join("none/file"), "", true).expect_err("no such folder");
    assert_eq!(std::fs::read_dir(&folder).expect("a folder").count(), 2, "nothing is left beside it");
}
