//! `cowry fs`: files in and out of a workspace.

use crate::console::{Place, check};

#[test]
fn put_get_cat_and_rm() {
    Place::new().write("a.txt", "hello\n").check(
        r#"
$ cowry -w a.cowry fs put a.txt
! created workspace a.cowry
! committed revision 1: put /a.txt
$ echo piped | cowry -w a.cowry fs put - /deep/er/b
! committed revision 2: put /deep/er/b
$ cowry -w a.cowry fs put a.txt /deep/
! committed revision 3: put /deep/a.txt
$ cowry -w a.cowry fs cat /a.txt /deep/er/b
hello
piped
$ cowry -w a.cowry fs get /deep/er/b && cat b
piped
! wrote b
$ cowry -w a.cowry fs get /a.txt -
hello
$ cowry -w a.cowry fs rm /deep
! cowry: /deep is a directory: -r removes it and everything below it
[exit status: 125]
$ cowry -w a.cowry fs rm -r /deep /a.txt
! committed revision 4: rm /deep /a.txt
$ cowry -w a.cowry fs ls
$ cowry -w a.cowry fs cat latest~1:/a.txt
hello
"#,
    );
}

#[test]
fn mistakes_make_no_workspace() {
    Place::new().write("a.txt", "a note\n").check(
        r#"
$ cowry -w a.cowry fs import a.txt
! cowry: this is no tar archive: import a folder or an archive, put a single file
[exit status: 125]
$ cowry -w a.cowry fs import missing
! cowry: no such file: missing
[exit status: 125]
$ ls
a.txt
$ cowry -w a.cowry fs put -q a.txt && cowry -w a.cowry fs export / no/folder/x.tar
! cowry: cannot write no/folder/x.tar: there is no folder no/folder, make it first
[exit status: 125]
"#,
    );
}

#[test]
fn put_and_get_keep_holes() {
    check(
        r#"
$ truncate -s 1T hollow && cowry -w a.cowry fs put hollow
! created workspace a.cowry
! committed revision 1: put /hollow
$ cowry -w a.cowry fs get /hollow back && stat -c %s back && test $(stat -c %b back) -lt 1000 && echo hollow
1099511627776
hollow
! wrote back
"#,
    );
}

#[test]
fn ls_and_tree() {
    check(
        r#"
$ cowry -w a.cowry run -q -e 'fs.mkdirSync("/d/e", { recursive: true }); fs.writeFileSync("/d/f", "12345", { mode: 0o600 }); fs.symlinkSync("d/f", "/l")'
$ cowry -w a.cowry fs ls
d/
l -> d/f
$ cowry -w a.cowry fs ls -l
drwxr-xr-x  3  1000:1000  0  20…Z  d/
lrwxrwxrwx  1  1000:1000  3  20…Z  l -> d/f
$ cowry -w a.cowry fs ls -l /d/f
-rw-------  1  1000:1000  5  20…Z  f
$ cowry -w a.cowry fs tree
/
├── d/
│   ├── e/
│   └── f
└── l -> d/f

2 directories, 2 files
$ cowry -w a.cowry fs tree --depth 1 | head -3
/
├── d/
└── l -> d/f
"#,
    );
}

#[test]
fn folders_go_in_and_come_out_the_same() {
    Place::new().write("in/a", "1\n").write("in/b/c", "2\n").check(
        r#"
$ chmod 755 in/a && ln -s a in/link && cowry -w a.cowry fs import in /data
! created workspace a.cowry
! committed revision 1: import in into /data
! 2 files, 4 B
$ cowry -w a.cowry fs export /data out
! wrote out: 2 files, 4 B
$ diff -r in out && test -x out/a && readlink out/link
a
"#,
    );
}

#[test]
fn archives_go_in_and_come_out_the_same() {
    Place::new().write("in/a", "1\n").write("in/b/c", "2\n").check(
        r#"
$ tar -C in -cf in.tar . && cowry -w a.cowry fs import in.tar
! created workspace a.cowry
! committed revision 1: import in.tar into /
! 2 files, 4 B
$ mkdir out && cowry -q -w a.cowry fs export / - | tar -C out -xf - && diff -r in out
$ tar -C in -cf - . | cowry -q -w a.cowry fs import - /again && cowry -w a.cowry fs cat /again/b/c
2
$ cowry -q -w a.cowry fs export /again again.tar && tar -tf again.tar | grep -c c
1
"#,
    );
}

#[test]
fn what_is_not_utf8_is_skipped_and_told() {
    check(
        r#"
$ mkdir in && : >"in/$(printf 'bad\377')" && echo 1 >in/good && ln -s "$(printf 'to\377')" in/link
$ cowry -q -w a.cowry fs import in /d
! skipped /bad\xff: its name is not UTF-8
! skipped /link: its target is not UTF-8
[exit status: 1]
$ cowry -w a.cowry fs ls /d
good
$ cowry -w a.cowry fs import in /d --json
{…"skipped":[{"path":"/bad\\xff","reason":"its name is not UTF-8"},{"path":"/link",…}],"skippedCount":2,…}
[exit status: 1]
"#,
    );
}

#[test]
fn a_failed_get_or_export_leaves_what_was_there() {
    let place = Place::new();
    place.run("head -c 400000 /dev/urandom >data && cowry -q -w a.cowry fs put data");
    place.run("echo old >x.tar && echo old >y && chmod 640 y && ln -s y link");
    place.check(
        r#"
$ cowry -w a.cowry fs get /none y
! cowry: ENOENT: no such file or directory, open '/none'
[exit status: 125]
$ cowry -w a.cowry fs export /none x.tar
! cowry: ENOENT: no such file or directory, …
[exit status: 125]
$ sh -c 'ulimit -f 100; trap "" XFSZ; cowry -w a.cowry fs get /data y' 2>&1 | grep -c 'cannot write'
1
$ sh -c 'ulimit -f 100; trap "" XFSZ; cowry -w a.cowry fs export / x.tar' 2>&1 | grep -c 'cannot write'
1
$ cat y x.tar && ls -A
old
old
a.cowry
data
link
x.tar
y
$ cowry -q -w a.cowry fs get /data link && cmp data y && stat -c %a y && readlink link
640
y
$ cowry -w a.cowry fs get /data /dev/stdout | cmp - data
! wrote /dev/stdout
"#,
    );
}
