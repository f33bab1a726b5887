use super::*;

#[test]
fn snapshots_stay_what_they_were() {
    let f = Fixture::new();
    assert!(tree(&*f.at(Revision(0))).is_empty());
    f.mkdir("/d");
    f.put("/d/a", b"one");
    f.put("/big", &noise(1, 500_000));
    let one = f.seal();
    let first = tree(&*f.at(one));
    assert_eq!(first, tree(&f.layer));
    f.put("/d/a", b"two!");
    f.rename("/d", "/e");
    f.layer.write(f.ino("/big"), 70_000, b"patched").unwrap();
    f.unlink("/big");
    let two = f.seal();
    assert_eq!(tree(&*f.at(one)), first);
    assert_eq!(tree(&*f.at(two)), tree(&f.layer));
    assert_eq!(read(&*f.at(two), "/e/a"), b"two!");
    assert_eq!(f.at(two).unlink(ROOT_INO, &name("e")).unwrap_err(), Errno::EROFS);
    let error = f.layer.at(Revision(3)).unwrap_err();
    assert_eq!(error, Errno::ENOENT);
    let f = f.reopened();
    assert_eq!(tree(&*f.at(one)), first);
}

#[test]
fn sealing_nothing_makes_no_revision() {
    let f = Fixture::new();
    let seal = || f.layer.seal(&SealInfo::of(RevisionKind::Edit)).unwrap();
    assert_eq!(seal(), None);
    f.put("/a", b"x");
    f.unlink("/a");
    assert_eq!(seal(), None, "it came and went");
    f.put("/a", b"x");
    let info = seal().unwrap();
    assert_eq!((info.id, info.parent), (Revision(1), Some(Revision(0))));
    f.layer.setattr(f.ino("/a"), &SetAttr { atime: Some(Timestamp(5)), ..SetAttr::default() }).unwrap();
    assert_eq!(f.layer.getattr(f.ino("/a")).unwrap().atime, Timestamp(5));
    assert_eq!(seal(), None, "atime is no change");
    f.rename("/a", "/b");
    f.rename("/b", "/a");
    assert_eq!(seal(), None, "there and back");
    f.layer.setattr(f.ino("/a"), &SetAttr::mode(0o600)).unwrap();
    assert_eq!(seal().unwrap().id, Revision(2));
    let listed = f.layer.revisions(&RevisionFilter { limit: Some(2), ..Default::default() }).unwrap();
    assert_eq!(listed.iter().map(|info| info.id.0).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(f.layer.revision(Revision(0)).unwrap().kind, RevisionKind::Create);
}

#[test]
fn inode_numbers_are_never_used_again() {
    let f = Fixture::new();
    let first = f.put("/a", b"").ino;
    f.unlink("/a");
    let failed = f.layer.batch(&mut |layer| {
        layer.create(ROOT_INO, &name("b"), NewNode::Directory, &NewAttr::with_mode(0o755))?;
        Err(Errno::EINTR.into())
    });
    assert_eq!(failed.unwrap_err(), Errno::EINTR);
    let f = f.reopened();
    assert!(f.put("/c", b"").ino > first);
}

#[test]
fn batches_nest_and_undo_their_own_part() {
    let f = Fixture::new();
    let make = |layer: &dyn Layer, text: &str| {
        layer.create(ROOT_INO, &name(text), NewNode::Directory, &NewAttr::with_mode(0o755))
    };
    f.layer
        .batch(&mut |outer| {
            make(outer, "a")?;
            let inner = outer.batch(&mut |inner| {
                make(inner, "b")?;
                assert_eq!(inner.getattr(ROOT_INO)?.nlink, 4);
                Err(Errno::EINTR.into())
            });
            assert_eq!(inner.unwrap_err(), Errno::EINTR);
            assert_eq!(outer.getattr(ROOT_INO)?.nlink, 3);
            assert_eq!(make(outer, "a").unwrap_err(), Errno::EEXIST);
            make(outer, "c").map(|_| ())
        })
        .unwrap();
    let names: Vec<_> =
        f.layer.readdir(ROOT_INO, None, 9).unwrap().into_iter().map(|e| e.name.to_string()).collect();
    assert_eq!(names, ["a", "c"]);
    assert_eq!(f.layer.getattr(ROOT_INO).unwrap().nlink, 4);
}

#[test]
fn readers_do_not_wait_for_a_writer() {
    let f = Fixture::new();
    f.put("/a", b"committed");
    let rev = f.seal();
    let (layer, snapshot) = (&f.layer, f.at(rev));
    layer
        .batch(&mut |batch| {
            batch.write(ino(batch, "/a"), 0, b"NOT")?;
            std::thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        assert_eq!(read(layer, "/a"), b"committed");
                        assert_eq!(read(&*snapshot, "/a"), b"committed");
                    });
                }
            });
            assert_eq!(read(layer, "/a"), b"NOTmitted");
            Ok(())
        })
        .unwrap();
    assert_eq!(read(layer, "/a"), b"NOTmitted");
}

#[test]
fn renaming_a_directory_touches_no_row_below_it() {
    let f = Fixture::new();
    f.mkdir("/d");
    for i in 0..100 {
        f.put(&format!("/d/{i}"), b"x");
    }
    f.seal();
    let before = f.layer.writer.lock().borrow().conn.total_changes();
    f.rename("/d", "/e");
    let touched = f.layer.writer.lock().borrow().conn.total_changes() - before;
    assert!(touched <= 6, "{touched} rows");
    assert_eq!(read(&f.layer, "/e/7"), b"x");
}

#[test]
fn what_a_batch_remembers_agrees_with_the_tables() {
    let f = Fixture::new();
    let file = |layer: &dyn Layer, dir: Ino, text: &str| {
        layer.create(dir, &name(text), NewNode::File(b"x"), &NewAttr::with_mode(0o644))
    };
    f.layer
        .batch(&mut |layer| {
            assert_eq!(layer.lookup(ROOT_INO, &name("d")).unwrap_err(), Errno::ENOENT);
            let dir = layer.create(ROOT_INO, &name("d"), NewNode::Directory, &NewAttr::with_mode(0o755))?.ino;
            assert_eq!(layer.lookup(dir, &name("a")).unwrap_err(), Errno::ENOENT);
            let a = file(layer, dir, "a")?;
            assert_eq!(layer.lookup(dir, &name("a"))?, a);
            assert_eq!(file(layer, dir, "a").unwrap_err(), Errno::EEXIST);
            layer.rename((dir, &name("a")), (dir, &name("b")), RenameMode::Replace)?;
            assert_eq!(layer.lookup(dir, &name("a")).unwrap_err(), Errno::ENOENT);
            file(layer, dir, "a")?;
            let undone = layer.batch(&mut |layer| {
                layer.unlink(dir, &name("a"))?;
                file(layer, dir, "c")?;
                Err(Errno::EINTR.into())
            });
            assert_eq!(undone.unwrap_err(), Errno::EINTR);
            assert_eq!(layer.lookup(dir, &name("c")).unwrap_err(), Errno::ENOENT);
            assert_eq!(file(layer, dir, "a").unwrap_err(), Errno::EEXIST);
            let time = SetAttr { atime: Some(Timestamp(7)), mode: Some(0o600), ..Default::default() };
            layer.setattr(a.ino, &time)?;
            let stat = layer.getattr(a.ino)?;
            assert_eq!((stat.atime, stat.mode), (Timestamp(7), 0o600));
            for text in ["a", "b"] {
                layer.unlink(dir, &name(text))?;
            }
            assert_eq!(layer.getattr(a.ino).unwrap_err(), Errno::ESTALE);
            layer.rmdir(ROOT_INO, &name("d"))?;
            assert_eq!(layer.lookup(dir, &name("z")).unwrap_err(), Errno::ESTALE);
            assert_eq!(layer.getattr(ROOT_INO)?.nlink, 2);
            Ok(())
        })
        .unwrap();
    assert_eq!(f.layer.check().unwrap(), CheckReport::default());
}
