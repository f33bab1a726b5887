//! The REPL through a pipe: no prompts, a commit at the end if no entry failed.

use crate::console::check;

#[test]
fn entries_share_globals_and_their_values_are_printed() {
    check(
        r#"
$ cowry repl <<'E'
> const a = 20
> let b: number = 22
> a + b
> function f(x) {
>   return { x, list: [1, 2] }
> }
> f('y')
> await Promise.resolve('later')
> console.log('printed')
> import { join } from 'node:path'
> join('/a', 'b')
> E
undefined
undefined
42
undefined
{ x: 'y', list: [ 1, 2 ] }
later
printed
undefined
undefined
/a/b
"#,
    );
}

#[test]
fn piped_input_commits_at_its_end() {
    check(
        r#"
$ echo 'fs.writeFileSync("/a", "1")' | cowry -w a.cowry repl
undefined
! created workspace a.cowry
! committed revision 1: 1 added
$ cowry -w a.cowry fs cat /a
1
"#,
    );
}

#[test]
fn piped_input_commits_nothing_if_an_entry_failed() {
    check(
        r#"
$ printf 'fs.writeFileSync("/a", "1")\nthrow new Error("no")\n2' | cowry -w a.cowry repl
undefined
2
! created workspace a.cowry
! Error: no
…
! an entry failed: 1 path not committed (.commit commits at once)
[exit status: 1]
$ cowry -w a.cowry fs ls
"#,
    );
}

#[test]
fn dot_commands() {
    check(
        r#"
$ cowry -w a.cowry repl <<'E'
> fs.writeFileSync('/a', 'one\n')
> .diff
> .commit the first
> .diff
> fs.writeFileSync('/a', 'two\n')
> .discard
> fs.readFileSync('/a', 'utf8')
> .exit
> unreached
> E
undefined
A /a
--- /dev/null
+++ b/a
@@ -0,0 +1 @@
+one
undefined
one
! created workspace a.cowry
! committed revision 1: 1 added
! no changes
! discarded; globals are lost with it
! 1 line after the exit was not run
$ cowry -w a.cowry log -n 1
1  20…Z  session  …  the first
"#,
    );
}

#[test]
fn what_is_no_command_is_told_and_fails() {
    check(
        r#"
$ printf '.nonsense\n$ ls\n' | cowry repl
! cowry: no command .nonsense: .help lists them
! cowry: bash comes with a later release; write JavaScript
[exit status: 125]
"#,
    );
}

#[test]
fn a_killed_sandbox_loses_the_globals_and_not_the_files() {
    check(
        r#"
$ cowry -w a.cowry repl --cpu 1s --wall 10min <<'E'
> globalThis.kept = 1; fs.writeFileSync('/a', 'x')
> [].indexOf.call({ length: 2 ** 53 - 1 }, 1)
> typeof kept + ' ' + fs.readFileSync('/a', 'utf8')
> .commit
> E
undefined
undefined x
! created workspace a.cowry
! cowry: timed out: it used 1s of processor time; --cpu gives it more
! the sandbox was started anew: globals are lost, files are not
! committed revision 1: 1 added
[exit status: 124]
"#,
    );
}

#[test]
fn a_session_in_scratch_commits_nothing() {
    check(
        r#"
$ printf 'fs.writeFileSync("/a", "1")\n.commit\n' | cowry repl
undefined
! cowry: there is no workspace to commit to: start with -w FILE
[exit status: 125]
"#,
    );
}

#[test]
fn refresh_takes_what_others_have_committed() {
    check(
        r#"
$ cowry -w a.cowry run -q -e 'fs.writeFileSync("/a", "old")'
$ mkfifo in && { cowry -w a.cowry repl < in > out & } && exec 3> in && echo 'fs.readFileSync("/a", "utf8")' >&3 && \
  until grep -qs old out || ! kill -0 $!; do :; done && cowry -w a.cowry run -q -e 'fs.writeFileSync("/a", "new")' && \
  printf 'fs.readFileSync("/a", "utf8")\n.refresh\nfs.readFileSync("/a", "utf8")\n' >&3 && exec 3>&- && wait && cat out
old
old
new
! now on revision 2; globals are lost
"#,
    );
}

#[test]
fn process_exit_ends_the_session_with_its_status() {
    check(
        r#"
$ printf '1\nprocess.exit(3)\n2\n' | cowry repl
1
! 1 line after the exit was not run
[exit status: 3]
"#,
    );
}

#[test]
fn an_await_that_never_ends_fails_the_entry_and_not_the_session() {
    check(
        r#"
$ cowry -w a.cowry repl <<'E'
> fs.writeFileSync('/a', '1'); let release
> await new Promise((resolve) => { release = resolve })
> release('too late'); fs.readFileSync('/a', 'utf8')
> _
> E
undefined
1
1
! created workspace a.cowry
! Warning: Detected unsettled top-level await
! an entry failed: 1 path not committed (.commit commits at once)
[exit status: 1]
"#,
    );
}

#[test]
fn nothing_changed_is_all_there_is_to_tell() {
    check(
        r#"
$ printf '.diff --stat\n.diff --name-only\n' | cowry repl
! no changes
! no changes
"#,
    );
}

#[test]
fn a_mount_that_cannot_be_made_tells_what_to_do() {
    check(
        r#"
$ echo x > file && printf '.mount /h=none\n.mount /h=file\n' | cowry repl
! cowry: cannot mount none at /h: there is no such folder: make it first, or name another
! cowry: cannot mount file at /h: it is no folder: name the folder that it is in
[exit status: 125]
"#,
    );
}

#[test]
fn an_interrupt_ends_the_entry_and_not_the_session() {
    check(
        r#"
$ mkfifo in && { cowry repl < in > out & } && exec 3> in && printf 'let n = 1\nconsole.log("begun"); for (;;);\n' >&3 && \
  until grep -qs begun out || ! kill -0 $!; do :; done && kill -INT $! && echo 'n + 1' >&3 && exec 3>&- && wait $!
! cowry: interrupted
[exit status: 130]
$ cat out
undefined
begun
2
"#,
    );
}

#[test]
fn commands_of_the_command_line_are_those_of_the_session() {
    check(
        r#"
$ cowry -w a.cowry repl <<'E'
> fs.writeFileSync('/a', 'one\n')
> .commit first
> fs.writeFileSync('/a', 'two\n')
> .commit second
> .diff 1 2 --stat
> .log -n 1
> .name 1 old
> .fork b.cowry --rev old
> .restore old
> fs.readFileSync('/a', 'utf8')
> .log -n 1
> E
undefined
undefined
M /a  +1 -1
1 modified; 1 lines added, 1 removed
2  20…Z  session  -  second
one
3  20…Z  restore  -  restore 1
! created workspace a.cowry
! committed revision 1: 1 added
! committed revision 2: 1 modified
! old is revision 1
! forked revision 1 as b.cowry
! committed revision 3: restored from revision 1
! now on revision 3; globals are lost
$ cowry -w b.cowry fs cat /a
one
"#,
    );
}

#[test]
fn restoring_wants_changes_settled_first() {
    check(
        r#"
$ printf 'fs.writeFileSync("/a", "")\n.restore 0\n.discard\n' | cowry -w a.cowry repl
undefined
! created workspace a.cowry
! cowry: there are changes: .commit or .discard them first
! discarded; globals are lost with it
[exit status: 125]
"#,
    );
}

#[test]
fn status_tells_where_the_session_stands() {
    check(
        r#"
$ mkdir data && cowry -w a.cowry repl --mount /data=data <<'E'
> fs.writeFileSync('/a', '')
> .status
> .limits --cpu 5s --memory 64MiB
> .limits
> .mount /more=data:rw
> .mount
> .commit
> E
undefined
workspace  a.cowry
base       revision 0
others     nothing new
changes    1 added
mount      /data from data (ro)
limits     memory 128 MiB, cpu 30s, wall 1m, scratch 1 GiB
memory 64 MiB, cpu 5s, wall 1m, scratch 1 GiB
/data from data (ro)
/more from data (rw)
! created workspace a.cowry
! memory 64 MiB, cpu 5s, wall 1m, scratch 1 GiB; globals are lost
! mounted /more from data (rw); globals are lost
! committed revision 1: 1 added
"#,
    );
}

#[test]
fn a_session_in_scratch_has_no_history() {
    check(
        r#"
$ printf '.log\n' | cowry repl
! cowry: there is no workspace: start with -w FILE
[exit status: 125]
$ printf '.status\n' | cowry repl
workspace  scratch: nothing is kept without -w FILE
changes    no changes
limits     memory 128 MiB, cpu 30s, wall 1m, scratch 1 GiB
"#,
    );
}

#[test]
fn entries_are_loaded_and_saved() {
    check(
        r#"
$ printf 'const a = 20\nconst b =\n  22\n' > entries.ts
$ printf '.load entries.ts\na + b\n.save all.ts\n' | cowry repl && cat all.ts
undefined
undefined
42
const a = 20
const b =
  22
a + b
! saved 3 entries in all.ts
"#,
    );
}

#[test]
fn json_has_what_commands_show_among_the_entries() {
    check(
        r#"
$ printf '1\n.limits\n' | cowry repl --json
{"entries":[{"outcome":…,"logs":[]},{"shown":"memory 128 MiB, cpu 30s, wall 1m, scratch 1 GiB\n"}],"revision":null,"status":0}
"#,
    );
}

#[test]
fn what_an_entry_takes_is_told() {
    check(
        r#"
$ printf '.time 1 + 1\n' | cowry repl
2
! took … wall, … cpu
"#,
    );
}
