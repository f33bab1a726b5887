//! What a crash leaves in a bucket, and what is deleted there.

use super::*;

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
