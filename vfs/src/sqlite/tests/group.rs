//! Changes of many threads in one transaction.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// A workspace that syncs, and how many transactions it has committed.
fn counted() -> (Fixture, Arc<AtomicUsize>) {
    let f = Fixture::with(&|options| SqliteOptions { durability: Durability::Fsync, ..options });
    let commits = Arc::new(AtomicUsize::new(0));
    let counter = commits.clone();
    let hook = move || {
        counter.fetch_add(1, Ordering::SeqCst);
        false
    };
    f.layer.writer.lock().borrow_mut().conn.commit_hook(Some(hook)).unwrap();
    (f, commits)
}

fn make(layer: &SqliteLayer, file: &str) -> NodeResult<Stat> {
    layer.create(ROOT_INO, &name(file), NewNode::File(b"x"), &NewAttr::with_mode(0o644))
}

/// Runs each of `changes` on a thread of its own, all of which wait for a batch that makes `first`. What they returned.
fn together<T: Send>(
    f: &Fixture,
    changes: &[&(dyn Fn(&SqliteLayer) -> T + Sync)],
) -> (NodeResult<()>, Vec<T>) {
    let layer = &f.layer;
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        let first = layer.batch(&mut |layer_in_batch| {
            layer_in_batch.create(
                ROOT_INO,
                &name("first"),
                NewNode::File(b"x"),
                &NewAttr::with_mode(0o644),
            )?;
            threads = changes.iter().map(|change| scope.spawn(move || change(layer))).collect();
            while layer.writer.waiting() < changes.len() {
                std::thread::yield_now();
            }
            Ok(())
        });
        (first, threads.into_iter().map(|thread| thread.join().unwrap()).collect())
    })
}

fn names(layer: &dyn Layer) -> Vec<String> {
    layer.readdir(ROOT_INO, None, usize::MAX).unwrap().iter().map(|e| e.name.to_string()).collect()
}

#[test]
fn changes_that_wait_share_a_transaction() {
    let (f, commits) = counted();
    let change = |file: &'static str| move |layer: &SqliteLayer| make(layer, file).map(|_| ());
    let batch = |layer: &SqliteLayer| {
        layer.batch(&mut |layer| layer.setattr(ROOT_INO, &SetAttr::mode(0o700)).map(|_| ()))
    };
    let (first, others) = together(&f, &[&change("a"), &change("b"), &batch, &change("c")]);
    first.unwrap();
    others.into_iter().for_each(|result| result.unwrap());
    assert_eq!(commits.load(Ordering::SeqCst), 1);
    assert_eq!(names(&f.other()), ["a", "b", "c", "first"]);
    assert_eq!(f.other().getattr(ROOT_INO).unwrap().mode, 0o700);
    assert_eq!(f.layer.check().unwrap(), CheckReport::default());
}

#[test]
fn without_fsync_there_is_nothing_to_share() {
    let (f, commits) = counted();
    f.layer.set_durability(Durability::Relaxed).unwrap();
    let before = commits.load(Ordering::SeqCst);
    let (first, others) = together(&f, &[&|layer: &SqliteLayer| make(layer, "a")]);
    first.unwrap();
    others.into_iter().for_each(|result| _ = result.unwrap());
    assert_eq!(commits.load(Ordering::SeqCst) - before, 2);
}

#[test]
fn a_change_that_fails_undoes_nothing_of_the_others() {
    let (f, commits) = counted();
    let taken = |layer: &SqliteLayer| make(layer, "first").map(|_| ());
    let half = |layer: &SqliteLayer| {
        layer.batch(&mut |layer| {
            layer.create(ROOT_INO, &name("half"), NewNode::Directory, &NewAttr::with_mode(0o755))?;
            Err(Errno::ENOSPC.into())
        })
    };
    let good = |layer: &SqliteLayer| make(layer, "good").map(|_| ());
    let (first, others) = together(&f, &[&taken, &half, &good, &half]);
    first.unwrap();
    let errors: Vec<_> = others.iter().map(|result| result.as_ref().err().map(|e| e.errno())).collect();
    assert_eq!(errors, [Some(Errno::EEXIST), Some(Errno::ENOSPC), None, Some(Errno::ENOSPC)]);
    assert_eq!(commits.load(Ordering::SeqCst), 1);
    assert_eq!(names(&f.other()), ["first", "good"]);
    assert_eq!(f.layer.getattr(ROOT_INO).unwrap().nlink, 2);
    assert_eq!(f.layer.check().unwrap(), CheckReport::default());
}

#[test]
fn a_change_that_panics_undoes_nothing_of_the_others() {
    let (f, _) = counted();
    let panics = |layer: &SqliteLayer| {
        let batch = || {
            layer.batch(&mut |layer| {
                layer.create(ROOT_INO, &name("half"), NewNode::Directory, &NewAttr::with_mode(0o755))?;
                panic!("on purpose")
            })
        };
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(batch)).is_err()
    };
    let single = |layer: &SqliteLayer| {
        let change = || layer.change(|_| -> NodeResult<()> { panic!("on purpose") });
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(change)).is_err()
    };
    let (first, others) =
        together(&f, &[&panics, &single, &|layer: &SqliteLayer| make(layer, "good").is_ok(), &single]);
    first.unwrap();
    assert_eq!(others, [true; 4]);
    assert_eq!(names(&f.other()), ["first", "good"]);
    make(&f.layer, "later").unwrap();
    assert_eq!(names(&f.other()), ["first", "good", "later"]);
}

#[test]
fn a_commit_that_fails_is_reported_to_everybody() {
    let (f, _) = counted();
    f.layer.writer.lock().borrow_mut().conn.commit_hook(Some(|| true)).unwrap();
    let change = |file: &'static str| move |layer: &SqliteLayer| make(layer, file).map(|_| ());
    let (first, others) = together(&f, &[&change("a"), &change("b")]);
    assert!(first.is_err() && others.iter().all(Result::is_err), "{first:?} {others:?}");
    assert_eq!(names(&f.layer), [""; 0]);
    f.layer.writer.lock().borrow_mut().conn.commit_hook(None::<fn() -> bool>).unwrap();
    make(&f.layer, "later").unwrap();
    assert_eq!(names(&f.other()), ["later"]);
}

#[test]
fn nobody_sees_a_change_before_it_is_committed() {
    let (f, _) = counted();
    let seen = |layer: &SqliteLayer| {
        let before = layer.lookup(ROOT_INO, &name("first")).is_ok();
        make(layer, "a").map(|_| before)
    };
    let (first, others) = together(&f, &[&seen]);
    first.unwrap();
    assert!(!others[0].as_ref().unwrap());
}

#[test]
fn a_lock_within_a_change_of_ones_own_is_no_deadlock() {
    let (f, _) = counted();
    let held = |layer: &SqliteLayer| {
        let _writer = layer.writer.lock();
        make(layer, "held").map(|_| ())
    };
    let (first, others) = together(&f, &[&held, &held, &|layer: &SqliteLayer| make(layer, "a").map(|_| ())]);
    first.unwrap();
    assert_eq!(others.iter().filter(|result| result.is_ok()).count(), 2);
    assert_eq!(names(&f.other()), ["a", "first", "held"]);
}

#[test]
fn a_writer_that_never_rests_lets_another_process_write() {
    let f = Fixture::with(&|options| SqliteOptions { busy_timeout: Duration::from_secs(120), ..options });
    let other = SqliteLayer::open(&f.path, f.layer.options()).unwrap();
    let done = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while done.load(Ordering::SeqCst) == 0 {
                f.layer.setattr(ROOT_INO, &SetAttr::mode(0o700)).unwrap();
            }
        });
        let result = (0..50).try_for_each(|i| make(&other, &i.to_string()).map(|_| ()));
        done.store(1, Ordering::SeqCst);
        result.unwrap();
    });
    assert_eq!(names(&f.layer).len(), 50);
}

#[test]
fn many_threads_with_everything_at_once() {
    let (f, _) = counted();
    let layer = &f.layer;
    std::thread::scope(|scope| {
        for thread in 0..6 {
            scope.spawn(move || {
                for i in 0..20 {
                    let file = make(layer, &format!("{thread}-{i}")).unwrap();
                    layer.open(file.ino).unwrap();
                    if i % 2 == 0 {
                        layer.unlink(ROOT_INO, &name(&format!("{thread}-{i}"))).unwrap();
                    }
                    layer.write(file.ino, 1, b"more").unwrap();
                    layer.release(file.ino);
                    if i % 5 == 0 {
                        layer.seal(&SealInfo::of(RevisionKind::Edit)).unwrap();
                        layer.fsync(None).unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(names(layer).len(), 60);
    assert_eq!(layer.check().unwrap(), CheckReport::default());
}
