//! Flattening: a fork that needs nobody any more.

use super::*;

/// A parent, a fork of it with changes of its own, and the trees of the fork's revisions.
fn family() -> (Fixture, SqliteLayer, Vec<(Revision, Vec<String>)>) {
    let f = Fixture::new();
    f.put("/gone", b"of an older time");
    f.seal();
    f.unlink("/gone");
    f.mkdir("/dir");
    f.put("/dir/large", &noise(1, 500_000));
    f.put("/dir/same", &noise(9, 200_000));
    f.put("/small", b"small");
    f.put("/removed", b"in the fork");
    f.seal();
    let fork = f.fork("fork.cowry");
    let mut trees = vec![(Revision(2), tree(&fork))];
    // The same bytes as the parent's, stored once more.
    let same = NewNode::File(&noise(9, 200_000)[..]);
    fork.create(ROOT_INO, &name("same"), same, &NewAttr::with_mode(0o644)).unwrap();
    fork.write(ino(&fork, "/dir/large"), 100_000, b"changed").unwrap();
    fork.unlink(ROOT_INO, &name("removed")).unwrap();
    let rev = fork.seal(&SealInfo::of(RevisionKind::Edit)).unwrap().unwrap().id;
    trees.push((rev, tree(&fork)));
    (f, fork, trees)
}

fn holds(layer: &SqliteLayer, trees: &[(Revision, Vec<String>)]) {
    for (rev, expected) in trees {
        assert_eq!(&tree(&*layer.at(*rev).unwrap()), expected, "revision {rev}");
    }
    assert_eq!(layer.check().unwrap(), CheckReport::default());
}

#[test]
fn flattened_fork_stands_alone_and_the_parent_may_go() {
    let (f, fork, trees) = family();
    let done = fork.flatten().unwrap().expect("it was a fork");
    assert_eq!((done.parent.revision, done.pinned), (Revision(2), None));
    assert!(
        done.inodes == 3 && done.chunks > 5 && done.bytes > 400_000,
        "{done:?}",
        done = (done.inodes, done.chunks, done.bytes)
    );
    assert_eq!(f.layer.forks().unwrap(), []);
    holds(&fork, &trees);
    assert_eq!(fork.flatten().unwrap(), None);
    let (path, options) = (fork.path().clone(), options(&f.clock));
    drop((fork, f.layer));
    std::fs::remove_file(&f.path).unwrap();
    let alone = SqliteLayer::open(&path, &options).unwrap();
    assert_eq!(alone.parent().unwrap(), None);
    holds(&alone, &trees);
    assert_eq!(alone.at(Revision(1)).unwrap_err(), Errno::ENOENT, "history begins with the fork");
    alone.write(ino(&alone, "/small"), 0, b"S").unwrap();
    alone
        .create(ROOT_INO, &name("new"), NewNode::File(&noise(5, 300_000)), &NewAttr::with_mode(0o644))
        .unwrap();
    alone.seal(&SealInfo::of(RevisionKind::Edit)).unwrap();
    alone.restore(Revision(2), &[], &SealInfo::of(RevisionKind::Restore)).unwrap();
    alone.gc().unwrap();
    assert_eq!(tree(&alone), trees[0].1);
    holds(&alone, &trees);
}

#[test]
fn forks_of_a_flattened_fork_stay_what_they_are() {
    let (f, fork, trees) = family();
    let mut forks = Vec::new();
    for (i, (rev, _)) in trees.iter().enumerate() {
        let path = f.path.with_file_name(format!("grandchild-{i}.cowry"));
        let grandchild = fork.fork(&path, *rev).unwrap();
        grandchild.write(ino(&grandchild, "/dir/large"), 300_000, b"again").unwrap();
        grandchild.seal(&SealInfo::of(RevisionKind::Edit)).unwrap();
        forks.push((path, tree(&grandchild)));
    }
    fork.flatten().unwrap().expect("it was a fork");
    let options = options(&f.clock);
    drop((fork, f.layer));
    std::fs::remove_file(&f.path).unwrap();
    for ((path, expected), (rev, base)) in forks.iter().zip(&trees) {
        let grandchild = SqliteLayer::open(path, &options).unwrap();
        assert_eq!(&tree(&grandchild), expected);
        assert_eq!(&tree(&*grandchild.at(*rev).unwrap()), base);
        assert_eq!(grandchild.check().unwrap(), CheckReport::default());
    }
}

#[test]
fn flattening_that_fails_changes_nothing() {
    let (f, fork, trees) = family();
    let (path, options) = (fork.path().clone(), options(&f.clock));
    drop(fork);
    // The last statement of the transaction fails.
    let stop =
        "CREATE TRIGGER stop BEFORE UPDATE OF parent_path ON meta BEGIN SELECT raise(ABORT, 'no'); END";
    let sql = |sql: &str| rusqlite::Connection::open(&path).and_then(|c| c.execute_batch(sql)).expect(sql);
    sql(stop);
    let before = std::fs::metadata(&path).unwrap().len();
    let fork = SqliteLayer::open(&path, &options).unwrap();
    assert!(fork.flatten().is_err());
    holds(&fork, &trees);
    drop(fork);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), before);
    sql("DROP TRIGGER stop");
    let fork = SqliteLayer::open(&path, &options).unwrap();
    assert!(fork.parent().unwrap().is_some());
    assert!(fork.flatten().unwrap().is_some());
    holds(&fork, &trees);
}
