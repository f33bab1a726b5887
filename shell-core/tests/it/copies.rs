//! Copies of one workspace, made by pushing and pulling, that each went on.

use cowry_shell_core::push::{Location, PullOptions, PushName, PushOptions, Pushed, pull};
use cowry_shell_core::{
    BaseOwner, Error, MergeOptions, MergeReport, OpenWorkspace, Revision, Side, Workspace,
};
use tempfile::TempDir;

use crate::Case;

pub const CASES: &[Case] = &[
    ("copies_that_both_went_on_are_joined", copies_that_both_went_on_are_joined),
    ("what_was_settled_between_copies_stays_settled", what_was_settled_between_copies_stays_settled),
    ("new_files_of_a_copy_are_known_again", new_files_of_a_copy_are_known_again),
    ("a_fork_that_was_pushed_merges", a_fork_that_was_pushed_merges),
    ("copies_of_a_copy_are_told_apart", copies_of_a_copy_are_told_apart),
    ("a_copy_that_only_lags_behind_takes_all", a_copy_that_only_lags_behind_takes_all),
];

const TEXT: &str = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";

/// A folder with workspaces, and one that is a bucket.
struct Desk {
    folder: TempDir,
}

impl Desk {
    /// With a workspace `a.cowry` that has one revision and was pushed.
    fn new() -> (Desk, Workspace) {
        let desk = Desk { folder: TempDir::new().expect("a temporary folder") };
        let path = desk.folder.path().join("a.cowry");
        let workspace = Workspace::open(path, &OpenWorkspace::or_create()).expect("a new workspace");
        write(&workspace, "/text", TEXT);
        desk.push(&workspace).expect("pushed");
        (desk, workspace)
    }

    fn bucket(&self) -> Location {
        format!("file://{}", self.folder.path().join("bucket").display()).parse().expect("an address")
    }

    fn push(&self, workspace: &Workspace) -> Result<Pushed, Error> {
        self.push_as("a", workspace)
    }

    fn push_as(&self, name: &str, workspace: &Workspace) -> Result<Pushed, Error> {
        let name: PushName = name.parse().expect("a name");
        workspace.push(&self.bucket(), &PushOptions::new(name), &mut |_| {})
    }

    /// What was pushed last, in a file of its own.
    fn pull(&self, file: &str) -> Workspace {
        self.pull_of("a", file)
    }

    fn pull_of(&self, name: &str, file: &str) -> Workspace {
        let path = self.folder.path().join(file);
        let options = PullOptions { name: Some(name.parse().expect("a name")), ..PullOptions::default() };
        pull(&self.bucket(), &path, &options, &mut |_| {}).expect("pulled");
        Workspace::open(path, &OpenWorkspace::default()).expect("a workspace")
    }
}

fn write(workspace: &Workspace, path: &str, text: &str) {
    workspace.fs().write(path, text.as_bytes()).expect(path);
    workspace.seal(None).expect("sealed");
}

fn read(workspace: &Workspace, path: &str) -> String {
    workspace.fs().read_to_string(path).unwrap_or_else(|error| panic!("{error}"))
}

/// Merges without a conflict, and checks both files after it.
fn merged(ours: &Workspace, theirs: &Workspace) -> MergeReport {
    let report = ours.merge(theirs, &MergeOptions::default()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(report.conflicts, []);
    for workspace in [ours, theirs] {
        assert_eq!(workspace.check().expect("it can be checked"), Default::default(), "{workspace:?}");
    }
    report
}

fn copies_that_both_went_on_are_joined() {
    let (desk, a) = Desk::new();
    let b = desk.pull("b.cowry");
    write(&a, "/text", &TEXT.replace('1', "one"));
    write(&b, "/text", &TEXT.replace('9', "nine"));
    write(&b, "/new", "b\n");
    desk.push(&a).expect("pushed");
    let error = desk.push(&b).expect_err("revision 2 is another one there").to_string();
    assert!(error.contains("`cowry merge` that and push again"), "{error}");
    let theirs = desk.pull("theirs.cowry");
    let report = merged(&b, &theirs);
    assert_eq!(report.base, (BaseOwner::Both, Revision(1)));
    let both = TEXT.replace('1', "one").replace('9', "nine");
    assert_eq!((read(&b, "/text"), read(&b, "/new")), (both.clone(), "b\n".into()));
    assert_eq!(desk.push(&b).expect("what is there was merged").info.number, 3);
    // And the other way: there is nothing left to be settled.
    desk.push(&a).expect_err("b's is another one");
    let report = merged(&a, &desk.pull("back.cowry"));
    assert_eq!(report.base, (BaseOwner::Ours, Revision(2)));
    assert_eq!((read(&a, "/text"), read(&a, "/new")), (both, "b\n".into()));
    assert_eq!(desk.push(&a).expect("pushed").info.number, 4);
}

fn what_was_settled_between_copies_stays_settled() {
    let (desk, a) = Desk::new();
    let b = desk.pull("b.cowry");
    write(&a, "/text", &TEXT.replace('5', "a's"));
    write(&b, "/text", &TEXT.replace('5', "b's"));
    let conflicting = b.merge(&a, &MergeOptions::default()).expect("tried");
    assert!(conflicting.has_conflicts() && conflicting.revision.is_none());
    b.merge(&a, &MergeOptions::taking(Side::Ours)).expect("merged");
    write(&a, "/later", "a\n");
    let report = merged(&b, &a);
    assert_eq!(report.base, (BaseOwner::Theirs, Revision(2)));
    assert_eq!((read(&b, "/text"), read(&b, "/later")), (TEXT.replace('5', "b's"), "a\n".into()));
    merged(&a, &b);
    assert_eq!(read(&a, "/text"), TEXT.replace('5', "b's"));
}

fn new_files_of_a_copy_are_known_again() {
    let (desk, a) = Desk::new();
    let b = desk.pull("b.cowry");
    // Both count on from the same number.
    write(&a, "/of-a", TEXT);
    write(&b, "/of-b", "b\n");
    merged(&b, &a);
    a.fs().rename("/of-a", "/moved", Default::default()).expect("renamed");
    a.seal(None).expect("sealed");
    write(&b, "/of-a", &TEXT.replace('5', "five"));
    merged(&b, &a);
    assert_eq!((read(&b, "/moved"), read(&b, "/of-b")), (TEXT.replace('5', "five"), "b\n".into()));
    assert!(!b.fs().exists("/of-a"));
}

fn a_fork_that_was_pushed_merges() {
    let (desk, a) = Desk::new();
    write(&a, "/text", &TEXT.replace('2', "two"));
    let fork = a.fork(desk.folder.path().join("fork.cowry"), None).expect("a fork");
    write(&fork, "/text", &TEXT.replace('2', "two").replace('9', "nine"));
    write(&a, "/text", &TEXT.replace('2', "two").replace('5', "five"));
    desk.push_as("fork", &fork).expect("pushed");
    let pulled = desk.pull_of("fork", "pulled.cowry");
    assert_eq!(merged(&a, &pulled).base, (BaseOwner::Both, Revision(2)));
    let both = TEXT.replace('2', "two").replace('5', "five").replace('9', "nine");
    assert_eq!(read(&a, "/text"), both);
    merged(&pulled, &a);
    assert_eq!(read(&pulled, "/text"), both);
    // The fork itself and its copy at the other end are copies of one another.
    write(&fork, "/own", "fork\n");
    merged(&pulled, &fork);
    assert_eq!(read(&pulled, "/own"), "fork\n");
}

fn copies_of_a_copy_are_told_apart() {
    let (desk, a) = Desk::new();
    let b = desk.pull("b.cowry");
    write(&b, "/of-b", "b\n");
    write(&a, "/of-a", "a\n");
    desk.push(&a).expect("pushed");
    let other = desk.pull("other.cowry");
    write(&a, "/third-of-a", "a\n");
    write(&other, "/third-of-other", "other\n");
    assert_eq!((a.head().expect("head"), other.head().expect("head")), (Revision(3), Revision(3)));
    merged(&b, &a);
    merged(&b, &other);
    assert_eq!((read(&b, "/third-of-a"), read(&b, "/third-of-other")), ("a\n".into(), "other\n".into()));
    merged(&b, &a);
    merged(&a, &other);
    assert_eq!(read(&a, "/third-of-other"), "other\n");
}

fn a_copy_that_only_lags_behind_takes_all() {
    let (desk, a) = Desk::new();
    let b = desk.pull("b.cowry");
    write(&a, "/more", "a\n");
    let nothing = merged(&a, &b);
    assert!(nothing.revision.is_none() && nothing.diff.is_empty());
    merged(&b, &a);
    assert_eq!(read(&b, "/more"), "a\n");
    let error = b.merge(&b.clone(), &MergeOptions::default()).expect_err("itself").to_string();
    assert!(error.contains("is the workspace itself"), "{error}");
}
