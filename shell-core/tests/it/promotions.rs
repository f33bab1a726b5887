//! Results that are promoted to buckets.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use cowry_shell_core::{BucketProgress, Fate, Finish, OpenWorkspace, Policy, Run, RunReport, Workspace};

use crate::Case;
use crate::buckets::{bucket, is, put, run_while};
use crate::late::today;
use crate::place::{Place, module, policy, runtime, succeeded};

pub const CASES: &[Case] = &[
    ("matching_files_are_promoted", matching_files_are_promoted),
    ("a_promotion_tells_how_far_it_is", a_promotion_tells_how_far_it_is),
    ("a_promotion_can_be_repeated", a_promotion_can_be_repeated),
    ("a_promotion_that_fails_is_finished_later", a_promotion_that_fails_is_finished_later),
    ("a_late_commit_promotes_too", a_late_commit_promotes_too),
    ("a_promotion_takes_a_workspace", a_promotion_takes_a_workspace),
    ("a_revision_to_be_promoted_is_not_pruned", a_revision_to_be_promoted_is_not_pruned),
];

pub fn promote(address: &str) -> Policy {
    policy(&format!("[[files.rule]]\nglob = '/out/**'\nkeep = 'promote'\nto = '{address}'\n"))
}

pub const OUT: &str = "fs.mkdirSync('/out/sub', {recursive: true}); fs.writeFileSync('/out/a.csv', 'a'); \
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
    let place = today();
    let bucket = bucket("memory://repeated/results");
    let id = place.run_with(promote("memory://repeated/results"), OUT).record.id;
    bucket.delete("a.csv").expect("deleted");
    let (finished, records) = place.again().run_finish(&id[..4], Finish::Retry).expect("finished");
    assert_eq!((finished, records[0].done), (id.clone(), 2));
    is(&bucket, &[("a.csv", "a"), ("sub/b.csv", "bb")]);
    put(&bucket, "sub/b.csv", "spoilt");
    let (_, records) = place.again().run_finish(&id, Finish::Retry).expect("tried");
    assert_eq!((records[0].done, records[0].left), (1, 1));
    assert_eq!(records[0].conflicts, ["memory://repeated/results/sub/b.csv"]);
    place.again().run_finish(&id, Finish::Overwrite).expect("finished");
    is(&bucket, &[("a.csv", "a"), ("sub/b.csv", "bb")]);
    let id = place.run("fs.writeFileSync('/x', '1')").record.id;
    let nothing = place.again().run_finish(&id, Finish::Retry).expect_err("nothing to do");
    assert!(nothing.to_string().contains("nothing left"), "{nothing}");
}

/// A folder that is a bucket until a file takes its place.
struct Blocked(PathBuf);

impl Blocked {
    fn new(place: &Place) -> Blocked {
        let folder = place.host("bucket");
        std::fs::create_dir(&folder).expect("a folder");
        Blocked(folder)
    }

    fn address(&self) -> String {
        format!("file://{}/results", self.0.display())
    }

    /// Runs what promotes to it; the file takes its place before the run has ended.
    fn run(&self, place: &Place) -> RunReport {
        let code = format!("console.log('now'); await new Promise(done => setTimeout(done, 1)); {OUT}");
        run_while(place, promote(&self.address()), &code, || {
            std::fs::remove_dir_all(&self.0).expect("removed");
            std::fs::write(&self.0, "in the way").expect("written");
        })
    }

    fn free(&self) {
        std::fs::remove_file(&self.0).expect("removed");
        std::fs::create_dir(&self.0).expect("a folder");
    }
}

fn a_promotion_that_fails_is_finished_later() {
    let place = Place::new();
    let results = Blocked::new(&place);
    let report = results.run(&place);
    succeeded(&report);
    assert!(!report.is_success());
    assert!(matches!(report.record.fate, Fate::Committed { .. }));
    let told = &report.record.buckets[0];
    assert_eq!((told.done, told.left), (0, 2));
    assert!(told.trouble.as_ref().expect("a reason").contains(&results.address()), "{:?}", told.trouble);
    assert_eq!(place.read("/out/a.csv"), "a", "nothing is lost");
    let left = place.again().unfinished().expect("asked");
    assert_eq!((left.len(), &left[0].0), (1, &report.record.id));
    results.free();
    // What came later into the workspace is not what this run promoted.
    place.write("/out/a.csv", "later");
    let (_, records) = place.again().run_finish(&report.record.id, Finish::Retry).expect("finished");
    assert_eq!((records[0].done, records[0].left), (2, 0));
    is(&bucket(&results.address()), &[("a.csv", "a"), ("sub/b.csv", "bb")]);
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
    let results = Blocked::new(&place);
    let report = results.run(&place);
    for text in ["1", "2", "3"] {
        place.write("/out/a.csv", text);
    }
    let request = cowry_shell_core::PruneRequest { keep_last: Some(1), ..Default::default() };
    place.workspace.prune(&request).expect("pruned");
    results.free();
    place.workspace.run_finish(&report.record.id, Finish::Retry).expect("finished");
    is(&bucket(&results.address()), &[("a.csv", "a"), ("sub/b.csv", "bb")]);
}
