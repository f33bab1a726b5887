//! Buckets beside the workspace: mounted, and promoted to.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use cowry_shell_core::vfs::object::{Bucket, Connect, Expect};
use cowry_shell_core::{
    BucketProgress, Error, Event, Fate, Finish, Mount, MountMode, OpenWorkspace, Outcome, Policy, Run,
    RunReport, SessionOptions, Workspace,
};

use crate::Case;
use crate::place::{Place, changed, module, policy, runtime, succeeded};

pub const CASES: &[Case] = &[
    ("a_bucket_is_read_and_not_written", a_bucket_is_read_and_not_written),
    ("a_large_csv_is_read_line_by_line", a_large_csv_is_read_line_by_line),
    ("writes_reach_the_bucket_after_the_commit", writes_reach_the_bucket_after_the_commit),
    ("folders_are_marked_and_links_are_refused", folders_are_marked_and_links_are_refused),
    ("what_a_bucket_cannot_keep_is_told_before_the_commit", what_a_bucket_cannot_keep_is_told),
    ("modes_and_times_go_with_content_only", modes_and_times_go_with_content_only),
    ("many_objects_are_written_and_removed", many_objects_are_written_and_removed),
    ("an_object_changed_meanwhile_is_a_conflict", an_object_changed_meanwhile_is_a_conflict),
    ("a_changed_object_is_no_mix_of_two", a_changed_object_is_no_mix_of_two),
    ("only_a_success_that_is_meant_writes_to_a_bucket", only_a_success_that_is_meant_writes_to_a_bucket),
    ("a_bucket_that_cannot_be_met_is_told_before", a_bucket_that_cannot_be_met_is_told_before),
    ("matching_files_are_promoted", matching_files_are_promoted),
    ("a_promotion_tells_how_far_it_is", a_promotion_tells_how_far_it_is),
    ("a_promotion_can_be_repeated", a_promotion_can_be_repeated),
    ("a_promotion_that_fails_is_finished_later", a_promotion_that_fails_is_finished_later),
    ("a_late_commit_promotes_too", a_late_commit_promotes_too),
    ("a_promotion_takes_a_workspace", a_promotion_takes_a_workspace),
    ("a_revision_to_be_promoted_is_not_pruned", a_revision_to_be_promoted_is_not_pruned),
    ("a_session_commits_to_buckets", a_session_commits_to_buckets),
    ("a_session_goes_on_after_its_own_writes", a_session_goes_on_after_its_own_writes),
];

fn bucket(address: &str) -> Bucket {
    Bucket::open(&address.parse().expect(address), Connect::default()).expect(address)
}

fn put(bucket: &Bucket, name: &str, text: &str) {
    let content = text.as_bytes().to_vec();
    bucket.put(name, content, &Expect::Anything, &BTreeMap::new()).expect(name);
}

/// Every object below the address, with its content.
fn objects(bucket: &Bucket) -> Vec<(String, String)> {
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

fn is(bucket: &Bucket, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect();
    assert_eq!(objects(bucket), expected);
}

/// A policy that mounts a bucket with an object `a.txt` at `/data`.
fn share(address: &str, mode: MountMode) -> (Policy, Bucket) {
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

fn modes_and_times_go_with_content_only() {
    let place = Place::new();
    let (policy, bucket) = share("memory://modes/in", MountMode::ReadWrite);
    let before = bucket.head("a.txt").expect("asked");
    let code = "fs.chmodSync('/data/a.txt', 0o600); fs.utimesSync('/data/a.txt', 1, 2); \
                fs.writeFileSync('/data/b', '1'); fs.chmodSync('/data/b', 0o6750); fs.utimesSync('/data/b', 1, 2.5);";
    assert!(place.run_with(policy, code).is_success());
    assert_eq!(bucket.head("a.txt").expect("asked"), before);
    let metadata = bucket.head("b").expect("asked").expect("written").metadata;
    let of = |name: &str| metadata.get(name).map(String::as_str);
    assert_eq!((of("mtime"), of("mode")), (Some("2.500000000"), Some("33256")));
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
fn run_while(place: &Place, policy: Policy, code: &str, mut meanwhile: impl FnMut()) -> RunReport {
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

fn promote(address: &str) -> Policy {
    policy(&format!("[[files.rule]]\nglob = '/out/**'\nkeep = 'promote'\nto = '{address}'\n"))
}

const OUT: &str = "fs.mkdirSync('/out/sub', {recursive: true}); fs.writeFileSync('/out/a.csv', 'a'); \
                   fs.writeFileSync('/out/sub/b.csv', 'bb'); fs.symlinkSync('a.csv', '/out/link'); \
                   fs.writeFileSync('/other', 'o');";

fn matching_files_are_promoted() {
    let place = Place::new();
    let bucket = bucket("memory://promoted/results");
    put(&bucket, "a.csv", "old");
    put(&bucket, "other.csv", "theirs");
    let report = place.run_with(promote("memory://promoted/results"), OUT);
    succeeded(&report);
    assert!(report.is_success());
    is(&bucket, &[("a.csv", "a"), ("other.csv", "theirs"), ("sub/b.csv", "bb")]);
    let told = &report.record.buckets[0];
    assert_eq!((told.address.as_str(), &told.mount), ("memory://promoted/results", &None));
    assert_eq!((told.done, told.bytes, told.left), (2, 3, 0));
    assert_eq!(place.read("/out/a.csv"), "a", "what is promoted persists, too");
    // A file that is moved into the place is promoted; what is removed is left alone.
    let code = "fs.renameSync('/out/sub', '/out/moved'); fs.unlinkSync('/out/a.csv');";
    succeeded(&place.run_with(promote("memory://promoted/results"), code));
    let after = [("a.csv", "a"), ("moved/b.csv", "bb"), ("other.csv", "theirs"), ("sub/b.csv", "bb")];
    is(&bucket, &after);
}

fn a_promotion_tells_how_far_it_is() {
    let place = Place::new();
    let told: Arc<Mutex<Vec<Option<BucketProgress>>>> = Arc::default();
    let id = place.run_with(promote("memory://told/results"), OUT).record.id;
    let (workspace, tell) = (place.again(), told.clone());
    workspace.on_bucket_writes(move |at| tell.lock().expect("nobody panicked").push(at));
    workspace.run_finish(&id, Finish::Retry).expect("finished");
    let told = told.lock().expect("nobody panicked");
    let all = BucketProgress { objects: 2, of_objects: 2, bytes: 3, of_bytes: 3 };
    assert_eq!(told.first(), Some(&Some(BucketProgress { objects: 0, bytes: 0, ..all })));
    assert_eq!(told[told.len() - 2..], [Some(all), None], "{told:?}");
    assert!(told.iter().flatten().is_sorted_by_key(|at| (at.objects, at.bytes)), "{told:?}");
}

fn a_promotion_can_be_repeated() {
    let place = Place::new();
    let bucket = bucket("memory://repeated/results");
    let id = place.run_with(promote("memory://repeated/results"), OUT).record.id;
    bucket.delete("a.csv").expect("deleted");
    put(&bucket, "sub/b.csv", "spoilt");
    let (finished, records) = place.again().run_finish(&id[..4], Finish::Retry).expect("finished");
    assert_eq!((finished, records[0].done), (id, 2));
    is(&bucket, &[("a.csv", "a"), ("sub/b.csv", "bb")]);
    let id = place.run("fs.writeFileSync('/x', '1')").record.id;
    let nothing = place.again().run_finish(&id, Finish::Retry).expect_err("nothing to do");
    assert!(nothing.to_string().contains("nothing left"), "{nothing}");
}

/// A folder that is a bucket until a file takes its place.
fn a_promotion_that_fails_is_finished_later() {
    let place = Place::new();
    let folder = place.host("bucket");
    std::fs::create_dir(&folder).expect("a folder");
    let address = format!("file://{}/results", folder.display());
    let code = format!("console.log('now'); await new Promise(done => setTimeout(done, 1)); {OUT}");
    let report = run_while(&place, promote(&address), &code, || {
        std::fs::remove_dir_all(&folder).expect("removed");
        std::fs::write(&folder, "in the way").expect("written");
    });
    succeeded(&report);
    assert!(!report.is_success());
    assert!(matches!(report.record.fate, Fate::Committed { .. }));
    let told = &report.record.buckets[0];
    assert_eq!((told.done, told.left), (0, 2));
    assert!(told.trouble.as_ref().expect("a reason").contains(&address), "{:?}", told.trouble);
    assert_eq!(place.read("/out/a.csv"), "a", "nothing is lost");
    let left = place.again().unfinished().expect("asked");
    assert_eq!((left.len(), &left[0].0), (1, &report.record.id));
    std::fs::remove_file(&folder).expect("removed");
    std::fs::create_dir(&folder).expect("a folder");
    // What came later into the workspace is not what this run promoted.
    place.write("/out/a.csv", "later");
    let (_, records) = place.again().run_finish(&report.record.id, Finish::Retry).expect("finished");
    assert_eq!((records[0].done, records[0].left), (2, 0));
    is(&bucket(&address), &[("a.csv", "a"), ("sub/b.csv", "bb")]);
    assert!(place.again().unfinished().expect("asked").is_empty());
    assert!(place.workspace.run_record(&report.record.id).expect("its record").buckets[0].is_done());
}

fn a_late_commit_promotes_too() {
    let place = Place::new();
    let bucket = bucket("memory://late/results");
    let report = place.run_with(promote("memory://late/results"), &format!("{OUT} throw new Error('stop')"));
    is(&bucket, &[]);
    let record = place.again().run_commit(&report.record.id, None).expect("committed");
    is(&bucket, &[("a.csv", "a"), ("sub/b.csv", "bb")]);
    assert_eq!((record.buckets[0].done, record.buckets[0].left), (2, 0));
    assert_eq!(place.workspace.run_record(&record.id).expect("its record"), record);
}

fn a_promotion_takes_a_workspace() {
    let how = OpenWorkspace { runtime: Some(runtime()), ..OpenWorkspace::default() };
    let run = Run { policy: promote("memory://scratch/results"), ..module(OUT) };
    let error = Workspace::scratch_with(&how).run(&run, &mut |_| ()).expect_err("refused");
    assert!(error.to_string().contains("-w FILE"), "{error}");
}

fn a_revision_to_be_promoted_is_not_pruned() {
    let place = Place::new();
    let folder = place.host("bucket");
    std::fs::create_dir(&folder).expect("a folder");
    let address = format!("file://{}/results", folder.display());
    let code = format!("console.log('now'); await new Promise(done => setTimeout(done, 1)); {OUT}");
    let report = run_while(&place, promote(&address), &code, || {
        std::fs::remove_dir_all(&folder).expect("removed");
        std::fs::write(&folder, "in the way").expect("written");
    });
    for text in ["1", "2", "3"] {
        place.write("/out/a.csv", text);
    }
    let request = cowry_shell_core::PruneRequest { keep_last: Some(1), ..Default::default() };
    place.workspace.prune(&request).expect("pruned");
    std::fs::remove_file(&folder).expect("removed");
    std::fs::create_dir(&folder).expect("a folder");
    place.workspace.run_finish(&report.record.id, Finish::Retry).expect("finished");
    is(&bucket(&address), &[("a.csv", "a"), ("sub/b.csv", "bb")]);
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
