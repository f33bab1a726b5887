//! Entry after entry in one sandbox, as a REPL does it.

use cowry_runtime::{Event, Job, Limits, Outcome, Program, Sandbox, TimeLimit, Value};
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
    ("session::an_interrupted_entry_loses_nothing_of_the_others", interrupted),
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

    fn throws(&mut self, code: &str) -> String {
        match self.enter(code) {
            (Outcome::Threw(thrown), ..) => thrown.text,
            other => panic!("{code}: {other:?}"),
        }
    }
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
        "\"number,function,function\""
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
        "\"xa/b\""
    );
    assert_eq!(session.shows("for await (const x of [1, 2]) var last = x; last"), "2");
    assert_eq!(session.shows("require('os').EOL.length"), "1");
}

fn again() {
    let mut session = Session::new();
    session.shows("const a = 1");
    session.shows("const a = 2");
    session.shows("class a {}");
    assert_eq!(session.shows("let a = 'three'; a"), "\"three\"");
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
    assert_eq!(session.shows("process.cwd()"), "\"/sub\"");
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
    assert_eq!(session.shows("fs.readdirSync('/').join()"), "\"a,b,tmp\"");
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
        assert_eq!(session.shows("hoard = null; 'free'"), "\"free\"");
    }
}
