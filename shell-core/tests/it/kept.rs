//! Runs that were not committed, and what can be done with them for a day.

use cowry_shell_core::{Error, Event, Fate, RunRecord, RunReport, Side, VerdictRecord};

use crate::Case;
use crate::place::{HOUR, Place, changed, module, policy, succeeded};

pub const CASES: &[Case] = &[
    ("a_failed_run_is_committed_after_all", a_failed_run_is_committed_after_all),
    ("rules_hold_for_a_late_commit_too", rules_hold_for_a_late_commit_too),
    ("kept_changes_are_dropped_on_request", kept_changes_are_dropped_on_request),
    ("kept_changes_last_a_day", kept_changes_last_a_day),
    ("a_late_commit_conflicts_without_a_side", a_late_commit_conflicts_without_a_side),
    ("ours_leaves_out_what_conflicts", ours_leaves_out_what_conflicts),
    ("theirs_writes_over_what_is_there", theirs_writes_over_what_is_there),
    ("theirs_replaces_a_directory_by_a_file", theirs_replaces_a_directory_by_a_file),
    ("the_rest_of_a_failed_run_follows_what_was_always_kept", the_rest_follows),
    ("a_committed_run_shows_its_diff", a_committed_run_shows_its_diff),
    ("a_dry_run_is_committed_later", a_dry_run_is_committed_later),
    ("ids_are_found_by_their_beginning", ids_are_found_by_their_beginning),
];

const HALF: &str = "fs.mkdirSync('/out'); fs.writeFileSync('/out/a', 'half\\n'); throw new Error('stop');";

fn a_failed_run_is_committed_after_all() {
    let place = Place::new();
    let id = place.run(HALF).record.id;
    let diff = place.again().run_diff(&id).expect("kept");
    assert_eq!(changed(&diff), ["A /out", "A /out/a"]);
    let content = diff.content(&diff.changes[1]).expect("content");
    assert!(
        matches!(content, cowry_shell_core::ContentDiff::Text { added: 1, removed: 0, .. }),
        "{content:?}"
    );
    let record = place.again().run_commit(&id, None).expect("committed");
    assert_eq!(place.read("/out/a"), "half\n");
    assert_eq!(record.revision(), Some(1));
    assert_eq!(place.workspace.run_record(&id).expect("its record"), record);
    assert_eq!(place.workspace.log().expect("log")[0].run, Some(id.clone()));
    let again = place.workspace.run_commit(&id, None).expect_err("once");
    assert!(again.to_string().contains("they were committed"), "{again}");
}

fn rules_hold_for_a_late_commit_too() {
    let place = Place::new();
    let policy = policy("[[files.rule]]\nglob = '/out/*.log'\nkeep = 'discard'\n");
    let code = "fs.mkdirSync('/out'); fs.writeFileSync('/out/a.log', '1'); fs.writeFileSync('/out/b', '2'); throw 1;";
    let id = place.run_with(policy, code).record.id;
    let record = place.workspace.run_commit(&id, None).expect("committed");
    assert!(!place.has("/out/a.log") && place.has("/out/b"));
    assert_eq!(persisting(&record), ["/out", "/out/b"], "the record tells what was committed");
}

/// The paths of which a record says that they were committed.
fn persisting(record: &RunRecord) -> Vec<&str> {
    let kept = record.changes.iter().filter(|change| change.verdict == VerdictRecord::Persist);
    kept.map(|change| &*change.path).collect()
}

fn kept_changes_are_dropped_on_request() {
    let place = Place::new();
    let id = place.run(HALF).record.id;
    let record = place.workspace.run_drop(&id).expect("dropped");
    assert_eq!((record.fate, record.kept_until), (Fate::Dropped, None));
    let error = place.workspace.run_diff(&id).expect_err("gone");
    assert!(error.to_string().contains("they were dropped"), "{error}");
}

fn kept_changes_last_a_day() {
    let place = Place::new();
    let id = place.run(HALF).record.id;
    place.clock.advance(23 * HOUR);
    place.workspace.run_diff(&id).expect("kept");
    place.clock.advance(HOUR);
    let error = place.workspace.run_commit(&id, None).expect_err("gone");
    assert!(error.to_string().contains("24 hours"), "{error}");
    assert_eq!(place.workspace.run_record(&id).expect("the record stays").fate, Fate::Failed);
}

/// A run that changes `/a` and `/b`, and conflicts on `/a`.
pub fn conflicting(place: &Place) -> RunReport {
    place.write("/a", "base");
    let other = place.again();
    let run = module("console.log('now'); fs.writeFileSync('/a', 'run'); fs.writeFileSync('/b', 'run');");
    let report = place.workspace.run(&run, &mut |event| {
        if let Event::Console { .. } = event {
            other.fs().write("/a", b"other").expect("written");
            other.seal(None).expect("sealed");
        }
    });
    let report = report.expect("ran");
    assert_eq!(report.record.fate, Fate::Conflict);
    report
}

fn a_late_commit_conflicts_without_a_side() {
    let place = Place::new();
    let id = conflicting(&place).record.id;
    let error = place.workspace.run_commit(&id, None).expect_err("still a conflict");
    let Error::Conflict { run, conflicts } = &error else { panic!("{error}") };
    assert_eq!((run.as_deref(), conflicts[0].path.as_str()), (Some(id.as_str()), "/a"));
    place.workspace.run_diff(&id).expect("still kept");
}

fn ours_leaves_out_what_conflicts() {
    let place = Place::new();
    let id = conflicting(&place).record.id;
    let record = place.workspace.run_commit(&id, Some(Side::Ours)).expect("committed");
    assert_eq!(persisting(&record).last(), Some(&"/b"));
    assert_eq!((place.read("/a"), place.read("/b")), ("other".into(), "run".into()));
}

fn theirs_writes_over_what_is_there() {
    let place = Place::new();
    let id = conflicting(&place).record.id;
    let record = place.workspace.run_commit(&id, Some(Side::Theirs)).expect("committed");
    assert_eq!((place.read("/a"), place.read("/b")), ("run".into(), "run".into()));
    assert_eq!(record.revision().map(cowry_shell_core::Revision), place.workspace.head().ok());
}

fn theirs_replaces_a_directory_by_a_file() {
    let place = Place::new();
    place.write("/keep", "1");
    let id = place.run("fs.writeFileSync('/x', 'file'); fs.unlinkSync('/keep'); throw 1;").record.id;
    place.write("/x/inside", "somebody's");
    place.workspace.run_commit(&id, Some(Side::Theirs)).expect("committed");
    assert_eq!(place.read("/x"), "file");
    assert!(!place.has("/keep"));
}

fn the_rest_follows() {
    let place = Place::new();
    let policy = policy("[[files.rule]]\nglob = '/out/log'\nkeep = 'persist'\nwhen = 'always'\n");
    let code =
        "fs.mkdirSync('/out'); fs.writeFileSync('/out/log', 'l'); fs.writeFileSync('/out/a', 'a'); throw 1;";
    let report = place.run_with(policy, code);
    assert_eq!((place.read("/out/log"), place.has("/out/a")), ("l".into(), false));
    place.write("/out/log", "written since");
    place.workspace.run_commit(&report.record.id, None).expect("committed");
    assert_eq!((place.read("/out/log"), place.read("/out/a")), ("written since".into(), "a".into()));
}

fn a_committed_run_shows_its_diff() {
    let place = Place::new();
    let report = place.run("fs.writeFileSync('/a', '1')");
    let diff = place.workspace.run_diff(&succeeded(&report).record.id).expect("from its revision");
    assert_eq!(changed(&diff), ["A /a"]);
}

fn a_dry_run_is_committed_later() {
    let place = Place::new();
    let run = cowry_shell_core::Run { dry_run: true, ..module("fs.writeFileSync('/a', '1')") };
    let id = place.workspace.run(&run, &mut |event| drop(event)).expect("ran").record.id;
    assert!(!place.has("/a"));
    place.workspace.run_commit(&id, None).expect("committed");
    assert_eq!(place.read("/a"), "1");
}

fn ids_are_found_by_their_beginning() {
    let place = Place::new();
    let id = place.run(HALF).record.id;
    assert_eq!(place.workspace.run_record(&id[..3]).expect("found").id, id);
    for wrong in ["", "zz", "never-an-id"] {
        assert!(matches!(place.workspace.run_record(wrong), Err(Error::NoRun { .. })));
    }
}
