//! Results as text: CSV, TSV, JSON, NDJSON, to be shown or to become a file.

use cowry_vfs::Vfs;
use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::error::SqlResult;
use super::query::{OddValue, Query, json_text, push_json, real};
use crate::data::{Format, Replacement};
use crate::text::lossy;

/// How much text is made at once, in bytes.
const CHUNK: usize = 256 << 10;

/// Rows on their way to text.
pub(crate) struct Output {
    format: Format,
    /// Whether anything was written, and whether it has ended.
    has_begun: bool,
    has_ended: bool,
    /// Rows so far.
    pub(crate) rows: u64,
}

impl Output {
    pub(crate) fn new(format: Format) -> Output {
        Output { format, has_begun: false, has_ended: false, rows: 0 }
    }

    /// The next part of the text; empty at the end.
    ///
    /// # Errors
    /// As [`Query::rows`].
    pub(crate) fn chunk(&mut self, query: &mut Query) -> SqlResult<String> {
        let mut text = String::new();
        if self.has_ended {
            return Ok(text);
        }
        if !std::mem::replace(&mut self.has_begun, true) {
            self.begin(query.columns(), &mut text);
        }
        let columns = query.columns().to_vec();
        let more = query.rows(|row| {
            self.row(&columns, row, &mut text)?;
            self.rows += 1;
            Ok(text.len() < CHUNK)
        })?;
        if !more {
            self.has_ended = true;
            if self.format == Format::Json {
                text.push_str(if self.rows == 0 { "]\n" } else { "\n]\n" });
            }
        }
        Ok(text)
    }

    fn begin(&self, columns: &[String], text: &mut String) {
        match self.format {
            Format::Json => text.push('['),
            Format::Ndjson => {}
            Format::Csv | Format::Tsv => {
                for (index, name) in columns.iter().enumerate() {
                    self.separate(index, text);
                    self.field(name, text);
                }
                text.push('\n');
            }
        }
    }

    fn row(&self, columns: &[String], row: &Row<'_>, text: &mut String) -> SqlResult<()> {
        match self.format {
            Format::Json => {
                text.push_str(if self.rows == 0 { "\n" } else { ",\n" });
                object(columns, row, text)
            }
            Format::Ndjson => {
                object(columns, row, text)?;
                text.push('\n');
                Ok(())
            }
            Format::Csv | Format::Tsv => {
                for index in 0..columns.len() {
                    self.separate(index, text);
                    self.value(row.get_ref(index)?, text);
                }
                text.push('\n');
                Ok(())
            }
        }
    }

    fn delimiter(&self) -> char {
        if self.format == Format::Tsv { '\t' } else { ',' }
    }

    fn separate(&self, index: usize, text: &mut String) {
        if index > 0 {
            text.push(self.delimiter());
        }
    }

    /// Null is nothing, and an empty text is quotes.
    fn value(&self, value: ValueRef<'_>, text: &mut String) {
        match value {
            ValueRef::Null => {}
            ValueRef::Integer(number) => text.push_str(&number.to_string()),
            ValueRef::Real(number) if number.is_finite() => text.push_str(&real(number)),
            ValueRef::Real(number) => text.push_str(if number > 0.0 { "Infinity" } else { "-Infinity" }),
            ValueRef::Text(bytes) => self.field(&lossy(bytes), text),
            ValueRef::Blob(bytes) => text.push_str(&hexadecimal(bytes)),
        }
    }

    fn field(&self, field: &str, text: &mut String) {
        if field.is_empty() || field.contains([self.delimiter(), '"', '\n', '\r']) {
            text.push('"');
            text.push_str(&field.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(field);
        }
    }
}

/// A row as a JSON object. What JSON has no form for is the nearest that it has.
fn object(columns: &[String], row: &Row<'_>, text: &mut String) -> SqlResult<()> {
    text.push('{');
    for (index, name) in columns.iter().enumerate() {
        text.push_str(if index > 0 { "," } else { "" });
        text.push_str(&json_text(name));
        text.push(':');
        let start = text.len();
        let nearest = match push_json(text, row.get_ref(index)?) {
            None | Some(OddValue::Infinite(_)) => continue,
            Some(OddValue::Big(number)) => number.to_string(),
            Some(OddValue::Blob(bytes)) => json_text(&hexadecimal(&bytes)),
        };
        text.replace_range(start.., &nearest);
    }
    text.push('}');
    Ok(())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a result to a file, which appears when all of it is there: the statement may read what it replaces.
/// `seed` is for the name it has until then. Answers with the number of rows.
///
/// # Errors
/// As [`Query::rows`], and what writing fails with.
pub(crate) fn write_file(
    query: &mut Query,
    format: Format,
    vfs: &Vfs,
    path: &str,
    seed: u64,
) -> SqlResult<u64> {
    let mut output = Output::new(format);
    let file = Replacement::begin(vfs, path, seed)?;
    loop {
        let text = output.chunk(query)?;
        if text.is_empty() {
            file.finish()?;
            return Ok(output.rows);
        }
        file.write_all(text.as_bytes())?;
    }
}
