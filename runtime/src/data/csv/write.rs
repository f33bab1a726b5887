//! Rows as delimited text.

use std::borrow::Cow;

use super::super::error::{DataError, DataResult};
use super::super::json::{Layout, Members, Values, value_of};
use super::super::source::Source;
use super::super::value::Value;

/// How rows are written.
#[derive(Clone, Debug)]
pub(crate) struct CsvWriter {
    pub(crate) delimiter: u8,
    pub(crate) quote: u8,
    /// What ends a row: `\n` or `\r\n`.
    pub(crate) line_end: &'static str,
    /// The names of the columns, for rows that are objects.
    pub(crate) columns: Vec<String>,
    /// Members that are no column are left out, instead of being an error.
    pub(crate) chosen: bool,
    /// What stands for null.
    pub(crate) null: String,
}

impl CsvWriter {
    /// Appends the row with the names of the columns.
    pub(crate) fn header(&self, out: &mut String) {
        let names: Vec<_> = self.columns.iter().map(|name| Value::Text(name.as_str().into())).collect();
        self.row(names.iter(), out);
    }

    /// Appends the rows of a JSON array, each an object or an array; `first` is the number of the first one, from 1.
    ///
    /// # Errors
    /// [`DataError::Broken`] with the number of the row, for a row that is neither, or has a member that is no column.
    pub(crate) fn rows(&self, json: &str, first: u64, out: &mut String) -> DataResult<()> {
        let mut values = Values::new(Source::text(json.as_bytes().to_vec()), Layout::Array);
        let mut number = first;
        while values.advance()? {
            let text = values.text();
            let broken = |reason: String| DataError::Option(format!("row {number} {reason}"));
            match Members::of(text) {
                Some(members) => self.object(members).map_err(broken)?.write(self, out),
                None if text.starts_with('[') => self.array(text, out)?,
                None => return Err(broken("is neither an object nor an array".to_owned())),
            }
            number += 1;
        }
        Ok(())
    }

    fn object<'a>(&self, members: Members<'a>) -> Result<Cells<'a>, String> {
        let mut cells = vec![Value::Null; self.columns.len()];
        let mut next = 0;
        for member in members {
            let (name, text) = member.map_err(str::to_owned)?;
            let Some(column) = self.column(next, &name) else {
                if self.chosen {
                    continue;
                }
                let columns = self.columns.join(", ");
                return Err(format!(
                    "has '{name}', which is not among the columns {columns}; say columns: [names]"
                ));
            };
            cells[column] = value_of(text).unwrap_or(Value::Null);
            next = column + 1;
        }
        Ok(Cells(cells))
    }

    /// Which column has this name; rows tend to have the same members in the same order.
    fn column(&self, next: usize, name: &str) -> Option<usize> {
        if self.columns.get(next).is_some_and(|column| column == name) {
            return Some(next);
        }
        self.columns.iter().position(|column| column == name)
    }

    fn array(&self, text: &str, out: &mut String) -> DataResult<()> {
        let mut values = Values::new(Source::text(text.as_bytes().to_vec()), Layout::Array);
        let mut cells = Vec::new();
        while values.advance()? {
            cells.push(values.text().to_owned());
        }
        let cells: Vec<_> = cells.iter().map(|cell| value_of(cell).unwrap_or(Value::Null)).collect();
        self.row(cells.iter(), out);
        Ok(())
    }

    fn row<'a>(&self, cells: impl ExactSizeIterator<Item = &'a Value<'a>>, out: &mut String) {
        let alone = cells.len() == 1;
        for (index, cell) in cells.enumerate() {
            if index > 0 {
                out.push(char::from(self.delimiter));
            }
            match cell {
                // A line with nothing on it would be no row.
                Value::Null if alone && self.null.is_empty() => self.quoted("", out),
                Value::Null => out.push_str(&self.null),
                Value::Boolean(it) => out.push_str(if *it { "true" } else { "false" }),
                Value::Integer(it) => out.push_str(&it.to_string()),
                Value::Real(it) => out.push_str(&serde_json::to_string(it).expect("a number is JSON")),
                Value::Text(text) => self.text(text, out),
                Value::Json(text) => self.text(text, out),
            }
        }
        out.push_str(self.line_end);
    }

    fn text(&self, text: &str, out: &mut String) {
        let has_meaning =
            |byte: u8| byte == self.delimiter || byte == self.quote || byte == b'\n' || byte == b'\r';
        // A reader would take some beginnings for a byte order mark, or a line that says what the delimiter is.
        let is_special =
            text.is_empty() || text == self.null || text.starts_with("\u{feff}") || text.starts_with("sep=");
        if is_special || text.bytes().any(has_meaning) {
            self.quoted(text, out);
        } else {
            out.push_str(text);
        }
    }

    fn quoted(&self, text: &str, out: &mut String) {
        let quote = char::from(self.quote);
        let doubled: Cow<'_, str> = if text.contains(quote) {
            text.replace(quote, &format!("{quote}{quote}")).into()
        } else {
            text.into()
        };
        out.push(quote);
        out.push_str(&doubled);
        out.push(quote);
    }
}

/// The cells of one row.
struct Cells<'a>(Vec<Value<'a>>);

impl Cells<'_> {
    fn write(self, writer: &CsvWriter, out: &mut String) {
        writer.row(self.0.iter(), out);
    }
}
