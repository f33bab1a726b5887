//! Running a job: begin it, turn the event loop, say how it ended.

use std::future::poll_fn;
use std::task::Poll;

use deno_core::{PollEventLoopOptions, serde_v8, v8};
use serde::Serialize;

use super::{Isolate, boot};
use crate::engine;
use crate::host::Host;
use crate::job::{
    Event, Interrupt, Job, JobResult, Outcome, Program, Request, Show, SourceKind, Thrown, Value,
};
use crate::ops::job::Progress;
use crate::ops::{Queries, Replacements, Savepoints};

/// Node's exit code for a program whose top-level await never ended.
const UNSETTLED: i32 = 13;
/// What Node says of it.
const UNSETTLED_WARNING: &str = "Warning: Detected unsettled top-level await";

/// A job as the bootstrap reads it.
#[derive(Serialize)]
struct JsJob<'a> {
    kind: &'static str,
    name: &'a str,
    code: &'a str,
    input: Option<&'a str>,
    args: &'a [String],
    env: &'a [(String, String)],
    render: bool,
    show: &'static str,
    request: Option<&'a Request>,
}

/// Why the event loop was left.
enum Left {
    /// Nothing is left to do.
    Idle,
    /// The job has said all it has to say.
    Over,
    /// The code was terminated from outside, or by its own memory.
    Terminated,
}

pub(super) fn run(isolate: &mut Isolate, rt: &tokio::runtime::Runtime, job: &Job) -> JobResult {
    prepare(isolate, job);
    let is_entry = matches!(job.program, Program::Entry { .. });
    let left = rt.block_on(async {
        start(isolate, job);
        let mut left = turn(isolate, is_entry).await;
        if matches!(left, Left::Idle) && !is_entry && settled(isolate) {
            // Listeners of `beforeExit` may have begun something new.
            boot::call(&mut isolate.js, &isolate.hooks.before_exit);
            left = turn(isolate, false).await;
        }
        left
    });
    let (left, exit_code) = leave(isolate, left, is_entry);
    finish(isolate, &left, exit_code, is_entry)
}

pub(super) fn members(isolate: &mut Isolate, path: &[String], prefix: &str, most: u32) -> JobResult {
    isolate.interrupts.take();
    isolate.js.v8_isolate().cancel_terminate_execution();
    let text = names(isolate, path, prefix, most);
    if stopped(isolate) {
        let interrupt = isolate.interrupts.take();
        isolate.js.v8_isolate().cancel_terminate_execution();
        return terminated(isolate, interrupt).into();
    }
    let value = Value { text, ..Value::default() };
    JobResult { outcome: Outcome::Completed { exit_code: 0 }, value: Some(value) }
}

pub(super) fn cwd(isolate: &mut Isolate) -> JobResult {
    let state = isolate.js.op_state();
    let text = state.borrow().borrow::<Host>().vfs.cwd().to_string();
    let value = Value { text: Some(text), ..Value::default() };
    JobResult { outcome: Outcome::Completed { exit_code: 0 }, value: Some(value) }
}

/// What the hook answers; `None` if it did not come to that.
fn names(isolate: &mut Isolate, path: &[String], prefix: &str, most: u32) -> Option<String> {
    let js = &mut isolate.js;
    deno_core::scope!(scope, js);
    v8::tc_scope!(let scope, scope);
    let path = serde_v8::to_v8(scope, path).ok()?;
    let prefix = serde_v8::to_v8(scope, prefix).ok()?;
    let most = serde_v8::to_v8(scope, most).ok()?;
    let hook = v8::Local::new(scope, &isolate.hooks.members);
    let this = v8::undefined(scope).into();
    let answer = hook.call(scope, this, &[path, prefix, most])?;
    Some(answer.to_rust_string_lossy(scope))
}

fn prepare(isolate: &mut Isolate, job: &Job) {
    // What was meant for an earlier job came too late.
    isolate.interrupts.take();
    isolate.js.v8_isolate().cancel_terminate_execution();
    let state = isolate.js.op_state();
    let mut state = state.borrow_mut();
    let host = state.borrow_mut::<Host>();
    // A session goes where its entries went; it begins where the first one is to run.
    let stays = std::mem::replace(&mut isolate.entered, matches!(job.program, Program::Entry { .. }));
    if !(stays && isolate.entered)
        && let Ok(vfs) = host.vfs.with_cwd(&job.cwd)
    {
        host.vfs = vfs;
    }
    isolate.loader.begin_job(host.vfs.cwd());
    state.borrow_mut::<Savepoints>().begin_job();
    state.borrow_mut::<Queries>().begin_job();
    state.put(Progress { stdin: job.stdin.clone(), ..Progress::default() });
}

/// Calls the bootstrap's `start`, which never throws: it reports through operations.
fn start(isolate: &mut Isolate, job: &Job) {
    let (kind, name, code) = match &job.program {
        Program::File { path } => ("file", path.as_str(), ""),
        Program::Source { name, code, kind: SourceKind::Module } => ("module", name.as_str(), code.as_str()),
        Program::Source { name, code, kind: SourceKind::CommonJs } => {
            ("commonjs", name.as_str(), code.as_str())
        }
        Program::Source { name, code, kind: SourceKind::Expression } => {
            ("expression", name.as_str(), code.as_str())
        }
        Program::Entry { code } => ("entry", "", code.as_str()),
    };
    let job = JsJob {
        kind,
        name,
        code,
        input: job.input.as_deref(),
        args: &job.args,
        env: &job.env,
        render: job.render,
        show: match job.show {
            Show::Plain => "plain",
            Show::Coloured => "coloured",
            Show::Table => "table",
            Show::Bytes => "bytes",
        },
        request: job.request.as_ref(),
    };
    let js = &mut isolate.js;
    deno_core::scope!(scope, js);
    v8::tc_scope!(let scope, scope);
    let Ok(job) = serde_v8::to_v8(scope, job) else { return };
    let hook = v8::Local::new(scope, &isolate.hooks.start);
    let this = v8::undefined(scope).into();
    hook.call(scope, this, &[job]);
}

/// Turns the event loop until nothing is left, the job is over, or the code was terminated. An entry is over as
/// soon as its value is known; its timers go on with the next one.
async fn turn(isolate: &mut Isolate, is_entry: bool) -> Left {
    poll_fn(|cx| {
        isolate.interrupts.waker.register(cx.waker());
        loop {
            if over(isolate) {
                return Poll::Ready(Left::Over);
            }
            if stopped(isolate) {
                return Poll::Ready(Left::Terminated);
            }
            if is_entry && settled(isolate) {
                return Poll::Ready(Left::Over);
            }
            match isolate.js.poll_event_loop(cx, PollEventLoopOptions::default()) {
                Poll::Pending if over(isolate) || (is_entry && settled(isolate)) => {}
                Poll::Pending if stopped(isolate) => {}
                Poll::Pending => return Poll::Pending,
                Poll::Ready(_) if over(isolate) => {}
                Poll::Ready(_) if stopped(isolate) => {}
                // Errors reach the job through its own hooks. One that is left here is the engine's complaint
                // about an await that nothing can end.
                Poll::Ready(_) => return Poll::Ready(Left::Idle),
            }
        }
    })
    .await
}

fn stopped(isolate: &mut Isolate) -> bool {
    isolate.interrupts.is_raised() || isolate.js.v8_isolate().is_execution_terminating()
}

fn over(isolate: &mut Isolate) -> bool {
    isolate.js.op_state().borrow().borrow::<Progress>().is_over()
}

fn settled(isolate: &mut Isolate) -> bool {
    isolate.js.op_state().borrow().borrow::<Progress>().settled
}

/// Lets listeners of `exit` run, whatever the job came to, and reads `process.exitCode`.
fn leave(isolate: &mut Isolate, left: Left, is_entry: bool) -> (Left, i32) {
    if is_entry || matches!(left, Left::Terminated) {
        return (left, 0);
    }
    isolate.js.v8_isolate().cancel_terminate_execution();
    let answer = boot::call(&mut isolate.js, &isolate.hooks.exit);
    if stopped(isolate) && !over(isolate) || isolate.interrupts.is_raised() {
        return (Left::Terminated, 0);
    }
    let Some(answer) = answer else { return (left, 1) };
    deno_core::scope!(scope, &mut isolate.js);
    let answer = v8::Local::new(scope, answer);
    (left, answer.int32_value(scope).unwrap_or(1))
}

fn finish(isolate: &mut Isolate, left: &Left, exit_code: i32, is_entry: bool) -> JobResult {
    let interrupt = isolate.interrupts.take();
    isolate.js.v8_isolate().cancel_terminate_execution();
    // A session may still write what it began, unless it was cut off in the middle of it.
    if !is_entry || matches!(left, Left::Terminated) {
        isolate.js.op_state().borrow_mut().borrow_mut::<Replacements>().end_job();
    }
    if matches!(left, Left::Terminated) {
        if interrupt.is_some() && !is_entry {
            end_timers(isolate);
        }
        return terminated(isolate, interrupt).into();
    }
    let state = isolate.js.op_state();
    let mut state = state.borrow_mut();
    let progress = std::mem::take(state.borrow_mut::<Progress>());
    if let Some(thrown) = progress.thrown {
        return Outcome::Threw(thrown).into();
    }
    if let Some(message) = progress.misused {
        return Outcome::Misused { message }.into();
    }
    if !progress.settled && progress.exit.is_none() {
        if is_entry {
            return unsettled_entry().into();
        }
        let warning = format!("{UNSETTLED_WARNING}\n");
        (state.borrow::<Host>().emit)(Event::Stderr(warning.into()));
        return Outcome::Completed { exit_code: UNSETTLED }.into();
    }
    let exit_code = progress.exit.unwrap_or(exit_code);
    JobResult { outcome: Outcome::Completed { exit_code }, value: progress.value }
}

/// An entry that waits for what nothing can bring any more has failed. It has not asked to end its session, as one that
/// completes without a value has.
fn unsettled_entry() -> Outcome {
    let text = UNSETTLED_WARNING.to_owned();
    Outcome::Threw(Thrown { message: text.clone(), text, ..Thrown::default() })
}

/// Ends the timers of a job that was cut off: the next job is not to wait for them. A session's go on, and no entry
/// waits for those.
fn end_timers(isolate: &mut Isolate) {
    // The thread that interrupts says so first and stops the engine then, which may be now; once is all it does.
    for _ in 0..2 {
        if boot::call(&mut isolate.js, &isolate.hooks.end_timers).is_some() {
            return;
        }
        isolate.js.v8_isolate().cancel_terminate_execution();
    }
}

fn terminated(isolate: &mut Isolate, interrupt: Option<Interrupt>) -> Outcome {
    match interrupt {
        Some(Interrupt::Time(limit)) => Outcome::TimedOut(limit),
        Some(Interrupt::Requested) => Outcome::Interrupted,
        // Only the heap's limit terminates without a reason. It was raised to make room for unwinding.
        None => {
            restore_memory_limit(isolate);
            Outcome::OutOfMemory
        }
    }
}

/// Sets the limit again, with enough above what is held for another job to let go of it.
fn restore_memory_limit(isolate: &mut Isolate) {
    const SLACK: u64 = 8 << 20;
    engine::collect_garbage(&mut isolate.js);
    let Some(limit) = isolate.memory_limit else { return };
    let bytes = limit.max(engine::heap_bytes(&mut isolate.js).saturating_add(SLACK));
    engine::set_memory_limit(&mut isolate.js, usize::try_from(bytes).unwrap_or(usize::MAX));
}
