//! Functions that statements have beside SQLite's own: arithmetic as SQLite has it where it is built with it, `REGEXP`, and
//! chance.

use std::sync::Arc;

use parking_lot::Mutex;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use regex::{Regex, RegexBuilder};
use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{Value as SqlValue, ValueRef};

use crate::data::{Kind, Value};

type Unary = fn(f64) -> f64;
type Binary = fn(f64, f64) -> f64;

/// Of one number. What is not defined is null, as SQLite makes it of what is no number.
const UNARY: &[(&str, Unary)] = &[
    ("acos", f64::acos),
    ("acosh", f64::acosh),
    ("asin", f64::asin),
    ("asinh", f64::asinh),
    ("atan", f64::atan),
    ("atanh", f64::atanh),
    ("cos", f64::cos),
    ("cosh", f64::cosh),
    ("degrees", f64::to_degrees),
    ("exp", f64::exp),
    ("ln", |x| positive(x).ln()),
    ("log", |x| positive(x).log10()),
    ("log10", |x| positive(x).log10()),
    ("log2", |x| positive(x).log2()),
    ("radians", f64::to_radians),
    ("sin", f64::sin),
    ("sinh", f64::sinh),
    ("sqrt", f64::sqrt),
    ("tan", f64::tan),
    ("tanh", f64::tanh),
];

/// Those that leave whole numbers as they are.
const ROUNDING: &[(&str, Unary)] =
    &[("ceil", f64::ceil), ("ceiling", f64::ceil), ("floor", f64::floor), ("trunc", f64::trunc)];

const BINARY: &[(&str, Binary)] = &[
    ("atan2", f64::atan2),
    ("log", |base, x| positive(x).ln() / positive(base).ln()),
    ("mod", |x, y| x % y),
    ("pow", f64::powf),
    ("power", f64::powf),
];

/// How large the program of a regular expression may become, in bytes.
const PATTERN_BYTES: usize = 1 << 20;

/// Adds all of them. `seed` is what `random()` begins with.
pub(super) fn add(connection: &Connection, seed: [u8; 32]) -> rusqlite::Result<()> {
    chance(connection, seed)?;
    for &(name, function) in UNARY {
        scalar(connection, name, 1, move |context| Ok(number(context, 0).map(function)))?;
    }
    for &(name, function) in ROUNDING {
        scalar(connection, name, 1, move |context| {
            Ok(match numeric(context, 0) {
                Some(Value::Integer(whole)) => SqlValue::Integer(whole),
                Some(Value::Real(number)) => SqlValue::Real(function(number)),
                _ => SqlValue::Null,
            })
        })?;
    }
    for &(name, function) in BINARY {
        scalar(connection, name, 2, move |context| {
            Ok(number(context, 0).zip(number(context, 1)).map(|(a, b)| function(a, b)))
        })?;
    }
    scalar(connection, "pi", 0, |_| Ok(std::f64::consts::PI))?;
    scalar(connection, "regexp", 2, matches)
}

/// A function that answers the same for the same values.
fn scalar<T: rusqlite::types::ToSql>(
    connection: &Connection,
    name: &str,
    arguments: i32,
    function: impl Fn(&Context<'_>) -> rusqlite::Result<T> + Send + 'static,
) -> rusqlite::Result<()> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function(name, arguments, flags, function)
}

/// Where there is a logarithm; NaN, which is null in SQL, where there is none.
fn positive(x: f64) -> f64 {
    if x > 0.0 { x } else { f64::NAN }
}

/// An argument that is a number, or text that is one.
fn numeric(context: &Context<'_>, index: usize) -> Option<Value<'static>> {
    match context.get_raw(index) {
        ValueRef::Integer(whole) => Some(Value::Integer(whole)),
        ValueRef::Real(number) => Some(Value::Real(number)),
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text).ok()?;
            Kind::Integer.cast(text).or_else(|| Kind::Real.cast(text))
        }
        ValueRef::Null | ValueRef::Blob(_) => None,
    }
}

fn number(context: &Context<'_>, index: usize) -> Option<f64> {
    match numeric(context, index)? {
        Value::Integer(whole) => Some(whole as f64),
        Value::Real(number) => Some(number),
        _ => None,
    }
}

/// `value REGEXP pattern` is `regexp(pattern, value)`. It is found anywhere in the value, in linear time; a pattern that is the
/// same for all rows is compiled once.
fn matches(context: &Context<'_>) -> rusqlite::Result<Option<bool>> {
    let pattern = context.get_or_create_aux(0, |pattern| -> Result<Option<Regex>, BoxError> {
        let Some(pattern) = text_of(pattern) else { return Ok(None) };
        let built = RegexBuilder::new(&pattern).size_limit(PATTERN_BYTES).build();
        Ok(Some(built.map_err(|error| refused(&pattern, &error))?))
    })?;
    let value = text_of(context.get_raw(1));
    Ok(pattern.as_ref().as_ref().zip(value).map(|(pattern, value)| pattern.is_match(&value)))
}

type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// What is wrong with a pattern, in one line.
fn refused(pattern: &str, error: &regex::Error) -> BoxError {
    let why = match error {
        regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
        error => {
            error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
    };
    format!("regexp: pattern '{pattern}': {why}").into()
}

/// A value as text; none of a null.
fn text_of(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(whole) => Some(whole.to_string()),
        ValueRef::Real(number) => Some(super::query::real(number)),
        ValueRef::Text(text) | ValueRef::Blob(text) => Some(String::from_utf8_lossy(text).into_owned()),
    }
}

/// SQLite's own generator is one for the process, and was seeded in the zygote if at all: `random()` and
/// `randomblob(N)` are the sandbox's instead.
fn chance(connection: &Connection, seed: [u8; 32]) -> rusqlite::Result<()> {
    const LONGEST: i64 = 1 << 20;
    let random = Arc::new(Mutex::new(ChaCha20Rng::from_seed(seed)));
    let bytes = random.clone();
    let flags = FunctionFlags::SQLITE_UTF8;
    connection.create_scalar_function("random", 0, flags, move |_| Ok(random.lock().next_u64() as i64))?;
    connection.create_scalar_function("randomblob", 1, flags, move |context| {
        let mut blob = vec![0; context.get::<i64>(0)?.clamp(1, LONGEST) as usize];
        bytes.lock().fill_bytes(&mut blob);
        Ok(blob)
    })
}
