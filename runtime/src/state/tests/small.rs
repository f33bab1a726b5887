//! Hashes, gzip, detection.

use super::{text, tree, why};
use crate::state::State;

#[test]
fn hashes_are_those_of_everybody() {
    let vfs = tree(&[("/abc", "abc")]);
    let hash = |algorithm| State { vfs: &vfs }.hash_file("/abc", algorithm);
    for (algorithm, digest) in [
        ("md5", "900150983cd24fb0d6963f7d28e17f72"),
        ("sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "SHA-512",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
        ("blake3", "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"),
    ] {
        assert_eq!(hash(algorithm).as_deref(), Ok(digest), "{algorithm}");
    }
    let error = why(hash("crc32"));
    assert_eq!(error, "Unsupported hash algorithm: crc32: use md5, sha1, sha256, sha384, sha512 or blake3");
    assert!(why(State { vfs: &vfs }.hash_file("/none", "md5")).starts_with("ENOENT: "));
}

#[test]
fn a_directory_that_is_read_is_named() {
    let vfs = tree(&[("/d/", "")]);
    let state = State { vfs: &vfs };
    let errors = [
        state.read_text("d").expect_err("a directory"),
        state.hash_file("/d", "md5").expect_err("a directory"),
        state.hash_file("/d", "blake3").expect_err("a directory"),
        state.detect_file("/d").expect_err("a directory"),
        state.search_text("/d", "x", &Default::default()).expect_err("a directory"),
    ];
    for error in errors {
        assert_eq!(error.to_string(), "EISDIR: illegal operation on a directory, read '/d'");
        assert_eq!((error.code, error.path.as_deref()), (Some("EISDIR"), Some("/d")));
    }
}

#[test]
fn gzip_there_and_back() {
    let content = "some text that repeats, ".repeat(40_000);
    let vfs = tree(&[("/d/a.txt", &content)]);
    let state = State { vfs: &vfs };
    let done = state.compress_file("/d/a.txt", None).expect("compressed");
    assert_eq!(
        (done.destination.as_str(), done.bytes_written),
        ("/d/a.txt.gz", vfs.stat("/d/a.txt.gz").expect("there").size)
    );
    assert!(done.bytes_written < 10_000);
    vfs.unlink("/d/a.txt").expect("removed");
    let done = state.decompress_file("/d/a.txt.gz", None).expect("uncompressed");
    assert_eq!((done.destination.as_str(), done.bytes_written), ("/d/a.txt", content.len() as u64));
    assert_eq!(text(&vfs, "/d/a.txt"), content);
    let elsewhere = state.decompress_file("/d/a.txt.gz", Some("/new/dir/b".into())).expect("uncompressed");
    assert_eq!((elsewhere.destination.as_str(), text(&vfs, "/new/dir/b") == content), ("/new/dir/b", true));
}

#[test]
fn nothing_is_uncompressed_over_itself() {
    let vfs = tree(&[("/a", "abc"), ("/b.gz", "abc")]);
    let state = State { vfs: &vfs };
    assert_eq!(why(state.decompress_file("/a", None)), "EINVAL: /a does not end in .gz: give a destination");
    let own = why(state.compress_file("/a", Some("/a".into())));
    assert_eq!(own, "EINVAL: /a is the file itself: give another destination");
    let error = why(state.decompress_file("/b.gz", None));
    assert!(error.starts_with("Invalid gzip data in /b.gz: "), "{error}");
    assert!(!vfs.exists("/b"), "nothing is left of what failed");
    state.compress_file("/a", None).expect("compressed");
    let cut = vfs.read("/a.gz").expect("there");
    vfs.write("/cut.gz", &cut[..cut.len() - 3]).expect("written");
    assert_eq!(why(state.decompress_file("/cut.gz", None)), "Invalid gzip data in /cut.gz: it is cut off");
    vfs.write("/more.gz", &[&cut[..], b"junk"].concat()).expect("written");
    let error = why(state.decompress_file("/more.gz", None));
    assert_eq!(error, "Invalid gzip data in /more.gz: other bytes follow its end");
    vfs.write("/twice.gz", &[&cut[..], &cut[..]].concat()).expect("written");
    state.decompress_file("/twice.gz", None).expect("uncompressed");
    assert_eq!(text(&vfs, "/twice"), "abcabc");
    assert!(why(state.compress_file("/none", None)).starts_with("ENOENT: "));
    assert!(why(state.compress_file("/", Some("/x".into()))).starts_with("EISDIR: "));
}

#[test]
fn default_names() {
    let vfs = tree(&[("/a.tar", "abc")]);
    let state = State { vfs: &vfs };
    state.compress_file("/a.tar", Some("/b.TGZ".into())).expect("compressed");
    assert_eq!(state.decompress_file("/b.TGZ", None).expect("uncompressed").destination, "/b.tar");
    state.compress_file("/a.tar", Some("/.gz".into())).expect("compressed");
    assert!(why(state.decompress_file("/.gz", None)).contains("give a destination"));
}

#[test]
fn what_a_file_is() {
    for (path, content, mime, extension, binary) in [
        ("/a.ts", &b"let a: number;"[..], "text/typescript", Some("ts"), false),
        ("/a.json", b"{}", "application/json", Some("json"), false),
        ("/a.MD", b"# a", "text/markdown", Some("MD"), false),
        ("/a.csv", b"a,b\n", "text/csv", Some("csv"), false),
        ("/a.html", b"<!doctype html>", "text/html", Some("html"), false),
        ("/a.svg", b"<svg/>", "image/svg+xml", Some("svg"), false),
        ("/README", b"read me", "text/plain", None, false),
        ("/.bashrc", b"alias a=b", "text/plain", None, false),
        ("/v1.2/data", b"text", "text/plain", None, false),
        ("/empty", b"", "text/plain", None, false),
        ("/liar.png", b"plain text", "text/plain", Some("png"), false),
        ("/a.bin", b"\x00\x01\x02", "application/octet-stream", Some("bin"), true),
        ("/liar.txt", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png", Some("txt"), true),
        ("/a.gz", b"\x1f\x8b\x08\0\0\0\0\0", "application/gzip", Some("gz"), true),
        ("/a.pdf", b"%PDF-1.7\n\xff\xfe", "application/pdf", Some("pdf"), true),
    ] {
        let vfs = tree(&[]);
        State { vfs: &vfs }.write(path, content).expect("written");
        let found = State { vfs: &vfs }.detect_file(path).expect("looked at");
        assert_eq!(
            (found.mime.as_str(), found.extension.as_deref(), found.binary),
            (mime, extension, binary),
            "{path}"
        );
        let description = extension.map_or(mime.to_owned(), |extension| format!("{mime} ({extension})"));
        assert_eq!(found.description, description);
    }
}

#[test]
fn a_character_at_the_edge_of_what_is_looked_at_is_text() {
    let vfs = tree(&[("/a.txt", &("a".to_owned() + &"é".repeat(10_000)))]);
    assert!(!State { vfs: &vfs }.detect_file("/a.txt").expect("looked at").binary);
}
