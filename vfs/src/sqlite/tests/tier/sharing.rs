//! Copies, forks and what was saved from a damaged file: who reads whose objects.

use super::*;

fn open(of: &Closed, path: &std::path::Path) -> SqliteLayer {
    SqliteLayer::open(path, &alone(options(&of.clock))).expect("it opens")
}

/// A workspace that was closed, and a copy of its file.
fn copied(f: Fixture) -> (Closed, SqliteLayer) {
    let original = f.closed();
    let copy = original.path.with_file_name("copy.cowry");
    std::fs::copy(&original.path, &copy).expect("copied");
    let copied = open(&original, &copy);
    (original, copied)
}

#[test]
fn a_copy_reads_the_originals_objects_and_never_deletes_them() {
    let at = address();
    let f = fixture(&at);
    f.put("/file", b"the same");
    f.seal();
    let (original, copied) = copied(f);
    assert_eq!(read(&copied, "/file"), b"the same");
    assert!(!copied.content_use().expect("readable").homes[0].own);
    copied.unlink(ROOT_INO, &name("file")).expect("unlinked");
    make(&copied, "new", b"of the copy");
    original.clock.advance(1000);
    copied.seal(&SealInfo::of(RevisionKind::Edit)).expect("sealed");
    copied.prune(&PruneRequest { keep_last: Some(1), ..PruneRequest::default() }).expect("pruned");
    copied.gc().expect("collected");
    copied.sweep_content(FOREVER).expect("swept");
    assert_eq!(objects(&at).len(), 2);
    let original = open(&original, &original.path);
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
    let (original, copied) = copied(f);
    assert_eq!(copied.move_content(&mut |_| {}).expect("moved").to_bucket.chunks, 1);
    let homes = copied.content_use().expect("readable").homes;
    assert_eq!(homes.iter().map(|home| (home.own, home.objects)).max(), Some((true, 1)));
    // The original may go with all it has.
    let home = homes.iter().find(|home| !home.own).expect("it is remembered");
    objects(&home.address).iter().for_each(|name| bucket(&home.address).delete(name).expect("deleted"));
    let again = open(&original, copied.path());
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
