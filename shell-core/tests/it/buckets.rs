//! Buckets that are mounted beside the workspace.

use std::collections::BTreeMap;
use std::path::Path;

use cowry_shell_core::vfs::object::{Bucket, Connect, Expect};
use cowry_shell_core::{
    Error, Event, Fate, Mount, MountMode, Outcome, Policy, Run, RunReport, SessionOptions, Side,
};

use crate::Case;
use crate::place::{Place, changed, module, policy, succeeded};
use crate::promotions::{OUT, promote};

pub const CASES: &[Case] = &[
    ("a_bucket_is_read_and_not_written", a_bucket_is_read_and_not_written),
    ("a_large_csv_is_read_line_by_line", a_large_csv_is_read_line_by_line),
    ("writes_reach_the_bucket_after_the_commit", writes_reach_the_bucket_after_the_commit),
    ("each_mount_gets_what_was_written_to_it", each_mount_gets_what_was_written_to_it),
    ("folders_are_marked_and_links_are_refused", folders_are_marked_and_links_are_refused),
    ("what_a_bucket_cannot_keep_is_told_before_the_commit", what_a_bucket_cannot_keep_is_told),
    ("modes_and_times_go_with_content_only", modes_and_times_go_with_content_only),
    ("many_objects_are_written_and_removed", many_objects_are_written_and_removed),
    ("an_object_changed_meanwhile_is_a_conflict", an_object_changed_meanwhile_is_a_conflict),
    ("a_changed_object_is_no_mix_of_two", a_changed_object_is_no_mix_of_two),
    ("only_a_success_that_is_meant_writes_to_a_bucket", only_a_success_that_is_meant_writes_to_a_bucket),
    ("a_bucket_that_cannot_be_met_is_told_before", a_bucket_that_cannot_be_met_is_told_before),
    ("a_session_commits_to_buckets", a_session_commits_to_buckets),
    ("a_folder_and_a_file_change_places", a_folder_and_a_file_change_places),
    ("a_session_goes_on_after_its_own_writes", a_session_goes_on_after_its_own_writes),
    ("a_conflict_of_a_session_is_committed_late", a_conflict_of_a_session_is_committed_late),
];

pub fn bucket(address: &str) -> Bucket {
    Bucket::open(&address.parse().expect(address), Connect::default()).expect(address)
}

pub fn put(bucket: &Bucket, name: &str, text: &str) {
    let content = text.as_bytes().to_vec();
    bucket.put(name, content, &Expect::Anything, &BTreeMap::new()).expect(name);
}

/// Every object below the address, with its content.
pub fn objects(bucket: &Bucket) -> Vec<(String, String)> {
    let mut names = Vec::new();
    let listed = bucket.list_all("", |found| {
        names.push(found.name);
        Ok(())
    });
    listed.expect("listed");
    names.sort();
    let read = |name: String| {
        let content = bucket.get(&name, None, None).expect("read");
        (name, String::from_utf8_lossy(&content).into_owned())
    };
    names.into_iter().map(read).collect()
}

pub fn is(bucket: &Bucket, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
    assert_eq!(objects(bucket), expected);
}

/// A policy that mounts a bucket with an object `a.txt` at `/data`.
pub fn share(address: &str, mode: MountMode) -> (Policy, Bucket) {
    let bucket = bucket(address);
    put(&bucket, "a.txt", "bucket");
    let mount = Mount::new("/data", address, mode, Path::new("")).expect("well formed");
    (Policy { mounts: vec![mount], ..Policy::default() }, bucket)
}

fn a_bucket_is_read_and_not_written() {
    let place = Place::new();
    let (policy, bucket) = share("memory://read/in", MountMode::ReadOnly);
    put(&bucket, "deep/er/b.txt", "deep");
    let code = "let code = 'none'; try { fs.writeFileSync('/data/b', '1') } catch (error) { code = error.code } \
                export default [fs.readFileSync('/data/a.txt', 'utf8'), fs.readdirSync('/data'), \
                fs.readFileSync('/data/deep/er/b.txt', 'utf8'), code];";
    let report = place.run_with(policy, code);
    succeeded(&report);
    let json = report.value.as_ref().expect("a result").json.clone();
    assert_eq!(json.as_deref(), Some("[\"bucket\",[\"a.txt\",\"deep\"],\"deep\",\"EROFS\"]"));
    assert_eq!(report.record.policy.mounts[0].source, "memory://read/in");
    assert!(report.record.buckets.is_empty());
}

/// More than the sandbox has memory for, in lines of one length.
fn a_large_csv_is_read_line_by_line() {
    let place = Place::new();
    let folder = place.host("bucket");
    std::fs::create_dir(&folder).expect("a folder");
    let lines = 300_000_usize;
    let text = "1234567,some text to make the line longer than it would have to be\n".repeat(lines);
    std::fs::write(folder.join("large.csv"), &text).expect("written");
    let address = format!("file://{}", folder.display());
    let mount = Mount::new("/data", &address, MountMode::ReadOnly, Path::new("")).expect("well formed");
    let policy = policy("[limits]\nmemory = '16MiB'\n");
    let policy = Policy { mounts: vec![mount], ..policy };
    let code = "let rows = 0, sum = 0; for (const row of csv.rows('/data/large.csv', { header: false })) \
                { rows++; sum += Number(row[0]) } export default [rows, sum];";
    let report = place.run_with(policy, code);
    succeeded(&report);
    let json = report.value.as_ref().expect("a result").json.clone();
    assert_eq!(json, Some(format!("[{lines},{}]", 1_234_567 * lines)));
}

const WRITE: &str = "fs.writeFileSync('/data/a.txt', 'changed'); fs.mkdirSync('/data/new/deep', {recursive: true}); \
                     fs.writeFileSync('/data/new/deep/b', 'made'); fs.writeFileSync('/c', 'workspace');";

fn writes_reach_the_bucket_after_the_commit() {
    let place = Place::new();
    let (policy, bucket) = share("memory://write/in", MountMode::ReadWrite);
    put(&bucket, "gone", "x");
    put(&bucket, "log", "one\n");
    let code = format!(
        "{WRITE} fs.unlinkSync('/data/gone'); fs.renameSync('/data/new/deep', '/data/new/moved'); \
         fs.appendFileSync('/data/log', 'two\\n');"
    );
    let report = place.run_with(policy, &code);
    succeeded(&report);
    assert!(report.is_success());
    is(&bucket, &[("a.txt", "changed"), ("log", "one\ntwo\n"), ("new/moved/b", "made")]);
    assert_eq!(place.read("/c"), "workspace");
    assert!(changed(&report.diff).contains(&"M /data/a.txt".to_owned()), "{:?}", changed(&report.diff));
    let told = &report.record.buckets[0];
    assert_eq!((told.address.as_str(), told.mount.as_deref()), ("memory://write/in", Some("/data")));
    assert_eq!((told.done, told.bytes, told.left), (4, 19, 0));
    assert_eq!(place.workspace.run_record(&report.record.id).expect("its record"), report.record);
    assert!(place.again().unfinished().expect("asked").is_empty());
}

fn each_mount_gets_what_was_written_to_it() {
    let place = Place::new();
    let (mut policy, first) = share("memory://each/first", MountMode::ReadWrite);
    let second = bucket("memory://each/second");
    for at in ["/other", "/same"] {
        let mount = Mount::new(at, "memory://each/second", MountMode::ReadWrite, Path::new(""));
        policy.mounts.push(mount.expect("well formed"));
    }
    let code = "fs.writeFileSync('/data/n', 'to the first'); fs.writeFileSync('/other/n', 'second'); \
                fs.writeFileSync('/other/m', 'one'); fs.writeFileSync('/same/m', 'two')";
    let report = place.run_with(policy, code);
    is(&first, &[("a.txt", "bucket"), ("n", "to the first")]);
    is(&second, &[("m", "one"), ("n", "second")]);
    // The last of them finds what the one before it wrote.
    let told = &report.record.buckets;
    assert_eq!(told.iter().map(|told| (told.done, told.left)).collect::<Vec<_>>(), [(1, 0), (2, 0), (0, 1)]);
}

fn value(report: &RunReport) -> String {
    succeeded(report).value.as_ref().expect("a result").json.clone().expect("JSON")
}

fn folders_are_marked_and_links_are_refused() {
    let place = Place::new();
    let (policy, bucket) = share("memory://folders/in", MountMode::ReadWrite);
    put(&bucket, "dir/only", "x");
    let code = "fs.mkdirSync('/data/empty'); fs.unlinkSync('/data/dir/only')";
    assert!(place.run_with(policy.clone(), code).is_success());
    let list = "export default [fs.readdirSync('/data'), fs.readdirSync('/data/dir')]";
    let report = place.run_with(policy.clone(), list);
    assert_eq!(value(&report), "[[\"a.txt\",\"dir\",\"empty\"],[]]");
    let code = "fs.rmdirSync('/data/empty'); fs.rmdirSync('/data/dir')";
    assert!(place.run_with(policy.clone(), code).is_success());
    let report = place.run_with(policy.clone(), "export default fs.readdirSync('/data')");
    assert_eq!(value(&report), "[\"a.txt\"]");
    let code = "fs.symlinkSync('a.txt', '/data/link'); fs.writeFileSync('/c', '1'); fs.writeFileSync('/data/a.txt', '1')";
    let report = place.run_with(policy, code);
    let Fate::CommitFailed { reason } = &report.record.fate else { panic!("{:?}", report.record.fate) };
    assert!(reason.contains("memory://folders/in/link") && reason.contains("no symbolic links"), "{reason}");
    is(&bucket, &[("a.txt", "bucket")]);
    assert!(!place.has("/c") && report.record.kept_until.is_some());
}

fn what_a_bucket_cannot_keep_is_told() {
    let place = Place::new();
    let (policy, bucket) = share("memory://cannot/in", MountMode::ReadWrite);
    let holes = "fs.writeFileSync('/data/big', 'x'); fs.truncateSync('/data/big', 2 ** 39);";
    let long = "const dir = '/data/' + Array(9).fill('x'.repeat(200)).join('/'); \
                fs.mkdirSync(dir, { recursive: true }); fs.writeFileSync(dir + '/a', '1');";
    for (code, says) in [(holes, "nothing in most of it"), (long, "too long")] {
        let report = place.run_with(policy.clone(), code);
        let Fate::CommitFailed { reason } = &report.record.fate else { panic!("{:?}", report.record.fate) };
        assert!(reason.contains(says), "{reason}");
        is(&bucket, &[("a.txt", "bucket")]);
    }
    // Some holes are fine, and are zeros there.
    let code = "fs.writeFileSync('/data/holes', 'x'); fs.truncateSync('/data/holes', 3000000)";
    assert!(place.run_with(policy, code).is_success());
    let content = bucket.get("holes", None, None).expect("read");
    assert_eq!((content.len(), content[0]), (3_000_000, b'x'));
    assert!(content[1..].iter().all(|byte| *byte == 0));
}

/// In a bucket they are objects of their own; on the host neither can be while the other is there.
fn a_folder_and_a_file_change_places() {
    let place = Place::new();
    let folder = place.host("bucket");
    std::fs::create_dir(&folder).expect("a folder");
    for address in ["memory://places/in".to_owned(), format!("file://{}", folder.display())] {
        let (policy, bucket) = share(&address, MountMode::ReadWrite);
        let code = "fs.mkdirSync('/data/d'); fs.mkdirSync('/data/d/e'); fs.mkdirSync('/data/k/l', { recursive: true }); \
                    for (let n = 0; n < 9; n++) { fs.writeFileSync(`/data/d/e/${n}`, ''); fs.writeFileSync(`/data/k/l/${n}`, '') } \
                    fs.writeFileSync('/data/f', 'a file');";
        assert!(place.run_with(policy.clone(), code).is_success());
        let code = "fs.rmSync('/data/d', { recursive: true }); fs.writeFileSync('/data/d', 'a file now'); \
                    fs.unlinkSync('/data/f'); fs.mkdirSync('/data/f'); fs.writeFileSync('/data/f/in', 'a folder now'); \
                    fs.rmSync('/data/k', { recursive: true });";
        let report = place.run_with(policy.clone(), code);
        assert!(report.is_success(), "{address}: {:?}", report.record.buckets);
        is(&bucket, &[("a.txt", "bucket"), ("d", "a file now"), ("f/in", "a folder now")]);
        let code = "export default [fs.readdirSync('/data'), fs.readFileSync('/data/d', 'utf8')]";
        assert_eq!(value(&place.run_with(policy, code)), "[[\"a.txt\",\"d\",\"f\"],\"a file now\"]");
    }
}

fn modes_and_times_go_with_content_only() {
    let place = Place::new();
    let (policy, bucket) = share("memory://modes/in", MountMode::ReadWrite);
    let before = bucket.head("a.txt").expect("asked");
    let code = "fs.chmodSync('/data/a.txt', 0o600); fs.utimesSync('/data/a.txt', 1, 2); \
                fs.writeFileSync('/data/b', '1'); fs.chmodSync('/data/b', 0o6750); fs.utimesSync('/data/b', 1, 2.5);";
    assert!(place.run_with(policy.clone(), code).is_success());
    assert_eq!(bucket.head("a.txt").expect("asked"), before);
    let metadata = bucket.head("b").expect("asked").expect("written").metadata;
    let of = |name: &str| metadata.get(name).map(String::as_str);
    assert_eq!((of("mtime"), of("mode")), (Some("2.500000000"), Some("33256")));
    // A later run sees them, by a file's attributes, and what it writes over the file has its mode.
    let code = "const stat = (name) => { const { mode, mtimeMs } = fs.statSync(name); return [mode & 0o7777, mtimeMs] }; \
                fs.readdirSync('/data'); const before = stat('/data/b'); fs.writeFileSync('/data/b', '2'); \
                export default [before, stat('/data/b')[0]]";
    let report = place.run_with(policy, code);
    assert_eq!(value(&report), "[[488,2500],488]");
    assert_eq!(bucket.head("b").expect("asked").expect("written").metadata["mode"], "33256");
}

fn many_objects_are_written_and_removed() {
    let place = Place::new();
    let (policy, bucket) = share("memory://many/in", MountMode::ReadWrite);
    let code = "fs.mkdirSync('/data/d'); for (let n = 0; n < 200; n++) fs.writeFileSync(`/data/d/${n}`, 'x'.repeat(n));";
    let report = place.run_with(policy.clone(), code);
    assert_eq!((report.record.buckets[0].done, report.record.buckets[0].bytes), (200, 199 * 100));
    let all = objects(&bucket);
    assert_eq!(all.len(), 201);
    assert!(all[1..].iter().all(|(name, text)| name == &format!("d/{}", text.len())));
    let report = place.run_with(policy, "fs.renameSync('/data/d', '/data/e'); fs.rmSync('/data/e/7');");
    assert!(report.is_success(), "{:?}", report.record.buckets);
    let all = objects(&bucket);
    assert_eq!(all.len(), 200);
    assert!(all[1..].iter().all(|(name, text)| name == &format!("e/{}", text.len()) && text.len() != 7));
}

/// Runs `code`; as soon as it prints something, `meanwhile` happens.
pub fn run_while(place: &Place, policy: Policy, code: &str, mut meanwhile: impl FnMut()) -> RunReport {
    let run = Run { policy, ..module(code) };
    let report = place.workspace.run(&run, &mut |event| {
        if let Event::Console { .. } = event {
            meanwhile();
        }
    });
    report.expect("ran")
}

fn an_object_changed_meanwhile_is_a_conflict() {
    let place = Place::new();
    let (policy, bucket) = share("memory://conflict/in", MountMode::ReadWrite);
    let code = format!("fs.readFileSync('/data/a.txt'); console.log('now'); {WRITE}");
    let report = run_while(&place, policy, &code, || put(&bucket, "a.txt", "somebody else's"));
    assert_eq!(report.record.fate, Fate::Conflict);
    assert_eq!(report.record.conflicts[0].path, "/data/a.txt");
    assert!(report.record.conflicts[0].what.contains("memory://conflict/in"));
    is(&bucket, &[("a.txt", "somebody else's")]);
    assert!(!place.has("/c"), "nothing of a conflicting run is committed");
}

fn a_changed_object_is_no_mix_of_two() {
    let place = Place::new();
    let (policy, bucket) = share("memory://mix/in", MountMode::ReadOnly);
    let long = "first ".repeat(1 << 20);
    put(&bucket, "long", &long);
    let code = "const file = fs.openSync('/data/long'); const piece = Buffer.alloc(6); fs.readSync(file, piece, 0, 6, 0); \
                console.log('now'); await new Promise(done => setTimeout(done, 1)); let told = 'none'; \
                try { fs.readSync(file, piece, 0, 6, 6 * 1000000); told = piece.toString() } \
                catch (error) { told = error.code } export default told;";
    let report = run_while(&place, policy, code, || put(&bucket, "long", &"later ".repeat(1 << 20)));
    succeeded(&report);
    let told = report.value.expect("a result").text.expect("text");
    assert!(["ESTALE", "first "].contains(&told.as_str()), "{told}");
}

fn only_a_success_that_is_meant_writes_to_a_bucket() {
    let place = Place::new();
    let (policy, bucket) = share("memory://failed/in", MountMode::ReadWrite);
    let report = place.run_with(policy.clone(), &format!("{WRITE} throw new Error('stop');"));
    assert!(matches!(report.record.outcome, Outcome::Threw(_)));
    is(&bucket, &[("a.txt", "bucket")]);
    let run = Run { policy, dry_run: true, ..module(WRITE) };
    let report = place.workspace.run(&run, &mut |event| drop(event)).expect("ran");
    succeeded(&report);
    is(&bucket, &[("a.txt", "bucket")]);
    let told = &report.record.buckets[0];
    assert_eq!((told.address.as_str(), told.done, told.left), ("memory://failed/in", 0, 2));
}

fn a_bucket_that_cannot_be_met_is_told_before() {
    let place = Place::new();
    let file = place.host("file");
    std::fs::write(&file, "no folder").expect("written");
    let address = format!("file://{}/below", file.display());
    let mount = Mount::new("/data", &address, MountMode::ReadOnly, Path::new("")).expect("well formed");
    let mounted = Policy { mounts: vec![mount], ..Policy::default() };
    let promoted = promote(&address);
    for policy in [mounted, promoted] {
        let run = Run { policy, ..module("console.log('it ran')") };
        let error = place.workspace.run(&run, &mut |_| panic!("it ran")).expect_err("refused");
        assert!(matches!(error, Error::Bucket { .. }), "{error}");
        assert!(error.to_string().contains(&address) && !error.to_string().contains('\n'), "{error}");
    }
    assert!(place.workspace.runs(10).expect("listed").is_empty());
}

fn a_session_commits_to_buckets() {
    let place = Place::new();
    let (mut policy, bucket) = share("memory://session/in", MountMode::ReadWrite);
    policy.files = promote("memory://session/results").files;
    let options = SessionOptions { policy, ..SessionOptions::default() };
    let mut session = place.workspace.session(options).expect("a session");
    let code = format!("{{ const fs = require('fs'); {WRITE} {OUT} }}");
    session.eval(&code, &mut |event| drop(event)).expect("evaluated");
    is(&bucket, &[("a.txt", "bucket")]);
    let done = session.commit(None).expect("committed");
    assert_eq!(done.buckets.iter().map(|told| told.done).sum::<u64>(), 4);
    is(&bucket, &[("a.txt", "changed"), ("new/deep/b", "made")]);
    is(&self::bucket("memory://session/results"), &[("a.csv", "a"), ("sub/b.csv", "bb")]);
    assert!(place.again().unfinished().expect("asked").is_empty());
}

fn a_session_goes_on_after_its_own_writes() {
    let place = Place::new();
    let (policy, bucket) = share("memory://goes-on/in", MountMode::ReadWrite);
    let options = SessionOptions { policy, ..SessionOptions::default() };
    let mut session = place.workspace.session(options).expect("a session");
    let mut eval = |code: &str| {
        let report = session.eval(code, &mut |event| drop(event)).expect("evaluated");
        assert!(report.outcome.is_success(), "{:?}", report.outcome);
        session.commit(None)
    };
    eval("require('fs').writeFileSync('/data/a.txt', '1'); require('fs').writeFileSync('/data/b', '1')")
        .expect("first");
    eval("require('fs').appendFileSync('/data/a.txt', '2'); require('fs').unlinkSync('/data/b')")
        .expect("second");
    is(&bucket, &[("a.txt", "12")]);
    eval("require('fs').writeFileSync('/data/b', 'again')").expect("third");
    is(&bucket, &[("a.txt", "12"), ("b", "again")]);
    put(&bucket, "b", "theirs");
    let error = eval("require('fs').writeFileSync('/data/b', 'more')").expect_err("a conflict");
    assert!(matches!(&error, Error::Conflict { conflicts, .. } if conflicts[0].path == "/data/b"), "{error}");
    is(&bucket, &[("a.txt", "12"), ("b", "theirs")]);
}

fn a_conflict_of_a_session_is_committed_late() {
    let place = Place::new();
    let (policy, bucket) = share("memory://session-late/in", MountMode::ReadWrite);
    let options = SessionOptions { policy, ..SessionOptions::default() };
    let mut session = place.workspace.session(options).expect("a session");
    let code = "require('fs').writeFileSync('/data/a.txt', 'mine'); require('fs').writeFileSync('/data/b', 'mine'); \
                require('fs').writeFileSync('/own', 'mine')";
    session.eval(code, &mut |event| drop(event)).expect("evaluated");
    put(&bucket, "a.txt", "theirs");
    let Err(Error::Conflict { run: Some(id), conflicts }) = session.commit(None) else {
        panic!("no conflict")
    };
    assert_eq!(conflicts[0].path, "/data/a.txt");
    drop(session);
    is(&bucket, &[("a.txt", "theirs")]);
    let next = place.again();
    assert!(matches!(next.run_commit(&id, None), Err(Error::Conflict { .. })));
    next.run_commit(&id, Some(Side::Theirs)).expect("committed");
    is(&bucket, &[("a.txt", "mine"), ("b", "mine")]);
    assert_eq!(place.read("/own"), "mine");
}
