use std::path::Path;

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
    let report = f.layer.repair().unwrap();
    assert!(!report.is_empty());
    let after = f.layer.check().unwrap();
    assert!(after.is_sound() && after.unreadable.is_empty(), "{report:#?} left {after:#?}");
    assert_eq!(f.layer.repair().unwrap(), RepairReport::default(), "nothing is left to be done");
    // Whatever was repaired can be gone on with.
    f.put("/later", b"works");
    f.seal();
    f.layer.gc().unwrap();
    assert!(f.layer.check().unwrap().is_sound());
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

#[test]
fn a_row_of_the_future_is_found() {
    check("UPDATE inode SET from_rev = 9 WHERE ino = 2", "begins after the open revision");
}

#[test]
fn wrong_counts_of_use_are_found() {
    check("UPDATE meta SET used_bytes = used_bytes + 1", "is said to take up");
}

#[test]
fn next_numbers_that_are_taken_are_found() {
    check("UPDATE meta SET next_content = 1", "the next content is said to be 1, there is ");
    check("UPDATE meta SET next_chunk = 1", "the next chunk is said to be 1, there is ");
    check("UPDATE meta SET next_ino = 2", "the next node is said to be 2, there is ");
}

/// What a repair says about damage, and the tree after it.
fn repair(damage: &str) -> (RepairReport, Vec<String>, Fixture) {
    let f = Fixture::new();
    f.mkdir("/d");
    f.mkdir("/d/e");
    f.put("/d/e/small", b"small");
    f.put("/large", &noise(1, 1 << 20));
    f.seal();
    f.put("/d/open", b"not sealed");
    f.sql(damage);
    let f = f.reopened();
    let report = f.layer.repair().unwrap();
    let names = tree(&f.layer).into_iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert!(f.layer.check().unwrap().is_sound());
    (report, names, f)
}

#[test]
fn a_sound_workspace_is_left_alone() {
    let (report, names, f) = repair("SELECT 1");
    assert!(report.is_empty(), "{report:?}");
    assert_eq!(names, ["/d", "/d/e", "/d/e/small", "/d/open", "/large"]);
    assert_eq!(report.revision, Some(Revision(2)), "with what was not sealed");
    assert_eq!(f.layer.repair().unwrap().revision, None);
}

#[test]
fn what_has_no_name_goes_to_lost_and_found() {
    let (report, names, f) = repair("DELETE FROM entry WHERE name IN ('d', 'small')");
    let (d, small) = (f.ino("/lost+found/#2"), f.ino("/lost+found/#4"));
    assert_eq!(
        names,
        [
            "/large",
            "/lost+found",
            "/lost+found/#2",
            "/lost+found/#2/e",
            "/lost+found/#2/open",
            "/lost+found/#4"
        ]
    );
    assert_eq!((d, small), (Ino(2), Ino(4)));
    assert_eq!(read(&f.layer, "/lost+found/#4"), b"small");
    assert_eq!(
        report.moved,
        ["/lost+found/#2: a directory without a place", "/lost+found/#4: a file without a name"]
    );
    assert!(report.lost.is_empty());
}

#[test]
fn names_in_a_directory_that_is_gone_are_kept() {
    let (report, names, f) = repair("DELETE FROM inode WHERE ino = 2");
    assert_eq!(
        names,
        [
            "/large",
            "/lost+found",
            "/lost+found/#2",
            "/lost+found/#2/e",
            "/lost+found/#2/e/small",
            "/lost+found/#2/open"
        ]
    );
    assert_eq!(report.lost[0], "/d: its node 2 is gone");
    assert_eq!(read(&f.layer, "/lost+found/#2/e/small"), b"small");
}

#[test]
fn a_ring_of_directories_is_cut() {
    // /d moves below its own child.
    let (report, names, _) =
        repair("UPDATE entry SET parent = 3 WHERE name = 'd'; UPDATE inode SET parent = 3 WHERE ino = 2");
    assert_eq!(
        names,
        [
            "/large",
            "/lost+found",
            "/lost+found/#2",
            "/lost+found/#2/e",
            "/lost+found/#2/e/small",
            "/lost+found/#2/open"
        ]
    );
    assert_eq!(report.moved, ["/lost+found/#2: a directory without a place"]);
}

#[test]
fn what_is_left_of_a_damaged_file_is_kept_and_named() {
    let (report, names, f) = repair("UPDATE block SET data = zeroblob(length(data)) WHERE chunk = 2");
    assert_eq!(names, ["/d", "/d/e", "/d/e/small", "/d/open", "/lost+found", "/lost+found/#5.part"]);
    let (whole, part) = (noise(1, 1 << 20), read(&f.layer, "/lost+found/#5.part"));
    assert_eq!(part.len(), whole.len());
    let same = part.iter().zip(&whole).filter(|(a, b)| a == b).count();
    assert!(same > whole.len() / 2 && same < whole.len(), "{same}");
    assert!(
        report.lost[1].starts_with("/large: chunk 2")
            && report.lost[1].ends_with("are in /lost+found/#5.part"),
        "{report:?}"
    );
    // The past shows what it can, and says so of the rest.
    let then = f.at(Revision(1));
    let file = ino(&*then, "/large");
    assert_eq!(then.read(file, 0, 1 << 20).unwrap_err(), Errno::EIO);
    assert_eq!(then.read(file, 0, 100).unwrap(), whole[..100]);
    assert_eq!(f.layer.check().unwrap().lost.len(), 1);
}

#[test]
fn a_small_file_that_is_damaged_is_lost_and_named() {
    let (report, names, f) = repair("UPDATE content SET inline = x'00' WHERE inline = x'736d616c6c'");
    assert_eq!(names, ["/d", "/d/e", "/d/open", "/large"]);
    assert!(report.lost[1].starts_with("/d/e/small: content"), "{report:?}");
    assert_eq!(f.at(Revision(1)).read(Ino(4), 0, 9).unwrap_err(), Errno::EIO);
}

#[test]
fn an_index_that_misses_rows_is_made_anew() {
    let f = Fixture::new();
    f.put("/a", b"x");
    f.seal();
    let root: i64 = {
        let conn = rusqlite::Connection::open(&f.path).unwrap();
        conn.query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'entry_from'", [], |row| row.get(0))
            .unwrap()
    };
    let f = f.damaged(|bytes| bytes[(root as usize - 1) * 4096..][3..5].copy_from_slice(&[0, 0]));
    let report = f.layer.check().unwrap();
    assert!(report.broken && report.problems.iter().any(|line| line.contains("entry_from")), "{report:?}");
    assert_eq!(f.layer.repair().unwrap().mended, ["indices were made anew"]);
    assert!(f.layer.check().unwrap().is_sound());
}

#[test]
fn a_broken_page_is_reported_with_the_paths_it_hits_and_the_rest_is_saved() {
    let f = Fixture::new();
    f.mkdir("/d");
    for i in 0..40 {
        f.put(&format!("/d/{i:02}"), &noise(i, 3000));
    }
    f.put("/sound", b"sound");
    f.seal();
    let needle = noise(17, 3000);
    let at = |bytes: &[u8]| bytes.windows(32).position(|window| *window == needle[..32]).unwrap();
    let f = f.damaged(|bytes| {
        let page = at(bytes) / 4096;
        bytes[page * 4096..(page + 1) * 4096].fill(0);
    });
    let report = f.layer.check().unwrap();
    assert!(report.broken && !report.is_sound());
    assert!(report.unreadable.iter().any(|(path, _)| path == "/d/17"), "{report:#?}");
    assert!(!report.unreadable.iter().any(|(path, _)| path == "/sound"));
    let error = f.layer.repair().unwrap_err();
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("--salvage DIR"));
    let folder = tempfile::tempdir().unwrap();
    let (new, salvaged) = salvage(&f.path, folder.path().join("new.cowry"), &options(&f.clock)).unwrap();
    assert!(new.check().unwrap().is_sound());
    assert_eq!(read(&new, "/sound"), b"sound");
    assert!(salvaged.repair.lost.iter().any(|line| line.starts_with("/d/17: ")), "{salvaged:#?}");
    let left = new.readdir(ino(&new, "/d"), None, 99).unwrap();
    assert!(left.len() < 40);
    for entry in left {
        let number = entry.name.as_str().parse().unwrap();
        assert_eq!(read(&new, &format!("/d/{}", entry.name)), noise(number, 3000));
    }
}

#[test]
fn what_is_left_of_a_file_cut_off_can_be_saved() {
    let f = Fixture::new();
    f.put("/first", b"first");
    f.mkdir("/pipes");
    f.layer.create(f.ino("/pipes"), &name("p"), NewNode::Fifo, &NewAttr::with_mode(0o600)).unwrap();
    f.put("/large", &noise(1, 4 << 20));
    f.seal();
    let whole = tree(&f.layer);
    let f = f.closed();
    let cut = f.path.metadata().unwrap().len() / 2;
    std::fs::File::options().write(true).open(&f.path).unwrap().set_len(cut).unwrap();
    let error = SqliteLayer::open(&f.path, &options(&f.clock)).unwrap_err();
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error:?}");
    assert!(error.to_string().contains("cowry check --salvage DIR"), "{error}");
    let (new, report) = salvage(&f.path, f.path.with_extension("new"), &options(&f.clock)).unwrap();
    assert!(new.check().unwrap().is_sound(), "{report:#?}");
    let saved = tree(&new);
    assert!(saved.len() >= 3 && saved.iter().filter(|line| whole.contains(line)).count() >= 3, "{saved:#?}");
    assert!(report.repair.lost.iter().any(|line| line.starts_with("/large: ")), "{report:#?}");
}

#[test]
fn a_file_without_a_beginning_is_hopeless_and_said_to_be() {
    let f = Fixture::new().closed();
    std::fs::write(&f.path, noise(1, 100_000)).unwrap();
    let error = salvage(&f.path, f.path.with_extension("new"), &options(&f.clock)).unwrap_err();
    assert!(error.to_string().ends_with("restore a copy"), "{error}");
    assert!(!f.path.with_extension("new").exists());
}

/// A parent with a large and a small file, and a fork of it with a file of its own. Both closed.
fn family() -> (Closed, PathBuf) {
    let f = Fixture::new();
    f.mkdir("/d");
    f.put("/d/large", &noise(1, 300_000));
    f.put("/small", b"small");
    f.put("/removed", b"in the fork");
    f.seal();
    let fork = f.fork("fork.cowry");
    let path = fork.path().clone();
    fork.create(ROOT_INO, &name("own"), NewNode::File(&noise(2, 200_000)), &NewAttr::with_mode(0o644))
        .unwrap();
    fork.write(ino(&fork, "/d/large"), 100_000, b"changed").unwrap();
    fork.unlink(ROOT_INO, &name("removed")).unwrap();
    fork.seal(&SealInfo::of(RevisionKind::Edit)).unwrap();
    // First, or the parent's log stays beside it.
    drop(fork);
    (f.closed(), path)
}

fn sql(path: &Path, sql: &str) {
    rusqlite::Connection::open(path).and_then(|conn| conn.execute_batch(sql)).expect(sql);
}

#[test]
fn damage_in_a_parent_is_found_by_a_check_of_the_fork() {
    for (damage, hit) in [
        ("UPDATE block SET data = zeroblob(length(data)) WHERE chunk = 1", "/d/large"),
        ("UPDATE content SET inline = x'00' WHERE inline = x'736d616c6c'", "/small"),
        ("DELETE FROM content WHERE inline = x'736d616c6c'", "/small"),
    ] {
        let (f, path) = family();
        let fork = SqliteLayer::open(&path, &options(&f.clock)).unwrap();
        assert_eq!(fork.check().unwrap(), CheckReport::default());
        sql(&f.path, damage);
        let report = fork.check().unwrap();
        assert!(!report.is_sound());
        assert!(report.unreadable.iter().any(|(path, _)| path == hit), "{damage}: {report:#?}");
        let told =
            format!("{hit} of revision 1, which comes from {}", f.path.canonicalize().unwrap().display());
        assert!(report.problems.iter().any(|line| line.starts_with(&told)), "{damage}: {report:#?}");
    }
}

#[test]
fn what_a_fork_does_not_have_any_more_is_checked_at_its_beginning() {
    let (f, path) = family();
    sql(&f.path, "UPDATE content SET inline = x'00' WHERE length(inline) = 11");
    let report = SqliteLayer::open(&path, &options(&f.clock)).unwrap().check().unwrap();
    assert_eq!(report.unreadable, []);
    assert!(report.problems.iter().any(|line| line.starts_with("/removed of revision 1")), "{report:#?}");
}

#[test]
fn damage_in_a_parent_is_not_flattened() {
    let damages = [
        ("UPDATE block SET data = zeroblob(length(data)) WHERE chunk = 1", "chunk 1 of "),
        ("UPDATE content SET inline = x'00' WHERE inline = x'736d616c6c'", "content "),
    ];
    for (damage, what) in damages {
        let (f, path) = family();
        let parent = std::fs::read(&f.path).unwrap();
        sql(&f.path, damage);
        let fork = SqliteLayer::open(&path, &options(&f.clock)).unwrap();
        let ForkError::Node(error) = fork.flatten().unwrap_err() else { panic!("not of a node") };
        let why = std::error::Error::source(&error).unwrap().to_string();
        assert!(why.starts_with(what) && why.contains("nothing was flattened"), "{why}");
        assert!(fork.parent().unwrap().is_some());
        drop(fork);
        std::fs::write(&f.path, parent).unwrap();
        let fork = SqliteLayer::open(&path, &options(&f.clock)).unwrap();
        let then = tree(&fork);
        fork.flatten().unwrap().expect("it was a fork");
        assert_eq!(tree(&fork), then);
        assert_eq!(fork.check().unwrap(), CheckReport::default());
    }
}

#[test]
fn a_lost_file_that_was_restored_is_told() {
    let (_, _, f) = repair("UPDATE content SET inline = x'00' WHERE inline = x'736d616c6c'");
    assert!(f.layer.check().unwrap().is_sound());
    f.layer.restore(Revision(1), &[], &SealInfo::of(RevisionKind::Restore)).unwrap();
    let report = f.layer.check().unwrap();
    assert!(!report.is_sound());
    assert_eq!(report.unreadable.iter().map(|(path, _)| &path[..]).collect::<Vec<_>>(), ["/d/e/small"]);
    let done = f.layer.repair().unwrap();
    assert!(done.lost.iter().any(|line| line.starts_with("/d/e/small: ")), "{done:?}");
    assert!(f.layer.check().unwrap().is_sound());
}

#[test]
fn a_fork_is_saved_with_what_it_has_from_its_parent() {
    let (f, path) = family();
    let then = tree(&SqliteLayer::open(&path, &options(&f.clock)).unwrap());
    let target = f.path.with_file_name("saved.cowry");
    let (new, report) = salvage(&path, &target, &options(&f.clock)).unwrap();
    assert_eq!((report.unreadable, tree(&new)), (vec![], then.clone()));
    assert_eq!((report.nodes, report.repair.lost), (5, vec![]));
    assert_eq!(new.parent().unwrap(), None);
    assert_eq!(new.check().unwrap(), CheckReport::default());
    // Of a fork of the fork, through both.
    let fork = SqliteLayer::open(&path, &options(&f.clock)).unwrap();
    let inner = fork.fork_latest(f.path.with_file_name("inner.cowry")).unwrap();
    inner.unlink(ROOT_INO, &name("own")).unwrap();
    inner.write(ino(&inner, "/small"), 0, b"S").unwrap();
    let (then, path) = (tree(&inner), inner.path().clone());
    drop((inner, fork));
    let target = f.path.with_file_name("saved-2.cowry");
    let (new, report) = salvage(&path, &target, &options(&f.clock)).unwrap();
    assert_eq!((report.unreadable, tree(&new)), (vec![], then));
}

#[test]
fn a_fork_whose_parent_is_gone_is_saved_as_far_as_it_goes() {
    let (f, path) = family();
    std::fs::remove_file(&f.path).unwrap();
    let target = f.path.with_file_name("saved.cowry");
    let (new, report) = salvage(&path, &target, &options(&f.clock)).unwrap();
    assert_eq!(read(&new, "/own"), noise(2, 200_000));
    assert!(
        matches!(&report.unreadable[..], [line, ..] if line.starts_with("what it has from ") && line.contains("no such workspace")),
        "{report:#?}"
    );
}

#[test]
fn saving_leaves_nothing_but_the_new_workspace() {
    let (f, path) = family();
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("saved.cowry");
    drop(salvage(&path, &target, &options(&f.clock)).unwrap());
    let files = || std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path()).collect::<Vec<_>>();
    assert_eq!(files(), std::slice::from_ref(&target));
    let error = salvage(&path, &target, &options(&f.clock)).unwrap_err();
    assert!(matches!(error, OpenError::Exists { .. }), "{error}");
    assert_eq!(files(), [target]);
}
