//! Operations behind `csv`, `ndjson` and `json`: readers by number, rows in batches.

mod options;
mod replace;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use deno_core::{OpDecl, OpState, op2};
use deno_error::{AdditionalProperties, JsErrorClass, PropertyValue};
use serde::Serialize;

use self::options::{Format, ReadOptions, WriteOptions};
pub(crate) use self::replace::Replacements;
use super::error::FsError;
use crate::data::json::{self, Layout, Step, Values};
use crate::data::{Batches, DataError, Kind, RowSource, Rows, Source};
use crate::host::Host;

/// Each may hold a window over a file.
const MAX_READERS: usize = 1000;

/// The readers a sandbox has open, by numbers that are given once.
#[derive(Default)]
pub(crate) struct Readers {
    known: BTreeMap<u32, Reader>,
    next: u32,
}

struct Reader {
    batches: Batches,
    /// What errors begin with.
    place: String,
}

pub(super) fn ops() -> Vec<OpDecl> {
    let ops = vec![
        op_data_close(),
        op_data_csv(),
        op_data_get(),
        op_data_next(),
        op_data_open(),
        op_data_open_bytes(),
        op_data_open_text(),
    ];
    [ops, replace::ops()].concat()
}

/// An error that becomes a filesystem's, a `SyntaxError` that names the line, or a `TypeError`.
#[derive(Debug)]
struct JsDataError {
    error: DataError,
    /// The file, if there is one.
    path: String,
}

impl JsDataError {
    fn new(error: DataError, path: &str) -> JsDataError {
        JsDataError { error, path: path.to_owned() }
    }

    fn option(reason: impl Into<String>) -> JsDataError {
        JsDataError { error: DataError::Option(reason.into()), path: String::new() }
    }
}

impl fmt::Display for JsDataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() && !matches!(self.error, DataError::File(_)) {
            write!(f, "{}: ", self.path)?;
        }
        self.error.fmt(f)?;
        if let DataError::Row(_) = self.error {
            f.write_str("; skipBad: true leaves such rows out, onBad: (bad) => {} is told of them")?;
        }
        Ok(())
    }
}

impl std::error::Error for JsDataError {}

impl JsErrorClass for JsDataError {
    fn get_class(&self) -> Cow<'static, str> {
        match self.error {
            DataError::File(_) => "Error",
            DataError::Row(_) | DataError::Broken { .. } => "SyntaxError",
            DataError::Option(_) => "TypeError",
        }
        .into()
    }

    fn get_message(&self) -> Cow<'static, str> {
        self.to_string().into()
    }

    fn get_additional_properties(&self) -> AdditionalProperties {
        let text =
            |key: &'static str, value: &str| (key.into(), PropertyValue::String(value.to_owned().into()));
        let mut properties = match &self.error {
            DataError::File(error) => return FsError::from(error.clone()).get_additional_properties(),
            DataError::Row(bad) => {
                vec![text("code", "ERR_BAD_ROW"), text("reason", &bad.reason), text("text", &bad.text)]
            }
            DataError::Broken { reason, .. } => vec![text("code", "ERR_BAD_DATA"), text("reason", reason)],
            DataError::Option(_) => vec![text("code", "ERR_INVALID_ARG_VALUE")],
        };
        properties.extend(self.error.line().map(|line| ("line".into(), PropertyValue::Number(line as f64))));
        if !self.path.is_empty() {
            properties.push(text("path", &self.path));
        }
        Box::new(properties.into_iter())
    }

    fn get_ref(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self
    }
}

/// A reader that was opened.
#[derive(Serialize)]
struct JsReader {
    id: u32,
    /// Columns whose integers may come as text, to be made BigInts: names, or numbers if rows are arrays.
    wide: Vec<JsKey>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum JsKey {
    Name(String),
    Number(usize),
}

#[op2]
#[serde]
fn op_data_open(
    state: &mut OpState,
    #[string] path: &str,
    #[string] options: &str,
) -> Result<JsReader, JsDataError> {
    let options = ReadOptions::parse(options)?;
    let reader = open_file(state, path, &options).map_err(|error| JsDataError::new(error, path))?;
    register(state, reader, path)
}

#[op2]
#[serde]
fn op_data_open_text(
    state: &mut OpState,
    #[string] text: String,
    #[string] options: &str,
) -> Result<JsReader, JsDataError> {
    let options = ReadOptions::parse(options)?;
    let rows = options.rows(Source::text(text.into_bytes())).map_err(|error| JsDataError::new(error, ""))?;
    register(state, (rows, options.on_bad()), "")
}

#[op2]
#[serde]
fn op_data_open_bytes(
    state: &mut OpState,
    #[buffer] bytes: &[u8],
    #[string] options: &str,
) -> Result<JsReader, JsDataError> {
    let options = ReadOptions::parse(options)?;
    let charset = options.charset()?;
    let source = Source::bytes(Bytes::copy_from_slice(bytes), charset);
    let rows = options.rows(source).map_err(|error| JsDataError::new(error, ""))?;
    register(state, (rows, options.on_bad()), "")
}

type Opened = (Rows, crate::data::OnBad);

fn open_file(state: &OpState, path: &str, options: &ReadOptions) -> Result<Opened, DataError> {
    let vfs = &state.borrow::<Host>().vfs;
    let charset = options.charset().map_err(|error| error.error)?;
    let open = || Source::open(vfs, path, charset);
    let rows = match (options.format, &options.at) {
        (Format::Json, Some(at)) => {
            let Some((source, line)) = json::source_at(open, &steps(at)?)? else {
                return Err(DataError::Option(format!("there is nothing at {}", serde_json::json!(at))));
            };
            Rows::Json(Values::new(source, Layout::Within).on_line(line))
        }
        _ => options.rows(open()?)?,
    };
    Ok((rows, options.on_bad()))
}

fn register(state: &mut OpState, (rows, on_bad): Opened, path: &str) -> Result<JsReader, JsDataError> {
    let wide = wide(&rows);
    let readers = state.borrow_mut::<Readers>();
    if readers.known.len() >= MAX_READERS {
        return Err(JsDataError::option(format!(
            "{MAX_READERS} iterators over rows are open; let each run to its end, or call its return()"
        )));
    }
    let id = readers.next;
    readers.next = readers.next.wrapping_add(1) & (i32::MAX as u32);
    readers.known.insert(id, Reader { batches: Batches::new(rows, on_bad), place: path.to_owned() });
    Ok(JsReader { id, wide })
}

fn wide(rows: &Rows) -> Vec<JsKey> {
    let (rows, named) = match rows {
        Rows::Cells { rows, names } => (rows, names.is_some()),
        Rows::Json(_) => return Vec::new(),
    };
    let is_wide = |(_, column): &(usize, &crate::data::Column)| column.cast && column.kind == Kind::Integer;
    let columns = rows.columns().iter().enumerate().filter(is_wide);
    columns
        .map(|(index, column)| if named { JsKey::Name(column.name.clone()) } else { JsKey::Number(index) })
        .collect()
}

/// The next batch as JSON, or an empty text at the end, where the reader is closed.
#[op2]
#[string]
fn op_data_next(state: &mut OpState, #[smi] id: u32) -> Result<String, JsDataError> {
    let readers = state.borrow_mut::<Readers>();
    let Some(reader) = readers.known.get_mut(&id) else { return Ok(String::new()) };
    match reader.batches.next() {
        Ok(Some(batch)) => Ok(batch),
        Ok(None) => {
            readers.known.remove(&id);
            Ok(String::new())
        }
        Err(error) => {
            let reader = readers.known.remove(&id).expect("it was just there");
            Err(JsDataError::new(error, &reader.place))
        }
    }
}

/// Closes a reader; one that is not there is fine.
#[op2(fast)]
fn op_data_close(state: &mut OpState, #[smi] id: u32) {
    state.borrow_mut::<Readers>().known.remove(&id);
}

/// The values at the paths as JSON texts; null where there is none.
#[op2]
#[serde]
fn op_data_get(
    state: &mut OpState,
    #[string] path: &str,
    #[serde] at: Vec<serde_json::Value>,
    #[string] encoding: &str,
) -> Result<Vec<Option<String>>, JsDataError> {
    let vfs = &state.borrow::<Host>().vfs;
    let named = |error| JsDataError::new(error, path);
    let charset = crate::data::Charset::named(encoding).map_err(named)?;
    let open = || Source::open(vfs, path, charset);
    at.iter().map(|at| json::get(open, &steps(at)?)).collect::<Result<_, _>>().map_err(named)
}

/// A path as programs give it: text, or an array of names and indexes.
fn steps(at: &serde_json::Value) -> Result<Vec<Step>, DataError> {
    let wrong = || DataError::Option(format!("{at} is no path: give text, or an array of names and indexes"));
    match at {
        serde_json::Value::String(path) => json::parse(path),
        serde_json::Value::Array(steps) => steps
            .iter()
            .map(|step| match step {
                serde_json::Value::String(name) => Ok(Step::Key(name.clone())),
                other => other.as_i64().map(Step::Index).ok_or_else(wrong),
            })
            .collect(),
        _ => Err(wrong()),
    }
}

/// The rows of a JSON array as delimited text, with a header before the first one if there is to be one.
#[op2]
#[string]
fn op_data_csv(
    #[string] rows: &str,
    #[string] options: &str,
    first: f64,
    header: bool,
) -> Result<String, JsDataError> {
    let writer = WriteOptions::parse(options)?;
    let mut out = String::with_capacity(rows.len());
    if header {
        writer.header(&mut out);
    }
    writer.rows(rows, first as u64, &mut out).map_err(|error| JsDataError::new(error, ""))?;
    Ok(out)
}
