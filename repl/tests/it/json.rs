//! `--json`: one object, whatever the command.

use serde_json::Value;

use crate::console::Place;

/// Runs a line and reads the one object it prints.
fn object(place: &Place, line: &str) -> Value {
    let printed = place.run(line);
    let first = printed.lines().next().unwrap_or_default();
    let told = || panic!("{line}: {printed}");
    let object: Value = serde_json::from_str(first).unwrap_or_else(|_| told());
    if !object.is_object() || printed.lines().count() > 1 && !printed.contains("[exit status") {
        told();
    }
    object
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn place() -> Place {
    let place = Place::new();
    place.write("a.txt", "1\n2\n");
    place.run("cowry -q -w a.cowry fs put a.txt");
    place
}

#[test]
fn a_run() {
    let place = place();
    let line = "cowry --json -w a.cowry run -m why -e 'console.warn(\"w\"); fs.writeFileSync(\"/b\", \"x\"); ({ a: [1] })'";
    let run = object(&place, line);
    assert_eq!(
        keys(&run),
        [
            "id",
            "program",
            "inputBlake3",
            "args",
            "envNames",
            "seed",
            "message",
            "started",
            "ended",
            "status",
            "outcome",
            "result",
            "usage",
            "logs",
            "logsDroppedBytes",
            "base",
            "files",
            "revision",
            "changes",
            "changesOmitted",
            "conflicts",
            "keptUntil",
            "keptMounts",
            "unread",
            "lost",
            "buckets",
            "dryRun",
            "policy",
            "lockdown"
        ]
    );
    assert_eq!(run["result"], serde_json::json!({ "a": [1] }));
    assert_eq!(
        (run["status"].as_i64(), run["revision"].as_i64(), run["base"].as_i64()),
        (Some(0), Some(2), Some(1))
    );
    assert_eq!(run["outcome"], serde_json::json!({ "kind": "completed", "exitCode": 0 }));
    assert_eq!(
        (run["logs"][0]["level"].as_str(), run["logs"][0]["text"].as_str()),
        (Some("warn"), Some("w"))
    );
    let change = &run["changes"][0];
    assert_eq!((change["path"].as_str(), change["kind"].as_str()), (Some("/b"), Some("added")));
}

#[test]
fn a_run_that_throws() {
    let run = object(&place(), "cowry --json run -e 'throw new TypeError(\"no\")'");
    assert_eq!((run["status"].as_i64(), run["outcome"]["kind"].as_str()), (Some(1), Some("threw")));
    assert_eq!(
        (run["outcome"]["name"].as_str(), run["outcome"]["message"].as_str()),
        (Some("TypeError"), Some("no"))
    );
}

#[test]
fn the_history() {
    let place = place();
    let log = object(&place, "cowry --json -w a.cowry log");
    assert_eq!(keys(&log["revisions"][0]), ["revision", "sealed", "kind", "run", "names", "message"]);
    let diff = object(&place, "cowry --json -w a.cowry diff");
    assert_eq!(keys(&diff), ["added", "modified", "renamed", "removed", "changes"]);
    assert_eq!((diff["added"].as_i64(), diff["changes"][0]["linesAdded"].as_i64()), (Some(1), Some(2)));
    assert!(diff["changes"][0]["unified"].as_str().is_some_and(|text| text.ends_with("+1\n+2\n")));
    let restored = object(&place, "cowry --json -w a.cowry restore 0");
    assert_eq!((restored["restored"].as_i64(), restored["revision"].as_i64()), (Some(0), Some(2)));
}

#[test]
fn files() {
    let place = place();
    let listed = object(&place, "cowry --json -w a.cowry fs ls");
    assert_eq!(
        keys(&listed["entries"][0]),
        ["name", "node", "mode", "size", "uid", "gid", "links", "modified"]
    );
    assert_eq!(object(&place, "cowry --json -w a.cowry fs tree")["entries"][0]["name"], "a.txt");
    assert_eq!(object(&place, "cowry --json -w a.cowry fs cat /a.txt")["files"][0]["text"], "1\n2\n");
    assert_eq!(object(&place, "cowry --json -w a.cowry fs get /a.txt b.txt")["size"], 4);
    assert_eq!(object(&place, "cowry --json -w a.cowry fs put a.txt /c")["revision"], 2);
    assert_eq!(object(&place, "cowry --json -w a.cowry fs export / out")["files"], 2);
    assert_eq!(object(&place, "cowry --json -w a.cowry fs import out /in")["revision"], 3);
    assert_eq!(object(&place, "cowry --json -w a.cowry fs rm /c")["removed"][0], "/c");
}

#[test]
fn runs() {
    let place = place();
    place.run("cowry -q -w a.cowry run -e 'fs.writeFileSync(\"/b\", \"\"); throw 1'");
    let listed = object(&place, "cowry --json -w a.cowry runs");
    let run = &listed["runs"][0];
    assert_eq!(keys(run), ["id", "program", "started", "wallMs", "outcome", "files", "revision"]);
    let id = run["id"].as_str().expect("an id");
    assert_eq!(object(&place, &format!("cowry --json -w a.cowry runs show {id}"))["files"], "failed");
    assert_eq!(object(&place, &format!("cowry --json -w a.cowry runs diff {id}"))["added"], 1);
    assert_eq!(object(&place, &format!("cowry --json -w a.cowry runs commit {id}"))["revision"], 2);
    place.run("cowry -q -w a.cowry run -e 'fs.writeFileSync(\"/b\", \"2\"); throw 1'");
    let listed = object(&place, "cowry --json -w a.cowry runs");
    let id = listed["runs"][0]["id"].as_str().expect("an id");
    assert_eq!(object(&place, &format!("cowry --json -w a.cowry runs drop {id}"))["dropped"], true);
}

#[test]
fn the_rest() {
    let place = place();
    assert_eq!(object(&place, "cowry --json -w a.cowry check")["sound"], true);
    assert!(object(&place, "cowry --json -w a.cowry gc")["bytes"].is_u64());
    assert_eq!(object(&place, "cowry --json completions zsh")["shell"], "zsh");
    let session = object(&place, "echo '1 + 1' | cowry --json -w a.cowry repl");
    assert_eq!((session["entries"][0]["result"].as_i64(), session["status"].as_i64()), (Some(2), Some(0)));
    assert_eq!(object(&place, "cowry --json nonsense")["error"]["status"], 125);
}
