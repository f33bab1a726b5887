//! Programs as users bring them (`tests/published/`): what each returns.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::console::Place;

fn published() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("in the repository").join("tests/published")
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("no JSON: {error}\n{text}"))
}

fn expected(folder: &Path) -> Value {
    json(&fs::read_to_string(folder.join("expected.json")).expect("what is expected stands beside it"))
}

#[test]
fn the_shell_example_runs_as_printed() {
    let folder = published().join("shell");
    let part = |name: &str| fs::read_to_string(folder.join(name)).expect("there");
    let place = Place::new();
    place.write("program.ts", &(part("stub.ts") + &part("program.ts")));
    assert_eq!(json(&place.run("cowry run --quiet program.ts")), expected(&folder));
    assert_eq!(
        place.run("cowry run -w w.cowry --quiet program.ts > /dev/null; cowry fs ls -w w.cowry /"),
        ""
    );
}

fn folders(within: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(within).expect("there").map(|entry| entry.expect("listed").path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir() && !path.ends_with("data")).collect();
    folders.sort();
    folders
}

/// Runs a kind of everyday job, each three ways.
fn everyday(kind: &str) {
    let kind = published().join("everyday").join(kind);
    let jobs = folders(&kind);
    assert!(jobs.len() >= 3, "{jobs:?}");
    for job in jobs {
        for way in ["fs.ts", "state.ts", "sql.ts"] {
            let program = job.join(way);
            let place = Place::new();
            place.write("program.ts", &fs::read_to_string(&program).expect("each job is there each way"));
            std::os::unix::fs::symlink(kind.join("data"), place.path().join("data")).expect("linked");
            let printed = place.run("cowry run --quiet --mount /data=data program.ts");
            assert_eq!(json(&printed), expected(&job), "{}", program.display());
        }
    }
}

#[test]
fn csv_reports_are_the_same_each_way() {
    everyday("csv-report");
}

#[test]
fn json_merges_are_the_same_each_way() {
    everyday("json-merge");
}

#[test]
fn log_analyses_are_the_same_each_way() {
    everyday("log-analysis");
}
