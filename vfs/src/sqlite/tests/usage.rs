use super::*;
use crate::node::Allocate;

fn used(f: &Fixture) -> (u64, u64) {
    let stat = f.layer.statfs().unwrap();
    (stat.used_bytes, stat.used_inodes)
}

fn bytes(max: u64) -> Quota {
    Quota { bytes: Some(max), inodes: None }
}

fn create(layer: &dyn Layer, text: &str, data: &[u8]) -> NodeResult<Stat> {
    layer.create(ROOT_INO, &name(text), NewNode::File(data), &NewAttr::with_mode(0o644))
}

#[track_caller]
fn is_sound(f: &Fixture) {
    assert_eq!(f.layer.check().unwrap().problems, [""; 0]);
}

#[test]
fn counts_live_content_without_holes() {
    let f = Fixture::new();
    assert_eq!(used(&f), (0, 1));
    let file = f.put("/a", &noise(1, 100_000));
    f.mkdir("/d");
    f.put("/d/b", b"inline");
    assert_eq!(used(&f), (100_006, 4));
    f.layer.setattr(file.ino, &SetAttr::size(1 << 40)).unwrap();
    f.layer.allocate(file.ino, Allocate::Punch, 0, 40_000).unwrap();
    assert_eq!(used(&f), (60_006, 4));
    f.layer.setattr(file.ino, &SetAttr::size(50_000)).unwrap();
    f.unlink("/d/b");
    assert_eq!(used(&f), (10_000, 3));
    is_sound(&f);
}

#[test]
fn counts_across_revisions_names_and_reopening() {
    let f = Fixture::new();
    let file = f.put("/a", b"one");
    f.seal();
    f.put("/a", b"three");
    f.layer.link(file.ino, ROOT_INO, &name("b")).unwrap();
    f.seal();
    f.unlink("/a");
    assert_eq!(used(&f), (5, 2));
    let f = f.reopened();
    assert_eq!(used(&f), (5, 2));
    f.layer.restore(Revision(1), &[], &SealInfo::of(RevisionKind::Restore)).unwrap();
    assert_eq!(used(&f), (3, 2));
    f.unlink("/a");
    f.layer
        .restore(Revision(2), &[crate::VPathBuf::parse("/b").unwrap()], &SealInfo::of(RevisionKind::Restore))
        .unwrap();
    assert_eq!(used(&f), (5, 2));
    is_sound(&f);
}

#[test]
fn nameless_file_counts_until_it_is_released() {
    let f = Fixture::new();
    let file = f.put("/a", b"held");
    f.layer.open(file.ino).unwrap();
    f.unlink("/a");
    assert_eq!(used(&f), (4, 2));
    f.layer.release(file.ino);
    assert_eq!(used(&f), (0, 1));
    is_sound(&f);
}

#[test]
fn undone_batches_count_nothing() {
    let f = Fixture::new();
    let undone = f.layer.batch(&mut |layer| {
        create(layer, "a", b"kept by the outer batch")?;
        let inner = layer.batch(&mut |layer| {
            create(layer, "b", b"gone")?;
            assert_eq!(layer.statfs()?.used_inodes, 3);
            Err(Errno::EIO.into())
        });
        assert_eq!(inner.unwrap_err(), Errno::EIO);
        assert_eq!(layer.statfs()?.used_inodes, 2);
        Ok(())
    });
    undone.unwrap();
    assert_eq!(used(&f), (23, 2));
    f.layer.batch(&mut |layer| create(layer, "c", b"x").and(Err(Errno::EIO.into()))).unwrap_err();
    assert_eq!(used(&f), (23, 2));
    is_sound(&f);
}

#[test]
fn full_of_bytes() {
    let f = Fixture::new();
    f.layer.set_quota(bytes(100_000)).unwrap();
    let file = f.put("/a", &noise(1, 99_990));
    assert_eq!(f.layer.statfs().unwrap().total_bytes, 100_000);
    assert_eq!(create(&f.layer, "b", b"eleven byte").unwrap_err(), Errno::EDQUOT);
    assert_eq!(f.layer.append(file.ino, b"eleven byte").unwrap_err(), Errno::EDQUOT);
    assert_eq!(f.layer.lookup(ROOT_INO, &name("b")).unwrap_err(), Errno::ENOENT);
    f.layer.append(file.ino, b"ten bytes!").unwrap();
    // What adds nothing works in a full workspace.
    f.layer.write(file.ino, 50_000, &noise(2, 10_000)).unwrap();
    f.layer.setattr(file.ino, &SetAttr::size(1 << 40)).unwrap();
    assert_eq!(f.layer.write(file.ino, 1 << 30, b"x").unwrap_err(), Errno::EDQUOT);
    f.layer.allocate(file.ino, Allocate::Punch, 0, 10).unwrap();
    f.layer.write(file.ino, 1 << 30, b"x").unwrap();
    is_sound(&f);
}

#[test]
fn full_of_inodes() {
    let f = Fixture::new();
    f.layer.set_quota(Quota { bytes: None, inodes: Some(3) }).unwrap();
    let file = f.put("/a", b"");
    f.mkdir("/d");
    assert_eq!(create(&f.layer, "b", b"").unwrap_err(), Errno::EDQUOT);
    f.layer.link(file.ino, ROOT_INO, &name("b")).unwrap();
    f.layer.setattr(file.ino, &SetAttr::mode(0o600)).unwrap();
    f.layer.rmdir(ROOT_INO, &name("d")).unwrap();
    create(&f.layer, "c", b"").unwrap();
    is_sound(&f);
}

#[test]
fn refused_in_a_batch_leaves_the_batch_usable() {
    let f = Fixture::new();
    f.layer.set_quota(bytes(10)).unwrap();
    f.layer
        .batch(&mut |layer| {
            let file = create(layer, "a", b"12345")?;
            assert_eq!(create(layer, "b", b"123456").unwrap_err(), Errno::EDQUOT);
            assert_eq!(layer.append(file.ino, b"123456").unwrap_err(), Errno::EDQUOT);
            layer.append(file.ino, b"12345").map(drop)
        })
        .unwrap();
    assert_eq!(used(&f), (10, 2));
    is_sound(&f);
}

#[test]
fn quota_is_everybodys_and_can_be_lifted() {
    let f = Fixture::new();
    f.put("/a", b"already there");
    let other = f.other();
    f.layer.set_quota(bytes(5)).unwrap();
    assert_eq!(other.quota().unwrap(), bytes(5));
    assert_eq!(create(&other, "b", b"x").unwrap_err(), Errno::EDQUOT);
    other.set_quota(Quota::default()).unwrap();
    create(&f.layer, "b", b"x").unwrap();
}

#[test]
fn check_tells_of_a_wrong_count() {
    let f = Fixture::new();
    f.put("/a", b"four");
    f.sql("UPDATE meta SET used_bytes = 5");
    let problems = f.layer.check().unwrap().problems;
    assert_eq!(problems, ["the tree is said to take up 5 bytes in 2 nodes, it takes up 4 in 2"]);
}

#[test]
fn past_65000_links_is_emlink() {
    let f = Fixture::new();
    let (file, dir) = (f.put("/f", b""), f.mkdir("/d"));
    f.sql("UPDATE inode SET nlink = 65000 WHERE ino <> 1");
    assert_eq!(f.layer.link(file.ino, ROOT_INO, &name("g")).unwrap_err(), Errno::EMLINK);
    let made = f.layer.create(dir.ino, &name("sub"), NewNode::Directory, &NewAttr::with_mode(0o755));
    assert_eq!(made.unwrap_err(), Errno::EMLINK);
    f.layer.create(dir.ino, &name("file"), NewNode::File(b""), &NewAttr::with_mode(0o644)).unwrap();
    f.mkdir("/e");
    let (from, to) = ((ROOT_INO, &name("e")), (dir.ino, &name("e")));
    assert_eq!(f.layer.rename(from, to, RenameMode::Replace).unwrap_err(), Errno::EMLINK);
}

#[test]
fn restoring_stays_within_the_quota() {
    let f = Fixture::new();
    f.mkdir("/d");
    f.put("/d/a", &[1; 5000]);
    f.put("/d/b", &[2; 5000]);
    let rev = f.seal();
    f.unlink("/d/a");
    f.unlink("/d/b");
    f.seal();
    f.put("/unsealed", b"1234");
    let (now, head) = (tree(&f.layer), f.layer.head().unwrap());
    let restore = |paths: &[&str]| {
        let paths: Vec<_> = paths.iter().map(|path| crate::path::VPathBuf::parse(path).unwrap()).collect();
        f.layer.restore(rev, &paths, &SealInfo::of(RevisionKind::Restore))
    };
    for quota in [Quota { bytes: Some(9000), inodes: None }, Quota { bytes: None, inodes: Some(3) }] {
        f.layer.set_quota(quota).unwrap();
        for paths in [&[][..], &["/d/a", "/d/b"][..]] {
            assert_eq!(restore(paths).unwrap_err(), Errno::EDQUOT, "{quota:?} {paths:?}");
            assert_eq!((tree(&f.layer), f.layer.head().unwrap()), (now.clone(), head));
        }
    }
    f.layer.set_quota(Quota { bytes: Some(9000), inodes: None }).unwrap();
    restore(&["/d/a"]).unwrap().expect("there is room for one");
    f.layer.set_quota(Quota { bytes: Some(10), inodes: None }).unwrap();
    f.layer.restore(Revision(2), &[], &SealInfo::of(RevisionKind::Restore)).unwrap().expect("it shrinks");
    assert_eq!(f.layer.check().unwrap(), CheckReport::default());
}
