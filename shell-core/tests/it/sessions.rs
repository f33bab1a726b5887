//! Sessions: entries that share globals and files, and what a commit makes of them.

use cowry_shell_core::{
    EntryReport, Error, Fate, LimitSettings, Mount, MountMode, MountSource, Outcome, Session, SessionOptions,
    Side, TimeLimit, VPathBuf,
};

use crate::Case;
use crate::place::{Place, changed, module, policy, succeeded};

pub const CASES: &[Case] = &[
    ("entries_share_globals_and_files", entries_share_globals_and_files),
    ("a_session_commits_twice_and_conflicts_not_with_itself", commits_twice),
    ("a_commit_without_news_makes_no_revision", a_commit_without_news_makes_no_revision),
    ("discarded_paths_stay_visible", discarded_paths_stay_visible),
    ("discarding_drops_files_and_globals", discarding_drops_files_and_globals),
    ("discarding_goes_back_to_the_last_commit", discarding_goes_back_to_the_last_commit),
    ("a_killed_sandbox_loses_globals_and_not_files", a_killed_sandbox_loses_globals_and_not_files),
    ("after_a_kill_the_session_commits_as_before", after_a_kill_the_session_commits_as_before),
    ("limits_are_per_entry", limits_are_per_entry),
    ("an_interrupt_ends_the_entry", an_interrupt_ends_the_entry),
    ("what_conflicts_is_kept_and_committed_late", what_conflicts_is_kept_and_committed_late),
    ("what_was_kept_is_dropped_when_the_session_commits", what_was_kept_is_dropped_when_the_session_commits),
    (
        "what_others_did_between_two_commits_is_not_overwritten",
        what_others_did_between_two_commits_is_not_overwritten,
    ),
    ("undo_takes_back_the_last_entry_that_wrote", undo_takes_back_the_last_entry_that_wrote),
    ("undo_goes_no_further_than_the_last_commit", undo_goes_no_further_than_the_last_commit),
    ("what_is_undone_is_not_committed", what_is_undone_is_not_committed),
    ("a_mount_is_added_and_files_stay", a_mount_is_added_and_files_stay),
    ("limits_can_be_changed_and_files_stay", limits_can_be_changed_and_files_stay),
    ("members_are_those_of_the_session", members_are_those_of_the_session),
    ("relative_folders_are_of_the_working_directory", relative_folders),
    ("others_commits_conflict_and_refresh_takes_them", others_commits_conflict_and_refresh_takes_them),
];

fn begin(place: &Place) -> Session {
    place.workspace.session(SessionOptions::default()).expect("a session")
}

fn eval(session: &mut Session, code: &str) -> EntryReport {
    session.eval(code, &mut |event| drop(event)).unwrap_or_else(|error| panic!("{code}: {error}"))
}

/// The value of an entry that must succeed: text as it is, others as an inspector prints them.
fn value(session: &mut Session, code: &str) -> String {
    let report = eval(session, code);
    assert!(report.outcome.is_success(), "{code}: {:?}", report.outcome);
    let value = report.value.unwrap_or_default();
    value.text.or(value.rendered).unwrap_or_default()
}

fn entries_share_globals_and_files() {
    let place = Place::new();
    let mut session = begin(&place);
    value(&mut session, "const fs = require('fs'); let n: number = 20");
    assert_eq!(value(&mut session, "n + 1"), "21");
    value(&mut session, "fs.writeFileSync('/a', 'x'.repeat(n))");
    assert_eq!(value(&mut session, "(await fs.promises.readFile('/a', 'utf8')).length"), "20");
    let report = eval(&mut session, "nothing.there");
    assert!(matches!(&report.outcome, Outcome::Threw(thrown) if thrown.name == "ReferenceError"));
    assert_eq!(value(&mut session, "n"), "20");
    assert!(!place.has("/a"), "nothing reaches the workspace without a commit");
    assert_eq!(changed(&session.diff().expect("a diff")), ["A /a"]);
}

fn commits_twice() {
    let place = Place::new();
    let mut session = begin(&place);
    value(&mut session, "const fs = require('fs'); fs.mkdirSync('/out'); fs.writeFileSync('/out/a', '1')");
    let first = session.commit(Some("first")).expect("committed");
    assert_eq!(
        (first.revision.map(|r| r.0), changed(&first.diff)),
        (Some(1), vec!["A /out".into(), "A /out/a".into()])
    );
    assert!(session.diff().expect("a diff").is_empty());
    value(&mut session, "fs.appendFileSync('/out/a', '2'); fs.writeFileSync('/out/b', '3')");
    assert_eq!(changed(&session.diff().expect("a diff")), ["M /out/a", "A /out/b"]);
    let second = session.commit(None).expect("committed");
    assert_eq!(second.revision.map(|r| r.0), Some(2));
    assert_eq!((place.read("/out/a"), place.read("/out/b")), ("12".into(), "3".into()));
    value(&mut session, "fs.renameSync('/out', '/moved'); fs.unlinkSync('/moved/b')");
    session.commit(None).expect("committed");
    assert_eq!(place.read("/moved/a"), "12");
    assert!(!place.has("/out") && !place.has("/moved/b"));
    let log = place.workspace.log().expect("log");
    assert_eq!((log.len(), log[2].message.as_deref()), (4, Some("first")));
}

fn a_commit_without_news_makes_no_revision() {
    let place = Place::new();
    let mut session = begin(&place);
    assert_eq!(session.commit(None).expect("nothing to do").revision, None);
    value(&mut session, "require('fs').writeFileSync('/a', '1')");
    assert!(session.commit(None).expect("committed").revision.is_some());
    assert_eq!(session.commit(None).expect("nothing to do").revision, None);
}

fn discarded_paths_stay_visible() {
    let place = Place::new();
    let mut session = begin(&place);
    value(
        &mut session,
        "const fs = require('fs'); fs.mkdirSync('/tmp/x'); fs.writeFileSync('/tmp/x/y', 'z')",
    );
    assert_eq!(session.commit(None).expect("nothing to persist").revision, None);
    assert_eq!(value(&mut session, "fs.readFileSync('/tmp/x/y', 'utf8')"), "z");
    assert!(!place.has("/tmp"));
}

fn discarding_drops_files_and_globals() {
    let place = Place::new();
    place.write("/a", "base");
    let mut session = begin(&place);
    value(&mut session, "globalThis.x = 1; require('fs').writeFileSync('/a', 'changed')");
    session.discard().expect("discarded");
    assert!(session.diff().expect("a diff").is_empty());
    assert_eq!(
        value(&mut session, "[typeof x, require('fs').readFileSync('/a', 'utf8')].join()"),
        "undefined,base"
    );
}

fn discarding_goes_back_to_the_last_commit() {
    let place = Place::new();
    let mut session = begin(&place);
    value(&mut session, "require('fs').writeFileSync('/a', '1')");
    session.commit(None).expect("committed");
    value(&mut session, "require('fs').writeFileSync('/a', '2')");
    session.discard().expect("discarded");
    assert_eq!(value(&mut session, "require('fs').readFileSync('/a', 'utf8')"), "1");
    value(&mut session, "require('fs').writeFileSync('/a', '3')");
    session.commit(None).expect("committed");
    assert_eq!(place.read("/a"), "3");
}

/// Hangs where no interrupt reaches it, so that the sandbox must be killed.
const HANG: &str = "[].indexOf.call({length: 2 ** 53 - 1}, 1)";

fn hanging(place: &Place) -> Session {
    let options = SessionOptions {
        policy: policy("[limits]\ncpu = '1s'\nwall = '10min'\n"),
        ..SessionOptions::default()
    };
    let mut session = place.workspace.session(options).expect("a session");
    value(&mut session, "globalThis.x = 1; require('fs').writeFileSync('/a', 'mine')");
    let report = eval(&mut session, HANG);
    assert!(report.restarted, "{:?}", report.outcome);
    assert_eq!(report.outcome, Outcome::TimedOut(TimeLimit::Cpu));
    session
}

fn a_killed_sandbox_loses_globals_and_not_files() {
    let place = Place::new();
    let mut session = hanging(&place);
    assert_eq!(
        value(&mut session, "[typeof x, require('fs').readFileSync('/a', 'utf8')].join()"),
        "undefined,mine"
    );
    assert_eq!(changed(&session.diff().expect("a diff")), ["A /a"]);
}

fn after_a_kill_the_session_commits_as_before() {
    let place = Place::new();
    let mut session = hanging(&place);
    value(&mut session, "require('fs').appendFileSync('/a', '+')");
    session.commit(None).expect("committed");
    assert_eq!(place.read("/a"), "mine+");
    let _ = eval(&mut session, HANG);
    value(&mut session, "require('fs').appendFileSync('/a', '+')");
    session.commit(None).expect("committed");
    assert_eq!(place.read("/a"), "mine++");
}

fn limits_are_per_entry() {
    let place = Place::new();
    let options = SessionOptions {
        policy: policy("[limits]\ncpu = '1s'\nwall = '10min'\n"),
        ..SessionOptions::default()
    };
    let mut session = place.workspace.session(options).expect("a session");
    value(&mut session, "globalThis.n = 1");
    let report = eval(&mut session, "for (;;) {}");
    assert_eq!((report.outcome, report.restarted), (Outcome::TimedOut(TimeLimit::Cpu), false));
    assert_eq!(value(&mut session, "n"), "1");
}

fn an_interrupt_ends_the_entry() {
    let place = Place::new();
    let mut session = begin(&place);
    value(&mut session, "globalThis.n = 1");
    let handle = session.interrupter();
    let report = session
        .eval("console.log('now'); for (;;) {}", &mut |_| {
            handle.interrupt();
        })
        .expect("evaluated");
    assert_eq!((report.outcome, report.restarted), (Outcome::Interrupted, false));
    assert_eq!(value(&mut session, "n"), "1");
}

fn others_commits_conflict_and_refresh_takes_them() {
    let place = Place::new();
    place.write("/a", "base");
    let mut session = begin(&place);
    value(&mut session, "require('fs').writeFileSync('/a', 'mine')");
    let other = place.again().run(&module("fs.writeFileSync('/a', 'other')"), &mut |event| drop(event));
    succeeded(&other.expect("ran"));
    let error = session.commit(None).expect_err("a conflict");
    assert!(
        matches!(&error, Error::Conflict { run: Some(_), conflicts } if conflicts[0].path.as_str() == "/a"),
        "{error}"
    );
    assert!(session.refresh().is_err(), "there is something to lose");
    session.discard().expect("discarded");
    session.refresh().expect("refreshed");
    assert_eq!(value(&mut session, "require('fs').readFileSync('/a', 'utf8')"), "other");
    value(&mut session, "require('fs').writeFileSync('/a', 'mine')");
    session.commit(None).expect("committed");
    assert_eq!(place.read("/a"), "mine");
}

/// The run as which a commit is kept that met a conflict.
fn kept(session: &mut Session) -> Option<String> {
    match session.commit(None) {
        Err(Error::Conflict { run, .. }) => run,
        other => panic!("{other:?}"),
    }
}

fn what_conflicts_is_kept_and_committed_late() {
    let place = Place::new();
    place.write("/a", "base");
    let mut session = begin(&place);
    value(&mut session, "const fs = require('fs'); fs.writeFileSync('/first', 'mine')");
    session.commit(None).expect("committed");
    value(&mut session, "fs.writeFileSync('/a', 'mine'); fs.writeFileSync('/b', 'mine')");
    let other = |code: &str| {
        succeeded(&place.again().run(&module(code), &mut |event| drop(event)).expect("ran"));
    };
    other("fs.writeFileSync('/a', 'other'); fs.writeFileSync('/first', 'other')");
    let id = kept(&mut session).expect("kept");
    value(&mut session, "fs.writeFileSync('/b', 'more')");
    assert_eq!(kept(&mut session).as_ref(), Some(&id), "it is kept once");
    assert_eq!(changed(&place.workspace.run_diff(&id).expect("kept")), ["M /a", "A /b"]);
    assert!(matches!(place.workspace.run_commit(&id, None), Err(Error::Conflict { .. })));
    place.workspace.run_commit(&id, Some(Side::Theirs)).expect("committed");
    assert_eq!([place.read("/a"), place.read("/b"), place.read("/first")], ["mine", "more", "other"]);
    let next = kept(&mut session).expect("kept");
    assert_ne!(next, id, "the first one is committed");
    session.discard().expect("discarded");
    session.refresh().expect("refreshed");
    assert_eq!(value(&mut session, "fs = require('fs'); fs.readFileSync('/b', 'utf8')"), "more");
}

fn what_others_did_between_two_commits_is_not_overwritten() {
    let place = Place::new();
    place.write("/a", "base");
    let mut session = begin(&place);
    let other = place.again().run(&module("fs.writeFileSync('/a', 'other')"), &mut |event| drop(event));
    succeeded(&other.expect("ran"));
    value(&mut session, "const fs = require('fs'); fs.writeFileSync('/own', 'mine')");
    session.commit(None).expect("committed");
    value(&mut session, "fs.writeFileSync('/a', 'mine')");
    // Over the session's own revision it would look as if it had seen what is in `/a`.
    assert_eq!(kept(&mut session), None);
    assert_eq!(place.read("/a"), "other");
    value(&mut session, "fs.writeFileSync('/a', 'base')");
    session.undo().expect("undone");
}

fn what_was_kept_is_dropped_when_the_session_commits() {
    let place = Place::new();
    place.write("/a", "base");
    let mut session = begin(&place);
    value(&mut session, "const fs = require('fs'); fs.writeFileSync('/own', 'mine')");
    value(&mut session, "fs.writeFileSync('/a', 'mine')");
    let other = place.again().run(&module("fs.writeFileSync('/a', 'other')"), &mut |event| drop(event));
    succeeded(&other.expect("ran"));
    let id = kept(&mut session).expect("kept");
    session.undo().expect("undone");
    session.commit(None).expect("committed");
    assert_eq!([place.read("/a"), place.read("/own")], ["other", "mine"]);
    assert_eq!(place.workspace.run_record(&id).expect("recorded").fate, Fate::Dropped);
    assert!(matches!(place.workspace.run_commit(&id, None), Err(Error::NothingKept { .. })));
}

fn undo_takes_back_the_last_entry_that_wrote() {
    let place = Place::new();
    place.write("/a", "base");
    let mut session = begin(&place);
    value(&mut session, "const fs = require('fs'); fs.writeFileSync('/a', 'one')");
    value(&mut session, "let n = 7; fs.writeFileSync('/a', 'two'); fs.writeFileSync('/b', '')");
    value(&mut session, "n + 1");
    assert_eq!(changed(&session.undo().expect("undone")), ["M /a", "A /b"]);
    assert_eq!(value(&mut session, "fs.readFileSync('/a', 'utf8') + fs.existsSync('/b') + n"), "onefalse7");
    assert_eq!(changed(&session.undo().expect("undone")), ["M /a"]);
    assert!(session.diff().expect("a diff").is_empty());
    assert_eq!(value(&mut session, "fs.readFileSync('/a', 'utf8')"), "base");
    assert!(session.undo().is_err(), "nothing is left");
}

fn undo_goes_no_further_than_the_last_commit() {
    let place = Place::new();
    let mut session = begin(&place);
    value(&mut session, "const fs = require('fs'); fs.writeFileSync('/a', '1')");
    session.commit(None).expect("committed");
    assert!(session.undo().is_err(), "it is committed");
    value(&mut session, "fs.writeFileSync('/a', '2')");
    session.undo().expect("undone");
    assert_eq!(value(&mut session, "fs.readFileSync('/a', 'utf8')"), "1");
}

fn what_is_undone_is_not_committed() {
    let place = Place::new();
    let mut session = begin(&place);
    value(&mut session, "const fs = require('fs'); fs.writeFileSync('/a', '1')");
    value(&mut session, "fs.writeFileSync('/a', '2'); fs.writeFileSync('/b', '2')");
    session.undo().expect("undone");
    value(&mut session, "fs.writeFileSync('/c', '3')");
    session.commit(None).expect("committed");
    assert_eq!((place.read("/a"), place.has("/b"), place.read("/c")), ("1".into(), false, "3".into()));
    value(&mut session, "fs.appendFileSync('/a', '4')");
    session.commit(None).expect("committed");
    assert_eq!(place.read("/a"), "14");
}

fn a_mount_is_added_and_files_stay() {
    let place = Place::new();
    let host = tempfile::tempdir().expect("a folder");
    std::fs::write(host.path().join("x"), "host").expect("written");
    let mut session = begin(&place);
    value(&mut session, "require('fs').writeFileSync('/a', 'mine')");
    let mount = |at: &str| Mount::new(at, "", MountMode::ReadOnly, std::path::Path::new("/"));
    assert!(mount("/data").is_err(), "a source is needed");
    let mount = Mount {
        at: VPathBuf::parse("/data").expect("a path"),
        source: MountSource::Folder(host.path().to_owned()),
        mode: MountMode::ReadOnly,
    };
    session.mount(mount.clone()).expect("mounted");
    assert_eq!(
        value(
            &mut session,
            "require('fs').readFileSync('/data/x', 'utf8') + require('fs').readFileSync('/a', 'utf8')"
        ),
        "hostmine"
    );
    assert!(session.mount(mount).is_err(), "something is mounted there");
    assert_eq!(changed(&session.diff().expect("a diff")), ["A /a"]);
    session.commit(None).expect("committed");
    assert_eq!(place.read("/a"), "mine");
    assert!(!place.has("/data"));
}

fn limits_can_be_changed_and_files_stay() {
    let place = Place::new();
    let mut session = begin(&place);
    value(&mut session, "globalThis.x = 1; require('fs').writeFileSync('/a', 'mine')");
    let limits = LimitSettings { cpu: Some(std::time::Duration::from_secs(1)), ..*session.limit_settings() };
    session.set_limits(limits).expect("set");
    assert_eq!(value(&mut session, "typeof x + require('fs').readFileSync('/a', 'utf8')"), "undefinedmine");
    assert_eq!(eval(&mut session, "for (;;) {}").outcome, Outcome::TimedOut(TimeLimit::Cpu));
}

fn members_are_those_of_the_session() {
    let place = Place::new();
    let mut session = begin(&place);
    let names = |session: &mut Session, path: &[&str], prefix: &str| -> Vec<String> {
        let path: Vec<String> = path.iter().map(|name| (*name).to_owned()).collect();
        let members = session.members(&path, prefix, 100).expect("the sandbox lives");
        members.into_iter().map(|member| member.name).collect()
    };
    assert_eq!(names(&mut session, &["JSON"], "str"), ["stringify"]);
    assert!(names(&mut session, &["state"], "readFile").contains(&"readFileBytes".to_owned()));
    value(&mut session, "const cart = { apples: 1, pears: 2 }");
    assert_eq!(names(&mut session, &["cart"], "ap"), ["apples"]);
    assert_eq!(names(&mut session, &[], "car"), ["cart"]);
}

fn relative_folders() {
    let place = Place::new();
    let mut session = begin(&place);
    let names = |session: &mut Session, folder: &str| -> Vec<String> {
        let entries = session.entries(folder, "", 100).expect("the sandbox lives");
        entries.into_iter().map(|entry| entry.name.to_string()).collect()
    };
    assert_eq!(session.cwd().as_str(), "/");
    value(
        &mut session,
        "const fs = require('fs'); fs.mkdirSync('/d/e', { recursive: true }); fs.writeFileSync('/d/e/f', '')",
    );
    assert!(names(&mut session, ".").contains(&"d".to_owned()));
    value(&mut session, "process.chdir('/d')");
    assert_eq!(session.cwd().as_str(), "/d");
    assert_eq!(
        (names(&mut session, "."), names(&mut session, "./e")),
        (vec!["e".to_owned()], vec!["f".to_owned()])
    );
    assert_eq!(
        (names(&mut session, "/d"), names(&mut session, "../d/e")),
        (vec!["e".to_owned()], vec!["f".to_owned()])
    );
}
