//! Workspaces pushed to a bucket and pulled from it, by what people type.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use cowry_s3_server::Server;

use crate::console::{Place, check};

#[test]
fn a_workspace_goes_to_a_bucket_and_comes_back() {
    check(
        r#"
$ cowry -q -w site.cowry run -e 'fs.writeFileSync("/a.txt", "hello")'
$ cowry push --list file://$PWD/bucket
! nothing was pushed to file://…/bucket
$ cowry -w site.cowry push file://$PWD/bucket
! pushed revision 1 as site to file://…/bucket (push 1): sent 1 of 1 block, [..] KiB
$ cowry -w site.cowry push file://$PWD/bucket
! nothing new: site is at revision 1 at file://…/bucket (push 1)
$ cowry -w copy.cowry pull file://$PWD/bucket
! pulled revision 1 of site (push 1) into copy.cowry: fetched 1 of 1 block
$ cowry -w copy.cowry fs cat /a.txt
hello
$ cowry -w copy.cowry pull file://$PWD/bucket
! nothing to pull: copy.cowry has revision 1 of site
$ cowry -q -w site.cowry run -e 'fs.writeFileSync("/a.txt", "more")'
$ cowry -w site.cowry push file://$PWD/bucket --revision 1 --name release
! pushed revision 1 as release to file://…/bucket (push 1): sent 1 of 1 block, [..]
$ cowry -q -w site.cowry push file://$PWD/bucket
$ cowry push --list file://$PWD/bucket
release  1  1  [..]Z  [..] KiB  this revision alone
site     1  1  [..]Z  [..] KiB
site     2  2  [..]Z  [..] KiB
$ cowry -q -w copy.cowry pull file://$PWD/bucket --name site
$ cowry -w copy.cowry fs cat /a.txt
more
$ cowry push --prune 1 file://$PWD/bucket
! removed 1 push and 0 blocks (0 B)
! 1 block that no push needs stay for now: see --grace
$ ls site.cowry* copy.cowry*
copy.cowry
site.cowry
"#,
    );
}

#[test]
fn what_is_wrong_is_said_in_a_line() {
    check(
        r#"
$ cowry push file://$PWD/bucket
! cowry: no workspace: name one with -w FILE or COWRY_WORKSPACE
[exit status: 125]
$ cowry -w x.cowry pull file://$PWD/bucket
! cowry: nothing was pushed to file://…/bucket: check the address, or `cowry push file://…/bucket` first
[exit status: 125]
$ cowry -w x.cowry pull ftp://nowhere/x
! cowry: invalid value 'ftp://nowhere/x' for '<ADDRESS>': "ftp://" is not known; use s3://, gs://, az://, file:/// or memory:// [..]
[exit status: 125]
$ cowry -q -w site.cowry run -e 'fs.writeFileSync("/a.txt", "hello")'
$ cowry -w site.cowry push s3://nowhere/x
! cowry: s3://nowhere/x: no keys; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE [..]
[exit status: 125]
$ cowry -w site.cowry push file://$PWD/bucket --name a/b
! cowry: invalid value 'a/b' for '--name <NAME>': "a/b" cannot name a push: use letters, digits, - _ and . of ASCII, [..]
[exit status: 125]
$ cowry -q -w site.cowry push file://$PWD/bucket
$ cowry -q -w copy.cowry pull file://$PWD/bucket
$ cowry -q -w site.cowry run -e 'fs.writeFileSync("/a.txt", "one way")'
$ cowry -q -w copy.cowry run -e 'fs.writeFileSync("/a.txt", "another")'
$ cowry -q -w site.cowry push file://$PWD/bucket
$ cowry -w copy.cowry push file://$PWD/bucket --name site
! cowry: revision 2 of site there is another one than revision 2 here: pull it into a file of its own and merge, or push under another name
[exit status: 122]
$ cowry -w copy.cowry pull file://$PWD/bucket --name site
! cowry: copy.cowry went its own way: its revision 2 is another one than that of site; pull into another file and merge
[exit status: 122]
$ cowry -w other.cowry run -q -e 'fs.writeFileSync("/b", "")'
$ cowry -w other.cowry push file://$PWD/bucket --name site
! cowry: site is another workspace there ([..]): say another name with --name
[exit status: 125]
$ mkdir -p full && touch full/something
$ cowry -w site.cowry push file://$PWD/full
! cowry: file://…/full holds something else ("something"): name a prefix of its own for pushes
[exit status: 125]
"#,
    );
}

#[test]
fn json_tells_all_of_it() {
    check(
        r#"
$ cowry -q -w site.cowry run -e 'fs.writeFileSync("/a.txt", "hello")'
$ cowry --json -w site.cowry push file://$PWD/bucket
{"name":"site","number":1,"workspace":"[..]","revision":1,"sealed":"[..]","pushed":"[..]","bytes":[..],"history":true,"unchanged":false,"blocks":1,"sentBlocks":1,"sentBytes":[..]}
$ cowry --json -w copy.cowry pull file://$PWD/bucket
{"name":"site",[..],"history":true,"unchanged":false,"created":true,"blocks":1,"fetchedBlocks":1,"piecesInBucket":0}
$ cowry --json push --list file://$PWD/bucket
{"pushes":[{"name":"site","number":1,[..]}],"unreadable":[]}
$ cowry --json push --prune 1 file://$PWD/bucket
{"pushes":0,"left":1,"blocks":0,"bytes":0,"youngBlocks":0}
"#,
    );
}

/// Stands before a server, passes so many bytes on, and then no more: whoever waits for them waits.
struct Stalling {
    address: SocketAddr,
    left: Arc<AtomicU64>,
}

/// Which bytes are counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counted {
    Requests,
    Answers,
}

impl Stalling {
    fn before(server: &Server, counted: Counted, bytes: u64) -> Stalling {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let left = Arc::new(AtomicU64::new(bytes));
        let (shared, to) = (left.clone(), server.address());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(to) else { return };
                let (Ok(back), Ok(front)) = (server.try_clone(), client.try_clone()) else { return };
                let bound = |which| (which == counted).then(|| shared.clone());
                let (requests, answers) = (bound(Counted::Requests), bound(Counted::Answers));
                thread::spawn(move || pass(client, server, requests));
                thread::spawn(move || pass(back, front, answers));
            }
        });
        Stalling { address, left }
    }

    fn is_stalled(&self) -> bool {
        self.left.load(Ordering::SeqCst) == 0
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, bound: Option<Arc<AtomicU64>>) {
    let mut buffer = [0; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let less = |left: u64| Some(left.saturating_sub(read as u64));
        let passes = bound.as_ref().is_none_or(|left| {
            let before = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
            before.is_ok_and(|before| before > read as u64)
        });
        if !passes {
            // Held open and silent for as long as the other end is there.
            while from.read(&mut buffer).is_ok_and(|read| read > 0) {}
            return;
        }
        if to.write_all(&buffer[..read]).is_err() {
            return;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Write);
}

/// `cowry` with the keys of a server, by whatever way.
fn cowry(place: &Place, server: &Server, endpoint: &str, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cowry"));
    command.args(words).current_dir(place.path()).env_clear().envs(server.environment());
    command.env("AWS_ENDPOINT_URL", endpoint).env("HOME", place.path());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a number of the object on standard output is.
fn number(output: &[u8], key: &str) -> u64 {
    let object: serde_json::Value = serde_json::from_slice(output).expect("JSON");
    object[key].as_u64().unwrap_or_else(|| panic!("{key} of {object}"))
}

/// Starts it behind something that stalls, and kills it when that has stalled and `is_time`. Where this machine is so
/// slow that it gave up waiting before, it broke off as well.
fn killed(place: &Place, server: &Server, stalling: &Stalling, words: &[&str], is_time: &dyn Fn() -> bool) {
    let endpoint = format!("http://{}", stalling.address);
    let mut child = cowry(place, server, &endpoint, words).spawn().expect("started");
    while !(stalling.is_stalled() && is_time()) && child.try_wait().expect("asked").is_none() {
        thread::park_timeout(Duration::from_millis(50));
    }
    child.kill().expect("killed, or it has ended");
    let output = child.wait_with_output().expect("it ended");
    assert!(!output.status.success(), "it was killed, and not done");
}

fn done(place: &Place, server: &Server, words: &[&str]) -> Vec<u8> {
    let output = cowry(place, server, &server.endpoint(), words).output().expect("started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn what_was_killed_half_way_goes_on() {
    let (place, server) = (Place::new(), Server::start("shells"));
    let program = "const block = () => crypto.getRandomValues(new Uint8Array(60000)); \
        for (let i = 0; i < 100; i++) fs.writeFileSync(`/${i}`, block())";
    done(&place, &server, &["-q", "-w", "site.cowry", "run", "-e", program]);
    let push = ["--json", "-w", "site.cowry", "push", "s3://shells/pushes"];
    killed(&place, &server, &Stalling::before(&server, Counted::Requests, 4 << 20), &push, &|| true);
    let pushed = done(&place, &server, &push);
    let (blocks, sent) = (number(&pushed, "blocks"), number(&pushed, "sentBlocks"));
    assert!(blocks > 20 && sent < blocks && sent > 0, "{sent} of {blocks}");
    let pull = ["--json", "-w", "copy.cowry", "pull", "s3://shells/pushes"];
    // One write at a time, so more than a block has one that is whole.
    let has_a_block = || {
        let partial = std::fs::read(place.path().join("copy.cowry-pull")).unwrap_or_default();
        partial.iter().step_by(1000).filter(|byte| **byte != 0).count() > 300
    };
    killed(&place, &server, &Stalling::before(&server, Counted::Answers, 4 << 20), &pull, &has_a_block);
    assert!(!place.path().join("copy.cowry").exists());
    let pulled = done(&place, &server, &pull);
    let (blocks, fetched) = (number(&pulled, "blocks"), number(&pulled, "fetchedBlocks"));
    assert!(fetched < blocks && fetched > 0, "{fetched} of {blocks}");
    let checked = done(&place, &server, &["-w", "copy.cowry", "check"]);
    assert_eq!(String::from_utf8_lossy(&checked).lines().count(), 0);
    let left = std::fs::read_dir(place.path()).expect("listed");
    let names = left.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.contains(".cowry")).collect();
    names.sort();
    assert_eq!(names, ["copy.cowry", "site.cowry"]);
}
