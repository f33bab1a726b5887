//! JSON objects as rows with named columns.

use std::collections::HashSet;
use std::ops::Range;

use super::super::error::{DataError, DataResult};
use super::super::source::Source;
use super::super::table::{Column, RowSource, Wanted};
use super::super::value::{Kind, Value};
use super::members::{Members, value_of};
use super::values::{Layout, Values};

/// How many rows decide which columns there are, if the first chunk has as many.
const SAMPLE: usize = 1000;
/// How many columns are told apart.
const COLUMNS_MAX: usize = 2000;
/// How long their names are together.
const NAMES_MAX: usize = 1 << 20;
/// How many rows pass between two looks at whether to stop.
const LOOK: u64 = 1024;
/// The column of values that are no objects.
const VALUE: &str = "value";

/// Rows of a JSON file. The columns are the members of the first thousand objects, and those that [`RowSource::survey`] finds
/// later. A value that is no object is a row with the one column `value`.
#[derive(Debug)]
pub(crate) struct JsonRows {
    values: Values,
    columns: Vec<Column>,
    /// Where in the text of the row the value of each column is.
    slots: Vec<Option<Range<usize>>>,
    /// No row has other columns.
    is_whole: bool,
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
        let (sample, is_all) = values.sample();
        let (columns, is_whole) = columns(sample);
        let slots = vec![None; columns.len()];
        Ok(JsonRows { values, columns, slots, is_whole: is_all && is_whole })
    }

    /// Adds columns that the row has and that were not there.
    fn find(&mut self, wanted: &Wanted<'_>, known: &mut HashSet<String>) -> DataResult<()> {
        let mut see = |name: &str| {
            if !known.contains(name) && wanted.wants(name) {
                known.insert(name.to_owned());
                self.columns.push(column(name));
            }
        };
        match Members::of(self.values.text()) {
            Some(members) => members.map_while(Result::ok).for_each(|(name, _)| see(&name)),
            None => see(VALUE),
        }
        let bytes: usize = self.columns.iter().map(|column| column.name.len()).sum();
        if self.columns.len() <= COLUMNS_MAX && bytes <= NAMES_MAX {
            return Ok(());
        }
        Err(DataError::Option(format!(
            "there are more than {COLUMNS_MAX} names of members, or very long ones: say in the query which of them \
             are columns instead of *"
        )))
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

    fn is_whole(&self) -> bool {
        self.is_whole
    }

    fn survey(&mut self, wanted: &Wanted<'_>) -> DataResult<()> {
        if wanted.names.is_some() && self.columns.len() == COLUMNS_MAX {
            // Room for those that matter.
            self.columns.retain(|column| wanted.wants(&column.name));
        }
        let mut known: HashSet<String> = self.columns.iter().map(|column| column.name.clone()).collect();
        for count in 1_u64.. {
            match self.values.advance() {
                Ok(true) => self.find(wanted, &mut known)?,
                Err(DataError::Row(_)) => {}
                Ok(false) | Err(DataError::Broken { .. }) => break,
                Err(error) => return Err(error),
            }
            if count % LOOK == 0 && (wanted.stop)() {
                break;
            }
        }
        self.slots = vec![None; self.columns.len()];
        Ok(())
    }

    fn settle(&mut self, columns: &[Column]) {
        self.columns = columns.to_vec();
        self.slots = vec![None; columns.len()];
    }
}

fn column(name: &str) -> Column {
    Column { name: name.to_owned(), kind: Kind::Any, cast: false, open: false }
}

/// Which column has this name, looked for from `next` on.
fn position(columns: &[Column], next: usize, name: &str) -> Option<usize> {
    let (before, after) = columns.split_at(next.min(columns.len()));
    let found = after.iter().position(|column| column.name == name).map(|at| at + before.len());
    found.or_else(|| before.iter().position(|column| column.name == name))
}

/// The columns that the first rows have, in the order they appear, and whether there are no others in them.
fn columns(mut sample: Values) -> (Vec<Column>, bool) {
    let (mut columns, mut is_whole): (Vec<Column>, bool) = (Vec::new(), true);
    let mut see = |name: &str| {
        if position(&columns, 0, name).is_some() {
            return;
        }
        match columns.len() < COLUMNS_MAX {
            true => columns.push(column(name)),
            false => is_whole = false,
        }
    };
    for _ in 0..SAMPLE {
        match sample.advance() {
            Ok(true) => match Members::of(sample.text()) {
                Some(members) => members.map_while(Result::ok).for_each(|(name, _)| see(&name)),
                None => see(VALUE),
            },
            Err(DataError::Row(_)) => {}
            Ok(false) => return (columns, is_whole),
            // What is broken is told to whoever reads as far.
            Err(_) => return (columns, false),
        }
    }
    (columns, false)
}
