//! Runs and revisions: what is committed, shown, restored.

use crate::console::{Place, check};

#[test]
fn a_run_commits_what_it_wrote() {
    check(
        r#"
$ cowry -w a.cowry run -e 'fs.mkdirSync("/out"); fs.writeFileSync("/out/a", "one\n"); fs.writeFileSync("/tmp/x", "")'
! created workspace a.cowry
! committed revision 1: 2 added; 2 discarded
$ cowry -w a.cowry run -e 'fs.appendFileSync("/out/a", "two\n")'
! committed revision 2: 1 modified
$ cowry -w a.cowry run -e 'fs.readFileSync("/out/a", "utf8")'
one
two
$ cowry -w a.cowry diff
M /out/a
--- a/out/a
+++ b/out/a
@@ -1 +1,2 @@
 one
+two
$ ls
a.cowry
"#,
    );
}

#[test]
fn a_run_that_fails_leaves_nothing_but_its_record() {
    check(
        r#"
$ cowry -w a.cowry run -q -e 'fs.writeFileSync("/keep", "1")'
$ cowry -w a.cowry run -e 'fs.rmSync("/keep"); fs.writeFileSync("/half", ""); throw new Error("half way")'
! Error: half way
…
! nothing committed: the run failed; `cowry runs diff …` shows what it did
[exit status: 1]
$ cowry -w a.cowry fs ls
keep
$ cowry -w a.cowry runs
…  [eval]  threw      not committed (it failed)
…  [eval]  completed  committed as revision 1
"#,
    );
}

#[test]
fn a_dry_run_shows_the_changes_and_commits_nothing() {
    check(
        r#"
$ cowry -w a.cowry run --dry-run -e 'fs.writeFileSync("/a", "x\n"); fs.writeFileSync("/tmp/b", ""); "result"'
result
A /a
--- /dev/null
+++ b/a
@@ -0,0 +1 @@
+x
! dry run, nothing committed: 1 added; 2 discarded
$ ls
"#,
    );
}

#[test]
fn rules_apply_in_the_order_given() {
    check(
        r#"
$ cowry -w a.cowry run --persist /cache/keep --discard '/cache/**' -e '
>   fs.mkdirSync("/cache"); fs.writeFileSync("/cache/keep", "1"); fs.writeFileSync("/cache/drop", "1")'
! created workspace a.cowry
! committed revision 1: …
$ cowry -w a.cowry fs tree
/
└── cache/
    └── keep

1 directory, 1 file
"#,
    );
}

#[test]
fn a_policy_file_beside_the_caller_is_obeyed() {
    let place = Place::new();
    place.write(
        "cowry.toml",
        "[files]\ndefault = \"discard\"\n[[files.rule]]\nglob = \"/out/**\"\nkeep = \"persist\"\n",
    );
    place.write("other.toml", "[limits]\nwall = \"200ms\"\n");
    place.check(
        r#"
$ cowry -w a.cowry run -q -e 'fs.mkdirSync("/out"); fs.writeFileSync("/out/a", ""); fs.writeFileSync("/b", "")'
$ cowry -w a.cowry fs ls
out/
$ cowry run --policy other.toml -e 'await new Promise(done => setTimeout(done, 1e9))'
! cowry: timed out after 200ms; --wall gives it more
[exit status: 124]
"#,
    );
}

#[test]
fn without_a_workspace_everything_is_discarded_and_that_is_said() {
    check(
        r#"
$ cowry run -e 'fs.writeFileSync("/a", "x"); "result"'
result
! 1 path discarded: without a workspace (-w FILE) nothing is kept
$ ls
"#,
    );
}

#[test]
fn the_workspace_may_be_named_in_the_environment() {
    check(
        r#"
$ COWRY_WORKSPACE=a.cowry cowry run -q -e 'fs.writeFileSync("/a", "x")'
$ COWRY_WORKSPACE=a.cowry cowry fs cat /a
x
"#,
    );
}

#[test]
fn log_lists_revisions_the_latest_first() {
    check(
        r#"
$ cowry -w a.cowry run -q -m 'first things' -e 'fs.writeFileSync("/a", "1")'
$ cowry -w a.cowry fs rm /a
! committed revision 2: rm /a
$ cowry -w a.cowry log -n 2
2  20…Z  edit  …  rm /a
1  20…Z  run   …  first things
"#,
    );
}

#[test]
fn a_diff_has_several_forms() {
    check(
        r#"
$ cowry -w a.cowry run -q -e 'fs.writeFileSync("/a", "1\n2\n"); fs.writeFileSync("/bin", new Uint8Array([0, 1, 2]))'
$ cowry -w a.cowry run -q -e 'fs.writeFileSync("/a", "1\n3\n"); fs.rmSync("/bin"); fs.mkdirSync("/d"); fs.symlinkSync("a", "/l")'
$ cowry -w a.cowry diff
M /a
--- a/a
+++ b/a
@@ -1,2 +1,2 @@
 1
-2
+3
D /bin
  binary: 3 B removed
A /d/
A /l
+link to a
$ cowry -w a.cowry diff --stat
M /a    +1 -1
D /bin  binary 3 B removed
A /d/
A /l    link
2 added, 1 modified, 1 removed; 1 lines added, 1 removed
$ cowry -w a.cowry diff 0 1 --name-only
A /a
A /bin
$ cowry -w a.cowry diff 0 -- /d
A /d/
$ cowry -w a.cowry diff latest latest
! no changes
"#,
    );
}

#[test]
fn restore_brings_back_and_stays_in_the_history() {
    check(
        r#"
$ cowry -w a.cowry run -q -e 'fs.writeFileSync("/a", "1"); fs.writeFileSync("/b", "1")'
$ cowry -w a.cowry run -q -e 'fs.writeFileSync("/a", "2"); fs.rmSync("/b")'
$ cowry -w a.cowry restore latest~1 /b
! committed revision 3: restored from revision 1
$ cowry -w a.cowry fs cat /a /b
21
$ cowry -w a.cowry restore 1
! committed revision 4: restored from revision 1
$ cowry -w a.cowry fs cat /a && cowry -w a.cowry fs cat 2:/a
12
$ cowry -w a.cowry restore 1
! nothing differs from revision 1
"#,
    );
}

#[test]
fn check_and_gc_find_a_sound_workspace() {
    check(
        r#"
$ cowry -w a.cowry run -q -e 'fs.writeFileSync("/a", "x".repeat(200000))'
$ cowry -w a.cowry check
! no damage found
$ cowry -w a.cowry gc
! removed …
"#,
    );
}

#[test]
fn a_host_folder_is_mounted_read_only_unless_it_says_otherwise() {
    Place::new().write("data/in.csv", "a,b\n").check(
        r#"
$ cowry run --mount /data=data -e 'fs.readFileSync("/data/in.csv", "utf8").length'
4
$ cowry run --mount /data=data -e '() => { try { fs.writeFileSync("/data/x", "") } catch (e) { return e.code } }'
EROFS
$ cowry -w a.cowry run -q --mount /data=data:rw -e 'fs.writeFileSync("/data/out.csv", "c\n")' && cat data/out.csv
c
"#,
    );
}

#[test]
fn the_durability_is_shown_and_set() {
    check(
        r#"
$ cowry -q -w a.cowry run -e 'fs.writeFileSync("/a", "1")'
$ cowry -w a.cowry durability
fsync
$ cowry -w a.cowry durability relaxed
$ cowry -w a.cowry durability --json
{"durability":"relaxed"}
$ cowry -w a.cowry durability always
! cowry: invalid value 'always' for '[SETTING]': …fsync, relaxed or none…
[exit status: 125]
"#,
    );
}

#[test]
fn damage_is_named_mended_and_what_is_lost_is_told() {
    let place = Place::new();
    place.check("$ cowry -q -w a.cowry run -e 'fs.writeFileSync(\"/a\", \"precious\"); fs.writeFileSync(\"/b\", \"other\\n\")'");
    place.check("$ cowry -w a.cowry check\n! no damage found\n");
    let sql = |sql: &str| {
        let file = rusqlite::Connection::open(place.path().join("a.cowry")).expect("a SQLite file");
        file.execute_batch(sql).expect(sql);
    };
    sql(
        "UPDATE content SET inline = x'00' WHERE inline = x'70726563696f7573'; DELETE FROM entry WHERE name = 'b'",
    );
    place.check(
        r#"
$ cowry -w a.cowry check
…
/a cannot be read: …
! `cowry check --repair` mends this; copy the file first
[exit status: 125]
$ cowry -w a.cowry fs cat /a
! cowry: EIO: …
[exit status: 125]
$ cowry -w a.cowry check --repair
…
moved to /lost+found/#3: a file without a name
…
lost /a: …
! committed revision 2
…
! no damage found
[exit status: 125]
$ cowry -w a.cowry fs cat '/lost+found/#3'
other
$ cowry -w a.cowry check
…
! no damage found
"#,
    );
}

#[test]
fn a_file_that_is_cut_off_says_how_to_save_the_rest() {
    let place = Place::new();
    place.run("cowry -q -w a.cowry run --seed 7 -e 'fs.writeFileSync(\"/a\", \"kept\\n\"); let s = \"\"; while (s.length < 3e6) s += Math.random(); fs.writeFileSync(\"/z\", s)'");
    let path = place.path().join("a.cowry");
    // Whatever the log holds moves into the file, and the log is removed.
    rusqlite::Connection::open(&path)
        .and_then(|conn| conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())))
        .expect("a workspace");
    let file = std::fs::File::options().write(true).open(&path).expect("the file");
    file.set_len(file.metadata().expect("a size").len() - 8192).expect("cut");
    place.check(
        r#"
$ cowry -w a.cowry log
! cowry: a.cowry is damaged (…): save what can be read with `cowry -w a.cowry check --salvage DIR`, or restore a copy
[exit status: 125]
$ cowry -w a.cowry check
! cowry: a.cowry is damaged (…): save what can be read with `cowry -w a.cowry check --salvage DIR`, or restore a copy
[exit status: 125]
$ cowry -w a.cowry check --salvage a.cowry
! cowry: a.cowry already exists: name a folder or file that does not
[exit status: 125]
$ cowry -w a.cowry check --salvage rescued
…
! wrote rescued: … nodes
[exit status: 125]
$ cat rescued/a
kept
"#,
    );
}

#[test]
fn a_put_that_fails_leaves_what_was_there() {
    check(
        r#"
$ echo precious > a
$ cowry -w a.cowry fs put a
! created workspace a.cowry
! committed revision 1: put /a
$ cowry -w a.cowry quota --bytes 100B >/dev/null
$ yes | head -c 500 > a
$ cowry -w a.cowry fs put a
! cowry: EDQUOT: disk quota exceeded, write; `cowry quota` …
[exit status: 125]
$ cowry -w a.cowry fs cat /a
precious
"#,
    );
}

#[test]
fn a_fork_that_was_moved_is_known_again_and_one_that_is_there_is_not_forgotten_by_mistake() {
    check(
        r#"
$ cowry -q -w a.cowry run -e 'fs.writeFileSync("/a", "1")'
$ cowry -w a.cowry fork f.cowry
! forked revision 1 as f.cowry
$ cowry -q -w a.cowry run -e 'fs.writeFileSync("/a", "2")'
$ mv f.cowry g.cowry
$ cowry -w a.cowry fork --list
1  …/f.cowry  not there: moved (open it once) or gone (--forget)
$ cowry -w a.cowry prune 1
! revision 1 stays: a fork of it was …/f.cowry and is not there; if it was moved, open it once; if it is gone, `cowry fork --forget …/f.cowry` lets go of it
! nothing to prune
$ cowry -q -w g.cowry run -e '1'
1
$ cowry -w a.cowry fork --list
1  …/g.cowry
$ cowry -w a.cowry fork --forget g.cowry
! cowry: …/g.cowry is still there and reads revision 1: flatten or remove it first; --force forgets it all the same
[exit status: 125]
$ cowry -w a.cowry fork --forget g.cowry --force
! revision 1 is no longer kept for …/g.cowry
$ cowry -w a.cowry fork --list
! no forks
"#,
    );
}

#[test]
fn prune_says_which_run_needs_a_revision() {
    check(
        r#"
$ cowry -q -w a.cowry run -e 'fs.writeFileSync("/a", "1")'
$ cowry -q -w a.cowry run -e 'fs.writeFileSync("/b", "1"); throw new Error("no")'
! Error: no
…
[exit status: 1]
$ cowry -q -w a.cowry run -e 'fs.writeFileSync("/a", "2")'
$ cowry -w a.cowry prune 1
! revision 1 stays: the kept changes of run … need it; `cowry runs commit …` or `drop` lets go of it
! nothing to prune
$ cowry -q -w a.cowry runs drop "$(cowry -w a.cowry prune 1 2>&1 | sed -n 's/.*changes of run \([^ ]*\).*/\1/p')"
$ cowry -w a.cowry prune 1
! pruned 1 revision: 1; `cowry gc` gives the space back
"#,
    );
}

#[test]
fn a_workspace_beside_which_nothing_can_be_made_is_read() {
    let place = Place::new();
    place.run("cowry -q -w a.cowry run -e 'fs.writeFileSync(\"/a\", \"one\\n\")'");
    place.run("cowry -q -w a.cowry run -e 'fs.writeFileSync(\"/a\", \"two\\n\")'");
    // A name so long that none fits beside it does what a folder does that cannot be written.
    let long = "w".repeat(255);
    if std::fs::rename(place.path().join("a.cowry"), place.path().join(&long)).is_err() {
        eprintln!("skipped: the filesystem takes no name of 255 bytes");
        return;
    }
    place.check(&format!(
        r#"
$ export COWRY_WORKSPACE={long}; cowry fs ls; cowry fs cat 1:/a; cowry log; cowry diff --stat; cowry check; ls | wc -l
a
one
2  …
1  …
0  …
M /a  +1 -1
1 modified; 1 lines added, 1 removed
1
! no damage found
$ cowry -w {long} fs rm /a
! cowry: EROFS: …
[exit status: 125]
"#
    ));
}
