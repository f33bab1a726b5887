use super::diff::sample;
use super::*;

/// Damages a copy of `sample` and looks for a sentence about it.
fn check(damage: &str, expected: &str) {
    let f = sample();
    f.put("/a/one", b"more history");
    f.seal();
    assert_eq!(f.layer.check().unwrap(), CheckReport::default());
    f.sql(damage);
    let problems = f.layer.check().unwrap().problems;
    assert!(problems.iter().any(|problem| problem.contains(expected)), "{problems:#?}");
}

#[test]
fn an_entry_to_nowhere_is_found() {
    check("DELETE FROM inode WHERE nlink = 2 AND kind = 8", "leads to no node");
}

#[test]
fn a_wrong_link_count_is_found() {
    check(
        "UPDATE inode SET nlink = 9 WHERE kind = 4 AND ino = 1",
        "directory 1 has link count 9, should be 5",
    );
    check("UPDATE inode SET nlink = 3 WHERE nlink = 2 AND kind = 8", "has link count 3 and 2 names");
}

#[test]
fn a_directory_below_itself_is_found() {
    check("UPDATE inode SET parent = ino WHERE ino = 2", "cannot be reached from the root");
}

#[test]
fn overlapping_rows_are_found() {
    check("UPDATE inode SET to_rev = 9223372036854775807 WHERE ino = 6", "overlapping rows");
}

#[test]
fn damaged_content_is_found() {
    check(
        "UPDATE block SET data = zeroblob(length(data)) WHERE chunk = 1",
        "chunk 1 does not match its hash",
    );
    check("DELETE FROM block WHERE chunk = 1", "chunk 1 is missing");
    check("DELETE FROM chunk WHERE id = 1", "reaches outside chunk 1");
    check("UPDATE extent SET length = length - 1 WHERE offset = 0", "they take other than");
    check("UPDATE extent SET offset = offset - 5 WHERE offset > 0", "overlap at");
    check("DELETE FROM content WHERE inline IS NOT NULL", "is missing");
    check("UPDATE content SET inline = x'00' WHERE inline IS NOT NULL", "its content 1");
}

#[test]
fn a_forgotten_nameless_file_is_found() {
    check("UPDATE inode SET nlink = 0 WHERE kind = 10", "has no name and nobody holds it open");
}

#[test]
fn a_missing_revision_is_found() {
    check("DELETE FROM revision WHERE id = 2", "revision 2 is the latest and not recorded");
}
