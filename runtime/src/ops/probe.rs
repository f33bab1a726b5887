//! An operation that makes any system call, for the tests of the walls. No release build has it.

use std::ffi::CString;

use deno_core::{OpDecl, op2};
use serde::Deserialize;

pub(super) fn ops() -> Vec<OpDecl> {
    vec![op_cowry_syscall()]
}

/// One argument, as JSON has it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Argument {
    Number(i64),
    /// Becomes the address of these bytes, with a NUL behind them.
    Text(String),
}

/// Makes system call `number` with arguments given as a JSON array; a failure is the negative error number.
#[op2]
#[string]
fn op_cowry_syscall(#[smi] number: i32, #[string] arguments: String) -> String {
    let arguments: Vec<Argument> = serde_json::from_str(&arguments).unwrap_or_default();
    let mut raw = [0; 6];
    let mut kept = Vec::new();
    for (slot, argument) in raw.iter_mut().zip(arguments) {
        *slot = match argument {
            Argument::Number(number) => number as u64,
            Argument::Text(text) => {
                let text = CString::new(text).unwrap_or_default();
                let address = text.as_ptr().addr() as u64;
                kept.push(text);
                address
            }
        };
    }
    crate::sys::raw_syscall(number.into(), raw).to_string()
}
