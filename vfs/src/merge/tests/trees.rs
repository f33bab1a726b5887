use super::{Fork, Take, check, check_conflict};
use crate::merge::{NoRules, Resolution};

#[test]
fn what_one_side_changed_is_taken() {
    check("write /a 1; write /b 1", "write /a 2", "write /b 2", "/a: 2; /b: 2");
    check("write /a 1", "write /b 2", "rm /a", "/b: 2");
    check("mkdir /d", "write /d/x 1", "write /d/y 2", "/d: dir; /d/x: 1; /d/y: 2");
}

#[test]
fn what_both_did_alike_is_no_conflict() {
    check("write /a 1", "write /a 2", "write /a 2", "/a: 2");
    check("write /a 1", "rm /a", "rm /a", "");
    check("write /a 1", "mv /a /b", "mv /a /b", "/b: 1");
    check("", "write /a 1", "write /a 1", "/a: 1");
    check("write /a 1", "chmod /a 600", "chmod /a 600", "/a: 1 (600)");
}

#[test]
fn a_text_is_merged_by_lines() {
    check(
        "write /a 1\\n2\\n3\\n",
        "write /a one\\n2\\n3\\n",
        "write /a 1\\n2\\nthree\\n",
        "/a: one\n2\nthree",
    );
}

#[test]
fn a_change_follows_a_rename() {
    check("write /a 1", "mv /a /b", "write /a 2", "/b: 2");
    check("mkdir /d; write /d/a 1", "mv /d /e", "write /d/a 2", "/e: dir; /e/a: 2");
    check("write /a 1", "mv /a /b", "save /a 2", "/b: 2");
}

#[test]
fn a_new_file_follows_its_directory() {
    check("mkdir /d", "mv /d /e", "write /d/new 1", "/e: dir; /e/new: 1");
    check(
        "mkdir /d/s; write /d/s/a 1",
        "mv /d /e; mv /e/s /t",
        "write /d/s/b 2; write /d/c 3",
        "/e: dir; /e/c: 3; /t: dir; /t/a: 1; /t/b: 2",
    );
}

#[test]
fn renames_of_a_directory_and_of_what_is_in_it_are_both_taken() {
    check("mkdir /d; write /d/a 1", "mv /d /e", "mv /d/a /d/b", "/e: dir; /e/b: 1");
    check("mkdir /d; write /d/a 1", "mv /d /e", "mv /d/a /a", "/a: 1; /e: dir");
}

#[test]
fn names_that_are_swapped() {
    check("write /a 1; write /b 2", "swap /a /b", "write /c 3", "/a: 2; /b: 1; /c: 3");
    check("write /a 1; write /b 2", "swap /a /b", "write /a x", "/a: 2; /b: x");
    check(
        "mkdir /a; mkdir /b; write /a/f 1",
        "swap /a /b",
        "write /a/g 2",
        "/a: dir; /b: dir; /b/f: 1; /b/g: 2",
    );
}

#[test]
fn a_name_that_one_freed_the_same_one_takes() {
    check("write /a 1; write /b 2", "mv /a /c; mv /b /a", "write /d 3", "/a: 2; /c: 1; /d: 3");
    check("write /a 1", "rm /a; mkdir /a; write /a/x 2", "write /d 3", "/a: dir; /a/x: 2; /d: 3");
    check("mkdir /a; write /a/x 1", "rm /a; write /a 2", "write /d 3", "/a: 2; /d: 3");
    check("mkdir /d; write /d/a 1", "mv /d/a /x; rm /d; mv /x /d", "write /y 1", "/d: 1; /y: 1");
    check(
        "mkdir /d/s; write /d/s/a 1",
        "mv /d/s /x; rm /d; mv /x /d",
        "write /y 1",
        "/d: dir; /d/a: 1; /y: 1",
    );
}

#[test]
fn directories_that_both_made_are_one() {
    check("", "mkdir /d; write /d/a 1", "mkdir /d; write /d/b 2", "/d: dir; /d/a: 1; /d/b: 2");
    check(
        "",
        "mkdir /d/e; write /d/e/a 1",
        "mkdir /d/e; write /d/e/b 2",
        "/d: dir; /d/e: dir; /d/e/a: 1; /d/e/b: 2",
    );
}

#[test]
fn attributes_are_merged_one_by_one() {
    check("write /a 1", "chmod /a 600", "write /a 2", "/a: 2 (600)");
    check("write /a 1", "xattr /a user.x 1", "xattr /a user.y 2", "/a: 1 user.x=1 user.y=2");
    check("mkdir /d", "chmod /d 700", "write /d/a 1", "/d: dir (700); /d/a: 1");
}

#[test]
fn attributes_that_both_changed_conflict() {
    check_conflict(
        "write /a 1",
        "chmod /a 600",
        "chmod /a 640",
        &["/a: attributes changed on both sides (mode)"],
        "/a: 1 (600)",
        "/a: 1 (640)",
    );
    check_conflict(
        "write /a 1",
        "xattr /a user.x 1",
        "xattr /a user.x 2",
        &["/a: attributes changed on both sides (user.x)"],
        "/a: 1 user.x=1",
        "/a: 1 user.x=2",
    );
}

#[test]
fn contents_that_both_changed_conflict() {
    check_conflict(
        "write /a 1",
        "write /a 2",
        "write /a 3",
        &["/a: changed on both sides (both changed line 1)"],
        "/a: 2",
        "/a: 3",
    );
    check_conflict(
        "write /a 1",
        "save /a 2",
        "save /a 3",
        &["/a: changed on both sides (both changed line 1)"],
        "/a: 2",
        "/a: 3",
    );
    check_conflict(
        "write /a 1\0",
        "write /a 2\0",
        "write /a 3\0",
        &["/a: changed on both sides (binary, so merged as a whole)"],
        "/a: 2\0",
        "/a: 3\0",
    );
}

#[test]
fn links_that_both_turned_conflict() {
    check("symlink x /l", "rm /l; symlink y /l", "write /a 1", "/a: 1; /l: -> y");
    check_conflict(
        "symlink x /l",
        "rm /l; symlink y /l",
        "rm /l; symlink z /l",
        &["/l: changed on both sides"],
        "/l: -> y",
        "/l: -> z",
    );
}

#[test]
fn a_change_of_what_the_other_removed_conflicts() {
    check_conflict(
        "write /a 1",
        "rm /a",
        "write /a 2",
        &["/a: removed in ours, changed in theirs"],
        "",
        "/a: 2",
    );
    check_conflict(
        "write /a 1",
        "write /a 2",
        "rm /a",
        &["/a: changed in ours, removed in theirs"],
        "/a: 2",
        "",
    );
    check_conflict(
        "mkdir /d; write /d/a 1; write /d/b 1",
        "rm /d",
        "write /d/a 2",
        &["/d/a: removed in ours, changed in theirs"],
        "",
        "/d: dir; /d/a: 2",
    );
    check_conflict(
        "mkdir /d; write /d/a 1; write /d/b 1",
        "write /d/a 2",
        "rm /d",
        &["/d/a: changed in ours, removed in theirs"],
        "/d: dir; /d/a: 2",
        "",
    );
}

#[test]
fn a_touched_file_may_be_removed() {
    let fork = Fork::of("write /a 1", "write /a 1", "rm /a");
    assert_eq!(fork.merged(&NoRules), (String::new(), Vec::new()));
}

#[test]
fn additions_to_what_the_other_removed_conflict() {
    check_conflict(
        "mkdir /d; write /d/a 1",
        "write /d/new 2",
        "rm /d",
        &["/d/new: changed in ours, removed in theirs (ours put it into a directory that theirs removed)"],
        "/d: dir; /d/new: 2",
        "",
    );
    check_conflict(
        "mkdir /d; write /d/a 1",
        "rm /d",
        "write /d/new 2",
        &["/d/new: removed in ours, changed in theirs (theirs put it into a directory that ours removed)"],
        "",
        "/d: dir; /d/new: 2",
    );
}

#[test]
fn a_rename_of_what_the_other_removed_conflicts() {
    check_conflict(
        "write /a 1",
        "mv /a /b",
        "rm /a",
        &["/b: changed in ours, removed in theirs (it was /a before ours moved it)"],
        "/b: 1",
        "",
    );
    check_conflict(
        "write /a 1",
        "rm /a",
        "mv /a /b",
        &["/b: removed in ours, changed in theirs (theirs moved or linked it)"],
        "",
        "/b: 1",
    );
    check_conflict(
        "mkdir /d; write /d/a 1",
        "mv /d /e",
        "rm /d",
        &["/e: changed in ours, removed in theirs (it was /d before ours moved it)"],
        "/e: dir; /e/a: 1",
        "",
    );
    check_conflict(
        "mkdir /d; write /d/a 1",
        "rm /d",
        "mv /d /e",
        &["/e: removed in ours, changed in theirs (theirs moved or linked it)"],
        "",
        "/e: dir; /e/a: 1",
    );
}

#[test]
fn renames_to_different_places_conflict() {
    check_conflict(
        "write /a 1",
        "mv /a /b",
        "mv /a /c",
        &["/b: moved to different places (ours moved it to /b, theirs to /c)"],
        "/b: 1",
        "/c: 1",
    );
    check_conflict(
        "mkdir /d; write /d/a 1",
        "mv /d /e; write /e/b 2",
        "mv /d /f; write /f/c 3",
        &["/e: moved to different places (ours moved it to /e, theirs to /f)"],
        "/e: dir; /e/a: 1; /e/b: 2; /e/c: 3",
        "/f: dir; /f/a: 1; /f/b: 2; /f/c: 3",
    );
}

#[test]
fn different_files_at_one_name_conflict() {
    check_conflict("", "write /a 1", "write /a 2", &["/a: put there by both sides"], "/a: 1", "/a: 2");
    check_conflict(
        "",
        "write /a 1",
        "mkdir /a; write /a/b 2",
        &["/a: put there by both sides"],
        "/a: 1",
        "/a: dir; /a/b: 2",
    );
    check_conflict(
        "",
        "mkdir /a; write /a/b 2",
        "write /a 1",
        &["/a: put there by both sides"],
        "/a: dir; /a/b: 2",
        "/a: 1",
    );
}

#[test]
fn different_renames_to_one_name_conflict() {
    check_conflict(
        "write /a 1; write /b 2",
        "mv /a /c",
        "mv /b /c",
        &["/c: put there by both sides"],
        "/b: 2; /c: 1",
        "/a: 1; /c: 2",
    );
}

#[test]
fn directories_moved_below_each_other_conflict() {
    check_conflict(
        "mkdir /a; mkdir /b",
        "mv /a /b/a",
        "mv /b /a/b",
        &["/b: directories moved below each other (theirs moved it to /a/b)"],
        "/b: dir; /b/a: dir",
        "/a: dir; /a/b: dir",
    );
}

#[test]
fn hard_links_stay_links() {
    check("write /a 1; ln /a /b", "write /a 2", "write /c 3", "/a: 2 x2; /b: 2 x2; /c: 3");
    check("write /a 1", "ln /a /b", "write /a 2", "/a: 2 x2; /b: 2 x2");
    check("write /a 1; ln /a /b", "mv /a /c", "write /b 2", "/b: 2 x2; /c: 2 x2");
    check("write /a 1; ln /a /b", "mv /a /c", "mv /b /d", "/c: 1 x2; /d: 1 x2");
    check("write /a 1; ln /a /b", "rm /a", "write /b 2", "/b: 2");
    check("write /a 1; ln /a /b", "mv /a /c; mv /b /d", "mv /a /d", "/c: 1 x2; /d: 1 x2");
    check("", "write /a 1; ln /a /b", "write /c 2", "/a: 1 x2; /b: 1 x2; /c: 2");
}

#[test]
fn two_names_of_a_file_that_each_lost_one_conflict() {
    check_conflict(
        "write /a 1; ln /a /b",
        "rm /a",
        "rm /b",
        &["/b: changed in ours, removed in theirs (each side removed another name of the file)"],
        "/b: 1",
        "",
    );
}

#[test]
fn new_content_settles_a_conflict() {
    let new = || Take(Resolution::Content(bytes::Bytes::from_static(b"new")));
    for (base, ours, theirs) in [
        ("write /a 1", "write /a 2", "write /a 3"),
        ("write /a 1", "rm /a", "write /a 3"),
        ("write /a 1", "write /a 2", "rm /a"),
        ("", "write /a 2", "write /a 3"),
        ("", "mkdir /a; write /a/x 1", "write /a 3"),
        ("symlink x /a", "rm /a; symlink y /a", "rm /a; symlink z /a"),
    ] {
        let (tree, conflicts) = Fork::of(base, ours, theirs).merged(&new());
        assert_eq!((tree.as_str(), conflicts), ("/a: new", Vec::new()), "{base} | {ours} | {theirs}");
    }
}

#[test]
fn there_is_nothing_to_merge() {
    let fork = Fork::of("write /a 1; mkdir /d; write /d/x 1", "", "");
    let merged = fork.merge(&NoRules).expect("it can be merged");
    assert_eq!(merged.overlay.changes().expect("it can be read"), Vec::new());
}
