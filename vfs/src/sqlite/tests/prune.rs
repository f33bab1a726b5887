//! Pruning: what goes, what stays, and what is given back.

use super::*;

fn up_to(rev: u64) -> PruneRequest {
    PruneRequest { to: Some(Revision(rev)), ..PruneRequest::default() }
}

fn numbers(revisions: &[Revision]) -> Vec<u64> {
    revisions.iter().map(|rev| rev.0).collect()
}

/// Six revisions; each rewrites a large file, leaves a file of its own and removes that of the one before.
fn history() -> (Fixture, Vec<Vec<String>>) {
    let f = Fixture::new();
    let mut trees = vec![tree(&f.layer)];
    for i in 1..=6 {
        f.put("/large", &noise(i, 300_000));
        f.put(&format!("/own-{i}"), &noise(100 + i, 50_000));
        if i > 1 {
            f.unlink(&format!("/own-{}", i - 1));
        }
        f.clock.advance(1_000_000_000);
        f.seal();
        trees.push(tree(&f.layer));
    }
    (f, trees)
}

#[test]
fn latest_first_named_forked_and_read_stay() {
    let (f, trees) = history();
    f.layer.name_revision(Revision(2), &"two".parse().unwrap(), NameTaken::Refuse).unwrap();
    let fork = f.layer.fork(f.path.with_file_name("fork.cowry"), Revision(3)).unwrap();
    let reader = f.at(Revision(4));
    let asked = PruneRequest { dry_run: true, ..PruneRequest::default() };
    let would = f.layer.prune(&asked).unwrap();
    assert_eq!(numbers(&would.pruned), [1, 4, 5]);
    assert_eq!(f.layer.revisions(&RevisionFilter::default()).unwrap().len(), 7, "nothing happened");
    let done = f.layer.prune(&PruneRequest::default()).unwrap();
    assert_eq!(numbers(&done.pruned), [1, 5]);
    let why =
        |rev: u64| done.kept.iter().find(|(kept, _)| kept.0 == rev).map(|(_, why)| why.clone()).unwrap();
    assert_eq!(why(0), KeptFor::First);
    assert_eq!(why(2), KeptFor::Name("two".into()));
    let KeptFor::Fork(told) = why(3) else { panic!("{done:?}") };
    assert_eq!((told.path, told.is_there), (fork.path().canonicalize().unwrap(), true));
    assert_eq!(why(4), KeptFor::Reader);
    assert_eq!(why(6), KeptFor::Latest);
    drop(reader);
    f.layer.gc().unwrap();
    for rev in [0, 2, 3, 4, 6] {
        assert_eq!(tree(&*f.at(Revision(rev))), trees[rev as usize], "revision {rev}");
    }
    assert_eq!(tree(&fork), trees[3]);
    for layer in [&f.layer, &fork] {
        assert_eq!(layer.check().unwrap(), CheckReport::default());
    }
}

#[test]
fn by_age_by_count_and_by_range() {
    let (f, _) = history();
    let at = |rev| f.layer.revision(Revision(rev)).unwrap().sealed_at;
    let would = |request: PruneRequest| {
        numbers(&f.layer.prune(&PruneRequest { dry_run: true, ..request }).unwrap().pruned)
    };
    let all = PruneRequest::default();
    assert_eq!(would(PruneRequest { before: Some(at(3)), ..all.clone() }), [1, 2]);
    assert_eq!(would(PruneRequest { keep_last: Some(3), ..all.clone() }), [1, 2, 3]);
    assert_eq!(
        would(PruneRequest { from: Some(Revision(2)), to: Some(Revision(4)), ..all.clone() }),
        [2, 3, 4]
    );
    assert_eq!(would(PruneRequest { before: Some(at(4)), keep_last: Some(5), ..all }), [1]);
}

#[test]
fn pruned_revision_is_told_and_differences_over_the_gap_are_right() {
    let (f, _) = history();
    let lines = |from, to| {
        let changes = f.layer.diff(Revision(from), Revision(to)).unwrap();
        changes.iter().map(|c| format!("{:?} {}", c.kind, c.path)).collect::<Vec<_>>()
    };
    let before = (lines(1, 6), lines(6, 1), lines(0, 6));
    let pruned = f.layer.prune(&PruneRequest { from: Some(Revision(2)), ..up_to(5) }).unwrap().pruned;
    assert_eq!(numbers(&pruned), [2, 3, 4, 5]);
    let report = f.layer.gc().unwrap();
    assert!(report.rows > 0 && report.chunks >= 4, "{report:?}");
    assert_eq!((lines(1, 6), lines(6, 1), lines(0, 6)), before);
    let error = f.layer.at(Revision(3)).unwrap_err();
    assert_eq!(error, Errno::ENOENT);
    let why = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(why, "revision 3 is no longer there, it was pruned: `cowry log` lists those that are left");
    assert_eq!(f.layer.diff(Revision(3), Revision(6)).unwrap_err(), Errno::ENOENT);
    assert_eq!(
        f.layer.restore(Revision(3), &[], &SealInfo::of(RevisionKind::Restore)).unwrap_err(),
        Errno::ENOENT
    );
    assert!(
        matches!(f.layer.fork(f.path.with_file_name("x"), Revision(3)), Err(ForkError::Node(e)) if e == Errno::ENOENT)
    );
    assert_eq!(f.layer.check().unwrap(), CheckReport::default());
    f.put("/more", b"goes on");
    assert_eq!(f.seal(), Revision(7));
    f.layer.restore(Revision(1), &[], &SealInfo::of(RevisionKind::Restore)).unwrap();
    assert_eq!(tree(&f.layer), tree(&*f.at(Revision(1))));
}

#[test]
fn collecting_gives_the_space_back() {
    let (f, trees) = history();
    let before = f.file_bytes();
    f.layer.prune(&PruneRequest::default()).unwrap();
    let report = f.layer.gc().unwrap();
    let after = f.file_bytes();
    assert_eq!(report.bytes, before - after);
    assert!(after < before / 2, "{before} -> {after}");
    assert_eq!(tree(&f.layer), trees[6]);
    assert_eq!(f.layer.gc().unwrap().rows, 0);
}

#[test]
fn others_that_read_are_waited_for_and_told() {
    let (f, trees) = history();
    let other = f.other();
    let reader = other.at(Revision(2)).unwrap();
    let error = f.layer.prune(&PruneRequest::default()).unwrap_err();
    assert_eq!(error, Errno::EBUSY);
    let why = std::error::Error::source(&error).unwrap().to_string();
    assert!(why.starts_with("another process works on a revision of the workspace"), "{why}");
    drop(reader);
    f.layer.prune(&PruneRequest::default()).unwrap();
    let reader = other.at(Revision(6)).unwrap();
    assert_eq!(f.layer.gc().unwrap_err(), Errno::EBUSY, "rows of what was pruned are to go");
    assert_eq!(tree(&*reader), trees[6]);
    drop(reader);
    f.layer.gc().unwrap();
    let reader = other.at(Revision(6)).unwrap();
    f.layer.gc().unwrap();
    drop((reader, other));
    let Fixture { layer, path, _folder, .. } = f;
    drop(layer);
    let left: Vec<_> = std::fs::read_dir(_folder.path()).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(left, [path], "no side file stays");
}

#[test]
fn fork_prunes_its_own_and_reads_what_its_parent_keeps() {
    let (f, trees) = history();
    let fork = f.fork("fork.cowry");
    for i in 7..=9 {
        fork.create(ROOT_INO, &name(&format!("f{i}")), NewNode::File(b"x"), &NewAttr::with_mode(0o644))
            .unwrap();
        let _ = fork.unlink(ROOT_INO, &name(&format!("f{}", i - 1)));
        fork.unlink(ROOT_INO, &name("large")).ok();
        fork.seal(&SealInfo::of(RevisionKind::Edit)).unwrap();
    }
    let now = tree(&fork);
    assert_eq!(numbers(&fork.prune(&PruneRequest::default()).unwrap().pruned), [7, 8]);
    assert!(fork.gc().unwrap().rows > 0);
    assert_eq!(tree(&*fork.at(Revision(2)).unwrap()), trees[2]);
    fork.restore(Revision(2), &[], &SealInfo::of(RevisionKind::Restore)).unwrap();
    assert_eq!(numbers(&f.layer.prune(&PruneRequest::default()).unwrap().pruned), [1, 2, 3, 4, 5]);
    f.layer.gc().unwrap();
    assert_eq!(tree(&fork), trees[2], "what was restored is the fork's own");
    assert_eq!(tree(&*fork.at(Revision(6)).unwrap()), trees[6]);
    assert_eq!(tree(&*fork.at(Revision(9)).unwrap()), now);
    assert_eq!(fork.at(Revision(2)).unwrap_err(), Errno::ENOENT);
    for layer in [&f.layer, &fork] {
        assert_eq!(layer.check().unwrap(), CheckReport::default());
    }
}

#[test]
fn reader_of_an_older_revision_through_a_fork_is_waited_for() {
    let (f, trees) = history();
    let fork = f.fork("fork.cowry");
    let own = fork.at(Revision(6)).unwrap();
    let older = fork.at(Revision(3)).unwrap();
    assert_eq!(f.layer.prune(&PruneRequest::default()).unwrap_err(), Errno::EBUSY);
    assert_eq!(tree(&*older), trees[3]);
    drop(older);
    assert_eq!(numbers(&f.layer.prune(&PruneRequest::default()).unwrap().pruned), [1, 2, 3, 4, 5]);
    f.layer.gc().unwrap();
    assert_eq!(tree(&*own), trees[6]);
}

#[test]
fn forgotten_fork_keeps_nothing() {
    let (f, _) = history();
    let fork = f.layer.fork(f.path.with_file_name("fork.cowry"), Revision(3)).unwrap();
    let id = fork.id().unwrap();
    let path = fork.path().clone();
    drop(fork);
    std::fs::remove_file(path).unwrap();
    assert_eq!(numbers(&f.layer.prune(&PruneRequest::default()).unwrap().pruned), [1, 2, 4, 5]);
    assert!(!f.layer.forks().unwrap()[0].is_there);
    assert!(f.layer.forget_fork(id).unwrap());
    assert_eq!(numbers(&f.layer.prune(&PruneRequest::default()).unwrap().pruned), [3]);
}

#[test]
fn base_of_kept_changes_stays_until_they_are_dropped_or_their_time_has_come() {
    let (f, trees) = history();
    let keep = |key: &str, base, until| {
        let kept = KeptChanges { changes: b"what it did", until, base: Some(Revision(base)) };
        f.layer.put_run_changes(key, kept).unwrap();
    };
    let soon = Timestamp(f.clock.now().0 + 1000);
    keep("first", 2, Timestamp(i64::MAX));
    keep("second", 4, soon);
    let done = f.layer.prune(&PruneRequest::default()).unwrap();
    assert_eq!(numbers(&done.pruned), [1, 3, 5]);
    let why: Vec<KeptFor> = done.kept[1..3].iter().map(|(_, why)| why.clone()).collect();
    assert_eq!(why, [KeptFor::Run("first".into()), KeptFor::Run("second".into())]);
    f.layer.gc().unwrap();
    for rev in [2, 4] {
        assert_eq!(tree(&*f.at(Revision(rev))), trees[rev as usize], "revision {rev}");
    }
    f.clock.advance(1000);
    assert_eq!(numbers(&f.layer.prune(&PruneRequest::default()).unwrap().pruned), [4]);
    f.layer.drop_run_changes("first").unwrap();
    assert_eq!(numbers(&f.layer.prune(&PruneRequest::default()).unwrap().pruned), [2]);
}
