//! Lists of revisions.

use super::*;
use crate::path::VPathBuf;

fn ids(f: &Fixture, filter: &RevisionFilter) -> Vec<u64> {
    f.layer.revisions(filter).unwrap().iter().map(|info| info.id.0).collect()
}

fn seal(f: &Fixture, kind: RevisionKind, message: &str, run: Option<&str>) {
    f.clock.advance(1_000_000);
    let info = SealInfo { kind, message: Some(message.into()), run: run.map(Into::into) };
    f.layer.seal(&info).unwrap().expect("something changed");
}

/// Four revisions: a file, a directory with one, both changed, the directory renamed.
fn history() -> Fixture {
    let f = Fixture::new();
    f.put("/a", b"1");
    seal(&f, RevisionKind::Import, "The First", None);
    f.mkdir("/d");
    f.put("/d/x", b"1");
    seal(&f, RevisionKind::Run, "second", Some("k3m9aa"));
    f.put("/a", b"2");
    f.put("/d/x", b"2");
    seal(&f, RevisionKind::Run, "third", Some("zzzz"));
    f.rename("/d", "/e");
    seal(&f, RevisionKind::Edit, "moved the first", None);
    f
}

#[test]
fn each_filter_alone_and_together() {
    let f = history();
    let all = RevisionFilter::default();
    assert_eq!(ids(&f, &all), [4, 3, 2, 1, 0]);
    assert_eq!(ids(&f, &RevisionFilter { limit: Some(2), ..all.clone() }), [4, 3]);
    let at = |rev| Some(f.layer.revision(Revision(rev)).unwrap().sealed_at);
    assert_eq!(ids(&f, &RevisionFilter { since: at(2), until: at(3), ..all.clone() }), [3, 2]);
    assert_eq!(ids(&f, &RevisionFilter { to: Some(Revision(1)), ..all.clone() }), [1, 0]);
    assert_eq!(ids(&f, &RevisionFilter { kind: Some(RevisionKind::Run), ..all.clone() }), [3, 2]);
    assert_eq!(ids(&f, &RevisionFilter { run: Some("k3m9".into()), ..all.clone() }), [2]);
    assert_eq!(ids(&f, &RevisionFilter { message: Some("FIRST".into()), ..all.clone() }), [4, 1]);
    f.layer.name_revision(Revision(3), &"three".parse().unwrap(), NameTaken::Refuse).unwrap();
    let named = RevisionFilter { name: Some("three".into()), ..all.clone() };
    assert_eq!(ids(&f, &named), [3]);
    assert_eq!(ids(&f, &RevisionFilter { message: Some("second".into()), ..named }), [0; 0]);
}

#[test]
fn what_changed_a_path() {
    let f = history();
    let path = |path: &str| RevisionFilter {
        path: Some(VPathBuf::parse(path).unwrap()),
        ..RevisionFilter::default()
    };
    assert_eq!(ids(&f, &path("/a")), [3, 1]);
    assert_eq!(ids(&f, &path("/d")), [4, 3, 2]);
    assert_eq!(ids(&f, &path("/d/x")), [4, 3, 2]);
    assert_eq!(ids(&f, &path("/e/x")), [4]);
    assert_eq!(ids(&f, &path("/")), [4, 3, 2, 1]);
    assert_eq!(ids(&f, &path("/none")), [0; 0]);
    assert_eq!(ids(&f, &RevisionFilter { limit: Some(1), ..path("/a") }), [3]);
    let fork = f.fork("fork.cowry");
    let found: Vec<u64> = fork.revisions(&path("/a")).unwrap().iter().map(|info| info.id.0).collect();
    assert_eq!(found, [3, 1], "through a fork, too");
}
