//! What things cost in steps of SQLite's machine, which no busy computer changes: the same in a small tree as in a
//! large one, in a plain workspace as in a fork.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

const SMALL: usize = 50;
const LARGE: usize = 3_000;

/// Steps that `work` makes on either of a layer's connections, in hundreds.
fn steps(layer: &SqliteLayer, work: impl FnOnce(&SqliteLayer)) -> u64 {
    let count = Arc::new(AtomicU64::new(0));
    let hook = |conn: &mut rusqlite::Connection, count: Option<Arc<AtomicU64>>| {
        let step = |count: Arc<AtomicU64>| {
            move || {
                count.fetch_add(1, Ordering::Relaxed);
                false
            }
        };
        conn.progress_handler(100, count.map(step)).expect("a handler can be set");
    };
    hook(&mut layer.writer.lock().borrow_mut().conn, Some(count.clone()));
    hook(&mut layer.shared.reader().unwrap(), Some(count.clone()));
    work(layer);
    hook(&mut layer.writer.lock().borrow_mut().conn, None);
    hook(&mut layer.shared.reader().unwrap(), None);
    count.load(Ordering::Relaxed)
}

fn filled(files: usize) -> Fixture {
    let f = Fixture::new();
    f.mkdir("/dir");
    f.put("/large", &noise(7, 400_000));
    f.layer
        .batch(&mut |layer| {
            let dir = ino(layer, "/dir");
            (0..files).try_for_each(|i| {
                let (file, data) = (name(&format!("f{i}")), format!("file {i}"));
                let new = NewNode::File(data.as_bytes());
                layer.create(dir, &file, new, &NewAttr::with_mode(0o644)).map(|_| ())
            })
        })
        .unwrap();
    f.seal();
    f
}

/// Runs `work` over trees of both sizes, plain and forked twice.
fn is_flat(what: &str, work: fn(&SqliteLayer)) {
    let cost = |files| {
        let f = filled(files);
        let plain = steps(&f.layer, work);
        let fork = f.layer.fork(f.path.with_file_name("fork.cowry"), Revision(1)).unwrap();
        create(&fork, "between");
        fork.seal(&SealInfo::of(RevisionKind::Edit)).unwrap();
        let second = fork.fork(f.path.with_file_name("second.cowry"), fork.head().unwrap()).unwrap();
        [plain, steps(&second, work)]
    };
    let (small, large) = (cost(SMALL), cost(LARGE));
    for (small, large) in small.into_iter().zip(large) {
        assert!(large <= small + small / 2 + 2, "{what}: {small} hundred steps, in a large tree {large}");
    }
}

fn create(layer: &SqliteLayer, file: &str) {
    let _ = layer.create(ROOT_INO, &name(file), NewNode::File(b"x"), &NewAttr::with_mode(0o644));
}

#[test]
fn looking_reading_and_listing_a_page() {
    is_flat("reading", |layer| {
        let dir = ino(layer, "/dir");
        for i in 0..20 {
            let stat = layer.lookup(dir, &name(&format!("f{i}"))).unwrap();
            assert_eq!(layer.getattr(stat.ino).unwrap().size, stat.size);
            assert!(layer.read(stat.ino, 0, 100).unwrap().starts_with(b"file"));
            assert!(layer.lookup(dir, &name("none")).is_err());
        }
        assert_eq!(layer.readdir(dir, Some(&name("f1")), 20).unwrap().len(), 20);
        let large = ino(layer, "/large");
        assert_eq!(layer.read(large, 300_000, 10_000).unwrap().len(), 10_000);
    });
}

#[test]
fn changing_sealing_and_comparing() {
    is_flat("changing", |layer| {
        let (dir, before) = (ino(layer, "/dir"), layer.head().unwrap());
        create(layer, "new");
        layer.unlink(dir, &name("f3")).unwrap();
        layer.write(ino(layer, "/dir/f4"), 2, b"changed").unwrap();
        layer.write(ino(layer, "/large"), 200_000, b"changed").unwrap();
        layer.rename((dir, &name("f5")), (ROOT_INO, &name("moved")), RenameMode::Replace).unwrap();
        layer.rename((ROOT_INO, &name("dir")), (ROOT_INO, &name("dir2")), RenameMode::Replace).unwrap();
        let after = layer.seal(&SealInfo::of(RevisionKind::Edit)).unwrap().unwrap().id;
        assert_eq!(layer.diff(before, after).unwrap().len(), 6);
        assert_eq!(layer.diff(after, before).unwrap().len(), 6);
    });
}

#[test]
fn comparing_with_what_a_parent_had_before() {
    let cost = |files| {
        let f = filled(files);
        f.put("/a", b"of the parent");
        f.seal();
        let fork = f.fork("fork.cowry");
        create(&fork, "b");
        fork.seal(&SealInfo::of(RevisionKind::Edit)).unwrap();
        steps(&fork, |fork| assert_eq!(fork.diff(Revision(1), Revision(3)).unwrap().len(), 2))
    };
    let (small, large) = (cost(SMALL), cost(LARGE));
    assert!(large <= small + small / 2 + 2, "{small} hundred steps, in a large tree {large}");
}

#[test]
fn opening_and_forking() {
    let cost = |files| {
        let f = filled(files);
        let forking = steps(&f.layer, |layer| {
            drop(layer.fork(f.path.with_file_name("fork.cowry"), Revision(1)).unwrap());
        });
        let again = f.other();
        [forking, steps(&again, |layer| assert_eq!(layer.head().unwrap(), Revision(1)))]
    };
    assert_eq!(cost(SMALL), cost(LARGE));
}
