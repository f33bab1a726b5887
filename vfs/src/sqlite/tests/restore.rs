use super::diff::{paths, sample, show};
use super::*;

fn restore(f: &Fixture, rev: u64, only: &[&str]) -> Option<RevisionInfo> {
    f.clock.advance(1000);
    f.layer.restore(Revision(rev), &paths(only), &SealInfo::of(RevisionKind::Restore)).expect("restored")
}

/// Rearranges nearly everything in `sample`.
fn rearrange(f: &Fixture) {
    f.put("/a/one", b"one");
    f.unlink("/a/two");
    f.rename("/a/deep", "/b/deep");
    f.put("/b/deep/new", b"n");
    f.rename("/a", "/c");
    f.rename("/b/four", "/a-b");
    f.layer.write(f.ino("/b/big"), 100_000, b"patch").unwrap();
    f.unlink("/link");
    f.mkdir("/link");
    f.put("/link/inside", b"i");
    f.layer.rmdir(ROOT_INO, &name("empty")).unwrap();
    f.mkdir("/a");
    f.put("/a/one", b"another");
    f.layer.setxattr(ROOT_INO, "user.note", b"x", XattrMode::Any).unwrap();
}

#[test]
fn restoring_all_brings_back_the_same_tree_and_inodes() {
    let f = sample();
    let first = tree(&f.layer);
    rearrange(&f);
    let changed = tree(&f.layer);
    let info = restore(&f, 1, &[]).unwrap();
    assert_eq!((info.id, info.kind), (Revision(3), RevisionKind::Restore), "the open revision became 2");
    assert_eq!(tree(&f.layer), first);
    assert_eq!(tree(&*f.at(Revision(2))), changed);
    assert_eq!(show(&f.layer.diff(Revision(1), Revision(3)).unwrap()), [""; 0]);
    assert_eq!(f.layer.listxattr(ROOT_INO).unwrap(), [""; 0]);
    assert_eq!(restore(&f, 1, &[]), None, "nothing differs");
    assert_eq!(f.layer.check().unwrap(), CheckReport::default());
    restore(&f, 2, &[]).unwrap();
    assert_eq!(tree(&f.layer), changed);
    restore(&f, 0, &[]).unwrap();
    assert!(tree(&f.layer).is_empty());
    assert_eq!(f.layer.check().unwrap(), CheckReport::default());
}

#[test]
fn restoring_paths_leaves_the_rest_alone() {
    let f = sample();
    rearrange(&f);
    f.put("/other", b"kept");
    restore(&f, 1, &["/a", "/link"]).unwrap();
    let then = tree(&*f.at(Revision(1)));
    let below = |tree: Vec<String>, prefix: &str| -> Vec<String> {
        tree.into_iter().filter(|line| line.starts_with(prefix) && !line.contains("/two ")).collect()
    };
    assert_eq!(below(tree(&f.layer), "/a/"), below(then.clone(), "/a/"));
    assert_eq!(below(tree(&f.layer), "/link"), below(then, "/link"));
    assert_eq!(read(&f.layer, "/a/two"), b"2");
    assert_eq!(read(&f.layer, "/other"), b"kept");
    assert_eq!(read(&f.layer, "/c/one"), b"one", "it lives on elsewhere, as another node");
    assert_eq!(read(&f.layer, "/a/one"), b"1");
    assert_eq!(f.layer.check().unwrap(), CheckReport::default());
    let error = f.layer.restore(Revision(1), &paths(&["/nowhere"]), &SealInfo::of(RevisionKind::Restore));
    assert_eq!(error.unwrap_err(), Errno::ENOENT);
}

#[test]
fn restoring_one_file_below_directories_that_are_gone_or_moved() {
    let f = sample();
    rearrange(&f);
    restore(&f, 1, &["/a/deep/three"]).unwrap();
    assert_eq!(read(&f.layer, "/a/deep/three"), b"3");
    assert_eq!(read(&f.layer, "/a/one"), b"another");
    restore(&f, 1, &["/b/big"]).unwrap();
    assert!(read(&f.layer, "/b/big") == noise(5, 300_000));
    restore(&f, 1, &["/b/deep"]).unwrap();
    assert_eq!(f.layer.lookup(f.ino("/b"), &name("deep")).unwrap_err(), Errno::ENOENT);
    assert_eq!(f.layer.check().unwrap(), CheckReport::default());
}

#[test]
fn restored_hard_links_are_links_again() {
    let f = sample();
    f.unlink("/a/two");
    f.unlink("/b/two-too");
    f.seal();
    restore(&f, 1, &["/a/two"]).unwrap();
    restore(&f, 1, &["/b"]).unwrap();
    let stat = f.layer.getattr(f.ino("/a/two")).unwrap();
    assert_eq!((stat.ino, stat.nlink), (f.ino("/b/two-too"), 2));
    assert_eq!(f.layer.check().unwrap(), CheckReport::default());
}

#[test]
fn a_restored_file_can_be_written_and_its_past_stays() {
    let f = sample();
    f.unlink("/b/big");
    f.seal();
    restore(&f, 1, &["/b/big"]).unwrap();
    let before = f.layer.getattr(f.ino("/b/big")).unwrap().version;
    f.layer.write(f.ino("/b/big"), 0, b"!").unwrap();
    assert!(f.layer.getattr(f.ino("/b/big")).unwrap().version > before);
    f.seal();
    assert!(read(&*f.at(Revision(1)), "/b/big") == noise(5, 300_000));
    assert!(read(&*f.at(Revision(3)), "/b/big") == noise(5, 300_000));
    assert_eq!(f.layer.check().unwrap(), CheckReport::default());
}
