//! `cowry merge`, and `cowry runs commit --merge`.

use crate::console::{Place, check};

/// A workspace with a text, and a fork of it.
fn forked() -> Place {
    let place = Place::new();
    place.run("printf '1\\n2\\n3\\n' | cowry -w a.cowry fs put -q - /t");
    place.run("cowry -w a.cowry fork -q b.cowry");
    place
}

/// Both changed the same line.
fn clashing() -> Place {
    let place = forked();
    place.run("printf 'ours\\n2\\n3\\n' | cowry -w a.cowry fs put -q - /t");
    place.run("printf 'theirs\\n2\\n3\\n' | cowry -w b.cowry fs put -q - /t");
    place
}

#[test]
fn a_fork_is_merged_and_the_other_way_round() {
    forked().check(
        "
$ printf 'one\\n2\\n3\\n' | cowry -w a.cowry fs put -q - /t
$ printf '1\\n2\\nthree\\n' | cowry -w b.cowry fs put -q - /t
$ printf 'new\\n' | cowry -w b.cowry fs put -q - /n
$ cowry -w a.cowry merge b.cowry --dry-run
A /n
M /t
! would merge b.cowry revision 3 (1 added, 1 modified; 1 file put together)
$ cowry -w a.cowry merge b.cowry
! committed revision 3: merged b.cowry revision 3 (1 added, 1 modified; 1 file put together)
$ cowry -w a.cowry fs cat /t
one
2
three
$ cowry -w a.cowry log -n 1
3  20…Z  merge  -  merge b.cowry revision 3
$ cowry -w a.cowry merge b.cowry
! nothing to merge from b.cowry revision 3
$ cowry -w b.cowry merge --from-parent
! committed revision 4: merged …a.cowry revision 3 (1 modified)
$ cowry -w b.cowry fs cat /t
one
2
three
",
    );
}

#[test]
fn a_conflict_is_told_shown_and_settled() {
    clashing().check(
        "
$ cowry -w a.cowry merge b.cowry
! conflict: /t: changed on both sides (both changed line 1)
! cowry: 1 conflict, nothing was changed: look with --show PATH, settle with --ours, --theirs or --resolve PATH=FILE
[exit status: 122]
$ cowry -w a.cowry merge b.cowry --show t
/t: changed on both sides (both changed line 1)
--- base
1
2
3
--- ours
ours
2
3
--- theirs
theirs
2
3
$ cowry -w a.cowry merge b.cowry --show /t theirs | head -n 1
theirs
$ cowry -w a.cowry merge b.cowry --show /t mine
! cowry: mine is no side: write base, ours or theirs behind the path
[exit status: 125]
$ cowry -w a.cowry merge b.cowry --show /x
! cowry: there is no conflict at /x: --dry-run lists what there is
[exit status: 125]
$ cowry -w a.cowry merge b.cowry --theirs='/x/**'
! conflict: /t: changed on both sides (both changed line 1)
! cowry: 1 conflict, nothing was changed: …
[exit status: 122]
$ printf 'both\\n' > settled
$ cowry -w a.cowry merge b.cowry --resolve /t=settled
! committed revision 3: merged b.cowry revision 2 (1 modified; 1 conflict settled)
$ cowry -w a.cowry fs cat /t
both
",
    );
}

#[test]
fn the_first_side_that_matches_is_taken() {
    let place = clashing();
    place.check(
        "
$ cowry -w a.cowry merge b.cowry --ours=/t --theirs
! merged b.cowry revision 2, which leaves everything as it is (no changes; 1 conflict settled)
$ cowry -w a.cowry fs cat /t | head -n 1
ours
",
    );
    clashing().check(
        "
$ cowry -w a.cowry merge b.cowry --theirs --ours=/t
! committed revision 3: merged b.cowry revision 2 (1 modified; 1 conflict settled)
$ cowry -w a.cowry fs cat /t | head -n 1
theirs
",
    );
}

#[test]
fn a_side_that_was_removed_says_so() {
    let place = forked();
    place.run("cowry -w a.cowry fs rm -q /t");
    place.run("printf 'theirs\\n' | cowry -w b.cowry fs put -q - /t");
    place.check(
        "
$ cowry -w a.cowry merge b.cowry --show /t
/t: removed in ours, changed in theirs
--- base
1
2
3
--- ours: not there
--- theirs
theirs
$ cowry -w a.cowry merge b.cowry --show /t ours
! cowry: /t is not there in ours
",
    );
}

#[test]
fn mistakes_are_told() {
    let place = forked();
    place.run("cowry -w c.cowry run -q -e 'fs.writeFileSync(\"/a\", \"1\")'");
    place.check(
        "
$ cowry -w a.cowry merge
! cowry: …FILE…
[exit status: 125]
$ cowry -w a.cowry merge --from-parent
! cowry: the workspace is no fork, so it has no parent: name the FILE to merge
[exit status: 125]
$ cowry -w a.cowry merge c.cowry
! cowry: a.cowry and c.cowry have nothing in common: only a fork and its parent, forks of one workspace, or copies of one can be merged
[exit status: 125]
$ cowry -w a.cowry merge a.cowry
! cowry: a.cowry is the workspace itself: name a fork of it, or its parent
[exit status: 125]
$ cowry -w a.cowry merge none.cowry
! cowry: no workspace at none.cowry: …
[exit status: 125]
$ cowry -w a.cowry merge b.cowry --ours=x
! cowry: --ours: …
[exit status: 125]
$ cowry -w a.cowry merge b.cowry --csv-key x
! cowry: …write GLOB=COLUMN…
[exit status: 125]
",
    );
}

#[test]
fn as_json() {
    let place = clashing();
    let told = place.run("cowry -w a.cowry --json merge b.cowry");
    let (object, status) = told.split_once("[exit").expect("a conflict");
    assert_eq!(status, " status: 122]\n");
    let object: serde_json::Value = serde_json::from_str(object).expect("one object");
    let conflict = &object["conflicts"][0];
    assert_eq!((conflict["path"].as_str(), conflict["kind"].as_str()), (Some("/t"), Some("content")));
    assert_eq!(conflict["theirs"]["text"], "theirs\n2\n3\n");
    let told = place.run("cowry -w a.cowry --json merge b.cowry --theirs");
    let object: serde_json::Value = serde_json::from_str(&told).expect("one object");
    assert_eq!(
        (object["revision"].as_u64(), object["resolved"][0]["by"].as_str()),
        (Some(3), Some("theirs"))
    );
}

#[test]
fn rows_of_a_table() {
    check(
        "
$ printf 'id,n\\n1,a\\n2,b\\n' | cowry -w a.cowry fs put -q - /t.csv
$ cowry -w a.cowry fork -q b.cowry
$ printf 'id,n\\n1,A\\n2,b\\n' | cowry -w a.cowry fs put -q - /t.csv
$ printf 'id,n\\n1,a\\n2,B\\n' | cowry -w b.cowry fs put -q - /t.csv
$ cowry -w a.cowry merge b.cowry --csv-key '**/*.csv=key'
! cowry: /t.csv has no column \"key\": name one of its header for its rows to be told apart by
[exit status: 125]
$ cowry -w a.cowry merge -q b.cowry --csv-key '**/*.csv=id'
$ cowry -w a.cowry fs cat /t.csv
id,n
1,A
2,B
",
    );
}

#[test]
fn a_run_that_conflicts_is_merged() {
    let place = Place::new();
    place.run("printf '1\\n2\\n3\\n' | cowry -w a.cowry fs put -q - /t");
    place.run("cowry -w a.cowry run -q -e 'fs.writeFileSync(\"/t\", \"1\\n2\\nrun\\n\"); throw 1'");
    place.run("printf 'one\\n2\\n3\\n' | cowry -w a.cowry fs put -q - /t");
    place.check(
        "
$ cowry -w a.cowry runs commit latest
! cowry: conflict: changed by others since the base: /t; …`--merge` merges
[exit status: 122]
$ cowry -w a.cowry runs commit latest --theirs=/t
! cowry: only --merge takes a GLOB, --resolve, --csv-key, --dry-run and --show: add --merge
[exit status: 125]
$ cowry -w a.cowry runs commit latest --ours --theirs
! cowry: either --ours or --theirs: one side is taken everywhere
[exit status: 125]
$ cowry -w a.cowry runs commit latest --merge --dry-run
M /t
! would merge run … (1 modified; 1 file put together)
$ cowry -w a.cowry runs commit latest --merge
! committed revision 3: merged run … (1 modified; 1 file put together)
$ cowry -w a.cowry fs cat /t
one
2
run
$ cowry -w a.cowry runs commit latest --merge
! cowry: the changes of run … are not kept: they were committed
[exit status: 125]
",
    );
}

#[test]
fn a_conflict_is_shown_as_json() {
    clashing().check(
        r#"
$ cowry -w a.cowry merge b.cowry --show /t --json
{"path":"/t","kind":"content",…"base":{"node":"file","size":6,"text":"1\n2\n3\n"},"ours":{…"text":"ours\n2\n3\n"},"theirs":{…}}
$ cowry -w a.cowry merge b.cowry --show /t theirs --json
{"path":"/t","side":"theirs","content":{"node":"file","size":11,"text":"theirs\n2\n3\n"}}
"#,
    );
}

#[test]
fn a_csv_key_that_matches_nothing_is_told() {
    clashing().check(
        "
$ cowry -w a.cowry merge b.cowry --ours --csv-key '/tt=id' --dry-run
! --csv-key /tt: no file that matches was changed on both sides
! would merge b.cowry revision 2 (no changes; 1 conflict settled)
",
    );
}
