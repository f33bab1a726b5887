//! What comes back from a bucket, and what is said when it does not.

use cowry_s3_server::{Keys, Server};

use super::*;

#[test]
fn a_part_of_a_file_is_read_and_changed() {
    let at = address();
    let f = fixture(&at);
    let mut long = noise(3, 3 << 20);
    f.put("/long", &long);
    f.seal();
    f.layer.write(f.ino("/long"), 1 << 20, b"changed").expect("written");
    long[1 << 20..(1 << 20) + 7].copy_from_slice(b"changed");
    f.layer.append(f.ino("/long"), b"the end").expect("appended");
    long.extend_from_slice(b"the end");
    f.seal();
    assert!(afresh(&f, "/long").expect("it is read") == long);
    let other = SqliteLayer::open(&f.path, &alone(options(&f.clock))).expect("it opens");
    let ino = ino(&other, "/long");
    for (offset, len) in [(0, 10), ((1 << 20) - 5, 20), (long.len() - 3, 100), (700_000, 1_500_000)] {
        let got = other.read(ino, offset as u64, len).expect("it is read");
        assert!(got == long[offset..long.len().min(offset + len)], "{len} bytes at {offset}");
    }
}

#[test]
fn who_reads_a_revision_knows_whether_it_may_have_to_wait() {
    let f = fixture(&address());
    f.put("/file", b"some content");
    let sealed = f.seal();
    assert!(f.layer.at(sealed).expect("sealed").features().waits);
    let f = Fixture::with(&alone);
    f.put("/file", b"some content");
    let sealed = f.seal();
    assert!(!f.layer.at(sealed).expect("sealed").features().waits);
}

#[test]
fn sequential_reads_fetch_each_object_once() {
    let at = address();
    let f = fixture(&at);
    let long = noise(4, 6 << 20);
    f.put("/long", &long);
    f.seal();
    let (_, there) = places(&f.layer);
    let met = Met::default();
    let other = met.open(&f);
    let ino = ino(&other, "/long");
    for start in (0..long.len()).step_by(100_000) {
        let got = other.read(ino, start as u64, 100_000).expect("it is read");
        assert!(got == long[start..long.len().min(start + 100_000)], "at {start}");
    }
    assert_eq!(met.gets(), there);
}

#[test]
fn what_is_missing_short_or_damaged_is_an_error_that_names_it() {
    let at = address();
    let f = fixture(&at);
    f.put("/file", b"some content");
    f.seal();
    let name = objects(&at).remove(0);
    for (content, says) in [
        (&b"some"[..], "4 bytes of 12"),
        (b"some_content", "do not match"),
        (b"some content and more", "no more"),
    ] {
        damage(&at, &name, content);
        let error = afresh(&f, "/file").expect_err("it is damaged");
        assert_eq!(error.errno(), Errno::EIO);
        assert!(why(&error).contains(says) && why(&error).contains(&name), "{}", why(&error));
        let deep = f.layer.check_buckets(&mut |_| {}).expect("checked");
        assert_eq!((deep.damaged.len(), deep.is_sound()), (1, false));
    }
    bucket(&at).delete(&name).expect("deleted");
    let error = afresh(&f, "/file").expect_err("it is missing");
    assert_eq!(error.errno(), Errno::EIO);
    assert!(why(&error).contains(&name), "{}", why(&error));
    assert_eq!(f.layer.check_buckets(&mut |_| {}).expect("checked").missing.len(), 1);
    assert!(f.layer.check().expect("checked").is_sound(), "the file itself is");
    assert_eq!(f.layer.repair().expect("repaired").lost, Vec::<String>::new());
}

#[test]
fn what_cannot_be_reached_fails_and_loses_nothing() {
    let f = Fixture::with(&|options| {
        let how = Connect { retries: 0, ..Connect::default() };
        let keys = Keys::new([
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
            ("AWS_ACCESS_KEY_ID", "none"),
            ("AWS_SECRET_ACCESS_KEY", "none"),
        ]);
        let buckets =
            OpenBucket::new(move |location| Bucket::open_with(location, how, &|name| keys.env(name)));
        SqliteOptions { buckets, ..alone(options) }
    });
    f.layer.set_content_tier(Some(&tier("s3://nowhere/at/all"))).expect("set");
    f.put("/file", b"some content");
    let error = f.layer.seal(&SealInfo::of(RevisionKind::Edit)).expect_err("nobody answers");
    assert!(
        why(&error).contains("s3://nowhere/at/all") && why(&error).contains("cannot be reached"),
        "{}",
        why(&error)
    );
    assert_eq!(f.layer.head().expect("a head"), Revision(0));
    assert_eq!(read(&f.layer, "/file"), b"some content");
    f.layer.set_content_tier(None).expect("set");
    f.seal();
    assert_eq!(read(&f.layer, "/file"), b"some content");
}

#[test]
fn what_was_fetched_is_kept_for_the_next_process() {
    let at = address();
    let folder = tempfile::tempdir().expect("a folder");
    let how = ChunkFolder { folder: Some(folder.path().join("chunks")), bytes: Some(1 << 20) };
    let f = fixture(&at);
    f.put("/file", b"some content");
    f.seal();
    let open = || {
        let options = SqliteOptions { chunk_folder: how.clone(), ..options(&f.clock) };
        SqliteLayer::open(&f.path, &options).expect("it opens")
    };
    assert_eq!(read(&open(), "/file"), b"some content");
    let name = objects(&at).remove(0);
    bucket(&at).delete(&name).expect("deleted");
    assert_eq!(read(&open(), "/file"), b"some content", "nobody has to be asked");
    std::fs::remove_dir_all(folder.path().join("chunks")).expect("lost");
    damage(&at, &name, b"some content");
    assert_eq!(read(&open(), "/file"), b"some content", "losing it loses nothing");
}

#[test]
fn content_goes_to_a_server_and_a_wrong_key_is_told_without_it() {
    let server = Server::start("shells");
    let f = Fixture::with(&|options| SqliteOptions { buckets: met(server.keys()), ..alone(options) });
    f.layer.set_content_tier(Some(&tier("s3://shells/content"))).expect("set");
    let long = noise(20, 5 << 20);
    commit(&f, |overlay| make(overlay, "long", &long)).expect("committed");
    f.put("/short", b"short");
    f.seal();
    let open = |keys| {
        let options = SqliteOptions { buckets: met(keys), ..alone(options(&f.clock)) };
        SqliteLayer::open(&f.path, &options).expect("it opens")
    };
    assert!(read(&open(server.keys()), "/long") == long);
    assert!(f.layer.check_buckets(&mut |_| {}).expect("checked").is_sound());
    let stranger = open(server.keys().with("AWS_SECRET_ACCESS_KEY", "not-this-one"));
    assert_eq!(tree_names(&stranger), ["long", "short"], "what is in the file is read");
    let error = stranger.read(ino(&stranger, "/short"), 0, 10).expect_err("refused");
    let says = why(&error);
    assert!(says.contains("AWS_SECRET_ACCESS_KEY") && !says.contains("not-this-one"), "{says}");
    f.unlink("/long");
    f.seal();
    f.layer.prune(&PruneRequest { keep_last: Some(1), ..PruneRequest::default() }).expect("pruned");
    f.layer.gc().expect("collected");
    f.layer.sweep_content(FOREVER).expect("swept");
    assert_eq!(f.layer.check_buckets(&mut |_| {}).expect("checked").unreferenced, 0);
    assert_eq!(read(&open(server.keys()), "/short"), b"short");
}

/// Buckets met with these variables.
fn met(keys: Keys) -> OpenBucket {
    OpenBucket::new(move |location| {
        Bucket::open_with(location, Connect { retries: 2, ..Connect::default() }, &|name| keys.env(name))
    })
}

fn tree_names(layer: &SqliteLayer) -> Vec<String> {
    let entries = layer.readdir(ROOT_INO, None, usize::MAX).expect("listed");
    entries.into_iter().map(|entry| entry.name.as_str().to_owned()).collect()
}
