//! Buckets of a server that speaks S3: mounted, promoted to, and what is said when they cannot be.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cowry_s3_server::{Fault, Gate, Proxy, Request, SECRET_KEY, Server};
use rustix::process::{Pid, Signal, kill_process};

use crate::console::Place;

/// A server with the bucket `shells`, and a place whose commands have its keys.
fn scene() -> (Server, Place) {
    let server = Server::start("shells");
    let place = Place::with(server.environment());
    (server, place)
}

fn object(server: &Server, name: &str) -> Option<String> {
    fs::read_to_string(server.folder().join("shells").join(name)).ok()
}

fn put(server: &Server, name: &str, content: &str) {
    let path = server.folder().join("shells").join(name);
    fs::create_dir_all(path.parent().expect("in a folder")).expect("made");
    fs::write(path, content).expect("written");
}

#[test]
fn a_program_reads_a_csv_in_a_bucket() {
    let (server, place) = scene();
    put(&server, "in/2015/weather.csv", "day,rain\n1,3\n2,4\n");
    place.write(
        "sum.mjs",
        "let rain = 0;\nfor (const row of csv.rows('/data/2015/weather.csv')) rain += Number(row.rain);\nexport default rain;\n",
    );
    place.check(
        "
$ cowry run sum.mjs --mount /data=s3://shells/in
7
$ cowry run -e 'fs.writeFileSync(\"/data/x\", \"1\")' --mount /data=s3://shells/in
! Error: EROFS…
…
[exit status: 1]
",
    );
}

#[test]
fn writes_reach_the_bucket_and_the_record_says_so() {
    let (server, place) = scene();
    put(&server, "in/a.txt", "one\n");
    place.write("job.mjs", "import fs from 'fs';\nfs.appendFileSync('/data/a.txt', 'two\\n');\nfs.writeFileSync('/data/b/c.txt'.replace('/b/', '/'), '3');\nfs.writeFileSync('/own', '1');\n");
    place.check(
        "
$ cowry -w a.cowry run job.mjs --mount /data=s3://shells/in:rw --dry-run
…
! would write 2 objects of /data to s3://shells/in
$ cowry -w a.cowry run job.mjs --mount /data=s3://shells/in:rw
! created workspace a.cowry
! committed revision 1: …
! wrote 2 objects (9 B) to s3://shells/in
$ cowry -w a.cowry runs show latest
…
bucket    wrote 2 objects (9 B) to s3://shells/in
…
",
    );
    assert_eq!(object(&server, "in/a.txt").as_deref(), Some("one\ntwo\n"));
    assert_eq!(object(&server, "in/c.txt").as_deref(), Some("3"));
    nothing_secret(&place);
}

const POLICY: &str = "[[files.rule]]\nglob = '/out/**'\nkeep = 'promote'\nto = 's3://shells/results'\n\n\
                      [mounts]\n'/data' = { source = 's3://shells/in' }\n";

#[test]
fn results_are_promoted_and_can_be_again() {
    let (server, place) = scene();
    put(&server, "in/a.txt", "text");
    place.write("cowry.toml", POLICY);
    place.write("job.mjs", "import fs from 'fs';\nfs.mkdirSync('/out/deep', { recursive: true });\nfs.writeFileSync('/out/deep/r.txt', fs.readFileSync('/data/a.txt', 'utf8').toUpperCase());\nconsole.log(Object.keys(process.env).length);\n");
    place.check(
        "
$ cowry -w a.cowry run job.mjs --dry-run
0
…
! would promote 1 file to s3://shells/results
$ cowry -w a.cowry run job.mjs
0
! created workspace a.cowry
! committed revision 1: …
! promoted 1 file (4 B) to s3://shells/results
$ cowry run job.mjs
! cowry: the policy promotes files to s3://shells/results, which takes a workspace: name one with -w FILE or COWRY_WORKSPACE
[exit status: 125]
",
    );
    assert_eq!(object(&server, "results/deep/r.txt").as_deref(), Some("TEXT"));
    fs::remove_file(server.folder().join("shells/results/deep/r.txt")).expect("removed");
    place.check("$ cowry -w a.cowry runs finish latest\n! promoted 1 file (4 B) to s3://shells/results\n");
    assert_eq!(object(&server, "results/deep/r.txt").as_deref(), Some("TEXT"));
    let told = place.run("cowry -w a.cowry runs show latest --json");
    assert!(told.contains("\"to\":\"s3://shells/results\"") && told.contains("\"left\":0"), "{told}");
    nothing_secret(&place);
}

/// The secret key is in no file of the place: not in the workspace, nor in what is beside it.
fn nothing_secret(place: &Place) {
    fn look(folder: &Path, found: &mut usize) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                look(&path, found);
            }
            if !path.is_file() {
                continue;
            }
            *found += 1;
            let content = fs::read(&path).expect("read");
            let has = content.windows(SECRET_KEY.len()).any(|window| window == SECRET_KEY.as_bytes());
            assert!(!has, "{} holds the secret key", path.display());
        }
    }
    let mut found = 0;
    look(&place.path(), &mut found);
    assert!(found > 0);
}

#[test]
fn the_sandbox_sees_no_key_and_no_address() {
    let (server, place) = scene();
    put(&server, "in/a.txt", "text");
    place.write(
        "look.mjs",
        "const seen = [JSON.stringify(process.env), JSON.stringify(process.argv), JSON.stringify(Object.keys(globalThis))];\nexport default seen.join(' ');\n",
    );
    let told = place.run("cowry run look.mjs --mount /data=s3://shells/in");
    assert!(!told.contains(SECRET_KEY) && !told.contains("cowry-test-key"), "{told}");
    assert!(!told.contains("shells") && !told.contains("127.0.0.1"), "{told}");
}

#[test]
fn what_is_wrong_with_a_bucket_is_said_before_anything_runs() {
    let (server, place) = scene();
    let run = "cowry -w a.cowry run -e 'console.log(\"it ran\")' --mount /data=";
    let told = |variables: &str, address: &str| {
        let told = place.run(&format!("{variables} {run}{address}"));
        assert!(told.ends_with("[exit status: 125]\n") && !told.contains("it ran"), "{told}");
        assert!(
            told.contains("! cowry: cannot mount at /data: s3://") && !told.contains(SECRET_KEY),
            "{told}"
        );
        told
    };
    assert!(told("", "s3://nowhere/in").contains("no such bucket"));
    assert!(told("AWS_SECRET_ACCESS_KEY=wrong", "s3://shells").contains("check AWS_SECRET_ACCESS_KEY"));
    assert!(told("AWS_ACCESS_KEY_ID=nobody", "s3://shells").contains("check AWS_ACCESS_KEY_ID"));
    assert!(told("AWS_ENDPOINT_URL=http://127.0.0.1:1", "s3://shells").contains("cannot be reached"));
    assert!(told("AWS_ACCESS_KEY_ID= ", "s3://shells").contains("no keys"));
    drop(server);
    let told = place.run(&format!("{run}ftp://shells"));
    assert!(told.contains("use s3://"), "{told}");
    let told = place.run(&format!("{run}s3://key:hush@shells/x"));
    assert!(told.contains("environment") && !told.contains("hush"), "{told}");
}

#[test]
fn a_promotion_that_cannot_be_made_is_told_before_anything_runs() {
    let (_server, place) = scene();
    place.write("cowry.toml", &POLICY.replace("shells/results", "nowhere/results"));
    place.write("in.txt", "");
    let told = place.run("cowry -w a.cowry run -e 'console.log(\"it ran\")'");
    assert!(told.contains("cannot promote files: s3://nowhere/results: there is no such bucket"), "{told}");
    assert!(!told.contains("it ran"), "{told}");
}

#[test]
fn a_server_that_goes_away_loses_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir_all(folder.path().join("shells/in")).expect("made");
    let server = Server::serve(folder.path(), 0).expect("it listens");
    let place = Place::with(server.environment());
    place.write("cowry.toml", &POLICY.replace("in' }", "in', mode = 'rw' }"));
    place.write(
        "job.mjs",
        "import fs from 'fs';\nfs.mkdirSync('/out');\nfs.writeFileSync('/out/r', 'result');\nfs.writeFileSync('/data/w', 'written');\nconsole.log('ready');\nwhile (fs.existsSync('/signal/go-on')) await new Promise(done => setTimeout(done, 20));\n",
    );
    place.write("signal/go-on", "");
    place.run("mkfifo ready");
    let told = std::thread::scope(|scope| {
        scope.spawn(|| {
            // Opening it waits for the program to say that it is ready.
            fs::read(place.path().join("ready")).expect("read");
            drop(server);
            fs::remove_file(place.path().join("signal/go-on")).expect("removed");
        });
        place.run(
            "cowry -w a.cowry run job.mjs --wall 10m --mount /signal=./signal | while read line; do echo $line > ready; done",
        )
    });
    assert!(told.contains("! committed revision 1"), "{told}");
    assert!(told.contains("! cowry: 1 file is not promoted to s3://shells/results: "), "{told}");
    assert!(told.contains("! cowry: 1 object is not written to s3://shells/in: "), "{told}");
    assert!(told.contains("nothing is lost: `cowry runs finish "), "{told}");
    let server = Server::serve(folder.path(), 0).expect("it listens");
    put(&server, "in/w", "theirs");
    place.check(&format!(
        "
$ cowry -w a.cowry runs
…
! run … has 1 object left to write to s3://shells/results: `cowry runs finish …` does it
! run … has 1 object left to write to s3://shells/in: `cowry runs finish …` does it
$ cowry -w a.cowry runs --json
{{\"runs\":[…],\"unfinished\":[{{\"run\":\"…\",\"buckets\":[{{\"address\":\"s3://shells/results\",…\"left\":1,…}},{{\"address\":\"s3://shells/in\",…\"left\":1,…}}]}}]}}
$ export AWS_ENDPOINT_URL={}; cowry -w a.cowry runs finish latest
! promoted 1 file (6 B) to s3://shells/results
! cowry: conflict, not written: s3://shells/in/w changed meanwhile; `cowry runs finish … --overwrite` writes over that, `--drop` forgets it
[exit status: 122]
$ AWS_ENDPOINT_URL={} cowry -w a.cowry runs finish latest --overwrite --json
{{…\"left\":0,…}}
$ cowry -w a.cowry runs finish latest --drop
! cowry: run … has nothing left to write to a bucket
[exit status: 125]
",
        server.endpoint(),
        server.endpoint()
    ));
    assert_eq!(object(&server, "results/r").as_deref(), Some("result"));
    assert_eq!(object(&server, "in/w").as_deref(), Some("written"));
    nothing_secret(&place);
}

#[test]
fn a_session_that_others_were_ahead_of_has_a_way_out() {
    let (server, place) = scene();
    put(&server, "in/a.txt", "old");
    place.write(
        "session.txt",
        ".mount /data=s3://shells/in:rw\nfs.readFileSync('/data/a.txt', 'utf8')\nfs.writeFileSync('/data/a.txt', 'mine'); fs.writeFileSync('/own', 'mine')\n'ready'\n",
    );
    place.check(
        r#"
$ mkfifo in && { cowry -w a.cowry repl < in > out 2>&1 & } && exec 3> in && cat session.txt >&3 && \
  until grep -qs ready out || ! kill -0 $!; do sleep 0.1; done && \
  cowry -q -w b.cowry run --mount /data=s3://shells/in:rw -e 'fs.writeFileSync("/data/a.txt", "theirs")' && \
  echo .commit >&3 && exec 3>&- ; wait $!; echo $?; tail -2 out
122
cowry: conflict: changed by others since the base: /data/a.txt; nothing is committed, but kept as run …: `cowry runs commit … --theirs` takes the session's version, `--ours` leaves those paths out (here .runs commit; .discard and .refresh go on from there)
an entry failed: 2 paths not committed (.commit commits at once)
$ cowry -w a.cowry runs
…  [session]  completed  not committed (conflict)
$ cowry -w a.cowry runs diff latest --stat
…
$ cowry -w a.cowry runs commit latest
! cowry: conflict: changed by others since the base: /data/a.txt; …
[exit status: 122]
$ cowry -w a.cowry runs commit latest --theirs
! committed revision 1: run …
! wrote 1 object (4 B) to s3://shells/in
$ cowry -w a.cowry fs cat /own
mine
"#,
    );
    assert_eq!(object(&server, "in/a.txt").as_deref(), Some("mine"));
}

/// Waits for what is bound to come.
fn until(mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(300);
    while !is_so() {
        assert!(Instant::now() < end, "it does not come");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

#[test]
fn an_interrupt_while_files_are_promoted_leaves_the_rest_to_finish() {
    let (server, place) = scene();
    place.write("cowry.toml", &POLICY.replace("[mounts]\n'/data' = { source = 's3://shells/in' }\n", ""));
    place.write("job.mjs", "import fs from 'fs';\nfs.mkdirSync('/out');\nfor (const name of ['a', 'held', 'z']) fs.writeFileSync('/out/' + name, name);\n");
    let shuts =
        |request, key: &str| (request == Request::Put && key.ends_with("held")).then_some(Fault::Hold);
    let gate = Arc::new(Gate::new(shuts));
    let proxy = Proxy::start(server.address(), gate.clone());
    let mut child = Command::new(env!("CARGO_BIN_EXE_cowry"))
        .args(["-w", "a.cowry", "run", "job.mjs"])
        .current_dir(place.path())
        .envs(server.environment())
        .env("AWS_ENDPOINT_URL", proxy.endpoint())
        .env("HOME", place.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    until(|| !gate.held().is_empty());
    kill_process(Pid::from_child(&child), Signal::INT).expect("it is ours");
    assert_eq!(child.wait().expect("it is ours").code(), Some(130));
    drop(proxy);
    assert_eq!(object(&server, "results/held"), None);
    place.check(
        "
$ cowry -w a.cowry runs
…
! run … has 3 objects left to write to s3://shells/results: `cowry runs finish …` does it
$ cowry -w a.cowry runs finish latest
! promoted 3 files (6 B) to s3://shells/results
",
    );
    assert_eq!(object(&server, "results/held").as_deref(), Some("held"));
    assert_eq!(object(&server, "results/z").as_deref(), Some("z"));
}

#[test]
fn a_session_mounts_a_bucket_and_commits_to_it() {
    let (server, place) = scene();
    put(&server, "in/a.txt", "one");
    place.write(
        "session.txt",
        ".mount /data=s3://shells/in:rw\nfs.readFileSync('/data/a.txt', 'utf8')\nfs.writeFileSync('/data/a.txt', 'two')\n.commit\nfs.appendFileSync('/data/a.txt', '!')\n",
    );
    let told = place.run("cowry -w a.cowry repl < session.txt");
    assert!(told.contains("mounted /data from s3://shells/in (rw)") && told.contains("one"), "{told}");
    assert_eq!(told.matches("wrote 1 object").count(), 2, "{told}");
    assert_eq!(object(&server, "in/a.txt").as_deref(), Some("two!"));
    nothing_secret(&place);
}
