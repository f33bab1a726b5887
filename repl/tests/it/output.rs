//! What a run prints where, and the status it leaves.

use crate::console::{Place, check};

#[test]
fn the_result_is_the_last_thing_on_standard_output() {
    check(
        r#"
$ cowry run -e 'console.log("one"); console.error("two"); process.stdout.write("three\n"); 6 * 7'
one
three
42
! two
"#,
    );
}

#[test]
fn text_is_printed_as_it_is_and_other_values_as_json() {
    check(
        r#"
$ cowry run -e '"a \"quoted\" text"'
a "quoted" text
$ cowry run -e '({ a: [1, null, "x"] })'
{"a":[1,null,"x"]}
$ cowry run -e 'undefined'
$ cowry run -e 'null'
null
$ cowry run -e '12n'
! TypeError: The result cannot be written as JSON: …
…
[exit status: 1]
"#,
    );
}

#[test]
fn a_function_is_called_and_a_promise_awaited() {
    check(
        r#"
$ cowry run -e 'async (input) => input.n + 1' --input '{"n": 1}'
2
$ cowry run -e 'await Promise.resolve("later")'
later
"#,
    );
}

#[test]
fn quiet_prints_the_result_alone() {
    check(
        r#"
$ cowry -q -w a.cowry run -e 'console.log("noise"); console.error("noise"); fs.writeFileSync("/a", "1"); "result"'
result
"#,
    );
}

#[test]
fn a_file_of_the_host_is_a_program_with_arguments_and_environment() {
    Place::new()
        .write(
            "job.ts",
            "import { greet } from './lib/greet.ts'\nconst name: string = process.argv[2]\n\
             export default () => greet(name, process.env.MOOD!)\n",
        )
        .write("lib/greet.ts", "export const greet = (name: string, mood: string) => `${mood} ${name}`\n")
        .check(
            r#"
$ cowry run job.ts --env MOOD=hello -- world
hello world
"#,
        );
}

#[test]
fn nothing_of_the_hosts_environment_is_visible() {
    check(
        r#"
$ SECRET=x cowry run -e 'Object.keys(process.env).length'
0
"#,
    );
}

#[test]
fn standard_input_reaches_the_program() {
    check(
        r#"
$ printf 'a\nb\n' | cowry run -e 'fs.readFileSync(0, "utf8").split("\n").length'
3
$ echo '{"n": 4}' | cowry run -e 'input.n' --input -
4
$ echo '[1, 2]' > in.json && cowry run -e 'input.length' --input @in.json
2
"#,
    );
}

#[test]
fn the_programs_own_status_passes_through() {
    check(
        r#"
$ cowry run -e 'process.exit(7)'
[exit status: 7]
$ cowry run -e 'process.exit(0)'
$ cowry run -e 'process.exitCode = 3; "done"'
done
[exit status: 3]
"#,
    );
}

#[test]
fn what_a_program_throws_is_told_with_its_place() {
    Place::new()
        .write("bad.ts", "type A = string\nfunction f(a: A) {\n  throw new Error('no ' + a)\n}\nf('way')\n")
        .check(
            r#"
$ cowry run bad.ts
…
! Error: no way
!     at f (…bad.ts:3:…)
…
[exit status: 1]
"#,
        );
}

#[test]
fn limits_have_their_own_statuses() {
    check(
        r#"
$ cowry run --wall 300ms -e 'await new Promise(done => setTimeout(done, 1e9))'
! cowry: timed out after 300ms; --wall gives it more
[exit status: 124]
$ cowry run --cpu 200ms --wall 10min -e 'for (;;) {}'
! cowry: timed out: it used 200ms of processor time; --cpu gives it more
[exit status: 124]
$ cowry run --memory 32MiB -e 'const all = []; for (;;) all.push("x".repeat(1000) + all.length)'
! cowry: out of memory: its limit is 32 MiB; --memory gives it more
[exit status: 137]
"#,
    );
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    check(
        r#"
$ cowry -w a.cowry run -q -e 'for (let i = 0; i < 2000; i++) fs.writeFileSync("/f" + i, "")'
$ cowry -w a.cowry fs ls | head -1
f0
"#,
    );
}

#[test]
fn a_seed_makes_a_run_repeatable() {
    let place = Place::new();
    let line = "cowry run --seed 7 -e '[Math.random(), crypto.randomUUID()]'";
    let first = place.run(line);
    assert_eq!(first, place.run(line));
    assert!(first.starts_with("[0."), "{first}");
}

#[test]
fn no_escape_sequence_reaches_a_pipe() {
    let place = Place::new();
    for line in
        ["cowry --help", "cowry -w a.cowry run -e 'fs.writeFileSync(\"/a\", \"1\")'", "cowry -w a.cowry diff"]
    {
        let printed = place.run(line);
        assert!(!printed.contains('\x1b'), "{line}: {printed:?}");
    }
}

#[test]
fn every_help_has_an_example() {
    let place = Place::new();
    let commands = [
        "",
        "run",
        "repl",
        "runs",
        "runs show",
        "fs",
        "fs ls",
        "log",
        "diff",
        "restore",
        "name",
        "fork",
        "flatten",
        "prune",
        "gc",
        "check",
        "completions",
    ];
    for command in commands {
        let printed = place.run(&format!("cowry {command} --help"));
        assert!(printed.contains("\nExamples:\n  cowry "), "{command}: {printed}");
        assert!(!printed.contains("[exit status"), "{command}: {printed}");
    }
}

#[test]
fn completions_are_what_their_shell_reads() {
    check(
        r#"
$ cowry completions bash > c.sh && bash -n c.sh && grep -c '^_cowry()' c.sh
1
$ cowry completions zsh | head -1
#compdef cowry
$ cowry completions fish | grep -c 'complete -c cowry' | grep -q '^[1-9]' && echo some
some
"#,
    );
}

#[test]
fn an_interrupt_ends_the_program_and_leaves_a_record() {
    check(
        r#"
$ cowry -w a.cowry run -e 'fs.writeFileSync("/a", ""); console.log("begun"); for (;;);' > out & \
  until grep -qs begun out || ! kill -0 $!; do :; done; kill -INT $!; wait $!
! created workspace a.cowry
! cowry: interrupted
! nothing committed: the run failed; …
[exit status: 130]
$ cowry -w a.cowry runs
…  [eval]  interrupted  not committed (it failed)
"#,
    );
}
