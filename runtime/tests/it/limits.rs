//! Whatever a program does to its time and memory ends its own run, with the right outcome.

use std::time::Duration;

use cowry_runtime::{Event, Job, Limits, Outcome, TimeLimit};

use crate::support::{Case, Done, eval, eval_within, plenty, run, sandbox};

pub const CASES: &[Case] = &[
    ("limits::an_endless_loop_times_out", || timed_out(TimeLimit::Cpu, "while (true) {}")),
    ("limits::a_native_hang_times_out", || {
        timed_out(TimeLimit::Cpu, "[].indexOf.call({ length: 2 ** 53 - 1 }, 1)")
    }),
    ("limits::a_backtracking_pattern_times_out", || {
        timed_out(TimeLimit::Cpu, "/^(a+)+$/.test('a'.repeat(64) + 'b')")
    }),
    ("limits::waiting_too_long_times_out", || {
        timed_out(TimeLimit::Wall, "await new Promise((done) => setTimeout(done, 1e9))")
    }),
    ("limits::swallowing_the_interrupt_does_not_help", || {
        timed_out(TimeLimit::Cpu, "for (;;) { try { for (;;); } catch {} finally { continue; } }")
    }),
    ("limits::arrays_without_end_run_out_of_memory", || {
        out_of_memory("const all = []; for (;;) all.push(new Array(1000).fill(1))")
    }),
    ("limits::strings_without_end_run_out_of_memory", || {
        out_of_memory("const all = []; for (let n = 0; ; n++) all.push(('x' + n).repeat(1e6).toUpperCase())")
    }),
    ("limits::buffers_without_end_run_out_of_memory", || {
        out_of_memory("const all = []; for (;;) all.push(new Uint8Array(1 << 20).fill(1))")
    }),
    ("limits::one_huge_buffer_is_refused", huge_buffer),
    ("limits::deep_recursion_throws", deep_recursion),
    ("limits::a_flood_of_logs_is_counted_not_fatal", log_flood),
    ("limits::a_flood_of_empty_logs_has_an_end", empty_logs),
    ("limits::a_result_past_its_bound_throws", long_result),
    ("limits::writing_past_the_scratch_is_edquot", scratch),
    ("limits::scratch_past_memory_spills", spill),
    ("limits::files_past_their_number_are_edquot", many_files),
    ("limits::an_interrupt_ends_the_job_and_not_the_sandbox", interrupt),
    ("limits::an_interrupt_between_jobs_is_for_none_of_them", late_interrupt),
    ("limits::an_interrupted_native_hang_ends_the_sandbox", interrupted_hang),
    ("limits::a_time_limit_is_per_job", per_job),
    ("limits::a_neighbour_finishes", neighbour),
    ("limits::usage_tells_what_a_job_took", usage),
];

/// Little time on the clock that is to run out, and plenty on the other: machines are busy.
fn little(limit: TimeLimit) -> Limits {
    let little = Duration::from_millis(300);
    match limit {
        TimeLimit::Cpu => Limits { cpu: little, ..plenty() },
        TimeLimit::Wall => Limits { wall: little, ..plenty() },
    }
}

fn timed_out(limit: TimeLimit, code: &str) {
    assert_eq!(*eval_within(little(limit), code).outcome(), Outcome::TimedOut(limit));
}

fn out_of_memory(code: &str) {
    let limits = Limits { memory_bytes: 48 << 20, ..plenty() };
    assert_eq!(*eval_within(limits, code).outcome(), Outcome::OutOfMemory);
}

/// The name of what was thrown.
fn thrown(done: &Done) -> &str {
    match done.outcome() {
        Outcome::Threw(thrown) => &thrown.name,
        other => panic!("expected an exception, got {other:?}"),
    }
}

/// An engine may refuse it as a length it cannot have, or as memory there is not.
fn huge_buffer() {
    let done = eval("(() => { try { new ArrayBuffer(1e12) } catch (error) { return error.name } })()");
    if *done.outcome() != Outcome::OutOfMemory {
        assert_eq!(done.json(), "\"RangeError\"");
    }
}

fn deep_recursion() {
    let done = eval(
        "const deeper = () => deeper() + 1;
        (() => { try { deeper() } catch (error) { return error.name } })()",
    );
    let name = done.json();
    assert!(name.contains("RangeError") || name.contains("InternalError"), "{name}");
}

fn text_of(events: &[Event]) -> usize {
    let text = |event: &Event| match event {
        Event::Console { text, .. } => text.len(),
        Event::Stdout(bytes) | Event::Stderr(bytes) => bytes.len(),
        Event::LogsDropped { .. } => 0,
    };
    events.iter().map(text).sum()
}

fn log_flood() {
    let limits = Limits { log_bytes: 64 << 10, ..plenty() };
    let done =
        eval_within(limits, "for (let n = 0; n < 20_000; n++) console.log('0123456789'.repeat(5)); 'end'");
    assert_eq!(done.json(), "\"end\"");
    assert!(text_of(&done.events) <= 64 << 10);
    let Some(Event::LogsDropped { bytes }) = done.events.last() else { panic!("{:?}", done.events.last()) };
    assert!(*bytes > 20_000 * 50 - (64 << 10));
    assert_eq!(done.events.iter().filter(|e| matches!(e, Event::LogsDropped { .. })).count(), 1);
}

fn empty_logs() {
    let limits = Limits { log_bytes: 16 << 10, ..plenty() };
    let done = eval_within(limits, "for (let n = 0; n < 5_000; n++) console.log(''); 'end'");
    assert_eq!(done.json(), "\"end\"");
    assert!(done.events.len() < 2_000, "{} events", done.events.len());
}

fn long_result() {
    let limits = Limits { result_bytes: 1 << 20, ..plenty() };
    let mut sandbox = sandbox(limits);
    assert_eq!(thrown(&run(&mut sandbox, &Job::expression("'x'.repeat(2 << 20)"))), "RangeError");
    assert_eq!(run(&mut sandbox, &Job::expression("'still here'")).json(), "\"still here\"");
}

fn scratch() {
    let limits = Limits { scratch_memory_bytes: 1 << 20, scratch_bytes: 4 << 20, ..plenty() };
    let code = "const fs = require('fs');
        const chunk = new Uint8Array(1 << 18);
        let code; let wrote = 0;
        try { for (;;) { fs.appendFileSync('/big', chunk); wrote += chunk.length } } catch (error) { code = error.code }
        [code, wrote <= 4 << 20, wrote > 3 << 20]";
    assert_eq!(eval_within(limits, code).json(), "[\"EDQUOT\",true,true]");
}

fn spill() {
    let limits = Limits { scratch_memory_bytes: 1 << 20, scratch_bytes: 64 << 20, ..plenty() };
    let code = "const fs = require('fs');
        for (let n = 0; n < 32; n++) fs.appendFileSync('/big', new Uint8Array(1 << 20).fill(n));
        const big = fs.readFileSync('/big');
        [big.length, big[0], big[(5 << 20) + 7], big[big.length - 1]]";
    let mut sandbox = sandbox(limits);
    let done = run(&mut sandbox, &Job::expression(code));
    assert_eq!(done.json(), format!("[{},0,5,31]", 32 << 20));
    let overlay = sandbox.overlays()[0].as_ref().expect("the mount is writable");
    assert!(overlay.usage().spilled_bytes > 20 << 20, "{:?}", overlay.usage());
}

fn many_files() {
    let limits = Limits { files: 500, ..plenty() };
    let code = "const fs = require('fs');
        let made = 0; let code;
        try { for (;;) { fs.writeFileSync(`/f${made}`, ''); made++ } } catch (error) { code = error.code }
        [code, made > 400, made <= 500]";
    assert_eq!(eval_within(limits, code).json(), "[\"EDQUOT\",true,true]");
}

/// Runs code that says "go" and hangs, and interrupts it then.
fn interrupted(code: &str) -> (Done, cowry_runtime::Sandbox) {
    let mut sandbox = sandbox(plenty());
    let interrupter = sandbox.interrupter();
    let mut events = Vec::new();
    let report = sandbox.run(&Job::expression(format!("console.log('go'); {code}")), &mut |event| {
        events.push(event);
        interrupter.interrupt();
    });
    (Done { report: report.expect("the sandbox takes a job"), events }, sandbox)
}

fn interrupt() {
    for code in ["for (;;);", "await new Promise((done) => setTimeout(done, 1e9))"] {
        let (done, mut sandbox) = interrupted(code);
        assert_eq!(*done.outcome(), Outcome::Interrupted, "{code}");
        assert_eq!(run(&mut sandbox, &Job::expression("6 * 7")).json(), "42");
    }
}

fn late_interrupt() {
    let mut sandbox = sandbox(plenty());
    for n in 0..20 {
        sandbox.interrupter().interrupt();
        assert_eq!(run(&mut sandbox, &Job::expression(n.to_string())).json(), n.to_string());
    }
}

fn interrupted_hang() {
    let (done, mut sandbox) = interrupted("[].indexOf.call({ length: 2 ** 53 - 1 }, 1)");
    assert!(matches!(done.outcome(), Outcome::Killed { .. }), "{:?}", done.outcome());
    assert!(!sandbox.is_alive());
    assert!(sandbox.run(&Job::expression("1"), &mut |_| ()).is_err());
}

fn per_job() {
    let limits = Limits { cpu: Duration::from_secs(2), ..plenty() };
    let mut sandbox = sandbox(limits);
    // On the wall, so that on a busy machine it is less of a processor and never more.
    let busy =
        Job::expression("const end = performance.now() + 500; while (performance.now() < end); 'done'");
    for _ in 0..5 {
        assert_eq!(run(&mut sandbox, &busy).json(), "\"done\"");
    }
}

fn neighbour() {
    let bombs = ["while (true) {}", "const all = []; for (;;) all.push(new Array(1000).fill(1))"];
    std::thread::scope(|scope| {
        for bomb in bombs {
            scope.spawn(move || {
                eval_within(Limits { memory_bytes: 64 << 20, ..little(TimeLimit::Cpu) }, bomb)
            });
        }
        for n in 0..20 {
            assert_eq!(eval(&format!("[...Array({n}).keys()].length")).json(), n.to_string());
        }
    });
}

fn usage() {
    let done = eval("let sum = 0; for (let n = 0; n < 1e6; n++) sum += n; console.log('hello')");
    let usage = done.report.usage;
    assert!(usage.cpu > Duration::from_millis(1) && usage.cpu < Limits::default().cpu, "{usage:?}");
    assert!(usage.wall >= usage.cpu / 2, "{usage:?}");
    assert!(usage.peak_memory_bytes > 1 << 20 && usage.heap_bytes > 0, "{usage:?}");
    assert!(usage.log_bytes >= 5, "{usage:?}");
    let killed =
        eval_within(little(TimeLimit::Cpu), "[].indexOf.call({ length: 2 ** 53 - 1 }, 1)").report.usage;
    assert!(killed.cpu >= Duration::from_millis(250) && killed.peak_memory_bytes > 0, "{killed:?}");
}
