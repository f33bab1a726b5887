//! Operations behind `sql`: a statement is opened, its rows are taken in batches, and it is closed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use cowry_vfs::{Overlay, Vfs, VfsOptions};
use deno_core::{OpDecl, OpState, op2};
use deno_error::{AdditionalProperties, JsErrorClass, PropertyValue};
use rand_core::RngCore;
use serde_json::json;

use super::Random;
use super::error::FsError;
use crate::data::Format;
use crate::data::sql::{
    Batch, Odd, OddValue, Output, Parameter, Parameters, Query, Setting, SqlError, write_file,
};
use crate::host::{Host, InterruptState};

/// Each holds files and memory.
const MAX_OPEN: usize = 16;
/// How much text of rows crosses at once, in bytes.
const BATCH: usize = 256 << 10;

/// The bytes that a job may have in memory.
#[derive(Clone, Copy)]
pub(crate) struct MemoryBytes(pub(crate) u64);

impl Default for MemoryBytes {
    fn default() -> Self {
        MemoryBytes(crate::Limits::default().memory_bytes)
    }
}

/// The statements of a job, by numbers that are given once.
#[derive(Default)]
pub(crate) struct Queries {
    open: BTreeMap<u32, Open>,
    next: u32,
}

/// A statement, and its text if it is being made one.
struct Open {
    query: Query,
    output: Option<Output>,
}

impl Queries {
    /// They end with the job: what they hold is counted as its own.
    pub(crate) fn begin_job(&mut self) {
        self.open.clear();
    }

    fn get(&mut self, number: u32) -> Result<&mut Open, Failed> {
        let open = self.open.get_mut(&number);
        open.ok_or_else(|| Failed(SqlError::Statement("the statement is closed".into())))
    }
}

pub(super) fn ops() -> Vec<OpDecl> {
    vec![op_sql_batch(), op_sql_close(), op_sql_columns(), op_sql_open(), op_sql_text(), op_sql_write()]
}

/// A [`SqlError`] as JavaScript gets it: what is wrong with a file is as `fs` tells it.
#[derive(Debug)]
struct Failed(SqlError);

impl From<SqlError> for Failed {
    fn from(error: SqlError) -> Self {
        Failed(error)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failed {}

impl JsErrorClass for Failed {
    fn get_class(&self) -> Cow<'static, str> {
        "Error".into()
    }

    fn get_message(&self) -> Cow<'static, str> {
        self.0.to_string().into()
    }

    fn get_additional_properties(&self) -> AdditionalProperties {
        let text = |value: &str| PropertyValue::String(value.to_owned().into());
        let mut properties: Vec<(Cow<'static, str>, PropertyValue)> = Vec::new();
        match &self.0 {
            SqlError::File(error) => return FsError::from(error.clone()).get_additional_properties(),
            SqlError::Data { path, error } => {
                properties.push(("code".into(), text("ERR_DATA")));
                properties.push(("path".into(), text(path)));
                let line = error.line().map(|line| PropertyValue::Number(line as f64));
                properties.extend(line.map(|line| ("line".into(), line)));
            }
            SqlError::Statement(_) | SqlError::Code { .. } | SqlError::Interrupted => {
                properties.push(("code".into(), text("ERR_SQL")));
            }
        }
        Box::new(properties.into_iter())
    }

    fn get_ref(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self
    }
}

fn usage(text: impl Into<String>) -> Failed {
    Failed(SqlError::Statement(text.into()))
}

/// Opens a statement; `parameters` is JSON as `sql.js` writes it.
#[op2(fast)]
#[smi]
fn op_sql_open(state: &mut OpState, #[string] text: &str, #[string] parameters: &str) -> Result<u32, Failed> {
    let parameters = read_parameters(parameters)?;
    if state.borrow::<Queries>().open.len() >= MAX_OPEN {
        return Err(usage(format!(
            "more than {MAX_OPEN} statements are open; end the loops over their rows"
        )));
    }
    let query = Query::new(&setting(state), text, &parameters)?;
    let queries = state.borrow_mut::<Queries>();
    let number = queries.next;
    // A job does not open as many as there are numbers.
    queries.next = (queries.next + 1) & i32::MAX as u32;
    queries.open.insert(number, Open { query, output: None });
    Ok(number)
}

fn setting(state: &mut OpState) -> Setting {
    let mut seed = [0; 32];
    state.borrow_mut::<Random>().rng().fill_bytes(&mut seed);
    let interrupts = state.borrow::<Arc<InterruptState>>().clone();
    let host = state.borrow::<Host>();
    Setting {
        vfs: host.vfs.clone(),
        scratch: host.scratch.as_deref().map(scratch),
        clock: host.clock.clone(),
        seed,
        memory_bytes: state.try_borrow::<MemoryBytes>().copied().unwrap_or_default().0,
        interrupted: Arc::new(move || interrupts.is_raised()),
    }
}

/// A tree that shares the bounds of what the job writes, and is no part of it.
fn scratch(overlay: &Overlay) -> Vfs {
    Vfs::new(Arc::new(overlay.fork()), VfsOptions::default())
}

/// `{ "list": [VALUE…], "named": [[NAME, VALUE]…] }`, where a value is its kind and its text.
fn read_parameters(text: &str) -> Result<Parameters, Failed> {
    #[derive(serde::Deserialize)]
    struct Given {
        list: Vec<(String, String)>,
        named: Vec<(String, (String, String))>,
    }
    let Given { list, named } = serde_json::from_str(text).map_err(|error| usage(error.to_string()))?;
    let list = list.into_iter().map(|(kind, text)| parameter(&kind, text)).collect::<Result<_, _>>()?;
    let named = named.into_iter().map(|(name, (kind, text))| Ok((name, parameter(&kind, text)?)));
    Ok(Parameters { list, named: named.collect::<Result<_, Failed>>()? })
}

fn parameter(kind: &str, text: String) -> Result<Parameter, Failed> {
    Ok(match kind {
        "integer" => Parameter::Integer(text.parse().map_err(|_| {
            usage(format!("{text} is not a whole number of 64 bits, which is the largest that SQL has"))
        })?),
        "real" => Parameter::Real(text.parse().map_err(|_| usage(format!("{text} is not a number")))?),
        "text" => Parameter::Text(text),
        "list" => Parameter::List(text),
        "blob" => Parameter::Blob(bytes(&text).ok_or_else(|| usage("a blob is an even number of digits"))?),
        _ => Parameter::Null,
    })
}

/// Bytes from pairs of hexadecimal digits.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// The names of the columns, as JSON.
#[op2]
#[string]
fn op_sql_columns(state: &mut OpState, #[smi] number: u32) -> Result<String, Failed> {
    let open = state.borrow_mut::<Queries>().get(number)?;
    Ok(json!(open.query.columns()).to_string())
}

/// The next rows as JSON: `{ "rows": […], "odd": [[ROW, COLUMN, KIND, TEXT]…], "last": true }`.
#[op2]
#[string]
fn op_sql_batch(state: &mut OpState, #[smi] number: u32, arrays: bool) -> Result<String, Failed> {
    let open = state.borrow_mut::<Queries>().get(number)?;
    let Batch { json, odd, is_last } = open.query.batch(BATCH, arrays)?;
    let odd: Vec<_> = odd.into_iter().map(written).collect();
    Ok(format!("{{\"rows\":{json},\"odd\":{},\"last\":{is_last}}}", json!(odd)))
}

fn written(Odd { row, column, value }: Odd) -> (usize, usize, &'static str, String) {
    let (kind, text) = match value {
        OddValue::Big(number) => ("integer", number.to_string()),
        OddValue::Infinite(number) => ("real", if number > 0.0 { "Infinity" } else { "-Infinity" }.into()),
        OddValue::Blob(bytes) => ("blob", bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
    };
    (row, column, kind, text)
}

/// The next part of the result as text; empty at its end.
#[op2]
#[string]
fn op_sql_text(state: &mut OpState, #[smi] number: u32, #[string] format: &str) -> Result<String, Failed> {
    let format = format_named(format)?;
    let Open { query, output } = state.borrow_mut::<Queries>().get(number)?;
    Ok(output.get_or_insert_with(|| Output::new(format)).chunk(query)?)
}

/// Writes the result to a file, in a format or, if that is empty, in the one its name says. The number of rows.
#[op2(fast)]
fn op_sql_write(
    state: &mut OpState,
    #[smi] number: u32,
    #[string] format: &str,
    #[string] path: &str,
) -> Result<f64, Failed> {
    let of_path = || {
        Format::of(path).ok_or_else(|| {
            usage(format!(
                "'{path}': the name does not say the format; give as: 'csv', 'tsv', 'json' or 'ndjson'"
            ))
        })
    };
    let format = if format.is_empty() { of_path()? } else { format_named(format)? };
    let vfs = state.borrow::<Host>().vfs.clone();
    let seed = state.borrow_mut::<Random>().rng().next_u64();
    let open = state.borrow_mut::<Queries>().get(number)?;
    Ok(write_file(&mut open.query, format, &vfs, path, seed)? as f64)
}

fn format_named(name: &str) -> Result<Format, Failed> {
    Ok(match name {
        "csv" => Format::Csv,
        "tsv" => Format::Tsv,
        "json" => Format::Json,
        "ndjson" => Format::Ndjson,
        _ => return Err(usage(format!("'{name}' is no format; there are csv, tsv, json and ndjson"))),
    })
}

/// Forgets a statement; one that is not there is fine.
#[op2(fast)]
fn op_sql_close(state: &mut OpState, #[smi] number: u32) {
    state.borrow_mut::<Queries>().open.remove(&number);
}
