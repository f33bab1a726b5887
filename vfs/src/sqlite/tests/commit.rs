use super::diff::{sample, show};
use super::*;
use crate::commit::{InoMap, Judge, PersistAll, Verdict};
use crate::overlay::{Overlay, OverlayOptions};
use crate::path::VPathBuf;

const HOUR: Duration = Duration::from_secs(3600);

/// An overlay on the latest revision.
fn overlay(f: &Fixture) -> (Revision, Overlay) {
    let base = f.layer.head().unwrap();
    let options = OverlayOptions { clock: f.clock.clone(), ..OverlayOptions::default() };
    (base, Overlay::new(f.at(base), options))
}

fn put(layer: &dyn Layer, path: &str, data: &[u8]) {
    let (dir, last) = path.rsplit_once('/').unwrap();
    let (dir, last) = (ino(layer, dir), name(last));
    match layer.lookup(dir, &last) {
        Ok(stat) => {
            layer.setattr(stat.ino, &SetAttr::size(0)).unwrap();
            layer.write(stat.ino, 0, data).unwrap();
        }
        Err(_) => _ = layer.create(dir, &last, NewNode::File(data), &NewAttr::with_mode(0o644)).unwrap(),
    }
}

fn commit_as(
    f: &Fixture,
    base: Revision,
    after: &Overlay,
    judge: &dyn Judge,
) -> Result<Committed, CommitError> {
    f.clock.advance(1000);
    f.layer.commit(CommitRequest {
        base,
        own: &[],
        before: None,
        after,
        committed: &mut InoMap::new(),
        judge,
        info: &SealInfo {
            message: Some("m".into()),
            run: Some("r1".into()),
            ..SealInfo::of(RevisionKind::Run)
        },
    })
}

/// Lets everything expire after an hour.
#[derive(Debug)]
struct ExpireAll;

impl Judge for ExpireAll {
    fn verdict(&self, _: &VPathBuf) -> Verdict {
        Verdict::Expire(HOUR)
    }
    fn verdict_below(&self, path: &VPathBuf) -> Option<Verdict> {
        Some(self.verdict(path))
    }
}

#[test]
fn a_commit_is_one_revision_with_what_the_overlay_had() {
    let f = sample();
    let (base, over) = overlay(&f);
    put(&over, "/a/one", b"changed");
    put(&over, "/new", &noise(3, 400_000));
    over.rename((ROOT_INO, &name("b")), (ino(&over, "/a"), &name("b")), RenameMode::Replace).unwrap();
    over.unlink(ROOT_INO, &name("link")).unwrap();
    let done = commit_as(&f, base, &over, &PersistAll).unwrap();
    assert_eq!(done.revision, Some(Revision(2)));
    assert_eq!(tree(&f.layer), tree(&over));
    assert_eq!(tree(&*f.at(Revision(2))), tree(&over));
    let info = f.layer.revision(Revision(2)).unwrap();
    assert_eq!((info.kind, info.run.as_deref()), (RevisionKind::Run, Some("r1")));
    assert_eq!(
        show(&f.layer.diff(base, Revision(2)).unwrap()),
        ["R  /b -> /a/b", "M* /a/one", "D* /link", "A* /new"]
    );
    assert_eq!(f.layer.check().unwrap(), CheckReport::default());
}

#[test]
fn direct_writes_become_a_revision_of_their_own_first() {
    let f = sample();
    let (base, over) = overlay(&f);
    put(&over, "/ran", b"1");
    f.put("/direct", b"2");
    assert_eq!(commit_as(&f, base, &over, &PersistAll).unwrap().revision, Some(Revision(3)));
    assert_eq!(show(&f.layer.diff(Revision(1), Revision(2)).unwrap()), ["A* /direct"]);
    assert_eq!(show(&f.layer.diff(Revision(2), Revision(3)).unwrap()), ["A* /ran"]);
}

#[test]
fn a_conflict_commits_nothing_at_all() {
    let f = sample();
    let (base, over) = overlay(&f);
    put(&over, "/a/one", b"mine");
    put(&over, "/other", b"mine");
    f.put("/a/one", b"theirs");
    let before = tree(&f.layer);
    let Err(CommitError::Conflict(conflicts)) = commit_as(&f, base, &over, &PersistAll) else {
        panic!("no conflict")
    };
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0].to_string(), "/a/one: written on both sides (revision 2)");
    assert_eq!(tree(&f.layer), before);
    assert_eq!(f.layer.head().unwrap(), Revision(1), "the direct write is still unsealed");
    f.seal();
    assert!(commit_as(&f, base, &over, &PersistAll).is_err());
}

#[test]
fn nothing_changed_is_no_revision() {
    let f = sample();
    let (base, over) = overlay(&f);
    put(&over, "/x", b"");
    over.unlink(ROOT_INO, &name("x")).unwrap();
    assert_eq!(commit_as(&f, base, &over, &PersistAll).unwrap().revision, None);
    assert_eq!(f.layer.head().unwrap(), base);
}

#[test]
fn a_failure_half_way_leaves_no_trace() {
    let f = sample();
    let (base, over) = overlay(&f);
    for i in 0..50 {
        put(&over, &format!("/new-{i}"), b"x");
    }
    let before = (tree(&f.layer), f.layer.getattr(ROOT_INO).unwrap());
    f.sql("CREATE TRIGGER fail BEFORE INSERT ON entry WHEN new.name = 'new-33' BEGIN SELECT RAISE(ABORT, 'no'); END");
    let Err(CommitError::Node(error)) = commit_as(&f, base, &over, &PersistAll) else {
        panic!("it went through")
    };
    assert_eq!(error, Errno::EIO);
    assert_eq!((tree(&f.layer), f.layer.getattr(ROOT_INO).unwrap()), before);
    f.sql("DROP TRIGGER fail");
    commit_as(&f, base, &over, &PersistAll).unwrap();
    assert_eq!(f.layer.check().unwrap(), CheckReport::default());
}

#[test]
fn an_operation_that_fails_half_way_undoes_its_batch() {
    let f = Fixture::new();
    f.sql("CREATE TRIGGER fail BEFORE INSERT ON entry WHEN new.name = 'bad' BEGIN SELECT RAISE(ABORT, 'no'); END");
    let make = |layer: &dyn Layer, text: &str| {
        layer.create(ROOT_INO, &name(text), NewNode::File(b"x"), &NewAttr::with_mode(0o644))
    };
    let done = f.layer.batch(&mut |layer| {
        make(layer, "good")?;
        assert_eq!(make(layer, "bad").unwrap_err(), Errno::EIO);
        assert_eq!(make(layer, "late").unwrap_err(), Errno::EIO, "nothing but undoing is left");
        Ok(())
    });
    assert_eq!(done.unwrap_err(), Errno::EIO);
    assert!(tree(&f.layer).is_empty());
    make(&f.layer, "again").unwrap();
}

#[test]
fn a_session_goes_on_after_its_commits() {
    let f = sample();
    let (base, over) = overlay(&f);
    let mut map = InoMap::new();
    let (mut before, mut own) = (None, Vec::new());
    for round in 0..3u8 {
        put(&over, "/mine", &[round]);
        put(&over, "/a/one", &[round; 3]);
        f.put(&format!("/theirs-{round}"), b"");
        let done = f
            .layer
            .commit(CommitRequest {
                base,
                own: &own,
                before: before.as_ref(),
                after: &over,
                committed: &mut map,
                judge: &PersistAll,
                info: &SealInfo::of(RevisionKind::Session),
            })
            .unwrap();
        own.extend(done.revision);
        before = Some(over.fork());
    }
    assert_eq!(own, [Revision(3), Revision(5), Revision(7)]);
    assert_eq!((read(&f.layer, "/mine"), read(&f.layer, "/a/one")), (vec![2], vec![2; 3]));
    assert_eq!(f.layer.check().unwrap(), CheckReport::default());
}

#[test]
fn expired_paths_go_in_a_revision_of_their_own() {
    let f = sample();
    let (base, over) = overlay(&f);
    for path in ["/short", "/replaced", "/rewritten"] {
        put(&over, path, b"x");
    }
    over.create(ROOT_INO, &name("dir"), NewNode::Directory, &NewAttr::with_mode(0o755)).unwrap();
    put(&over, "/dir/inner", b"x");
    commit_as(&f, base, &over, &ExpireAll).unwrap();
    f.put("/replaced.new", b"another file");
    f.rename("/replaced.new", "/replaced");
    f.seal();
    let (base, over) = overlay(&f);
    f.clock.advance(HOUR.as_nanos() as i64 + 1);
    put(&over, "/rewritten", b"y");
    let done = commit_as(&f, base, &over, &PersistAll).unwrap();
    assert_eq!(done.revision, Some(Revision(5)));
    assert_eq!(f.layer.revision(Revision(4)).unwrap().kind, RevisionKind::Expire);
    assert_eq!(
        show(&f.layer.diff(Revision(3), Revision(4)).unwrap()),
        ["D  /dir", "D* /dir/inner", "D* /short"]
    );
    assert_eq!(read(&f.layer, "/rewritten"), b"y", "the commit says it stays");
    let report = f.layer.gc().unwrap();
    assert_eq!(report.expired, None);
    assert_eq!(f.layer.check().unwrap(), CheckReport::default());
}

#[test]
fn gc_removes_what_has_expired_and_gives_space_back() {
    let f = Fixture::new();
    let (base, over) = overlay(&f);
    put(&over, "/short", b"x");
    commit_as(&f, base, &over, &ExpireAll).unwrap();
    f.put("/big", &noise(1, 4 << 20));
    let until = Timestamp(START + HOUR.as_nanos() as i64);
    f.layer.put_run_changes("r1", KeptChanges { changes: &[0; 1 << 20], until, base: None }).unwrap();
    f.unlink("/big");
    assert_eq!(f.layer.gc().unwrap().expired, None);
    f.clock.advance(2 * HOUR.as_nanos() as i64);
    let report = f.layer.gc().unwrap();
    assert_eq!((report.expired, report.runs), (Some(Revision(2)), 1));
    assert!(report.bytes >= 1 << 20, "{report:?}");
    assert!(f.file_bytes() < 200_000, "{}", f.file_bytes());
    assert_eq!(f.layer.batch(&mut |_| f.layer.gc().map(|_| ())).unwrap_err(), Errno::EBUSY);
}

/// Discards what is below `/tmp`.
#[derive(Debug)]
struct NotTmp;

impl Judge for NotTmp {
    fn verdict(&self, path: &VPathBuf) -> Verdict {
        if path.starts_with("/tmp/") { Verdict::Discard } else { Verdict::Persist }
    }
    fn verdict_below(&self, path: &VPathBuf) -> Option<Verdict> {
        path.starts_with("/tmp/").then_some(Verdict::Discard)
    }
}

#[test]
fn a_link_that_others_made_since_lets_nothing_into_what_is_discarded() {
    let f = sample();
    f.mkdir("/tmp");
    f.seal();
    let (base, over) = overlay(&f);
    put(&over, "/a/one", b"mine");
    let (tmp, name) = f.parent("/tmp/theirs");
    f.layer.link(f.ino("/a/one"), tmp, &name).unwrap();
    let was = read(&f.layer, "/tmp/theirs");
    let Err(CommitError::Conflict(conflicts)) = commit_as(&f, base, &over, &NotTmp) else {
        panic!("no conflict")
    };
    assert_eq!(conflicts[0].to_string(), "/tmp/theirs: written on both sides (revision 3)");
    f.seal();
    let (base, over) = overlay(&f);
    put(&over, "/a/one", b"mine");
    commit_as(&f, base, &over, &NotTmp).unwrap();
    assert_eq!((read(&f.layer, "/a/one"), read(&f.layer, "/tmp/theirs")), (b"mine".to_vec(), was));
    assert_eq!(f.layer.check().unwrap(), CheckReport::default());
}

#[test]
fn what_a_session_made_conflicts_like_what_was_there_before() {
    let check = |theirs: &dyn Fn(&Fixture), ours: &dyn Fn(&Overlay), expected: &str| {
        let f = sample();
        let (base, over) = overlay(&f);
        let (mut map, mut own, info) = (InoMap::new(), Vec::new(), SealInfo::of(RevisionKind::Session));
        over.create(ROOT_INO, &name("dir"), NewNode::Directory, &NewAttr::with_mode(0o755)).unwrap();
        put(&over, "/dir/file", b"made");
        let mut before: Option<Overlay> = None;
        for round in 0..2 {
            let done = f.layer.commit(CommitRequest {
                base,
                own: &own,
                before: before.as_ref(),
                after: &over,
                committed: &mut map,
                judge: &PersistAll,
                info: &info,
            });
            match (round, done) {
                (0, done) => own.extend(done.unwrap().revision),
                (_, Err(CommitError::Conflict(found))) => {
                    assert!(found.iter().any(|c| c.to_string() == expected), "{found:?}");
                }
                (_, done) => panic!("no conflict: {done:?}"),
            }
            before = Some(over.fork());
            theirs(&f);
            ours(&over);
        }
    };
    check(
        &|f| _ = f.put("/dir/file", b"theirs"),
        &|over| put(over, "/dir/file", b"mine"),
        "/dir/file: written on both sides (revision 3)",
    );
    check(
        &|f| _ = f.put("/dir/new", b"theirs"),
        &|over| put(over, "/dir/new", b"mine"),
        "/dir/new: made, removed or replaced on both sides (revision 3)",
    );
    check(
        &|f| {
            let there = f.layer.lookup(ROOT_INO, &name("dir")).is_ok();
            if there {
                f.rename("/dir", "/elsewhere");
            }
        },
        &|over| put(over, "/dir/more", b"mine"),
        "/dir/more: changed here and a directory above it removed or moved there (revision 3)",
    );
}
