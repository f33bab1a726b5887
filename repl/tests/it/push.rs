//! Workspaces pushed to a bucket and pulled from it, by what people type.

use cowry_s3_server::Server;

use crate::console::{Place, check};
use crate::stalling::{Counted, Stalling, done, killed};

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
! cowry: revision 2 of site there is another one than revision 2 here: pull it into a file of its own, `cowry merge` that and push again, or push under another name
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
fn what_is_damaged_in_a_bucket_is_got_rid_of() {
    check(
        r#"
$ cowry -q -w site.cowry run -e 'fs.writeFileSync("/a.txt", "hello")'
$ cowry -q -w site.cowry push file://$PWD/bucket
$ cowry -w site.cowry push --all file://$PWD/bucket
! nothing new: site is at revision 1 at file://…/bucket (push 1): sent 1 of 1 block again, [..]
$ echo spoilt > bucket/pushes/site/0000000001
$ cowry -w site.cowry push file://$PWD/bucket
! cowry: file://…/0000000001: this push is damaged, it is something else; pull an earlier one [..]: `cowry push --remove 1 --name site file://[..]/bucket`
[exit status: 125]
$ cowry push --remove 1 --name site file://$PWD/bucket
! removed push 1 of site; what only it needed goes with --prune
$ cowry push --remove 1 --name site file://$PWD/bucket
! cowry: there is no push 1 of site: see `cowry push --list file://[..]/bucket`
[exit status: 125]
$ cowry -q -w site.cowry push file://$PWD/bucket
$ rm bucket/cowry-push
$ cowry -q -w copy.cowry pull file://$PWD/bucket
$ cowry -q -w site.cowry push file://$PWD/bucket
$ head -n 1 bucket/cowry-push
cowry push format 1
$ cowry push --remove 1 file://$PWD/bucket
! cowry: the following required arguments were not provided: --name <NAME>[..]
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

/// What a number of the object on standard output is.
fn number(output: &[u8], key: &str) -> u64 {
    let object: serde_json::Value = serde_json::from_slice(output).expect("JSON");
    object[key].as_u64().unwrap_or_else(|| panic!("{key} of {object}"))
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
