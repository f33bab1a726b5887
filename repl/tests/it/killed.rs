//! Commands that are really killed, while a proxy holds what they are about to write: what the next one says and does.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use cowry_s3_server::{Fault, Gate, Proxy, Request, Server};
use cowry_vfs::object::Bucket;

use crate::console::Place;
use crate::scene::{met, names, object, put};

/// A server with the bucket `shells`, a place whose commands reach it, and a bucket to look at beside them.
struct Stage {
    place: Place,
    bucket: Bucket,
    server: Server,
}

impl Stage {
    fn new() -> Stage {
        let server = Server::start("shells");
        Stage { place: Place::with(server.environment()), bucket: met("s3://shells", &server.keys()), server }
    }

    /// Starts a command whose writes `hold` holds back, and kills it as soon as `is_time`, which is told what they are about.
    fn killed(
        &self,
        words: &[&str],
        hold: impl Fn(&str) -> Option<Fault> + Send + Sync + 'static,
        is_time: impl Fn(&[String]) -> bool,
    ) {
        let gate =
            Arc::new(Gate::new(move |request, key| if request == Request::Put { hold(key) } else { None }));
        let proxy = Proxy::start(self.server.address(), gate.clone());
        let mut command = self.place.cowry(words);
        command.env("AWS_ENDPOINT_URL", proxy.endpoint()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("started");
        while !is_time(&gate.held()) {
            assert!(child.try_wait().expect("asked").is_none(), "it came to an end: {}", said(child));
            std::thread::park_timeout(Duration::from_millis(20));
        }
        child.kill().expect("killed");
        assert_eq!(child.wait().expect("it ended").code(), None);
    }

    /// Which file of the server an object is: another one as soon as it is written again.
    fn file(&self, name: &str) -> u64 {
        self.server.folder().join("shells").join(name).metadata().expect("there").ino()
    }
}

fn said(child: Child) -> String {
    let output = child.wait_with_output().expect("it ended");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const JOB: &str = "fs.writeFileSync('/data/changed', 'new'); fs.writeFileSync('/data/made', 'new'); \
                   fs.writeFileSync('/data/theirs', 'new'); fs.unlinkSync('/data/gone'); fs.writeFileSync('/own', 'mine');";

#[test]
fn between_the_commit_and_the_first_write() {
    let stage = Stage::new();
    ["changed", "theirs", "gone"].iter().for_each(|name| put(&stage.bucket, &format!("in/{name}"), "old"));
    let words = ["-w", "a.cowry", "run", "-e", JOB, "--mount", "/data=s3://shells/in:rw"];
    let hold = |key: &str| key.contains("/in/").then_some(Fault::Hold);
    stage.killed(&words, hold, |held| !held.is_empty());
    assert_eq!(names(&stage.bucket), ["in/changed", "in/gone", "in/theirs"]);
    put(&stage.bucket, "in/theirs", "somebody else's");
    stage.place.check(
        "
$ cowry -w a.cowry fs cat /own
mine
$ cowry -w a.cowry runs
…
! run … has 4 objects left to write to s3://shells/in: `cowry runs finish …` does it
$ cowry -w a.cowry runs finish latest
! cowry: conflict, not written: s3://shells/in/theirs changed meanwhile (3 others were written); …
[exit status: 122]
$ cowry -w a.cowry runs finish latest
! cowry: conflict, not written: s3://shells/in/theirs changed meanwhile (3 others were written); …
[exit status: 122]
$ cowry -w a.cowry runs finish latest --drop
! wrote 2 objects (6 B) to s3://shells/in, removed 1; the rest was dropped
$ cowry -w a.cowry runs finish latest
! cowry: run … has nothing left to write to a bucket
[exit status: 125]
",
    );
    assert_eq!(names(&stage.bucket), ["in/changed", "in/made", "in/theirs"]);
    assert_eq!(object(&stage.bucket, "in/changed").as_deref(), Some("new"));
    assert_eq!(object(&stage.bucket, "in/theirs").as_deref(), Some("somebody else's"));
    assert!(!stage.place.run("ls").contains("-held-"));
}

/// Of six writes two have taken place and nobody was told, one has not, and three are done. Then who finishes them is killed.
#[test]
fn in_the_midst_of_several_writes() {
    let stage = Stage::new();
    let job = "for (let n = 1; n <= 6; n++) fs.writeFileSync(`/data/${n}`, `new ${n}`)";
    let words = ["-w", "a.cowry", "run", "-e", job, "--mount", "/data=s3://shells/in:rw"];
    let hold = |key: &str| match key.rsplit('/').next() {
        Some("1" | "2") => Some(Fault::Stall),
        Some("3") => Some(Fault::Hold),
        _ => None,
    };
    let done = || names(&stage.bucket) == ["in/1", "in/2", "in/4", "in/5", "in/6"];
    stage.killed(&words, hold, |held| held.len() == 3 && done());
    let files = ["1", "2", "4", "6"].map(|name| stage.file(&format!("in/{name}")));
    put(&stage.bucket, "in/5", "somebody else's");
    let finish = ["-w", "a.cowry", "runs", "finish", "latest"];
    stage.killed(&finish, hold, |held| held.iter().any(|key| key.ends_with("/3")));
    stage.place.check(
        "
$ cowry -w a.cowry runs finish latest
! cowry: conflict, not written: s3://shells/in/5 changed meanwhile (5 others were written); …
[exit status: 122]
",
    );
    assert_eq!(
        files,
        ["1", "2", "4", "6"].map(|name| stage.file(&format!("in/{name}"))),
        "nothing is written twice"
    );
    assert_eq!(object(&stage.bucket, "in/3").as_deref(), Some("new 3"));
    assert_eq!(object(&stage.bucket, "in/5").as_deref(), Some("somebody else's"));
}

#[test]
fn in_the_midst_of_a_promotion() {
    let stage = Stage::new();
    let rule = "[[files.rule]]\nglob = '/out/**'\nkeep = 'promote'\nto = 's3://shells/results'\n";
    stage.place.write("cowry.toml", rule);
    let job =
        "fs.mkdirSync('/out'); for (let n = 1; n <= 4; n++) fs.writeFileSync(`/out/${n}`, `result ${n}`)";
    let hold = |key: &str| match key.rsplit('/').next() {
        Some("1") => Some(Fault::Stall),
        Some("2") => Some(Fault::Hold),
        _ => None,
    };
    let done = || names(&stage.bucket) == ["results/1", "results/3", "results/4"];
    stage.killed(&["-w", "a.cowry", "run", "-e", job], hold, |held| held.len() == 2 && done());
    // What came later into the workspace is not what this run promoted.
    stage.place.run("cowry -w a.cowry fs rm /out/2; cowry -w a.cowry prune --keep-last 1");
    stage.place.check(
        "
$ cowry -w a.cowry run -e 1
1
! run … has 4 objects left to write to s3://shells/results: `cowry runs finish …` does it
$ cowry -w a.cowry runs finish $(cowry -w a.cowry runs 2> /dev/null | tail -1 | cut -d' ' -f1)
! promoted 4 files (32 B) to s3://shells/results
",
    );
    let there: BTreeSet<_> =
        names(&stage.bucket).iter().filter_map(|name| object(&stage.bucket, name)).collect();
    assert_eq!(there, ["result 1", "result 2", "result 3", "result 4"].map(str::to_owned).into());
}

/// Before a commit names them, pieces of content are nobody's: nothing is committed, and they can go.
#[test]
fn in_the_midst_of_sending_content() {
    let stage = Stage::new();
    stage.place.run("cowry -q -w a.cowry run -e 'fs.writeFileSync(\"/before\", \"b\".repeat(200000))'");
    stage.place.run("cowry -q -w a.cowry content s3://shells/content --move");
    let before = names(&stage.bucket).len();
    let job = "for (let n = 0; n < 8; n++) fs.writeFileSync(`/${n}`, `${n}`.repeat(200000))";
    let count = std::sync::atomic::AtomicU64::new(0);
    let third = move |key: &str| {
        let is_third = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) >= 2;
        (is_third && key.contains("/content/")).then_some(Fault::Hold)
    };
    let done = || names(&stage.bucket).len() == before + 2;
    stage.killed(&["-w", "a.cowry", "run", "-e", job], third, |held| !held.is_empty() && done());
    stage.place.check(
        "
$ rm -rf $HOME/.cache
$ cowry -w a.cowry fs ls /
before
$ cowry -w a.cowry fs cat /before | wc -c
200000
$ cowry -w a.cowry check --deep
! read 1 sound object in buckets; 2 objects that nothing refers to (390.6 KiB)
! no damage found
$ cowry -q -w a.cowry gc --grace 0s
$ cowry -w a.cowry check --deep
! read 1 sound object in buckets; 0 objects that nothing refers to (0 B)
! no damage found
",
    );
    assert_eq!(names(&stage.bucket).len(), before);
}
