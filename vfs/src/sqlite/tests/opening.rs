use super::*;

#[test]
fn missing_file_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let error = SqliteLayer::open(folder.path().join("none"), &SqliteOptions::default()).unwrap_err();
    assert!(matches!(error, OpenError::NotFound { .. }), "{error}");
}

#[test]
fn creating_over_a_file_is_refused() {
    let f = Fixture::new();
    let error = SqliteLayer::create(&f.path, &options(&f.clock)).unwrap_err();
    assert!(matches!(error, OpenError::Exists { .. }), "{error}");
}

#[test]
fn what_is_no_workspace_says_so_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let sqlite = folder.path().join("other.db");
    rusqlite::Connection::open(&sqlite).unwrap().execute_batch("CREATE TABLE t(a)").unwrap();
    std::fs::write(folder.path().join("empty"), "").unwrap();
    std::fs::write(&path, "just text, and long enough to be mistaken for a header of something: ".repeat(40))
        .unwrap();
    for name in ["file", "other.db", "empty", "."] {
        let path = folder.path().join(name);
        let before = std::fs::read(&path).ok();
        let error = SqliteLayer::open(&path, &SqliteOptions::default()).unwrap_err();
        assert!(matches!(error, OpenError::NotAWorkspace { .. }), "{name}: {error:?}");
        assert!(error.to_string().starts_with("not a Cowry workspace: "), "{error}");
        assert_eq!(std::fs::read(&path).ok(), before, "{name}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3, "nothing was left beside them");
}

#[test]
fn newer_schema_asks_for_an_upgrade() {
    let f = Fixture::new();
    f.sql("PRAGMA user_version = 7");
    let error = SqliteLayer::open(&f.path, &options(&f.clock)).unwrap_err();
    assert!(matches!(error, OpenError::NewerSchema { found: 7, supported: 2, .. }), "{error}");
    assert!(
        error
            .to_string()
            .ends_with("was made by a newer version (schema 7, this one knows 2): upgrade cowry")
    );
}

/// Tables, columns (by name, since a step can only add them at the end) and indices.
fn layout(f: &Fixture) -> Vec<String> {
    let conn = rusqlite::Connection::open(&f.path).unwrap();
    let mut statement = conn
        .prepare(
            "SELECT s.type || ' ' || s.name || ' ' || coalesce((SELECT group_concat(line) FROM (
                 SELECT c.name || ':' || c.type || ':' || c.\"notnull\" || ':' || coalesce(c.dflt_value, '') AS line
                 FROM pragma_table_info(s.name) c ORDER BY c.name)), '')
             FROM sqlite_schema s ORDER BY 1",
        )
        .unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn file_of_version_1_is_brought_up_to_date() {
    let f = Fixture::new();
    f.layer.create(ROOT_INO, &name("a"), NewNode::File(b"kept"), &NewAttr::with_mode(0o644)).unwrap();
    f.layer.seal(&SealInfo::of(RevisionKind::Edit)).unwrap();
    let new = layout(&f);
    for read_only in [false, true] {
        f.sql(include_str!("downgrade.sql"));
        assert_ne!(layout(&f), new);
        let layer = SqliteLayer::open(&f.path, &SqliteOptions { read_only, ..options(&f.clock) }).unwrap();
        assert_eq!(layout(&f), new);
        let file = layer.lookup(ROOT_INO, &name("a")).unwrap();
        assert_eq!(layer.read(file.ino, 0, 9).unwrap(), "kept");
        assert!(layer.check().unwrap().problems.is_empty());
    }
}

#[test]
fn a_writer_elsewhere_is_busy_and_then_over() {
    let f = Fixture::new();
    let other = f.other();
    f.layer
        .batch(&mut |layer| {
            layer.create(ROOT_INO, &name("a"), NewNode::File(b"1"), &NewAttr::with_mode(0o644))?;
            let error = other.setattr(ROOT_INO, &SetAttr::mode(0o700)).unwrap_err();
            assert_eq!(error, Errno::EBUSY);
            assert!(
                std::error::Error::source(&error).unwrap().to_string().contains("locked by another process")
            );
            assert_eq!(other.lookup(ROOT_INO, &name("a")).unwrap_err(), Errno::ENOENT, "not committed yet");
            Ok(())
        })
        .unwrap();
    assert_eq!(read(&other, "/a"), b"1");
    other.setattr(ROOT_INO, &SetAttr::mode(0o700)).unwrap();
    assert_eq!(f.layer.getattr(ROOT_INO).unwrap().mode, 0o700);
}

#[test]
fn open_revision_survives_reopening() {
    let f = Fixture::new();
    f.put("/a", b"sealed");
    f.seal();
    f.put("/a", b"open");
    f.put("/b", &noise(1, 300_000));
    let before = tree(&f.layer);
    let f = f.reopened();
    assert_eq!(tree(&f.layer), before);
    assert_eq!(f.layer.head().unwrap(), Revision(1));
    assert_eq!(read(&*f.at(Revision(1)), "/a"), b"sealed");
    assert!(f.layer.has_open_changes().unwrap());
}

#[test]
fn read_only_refuses_changes_and_reads() {
    let f = Fixture::new();
    f.put("/a", b"x");
    let options = SqliteOptions { read_only: true, ..options(&f.clock) };
    let layer = SqliteLayer::open(&f.path, &options).unwrap();
    assert_eq!(read(&layer, "/a"), b"x");
    assert_eq!(layer.unlink(ROOT_INO, &name("a")).unwrap_err(), Errno::EROFS);
    assert!(!layer.features().writable);
}

#[test]
fn nothing_is_left_beside_a_closed_workspace() {
    let f = Fixture::new();
    let file = f.put("/a", b"x").ino;
    f.seal();
    // Through a connection for reading, which must not be the last one that is closed.
    let snapshot = f.layer.at(Revision(1)).unwrap();
    assert_eq!(snapshot.read(file, 0, 1).unwrap(), "x");
    let Fixture { layer, path, _folder, .. } = f;
    drop(snapshot);
    drop(layer);
    drop(SqliteLayer::open(&path, &SqliteOptions { read_only: true, ..SqliteOptions::default() }).unwrap());
    let left: Vec<_> = std::fs::read_dir(_folder.path()).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(left, [path]);
}

#[test]
fn nameless_file_lives_until_released_or_the_next_opening() {
    let f = Fixture::new();
    let (kept, lost) = (f.put("/kept", b"k").ino, f.put("/lost", b"l").ino);
    f.layer.open(kept).unwrap();
    f.layer.open(lost).unwrap();
    f.unlink("/kept");
    f.unlink("/lost");
    f.layer.write(kept, 1, b"ept").unwrap();
    assert_eq!(&f.layer.read(kept, 0, 9).unwrap()[..], b"kept");
    let other = f.other();
    assert_eq!(&other.read(lost, 0, 9).unwrap()[..], b"l", "another process is still there");
    drop(other);
    f.layer.release(kept);
    assert_eq!(f.layer.getattr(kept).unwrap_err(), Errno::ESTALE);
    assert!(!f.layer.has_open_changes().unwrap());
    let f = f.reopened();
    assert_eq!(f.layer.getattr(lost).unwrap_err(), Errno::ESTALE);
}

#[test]
fn after_a_crash_what_was_committed_is_there_and_nothing_else() {
    let f = Fixture::new();
    f.put("/committed", &noise(1, 200_000));
    f.seal();
    let ino = f.put("/held", b"x").ino;
    f.layer.open(ino).unwrap();
    f.unlink("/held");
    let expected = tree(&f.layer);
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.cowry");
    f.layer
        .batch(&mut |layer| {
            layer.create(ROOT_INO, &name("unfinished"), NewNode::File(b"x"), &NewAttr::with_mode(0o644))?;
            // What a machine that stops here finds when it starts again.
            for suffix in ["", "-wal"] {
                let from = format!("{}{suffix}", f.path.display());
                std::fs::copy(from, format!("{}{suffix}", copy.display())).unwrap();
            }
            Ok(())
        })
        .unwrap();
    let layer = SqliteLayer::open(&copy, &options(&f.clock)).unwrap();
    assert_eq!(tree(&layer), expected);
    assert_eq!(layer.getattr(ino).unwrap_err(), Errno::ESTALE, "nobody holds it open any more");
    assert_eq!(layer.check().unwrap(), CheckReport::default());
}

#[test]
fn changes_of_many_threads_all_arrive() {
    let f = Fixture::new();
    let layer = &f.layer;
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for i in 0..50 {
                    let file = name(&format!("{thread}-{i}"));
                    layer.create(ROOT_INO, &file, NewNode::File(b"x"), &NewAttr::with_mode(0o644)).unwrap();
                    assert_eq!(layer.lookup(ROOT_INO, &file).unwrap().size, 1);
                }
            });
        }
    });
    assert_eq!(layer.readdir(ROOT_INO, None, usize::MAX).unwrap().len(), 200);
    assert_eq!(layer.check().unwrap(), CheckReport::default());
}

#[test]
fn side_files_of_a_process_that_was_killed_are_cleared_away() {
    let f = Fixture::new();
    f.put("/a", b"x");
    f.seal();
    let Closed { path, clock, _folder } = f.closed();
    for suffix in ["-reading", "-lock", "-turn"] {
        std::fs::write(format!("{}{suffix}", path.display()), "").unwrap();
    }
    drop(SqliteLayer::open(&path, &options(&clock)).unwrap());
    let left: Vec<_> = std::fs::read_dir(_folder.path()).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(left, [path]);
}

/// The same workspace under a name so long that no file can be made beside it, as in a folder that cannot be written.
fn alone(f: Closed) -> Option<Closed> {
    let path = f.path.with_file_name("w".repeat(255));
    if std::fs::rename(&f.path, &path).is_err() {
        eprintln!("skipped: the filesystem takes no name of 255 bytes");
        return None;
    }
    Some(Closed { path, ..f })
}

#[test]
fn workspace_beside_which_nothing_can_be_made_is_read() {
    let f = Fixture::new();
    f.put("/a", b"one");
    f.put("/large", &noise(1, 300_000));
    f.seal();
    f.put("/a", b"two");
    f.seal();
    let then = tree(&f.layer);
    let Some(f) = alone(f.closed()) else { return };
    for read_only in [true, false] {
        let layer = SqliteLayer::open(&f.path, &SqliteOptions { read_only, ..options(&f.clock) }).unwrap();
        assert_eq!(tree(&layer), then);
        assert_eq!(read(&*layer.at(Revision(1)).unwrap(), "/a"), b"one");
        assert_eq!(layer.revisions(&RevisionFilter::default()).unwrap().len(), 3);
        assert_eq!(layer.diff(Revision(1), Revision(2)).unwrap().len(), 1);
        assert_eq!(layer.check().unwrap(), CheckReport::default());
        assert_eq!(layer.unlink(ROOT_INO, &name("a")).unwrap_err(), Errno::EROFS);
    }
    let left = std::fs::read_dir(f._folder.path()).unwrap().count();
    assert_eq!(left, 1);
}

#[test]
fn fork_of_a_parent_beside_which_nothing_can_be_made_is_read_and_written() {
    let f = Fixture::new();
    f.put("/a", b"one");
    f.seal();
    let fork = f.fork("fork.cowry").path().clone();
    let Some(f) = alone(f.closed()) else { return };
    SqliteLayer::move_parent(&fork, &f.path, &options(&f.clock)).unwrap();
    let fork = SqliteLayer::open(&fork, &options(&f.clock)).unwrap();
    let file = fork.lookup(ROOT_INO, &name("a")).unwrap().ino;
    fork.write(file, 3, b" more").unwrap();
    assert_eq!(read(&fork, "/a"), b"one more");
    assert_eq!(read(&*fork.at(Revision(1)).unwrap(), "/a"), b"one");
    assert_eq!(fork.check().unwrap(), CheckReport::default());
}
