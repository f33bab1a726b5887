//! Names of revisions.

use super::*;

fn called(text: &str) -> RevisionName {
    text.parse().expect(text)
}

#[test]
fn what_may_be_a_name() {
    for good in ["a", "release", "v1.0", "före_imorgon", "R-2", "latest1", &"x".repeat(100)] {
        assert_eq!(&*called(good), good);
    }
    for bad in [
        "",
        "1",
        "12",
        "2026-11-20",
        "latest",
        "latest~1",
        "a~1",
        "a:b",
        "a/b",
        "a b",
        "-a",
        ".",
        "v1..v2",
        "a\n",
        &"x".repeat(101),
    ] {
        let error = bad.parse::<RevisionName>().expect_err(bad).to_string();
        assert!(error.contains("cannot name a revision: a name begins with a letter"), "{error}");
    }
}

#[test]
fn a_revision_has_names_until_they_are_taken_away() {
    let f = Fixture::new();
    f.put("/a", b"1");
    let first = f.seal();
    f.put("/a", b"2");
    let second = f.seal();
    let layer = &f.layer;
    assert_eq!(layer.name_revision(first, &called("one"), NameTaken::Refuse).unwrap(), None);
    assert_eq!(layer.name_revision(first, &called("also"), NameTaken::Refuse).unwrap(), None);
    assert_eq!(layer.name_revision(first, &called("one"), NameTaken::Refuse).unwrap(), Some(first));
    assert_eq!(layer.named("one").unwrap(), Some(first));
    assert_eq!(layer.named("two").unwrap(), None);
    assert_eq!(layer.revision(first).unwrap().names, ["also", "one"]);
    assert_eq!(layer.name_revision(second, &called("one"), NameTaken::Refuse).unwrap_err(), Errno::EEXIST);
    assert_eq!(layer.name_revision(second, &called("one"), NameTaken::Move).unwrap(), Some(first));
    assert_eq!(layer.names().unwrap(), [(called("also"), first), (called("one"), second)]);
    assert_eq!(layer.drop_name(&called("one")).unwrap(), second);
    assert_eq!(layer.drop_name(&called("one")).unwrap_err(), Errno::ENOENT);
    assert_eq!(
        layer.name_revision(Revision(9), &called("nine"), NameTaken::Refuse).unwrap_err(),
        Errno::ENOENT
    );
}

#[test]
fn fork_sees_names_of_its_parent_and_gives_its_own() {
    let f = Fixture::new();
    f.put("/a", b"1");
    let first = f.seal();
    f.layer.name_revision(first, &called("start"), NameTaken::Refuse).unwrap();
    f.put("/a", b"2");
    let second = f.seal();
    let fork = f.fork("fork.cowry");
    f.put("/a", b"3");
    let third = f.seal();
    f.layer.name_revision(third, &called("later"), NameTaken::Refuse).unwrap();
    assert_eq!(fork.named("start").unwrap(), Some(first));
    assert_eq!(fork.named("later").unwrap(), None);
    assert_eq!(fork.revision(first).unwrap().names, ["start"]);
    fork.name_revision(second, &called("start"), NameTaken::Refuse).unwrap();
    assert_eq!(fork.named("start").unwrap(), Some(second));
    assert_eq!(f.layer.named("start").unwrap(), Some(first));
    assert_eq!(fork.names().unwrap(), [(called("start"), second)]);
    let error = fork.name_revision(first, &called("old"), NameTaken::Refuse).unwrap_err();
    assert_eq!(error, Errno::EPERM);
}
