use super::*;
use crate::change::{Change, ChangeKind};
use crate::path::VPathBuf;

pub(super) fn show(changes: &[Change]) -> Vec<String> {
    let line = |change: &Change| {
        let kind = match change.kind {
            ChangeKind::Added => 'A',
            ChangeKind::Removed => 'D',
            ChangeKind::Modified => 'M',
            ChangeKind::Renamed => 'R',
        };
        let from = change.from.as_ref().map_or(String::new(), |from| format!("{from} -> "));
        format!("{kind}{} {from}{}", if change.content { '*' } else { ' ' }, change.path)
    };
    changes.iter().map(line).collect()
}

pub(super) fn paths(paths: &[&str]) -> Vec<VPathBuf> {
    paths.iter().map(|path| VPathBuf::parse(path).unwrap()).collect()
}

/// A tree with a bit of everything, sealed as revision 1.
pub(super) fn sample() -> Fixture {
    let f = Fixture::new();
    for dir in ["/a", "/a/deep", "/b", "/empty"] {
        f.mkdir(dir);
    }
    for (path, data) in
        [("/a/one", "1"), ("/a/two", "2"), ("/a/deep/three", "3"), ("/b/four", "4"), ("/a-b", "5")]
    {
        f.put(path, data.as_bytes());
    }
    f.put("/b/big", &noise(5, 300_000));
    f.layer.link(f.ino("/a/two"), f.ino("/b"), &name("two-too")).unwrap();
    f.layer.create(ROOT_INO, &name("link"), NewNode::Symlink("a/one"), &NewAttr::with_mode(0o777)).unwrap();
    f.seal();
    f
}

#[test]
fn diff_lists_each_kind_of_change() {
    let f = sample();
    f.put("/a/one", b"one");
    f.unlink("/b/four");
    f.put("/b/new", b"new");
    f.rename("/a/deep", "/b/shallow");
    f.put("/b/shallow/three", b"three");
    f.layer.setattr(f.ino("/empty"), &SetAttr::mode(0o700)).unwrap();
    f.layer.setattr(f.ino("/b/big"), &SetAttr { uid: Some(7), ..Default::default() }).unwrap();
    f.layer.write(f.ino("/a/two"), 1, b"nd").unwrap();
    let two = f.seal();
    let diff = f.layer.diff(Revision(1), two).unwrap();
    assert_eq!(
        show(&diff),
        [
            "M* /a/one",
            "M* /a/two",
            "M  /b/big",
            "D* /b/four",
            "A* /b/new",
            "R  /a/deep -> /b/shallow",
            "M* /b/shallow/three",
            "M* /b/two-too",
            "M  /empty",
        ]
    );
    let big = &diff[2];
    assert_eq!((big.before.unwrap().uid, big.after.unwrap().uid), (1000, 7));
    let back = f.layer.diff(two, Revision(1)).unwrap();
    assert_eq!(back.len(), diff.len());
    assert_eq!(show(&back)[0], "R  /b/shallow -> /a/deep");
    assert!(f.layer.diff(two, two).unwrap().is_empty());
    assert_eq!(f.layer.diff(two, Revision(9)).unwrap_err(), Errno::ENOENT);
}

#[test]
fn diff_from_nothing_lists_the_tree_in_path_order() {
    let f = sample();
    let diff = show(&f.layer.diff(Revision(0), Revision(1)).unwrap());
    let order: Vec<&str> = diff.iter().map(|line| &line[3..]).collect();
    assert_eq!(
        order,
        [
            "/a",
            "/a/deep",
            "/a/deep/three",
            "/a/one",
            "/a/two",
            "/a-b",
            "/b",
            "/b/big",
            "/b/four",
            "/b/two-too",
            "/empty",
            "/link"
        ]
    );
    assert!(diff.iter().all(|line| line.starts_with('A')));
}

#[test]
fn diff_tells_replacing_a_file_from_moving_one() {
    let f = sample();
    f.put("/a/one.tmp", b"saved");
    f.rename("/a/one.tmp", "/a/one");
    f.rename("/b/four", "/a-b");
    f.unlink("/link");
    f.mkdir("/link");
    let two = f.seal();
    assert_eq!(
        show(&f.layer.diff(Revision(1), two).unwrap()),
        ["M* /a/one", "D* /a-b", "R  /b/four -> /a-b", "D* /link", "A  /link"]
    );
}

#[test]
fn diff_ignores_what_is_the_same_again() {
    let f = sample();
    let stat = f.layer.getattr(f.ino("/b/big")).unwrap();
    f.put("/b/big", &noise(5, 300_000));
    f.layer.setattr(stat.ino, &SetAttr { mtime: Some(stat.mtime), ..Default::default() }).unwrap();
    f.put("/a/one", b"1");
    f.put("/b/new", b"");
    let two = f.seal();
    assert_eq!(show(&f.layer.diff(Revision(1), two).unwrap()), ["M  /a/one", "A* /b/new"]);
}

#[test]
fn diff_pairs_hard_links_by_path() {
    let f = sample();
    f.rename("/a/two", "/a/zwei");
    f.layer.link(f.ino("/a/one"), ROOT_INO, &name("another")).unwrap();
    let two = f.seal();
    let shown = show(&f.layer.diff(Revision(1), two).unwrap());
    assert_eq!(shown, ["R  /a/two -> /a/zwei", "A* /another"]);
}

#[test]
fn a_nameless_file_is_not_there() {
    let f = sample();
    let ino = f.ino("/b/four");
    f.layer.open(ino).unwrap();
    f.unlink("/b/four");
    f.layer.write(ino, 0, b"unseen").unwrap();
    let two = f.seal();
    assert_eq!(show(&f.layer.diff(Revision(1), two).unwrap()), ["D* /b/four"]);
    f.layer.release(ino);
    assert!(!f.layer.has_open_changes().unwrap());
}

#[test]
fn diff_takes_time_for_what_changed_and_not_for_what_is_there() {
    let f = Fixture::new();
    f.layer
        .batch(&mut |layer| {
            for i in 0..20_000 {
                layer.create(
                    ROOT_INO,
                    &name(&i.to_string()),
                    NewNode::File(b"x"),
                    &NewAttr::with_mode(0o644),
                )?;
            }
            Ok(())
        })
        .unwrap();
    f.seal();
    f.put("/777", b"y");
    let two = f.seal();
    let steps = |work: &dyn Fn()| {
        let seen = Arc::new(std::sync::atomic::AtomicU64::new(0));
        let (counter, writer) = (seen.clone(), f.layer.writer.lock());
        let count = move || counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == u64::MAX;
        writer.borrow_mut().conn.progress_handler(100, Some(count)).unwrap();
        f.layer
            .batch(&mut |_| {
                work();
                Ok(())
            })
            .unwrap();
        writer.borrow_mut().conn.progress_handler(0, None::<fn() -> bool>).unwrap();
        seen.load(std::sync::atomic::Ordering::Relaxed) * 100
    };
    assert!(steps(&|| assert_eq!(f.layer.diff(Revision(1), two).unwrap().len(), 1)) < 5_000);
    assert!(steps(&|| assert_eq!(f.layer.statfs().unwrap().used_inodes, 20_001)) < 5_000);
    assert!(steps(&|| assert!(f.layer.check().is_ok())) > 20_000, "the counter counts");
}
