//! What a job is made of, and what it says of itself: output, result, failure, exit.

use deno_core::{OpDecl, OpState, op2, v8};
use deno_error::JsErrorBox;
use serde::{Deserialize, Serialize};

use super::Epoch;
use crate::host::Host;
use crate::job::{Event, Frame, Level, Thrown, Value};

/// What a running job has said so far.
#[derive(Default)]
pub(crate) struct Progress {
    /// The program's own part is over: its value is known, or it failed.
    pub(crate) settled: bool,
    /// The result.
    pub(crate) value: Option<Value>,
    /// What nothing caught.
    pub(crate) thrown: Option<Thrown>,
    /// What the caller did wrong.
    pub(crate) misused: Option<String>,
    /// `process.exit` was called with this.
    pub(crate) exit: Option<i32>,
    /// What `process.stdin` still has.
    pub(crate) stdin: Vec<u8>,
    pub(crate) stdin_read: usize,
}

impl Progress {
    /// Whether no more code is to run.
    pub(crate) fn is_over(&self) -> bool {
        self.thrown.is_some() || self.exit.is_some() || self.misused.is_some()
    }
}

pub(super) fn ops() -> Vec<OpDecl> {
    vec![
        op_cowry_builtins(),
        op_cowry_console(),
        op_cowry_heap(),
        op_cowry_write(),
        op_cowry_stdin(),
        op_cowry_result(),
        op_cowry_threw(),
        op_cowry_misused(),
        op_cowry_exit(),
    ]
}

/// The built-in modules and the scripts behind them.
#[op2]
#[serde]
fn op_cowry_builtins() -> Vec<(String, String)> {
    crate::js::BUILTIN_MODULES.iter().map(|(name, script)| ((*name).into(), (*script).into())).collect()
}

/// Bytes the heap holds.
#[op2(fast)]
fn op_cowry_heap(scope: &mut v8::PinScope<'_, '_>) -> f64 {
    let statistics = scope.get_heap_statistics();
    (statistics.malloced_memory() + statistics.external_memory()) as f64
}

#[op2(fast)]
fn op_cowry_console(state: &mut OpState, #[smi] level: u32, #[string] text: String) {
    let at = state.borrow::<Epoch>().now();
    let level = match level {
        0 => Level::Debug,
        1 => Level::Log,
        2 => Level::Info,
        3 => Level::Warn,
        _ => Level::Error,
    };
    (state.borrow::<Host>().emit)(Event::Console { level, at, text });
}

/// Writes to stdout (1) or stderr (2).
#[op2(fast)]
fn op_cowry_write(state: &mut OpState, #[smi] stream: u32, #[buffer] bytes: &[u8]) {
    let event = if stream == 1 { Event::Stdout(bytes.to_vec()) } else { Event::Stderr(bytes.to_vec()) };
    (state.borrow::<Host>().emit)(event);
}

/// Reads stdin into `out`; 0 at its end.
#[op2(fast)]
#[smi]
fn op_cowry_stdin(state: &mut OpState, #[buffer] out: &mut [u8]) -> u32 {
    let progress = state.borrow_mut::<Progress>();
    let rest = &progress.stdin[progress.stdin_read..];
    let count = rest.len().min(out.len());
    out[..count].copy_from_slice(&rest[..count]);
    progress.stdin_read += count;
    count as u32
}

#[derive(Deserialize)]
struct JsResult {
    text: Option<String>,
    json: Option<String>,
    rendered: Option<String>,
}

/// The job's own part is over; without a value it has no result.
#[op2]
fn op_cowry_result(state: &mut OpState, #[serde] result: Option<JsResult>) -> Result<(), JsErrorBox> {
    let limit = state.borrow::<Host>().result_bytes;
    if let Some(JsResult { text, json, rendered }) = result {
        let size = [&text, &json, &rendered].into_iter().flatten().map(String::len).sum::<usize>();
        if size > limit {
            return Err(JsErrorBox::range_error(format!(
                "the result has {size} bytes, which is more than the limit of {limit}"
            )));
        }
        state.borrow_mut::<Progress>().value = Some(Value { text, json, rendered });
    }
    state.borrow_mut::<Progress>().settled = true;
    Ok(())
}

#[derive(Deserialize, Serialize)]
struct JsFrame {
    function: Option<String>,
    file: String,
    line: u32,
    column: u32,
}

/// Records what nothing caught; the first one counts. If it is fatal no more code runs.
#[op2]
fn op_cowry_threw(
    scope: &mut v8::PinScope<'_, '_>,
    state: &mut OpState,
    #[string] name: String,
    #[string] message: String,
    #[string] text: String,
    #[serde] frames: Vec<JsFrame>,
    fatal: bool,
) {
    let progress = state.borrow_mut::<Progress>();
    progress.settled = true;
    let frames = frames
        .into_iter()
        .map(|f| Frame { function: f.function, file: f.file, line: f.line, column: f.column })
        .collect();
    let mut thrown = Thrown { name, message, text, frames };
    thrown.cut();
    progress.thrown.get_or_insert(thrown);
    if fatal {
        scope.terminate_execution();
    }
}

#[op2(fast)]
fn op_cowry_misused(state: &mut OpState, #[string] message: String) {
    let progress = state.borrow_mut::<Progress>();
    progress.settled = true;
    progress.misused.get_or_insert(message);
}

/// Ends the job: no more code runs.
#[op2(fast)]
fn op_cowry_exit(scope: &mut v8::PinScope<'_, '_>, state: &mut OpState, #[smi] code: i32) {
    let progress = state.borrow_mut::<Progress>();
    progress.exit.get_or_insert(code);
    scope.terminate_execution();
}
