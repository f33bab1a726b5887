//! Promotions that are made late: what was promoted or written since stays.

use std::path::Path;

use cowry_shell_core::{Clock, Finish, PruneRequest, RunReport, SystemClock};

use crate::Case;
use crate::buckets::{bucket, is, put, run_while};
use crate::place::{Place, succeeded};
use crate::promotions::promote;

pub const CASES: &[Case] = &[
    ("an_older_promotion_replaces_no_newer_one", an_older_promotion_replaces_no_newer_one),
    ("a_repeated_promotion_replaces_no_newer_one", a_repeated_promotion_replaces_no_newer_one),
    ("a_late_promotion_replaces_those_of_earlier_runs", a_late_promotion_replaces_those_of_earlier_runs),
    (
        "a_promotion_of_a_pruned_revision_is_told_by_its_run",
        a_promotion_of_a_pruned_revision_is_told_by_its_run,
    ),
];

/// A place where it is now: buckets tell the time of this machine.
pub fn today() -> Place {
    Place::starting(SystemClock.now())
}

fn write(text: &str) -> String {
    format!("fs.mkdirSync('/out', {{recursive: true}}); fs.writeFileSync('/out/r', '{text}');")
}

/// A run whose promotion fails, since a file is where the folder was that is its bucket.
fn fail_to_promote(place: &Place, folder: &Path, text: &str) -> RunReport {
    place.clock.advance((SystemClock.now().0 - place.clock.now().0).max(0));
    std::fs::create_dir_all(folder).expect("a folder");
    let address = format!("file://{}/results", folder.display());
    let code = format!("console.log('now'); await new Promise(done => setTimeout(done, 1)); {}", write(text));
    let report = run_while(place, promote(&address), &code, || {
        std::fs::remove_dir_all(folder).expect("removed");
        std::fs::write(folder, "in the way").expect("written");
    });
    succeeded(&report);
    assert_eq!((report.record.buckets[0].done, report.record.buckets[0].left), (0, 1));
    std::fs::remove_file(folder).expect("removed");
    std::fs::create_dir(folder).expect("a folder");
    report
}

fn an_older_promotion_replaces_no_newer_one() {
    let place = today();
    let folder = place.host("bucket");
    let older = fail_to_promote(&place, &folder, "old").record.id;
    let address = format!("file://{}/results", folder.display());
    assert!(place.run_with(promote(&address), &write("new")).is_success());
    for _ in 0..2 {
        let (_, records) = place.again().run_finish(&older, Finish::Retry).expect("tried");
        assert_eq!((records[0].done, records[0].left), (0, 1));
        assert_eq!(records[0].conflicts, [format!("{address}/r")]);
        is(&bucket(&address), &[("r", "new")]);
    }
    let (_, records) = place.again().run_finish(&older, Finish::Drop).expect("dropped");
    assert_eq!(records[0].left, 0);
    assert!(place.again().unfinished().expect("asked").is_empty());
    is(&bucket(&address), &[("r", "new")]);
}

fn a_repeated_promotion_replaces_no_newer_one() {
    let place = today();
    let address = "memory://newer/results";
    let older = place.run_with(promote(address), &write("old")).record.id;
    let newer = place.run_with(promote(address), &write("new")).record.id;
    let (_, records) = place.again().run_finish(&older, Finish::Retry).expect("tried");
    assert_eq!((records[0].done, records[0].conflicts.len()), (0, 1));
    is(&bucket(address), &[("r", "new")]);
    place.again().run_finish(&older, Finish::Overwrite).expect("finished");
    is(&bucket(address), &[("r", "old")]);
    // What an earlier run wrote is older, whenever it was written.
    let (_, records) = place.again().run_finish(&newer, Finish::Retry).expect("finished");
    assert_eq!((records[0].done, records[0].left), (1, 0));
    is(&bucket(address), &[("r", "new")]);
}

fn a_late_promotion_replaces_those_of_earlier_runs() {
    let place = today();
    let folder = place.host("bucket");
    std::fs::create_dir(&folder).expect("a folder");
    let address = format!("file://{}/results", folder.display());
    assert!(place.run_with(promote(&address), &write("first")).is_success());
    let kept = std::fs::read(folder.join("results/r")).expect("promoted");
    let before = std::fs::metadata(folder.join("results/r")).and_then(|data| data.modified()).expect("asked");
    let second = fail_to_promote(&place, &folder, "second").record.id;
    // It was there all the time.
    put(&bucket(&address), "r", &String::from_utf8(kept).expect("text"));
    let file = std::fs::File::options().append(true).open(folder.join("results/r")).expect("opened");
    file.set_modified(before).expect("set");
    let (_, records) = place.again().run_finish(&second, Finish::Retry).expect("finished");
    assert_eq!((records[0].done, records[0].left), (1, 0));
    is(&bucket(&address), &[("r", "second")]);
}

fn a_promotion_of_a_pruned_revision_is_told_by_its_run() {
    let place = Place::new();
    place.write("/other", "1");
    place.workspace.seal(None).expect("sealed");
    let id = place.run_with(promote("memory://pruned/results"), &write("1")).record.id;
    let request = PruneRequest { keep_last: Some(1), ..PruneRequest::default() };
    place.workspace.prune(&request).expect("pruned");
    let error = place.again().run_finish(&id, Finish::Retry).expect_err("refused").to_string();
    let says = format!("run {id} made revision 2, and revision 1 that it started from was pruned");
    assert!(error.contains(&says), "{error}");
}
