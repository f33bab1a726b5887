//! Entry after entry in one sandbox, as a REPL does it.

use cowry_runtime::{Event, Job, Limits, Outcome, Program, Sandbox, Show, TimeLimit, Value};
use std::time::Duration;

use crate::support::{Case, plenty, run, sandbox};

pub const CASES: &[Case] = &[
    ("session::declarations_stay_for_later_entries", declarations),
    ("session::an_entry_may_await_and_import", awaits),
    ("session::declarations_may_be_made_again", again),
    ("session::an_object_is_not_taken_for_a_block", objects),
    ("session::types_are_stripped_from_entries_that_need_it", types),
    ("session::errors_name_the_entry_and_the_session_goes_on", errors),
    ("session::a_value_is_rendered_even_if_json_cannot_say_it", rendering),
    ("session::it_stays_in_the_directory_it_went_to", directory),
    ("session::savepoints_end_with_their_entry", savepoints),
    ("session::timers_go_on_during_later_entries", timers),
    ("session::what_nothing_catches_later_is_logged", uncaught),
    ("session::an_await_that_never_ends_fails_its_entry", unsettled),
    ("session::an_interrupted_entry_loses_nothing_of_the_others", interrupted),
    ("session::values_are_shown_as_node_shows_them", shown_as_node_does),
    ("session::long_buffers_are_dumped", buffers),
    ("session::a_value_can_be_shown_as_a_table_or_as_bytes", ways_to_show),
    ("session::the_last_value_and_error_have_names", last_value),
    ("session::members_are_named_without_running_anything", members),
    ("session::members_of_what_is_not_plain", members_of_odd_things),
    ("session::members_are_bounded", members_are_bounded),
    ("session::what_entries_did_to_files_is_undone", undo),
    ("session::an_entry_that_used_up_its_memory_can_be_followed_by_one_that_lets_go", memory),
];

struct Session(Sandbox);

impl Session {
    fn new() -> Session {
        Session(sandbox(plenty()))
    }

    fn enter(&mut self, code: &str) -> (Outcome, Option<Value>, Vec<Event>) {
        let job = Job { render: true, ..Job::new(Program::Entry { code: code.into() }) };
        let done = run(&mut self.0, &job);
        (done.report.result.outcome, done.report.result.value, done.events)
    }

    /// What an inspector shows of the value of an entry that is well.
    fn shows(&mut self, code: &str) -> String {
        match self.enter(code) {
            (Outcome::Completed { exit_code: 0 }, Some(value), _) => {
                value.rendered.expect("it was asked for")
            }
            other => panic!("{code}: {other:?}"),
        }
    }

    /// The same where little time on the wall may be too little on a busy machine: then it is entered again.
    fn in_time(&mut self, code: &str) -> String {
        loop {
            match self.enter(code) {
                (Outcome::TimedOut(TimeLimit::Wall), ..) => {}
                (Outcome::Completed { exit_code: 0 }, Some(value), _) => {
                    return value.rendered.expect("it was asked for");
                }
                other => panic!("{code}: {other:?}"),
            }
        }
    }

    /// The same in another way of showing it.
    fn shows_as(&mut self, show: Show, code: &str) -> String {
        let job = Job { render: true, show, ..Job::new(Program::Entry { code: code.into() }) };
        let value = run(&mut self.0, &job).report.result.value;
        value.and_then(|value| value.rendered).unwrap_or_else(|| panic!("{code} has a value"))
    }

    /// The members of a chain of names that begin with a prefix, parted by spaces.
    fn members(&mut self, path: &[&str], prefix: &str) -> String {
        let path: Vec<String> = path.iter().map(|name| (*name).to_owned()).collect();
        let members = self.0.members(&path, prefix, 1000).expect("the sandbox lives");
        members.iter().map(|member| member.name.as_str()).collect::<Vec<_>>().join(" ")
    }

    fn throws(&mut self, code: &str) -> String {
        match self.enter(code) {
            (Outcome::Threw(thrown), ..) => thrown.text,
            other => panic!("{code}: {other:?}"),
        }
    }
}

fn unsettled() {
    let mut session = Session::new();
    session.shows("let release");
    let text = session.throws("await new Promise((resolve) => { release = resolve })");
    assert_eq!(text, "Warning: Detected unsettled top-level await");
    assert_eq!(session.shows("release(7); 1 + 1"), "2");
    assert_eq!(session.shows("_"), "2");
}

fn declarations() {
    let mut session = Session::new();
    assert_eq!(
        session.shows("let a = 1, { b, c: [d = 4] } = { b: 2, c: [] }; var e = 5; a + b + d + e"),
        "12"
    );
    assert_eq!(
        session.shows("function grow() { return ++a } class Box { get a() { return a } }"),
        "undefined"
    );
    assert_eq!(session.shows("grow() + new Box().a"), "4");
    assert_eq!(session.shows("a = 10; grow()"), "11");
    assert_eq!(
        session.shows("[typeof a, typeof Box, typeof globalThis.grow].join()"),
        "'number,function,function'"
    );
}

fn awaits() {
    let mut session = Session::new();
    assert_eq!(
        session.shows("const n = await Promise.resolve(20); function twice() { return n * 2 } twice()"),
        "40"
    );
    assert_eq!(session.shows("twice() + n"), "60");
    session.shows("import fs, { readFileSync as read } from 'node:fs'; import * as path from 'path'");
    assert_eq!(
        session.shows("fs.writeFileSync('/f', 'x'); read('/f', 'utf8') + path.join('a', 'b')"),
        "'xa/b'"
    );
    assert_eq!(session.shows("for await (const x of [1, 2]) var last = x; last"), "2");
    assert_eq!(session.shows("require('os').EOL.length"), "1");
}

fn again() {
    let mut session = Session::new();
    session.shows("const a = 1");
    session.shows("const a = 2");
    session.shows("class a {}");
    assert_eq!(session.shows("let a = 'three'; a"), "'three'");
}

fn objects() {
    let mut session = Session::new();
    assert_eq!(session.shows("{ x: 1 }"), "{ x: 1 }");
    assert_eq!(session.shows("{ let y = 2; y }"), "2");
    assert_eq!(session.shows("if (true) { 3 }"), "3");
    assert_eq!(session.shows(""), "undefined");
}

fn types() {
    let mut session = Session::new();
    assert_eq!(
        session.shows("interface Shape { side: number } const s: Shape = { side: 3 }; s.side as number"),
        "3"
    );
    assert_eq!(session.shows("enum Kind { A = 4 } const k: Kind = Kind.A; k"), "4");
    assert_eq!(session.shows("Kind.A + s.side"), "7");
}

fn errors() {
    let mut session = Session::new();
    session.shows("const f = () => { throw new RangeError('no') }");
    assert_eq!(session.throws("\n  f()"), "RangeError: no\n    at f (/REPL1:1:25)\n    at /REPL2:2:3");
    assert!(session.throws("let x = ;").starts_with("SyntaxError: "));
    assert_eq!(session.throws("await Promise.reject('text')"), "Uncaught \"text\"");
    assert_eq!(session.throws("throw null"), "Uncaught null");
    assert_eq!(session.shows("1 + 1"), "2");
}

fn rendering() {
    let mut session = Session::new();
    assert_eq!(session.shows("1n"), "1n");
    assert_eq!(session.shows("const o = {}; o.o = o; o"), "<ref *1> { o: [Circular *1] }");
    assert_eq!(session.shows("new Map([[1, { a: Symbol('s') }]])"), "Map(1) { 1 => { a: Symbol(s) } }");
}

fn directory() {
    let mut session = Session::new();
    session.shows("require('fs').mkdirSync('/sub'); process.chdir('/sub')");
    assert_eq!(session.shows("process.cwd()"), "'/sub'");
}

fn savepoints() {
    let mut session = Session::new();
    session.shows(
        "import { savepoint } from 'cowry:fs'; const first = savepoint(); fs.writeFileSync('/a', '1')",
    );
    session.shows("const second = savepoint(); fs.writeFileSync('/b', '2')");
    assert!(session.throws("first.rollback()").contains("EINVAL"));
    assert!(session.throws("second.rollback()").contains("EINVAL"));
    session.shows("{ const third = savepoint(); fs.rmSync('/a'); third.rollback() }");
    assert_eq!(session.shows("fs.readdirSync('/').join()"), "'a,b,tmp'");
}

fn timers() {
    let mut session = Session::new();
    // However late it fires, it has to fire again during the second entry for that to end.
    session.shows("let fired = 0; const ticking = setInterval(() => console.log('fired', ++fired), 1); 1");
    let (outcome, _, events) = session.enter(
        "const before = fired;
        while (fired < before + 2) await new Promise((resolve) => setTimeout(resolve, 1));
        clearInterval(ticking)",
    );
    assert!(outcome.is_success(), "{outcome:?}");
    let fired = events
        .iter()
        .filter(|event| matches!(event, Event::Console { text, .. } if text.starts_with("fired ")));
    assert!(fired.count() >= 2, "{events:?}");
}

fn uncaught() {
    let mut session = Session::new();
    // It throws once the second entry has said so, and not before, whenever the timer fires.
    session.shows(
        "let may = false, did = false;
        const waiting = setInterval(() => {
            if (!may) return;
            clearInterval(waiting);
            did = true;
            throw new Error('late');
        }, 1); 1",
    );
    let (outcome, _, events) =
        session.enter("may = true; while (!did) await new Promise((resolve) => setTimeout(resolve, 1));");
    assert!(outcome.is_success(), "{outcome:?}");
    assert!(
        matches!(events.as_slice(), [Event::Console { text, .. }] if text.starts_with("Uncaught Error: late"))
    );
}

fn interrupted() {
    let second = Duration::from_secs(1);
    let busy = Limits { cpu: second, ..plenty() };
    let mut session = Session(sandbox(busy));
    session.shows("var kept = 1");
    for code in ["while (true) {}", "for (;;) await 0"] {
        assert_eq!(session.enter(code).0, Outcome::TimedOut(TimeLimit::Cpu), "{code}");
        assert_eq!(session.shows("kept"), "1");
    }
    let waiting = Limits { wall: second, ..plenty() };
    let mut session = Session(sandbox(waiting));
    session.in_time("globalThis.kept = 1");
    let code = "await new Promise((resolve) => setTimeout(resolve, 1e8))";
    assert_eq!(session.enter(code).0, Outcome::TimedOut(TimeLimit::Wall));
    assert_eq!(session.in_time("kept"), "1");
}

fn memory() {
    let mut session = Session::new();
    let (outcome, ..) =
        session.enter("var hoard = []; while (true) hoard.push(new Array(1000).fill(hoard.length))");
    assert_eq!(outcome, Outcome::OutOfMemory);
    // An engine without memory may trip over it, which ends the sandbox and is the same outcome.
    if session.0.is_alive() {
        assert_eq!(session.shows("hoard = null; 'free'"), "'free'");
    }
}

/// Each value beside what Node 22 prints for it.
const AS_NODE: &[(&str, &str)] = &[
    ("'text'", "'text'"),
    ("\"it's\"", "\"it's\""),
    ("[1, 'a', null, undefined]", "[ 1, 'a', null, undefined ]"),
    ("[, 1, , ,]", "[ <1 empty item>, 1, <2 empty items> ]"),
    ("({ a: { b: { c: { d: 1 } } } })", "{ a: { b: { c: [Object] } } }"),
    ("new Map([['k', { v: 1 }]])", "Map(1) { 'k' => { v: 1 } }"),
    ("new Set([1, 'a'])", "Set(2) { 1, 'a' }"),
    ("new Date(0)", "1970-01-01T00:00:00.000Z"),
    ("(class A extends Array {})", "[class A extends Array]"),
    ("new (class Point { constructor() { this.x = 1 } })()", "Point { x: 1 }"),
    ("({ get a() { return 1 }, set a(v) {}, get b() { return 1 } })", "{ a: [Getter/Setter], b: [Getter] }"),
    ("(() => { const o = {}; o.o = o; return o })()", "<ref *1> { o: [Circular *1] }"),
    ("function named() {}; named", "[Function: named]"),
    ("Object.create(null)", "[Object: null prototype] {}"),
    ("/a+/gi", "/a+/gi"),
    ("Symbol('s')", "Symbol(s)"),
    ("-0", "-0"),
    ("10n", "10n"),
    ("new Uint8Array([1, 2])", "Uint8Array(2) [ 1, 2 ]"),
    ("Promise.resolve(1) && { p: Promise.resolve(1) }", "{ p: Promise { 1 } }"),
];

fn shown_as_node_does() {
    let mut session = Session::new();
    let wrong: Vec<String> = AS_NODE
        .iter()
        .map(|(code, expected)| (code, *expected, session.shows(code)))
        .filter(|(_, expected, shown)| expected != shown)
        .map(|(code, expected, shown)| format!("{code}\n  node: {expected}\n  here: {shown}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn buffers() {
    let mut session = Session::new();
    assert_eq!(
        session.shows("new TextEncoder().encode('0123456789'.repeat(4))"),
        "Uint8Array(40)\n\
         00000000  30 31 32 33 34 35 36 37  38 39 30 31 32 33 34 35  |0123456789012345|\n\
         00000010  36 37 38 39 30 31 32 33  34 35 36 37 38 39 30 31  |6789012345678901|\n\
         00000020  32 33 34 35 36 37 38 39                           |23456789|"
    );
    let long = session.shows("new Uint8Array(1000)");
    assert!(
        long.starts_with("Uint8Array(1000)\n00000000  00") && long.ends_with("\n... 744 more bytes"),
        "{long}"
    );
}

fn ways_to_show() {
    let mut session = Session::new();
    let table = session.shows_as(Show::Table, "[{ a: 1, b: 'x' }, { a: 2 }]");
    for part in ["(idx)", "a", "b", "1", "2", "x"] {
        assert!(table.contains(part), "{table}");
    }
    assert_eq!(session.shows("_[1].a"), "2");
    assert_eq!(
        session.shows_as(Show::Bytes, "'é\\n'"),
        "00000000  c3 a9 0a                                          |...|"
    );
    assert_eq!(session.shows_as(Show::Bytes, "1"), "1");
    assert_eq!(session.shows_as(Show::Coloured, "1"), "\u{1b}[33m1\u{1b}[39m");
}

fn last_value() {
    let mut session = Session::new();
    session.shows("6 * 7");
    assert_eq!(session.shows("_ + 1"), "43");
    session.throws("throw new RangeError('no')");
    assert_eq!(session.shows("_error.message"), "'no'");
    session.shows("const _ = { mine: true }");
    session.shows("5");
    assert_eq!(session.shows("_.mine"), "true");
}

fn members() {
    let mut session = Session::new();
    assert_eq!(session.members(&[], "JSO"), "JSON");
    assert!(session.members(&["fs"], "readF").contains("readFileSync"), "before the first entry, too");
    session.shows(
        "let calls = 0; class Base { above() {} }
         class Box extends Base { own = 1; get trap() { calls++; return { deep: 1 } } do() {} }
         const box = new Box(), nested = { box, 'not-a-name': 1, get thrower() { calls++; throw 1 } }; 0",
    );
    assert_eq!(session.members(&[], "neste"), "nested");
    assert_eq!(session.members(&["nested"], ""), {
        let plain = session.members(&["Object", "prototype"], "");
        let mut all: Vec<&str> = plain.split(' ').chain(["box", "thrower"]).collect();
        all.sort_unstable();
        all.join(" ")
    });
    assert_eq!(session.members(&["nested", "box"], "d"), "do");
    assert_eq!(session.members(&["box"], "ab"), "above");
    assert!(session.members(&["box"], "t").contains("trap"));
    assert_eq!(session.members(&["box", "trap"], ""), "");
    assert_eq!(session.shows("calls"), "0");
    assert!(session.members(&["nothing", "here"], "").is_empty());
}

fn members_of_odd_things() {
    let mut session = Session::new();
    session.shows(
        "let calls = 0;
         const trap = { get() { calls++ }, ownKeys() { calls++; return [] },
           getOwnPropertyDescriptor() { calls++ }, getPrototypeOf() { calls++; return null } };
         const proxy = new Proxy({ a: 1 }, trap), below = Object.create(proxy), text = 'abc', none = null;
         Object.prototype.toJSON = () => { calls++ }; Array.prototype.push = () => { calls++ }; 0",
    );
    assert_eq!(session.members(&["proxy"], ""), "");
    assert_eq!(session.members(&["below"], ""), "");
    assert_eq!(session.members(&["none"], ""), "");
    assert!(session.members(&["text"], "starts").contains("startsWith"));
    assert_eq!(session.shows("calls"), "0");
}

fn members_are_bounded() {
    let mut session = Session::new();
    session.shows("const many = {}; for (let i = 0; i < 3000; i++) many['k' + i] = i; 0");
    assert_eq!(session.0.members(&["many".into()], "k", 10).expect("the sandbox lives").len(), 10);
    session.shows("const long = new Array(1e6).fill(0), bytes = new Uint8Array(1e6); 0");
    assert!(session.members(&["long"], "fi").contains("filter"));
    assert!(session.members(&["bytes"], "by").contains("byteLength"));
    let deep = vec!["a".to_owned(); 1000];
    assert!(session.0.members(&deep, "", 10).expect("the sandbox lives").is_empty());
}

fn undo() {
    let mut session = Session::new();
    session.shows("fs.writeFileSync('/a', '1'); fs.mkdirSync('/d'); 0");
    session.shows("fs.writeFileSync('/a', '22'); fs.writeFileSync('/d/new', 'x'); fs.rmSync('/tmp', { recursive: true }); 0");
    session.shows("globalThis.kept = 1");
    assert!(session.0.undo(2).expect("the sandbox lives"), "it is remembered");
    assert_eq!(session.shows("fs.readFileSync('/a', 'utf8') + fs.readdirSync('/') + kept"), "'1a,d,tmp1'");
    session.shows("fs.appendFileSync('/a', '3'); 0");
    let mirror = session.0.overlays()[0].as_ref().expect("it can be written");
    let changes = mirror.changes().expect("changes");
    let paths: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(paths, ["/a", "/d", "/tmp"]);
    assert!(session.0.undo(3).expect("the sandbox lives"), "it is remembered");
    assert_eq!(session.shows("fs.readdirSync('/').join()"), "'tmp'");
    assert!(!session.0.undo(9).expect("the sandbox lives"), "there were not so many");
    assert!(!session.0.undo(0).expect("the sandbox lives"));
}
