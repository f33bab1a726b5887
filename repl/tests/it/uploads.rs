//! Files put and imported into a workspace whose content goes to a bucket.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use cowry_s3_server::Server;

use crate::console::Place;
use crate::stalling::{Counted, Stalling, cowry, done, killed};

/// A workspace whose content goes to a folder, and a file of 2.6 MB that does not repeat.
fn place() -> Place {
    let place = Place::new();
    place
        .run("cowry -q -w a.cowry run -e 0; cowry -w a.cowry content file://$PWD/bucket; seq 1 400000 > big");
    place
}

#[test]
fn a_file_that_is_put_is_in_the_bucket_before_it_is_in_the_workspace() {
    place().check(
        r#"
$ cowry -w a.cowry fs put big /data/big
! committed revision 1: put /data/big
$ cowry -w a.cowry content | tail -n +2
in the file: 0 pieces (0 B)
in file:///[..]/work/bucket/[..]: [..] pieces (2.6 MiB)
$ cowry -w a.cowry fs cat /data/big | cmp - big
$ find bucket -type f | wc -l > before
$ cowry -q -w a.cowry fs put - /data/same < big
$ find bucket -type f | wc -l | cmp - before
$ cowry -w a.cowry fs cat /data/same | cmp - big
$ head -c 60000 big > short
$ cowry -q -w a.cowry fs put short /data/same
$ cowry -w a.cowry fs cat /data/same | cmp - short
$ truncate -s 3M holes; cat big >> holes; truncate -s 9M holes
$ cowry -q -w a.cowry fs put holes
$ cowry -w a.cowry fs cat /holes | cmp - holes
$ cowry -w a.cowry run -e 'fs.statSync("/holes").blocks * 512 < 4000000'
true
$ cowry -w a.cowry check --deep
! read [..] sound objects in buckets; 0 objects that nothing refers to (0 B)
! no damage found
"#,
    );
}

#[test]
fn what_is_imported_is_in_the_bucket_before_it_is_in_the_workspace() {
    place().check(
        r#"
$ mkdir -p in/deep; cp big in/deep/big; seq 2 400000 > in/other; seq 1 20000 > in/middle; echo small > in/small; : > in/empty
$ truncate -s 20M in/holes; cat big >> in/holes; truncate -s 30M in/holes; ln in/other in/deep/same
$ cowry -w a.cowry fs import in /in
! committed revision 1: import in into /in
! 6 files, [..]
$ cowry -w a.cowry content | grep -c 'in the file: 0 pieces'
1
$ cowry -q -w a.cowry fs export /in out; diff -r in out; stat -c %h out/other
2
$ tar cf in.tar in; cowry -q -w a.cowry fs import in.tar /tar; find bucket -type f | wc -l > before
$ cowry -q -w a.cowry fs export /tar/in again; diff -r in again
$ cowry -q -w a.cowry fs put big /put; find bucket -type f | wc -l | cmp - before
$ cowry -w a.cowry content --compress zstd file://$PWD/bucket > /dev/null
$ seq 3 400000 > in/other; cowry -q -w a.cowry fs import in /in
$ find bucket -name '*.zst' | wc -l
1
$ rm -r out; cowry -q -w a.cowry fs export /in out; diff -r in out
$ cowry -w a.cowry check --deep
! read [..] sound objects in buckets; 0 objects that nothing refers to (0 B)
! no damage found
"#,
    );
}

#[test]
fn what_the_bucket_does_not_take_is_not_there() {
    place().check(
        r#"
$ touch bucket
$ cowry -w a.cowry fs put big
! cowry: file:///[..]/work/bucket/[..]
[exit status: 125]
$ mkdir in; cp big in; cowry -w a.cowry fs import in /in
! cowry: file:///[..]/work/bucket/[..]
[exit status: 125]
$ cowry -w a.cowry fs ls /in
$ cowry -w a.cowry content
new content goes to file:///[..]/work/bucket: pieces of 64 KiB and more
in the file: 0 pieces (0 B)
[..]
[..]
$ rm bucket; cowry -w a.cowry fs put big
! committed revision [..]: put /big
$ cowry -w a.cowry gc --grace 0s
! removed 0 chunks (0 B), kept changes of 0 runs
! deleted [..] objects from its bucket
$ cowry -w a.cowry check --deep
! read [..] sound objects in buckets; 0 objects that nothing refers to (0 B)
! no damage found
"#,
    );
}

#[test]
fn what_is_past_the_quota_is_not_sent() {
    place().check(
        r#"
$ cowry -q -w a.cowry quota --bytes 1MiB > /dev/null
$ cowry -w a.cowry fs put big
! cowry: EDQUOT: [..]
[exit status: 125]
$ test -e bucket
[exit status: 1]
$ cowry -q -w a.cowry quota --bytes 3MiB > /dev/null
$ cowry -q -w a.cowry fs put big
$ seq 2 400000 > other; cowry -q -w a.cowry fs put other /big
$ cowry -w a.cowry fs cat /big | cmp - other
"#,
    );
}

/// How many objects are in a bucket of a server.
fn objects(server: &Server) -> usize {
    fn files(folder: &Path) -> usize {
        let entries = fs::read_dir(folder).expect("listed").map(|entry| entry.expect("an entry").path());
        entries.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
    }
    files(&server.folder().join("shells"))
}

/// Content that does not repeat.
fn write_content(path: &Path, bytes: u64) {
    let mut file = BufWriter::with_capacity(1 << 20, fs::File::create(path).expect("made"));
    for number in 0..bytes / 8 {
        file.write_all(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).expect("written");
    }
    file.flush().expect("written");
}

#[test]
fn one_that_is_killed_leaves_nothing_but_objects_that_nothing_refers_to() {
    let (place, server) = (Place::new(), Server::start("shells"));
    done(&place, &server, &["-q", "-w", "a.cowry", "run", "-e", "0"]);
    done(&place, &server, &["-w", "a.cowry", "content", "s3://shells/content"]);
    write_content(&place.path().join("big"), 40 << 20);
    let put = ["-q", "-w", "a.cowry", "fs", "put", "big", "/big"];
    killed(&place, &server, &Stalling::before(&server, Counted::Requests, 20 << 20), &put, &|| true);
    assert!(objects(&server) > 0, "some were sent");
    assert_eq!(done(&place, &server, &["-w", "a.cowry", "fs", "ls", "/"]), b"");
    done(&place, &server, &["-w", "a.cowry", "check", "--deep"]);
    // What the server had all of when its sender was killed may come to be a moment later.
    let all_gone = (0..60).any(|_| {
        done(&place, &server, &["-q", "-w", "a.cowry", "gc", "--grace", "0s"]);
        let is_gone = objects(&server) == 0;
        std::thread::park_timeout(Duration::from_secs(u64::from(!is_gone)));
        is_gone
    });
    assert!(all_gone, "{} are left", objects(&server));
    done(&place, &server, &put);
    let got = done(&place, &server, &["-w", "a.cowry", "fs", "cat", "/big"]);
    assert!(got == fs::read(place.path().join("big")).expect("read"));
}

/// The most memory that a process has had so far, in bytes.
fn high_water(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kb| kb << 10)
}

#[test]
fn a_file_larger_than_memory_may_be_is_put() {
    if std::env::var_os("COWRY_LARGE_FILES").is_none() {
        eprintln!("skipped: it takes 600 MiB of disk; COWRY_LARGE_FILES=1 runs it");
        return;
    }
    let (place, server) = (Place::new(), Server::start("shells"));
    done(&place, &server, &["-q", "-w", "a.cowry", "run", "-e", "0"]);
    done(&place, &server, &["-w", "a.cowry", "content", "s3://shells/content"]);
    write_content(&place.path().join("big"), 192 << 20);
    let put = ["-q", "-w", "a.cowry", "fs", "put", "big", "/big"];
    let mut child = cowry(&place, &server, &server.endpoint(), &put).spawn().expect("started");
    let mut memory = 0;
    while child.try_wait().expect("asked").is_none() {
        memory = high_water(child.id()).unwrap_or(memory);
        std::thread::park_timeout(Duration::from_millis(5));
    }
    let output = child.wait_with_output().expect("it ended");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(memory < 128 << 20, "{} MiB", memory >> 20);
}
