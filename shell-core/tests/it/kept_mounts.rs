//! What a run that was not committed wrote to mounts, and what becomes of it.

use std::path::Path;

use cowry_shell_core::vfs::object::Bucket;
use cowry_shell_core::{
    Error, Fate, Glob, MergeOptions, Mount, MountMode, Outcome, Policy, Run, RunReport, Side,
};

use crate::Case;
use crate::buckets::{bucket, is, put, run_while, share};
use crate::place::{HOUR, Place, changed, module, policy, succeeded};

pub const CASES: &[Case] = &[
    ("a_failed_run_writes_to_its_bucket_after_all", a_failed_run_writes_to_its_bucket_after_all),
    ("a_dry_run_writes_to_its_bucket_after_all", a_dry_run_writes_to_its_bucket_after_all),
    ("a_conflict_in_a_bucket_is_settled_by_a_side", a_conflict_in_a_bucket_is_settled_by_a_side),
    ("a_conflict_in_the_workspace_keeps_what_mounts_get", a_conflict_in_the_workspace_keeps_what_mounts_get),
    ("a_merge_of_a_run_writes_to_its_bucket", a_merge_of_a_run_writes_to_its_bucket),
    ("what_no_bucket_takes_can_be_left_out", what_no_bucket_takes_can_be_left_out),
    ("a_late_commit_writes_to_host_folders", a_late_commit_writes_to_host_folders),
    ("a_late_commit_sees_who_changed_a_host_folder", a_late_commit_sees_who_changed_a_host_folder),
    ("what_was_written_already_is_not_written_late", what_was_written_already_is_not_written_late),
    ("what_cannot_be_kept_is_told", what_cannot_be_kept_is_told),
    ("what_is_too_large_to_keep_is_told", what_is_too_large_to_keep_is_told),
    ("what_was_appended_to_a_changed_object_is_told_as_lost", what_was_appended_is_told_as_lost),
    ("dropped_changes_of_mounts_are_gone", dropped_changes_of_mounts_are_gone),
    ("two_buckets_do_not_mix", two_buckets_do_not_mix),
    ("a_late_commit_promotes_and_writes", a_late_commit_promotes_and_writes),
    ("an_unfinished_bucket_comes_first", an_unfinished_bucket_comes_first),
];

const WRITE: &str = "fs.writeFileSync('/data/a.txt', 'mine'); fs.writeFileSync('/data/new', 'precious'); \
                     fs.mkdirSync('/data/dir'); fs.renameSync('/data/old', '/data/dir/moved'); \
                     fs.writeFileSync('/c', 'workspace');";

const WRITTEN: &[(&str, &str)] = &[("a.txt", "mine"), ("dir/moved", "old"), ("new", "precious")];

/// A bucket at `/data` that can be written, with two objects.
fn data(address: &str) -> (Policy, Bucket) {
    let (policy, bucket) = share(address, MountMode::ReadWrite);
    put(&bucket, "old", "old");
    (policy, bucket)
}

fn a_failed_run_writes_to_its_bucket_after_all() {
    let place = Place::new();
    let (policy, bucket) = data("memory://kept-failed/in");
    let report = place.run_with(policy, &format!("{WRITE} throw new Error('stop')"));
    let id = report.record.id;
    assert_eq!(report.record.lost, []);
    is(&bucket, &[("a.txt", "bucket"), ("old", "old")]);
    let diff = place.again().run_diff(&id).expect("kept");
    let paths = ["A /c", "M /data/a.txt", "A /data/dir", "A /data/dir/moved", "A /data/new", "R /data/old"];
    assert_eq!(changed(&diff), paths);
    let record = place.again().run_commit(&id, None).expect("committed");
    is(&bucket, WRITTEN);
    assert_eq!((place.read("/c"), record.lost.len()), ("workspace".into(), 0));
    let told = &record.buckets[0];
    assert_eq!((told.address.as_str(), told.left), ("memory://kept-failed/in", 0));
    assert_eq!(place.workspace.run_record(&id).expect("its record"), record);
    let again = place.again().run_commit(&id, None).expect_err("once");
    assert!(again.to_string().contains("they were committed"), "{again}");
    assert!(place.again().unfinished().expect("asked").is_empty());
}

fn a_dry_run_writes_to_its_bucket_after_all() {
    let place = Place::new();
    let (policy, bucket) = data("memory://kept-dry/in");
    let run = Run { policy, dry_run: true, ..module("fs.unlinkSync('/data/old')") };
    let report = place.workspace.run(&run, &mut |event| drop(event)).expect("ran");
    is(&bucket, &[("a.txt", "bucket"), ("old", "old")]);
    let record = place.again().run_commit(&report.record.id, None).expect("committed");
    is(&bucket, &[("a.txt", "bucket")]);
    assert_eq!((&record.fate, record.revision()), (&Fate::Unchanged, None));
    let again = place.again().run_commit(&report.record.id, None).expect_err("once");
    assert!(again.to_string().contains("they were committed"), "{again}");
}

/// A run that finds `/data/a.txt` changed when it ends.
fn overtaken(place: &Place, policy: Policy, bucket: &Bucket) -> RunReport {
    let code = format!("fs.readFileSync('/data/a.txt'); console.log('now'); {WRITE}");
    let report = run_while(place, policy, &code, || put(bucket, "a.txt", "theirs"));
    succeeded(&report);
    assert_eq!(report.record.fate, Fate::Conflict);
    assert_eq!((report.record.conflicts[0].path.as_str(), report.record.lost.len()), ("/data/a.txt", 0));
    is(bucket, &[("a.txt", "theirs"), ("old", "old")]);
    report
}

fn a_conflict_in_a_bucket_is_settled_by_a_side() {
    let place = Place::new();
    let (policy, bucket) = data("memory://kept-sides/in");
    let id = overtaken(&place, policy.clone(), &bucket).record.id;
    let error = place.again().run_commit(&id, None).expect_err("a conflict");
    let Error::Conflict { run, conflicts } = &error else { panic!("{error}") };
    assert_eq!((run.as_deref(), conflicts[0].path.as_str()), (Some(id.as_str()), "/data/a.txt"));
    assert!(!place.has("/c"), "nothing was committed");
    place.again().run_commit(&id, Some(Side::Theirs)).expect("committed");
    is(&bucket, WRITTEN);
    assert_eq!(place.read("/c"), "workspace");

    let place = Place::new();
    let (policy, bucket) = data("memory://kept-ours/in");
    let id = overtaken(&place, policy, &bucket).record.id;
    place.again().run_commit(&id, Some(Side::Ours)).expect("committed");
    is(&bucket, &[&[("a.txt", "theirs")], &WRITTEN[1..]].concat());
    assert_eq!(place.read("/c"), "workspace");
}

fn a_conflict_in_the_workspace_keeps_what_mounts_get() {
    let place = Place::new();
    let (policy, bucket) = data("memory://kept-workspace/in");
    place.write("/c", "base");
    let code = format!("fs.readFileSync('/c'); console.log('now'); {WRITE}");
    let report = run_while(&place, policy, &code, || place.write("/c", "others"));
    succeeded(&report);
    assert_eq!((&report.record.fate, report.record.conflicts[0].path.as_str()), (&Fate::Conflict, "/c"));
    let id = &report.record.id;
    place.again().run_commit(id, None).expect_err("still a conflict");
    is(&bucket, &[("a.txt", "bucket"), ("old", "old")]);
    place.again().run_commit(id, Some(Side::Ours)).expect("committed");
    is(&bucket, WRITTEN);
    assert_eq!(place.read("/c"), "others");
}

fn a_merge_of_a_run_writes_to_its_bucket() {
    let place = Place::new();
    let (policy, bucket) = data("memory://kept-merge/in");
    place.write("/c", "base");
    let id = overtaken(&place, policy, &bucket).record.id;
    place.write("/other", "others");
    let open = MergeOptions::default();
    let error = place.again().merge_run(&id, &open).expect_err("a conflict");
    assert!(
        matches!(&error, Error::Conflict { conflicts, .. } if conflicts[0].path == "/data/a.txt"),
        "{error}"
    );
    let dry = MergeOptions { dry_run: true, ..MergeOptions::default() };
    assert!(place.again().merge_run(&id, &dry).is_err(), "a dry run tells it, too");
    let data = Glob::new("/data/**").expect("a glob");
    let options = MergeOptions { sides: vec![(data, Side::Theirs)], ..MergeOptions::default() };
    let (record, report) = place.again().merge_run(&id, &options).expect("merged");
    assert!(report.revision.is_some() && record.buckets[0].is_done());
    is(&bucket, WRITTEN);
    assert_eq!((place.read("/c"), place.read("/other")), ("workspace".into(), "others".into()));
}

fn what_no_bucket_takes_can_be_left_out() {
    let place = Place::new();
    let (policy, bucket) = data("memory://kept-unfit/in");
    let code = format!("{WRITE} fs.symlinkSync('a.txt', '/data/link');");
    let report = place.run_with(policy, &code);
    assert!(matches!(report.record.fate, Fate::CommitFailed { .. }), "{:?}", report.record.fate);
    let id = &report.record.id;
    let error = place.again().run_commit(id, None).expect_err("it still is a link");
    assert!(error.to_string().contains("no symbolic links"), "{error}");
    assert!(!place.has("/c"));
    place.again().run_commit(id, Some(Side::Ours)).expect("committed");
    is(&bucket, WRITTEN);
    assert_eq!(place.read("/c"), "workspace");
}

/// A folder of the host at `/data` that can be written, with two files.
fn folder(place: &Place) -> Policy {
    let source = place.host("share");
    std::fs::create_dir(&source).expect("a folder");
    for (name, text) in [("a.txt", "bucket"), ("old", "old")] {
        std::fs::write(source.join(name), text).expect("written");
    }
    let source = source.to_str().expect("UTF-8");
    let mount = Mount::new("/data", source, MountMode::ReadWrite, Path::new("")).expect("well formed");
    Policy { mounts: vec![mount], ..Policy::default() }
}

/// The names in the folder, and what `a.txt` holds.
fn shared(place: &Place) -> (Vec<String>, String) {
    let entries = std::fs::read_dir(place.host("share")).expect("the folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
    let mut names: Vec<String> = names.collect();
    names.sort();
    (names, std::fs::read_to_string(place.host("share/a.txt")).expect("read"))
}

fn a_late_commit_writes_to_host_folders() {
    let place = Place::new();
    let policy = folder(&place);
    let more = "fs.mkdirSync('/data/empty'); fs.symlinkSync('a.txt', '/data/link'); fs.chmodSync('/data/old', 0o700);";
    let code = format!("{} {more} throw new Error('stop')", WRITE.replace("renameSync", "copyFileSync"));
    let id = place.run_with(policy, &code).record.id;
    assert_eq!(shared(&place).0, ["a.txt", "old"]);
    place.again().run_commit(&id, None).expect("committed");
    assert_eq!(
        shared(&place),
        (["a.txt", "dir", "empty", "link", "new", "old"].map(Into::into).into(), "mine".into())
    );
    assert_eq!(std::fs::read_to_string(place.host("share/dir/moved")).expect("read"), "old");
    assert_eq!(std::fs::read_link(place.host("share/link")).expect("a link"), Path::new("a.txt"));
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(place.host("share/old")).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "attributes alone are kept, too");
    assert_eq!(std::fs::read_to_string(place.host("share/old")).expect("read"), "old");
}

fn a_late_commit_sees_who_changed_a_host_folder() {
    let place = Place::new();
    let policy = folder(&place);
    let id = place.run_with(policy, &format!("{WRITE} throw new Error('stop')")).record.id;
    std::fs::write(place.host("share/new"), "somebody else's").expect("written");
    let error = place.again().run_commit(&id, None).expect_err("a conflict");
    assert!(
        matches!(&error, Error::Conflict { conflicts, .. } if conflicts[0].path == "/data/new"),
        "{error}"
    );
    assert_eq!(shared(&place).0, ["a.txt", "new", "old"]);
    place.again().run_commit(&id, Some(Side::Ours)).expect("committed");
    assert_eq!(shared(&place), (["a.txt", "dir", "new"].map(Into::into).into(), "mine".into()));
    assert_eq!(std::fs::read_to_string(place.host("share/new")).expect("read"), "somebody else's");
}

fn what_was_written_already_is_not_written_late() {
    let place = Place::new();
    let (mut mounted, bucket) = data("memory://kept-always/in");
    mounted.files = policy("[[files.rule]]\nglob = '/data/new'\nkeep = 'persist'\nwhen = 'always'\n").files;
    let id = place.run_with(mounted, &format!("{WRITE} throw new Error('stop')")).record.id;
    is(&bucket, &[("a.txt", "bucket"), ("new", "precious"), ("old", "old")]);
    put(&bucket, "new", "somebody else's");
    place.again().run_commit(&id, None).expect("committed");
    let expected = [WRITTEN[0], WRITTEN[1], ("new", "somebody else's")];
    is(&bucket, &expected);
}

/// A bucket that is gone before the run ends: what it has to read of it is lost, and nothing else.
fn what_cannot_be_kept_is_told() {
    let place = Place::new();
    let source = place.host("bucket");
    std::fs::create_dir(&source).expect("a folder");
    let address = format!("file://{}/in", source.display());
    let (policy, bucket) = data(&address);
    let code = format!(
        "fs.readdirSync('/data'); console.log('now'); await new Promise(done => setTimeout(done, 1)); {WRITE}"
    );
    let report = run_while(&place, policy, &code, || bucket.delete("old").expect("deleted"));
    let lost: Vec<&str> = report.record.lost.iter().map(|lost| lost.path.as_str()).collect();
    assert!(
        matches!(&report.record.fate, Fate::CommitFailed { reason } if reason.contains("/in/old")),
        "{:?}",
        report.record.fate
    );
    assert_eq!(lost, ["/data/dir/moved"]);
    let record = place.again().run_commit(&report.record.id, None).expect("the rest");
    assert_eq!(record.lost, report.record.lost, "it is told again");
    is(&bucket, &[("a.txt", "mine"), ("new", "precious")]);
}

fn what_is_too_large_to_keep_is_told() {
    let place = Place::new();
    let (mut policy, bucket) = data("memory://kept-large/in");
    policy.limits = self::policy("[limits]\nscratch = '1GiB'\nmemory = '256MiB'\n").limits;
    let code = "const piece = Buffer.alloc(1 << 20, 'x'); for (let n = 0; n < 65; n++) \
                fs.appendFileSync('/data/large', piece); fs.writeFileSync('/c', '1'); throw new Error('stop')";
    let report = place.run_with(policy, code);
    let record = &report.record;
    assert!(
        matches!(&record.outcome, Outcome::Threw(thrown) if thrown.message == "stop"),
        "{:?}",
        record.outcome
    );
    assert!(record.kept_until.is_some() && record.kept_mounts.is_empty(), "{:?}", record.kept_mounts);
    assert_eq!(record.lost.len(), 1, "{:?}", record.lost);
    assert!(record.lost[0].path == "/data" && record.lost[0].what.contains("too large"), "{:?}", record.lost);
    let record = place.again().run_commit(&record.id, None).expect("the workspace's part");
    assert_eq!((place.read("/c"), record.lost.len()), ("1".into(), 1));
    is(&bucket, &[("a.txt", "bucket"), ("old", "old")]);
}

fn what_was_appended_is_told_as_lost() {
    let place = Place::new();
    let (policy, bucket) = data("memory://kept-append/in");
    let long = "x".repeat(3 << 20);
    put(&bucket, "log", &long);
    let code = "fs.statSync('/data/log'); console.log('now'); await new Promise(done => setTimeout(done, 1)); \
                fs.appendFileSync('/data/log', 'mine'); fs.writeFileSync('/data/new', 'precious');";
    let report = run_while(&place, policy, code, || put(&bucket, "log", "theirs"));
    let record = &report.record;
    assert_eq!(record.fate, Fate::Conflict);
    assert_eq!(record.lost.iter().map(|lost| lost.path.as_str()).collect::<Vec<_>>(), ["/data/log"]);
    place.again().run_commit(&record.id, Some(Side::Theirs)).expect("the rest");
    is(&bucket, &[("a.txt", "bucket"), ("log", "theirs"), ("new", "precious"), ("old", "old")]);
}

fn dropped_changes_of_mounts_are_gone() {
    let place = Place::new();
    for (ends, address) in [(true, "memory://kept-dropped/in"), (false, "memory://kept-expired/in")] {
        let (policy, bucket) = data(address);
        let id = place.run_with(policy, "fs.unlinkSync('/data/old'); throw new Error('stop')").record.id;
        if ends {
            place.again().run_drop(&id).expect("dropped");
        } else {
            place.clock.advance(24 * HOUR);
        }
        let error = place.again().run_commit(&id, None).expect_err("gone");
        assert!(matches!(error, Error::NothingKept { .. }), "{error}");
        is(&bucket, &[("a.txt", "bucket"), ("old", "old")]);
    }
}

fn two_buckets_do_not_mix() {
    let place = Place::new();
    let (mut policy, first) = share("memory://mixed/first", MountMode::ReadWrite);
    let second = bucket("memory://mixed/second");
    let mount = Mount::new("/more", "memory://mixed/second", MountMode::ReadWrite, Path::new(""));
    policy.mounts.push(mount.expect("well formed"));
    let code = "fs.writeFileSync('/data/x', 'of the first'); fs.writeFileSync('/more/x', 'of the second');";
    succeeded(&place.run_with(policy.clone(), code));
    is(&first, &[("a.txt", "bucket"), ("x", "of the first")]);
    is(&second, &[("x", "of the second")]);
    let code = "fs.writeFileSync('/data/y', '1'); fs.writeFileSync('/more/y', '2'); throw new Error('stop')";
    let id = place.run_with(policy, code).record.id;
    place.again().run_commit(&id, None).expect("committed");
    is(&first, &[("a.txt", "bucket"), ("x", "of the first"), ("y", "1")]);
    is(&second, &[("x", "of the second"), ("y", "2")]);
}

fn a_late_commit_promotes_and_writes() {
    let place = Place::new();
    let (mut mounted, bucket) = data("memory://kept-promoted/in");
    let results = self::bucket("memory://kept-promoted/results");
    mounted.files =
        policy("[[files.rule]]\nglob = '/out/**'\nkeep = 'promote'\nto = 'memory://kept-promoted/results'\n")
            .files;
    let code =
        format!("{WRITE} fs.mkdirSync('/out'); fs.writeFileSync('/out/r', '42'); throw new Error('stop')");
    let id = place.run_with(mounted, &code).record.id;
    let record = place.again().run_commit(&id, None).expect("committed");
    is(&bucket, WRITTEN);
    is(&results, &[("r", "42")]);
    assert!(record.buckets.len() == 2 && record.buckets.iter().all(|told| told.is_done()));
}

/// What a failed run wrote whatever happens could not be written: a late commit must not put that out of sight.
fn an_unfinished_bucket_comes_first() {
    let place = Place::new();
    let source = place.host("bucket");
    std::fs::create_dir(&source).expect("a folder");
    let address = format!("file://{}/in", source.display());
    let (mut mounted, bucket) = data(&address);
    mounted.files = policy("[[files.rule]]\nglob = '/data/new'\nkeep = 'persist'\nwhen = 'always'\n").files;
    let code = format!(
        "fs.readdirSync('/data'); fs.readFileSync('/data/old'); console.log('now'); \
         await new Promise(done => setTimeout(done, 1)); {WRITE} throw new Error('stop')"
    );
    let aside = place.host("aside");
    let report = run_while(&place, mounted, &code, || {
        std::fs::rename(&source, &aside).expect("moved");
        std::fs::write(&source, "in the way").expect("written");
    });
    std::fs::remove_file(&source).expect("removed");
    std::fs::rename(&aside, &source).expect("moved back");
    assert_eq!(report.record.buckets[0].left, 1, "{:?}", report.record);
    let id = &report.record.id;
    let error = place.again().run_commit(id, None).expect_err("not yet");
    assert!(error.to_string().contains("runs finish"), "{error}");
    place.again().run_finish(id, cowry_shell_core::Finish::Retry).expect("finished");
    is(&bucket, &[("a.txt", "bucket"), ("new", "precious"), ("old", "old")]);
}
