//! Content in a bucket: where it goes, what comes back, what a crash leaves and what is swept.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::failpoint::with_failpoints;
use crate::object::{Bucket, Connect, Location};
use crate::overlay::{Overlay, OverlayOptions};

/// A moment longer than any that an object was written at.
const FOREVER: Duration = Duration::from_secs(0);

/// A bucket in memory that no other test has.
fn address() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("memory://tier-tests-{}/some/prefix", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn tier(address: &str) -> ContentTier {
    ContentTier { above: 0, ..ContentTier::at(address) }
}

fn alone(options: SqliteOptions) -> SqliteOptions {
    SqliteOptions { chunk_folder: ChunkFolder { folder: None, bytes: Some(0) }, ..options }
}

/// A workspace whose content all goes to a bucket, and nothing is kept of it.
fn fixture(address: &str) -> Fixture {
    let f = Fixture::with(&alone);
    f.layer.set_content_tier(Some(&tier(address))).expect("set");
    f
}

fn bucket(address: &str) -> Bucket {
    let location: Location = address.parse().expect("an address");
    Bucket::open(&location, Connect::default()).expect("it opens")
}

/// Names of all objects below an address.
fn objects(address: &str) -> Vec<String> {
    let mut names = Vec::new();
    let all = bucket(address).list_all("", |found| {
        names.push(found.name);
        Ok(())
    });
    all.expect("listed");
    names.sort();
    names
}

/// How many chunks are in the file, and how many in buckets.
fn places(layer: &SqliteLayer) -> (u64, u64) {
    let found = layer.content_use().expect("readable");
    (found.here, found.homes.iter().map(|home| home.objects).sum())
}

/// What one reads who has nothing at hand.
fn afresh(f: &Fixture, path: &str) -> NodeResult<Vec<u8>> {
    let layer = SqliteLayer::open(&f.path, &alone(options(&f.clock))).expect("it opens");
    layer.read(ino(&layer, path), 0, usize::MAX).map(|bytes| bytes.to_vec())
}

fn why(error: &NodeError) -> String {
    std::error::Error::source(error).map(ToString::to_string).unwrap_or_default()
}

#[test]
fn content_goes_to_the_bucket_when_it_is_sealed_and_comes_back() {
    let at = address();
    let f = fixture(&at);
    let (long, short) = (noise(1, 3 << 20), b"a few bytes".to_vec());
    f.put("/long", &long);
    f.put("/short", &short);
    assert_eq!(objects(&at).len(), 0, "the open revision is in the file");
    f.seal();
    let (here, there) = places(&f.layer);
    assert_eq!(here, 0);
    assert!(there >= 4, "3 MiB and a few bytes are at least four pieces: {there}");
    assert_eq!(objects(&at).len() as u64, there);
    assert!(afresh(&f, "/long").expect("it is read") == long);
    assert_eq!(afresh(&f, "/short").expect("it is read"), short);
    assert!(f.layer.check().expect("checked").is_sound());
    let deep = f.layer.check_buckets(&mut |_| {}).expect("checked");
    assert_eq!((deep.sound, deep.unreferenced, deep.is_sound()), (there, 0, true));
}

#[test]
fn what_is_shorter_than_asked_stays_in_the_file() {
    let at = address();
    let f = Fixture::with(&alone);
    f.layer.set_content_tier(Some(&ContentTier::at(&at))).expect("set");
    f.put("/inline", &noise(1, 60 << 10));
    f.put("/long", &noise(2, 200 << 10));
    f.seal();
    assert_eq!(places(&f.layer), (0, objects(&at).len() as u64));
    assert!(!objects(&at).is_empty());
    assert_eq!(afresh(&f, "/inline").expect("it is read"), noise(1, 60 << 10));
}

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
fn sequential_reads_fetch_each_object_once() {
    let at = address();
    let f = fixture(&at);
    let long = noise(4, 6 << 20);
    f.put("/long", &long);
    f.seal();
    let (_, there) = places(&f.layer);
    let met: Arc<parking_lot::Mutex<Vec<Bucket>>> = Arc::default();
    let seen = met.clone();
    let buckets = OpenBucket::new(move |location| {
        let bucket = Bucket::open(location, Connect::default())?;
        seen.lock().push(bucket.clone());
        Ok(bucket)
    });
    let options = SqliteOptions { buckets, ..alone(options(&f.clock)) };
    let other = SqliteLayer::open(&f.path, &options).expect("it opens");
    let ino = ino(&other, "/long");
    for start in (0..long.len()).step_by(100_000) {
        let got = other.read(ino, start as u64, 100_000).expect("it is read");
        assert!(got == long[start..long.len().min(start + 100_000)], "at {start}");
    }
    let gets: u64 = met.lock().iter().map(|bucket| bucket.requests().0).sum();
    assert_eq!(gets, there);
}

#[test]
fn content_is_compressed_where_that_helps() {
    let at = address();
    let f = Fixture::with(&alone);
    f.layer.set_content_tier(Some(&ContentTier { form: ContentForm::Zstd, ..tier(&at) })).expect("set");
    let (text, dense) = (b"all the same ".repeat(50_000), noise(5, 300 << 10));
    f.put("/text", &text);
    f.put("/dense", &dense);
    f.seal();
    let packed = objects(&at).iter().filter(|name| name.ends_with(".zst")).count();
    assert!((1..objects(&at).len()).contains(&packed), "{packed} of {:?}", objects(&at));
    assert!(afresh(&f, "/text").expect("it is read") == text);
    assert!(afresh(&f, "/dense").expect("it is read") == dense);
    assert!(f.layer.check_buckets(&mut |_| {}).expect("checked").is_sound());
}

/// Replaces what is in the bucket under a name.
fn damage(address: &str, name: &str, content: &[u8]) {
    let put = bucket(address).put(
        name,
        Bytes::copy_from_slice(content),
        &crate::object::Expect::Anything,
        &std::collections::BTreeMap::new(),
    );
    put.expect("written");
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
        let env = |name: &str| match name {
            "AWS_ENDPOINT_URL" => Some("http://127.0.0.1:1".to_owned()),
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("none".to_owned()),
            _ => None,
        };
        let buckets = OpenBucket::new(move |location| Bucket::open_with(location, how, &env));
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

/// Commits what `write` does on an overlay over the latest revision.
fn commit(f: &Fixture, write: impl FnOnce(&Overlay)) -> Result<Committed, CommitError> {
    let (base, tree) = f.layer.latest().expect("a head");
    let overlay = Overlay::new(tree, OverlayOptions::default());
    write(&overlay);
    commit_of(&f.layer, base, &overlay)
}

fn commit_of(layer: &SqliteLayer, base: Revision, overlay: &Overlay) -> Result<Committed, CommitError> {
    layer.commit(CommitRequest {
        base,
        own: &[],
        before: None,
        after: overlay,
        committed: &mut crate::commit::InoMap::new(),
        judge: &crate::commit::PersistAll,
        info: &SealInfo::of(RevisionKind::Run),
    })
}

fn make(layer: &dyn Layer, path: &str, content: &[u8]) {
    let made = layer.create(layer.root(), &name(path), NewNode::File(content), &NewAttr::with_mode(0o644));
    made.expect("made");
}

#[test]
fn a_commit_uploads_before_it_begins() {
    let at = address();
    let f = fixture(&at);
    let mut long = noise(6, 5 << 20);
    let first = commit(&f, |overlay| make(overlay, "long", &long));
    first.expect("committed");
    assert_eq!(places(&f.layer).0, 0);
    // The second one changes a part and appends.
    let second = commit(&f, |overlay| {
        let ino = ino(overlay, "/long");
        overlay.write(ino, 2 << 20, &noise(7, 300 << 10)).expect("written");
        overlay.append(ino, &noise(8, 2 << 20)).expect("appended");
        make(overlay, "same", &long);
    });
    second.expect("committed");
    let same = long.clone();
    long[2 << 20..(2 << 20) + (300 << 10)].copy_from_slice(&noise(7, 300 << 10));
    long.extend_from_slice(&noise(8, 2 << 20));
    assert!(afresh(&f, "/long").expect("it is read") == long);
    assert!(afresh(&f, "/same").expect("it is read") == same);
    assert_eq!(places(&f.layer).0, 0);
    let deep = f.layer.check_buckets(&mut |_| {}).expect("checked");
    assert!(deep.is_sound());
    assert!(deep.sound <= 30, "the copy has the same pieces: {}", deep.sound);
}

/// Fails at a place.
fn fail_at(place: &'static str) -> impl FnMut(&'static str) -> NodeResult<()> + 'static {
    move |at| if at == place { Err(NodeError::io("a test")) } else { Ok(()) }
}

#[test]
fn what_is_committed_was_foreseen() {
    let at = address();
    let f = fixture(&at);
    // Whatever is not foreseen would be moved up afterwards, which fails here.
    let written = with_failpoints(fail_at("TIER_NAMED"), || {
        commit(&f, |overlay| {
            make(overlay, "long", &noise(9, 9 << 20));
            make(overlay, "short", b"short");
            let stat = overlay
                .create(overlay.root(), &name("sparse"), NewNode::File(b""), &NewAttr::with_mode(0o644))
                .expect("made");
            overlay.write(stat.ino, 10 << 20, &noise(10, 3 << 20)).expect("written");
            overlay.write(stat.ino, 20 << 20, b"the end").expect("written");
        })
    });
    written.expect("committed");
    assert_eq!(places(&f.layer).0, 0);
}

#[test]
fn what_is_prepared_is_named_within_a_batch() {
    let at = address();
    let f = fixture(&at);
    let (_, tree) = f.layer.latest().expect("a head");
    let overlay = Overlay::new(tree, OverlayOptions::default());
    make(&overlay, "new", &noise(19, 2 << 20));
    let (nodes, judge) = (crate::commit::InoMap::new(), crate::commit::PersistAll);
    let prepared = f.layer.prepare(None, &overlay, &nodes, &judge).expect("uploaded");
    let sent = objects(&at).len() as u64;
    f.layer
        .batch(&mut |_| commit_of(&f.layer, Revision(0), &overlay).map(drop).map_err(NodeError::io))
        .expect("committed");
    drop(prepared);
    assert_eq!(places(&f.layer), (0, sent));
    assert!(afresh(&f, "/new").expect("it is read") == noise(19, 2 << 20));
}

#[test]
fn a_crash_anywhere_leaves_only_what_the_sweep_finds() {
    for place in ["TIER_NOTED", "TIER_UPLOADED", "COMMIT"] {
        let at = address();
        let f = fixture(&at);
        f.put("/before", b"before");
        f.seal();
        let failed = with_failpoints(fail_at(place), || {
            commit(&f, |overlay| make(overlay, "new", &noise(11, 1 << 20)))
        });
        assert!(failed.is_err(), "{place}");
        let f = f.reopened();
        assert!(f.layer.lookup(ROOT_INO, &name("new")).is_err(), "{place}");
        assert_eq!(afresh(&f, "/before").expect("it is read"), b"before");
        let day = Duration::from_secs(86_400);
        assert_eq!(f.layer.sweep_content(day).expect("swept").objects, 0, "{place}: it is too young");
        f.clock.advance(2 * 86_400_000_000_000);
        f.layer.sweep_content(day).expect("swept");
        assert_eq!(objects(&at).len(), 1, "{place}");
        assert_eq!(f.layer.content_use().expect("readable").strays, 0, "{place}");
        commit(&f, |overlay| make(overlay, "new", &noise(11, 1 << 20))).expect("committed");
        assert!(afresh(&f, "/new").expect("it is read") == noise(11, 1 << 20));
    }
}

#[test]
fn a_crash_in_the_sweep_is_made_up_for() {
    for place in ["TIER_DOOMED", "TIER_DELETED"] {
        let at = address();
        let f = fixture(&at);
        f.put("/file", &noise(12, 1 << 20));
        f.seal();
        f.put("/file", b"other");
        f.seal();
        f.layer.prune(&PruneRequest { keep_last: Some(1), ..PruneRequest::default() }).expect("pruned");
        f.layer.gc().expect("collected");
        assert!(f.layer.content_use().expect("readable").strays > 0);
        assert!(with_failpoints(fail_at(place), || f.layer.sweep_content(FOREVER)).is_err());
        f.layer.sweep_content(FOREVER).expect("swept");
        assert_eq!(objects(&at).len(), 1, "{place}");
        assert_eq!(afresh(&f, "/file").expect("it is read"), b"other");
        assert_eq!(f.layer.content_use().expect("readable").strays, 0);
    }
}

#[test]
fn history_keeps_its_objects_and_gc_gives_up_what_nothing_needs() {
    let at = address();
    let f = fixture(&at);
    f.put("/file", b"first");
    let first = f.seal();
    f.put("/file", b"second");
    f.seal();
    f.layer.gc().expect("collected");
    f.layer.sweep_content(FOREVER).expect("swept");
    assert_eq!(read(&*f.at(first), "/file"), b"first");
    assert_eq!(objects(&at).len(), 2);
    f.layer.prune(&PruneRequest { keep_last: Some(1), ..PruneRequest::default() }).expect("pruned");
    f.layer.gc().expect("collected");
    assert_eq!(objects(&at).len(), 2);
    assert_eq!(f.layer.check_buckets(&mut |_| {}).expect("checked").unreferenced, 1);
    assert_eq!(f.layer.sweep_content(FOREVER).expect("swept").objects, 1);
    assert_eq!(afresh(&f, "/file").expect("it is read"), b"second");
    assert_eq!(f.layer.check_buckets(&mut |_| {}).expect("checked").unreferenced, 0);
}

#[test]
fn what_the_sweep_doomed_is_not_named_any_more() {
    let at = address();
    let f = fixture(&at);
    // The sweep comes between the upload and the commit.
    let (path, clock) = (f.path.clone(), f.clock.clone());
    let swept = move |place: &'static str| {
        if place == "TIER_UPLOADED" {
            clock.advance(1000);
            let other = SqliteLayer::open(&path, &alone(options(&clock))).expect("it opens");
            other.sweep_content(FOREVER).expect("swept");
        }
        Ok(())
    };
    let done = with_failpoints(swept, || commit(&f, |overlay| make(overlay, "new", &noise(13, 1 << 20))));
    done.expect("committed");
    assert!(afresh(&f, "/new").expect("it is read") == noise(13, 1 << 20));
    assert!(f.layer.check_buckets(&mut |_| {}).expect("checked").is_sound());
}

#[test]
fn content_is_moved_either_way() {
    let (one, two) = (address(), address());
    let f = Fixture::with(&alone);
    let long = noise(14, 2 << 20);
    f.put("/long", &long);
    f.put("/other", &noise(15, 100 << 10));
    f.seal();
    let there = places(&f.layer).0;
    for at in [&one, &two] {
        f.layer.set_content_tier(Some(&ContentTier { above: 1, ..tier(at) })).expect("set");
        let moved = f.layer.move_content(&mut |_| {}).expect("moved");
        assert_eq!(moved.to_bucket.chunks, there);
        assert_eq!(places(&f.layer), (0, there));
        assert!(afresh(&f, "/long").expect("it is read") == long);
        assert_eq!(f.layer.move_content(&mut |_| {}).expect("nothing is left"), MoveReport::default());
    }
    f.layer.sweep_content(FOREVER).expect("swept");
    assert_eq!((objects(&one).len(), objects(&two).len() as u64), (0, there));
    f.layer.set_content_tier(None).expect("set");
    let failed = with_failpoints(fail_at("TIER_LOWERED"), || f.layer.move_content(&mut |_| {}));
    assert!(failed.is_err());
    f.layer.move_content(&mut |_| {}).expect("moved");
    assert_eq!(places(&f.layer), (there, 0));
    f.layer.sweep_content(FOREVER).expect("swept");
    assert_eq!(objects(&two).len(), 0);
    assert!(read(&f.layer, "/long") == long);
    assert!(f.layer.check().expect("checked").is_sound());
}

#[test]
fn a_copy_reads_the_originals_objects_and_never_deletes_them() {
    let at = address();
    let f = fixture(&at);
    f.put("/file", b"the same");
    f.seal();
    let Closed { clock, path, _folder } = f.closed();
    let copy = _folder.path().join("copy.cowry");
    std::fs::copy(&path, &copy).expect("copied");
    let copied = SqliteLayer::open(&copy, &alone(options(&clock))).expect("it opens");
    assert_eq!(read(&copied, "/file"), b"the same");
    assert!(!copied.content_use().expect("readable").homes[0].own);
    copied.unlink(ROOT_INO, &name("file")).expect("unlinked");
    make(&copied, "new", b"of the copy");
    clock.advance(1000);
    copied.seal(&SealInfo::of(RevisionKind::Edit)).expect("sealed");
    copied.prune(&PruneRequest { keep_last: Some(1), ..PruneRequest::default() }).expect("pruned");
    copied.gc().expect("collected");
    copied.sweep_content(FOREVER).expect("swept");
    assert_eq!(objects(&at).len(), 2);
    let original = SqliteLayer::open(&path, &alone(options(&clock))).expect("it opens");
    assert_eq!(read(&original, "/file"), b"the same");
    original.sweep_content(FOREVER).expect("swept");
    assert_eq!(read(&copied, "/new"), b"of the copy");
}

#[test]
fn a_copy_can_take_over_what_it_reads() {
    let at = address();
    let f = fixture(&at);
    f.put("/file", b"the same");
    f.seal();
    let Closed { clock, path, _folder } = f.closed();
    let copy = _folder.path().join("copy.cowry");
    std::fs::copy(&path, &copy).expect("copied");
    let copied = SqliteLayer::open(&copy, &alone(options(&clock))).expect("it opens");
    assert_eq!(copied.move_content(&mut |_| {}).expect("moved").to_bucket.chunks, 1);
    let homes = copied.content_use().expect("readable").homes;
    assert_eq!(homes.iter().map(|home| (home.own, home.objects)).max(), Some((true, 1)));
    // The original may go with all it has.
    let original = homes.iter().find(|home| !home.own).expect("it is remembered");
    objects(&original.address)
        .iter()
        .for_each(|name| bucket(&original.address).delete(name).expect("deleted"));
    let again = SqliteLayer::open(&copy, &alone(options(&clock))).expect("it opens");
    assert_eq!(read(&again, "/file"), b"the same");
}

#[test]
fn a_fork_reads_its_parents_objects_and_flattens() {
    for stays in [true, false] {
        let at = address();
        let f = fixture(&at);
        f.put("/file", b"of the parent");
        f.seal();
        let fork = f.fork("fork.cowry");
        assert_eq!(fork.content_tier().expect("readable"), Some(tier(&at)));
        assert_eq!(read(&fork, "/file"), b"of the parent");
        assert_eq!(fork.check_buckets(&mut |_| {}).expect("checked").sound, 1);
        make(&fork, "new", b"of the fork");
        fork.seal(&SealInfo::of(RevisionKind::Edit)).expect("sealed");
        f.unlink("/file");
        f.seal();
        f.layer.prune(&PruneRequest { keep_last: Some(1), ..PruneRequest::default() }).expect("pruned");
        f.layer.gc().expect("collected");
        f.layer.sweep_content(FOREVER).expect("swept");
        assert_eq!(read(&fork, "/file"), b"of the parent", "the pin keeps it");
        if !stays {
            fork.set_content_tier(None).expect("set");
        }
        let flat = fork.flatten().expect("flattened").expect("it was a fork");
        assert_eq!(flat.pinned, None);
        f.layer.prune(&PruneRequest { keep_last: Some(1), ..PruneRequest::default() }).expect("pruned");
        f.layer.gc().expect("collected");
        f.layer.sweep_content(FOREVER).expect("swept");
        drop(fork);
        let fork =
            SqliteLayer::open(f.path.with_file_name("fork.cowry"), &alone(options(&f.clock))).expect("opens");
        assert_eq!(read(&fork, "/file"), b"of the parent");
        assert_eq!(read(&fork, "/new"), b"of the fork");
        assert!(fork.check().expect("checked").is_sound());
        assert!(fork.check_buckets(&mut |_| {}).expect("checked").is_sound());
    }
}

#[test]
fn a_parent_keeps_what_a_fork_could_not_take_over() {
    let at = address();
    let f = fixture(&at);
    f.put("/file", b"of the parent");
    f.seal();
    let fork = f.fork("fork.cowry");
    let flat = with_failpoints(fail_at("TIER_NOTED"), || fork.flatten()).expect("flattened").expect("a fork");
    assert!(flat.pinned.is_some());
    assert_eq!(f.layer.forks().expect("listed").len(), 1);
    assert_eq!(read(&fork, "/file"), b"of the parent");
    assert_eq!(fork.move_content(&mut |_| {}).expect("moved").to_bucket.chunks, 1);
}

#[test]
fn what_is_salvaged_reads_the_same_objects() {
    let at = address();
    let f = fixture(&at);
    f.put("/file", b"in the bucket");
    f.seal();
    let target = f.path.with_file_name("saved.cowry");
    let (saved, report) = salvage(&f.path, &target, &alone(options(&f.clock))).expect("saved");
    assert_eq!(report.unreadable, Vec::<String>::new());
    assert_eq!(read(&saved, "/file"), b"in the bucket");
    assert!(!saved.content_use().expect("readable").homes[0].own);
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
fn an_address_must_be_one_and_hold_no_secret() {
    let f = Fixture::new();
    for bad in ["s3://", "somewhere", "s3://key:secret@bucket/prefix"] {
        let refused = f.layer.set_content_tier(Some(&ContentTier::at(bad))).expect_err(bad);
        assert_eq!(refused.errno(), Errno::EINVAL);
        assert!(!why(&refused).contains("secret@"));
    }
    assert_eq!(f.layer.content_tier().expect("readable"), None);
}

/// Buckets of a server, with some of its environment set otherwise.
fn met(server: &cowry_s3_server::Server, otherwise: Option<(&'static str, &'static str)>) -> OpenBucket {
    let env = server.environment();
    OpenBucket::new(move |location| {
        Bucket::open_with(location, Connect { retries: 2, ..Connect::default() }, &|name| {
            let other = otherwise.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned());
            other.or_else(|| env.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone()))
        })
    })
}

#[test]
fn content_goes_to_a_server_and_a_wrong_key_is_told_without_it() {
    let server = cowry_s3_server::Server::start("shells");
    let f = Fixture::with(&|options| SqliteOptions { buckets: met(&server, None), ..alone(options) });
    f.layer.set_content_tier(Some(&tier("s3://shells/content"))).expect("set");
    let long = noise(20, 5 << 20);
    commit(&f, |overlay| make(overlay, "long", &long)).expect("committed");
    f.put("/short", b"short");
    f.seal();
    let open = |otherwise| {
        let options = SqliteOptions { buckets: met(&server, otherwise), ..alone(options(&f.clock)) };
        SqliteLayer::open(&f.path, &options).expect("it opens")
    };
    assert!(read(&open(None), "/long") == long);
    assert!(f.layer.check_buckets(&mut |_| {}).expect("checked").is_sound());
    let stranger = open(Some(("AWS_SECRET_ACCESS_KEY", "not-this-one")));
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
    assert_eq!(read(&open(None), "/short"), b"short");
}

fn tree_names(layer: &SqliteLayer) -> Vec<String> {
    let entries = layer.readdir(ROOT_INO, None, usize::MAX).expect("listed");
    entries.into_iter().map(|entry| entry.name.as_str().to_owned()).collect()
}

#[test]
fn what_no_row_knows_of_is_found_by_the_listing_and_spared_while_it_is_young() {
    let at = address();
    let f = fixture(&at);
    f.put("/file", b"some content");
    f.seal();
    let home = f.layer.content_use().expect("readable").homes.remove(0).address;
    damage(&home, "ab/unknown", b"nobody's");
    damage(&at, "another-workspace/ab/object", b"somebody's");
    let swept = f.layer.sweep_content(FOREVER).expect("swept");
    assert_eq!((swept.objects, swept.young), (0, 1), "the clock says that it is not written yet");
    f.clock.advance(100 * 365 * 86_400_000_000_000);
    let swept = f.layer.sweep_content(FOREVER).expect("swept");
    assert_eq!((swept.objects, swept.young), (1, 0));
    assert_eq!(objects(&at).len(), 2, "its own object and that of another workspace stay");
    assert_eq!(afresh(&f, "/file").expect("it is read"), b"some content");
}
