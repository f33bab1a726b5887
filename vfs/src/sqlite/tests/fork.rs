//! Forks: what is seen through them, what keeps them apart from their parents, and what they need.

use super::*;

fn create(layer: &SqliteLayer, file: &str, data: &[u8]) -> Stat {
    layer.create(ROOT_INO, &name(file), NewNode::File(data), &NewAttr::with_mode(0o644)).expect(file)
}

fn seal(layer: &SqliteLayer) -> Revision {
    layer.seal(&SealInfo::of(RevisionKind::Edit)).expect("sealed").expect("something changed").id
}

/// A workspace with one revision: a small file, a large one, a directory with a file.
fn parent() -> Fixture {
    let f = Fixture::new();
    f.put("/small", b"small");
    f.put("/large", &noise(1, 500_000));
    f.mkdir("/dir");
    f.put("/dir/inner", b"inner");
    f.seal();
    f
}

#[test]
fn fork_begins_as_its_parent_was() {
    let f = parent();
    let then = tree(&f.layer);
    f.put("/small", b"changed, not sealed");
    let fork = f.fork("fork.cowry");
    assert_eq!(tree(&fork), then);
    assert_eq!(fork.head().unwrap(), Revision(1));
    assert!(!fork.has_open_changes().unwrap());
    assert_eq!(tree(&*fork.at(Revision(0)).unwrap()), [""; 0], "history of the parent is there");
    assert_eq!(fork.check().unwrap(), CheckReport::default());
    let told = fork.parent().unwrap().expect("a parent");
    assert_eq!((told.workspace, told.revision), (f.layer.id().unwrap(), Revision(1)));
    assert_eq!(f.layer.parent().unwrap(), None);
    assert_ne!(fork.id().unwrap(), f.layer.id().unwrap());
}

#[test]
fn neither_sees_what_the_other_does() {
    let f = parent();
    let fork = f.fork("fork.cowry");
    let ours = [f.put("/new", b"parent's").ino, f.put("/large", &noise(2, 300_000)).ino];
    f.unlink("/dir/inner");
    f.seal();
    let parents = tree(&f.layer);
    let theirs = create(&fork, "new", &noise(3, 200_000)).ino;
    assert_eq!(theirs, ours[0], "they count on independently");
    fork.unlink(ROOT_INO, &name("small")).unwrap();
    fork.write(ino(&fork, "/large"), 100, b"of the fork").unwrap();
    let rev = seal(&fork);
    assert_eq!(tree(&f.layer), parents);
    assert_eq!(read(&fork, "/new"), noise(3, 200_000));
    assert_eq!(read(&fork, "/dir/inner"), b"inner");
    assert_eq!(fork.lookup(ROOT_INO, &name("small")).unwrap_err(), Errno::ENOENT);
    let mut expected = noise(1, 500_000);
    expected[100..111].copy_from_slice(b"of the fork");
    assert_eq!(read(&fork, "/large"), expected);
    let changes: Vec<String> =
        fork.diff(Revision(1), rev).unwrap().iter().map(|c| format!("{:?} {}", c.kind, c.path)).collect();
    assert_eq!(changes, ["Modified /large", "Added /new", "Removed /small"]);
    for layer in [&f.layer, &fork] {
        assert_eq!(layer.check().unwrap(), CheckReport::default());
    }
}

#[test]
fn what_a_fork_removed_comes_back_by_restore() {
    let f = parent();
    let then = tree(&f.layer);
    let fork = f.fork("fork.cowry");
    fork.unlink(ino(&fork, "/dir"), &name("inner")).unwrap();
    fork.rmdir(ROOT_INO, &name("dir")).unwrap();
    fork.setattr(ino(&fork, "/large"), &SetAttr::size(70_000)).unwrap();
    let rev = seal(&fork);
    let gone = tree(&fork);
    fork.restore(Revision(1), &[], &SealInfo::of(RevisionKind::Restore)).unwrap();
    assert_eq!(tree(&fork), then);
    assert_eq!(tree(&*fork.at(rev).unwrap()), gone);
    assert!(fork.diff(Revision(1), fork.head().unwrap()).unwrap().is_empty());
    assert_eq!(fork.check().unwrap(), CheckReport::default());
}

#[test]
fn older_revision_is_forked_from_the_workspace_that_made_it() {
    let f = parent();
    let first = tree(&f.layer);
    f.put("/second", b"2");
    f.seal();
    let fork = f.fork("fork.cowry");
    create(&fork, "third", b"3");
    seal(&fork);
    let old = fork.fork(f.path.with_file_name("old.cowry"), Revision(1)).unwrap();
    assert_eq!(tree(&old), first);
    assert_eq!(old.parent().unwrap().unwrap().workspace, f.layer.id().unwrap());
    let at_base = fork.fork(f.path.with_file_name("base.cowry"), Revision(2)).unwrap();
    assert_eq!(at_base.parent().unwrap().unwrap().workspace, fork.id().unwrap());
    assert_eq!(tree(&at_base), tree(&f.layer));
    let pinned: Vec<(u64, bool)> =
        f.layer.forks().unwrap().iter().map(|fork| (fork.revision.0, fork.is_there)).collect();
    assert_eq!(pinned, [(2, true), (1, true)]);
}

#[test]
fn ten_deep_and_no_deeper() {
    let mut f = parent();
    for depth in 1..=10 {
        f.put(&format!("/{depth}"), b"x");
        f.seal();
        let fork = f.fork(&format!("{depth}.cowry"));
        f = f.replaced_by(fork);
    }
    assert_eq!(f.layer.readdir(ROOT_INO, None, 99).unwrap().len(), 13);
    assert_eq!(read(&f.layer, "/dir/inner"), b"inner");
    f.put("/dir/inner", b"at the top");
    f.seal();
    assert_eq!(f.layer.check().unwrap(), CheckReport::default());
    let error = f.layer.fork(f.path.with_file_name("11.cowry"), Revision(12)).unwrap_err().to_string();
    assert!(error.contains("stands on more than 10 other workspaces: run `cowry -w"), "{error}");
    assert!(!f.path.with_file_name("11.cowry").exists());
}

#[test]
fn fork_that_cannot_be_made_leaves_nothing() {
    let f = parent();
    let no_revision = f.layer.fork(f.path.with_file_name("x.cowry"), Revision(7)).unwrap_err().to_string();
    assert!(no_revision.contains("ENOENT"), "{no_revision}");
    assert!(matches!(f.layer.fork(&f.path, Revision(1)), Err(ForkError::Open(OpenError::Exists { .. }))));
    let nowhere = f.layer.fork(f.path.with_file_name("none").join("x.cowry"), Revision(1));
    assert!(nowhere.is_err());
    assert_eq!(f.layer.forks().unwrap(), []);
    assert_eq!(
        std::fs::read_dir(f.path.parent().unwrap())
            .unwrap()
            .filter(|e| { e.as_ref().unwrap().file_name().to_string_lossy().starts_with("x.cowry") })
            .count(),
        0
    );
}

#[test]
fn parent_that_is_missing_or_another_is_told() {
    let f = parent();
    let fork = f.fork("fork.cowry");
    let (clock, folder) = (f.clock.clone(), f.path.parent().unwrap().to_owned());
    let (fork_path, away) = (fork.path().clone(), folder.join("away.cowry"));
    let then = tree(&fork);
    let Fixture { layer, path, _folder, .. } = f;
    drop((fork, layer));
    std::fs::rename(&path, &away).unwrap();
    let error = SqliteLayer::open(&fork_path, &options(&clock)).unwrap_err();
    assert!(matches!(error, OpenError::ParentMissing { .. }), "{error}");
    assert!(error.to_string().contains("put it back, or say where it is with `cowry -w"), "{error}");
    drop(SqliteLayer::create(&path, &options(&clock)).unwrap());
    let error = SqliteLayer::open(&fork_path, &options(&clock)).unwrap_err();
    assert!(matches!(error, OpenError::ParentReplaced { .. }), "{error}");
    assert!(SqliteLayer::move_parent(&fork_path, &path, &options(&clock)).is_err());
    SqliteLayer::move_parent(&fork_path, &away, &options(&clock)).unwrap();
    assert_eq!(tree(&SqliteLayer::open(&fork_path, &options(&clock)).unwrap()), then);
}

#[test]
fn fork_and_parent_move_together() {
    let f = parent();
    let below = f.path.parent().unwrap().join("below");
    std::fs::create_dir(&below).unwrap();
    drop(f.layer.fork(below.join("fork.cowry"), Revision(1)).unwrap());
    let then = tree(&f.layer);
    let Fixture { layer, path, clock, _folder } = f;
    drop(layer);
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::rename(&path, elsewhere.path().join("work.cowry")).unwrap();
    std::fs::rename(&below, elsewhere.path().join("below")).unwrap();
    let fork = SqliteLayer::open(elsewhere.path().join("below/fork.cowry"), &options(&clock)).unwrap();
    assert_eq!(tree(&fork), then);
}

#[test]
fn read_only_fork_reads() {
    let f = parent();
    let path = f.fork("fork.cowry").path().clone();
    let options = SqliteOptions { read_only: true, ..options(&f.clock) };
    let fork = SqliteLayer::open(path, &options).unwrap();
    assert_eq!(tree(&fork), tree(&f.layer));
    assert_eq!(fork.unlink(ROOT_INO, &name("small")).unwrap_err(), Errno::EROFS);
}

#[test]
fn writers_of_fork_and_parent_do_not_wait_for_each_other() {
    let f = parent();
    let fork = f.fork("fork.cowry");
    f.layer
        .batch(&mut |layer| {
            layer.create(
                ROOT_INO,
                &name("of the parent"),
                NewNode::File(b"1"),
                &NewAttr::with_mode(0o644),
            )?;
            fork.batch(&mut |fork| {
                fork.create(ROOT_INO, &name("of the fork"), NewNode::File(b"2"), &NewAttr::with_mode(0o644))?;
                Ok(())
            })
        })
        .unwrap();
    assert_eq!(read(&fork, "/of the fork"), b"2");
    assert_eq!(read(&f.layer, "/of the parent"), b"1");
}

#[test]
fn parent_replaced_by_a_copy_that_went_its_own_way_is_refused() {
    let f = parent();
    let copy = f.path.with_file_name("copy.cowry");
    let other = {
        let f = f.reopened();
        std::fs::copy(&f.path, &copy).unwrap();
        f.put("/small", b"two");
        f.seal();
        drop(f.fork("fork.cowry"));
        f
    };
    let own = SqliteLayer::open(&copy, &options(&other.clock)).unwrap();
    other.clock.advance(1000);
    create(&own, "else", b"other");
    seal(&own);
    drop(own);
    let Fixture { layer, path, clock, _folder } = other;
    drop(layer);
    std::fs::rename(&copy, &path).unwrap();
    let error = SqliteLayer::open(path.with_file_name("fork.cowry"), &options(&clock)).unwrap_err();
    assert!(matches!(error, OpenError::ParentReplaced { .. }), "{error}");
}

#[test]
fn fork_knows_what_its_tree_takes_up() {
    let f = Fixture::new();
    f.put("/a", &[7; 5000]);
    let first = f.layer.seal(&SealInfo::of(RevisionKind::Edit)).unwrap().unwrap().id;
    let then = f.layer.statfs().unwrap();
    f.put("/b", &[7; 90_000]);
    f.sql("UPDATE revision SET used_bytes = NULL");
    for old in ["written down", "counted"] {
        let path = f.path.with_file_name(format!("{old}.cowry"));
        if old == "written down" {
            f.sql(&format!("UPDATE revision SET used_bytes = {} WHERE id = {first}", then.used_bytes));
        } else {
            f.sql("UPDATE revision SET used_bytes = NULL");
        }
        let fork = f.layer.fork(&path, first).unwrap();
        assert_eq!(fork.statfs().unwrap(), then, "{old}");
    }
}

/// What the workspace at `parent` says of its only fork.
fn told(parent: &Fixture) -> (PathBuf, bool) {
    let forks = parent.layer.forks().unwrap();
    assert_eq!(forks.len(), 1);
    (forks[0].path.clone(), forks[0].is_there)
}

/// Moves a closed fork, of the first revision of `f`, to another name.
fn moved(f: &Fixture) -> (PathBuf, PathBuf) {
    let folder = f.path.parent().unwrap().canonicalize().unwrap();
    let (old, new) = (folder.join("old.cowry"), folder.join("new.cowry"));
    drop(f.layer.fork(&old, Revision(1)).unwrap());
    std::fs::rename(&old, &new).unwrap();
    f.put("/small", b"two");
    f.seal();
    (old, new)
}

#[test]
fn fork_that_was_moved_is_known_again_once_it_is_opened() {
    let f = parent();
    let (old, new) = moved(&f);
    assert_eq!(told(&f), (old.clone(), false));
    let read_only = SqliteOptions { read_only: true, ..options(&f.clock) };
    drop(SqliteLayer::open(&new, &read_only).unwrap());
    assert_eq!(told(&f), (old.clone(), false), "who only reads tells nobody");
    // Something else is where it was.
    std::fs::write(&old, "text").unwrap();
    assert_eq!(told(&f), (old.clone(), false));
    std::fs::remove_file(&old).unwrap();
    drop(SqliteLayer::create(&old, &options(&f.clock)).unwrap());
    assert_eq!(told(&f), (old, false));
    drop(SqliteLayer::open(&new, &options(&f.clock)).unwrap());
    assert_eq!(told(&f), (new, true));
}

#[test]
fn of_two_copies_of_a_fork_the_first_is_remembered() {
    let f = parent();
    let (old, new) = moved(&f);
    drop(SqliteLayer::open(&new, &options(&f.clock)).unwrap());
    std::fs::copy(&new, &old).unwrap();
    drop(SqliteLayer::open(&old, &options(&f.clock)).unwrap());
    assert_eq!(told(&f), (new.clone(), true));
    std::fs::remove_file(new).unwrap();
    drop(SqliteLayer::open(&old, &options(&f.clock)).unwrap());
    assert_eq!(told(&f), (old, true));
}

#[test]
fn fork_that_was_forgotten_is_pinned_again_when_it_is_opened() {
    let f = parent();
    let fork = f.layer.fork(f.path.with_file_name("fork.cowry"), Revision(1)).unwrap();
    f.put("/small", b"two");
    f.seal();
    let (id, path) = (fork.id().unwrap(), fork.path().clone());
    let then = tree(&fork);
    drop(fork);
    assert!(f.layer.forget_fork(id).unwrap());
    let fork = SqliteLayer::open(&path, &options(&f.clock)).unwrap();
    let forks = f.layer.forks().unwrap();
    assert_eq!((forks[0].workspace, forks[0].revision, forks[0].is_there), (id, Revision(1), true));
    assert!(f.layer.prune(&PruneRequest::default()).unwrap().pruned.is_empty());
    assert_eq!(tree(&fork), then);
}

#[test]
fn parent_that_cannot_be_told_is_told_the_next_time() {
    let f = parent();
    let (old, new) = moved(&f);
    // Somebody else is writing to the parent for as long as the fork is opened and read.
    f.layer
        .batch(&mut |layer| {
            layer.setattr(ROOT_INO, &SetAttr::mode(0o700))?;
            let fork = SqliteLayer::open(&new, &options(&f.clock)).unwrap();
            assert_eq!(read(&fork, "/small"), b"small");
            Ok(())
        })
        .unwrap();
    assert_eq!(told(&f), (old, false));
    drop(SqliteLayer::open(&new, &options(&f.clock)).unwrap());
    assert_eq!(told(&f), (new, true));
}

#[test]
fn parent_that_is_found_again_is_told_where_the_fork_is() {
    let f = parent();
    let (_, new) = moved(&f);
    let away = new.with_file_name("away.cowry");
    let Fixture { layer, path, clock, _folder } = f;
    drop(layer);
    std::fs::rename(path, &away).unwrap();
    SqliteLayer::move_parent(&new, &away, &options(&clock)).unwrap();
    let layer = SqliteLayer::open(&away, &options(&clock)).unwrap();
    let f = Fixture { layer, path: away, clock, _folder };
    assert_eq!(told(&f), (new, true));
}

#[test]
fn latest_is_what_is_latest_when_it_is_forked() {
    let f = parent();
    f.put("/small", b"two");
    let rev = f.seal();
    let fork = f.layer.fork_latest(f.path.with_file_name("fork.cowry")).unwrap();
    assert_eq!((fork.head().unwrap(), read(&fork, "/small")), (rev, b"two".to_vec()));
}
