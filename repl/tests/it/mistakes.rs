//! Every mistake a user makes is told in one line that says what to do, with status 125 (or 123, refused).

use crate::console::{Place, check};

/// The line is told, alone, on standard error.
fn mistake(place: &Place, line: &str, told: &str) {
    place.check(&format!("$ {line}\n! cowry: {told}\n[exit status: 125]\n"));
}

#[test]
fn a_file_that_is_not_there() {
    let place = Place::new();
    mistake(&place, "cowry run jbo.ts", "no such file: jbo.ts; -e runs code itself");
    mistake(&place, "cowry run .", ". is a directory: name the file in it to run");
    mistake(&place, "cowry run -e 1 --input @none.json", "no such file: none.json");
    mistake(&place, "cowry run -e 1 --policy none.toml", "cannot read the policy none.toml: …");
    mistake(&place, "cowry -w a.cowry fs put none", "no such file: none");
    mistake(&place, "cowry -w a.cowry fs import none", "no such file: none");
    assert_eq!(place.run("ls"), "", "no mistake makes a workspace");
}

#[test]
fn a_workspace_that_is_not_there() {
    let place = Place::new();
    for command in [
        "log",
        "diff",
        "fs ls",
        "fs rm /a",
        "runs",
        "restore 1",
        "gc",
        "check",
        "name",
        "name 1 a",
        "fork b",
        "flatten",
        "prune 1",
    ] {
        mistake(&place, &format!("cowry -w none.cowry {command}"), "no workspace at none.cowry: …");
        mistake(
            &place,
            &format!("cowry {command}"),
            "no workspace: name one with -w FILE or COWRY_WORKSPACE",
        );
    }
    mistake(&place, "cowry --no-create -w none.cowry run -e 1", "no workspace at none.cowry: …");
    assert_eq!(place.run("ls"), "");
}

#[test]
fn a_file_that_is_no_workspace() {
    let place = Place::new();
    place.write(
        "text",
        "just some text, long enough to be looked at by whoever reads headers of files and more\n",
    );
    mistake(&place, "cowry -w text log", "text is not a Cowry workspace: name another file");
    mistake(&place, "cowry -w text run -e 1", "text is not a Cowry workspace: name another file");
    place.check("$ head -c 9 text\njust some\n");
}

#[test]
fn a_workspace_of_a_later_version() {
    let place = Place::new();
    place.run("cowry -q -w a.cowry run -e 1");
    let file = rusqlite::Connection::open(place.path().join("a.cowry")).expect("a SQLite file");
    file.pragma_update(None, "user_version", 9999).expect("changed");
    drop(file);
    mistake(
        &place,
        "cowry -w a.cowry log",
        "a.cowry has schema 9999, this version reads up to …: use a newer cowry",
    );
}

#[test]
fn a_bad_glob() {
    let place = Place::new();
    mistake(
        &place,
        "cowry run -e 1 --persist 'out/**'",
        "--persist: bad glob \"out/**\": it must begin with …",
    );
    mistake(&place, "cowry run -e 1 --discard '/a[' ", "--discard: bad glob \"/a[\": …");
}

#[test]
fn bad_json() {
    let place = Place::new();
    place.write("bad.json", "{\n  \"a\": ,\n}\n");
    mistake(
        &place,
        "cowry run -e 1 --input hello",
        "--input is no JSON: expected value at line 1 column 1; a string needs quotes, as in '\"text\"', a file is @FILE",
    );
    mistake(
        &place,
        "cowry run -e 1 --input @bad.json",
        "bad.json is no JSON: expected value at line 2 column 8",
    );
}

#[test]
fn a_bad_policy() {
    let place = Place::new();
    place.write("a.toml", "[limits]\nmemory = \"1GiB\"\nmemroy = \"1GiB\"\n");
    place.write("b.toml", "[limits]\nwall = 30\n");
    mistake(&place, "cowry run -e 1 --policy a.toml", "a.toml:3: unknown key …memroy…");
    mistake(
        &place,
        "cowry run -e 1 --policy b.toml",
        "b.toml:2: …a duration needs a unit: write \"30s\" instead of 30…",
    );
}

#[test]
fn a_bad_size_or_duration() {
    let place = Place::new();
    mistake(&place, "cowry run -e 1 --memory 128", "…a size needs a unit: write \"128MiB\" instead of 128 …");
    mistake(&place, "cowry run -e 1 --wall 5x", "…unknown unit \"x\" in \"5x\": …");
}

#[test]
fn a_bad_mount() {
    let place = Place::new();
    mistake(&place, "cowry run -e 1 --mount data", "mount \"data\": write /data=SOURCE, or /data=SOURCE:rw");
    mistake(&place, "cowry run -e 1 --mount /data=none", "cannot mount none at /data: …");
}

#[test]
fn one_place_is_mounted_once() {
    let place = Place::new();
    let mounts = "--mount /data=home --mount /data/=work";
    mistake(&place, &format!("cowry run -e 1 {mounts}"), "--mount /data is given twice: remove one of them");
}

#[cfg(feature = "object")]
#[test]
fn nothing_is_written_to_memory_that_ends_with_the_command() {
    let place = Place::new();
    place.write("a.toml", "[[files.rule]]\nglob = '/out/**'\nkeep = 'promote'\nto = 'memory://x/y'\n");
    place.write("b.toml", "[mounts]\n'/data' = { source = 'memory://x/y', mode = 'rw' }\n");
    for command in [
        "cowry -w a.cowry run -e 1 --policy a.toml",
        "cowry -w a.cowry run -e 1 --policy b.toml",
        "cowry -w a.cowry run -e 1 --mount /data=memory://x/y:rw",
    ] {
        mistake(&place, command, "memory:// forgets everything when the command ends: name a bucket, …");
    }
    assert!(!place.path().join("a.cowry").exists(), "refused before anything is done");
}

#[test]
fn a_cache_has_a_size_with_a_unit() {
    let place = Place::new();
    for bad in ["abc", "10", "-1"] {
        let command = format!("COWRY_CACHE_SIZE={bad} cowry -w a.cowry run -e 1");
        mistake(&place, &command, "COWRY_CACHE_SIZE: …, or 0 for no cache");
    }
    for good in ["0", "10MiB", "\"\""] {
        assert_eq!(place.run(&format!("COWRY_CACHE_SIZE={good} cowry -q -w a.cowry run -e 1")), "1\n");
    }
}

#[test]
fn a_revision_that_is_not_there() {
    let place = Place::new();
    place.run("cowry -q -w a.cowry run -e 'fs.writeFileSync(\"/a\", \"\")'");
    mistake(&place, "cowry -w a.cowry diff 7", "there is no revision 7: the latest is 1");
    mistake(&place, "cowry -w a.cowry restore latest~", "\"latest~\" names no revision: …");
    mistake(&place, "cowry -w a.cowry fs cat 9:/a", "there is no revision 9: the latest is 1");
    mistake(&place, "cowry -w a.cowry fs cat 1.5:/a", "…\"1.5\" names no revision: …");
}

#[test]
fn a_run_that_is_not_there() {
    let place = Place::new();
    place.run("cowry -q -w a.cowry run -e 1");
    for command in ["show", "diff", "commit", "drop"] {
        mistake(&place, &format!("cowry -w a.cowry runs {command} zzzzzzzz"), "no run zzzzzzzz: …");
    }
}

#[test]
fn a_path_that_is_not_there() {
    let place = Place::new();
    place.run("cowry -q -w a.cowry run -e 'fs.mkdirSync(\"/d\")'");
    mistake(&place, "cowry -w a.cowry fs cat /none", "ENOENT: no such file or directory, open '/none'");
    mistake(&place, "cowry -w a.cowry fs ls /none", "ENOENT: no such file or directory, stat '/none'");
    mistake(&place, "cowry -w a.cowry fs cat /d", "/d is a directory: `cowry fs ls` lists it");
    mistake(&place, "cowry -w a.cowry fs rm /", "/ cannot be removed: name what is in it");
}

#[test]
fn a_command_line_that_makes_no_sense() {
    let place = Place::new();
    mistake(&place, "cowry", "which command? `cowry --help` lists them");
    mistake(
        &place,
        "cowry rnu",
        "unrecognized subcommand 'rnu'; tip: a similar subcommand exists: 'runs' (…)",
    );
    mistake(
        &place,
        "cowry run",
        "the following required arguments were not provided: <FILE> (`cowry run --help` …)",
    );
    mistake(&place, "cowry run -e 1 --memroy 1GiB", "unexpected argument '--memroy' found; …");
    mistake(&place, "cowry run -e 1 --env A", "…write NAME=VALUE…");
}

#[test]
fn a_program_that_is_a_worker_without_a_request() {
    Place::new().write("worker.js", "export default { fetch() {} }\n").check(
        "
$ cowry run worker.js
! cowry: …
[exit status: 125]
",
    );
}

#[test]
fn a_workspace_that_another_process_is_writing() {
    let place = Place::new();
    place.run("cowry -q -w a.cowry run -e 1");
    let file = rusqlite::Connection::open(place.path().join("a.cowry")).expect("a SQLite file");
    file.execute_batch("BEGIN EXCLUSIVE").expect("locked");
    place.write("a.txt", "1");
    mistake(
        &place,
        "cowry -w a.cowry fs put a.txt",
        "a.cowry was locked by another process that is writing to it, for all of 10s; try again when it is done, …",
    );
}

#[test]
fn json_tells_of_a_mistake_too() {
    check(
        r#"
$ cowry --json -w none.cowry log
{"error":{"message":"no workspace at none.cowry: …","status":125}}
! cowry: no workspace at none.cowry: …
[exit status: 125]
"#,
    );
}

#[test]
fn a_name_a_fork_or_a_pruning_that_cannot_be() {
    let place = Place::new();
    place.write("a", "1\n");
    place.run("cowry -w a.cowry fs put a");
    mistake(
        &place,
        "cowry -w a.cowry name latest 2026",
        "\"2026\" cannot name a revision: a name begins with…",
    );
    mistake(&place, "cowry -w a.cowry name latest", "…NAME…");
    mistake(
        &place,
        "cowry -w a.cowry name none x",
        "no revision is called none: `cowry name --list` lists the names",
    );
    mistake(&place, "cowry -w a.cowry name --delete none", "no revision is called none here");
    mistake(&place, "cowry -w a.cowry diff none", "no revision is called none: …");
    mistake(&place, "cowry -w a.cowry fork a", "a already exists: open it, or choose another name");
    mistake(&place, "cowry -w a.cowry fork none/b", "no such folder for none/b: …");
    mistake(&place, "cowry -w a.cowry fork b --rev 7", "there is no revision 7: the latest is 1");
    mistake(&place, "cowry -w a.cowry fork --forget b", "no fork b is known: `cowry fork --list` lists them");
    mistake(&place, "cowry -w a.cowry prune", "…");
    mistake(
        &place,
        "cowry -w a.cowry prune latest..0",
        "latest..0 is no range: the older revision comes first",
    );
    mistake(&place, "cowry -w a.cowry prune --older-than 5", "…");
    assert_eq!(place.run("ls"), "a\na.cowry\n", "no mistake makes a fork");
}

#[test]
fn a_workspace_in_a_folder_that_is_not_there() {
    let place = Place::new();
    mistake(
        &place,
        "cowry -w none/a.cowry run -e 1",
        "cannot open none/a.cowry: there is no folder none, make it first",
    );
}

#[test]
fn an_export_onto_a_file() {
    let place = Place::new();
    place.run("echo 1 >a && cowry -q -w a.cowry fs put a");
    mistake(
        &place,
        "cowry -w a.cowry fs export / a",
        "a is there and is no folder: name another one, or an archive that ends in .tar",
    );
}

#[test]
fn a_revision_where_one_writes() {
    let place = Place::new();
    place.run("echo 1 >a && mkdir d && cowry -q -w a.cowry fs put a");
    let told =
        "1:/q is a path in a revision, which cannot be changed: write /q, or ./1:/q if \"1:\" is a directory";
    for command in ["fs put a 1:/q", "fs import d 1:/q", "fs rm 1:/q"] {
        mistake(&place, &format!("cowry -w a.cowry {command}"), told);
    }
    mistake(
        &place,
        "cowry -w a.cowry fs cat latest:a",
        "there is no /latest:a: in revision latest it is latest:/a",
    );
    place.check(
        r#"
$ cowry -q -w a.cowry fs put a ./1:/q && cowry -w a.cowry fs cat /1:/q
1
$ cowry -q -w a.cowry fs put a /1:a && cowry -w a.cowry fs cat 1:a
1
"#,
    );
}

#[test]
fn a_quota_that_is_used_up() {
    let place = Place::new();
    place.run(
        "head -c 5000 /dev/zero >a; cowry -q -w a.cowry run -e 1; cowry -q -w a.cowry quota --bytes 1KiB",
    );
    mistake(
        &place,
        "cowry -w a.cowry fs put a",
        "EDQUOT: disk quota exceeded, …; `cowry quota` shows what the workspace's quota is, and changes it",
    );
}

#[test]
fn a_name_that_reads_as_a_range() {
    let place = Place::new();
    place.run("cowry -q -w a.cowry run -e 1");
    mistake(
        &place,
        "cowry -w a.cowry name latest v1..v2",
        "\"v1..v2\" cannot name a revision: …one dot at a time…",
    );
    place.check("$ cowry -w a.cowry log -n 0\n$ cowry -w a.cowry runs -n 0\n");
}
