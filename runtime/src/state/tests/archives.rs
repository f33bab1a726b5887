use cowry_vfs::{FileType, SetTime, Timestamp, Vfs};
use proptest::prelude::*;

use super::{text, tree, why};
use crate::state::State;
use crate::state::archive::ArchiveEntry;

fn entry(path: &str, kind: &'static str, size: u64) -> ArchiveEntry {
    ArchiveEntry { path: path.into(), kind, size }
}

fn create(vfs: &Vfs, path: &str, sources: &[&str]) -> Vec<ArchiveEntry> {
    let sources: Vec<String> = sources.iter().map(|source| (*source).to_owned()).collect();
    let done = State { vfs }.create_archive(path, &sources).expect("packed");
    assert_eq!(done.bytes_written, vfs.stat(path).expect("there").size);
    done.entries
}

/// One member of an archive that nobody would write for good.
fn forged(members: &[(&str, char, &str, &str)]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, kind, link, content) in members {
        let mut header = [0u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..107].copy_from_slice(b"0000644");
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[156] = *kind as u8;
        header[157..157 + link.len()].copy_from_slice(link.as_bytes());
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[148..156].copy_from_slice(b"        ");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        archive.extend_from_slice(&header);
        archive.extend_from_slice(content.as_bytes());
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

#[test]
fn a_fifo_is_told_and_comes_back() {
    let vfs = tree(&[("/d/", "")]);
    vfs.mknod("/d/pipe", FileType::Fifo, 0o600, 0).expect("made");
    let expected = [entry("d", "directory", 0), entry("d/pipe", "fifo", 0)];
    assert_eq!(create(&vfs, "/a.tar", &["/d"]), expected);
    let state = State { vfs: &vfs };
    assert_eq!(state.list_archive("/a.tar").expect("listed"), expected);
    assert_eq!(state.extract_archive("/a.tar", "/back").expect("unpacked").entries, expected);
    assert_eq!(vfs.stat("/back/d/pipe").expect("there").kind, FileType::Fifo);
}

#[test]
fn a_tree_goes_in_and_comes_back() {
    let long = format!("/src/{}/{}.txt", "d".repeat(120), "é".repeat(90));
    let vfs = tree(&[("/src/a.txt", "content"), (&long, "deep"), ("/src/empty/", ""), ("/other.txt", "o")]);
    vfs.symlink("../anywhere", "/src/link").expect("made");
    vfs.link("/src/a.txt", "/src/b.txt").expect("linked");
    vfs.chmod("/src/a.txt", 0o751).expect("changed");
    vfs.chmod("/src/empty", 0o700).expect("changed");
    let time = Timestamp(1_700_000_000_123_456_789);
    vfs.utimes("/src/a.txt", SetTime::Keep, SetTime::At(time)).expect("changed");

    let entries = create(&vfs, "/out/all.tar", &["/src", "other.txt", "/src/a.txt"]);
    let directory = format!("src/{}", "d".repeat(120));
    let expected = [
        entry("src", "directory", 0),
        entry("src/a.txt", "file", 7),
        entry("src/b.txt", "file", 7),
        entry(&directory, "directory", 0),
        entry(&long[1..], "file", 4),
        entry("src/empty", "directory", 0),
        entry("src/link", "symlink", 0),
        entry("other.txt", "file", 1),
    ];
    assert_eq!(entries, expected);
    let state = State { vfs: &vfs };
    let mut sorted = expected.to_vec();
    sorted.sort();
    assert_eq!(state.list_archive("/out/all.tar").expect("listed"), sorted);

    let done = state.extract_archive("/out/all.tar", "/back").expect("unpacked");
    assert_eq!((done.destination.as_str(), done.entries), ("/back", expected.to_vec()));
    assert_eq!(text(&vfs, &format!("/back{long}")), "deep");
    assert_eq!(vfs.readlink("/back/src/link").expect("a link"), "../anywhere");
    let stat = vfs.stat("/back/src/a.txt").expect("there");
    assert_eq!((stat.mode, stat.mtime, stat.nlink), (0o751, time, 2));
    assert!(vfs.same_file("/back/src/a.txt", "/back/src/b.txt").expect("there"));
    assert_eq!(vfs.stat("/back/src/empty").expect("there").mode, 0o700);
    // Once more over what is there.
    state.extract_archive("/out/all.tar", "/back").expect("unpacked");
    assert_eq!(text(&vfs, "/back/other.txt"), "o");
}

#[test]
fn the_whole_tree_is_packed_without_the_archive_itself() {
    let vfs = tree(&[("/a", "a")]);
    let entries = create(&vfs, "/all.tar", &["/"]);
    assert_eq!(entries, [entry(".", "directory", 0), entry("a", "file", 1)]);
    State { vfs: &vfs }.extract_archive("/all.tar", "/back").expect("unpacked");
    assert_eq!(text(&vfs, "/back/a"), "a");
}

#[test]
fn nothing_gets_outside() {
    let escaped = |members: &[(&str, char, &str, &str)]| {
        let vfs = tree(&[("/etc/passwd", "root"), ("/in/there", "there")]);
        vfs.write("/bad.tar", &forged(members)).expect("written");
        let error = why(State { vfs: &vfs }.extract_archive("/bad.tar", "/in"));
        assert_eq!(text(&vfs, "/etc/passwd"), "root");
        let names: Vec<String> =
            vfs.read_dir("/in").expect("there").iter().map(|entry| entry.name.to_string()).collect();
        assert_eq!(names, ["there"], "nothing is left of what failed");
        error
    };
    let file = ("good", '0', "", "good");
    for (members, reason) in [
        (&[file, ("../../etc/passwd", '0', "", "bad")][..], "\"..\" in it"),
        (&[file, ("out", '2', "/etc", ""), ("out/passwd", '0', "", "bad")], "stands above it"),
        (&[("out", '2', "../etc", ""), ("out/new/x", '0', "", "bad")], "stands above it"),
        (&[file, ("hard", '1', "../etc/passwd", "")], "\"..\" in it"),
        (&[("out", '2', "/etc", ""), ("hard", '1', "out/passwd", "")], "stands above it"),
        (&[("there/x", '0', "", "bad")], "stands above it"),
        (&[file, ("device", '3', "", "")], "no file, directory, link or FIFO"),
    ] {
        let error = escaped(members);
        assert!(error.starts_with("EINVAL: cannot extract \"") && error.contains(reason), "{error}");
    }
}

#[test]
fn a_link_in_the_place_of_a_file_is_replaced() {
    let vfs = tree(&[("/etc/passwd", "root")]);
    let members = [("out", '2', "/etc/passwd", ""), ("out", '0', "", "new"), ("/abs", '0', "", "abs")];
    vfs.write("/bad.tar", &forged(&members)).expect("written");
    State { vfs: &vfs }.extract_archive("/bad.tar", "/in").expect("unpacked");
    assert_eq!((text(&vfs, "/etc/passwd").as_str(), text(&vfs, "/in/out").as_str()), ("root", "new"));
    assert_eq!(text(&vfs, "/in/abs"), "abs");
}

#[test]
fn what_is_no_archive_is_said() {
    let vfs = tree(&[("/text", "just a note"), ("/dir/", "")]);
    let state = State { vfs: &vfs };
    assert_eq!(why(state.list_archive("/text")), "Invalid archive /text: this is no tar archive");
    state.compress_file("/text", None).expect("compressed");
    let error = why(state.list_archive("/text.gz"));
    assert_eq!(error, "Invalid archive /text.gz: it is compressed: use decompressFile first");
    assert!(why(state.list_archive("/dir")).starts_with("EISDIR: "));
    assert!(why(state.list_archive("/none")).starts_with("ENOENT: "));
    create(&vfs, "/a.tar", &["/text"]);
    let cut = vfs.read("/a.tar").expect("there");
    vfs.write("/cut.tar", &cut[..515]).expect("written");
    assert!(why(state.extract_archive("/cut.tar", "/x")).starts_with("Invalid archive /cut.tar: "));
    assert!(!vfs.exists("/x"), "nothing is left of what failed");
    let error = why(state.create_archive("/b.tar", &["/text".into(), "/none".into()]));
    assert!(error.starts_with("ENOENT: "), "{error}");
    assert!(!vfs.exists("/b.tar"));
}

proptest! {
    #![proptest_config(crate::cases::cases(256))]

    #[test]
    fn files_of_any_size_come_back(sizes in proptest::collection::vec(0usize..2000, 1..6)) {
        let vfs = tree(&[]);
        for (number, size) in sizes.iter().enumerate() {
            vfs.write(&format!("/f{number}"), "x".repeat(*size).as_bytes()).expect("written");
        }
        create(&vfs, "/out.tar", &["/"]);
        State { vfs: &vfs }.extract_archive("/out.tar", "/back").expect("unpacked");
        for (number, size) in sizes.iter().enumerate() {
            prop_assert_eq!(vfs.stat(&format!("/back/f{number}")).expect("there").size, *size as u64);
        }
    }

    #[test]
    fn damage_is_an_error_or_nothing(at in 0usize..3000, with in any::<u8>()) {
        let vfs = tree(&[("/src/a", "content"), ("/src/b/c", "more")]);
        create(&vfs, "/out.tar", &["/src"]);
        let mut bytes = vfs.read("/out.tar").expect("there").to_vec();
        let length = bytes.len();
        bytes[at % length] = with;
        vfs.write("/out.tar", &bytes).expect("written");
        let _ = State { vfs: &vfs }.list_archive("/out.tar");
        let _ = State { vfs: &vfs }.extract_archive("/out.tar", "/back");
    }
}
