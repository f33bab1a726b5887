//! Watching a workspace from another process.

use crate::console::check;

#[test]
fn revisions_are_told_one_line_each() {
    check(
        r#"
$ cowry -q -w a.cowry run -m first -e 'fs.writeFileSync("/a", "1")'
$ cowry -q -w a.cowry run -m second -e 'fs.writeFileSync("/a", "2")'
$ cowry -w a.cowry watch --since 0 -n 2
1  …  run  …  first
2  …  run  …  second
$ cowry -w a.cowry watch --json --since latest~1 -n 1
{"revision":2,…"message":"second"}
$ cowry -w a.cowry watch --since 7
! cowry: there is no revision 7: the latest is 2
[exit status: 125]
"#,
    );
}

#[test]
fn revisions_of_another_process_are_waited_for() {
    check(
        r#"
$ cowry -q -w a.cowry run -e 'fs.writeFileSync("/a", "1")'
$ timeout 600 cowry -w a.cowry watch --since 1 -n 2 > told & watching=$!; \
  cowry -q -w a.cowry run -m one -e 'fs.writeFileSync("/a", "2")' && \
  cowry -q -w a.cowry run -m two -e 'fs.writeFileSync("/a", "3")' && wait $watching || kill $watching; cat told
2  …  run  …  one
3  …  run  …  two
"#,
    );
}
