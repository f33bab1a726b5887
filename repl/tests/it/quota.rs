//! How much a workspace may take up.

use crate::console::check;

#[test]
fn a_quota_is_set_shown_and_lifted() {
    check(
        r#"
$ cowry -q -w a.cowry run -e 'fs.writeFileSync("/a", "12345")'
$ cowry -w a.cowry quota
bytes  5 B, no bound
files  2, no bound
$ cowry -w a.cowry quota --bytes 1KiB --files 10
bytes  5 B of 1 KiB
files  2 of 10
$ cowry -w a.cowry quota --files 2
bytes  5 B of 1 KiB
files  2 of 2
$ cowry -w a.cowry quota --json
{"usedBytes":5,"bytes":1024,"usedFiles":2,"files":2}
$ cowry -w a.cowry quota --none
bytes  5 B, no bound
files  2, no bound
"#,
    );
}

#[test]
fn a_run_past_the_quota_commits_nothing_and_says_why() {
    check(
        r#"
$ cowry -q -w a.cowry run -e 'fs.writeFileSync("/a", "1")'
$ cowry -w a.cowry quota --bytes 10B
bytes  1 B of 10 B
files  2, no bound
$ cowry -w a.cowry run -e 'fs.writeFileSync("/b", "x".repeat(10)); 1'
1
! cowry: nothing committed: EDQUOT: disk quota exceeded: the workspace's quota leaves no room; raise it with `cowry quota`; `cowry runs commit …` tries again
[exit status: 125]
$ cowry -w a.cowry fs ls
a
$ cowry -q -w a.cowry quota --bytes 11B
bytes  1 B of 11 B
files  2, no bound
$ cowry -q -w a.cowry runs commit latest
$ cowry -w a.cowry fs ls
a
b
"#,
    );
}
