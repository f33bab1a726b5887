//! JSON objects as rows with named columns.

use std::ops::Range;

use super::super::error::{DataError, DataResult};
use super::super::source::Source;
use super::super::table::{Column, RowSource};
use super::super::value::{Kind, Value};
use super::members::{Members, value_of};
use super::values::{Layout, Values};

/// How many rows decide which columns there are, if the first chunk has as many.
const SAMPLE: usize = 1000;
/// How many columns are told apart.
const COLUMNS_MAX: usize = 2000;
/// The column of values that are no objects.
const VALUE: &str = "value";

/// Rows of a JSON file. The columns are the members of the first thousand objects; later ones are left out. A value
/// that is no object is a row with the one column `value`.
#[derive(Debug)]
pub(crate) struct JsonRows {
    values: Values,
    columns: Vec<Column>,
    /// Where in the text of the row the value of each column is.
    slots: Vec<Option<Range<usize>>>,
}

impl JsonRows {
    /// A file with a value on each line.
    ///
    /// # Errors
    /// What reading fails with.
    pub(crate) fn lines(source: Source) -> DataResult<JsonRows> {
        JsonRows::new(source, Layout::Lines)
    }

    /// A file that is one array.
    ///
    /// # Errors
    /// What reading fails with.
    pub(crate) fn array(source: Source) -> DataResult<JsonRows> {
        JsonRows::new(source, Layout::Array)
    }

    fn new(source: Source, layout: Layout) -> DataResult<JsonRows> {
        let values = Values::new(source, layout);
        let columns = columns(values.sample());
        let slots = vec![None; columns.len()];
        Ok(JsonRows { values, columns, slots })
    }

    /// Finds the columns in the row.
    fn fill(&mut self) -> Result<(), &'static str> {
        self.slots.fill(None);
        let text = self.values.text();
        let base = text.as_ptr() as usize;
        let range = |value: &str| {
            let start = value.as_ptr() as usize - base;
            start..start + value.len()
        };
        let Some(members) = Members::of(text) else {
            value_of(text).ok_or("not a JSON value")?;
            if let Some(column) = position(&self.columns, 0, VALUE) {
                self.slots[column] = Some(range(text));
            }
            return Ok(());
        };
        // Rows tend to have the same members in the same order.
        let mut next = 0;
        for member in members {
            let (name, value) = member?;
            value_of(value).ok_or("a member has no JSON value")?;
            if let Some(column) = position(&self.columns, next, &name) {
                self.slots[column] = Some(range(value));
                next = column + 1;
            }
        }
        Ok(())
    }
}

impl RowSource for JsonRows {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn advance(&mut self) -> DataResult<bool> {
        if !self.values.advance()? {
            return Ok(false);
        }
        self.fill().map_err(|reason| self.values.bad(reason))?;
        Ok(true)
    }

    fn value(&self, column: usize) -> Value<'_> {
        let slot = self.slots[column].clone();
        slot.and_then(|range| value_of(&self.values.text()[range])).unwrap_or(Value::Null)
    }
}

/// Which column has this name, looked for from `next` on.
fn position(columns: &[Column], next: usize, name: &str) -> Option<usize> {
    let (before, after) = columns.split_at(next.min(columns.len()));
    let found = after.iter().position(|column| column.name == name).map(|at| at + before.len());
    found.or_else(|| before.iter().position(|column| column.name == name))
}

/// The columns that the first rows have, in the order they appear.
fn columns(mut sample: Values) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    let mut seen = |name: &str| {
        if columns.len() < COLUMNS_MAX && position(&columns, 0, name).is_none() {
            columns.push(Column { name: name.to_owned(), kind: Kind::Any, cast: false });
        }
    };
    for _ in 0..SAMPLE {
        match sample.advance() {
            Ok(true) => match Members::of(sample.text()) {
                Some(members) => members.map_while(Result::ok).for_each(|(name, _)| seen(&name)),
                None => seen(VALUE),
            },
            Err(DataError::Row(_)) => {}
            // What is broken is told to whoever reads as far.
            Ok(false) | Err(_) => break,
        }
    }
    columns
}
