//! Merging forks into what they were forked from, back again, and runs that conflicted.

use cowry_shell_core::{
    BaseOwner, CsvKey, Error, ErrorKind, Fate, Glob, MergeConflictKind, MergeOptions, MergeReport,
    MergeVersion, OpenWorkspace, Revision, RevisionKind, Side, VPathBuf, VersionContent, Workspace,
};

use crate::Case;
use crate::kept::conflicting;
use crate::place::{Place, changed, policy};

pub const CASES: &[Case] = &[
    ("a_fork_is_merged_as_one_revision", a_fork_is_merged_as_one_revision),
    ("a_fork_takes_what_its_parent_did", a_fork_takes_what_its_parent_did),
    ("renames_are_followed_between_forks", renames_are_followed_between_forks),
    ("a_conflict_changes_nothing", a_conflict_changes_nothing),
    ("a_conflict_shows_all_three_sides", a_conflict_shows_all_three_sides),
    ("a_conflict_is_settled_by_path", a_conflict_is_settled_by_path),
    ("what_was_settled_stays_settled", what_was_settled_stays_settled),
    ("merges_back_and_forth", merges_back_and_forth),
    ("new_files_are_known_again_after_a_merge", new_files_are_known_again_after_a_merge),
    ("two_forks_of_one_workspace_merge", two_forks_of_one_workspace_merge),
    ("a_fork_of_a_fork_merges", a_fork_of_a_fork_merges),
    ("strangers_do_not_merge", strangers_do_not_merge),
    ("a_dry_merge_changes_nothing", a_dry_merge_changes_nothing),
    ("a_large_file_is_merged_as_a_whole", a_large_file_is_merged_as_a_whole),
    ("rows_are_merged_where_a_key_is_named", rows_are_merged_where_a_key_is_named),
    ("content_without_a_conflict_is_a_mistake", content_without_a_conflict_is_a_mistake),
    ("many_files_merge_and_check", many_files_merge_and_check),
    ("a_conflicting_run_is_merged", a_conflicting_run_is_merged),
    ("a_conflicting_run_that_cannot_be_merged_stays", a_conflicting_run_that_cannot_be_merged_stays),
    ("rules_hold_for_a_merged_run", rules_hold_for_a_merged_run),
];

/// A workspace with a text of nine lines and some more, and a fork of it.
fn forked() -> (Place, Workspace) {
    let place = Place::new();
    place.write("/dir/text", "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    place.write("/gone", "x\n");
    place.write("/package.json", "{\n  \"name\": \"a\",\n  \"version\": \"1\"\n}\n");
    let fork = place.workspace.fork(place.host("fork.cowry"), None).expect("a fork");
    (place, fork)
}

fn write(workspace: &Workspace, path: &str, text: &str) {
    workspace.fs().write(path, text.as_bytes()).expect(path);
    workspace.seal(None).expect("sealed");
}

fn read(workspace: &Workspace, path: &str) -> String {
    workspace.fs().read_to_string(path).unwrap_or_else(|error| panic!("{error}"))
}

fn path(text: &str) -> VPathBuf {
    VPathBuf::parse(text).expect("a path")
}

/// Merges, and checks both files after it.
fn merge(ours: &Workspace, theirs: &Workspace, options: &MergeOptions) -> MergeReport {
    let report = ours.merge(theirs, options).unwrap_or_else(|error| panic!("{error}"));
    for workspace in [ours, theirs] {
        let checked = workspace.check().expect("it can be checked");
        assert_eq!(checked, Default::default(), "{workspace:?}");
    }
    report
}

fn merged(ours: &Workspace, theirs: &Workspace) -> MergeReport {
    let report = merge(ours, theirs, &MergeOptions::default());
    assert_eq!(report.conflicts, []);
    report
}

fn a_fork_is_merged_as_one_revision() {
    let (place, fork) = forked();
    write(&fork, "/dir/text", "1\n2\n3\n4\n5\n6\n7\n8\nnine\n");
    write(&fork, "/new", "n\n");
    fork.fs().unlink("/gone").expect("removed");
    fork.fs().chmod("/dir", 0o700).expect("changed");
    write(&fork, "/package.json", "{\n  \"name\": \"a\",\n  \"version\": \"2\"\n}\n");
    place.write("/dir/text", "one\n2\n3\n4\n5\n6\n7\n8\n9\n");
    place.write("/package.json", "{\n  \"name\": \"a\",\n  \"license\": \"MIT\",\n  \"version\": \"1\"\n}\n");
    let before = place.workspace.head().expect("head");
    let report = merged(&place.workspace, &fork);
    let revision = report.revision.as_ref().expect("a revision");
    assert_eq!((revision.id.0, revision.kind), (before.0 + 1, RevisionKind::Merge));
    let head = fork.head().expect("head");
    assert_eq!(revision.message, Some(format!("merge fork.cowry revision {head}")));
    assert_eq!(report.base, (BaseOwner::Both, Revision(3)));
    assert_eq!(changed(&report.diff), ["M /dir", "M /dir/text", "R /gone", "A /new", "M /package.json"]);
    assert_eq!(place.read("/dir/text"), "one\n2\n3\n4\n5\n6\n7\n8\nnine\n");
    assert_eq!(
        place.read("/package.json"),
        "{\n  \"name\": \"a\",\n  \"license\": \"MIT\",\n  \"version\": \"2\"\n}\n"
    );
    assert!(place.has("/new") && !place.has("/gone"));
    assert_eq!(place.workspace.fs().stat("/dir").expect("there").mode, 0o700);
    let again = merged(&place.again(), &fork);
    assert!(again.revision.is_none() && again.diff.is_empty(), "there is nothing left to merge");
}

fn a_fork_takes_what_its_parent_did() {
    let (place, fork) = forked();
    place.write("/dir/text", "parent\n");
    write(&fork, "/own", "fork\n");
    let report = merged(&fork, &place.workspace);
    assert_eq!(report.revision.expect("a revision").kind, RevisionKind::Merge);
    assert_eq!((read(&fork, "/dir/text"), read(&fork, "/own")), ("parent\n".into(), "fork\n".into()));
}

fn renames_are_followed_between_forks() {
    let (place, fork) = forked();
    place.workspace.fs().rename("/dir", "/folder", Default::default()).expect("renamed");
    place.workspace.seal(None).expect("sealed");
    write(&fork, "/dir/text", "changed\n");
    write(&fork, "/dir/new", "new\n");
    merged(&place.workspace, &fork);
    assert_eq!((place.read("/folder/text"), place.read("/folder/new")), ("changed\n".into(), "new\n".into()));
    assert!(!place.has("/dir"));
}

/// Both changed the same line, and more.
fn clashing() -> (Place, Workspace) {
    let (place, fork) = forked();
    place.write("/dir/text", "ours\n2\n3\n4\n5\n6\n7\n8\n9\n");
    write(&fork, "/dir/text", "theirs\n2\n3\n4\n5\n6\n7\n8\n9\n");
    write(&fork, "/new", "n\n");
    (place, fork)
}

fn a_conflict_changes_nothing() {
    let (place, fork) = clashing();
    let head = place.workspace.head().expect("head");
    let report = merge(&place.workspace, &fork, &MergeOptions::default());
    assert_eq!(report.conflicts.len(), 1, "{:?}", report.conflicts);
    assert_eq!(report.conflicts[0].to_string(), "/dir/text: changed on both sides (both changed line 1)");
    assert!(report.revision.is_none());
    assert_eq!(place.workspace.head().expect("head"), head);
    assert!(!place.has("/new"));
}

fn a_conflict_shows_all_three_sides() {
    let (place, fork) = forked();
    place.workspace.fs().unlink("/gone").expect("removed");
    write(&fork, "/gone", "changed\n");
    let report = merge(&place.workspace, &fork, &MergeOptions::default());
    let conflict = report.conflict(&path("/gone")).expect("a conflict");
    assert_eq!(conflict.what, MergeConflictKind::RemovedHere);
    let content = |version| report.content(conflict, version).expect("it can be read");
    assert_eq!(content(MergeVersion::Base), VersionContent::File(b"x\n".to_vec()));
    assert_eq!(content(MergeVersion::Ours), VersionContent::Missing);
    assert_eq!(content(MergeVersion::Theirs), VersionContent::File(b"changed\n".to_vec()));
}

fn a_conflict_is_settled_by_path() {
    for (side, expected) in [(Side::Ours, "ours\n"), (Side::Theirs, "theirs\n")] {
        let (place, fork) = clashing();
        let report = merge(&place.workspace, &fork, &MergeOptions::taking(side));
        assert!(report.revision.is_some() && report.resolved.len() == 1);
        assert!(place.read("/dir/text").starts_with(expected));
        assert_eq!(place.read("/new"), "n\n", "what does not conflict is merged either way");
    }
    let (place, fork) = clashing();
    let elsewhere = (Glob::new("/other/**").expect("a glob"), Side::Theirs);
    let report =
        merge(&place.workspace, &fork, &MergeOptions { sides: vec![elsewhere], ..Default::default() });
    assert!(report.has_conflicts());
    let contents = [(path("/dir/text"), b"both\n".to_vec())].into();
    let report = merge(&place.workspace, &fork, &MergeOptions { contents, ..Default::default() });
    assert!(report.revision.is_some());
    assert_eq!(place.read("/dir/text"), "both\n");
}

fn what_was_settled_stays_settled() {
    let (place, fork) = clashing();
    merge(&place.workspace, &fork, &MergeOptions::taking(Side::Ours));
    write(&fork, "/dir/text", "theirs\n2\n3\n4\n5\n6\n7\n8\nnine\n");
    let report = merged(&place.workspace, &fork);
    assert_eq!(report.base, (BaseOwner::Theirs, Revision(fork.head().expect("head").0 - 1)));
    assert_eq!(place.read("/dir/text"), "ours\n2\n3\n4\n5\n6\n7\n8\nnine\n");
}

fn merges_back_and_forth() {
    let (place, fork) = forked();
    let ours = &place.workspace;
    for round in 0..4 {
        write(ours, &format!("/ours{round}"), "o\n");
        write(&fork, &format!("/theirs{round}"), "t\n");
        let mut lines: Vec<String> = read(ours, "/dir/text").lines().map(Into::into).collect();
        lines[round] = format!("ours {round}");
        write(ours, "/dir/text", &(lines.join("\n") + "\n"));
        let mut lines: Vec<String> = read(&fork, "/dir/text").lines().map(Into::into).collect();
        lines[8 - round] = format!("theirs {round}");
        if round < 3 {
            write(&fork, "/dir/text", &(lines.join("\n") + "\n"));
        }
        merged(ours, &fork);
        merged(&fork, ours);
        assert_eq!(read(ours, "/dir/text"), read(&fork, "/dir/text"), "round {round}");
    }
    let there = |workspace: &Workspace| {
        let entries = workspace.fs().read_dir("/").expect("a directory");
        entries.into_iter().map(|entry| entry.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(there(ours), there(&fork));
    assert_eq!(there(ours).len(), 3 + 8);
}

/// A file that was made in the fork has another number in the parent: a rename of it must be one all the same.
fn new_files_are_known_again_after_a_merge() {
    let (place, fork) = forked();
    write(&place.workspace, "/filler", "so that numbers differ\n");
    write(&fork, "/made", "1\n2\n3\n");
    merged(&place.workspace, &fork);
    place.workspace.fs().rename("/made", "/kept", Default::default()).expect("renamed");
    place.workspace.seal(None).expect("sealed");
    write(&fork, "/made", "1\n2\nthree\n");
    merged(&place.workspace, &fork);
    assert_eq!(place.read("/kept"), "1\n2\nthree\n");
    assert!(!place.has("/made"));
    merged(&fork, &place.workspace);
    assert_eq!(read(&fork, "/kept"), "1\n2\nthree\n");
    assert!(!fork.fs().exists("/made"));
}

fn two_forks_of_one_workspace_merge() {
    let (place, fork) = forked();
    place.write("/later", "l\n");
    let other = place.workspace.fork(place.host("other.cowry"), None).expect("a fork");
    write(&fork, "/dir/text", "one\n2\n3\n4\n5\n6\n7\n8\n9\n");
    write(&other, "/dir/text", "1\n2\n3\n4\n5\n6\n7\n8\nnine\n");
    let report = merged(&other, &fork);
    assert_eq!(report.base, (BaseOwner::Both, Revision(3)));
    assert_eq!(read(&other, "/dir/text"), "one\n2\n3\n4\n5\n6\n7\n8\nnine\n");
    merged(&fork, &other);
    assert_eq!(read(&fork, "/later"), "l\n");
}

fn a_fork_of_a_fork_merges() {
    let (place, fork) = forked();
    write(&fork, "/middle", "m\n");
    let inner = fork.fork(place.host("inner.cowry"), None).expect("a fork");
    write(&inner, "/dir/text", "inner\n");
    place.write("/outer", "o\n");
    merged(&place.workspace, &inner);
    assert_eq!((place.read("/dir/text"), place.read("/middle")), ("inner\n".into(), "m\n".into()));
    merged(&inner, &place.workspace);
    assert_eq!(read(&inner, "/outer"), "o\n");
}

fn strangers_do_not_merge() {
    let (place, other) = (Place::new(), Place::new());
    let error = place.workspace.merge(&other.workspace, &MergeOptions::default()).expect_err("strangers");
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.to_string().contains("have nothing in common: only a fork and its parent"), "{error}");
    let error = place.workspace.merge(&place.again(), &MergeOptions::default()).expect_err("itself");
    assert!(error.to_string().contains("is the workspace itself"), "{error}");
}

fn a_dry_merge_changes_nothing() {
    let (place, fork) = forked();
    write(&fork, "/new", "n\n");
    let how = OpenWorkspace { read_only: true, ..OpenWorkspace::default() };
    let ours = Workspace::open(place.host("w.cowry"), &how).expect("to read");
    let report = ours.merge(&fork, &MergeOptions { dry_run: true, ..Default::default() }).expect("merged");
    assert_eq!(changed(&report.diff), ["A /new"]);
    assert!(report.revision.is_none() && !place.has("/new"));
    let error = ours.merge(&fork, &MergeOptions::default()).expect_err("read-only");
    assert!(matches!(error, Error::ReadOnly { .. }), "{error}");
}

fn a_large_file_is_merged_as_a_whole() {
    let (place, fork) = forked();
    let large = |first: &str| format!("{first}\n{}", "x".repeat(33 << 20));
    place.write("/large", &large("1"));
    merged(&fork, &place.workspace);
    write(&fork, "/large", &large("2"));
    merged(&place.workspace, &fork);
    assert!(place.read("/large") == large("2"), "one side's change is taken, however large");
    place.write("/large", &large("3"));
    write(&fork, "/large", &large("4"));
    let report = merge(&place.workspace, &fork, &MergeOptions::default());
    let detail = report.conflicts[0].detail.as_deref();
    assert_eq!(detail, Some("larger than 32 MiB, so merged as a whole"));
}

fn rows_are_merged_where_a_key_is_named() {
    let (place, fork) = forked();
    place.write("/t.csv", "id,n\n1,a\n2,b\n");
    merged(&fork, &place.workspace);
    place.write("/t.csv", "id,n\n1,A\n2,b\n");
    write(&fork, "/t.csv", "id,n\n1,a\n2,B\n3,c\n");
    let lines = merge(&place.workspace, &fork, &MergeOptions::default());
    assert!(lines.has_conflicts(), "neighbouring lines clash");
    let with = |key: &str| MergeOptions {
        csv_keys: vec![key.parse::<CsvKey>().expect("a key")],
        ..Default::default()
    };
    let error = place.workspace.merge(&fork, &with("**/*.csv=ident")).expect_err("no such column");
    assert_eq!(
        error.to_string(),
        "/t.csv has no column \"ident\": name one of its header for its rows to be told apart by"
    );
    let report = merge(&place.workspace, &fork, &with("**/*.csv=id"));
    assert!(report.revision.is_some());
    assert_eq!(place.read("/t.csv"), "id,n\n1,A\n2,B\n3,c\n");
}

fn content_without_a_conflict_is_a_mistake() {
    let (place, fork) = clashing();
    let contents = [(path("/dir/txet"), Vec::new())].into();
    let options = MergeOptions { contents, ..MergeOptions::default() };
    let error = place.workspace.merge(&fork, &options).expect_err("no conflict there");
    assert_eq!(error.to_string(), "/dir/txet needs no new content: there is no conflict");
}

fn many_files_merge_and_check() {
    let (place, fork) = forked();
    let fill = |workspace: &Workspace, name: &str| {
        let fs = workspace.fs();
        for dir in 0..10 {
            fs.mkdir_all(&format!("/many/{dir}"), 0o755).expect("made");
            for file in 0..30 {
                fs.write(&format!("/many/{dir}/{name}{file}"), name.as_bytes()).expect("written");
            }
        }
        workspace.seal(None).expect("sealed");
    };
    fill(&place.workspace, "ours");
    fill(&fork, "theirs");
    merged(&place.workspace, &fork);
    assert_eq!(place.workspace.fs().read_dir("/many/7").expect("a directory").len(), 60);
    // The base is now a revision of the fork: the trees are compared by what the merge noted.
    fork.fs().rename("/many/7", "/seven", Default::default()).expect("renamed");
    fork.seal(None).expect("sealed");
    let report = merged(&place.workspace, &fork);
    assert_eq!(changed(&report.diff), ["R /seven"]);
    assert_eq!(place.workspace.fs().read_dir("/seven").expect("a directory").len(), 60);
}

fn a_conflicting_run_is_merged() {
    let place = Place::new();
    let id = conflicting(&place).record.id;
    let dry = MergeOptions { dry_run: true, ..MergeOptions::taking(Side::Theirs) };
    let (record, report) = place.workspace.merge_run(&id, &dry).expect("merged");
    assert_eq!((record.fate, report.revision.is_none()), (Fate::Conflict, true));
    let (record, report) =
        place.workspace.merge_run(&id, &MergeOptions::taking(Side::Theirs)).expect("merged");
    let revision = report.revision.expect("a revision");
    assert_eq!((revision.kind, revision.run.as_deref()), (RevisionKind::Merge, Some(id.as_str())));
    assert_eq!(record.fate, Fate::Committed { revision: revision.id.0 });
    assert_eq!((place.read("/a"), place.read("/b")), ("run".into(), "run".into()));
    let again = place.workspace.merge_run(&id, &MergeOptions::default()).expect_err("once");
    assert!(again.to_string().contains("they were committed"), "{again}");
}

fn a_conflicting_run_that_cannot_be_merged_stays() {
    let place = Place::new();
    let id = conflicting(&place).record.id;
    let (record, report) = place.workspace.merge_run(&id, &MergeOptions::default()).expect("merged");
    assert_eq!(report.conflicts.len(), 1, "{:?}", report.conflicts);
    assert_eq!(record.fate, Fate::Conflict);
    assert_eq!(place.read("/a"), "other");
    place.workspace.run_diff(&id).expect("still kept");
}

/// Lines far apart: a commit of the run conflicts, a merge does not; and what its policy discards stays out.
fn rules_hold_for_a_merged_run() {
    let place = Place::new();
    place.write("/t", "1\n2\n3\n");
    let policy = policy("[[files.rule]]\nglob = '/out/*.log'\nkeep = 'discard'\n");
    let code = "fs.writeFileSync('/t', 'one\\n2\\n3\\n'); fs.mkdirSync('/out');
        fs.writeFileSync('/out/a.log', '1'); fs.writeFileSync('/out/b', '2'); throw 1;";
    let id = place.run_with(policy, code).record.id;
    place.write("/t", "1\n2\nthree\n");
    let error = place.workspace.run_commit(&id, None).expect_err("a conflict");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let (_, report) = place.workspace.merge_run(&id, &MergeOptions::default()).expect("merged");
    assert_eq!(report.conflicts, []);
    assert_eq!(place.read("/t"), "one\n2\nthree\n");
    assert!(place.has("/out/b") && !place.has("/out/a.log"));
}
