use super::diff::sample;
use super::*;
use crate::commit::Touched;

/// What our side did to `sample`: entries by path, content, attributes, removed or moved directories.
type Ours =
    (&'static [&'static str], &'static [&'static str], &'static [&'static str], &'static [&'static str]);

/// Runs `theirs` as revision 2 and compares what conflicts with ours, based on revision 1.
fn check(ours: Ours, theirs: impl FnOnce(&Fixture), expected: &[(&str, ConflictKind)]) {
    let f = sample();
    let inos = |paths: &[&str]| paths.iter().map(|path| f.ino(path)).collect::<Vec<_>>();
    let touched = Touched {
        entries: ours.0.iter().map(|path| f.parent(path)).collect(),
        content: inos(ours.1),
        attrs: inos(ours.2),
        gone_dirs: inos(ours.3),
    };
    theirs(&f);
    let find = |own: &[Revision]| {
        let conflicts = f.layer.conflicts(Revision(1), own, &touched).unwrap();
        conflicts.into_iter().map(|c| (c.path.to_string(), c.what)).collect::<Vec<_>>()
    };
    let expected: Vec<_> = expected.iter().map(|(path, kind)| (path.to_string(), *kind)).collect();
    assert_eq!(find(&[]), expected, "before sealing");
    f.layer.seal(&SealInfo::of(RevisionKind::Edit)).unwrap();
    assert_eq!(find(&[]), expected, "after");
    assert_eq!(find(&[Revision(2)]), [], "own revisions never conflict");
}

#[test]
fn nothing_changed() {
    check((&["/a/one", "/new"], &["/a/one"], &["/a"], &["/a"]), |_| {}, &[]);
}

#[test]
fn other_names_and_files_do_not_conflict() {
    check((&["/a/mine"], &["/a/one"], &["/a/one"], &[]), |f| _ = f.put("/a/theirs", b""), &[]);
    check((&[], &["/a/one"], &[], &[]), |f| _ = f.put("/a/two", b""), &[]);
}

#[test]
fn same_new_name() {
    check((&["/a/new"], &[], &[], &[]), |f| _ = f.put("/a/new", b""), &[("/a/new", ConflictKind::Entry)]);
}

#[test]
fn same_name_removed() {
    check((&["/a/one"], &[], &[], &[]), |f| f.unlink("/a/one"), &[("/a/one", ConflictKind::Entry)]);
}

#[test]
fn written_here_and_removed_there() {
    check((&[], &["/a/one"], &[], &[]), |f| f.unlink("/a/one"), &[("/a/one", ConflictKind::Removed)]);
    check((&[], &["/a/two"], &[], &[]), |f| f.unlink("/a/two"), &[]);
}

#[test]
fn same_content() {
    check((&[], &["/a/one"], &[], &[]), |f| _ = f.put("/a/one", b"!"), &[("/a/one", ConflictKind::Content)]);
    let append = |f: &Fixture| _ = f.layer.append(f.ino("/b/big"), b"!").unwrap();
    check((&[], &["/b/big"], &[], &[]), append, &[("/b/big", ConflictKind::Content)]);
}

#[test]
fn content_and_attributes_go_together() {
    let chmod = |path: &'static str| {
        move |f: &Fixture| _ = f.layer.setattr(f.ino(path), &SetAttr::mode(0o600)).unwrap()
    };
    check((&[], &["/a/one"], &[], &[]), chmod("/a/one"), &[]);
    check((&[], &[], &["/a/one"], &[]), |f| _ = f.put("/a/one", b"!"), &[]);
    check((&[], &[], &["/a/one"], &[]), chmod("/a/one"), &[("/a/one", ConflictKind::Attributes)]);
    check((&[], &[], &["/a"], &[]), chmod("/a"), &[("/a", ConflictKind::Attributes)]);
}

#[test]
fn times_and_links_of_directories_do_not_conflict() {
    check((&["/a/mine"], &[], &["/a"], &[]), |f| _ = f.mkdir("/a/theirs"), &[]);
    let link = |f: &Fixture| _ = f.layer.link(f.ino("/a/one"), f.ino("/b"), &name("one")).unwrap();
    check((&[], &["/a/one"], &["/a/one"], &[]), link, &[]);
}

#[test]
fn directory_gone_here_and_used_there() {
    let gone: Ours = (&["/a"], &[], &[], &["/a"]);
    check(gone, |f| _ = f.put("/a/deep/new", b""), &[("/a", ConflictKind::Below)]);
    check(gone, |f| _ = f.put("/a/deep/three", b"!"), &[("/a", ConflictKind::Below)]);
    check(gone, |f| f.unlink("/a/deep/three"), &[("/a", ConflictKind::Below)]);
    check(gone, |f| f.rename("/a/deep/three", "/b/three"), &[("/a", ConflictKind::Below)]);
    check(gone, |f| _ = f.put("/b/four", b"!"), &[]);
}

#[test]
fn directory_gone_there_and_used_here() {
    let away = |f: &Fixture| f.rename("/a", "/z");
    check((&["/a/deep/new"], &[], &[], &[]), away, &[("/a/deep/new", ConflictKind::Moved)]);
    check((&[], &["/a/deep/three"], &[], &[]), away, &[("/a/deep/three", ConflictKind::Moved)]);
    check((&["/b/new"], &[], &[], &[]), away, &[]);
    let removed = |f: &Fixture| f.layer.rmdir(ROOT_INO, &name("empty")).unwrap();
    check((&["/empty/new"], &[], &[], &[]), removed, &[("/empty/new", ConflictKind::Moved)]);
}

#[test]
fn there_and_back_is_no_change_until_it_is_sealed_with_one() {
    let back = |f: &Fixture| {
        f.rename("/a/one", "/x");
        f.rename("/x", "/a/one");
    };
    check((&["/a/one"], &[], &[], &[]), back, &[]);
}
