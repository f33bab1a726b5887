//! Rows in batches, each one JSON text: what JavaScript takes with one call and one `JSON.parse`.

use super::csv::CsvRows;
use super::error::{BadRow, DataError, DataResult};
use super::json::Values;
use super::table::RowSource;
use super::value::Value;

/// How long a batch grows, in bytes.
const BATCH: usize = 256 << 10;
/// How many rows may be left out before a batch ends all the same, so that an interrupt is heard.
const SKIPPED_MAX: usize = 10_000;
/// Integers beyond these are not safe in JavaScript.
const SAFE: u64 = (1 << 53) - 1;

/// What becomes of bad rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnBad {
    /// The first one ends it.
    Throw,
    /// They are left out.
    Skip,
    /// They are left out and told of.
    Report,
}

/// What rows are made of.
#[derive(Debug)]
pub(crate) enum Rows {
    /// Rows of cells: objects, or arrays if `names` is `None`.
    Cells {
        rows: CsvRows,
        /// Each name as JSON, with its colon.
        names: Option<Vec<String>>,
    },
    /// JSON as it stands.
    Json(Values),
}

impl Rows {
    pub(crate) fn objects(rows: CsvRows) -> Rows {
        let name = |name: &str| serde_json::to_string(name).expect("text is JSON") + ":";
        let names = rows.columns().iter().map(|column| name(&column.name)).collect();
        Rows::Cells { rows, names: Some(names) }
    }

    pub(crate) fn arrays(rows: CsvRows) -> Rows {
        Rows::Cells { rows, names: None }
    }

    fn advance(&mut self) -> DataResult<bool> {
        match self {
            Rows::Cells { rows, .. } => rows.advance(),
            Rows::Json(values) => {
                if !values.advance()? {
                    return Ok(false);
                }
                let parsed = serde_json::from_str::<serde::de::IgnoredAny>(values.text());
                parsed.map_err(|error| values.bad(format!("not JSON: {error}")))?;
                Ok(true)
            }
        }
    }

    fn push(&self, out: &mut String) {
        match self {
            Rows::Json(values) => out.push_str(values.text()),
            Rows::Cells { rows, names: Some(names) } => {
                out.push('{');
                for (index, name) in names.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    out.push_str(name);
                    push_value(&rows.value(index), out);
                }
                out.push('}');
            }
            Rows::Cells { rows, names: None } => {
                out.push('[');
                for index in 0..rows.filled() {
                    out.push_str(if index > 0 { "," } else { "" });
                    push_value(&rows.value(index), out);
                }
                out.push(']');
            }
        }
    }
}

/// Reads rows in batches.
#[derive(Debug)]
pub(crate) struct Batches {
    rows: Rows,
    on_bad: OnBad,
    /// What ended the last batch, for the next call.
    pending: Option<DataError>,
}

impl Batches {
    pub(crate) fn new(rows: Rows, on_bad: OnBad) -> Batches {
        Batches { rows, on_bad, pending: None }
    }

    /// The next rows as `{"rows": […], "bad": [{"line", "reason", "text"}, …]}`; `None` at the end. An error comes
    /// after the rows before it.
    ///
    /// # Errors
    /// As [`RowSource::advance`]; [`DataError::Row`] only if bad rows end it.
    pub(crate) fn next(&mut self) -> DataResult<Option<String>> {
        if let Some(error) = self.pending.take() {
            return Err(error);
        }
        let (mut text, mut bad, mut skipped) = ("{\"rows\":[".to_owned(), String::new(), 0);
        let begin = text.len();
        let mut is_over = false;
        while text.len() < BATCH && bad.len() < BATCH && skipped < SKIPPED_MAX {
            match self.rows.advance() {
                Ok(true) => {
                    text.push_str(if text.len() > begin { "," } else { "" });
                    self.rows.push(&mut text);
                }
                Ok(false) => {
                    is_over = true;
                    break;
                }
                Err(DataError::Row(row)) if self.on_bad != OnBad::Throw => {
                    skipped += 1;
                    if self.on_bad == OnBad::Report {
                        push_bad(&row, &mut bad);
                    }
                }
                Err(error) if text.len() == begin => return Err(error),
                Err(error) => {
                    self.pending = Some(error);
                    break;
                }
            }
        }
        if is_over && text.len() == begin && bad.is_empty() {
            return Ok(None);
        }
        Ok(Some(text + "],\"bad\":[" + &bad + "]}"))
    }
}

fn push_bad(row: &BadRow, out: &mut String) {
    let json = serde_json::json!({ "line": row.line, "reason": row.reason, "text": row.text });
    out.push_str(if out.is_empty() { "" } else { "," });
    out.push_str(&json.to_string());
}

/// Appends a value as JSON. An integer that is not safe is text: who asked for integers makes it a BigInt.
fn push_value(value: &Value<'_>, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Boolean(true) => out.push_str("true"),
        Value::Boolean(false) => out.push_str("false"),
        Value::Integer(it) if it.unsigned_abs() > SAFE => *out += &format!("\"{it}\""),
        Value::Integer(it) => *out += &it.to_string(),
        Value::Real(it) => *out += &serde_json::to_string(it).expect("a number is JSON"),
        Value::Text(text) => push_text(text, out),
        Value::Json(text) => out.push_str(text),
    }
}

fn push_text(text: &str, out: &mut String) {
    let is_plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if text.bytes().all(is_plain) {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        *out += &serde_json::to_string(text).expect("text is JSON");
    }
}
