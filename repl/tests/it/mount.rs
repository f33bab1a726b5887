//! `cowry mount` and `cowry unmount`, where the machine lets a workspace be mounted.

use std::fs;
use std::path::PathBuf;

use crate::console::Place;

/// A place with a workspace of one file, `/file`, and an empty directory `mnt`. What is mounted there when it is
/// dropped is taken away before the directory is removed.
struct Mountable {
    place: Place,
}

impl Mountable {
    /// `None`, and a word on why, where nothing can be mounted.
    fn new(test: &str) -> Option<Mountable> {
        let place = Place::new();
        fs::create_dir(place.path().join("mnt")).expect("made");
        place.run("cowry -w a.cowry run -e 'fs.writeFileSync(\"/file\", \"first\\n\")'");
        let made = Mountable { place };
        let said = made.place.run("cowry -w a.cowry mount mnt && cowry unmount mnt");
        let impossible = said.contains("/dev/fuse") || said.contains("not permitted");
        if impossible {
            eprintln!("skipped {test}: {said}");
        }
        (!impossible).then_some(made)
    }

    fn dir(&self) -> PathBuf {
        self.place.path().join("mnt")
    }
}

impl Drop for Mountable {
    fn drop(&mut self) {
        self.place.run("cowry unmount --lazy mnt");
    }
}

#[test]
fn what_is_written_through_a_mount_becomes_a_revision() {
    let Some(made) = Mountable::new("what_is_written_through_a_mount_becomes_a_revision") else { return };
    made.place.check(
        r#"
$ cowry -w a.cowry mount mnt
! mounted a.cowry on mnt; `cowry unmount mnt` ends it
$ cat mnt/file
first
$ echo second >>mnt/file; mkdir mnt/dir; echo new >mnt/dir/new
$ cowry unmount mnt
! unmounted [..]/a.cowry from mnt
$ ls mnt
$ cowry -w a.cowry diff --stat
…
$ cowry -w a.cowry fs cat /file
first
second
$ cowry -w a.cowry fs cat latest~1:/file
first
$ cowry -w a.cowry fs cat latest:/dir/new
new
"#,
    );
}

#[test]
fn a_run_sees_what_a_mount_wrote_and_a_mount_what_a_run_committed() {
    let Some(made) = Mountable::new("a_run_sees_what_a_mount_wrote_and_a_mount_what_a_run_committed") else {
        return;
    };
    made.place.check(
        r#"
$ cowry -q -w a.cowry mount mnt
$ echo mounted >mnt/there && sync mnt/there
$ cowry -w a.cowry run -e 'fs.writeFileSync("/here", fs.readFileSync("/there"))'
! committed revision [..]
$ for i in $(seq 600); do cat mnt/here 2>/dev/null && break; sleep 0.1; done
mounted
$ cowry -q unmount mnt
"#,
    );
}

#[test]
fn a_revision_is_mounted_as_it_was() {
    let Some(made) = Mountable::new("a_revision_is_mounted_as_it_was") else { return };
    made.place.check(
        r#"
$ cowry -q -w a.cowry run -e 'fs.writeFileSync("/file", "later\n")'
$ cowry -q -w a.cowry mount --rev latest~1 mnt
$ cat mnt/file
first
$ touch mnt/file 2>/dev/null || echo refused
refused
$ cowry -q unmount mnt
$ cowry -q -w a.cowry mount --ro mnt
$ cat mnt/file
later
$ mkdir mnt/dir 2>/dev/null || echo refused
refused
$ cowry -q unmount mnt
$ cowry -w a.cowry mount --rev 99 mnt
! cowry: [..]99[..]
[exit status: 125]
"#,
    );
}

#[test]
fn a_mount_that_cannot_be_says_what_to_do() {
    let Some(made) = Mountable::new("a_mount_that_cannot_be_says_what_to_do") else { return };
    made.place.check(
        r#"
$ cowry -w none.cowry mount mnt
! cowry: no workspace at none.cowry: [..]
[exit status: 125]
$ cowry -w a.cowry mount none
! cowry: no such directory: [..]/none: make it first
[exit status: 125]
$ cowry -w a.cowry mount .
! cowry: [..] is not empty: name an empty directory
[exit status: 125]
$ cowry -w a.cowry mount a.cowry
! cowry: not a directory: [..]/a.cowry: name an empty one
[exit status: 125]
$ cowry -q -w a.cowry mount mnt
$ cowry -w a.cowry mount mnt
! cowry: [..]/mnt is already a mount of [..]/a.cowry: `cowry unmount [..]/mnt` first
[exit status: 125]
$ cowry -q unmount mnt
$ cowry unmount mnt
! cowry: no workspace is mounted on mnt: [..]
[exit status: 125]
"#,
    );
}

#[test]
fn a_mount_in_use_is_unmounted_lazily_only() {
    let Some(made) = Mountable::new("a_mount_in_use_is_unmounted_lazily_only") else { return };
    made.place.check(
        r#"
$ cowry -q -w a.cowry mount mnt
"#,
    );
    let open = fs::File::open(made.dir().join("file")).expect("mounted");
    made.place.check(
        r#"
$ cowry unmount mnt
! cowry: mnt is in use: leave it and close its files, or add --lazy
[exit status: 125]
$ cowry --json unmount --lazy mnt
{"dir":"mnt","workspace":"[..]/a.cowry","serverDied":false}
$ ls mnt
"#,
    );
    drop(open);
}

/// A sandbox begins with a copy of everything that is mounted, which must not keep a mount alive.
#[test]
fn a_session_that_began_meanwhile_does_not_hold_an_unmount_up() {
    let Some(made) = Mountable::new("a_session_that_began_meanwhile_does_not_hold_an_unmount_up") else {
        return;
    };
    made.place.check(
        r#"
$ cowry -q -w a.cowry mount mnt
$ mkfifo in && { cowry repl < in > out & } && exec 3> in && echo '6 * 7' >&3 && \
  until grep -qs 42 out || ! kill -0 $!; do :; done && cowry -q unmount mnt && kill -0 $! && exec 3>&- && wait && cat out
42
"#,
    );
}

#[test]
fn a_signal_ends_a_mount_cleanly() {
    let Some(made) = Mountable::new("a_signal_ends_a_mount_cleanly") else { return };
    for signal in ["TERM", "INT", "HUP"] {
        let line = format!(
            "cowry -w a.cowry mount --foreground mnt >said 2>&1 & \
             for i in $(seq 600); do grep -q mounted said 2>/dev/null && break; sleep 0.1; done; \
             echo {signal} >mnt/{signal}; kill -{signal} $!; wait $!; echo $?; rm said; ls mnt"
        );
        assert_eq!(made.place.run(&line), "0\n", "{signal}");
        let cat = format!("cowry -w a.cowry fs cat latest:/{signal}");
        assert_eq!(made.place.run(&cat), format!("{signal}\n"));
    }
}

#[test]
fn a_mount_whose_server_died_can_be_taken_away() {
    let Some(made) = Mountable::new("a_mount_whose_server_died_can_be_taken_away") else { return };
    let line = "pid=$(cowry --json -w a.cowry mount mnt | sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/'); \
                echo kept >mnt/kept; sync mnt/kept; kill -9 $pid; \
                for i in $(seq 600); do ls mnt >/dev/null 2>&1 || break; sleep 0.1; done";
    made.place.run(line);
    made.place.check(
        r#"
$ cowry -w a.cowry mount mnt
! cowry: [..]/mnt is a mount whose server has died: `cowry unmount [..]/mnt` first
[exit status: 125]
$ cowry unmount mnt
! unmounted [..]/a.cowry from mnt; its server had died, so what it wrote last may be lost
$ cowry -w a.cowry fs cat /kept
kept
$ cowry -w a.cowry check
…
"#,
    );
}

#[test]
fn what_could_not_become_a_revision_is_told_and_becomes_one() {
    let Some(made) = Mountable::new("what_could_not_become_a_revision_is_told_and_becomes_one") else {
        return;
    };
    // A file where the bucket's folder is to be is a bucket that takes nothing.
    made.place.check(
        r#"
$ cowry -q -w a.cowry content file://$PWD/bucket >content; rm -rf bucket; touch bucket
$ cowry -q -w a.cowry mount mnt
$ head -c 300000 /dev/urandom >big; cp big mnt/big
$ cowry unmount mnt
! cowry: mnt is unmounted, but what was written through it is not a revision yet: …bucket…; nothing is lost: once that is put right, the next `cowry run` makes it one
[exit status: 125]
$ ls mnt
$ rm bucket; cowry -q -w a.cowry run -e 1
1
$ cowry -w a.cowry fs cat latest:/big | cmp - big
$ cowry -q -w a.cowry mount --ro mnt
$ rm -rf bucket; touch bucket; head -c 300000 /dev/urandom >more; cowry -q -w a.cowry fs put more /more 2>&1 | wc -l
1
$ cowry unmount mnt
! unmounted [..]/a.cowry from mnt
"#,
    );
}

#[test]
fn a_workspace_moved_away_from_under_its_mount_takes_no_changes() {
    let Some(made) = Mountable::new("a_workspace_moved_away_from_under_its_mount_takes_no_changes") else {
        return;
    };
    made.place.check(
        r#"
$ cowry -q -w a.cowry mount mnt
$ echo before >mnt/before && sync mnt/before && mv a.cowry b.cowry
$ (echo after >mnt/after && sync mnt/after) 2>/dev/null || echo refused
refused
$ mv b.cowry a.cowry && echo again >mnt/again && sync mnt/again
$ cowry -q unmount mnt
$ cowry -w a.cowry fs ls
again
before
file
"#,
    );
}
