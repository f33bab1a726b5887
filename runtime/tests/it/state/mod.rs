//! `state` and `@cloudflare/shell`, from programs.

mod calls;
mod files;
mod json;
mod shell;

use serde_json::Value;

use crate::support::{Case, eval};

/// Every case of this folder.
pub fn cases() -> impl Iterator<Item = Case> {
    [calls::CASES, files::CASES, json::CASES, shell::CASES].into_iter().flatten().copied()
}

/// What a program answers with.
fn value(code: &str) -> Value {
    serde_json::from_str(eval(code).json()).expect("a result is JSON")
}

/// What each of these expressions is rejected with: message and code.
fn failures(before: &str, calls: &[&str]) -> Vec<(String, Option<String>)> {
    let list: Vec<String> = calls.iter().map(|call| format!("() => {call}")).collect();
    let code = format!(
        "{before}; const seen = [];
         for (const call of [{}]) {{
             try {{ await call(); seen.push(['no error', null]) }}
             catch (error) {{ seen.push([error.message, error.code ?? null]) }}
         }}
         seen",
        list.join(", ")
    );
    serde_json::from_value(value(&code)).expect("pairs")
}

/// Checks messages and codes of calls, row by row.
fn check_failures(before: &str, rows: &[(&str, &str, Option<&str>)]) {
    let calls: Vec<&str> = rows.iter().map(|(call, ..)| *call).collect();
    for ((call, message, code), (got, got_code)) in rows.iter().zip(failures(before, &calls)) {
        assert_eq!((got.as_str(), got_code.as_deref()), (*message, *code), "{call}");
    }
}
