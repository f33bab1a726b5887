//! Names, forks and pruning, with runs on them.

use std::time::Duration;

use cowry_shell_core::{
    ErrorKind, KeptFor, NameTaken, OpenWorkspace, PruneRequest, Revision, RevisionFilter, SessionOptions,
    Workspace,
};

use crate::Case;
use crate::place::{Place, changed, module, runtime, succeeded};

pub const CASES: &[Case] = &[
    ("a_run_on_a_fork_is_committed_there", a_run_on_a_fork_is_committed_there),
    ("a_name_stands_for_a_revision", a_name_stands_for_a_revision),
    ("pruning_waits_for_a_session", pruning_waits_for_a_session),
    ("kept_changes_keep_their_base", kept_changes_keep_their_base),
    ("a_fork_finds_its_parent_again", a_fork_finds_its_parent_again),
];

fn a_run_on_a_fork_is_committed_there() {
    let place = Place::new();
    place.write("/in/a", "1");
    place.write("/in/b", "2");
    let fork = place.workspace.fork(place.host("f.cowry"), None).expect("a fork");
    let code = "fs.writeFileSync('/out', fs.readFileSync('/in/a', 'utf8') + '!'); fs.rmSync('/in/b')";
    let report = fork.run(&module(code), &mut |event| drop(event)).expect("run");
    assert_eq!(succeeded(&report).record.base, 2);
    assert_eq!(fork.fs().read_to_string("/out").expect("there"), "1!");
    assert_eq!(changed(&fork.diff(Revision(2), Revision(3)).expect("diff")), ["R /in/b", "A /out"]);
    assert!(place.has("/in/b") && !place.has("/out"));
    assert_eq!((fork.runs(9).expect("runs").len(), place.workspace.runs(9).expect("runs").len()), (1, 0));
    let listed = place.workspace.forks().expect("listed");
    assert_eq!((listed.len(), listed[0].workspace), (1, fork.id().expect("an id")));
    assert!(fork.check().expect("checked").problems.is_empty());
    fork.flatten().expect("flattened").expect("it was a fork");
    assert_eq!(place.workspace.forks().expect("listed"), []);
}

fn a_name_stands_for_a_revision() {
    let place = Place::new();
    place.write("/a", "1");
    place.write("/a", "2");
    let workspace = &place.workspace;
    let name = "release-1".parse().expect("a name");
    workspace.name(Revision(1), &name, NameTaken::Refuse).expect("named");
    assert_eq!(workspace.resolve("release-1").expect("known"), Revision(1));
    let error = workspace.name(Revision(2), &name, NameTaken::Refuse).expect_err("taken");
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert_eq!(error.to_string(), "release-1 is the name of revision 1: --force moves it");
    let report = workspace.prune(&PruneRequest::default()).expect("pruned");
    assert_eq!(report.kept[1], (Revision(1), KeptFor::Name("release-1".into())));
    assert_eq!(workspace.drop_name(&name).expect("dropped"), Revision(1));
    assert_eq!(workspace.prune(&PruneRequest::default()).expect("pruned").pruned, [Revision(1)]);
    assert_eq!(workspace.resolve("latest~1").expect("known"), Revision(0), "of those that are left");
    let error = workspace.resolve("1").expect_err("pruned").to_string();
    assert!(error.starts_with("revision 1 is no longer there, it was pruned"), "{error}");
    assert!(workspace.fs_at(Revision(1)).is_err());
    let left = workspace.log_of(&RevisionFilter::default()).expect("listed");
    assert_eq!(left.iter().map(|info| info.id.0).collect::<Vec<_>>(), [2, 0]);
}

fn pruning_waits_for_a_session() {
    let place = Place::new();
    place.write("/a", "1");
    place.write("/a", "2");
    let session = place.workspace.session(SessionOptions::default()).expect("a session");
    let how = OpenWorkspace {
        busy_timeout: Duration::from_millis(20),
        runtime: Some(runtime()),
        clock: place.clock.clone(),
        ..OpenWorkspace::default()
    };
    let other = Workspace::open(place.host("w.cowry"), &how).expect("opened");
    let error = other.prune(&PruneRequest::default()).expect_err("the session reads").to_string();
    assert!(error.starts_with("another process works on a revision of the workspace"), "{error}");
    drop(session);
    assert_eq!(other.prune(&PruneRequest::default()).expect("pruned").pruned, [Revision(1)]);
    other.gc().expect("collected");
}

fn kept_changes_keep_their_base() {
    let place = Place::new();
    place.write("/a", "1");
    let failed = place.run("fs.writeFileSync('/b', '1'); throw new Error('no')");
    let (id, base) = (failed.record.id.clone(), failed.record.base);
    // The report reads its base as long as it lives, which would keep it.
    drop(failed);
    assert_eq!(base, 1);
    place.write("/a", "2");
    let other = place.run("fs.writeFileSync('/c', '1'); throw new Error('no')");
    let dropped = other.record.id.clone();
    assert_eq!(other.record.base, 2);
    drop(other);
    place.write("/a", "3");
    let report = place.workspace.prune(&PruneRequest::default()).expect("pruned");
    let why = [(Revision(1), KeptFor::Run(id.clone())), (Revision(2), KeptFor::Run(dropped.clone()))];
    assert_eq!((&report.pruned[..], &report.kept[1..3]), (&[][..], &why[..]));
    place.workspace.gc().expect("collected");
    place.workspace.run_commit(&id, None).expect("its base is there");
    assert!(place.has("/b"));
    place.workspace.run_drop(&dropped).expect("dropped");
    let pruned = place.workspace.prune(&PruneRequest::default()).expect("pruned").pruned;
    assert_eq!(pruned, [Revision(1), Revision(2), Revision(3)]);
    assert!(place.workspace.check().expect("checked").problems.is_empty());
}

fn a_fork_finds_its_parent_again() {
    let place = Place::new();
    place.write("/a", "1");
    let (old, new, path) = (place.host("w.cowry"), place.host("moved.cowry"), place.host("f.cowry"));
    drop(place.workspace.fork(&path, Some(Revision(1))).expect("a fork"));
    let Place { folder, workspace, .. } = place;
    drop(workspace);
    std::fs::rename(old, &new).expect("moved");
    let error = Workspace::open(&path, &OpenWorkspace::default()).expect_err("no parent").to_string();
    assert!(error.contains("which is not there: put it back, or say where it is"), "{error}");
    Workspace::move_parent(&path, &new).expect("found");
    let fork = Workspace::open(&path, &OpenWorkspace::default()).expect("opened");
    assert_eq!(fork.fs().read_to_string("/a").expect("there"), "1");
    drop(folder);
}
