//! What a run commits, discards and remembers.

use cowry_shell_core::record::LogLine;
use cowry_shell_core::{ErrorKind, Event, Fate, OpenWorkspace, Outcome, Program, Revision, Run, Workspace};

use crate::Case;
use crate::place::{HOUR, Place, changed, module, policy, runtime, succeeded};

pub const CASES: &[Case] = &[
    ("what_is_written_is_committed_as_one_revision", what_is_written_is_committed_as_one_revision),
    ("a_run_that_fails_leaves_nothing_but_a_record", a_run_that_fails_leaves_nothing_but_a_record),
    ("a_nonzero_exit_is_a_failure", a_nonzero_exit_is_a_failure),
    ("a_failed_run_persists_what_is_always_kept", a_failed_run_persists_what_is_always_kept),
    ("a_run_that_changes_nothing_makes_a_record_and_no_revision", nothing_changed),
    ("tmp_is_discarded", tmp_is_discarded),
    ("tmp_persists_where_a_rule_says_so", tmp_persists_where_a_rule_says_so),
    ("rules_decide_path_by_path", rules_decide_path_by_path),
    ("expired_paths_go", expired_paths_go),
    ("a_dry_run_shows_and_commits_nothing", a_dry_run_shows_and_commits_nothing),
    ("a_run_sees_the_tree_as_it_began", a_run_sees_the_tree_as_it_began),
    ("the_first_to_commit_wins", the_first_to_commit_wins),
    ("changes_of_different_files_do_not_conflict", changes_of_different_files_do_not_conflict),
    ("deep_trees_renames_and_links_survive_the_commit", deep_trees_renames_and_links_survive_the_commit),
    ("everything_handed_to_a_program_arrives", everything_handed_to_a_program_arrives),
    (
        "a_host_file_runs_and_its_folder_stays_out_of_sight",
        a_host_file_runs_and_its_folder_stays_out_of_sight,
    ),
    ("a_program_reads_only_modules_beside_it", a_program_reads_only_modules_beside_it),
    ("a_workspace_file_runs", a_workspace_file_runs),
    ("the_record_has_everything", the_record_has_everything),
    ("scratch_forgets", scratch_forgets),
    ("time_limits_end_a_run", time_limits_end_a_run),
    ("a_run_out_of_memory_leaves_a_record", a_run_out_of_memory_leaves_a_record),
    ("more_than_fits_in_memory_is_committed", more_than_fits_in_memory_is_committed),
    ("scratch_has_a_bound", scratch_has_a_bound),
];

fn what_is_written_is_committed_as_one_revision() {
    let place = Place::new();
    let head = place.workspace.head().expect("head");
    let report = place.run(
        "fs.mkdirSync('/out'); fs.writeFileSync('/out/a.txt', 'one'); fs.writeFileSync('/b.txt', 'two');",
    );
    succeeded(&report);
    let revision = report.record.revision().expect("committed");
    assert_eq!(Revision(revision), place.workspace.head().expect("head"));
    assert_eq!(revision, head.0 + 1);
    assert_eq!(changed(&report.diff), ["A /b.txt", "A /out", "A /out/a.txt"]);
    assert_eq!(place.read("/out/a.txt"), "one");
    let log = place.again().log().expect("log");
    assert_eq!(log[0].id.0, revision);
    assert_eq!(log[0].run.as_deref(), Some(report.record.id.as_str()));
    assert_eq!(log[0].message.as_deref(), Some("test.mjs"));
}

fn a_run_that_fails_leaves_nothing_but_a_record() {
    let place = Place::new();
    place.write("/a.txt", "before");
    let head = place.workspace.head().expect("head");
    let report =
        place.run("fs.writeFileSync('/a.txt', 'half'); fs.mkdirSync('/out'); throw new Error('stop');");
    let Outcome::Threw(thrown) = &report.record.outcome else { panic!("{:?}", report.record.outcome) };
    assert_eq!(thrown.message, "stop");
    assert_eq!(report.record.fate, Fate::Failed);
    assert_eq!(place.read("/a.txt"), "before");
    assert!(!place.has("/out"));
    assert_eq!(place.workspace.head().expect("head"), head);
    let record = place.workspace.run_record(&report.record.id).expect("its record");
    assert_eq!(record, report.record);
    assert_eq!(record.changes.len(), 2);
}

fn a_nonzero_exit_is_a_failure() {
    let place = Place::new();
    let report = place.run("fs.writeFileSync('/a.txt', 'x'); process.exit(3);");
    assert_eq!(report.record.outcome, Outcome::Completed { exit_code: 3 });
    assert!(!report.is_success() && !place.has("/a.txt"));
}

fn a_failed_run_persists_what_is_always_kept() {
    let place = Place::new();
    let policy = policy("[[files.rule]]\nglob = '/logs/**'\nkeep = 'persist'\nwhen = 'always'\n");
    let report = place.run_with(
        policy,
        "fs.mkdirSync('/logs'); fs.writeFileSync('/logs/run.log', 'began'); fs.writeFileSync('/out.txt', 'x'); \
         throw new Error('stop');",
    );
    assert!(matches!(report.record.outcome, Outcome::Threw(_)));
    assert!(report.record.revision().is_some());
    assert_eq!(place.read("/logs/run.log"), "began");
    assert!(!place.has("/out.txt"));
}

fn nothing_changed() {
    let place = Place::new();
    let head = place.workspace.head().expect("head");
    let report = place.run("export default 42");
    succeeded(&report);
    assert_eq!(report.value.expect("a result").json.as_deref(), Some("42"));
    assert_eq!(report.record.fate, Fate::Unchanged);
    assert!(report.diff.is_empty(), "{:?}", changed(&report.diff));
    assert_eq!(place.workspace.head().expect("head"), head);
    assert_eq!(place.workspace.runs(10).expect("runs").len(), 1);
}

fn tmp_is_discarded() {
    let place = Place::new();
    let report =
        place.run("fs.writeFileSync('/tmp/y', 'z'); fs.mkdirSync('/tmp/x/deep', {recursive: true});");
    succeeded(&report);
    assert_eq!(report.record.fate, Fate::Unchanged);
    assert!(!place.has("/tmp"));
    assert_eq!(changed(&report.diff), ["A /tmp", "A /tmp/x", "A /tmp/x/deep", "A /tmp/y"]);
}

fn tmp_persists_where_a_rule_says_so() {
    let place = Place::new();
    let policy = policy("[[files.rule]]\nglob = '/tmp/keep/**'\nkeep = 'persist'\n");
    let code =
        "fs.mkdirSync('/tmp/keep'); fs.writeFileSync('/tmp/keep/a', '1'); fs.writeFileSync('/tmp/b', '2');";
    succeeded(&place.run_with(policy, code));
    assert_eq!(place.read("/tmp/keep/a"), "1");
    assert!(!place.has("/tmp/b"));
}

fn rules_decide_path_by_path() {
    let place = Place::new();
    let policy = policy(
        "[files]\ndefault = 'discard'\n\
         [[files.rule]]\nglob = '/out/*.tmp'\nkeep = 'discard'\n\
         [[files.rule]]\nglob = '/out/**'\nkeep = 'persist'\n",
    );
    let report = place.run_with(
        policy,
        "fs.mkdirSync('/out/deep', {recursive: true}); fs.writeFileSync('/out/deep/a', '1'); \
         fs.writeFileSync('/out/b.tmp', '2'); fs.writeFileSync('/elsewhere', '3');",
    );
    succeeded(&report);
    assert_eq!(place.read("/out/deep/a"), "1");
    assert!(!place.has("/out/b.tmp") && !place.has("/elsewhere"));
}

fn expired_paths_go() {
    let place = Place::new();
    let policy = policy("[[files.rule]]\nglob = '/cache/**'\nkeep = 'expire'\nttl = '2h'\n");
    let code = "fs.mkdirSync('/cache'); fs.writeFileSync('/cache/a', '1'); fs.writeFileSync('/kept', '2');";
    succeeded(&place.run_with(policy, code));
    place.clock.advance(HOUR);
    place.workspace.gc().expect("collected");
    assert_eq!(place.read("/cache/a"), "1");
    place.clock.advance(HOUR + 1);
    place.workspace.gc().expect("collected");
    assert!(!place.has("/cache/a"));
    assert_eq!(place.read("/kept"), "2");
}

fn a_dry_run_shows_and_commits_nothing() {
    let place = Place::new();
    place.write("/a.txt", "one\n");
    let head = place.workspace.head().expect("head");
    let run = Run { dry_run: true, ..module("fs.writeFileSync('/a.txt', 'two\\n');") };
    let report = place.workspace.run(&run, &mut |event| drop(event)).expect("ran");
    assert_eq!(report.record.fate, Fate::DryRun);
    assert_eq!(place.read("/a.txt"), "one\n");
    assert_eq!(place.workspace.head().expect("head"), head);
    let content = report.diff.content(&report.diff.changes[0]).expect("content");
    let cowry_shell_core::ContentDiff::Text { unified, .. } = content else { panic!("{content:?}") };
    assert!(unified.contains("-one\n+two\n"), "{unified}");
}

/// Runs `code` and, when it prints "now", lets somebody else do `meanwhile`.
fn run_while(place: &Place, code: &str, meanwhile: impl Fn(&Workspace)) -> cowry_shell_core::RunReport {
    let other = place.again();
    let mut done = false;
    let mut on_event = |event: Event| {
        if matches!(&event, Event::Console { text, .. } if text == "now") {
            meanwhile(&other);
            done = true;
        }
    };
    let report = place.workspace.run(&module(code), &mut on_event).expect("ran");
    assert!(done, "the program said when: {:?}", report.record.outcome);
    report
}

/// The event is handled before the end of the job is, so that what is done on it comes before the commit.
const NOW: &str = "console.log('now');";

fn a_run_sees_the_tree_as_it_began() {
    let place = Place::new();
    place.write("/a.txt", "old");
    let code = format!("{NOW} export default fs.readFileSync('/a.txt', 'utf8');");
    let report = run_while(&place, &code, |other| {
        other.fs().write("/a.txt", b"new").expect("written");
        other.seal(None).expect("sealed");
    });
    assert_eq!(report.value.expect("a result").text.as_deref(), Some("old"));
}

fn the_first_to_commit_wins() {
    let place = Place::new();
    place.write("/a.txt", "base");
    let code = format!("{NOW} fs.writeFileSync('/a.txt', 'slow'); fs.writeFileSync('/b.txt', 'slow');");
    let report = run_while(&place, &code, |other| {
        let quick = module("fs.writeFileSync('/a.txt', 'quick')");
        succeeded(&other.run(&quick, &mut |event| drop(event)).expect("ran"));
    });
    assert_eq!(report.record.fate, Fate::Conflict);
    assert_eq!(report.record.conflicts[0].path, "/a.txt");
    assert!(!report.is_success());
    assert_eq!(place.read("/a.txt"), "quick");
    assert!(!place.has("/b.txt"), "nothing of a conflicting run is committed");
}

fn changes_of_different_files_do_not_conflict() {
    let place = Place::new();
    let code = format!("{NOW} fs.writeFileSync('/a.txt', 'slow');");
    let report = run_while(&place, &code, |other| {
        let quick = module("fs.writeFileSync('/b.txt', 'quick')");
        succeeded(&other.run(&quick, &mut |event| drop(event)).expect("ran"));
    });
    assert!(report.record.revision().is_some(), "{:?}", report.record.fate);
    assert_eq!((place.read("/a.txt"), place.read("/b.txt")), ("slow".into(), "quick".into()));
}

fn deep_trees_renames_and_links_survive_the_commit() {
    let place = Place::new();
    place.write("/old/deep/er/a.txt", "a");
    place.write("/old/b.txt", "b");
    let report = place.run(
        "fs.renameSync('/old', '/new'); fs.linkSync('/new/b.txt', '/new/c.txt'); \
         fs.symlinkSync('deep', '/new/link'); fs.appendFileSync('/new/deep/er/a.txt', '+'); fs.chmodSync('/new/b.txt', 0o600);",
    );
    succeeded(&report);
    let fs = place.workspace.fs();
    assert!(!place.has("/old"));
    assert_eq!(place.read("/new/link/er/a.txt"), "a+");
    let (b, c) = (fs.stat("/new/b.txt").expect("b"), fs.stat("/new/c.txt").expect("c"));
    assert_eq!((b.ino, b.nlink, b.mode), (c.ino, 2, 0o600));
}

fn everything_handed_to_a_program_arrives() {
    let place = Place::new();
    let run = Run {
        input: Some("{\"n\": 20}".into()),
        args: vec!["--x".into(), "y z".into()],
        env: vec![("KEY".into(), "value".into())],
        ..module(
            "export default (input) => [input.n + 1, process.argv.slice(2), process.env.KEY, process.env.HOME]",
        )
    };
    let report = place.workspace.run(&run, &mut |event| drop(event)).expect("ran");
    succeeded(&report);
    let json = report.value.expect("a result").json.expect("JSON");
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(value, serde_json::json!([21, ["--x", "y z"], "value", null]));
    assert_eq!(report.record.env_names, ["KEY"]);
    assert!(
        !serde_json::to_string(&report.record).expect("JSON").contains("\"value\""),
        "no values of variables"
    );
}

fn a_host_file_runs_and_its_folder_stays_out_of_sight() {
    let place = Place::new();
    std::fs::create_dir(place.host("job")).expect("a folder");
    std::fs::write(place.host("job/util.ts"), "export const twice = (n: number): number => 2 * n;")
        .expect("util");
    let code = "import fs from 'node:fs'; import { twice } from './util.ts'; \
                export default [twice(21), fs.existsSync('/program'), fs.existsSync('/program/util.ts')];";
    std::fs::write(place.host("job/main.ts"), code).expect("main");
    let run = Run::host_file(place.host("job/main.ts"));
    let report = place.workspace.run(&run, &mut |event| drop(event)).expect("ran");
    succeeded(&report);
    assert_eq!(report.value.expect("a result").json.as_deref(), Some("[42,false,false]"));
    assert_eq!(report.record.program.hash, blake3_hex(code));
}

fn a_program_reads_only_modules_beside_it() {
    let place = Place::new();
    for (path, text) in [
        (".docker/config.json", "{\"auths\": 1}"),
        (".ssh/id.js", "module.exports = 'key'"),
        (".env.json", "{}"),
        ("key.pem", "key"),
        ("package.json", "{\"version\": \"1.2.3\"}"),
        ("node_modules/one/package.json", "{\"main\": \"lib/one.js\"}"),
        ("node_modules/one/lib/one.js", "module.exports = 1"),
    ] {
        let path = place.host("home").join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("written");
    }
    let code = "const hidden = ['./.docker/config.json', './.ssh/id.js', './.env.json', './key.pem']; \
                const all = hidden.map(path => { try { return require(path) } catch (e) { return e.code } }); \
                const imported = ['.docker/config.json', 'key.pem'].map(name => \
                    import('/program/' + name, { with: { type: 'text' } }).then(() => 'read', () => 'refused')); \
                const seen = [require('./package.json').version, require('one')]; \
                module.exports = Promise.all(imported).then(imported => [...all, ...imported, ...seen]);";
    std::fs::write(place.host("home/main.cjs"), code).expect("main");
    let run = Run::host_file(place.host("home/main.cjs"));
    let report = place.workspace.run(&run, &mut |event| drop(event)).expect("ran");
    succeeded(&report);
    let json = report.value.expect("a result").json.expect("JSON");
    let missing = "\"MODULE_NOT_FOUND\"";
    let refused = "\"refused\"";
    assert_eq!(json, format!("[{missing},{missing},{missing},{missing},{refused},{refused},\"1.2.3\",1]"));
}

fn blake3_hex(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

fn a_workspace_file_runs() {
    let place = Place::new();
    place.write("/jobs/double.mjs", "export default (input) => input * 2");
    let path = cowry_shell_core::VPathBuf::parse("/jobs/double.mjs").expect("a path");
    let run = Run { input: Some("4".into()), ..Run::new(Program::File(path)) };
    let report = place.workspace.run(&run, &mut |event| drop(event)).expect("ran");
    succeeded(&report);
    assert_eq!(report.value.expect("a result").json.as_deref(), Some("8"));
}

fn the_record_has_everything() {
    let place = Place::new();
    let run = Run {
        input: Some("1".into()),
        seed: Some(7),
        message: Some("the first of May".into()),
        ..module(
            "console.warn('careful'); process.stdout.write('out\\n'); fs.writeFileSync('/a', 'xyz'); export default 5;",
        )
    };
    let report = place.workspace.run(&run, &mut |event| drop(event)).expect("ran");
    succeeded(&report);
    let record = place.workspace.run_record(&report.record.id[..5]).expect("by the beginning of its id");
    assert_eq!(record, report.record);
    assert_eq!(record.input_hash, Some(blake3_hex("1")));
    assert_eq!((record.seed, record.message.as_deref()), (Some(7), Some("the first of May")));
    assert!(
        matches!(&record.logs[0], LogLine::Console { text, .. } if text == "careful"),
        "{:?}",
        record.logs
    );
    assert!(record.logs.iter().any(|line| matches!(line, LogLine::Stdout(text) if text.contains("out"))));
    assert_eq!(record.result.expect("a small result").json.as_deref(), Some("5"));
    assert_eq!((record.changes[0].path.as_str(), record.changes[0].after), ("/a", Some(3)));
    assert!(!record.lockdown.applied.is_empty());
    assert!(record.usage.wall > std::time::Duration::ZERO);
    assert_eq!(place.workspace.log().expect("log")[0].message.as_deref(), Some("the first of May"));
}

fn scratch_forgets() {
    let how = OpenWorkspace { runtime: Some(runtime()), ..OpenWorkspace::default() };
    let scratch = Workspace::scratch_with(&how);
    let write = module("fs.writeFileSync('/a', '1'); export default fs.readFileSync('/a', 'utf8');");
    let report = scratch.run(&write, &mut |event| drop(event)).expect("ran");
    succeeded(&report);
    assert_eq!(report.value.expect("a result").text.as_deref(), Some("1"));
    assert_eq!(report.record.fate, Fate::Scratch);
    let look = module("export default fs.existsSync('/a')");
    let report = scratch.run(&look, &mut |event| drop(event)).expect("ran");
    assert_eq!(report.value.expect("a result").json.as_deref(), Some("false"));
    assert_eq!(scratch.log().expect_err("no history").kind(), ErrorKind::Workspace);
}

fn time_limits_end_a_run() {
    let place = Place::new();
    let policy = policy("[limits]\ncpu = '200ms'\nwall = '10min'\n");
    let report = place.run_with(policy, "fs.writeFileSync('/a', '1'); for (;;) {}");
    assert_eq!(report.record.outcome, Outcome::TimedOut(cowry_shell_core::TimeLimit::Cpu));
    assert!(!place.has("/a"));
}

fn a_run_out_of_memory_leaves_a_record() {
    let place = Place::new();
    let policy = policy("[limits]\nmemory = '32MiB'\n");
    let report = place
        .run_with(policy, "fs.writeFileSync('/a', '1'); const all = []; for (;;) all.push({}, [], 'x');");
    assert_eq!(report.record.outcome, Outcome::OutOfMemory);
    assert!(!place.has("/a"));
    assert_eq!(
        place.workspace.run_record(&report.record.id).expect("its record").outcome,
        Outcome::OutOfMemory
    );
}

fn more_than_fits_in_memory_is_committed() {
    let place = Place::new();
    let policy = policy("[limits]\nscratch_memory = '1MiB'\n");
    let code = "const piece = Buffer.alloc(1 << 20, 'cowry '); const file = fs.openSync('/big', 'w'); \
                for (let at = 0; at < 6; at++) fs.writeSync(file, piece); fs.closeSync(file);";
    succeeded(&place.run_with(policy, code));
    let content = place.workspace.fs().read("/big").expect("a file");
    assert_eq!(content.len(), 6 << 20);
    assert!(content.chunks(1 << 20).all(|piece| piece.starts_with(b"cowry cowry ")));
}

fn scratch_has_a_bound() {
    let place = Place::new();
    let policy = policy("[limits]\nscratch = '1MiB'\n");
    let code = "let code = 'none'; try { fs.writeFileSync('/big', Buffer.alloc(2 << 20)) } \
                catch (error) { code = error.code } export default code;";
    let report = place.run_with(policy, code);
    assert_eq!(succeeded(&report).value.as_ref().and_then(|value| value.text.as_deref()), Some("EDQUOT"));
}
