//! When content goes to a bucket, in what form, and where else it goes.

use super::*;

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
fn an_address_must_be_one_and_hold_no_secret() {
    let f = Fixture::new();
    for bad in ["s3://", "somewhere", "s3://key:secret@bucket/prefix"] {
        let refused = f.layer.set_content_tier(Some(&ContentTier::at(bad))).expect_err(bad);
        assert_eq!(refused.errno(), Errno::EINVAL);
        assert!(!why(&refused).contains("secret@"));
    }
    assert_eq!(f.layer.content_tier().expect("readable"), None);
}
