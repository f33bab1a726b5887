//! Records as rows with named and typed columns.

use super::super::error::{BadRow, DataError, DataResult};
use super::super::sniff::{self, Guess};
use super::super::source::Source;
use super::super::table::{Column, RowSource, Wanted, distinct};
use super::super::value::{Kind, Value};
use super::options::{CsvOptions, Header, Nulls, Types};
use super::reader::{Cell, Reader, Record};

/// How many rows decide about the kinds of columns, if the first chunk has as many.
const SAMPLE: usize = 1000;

/// How many rows pass between two looks at whether to stop.
const LOOK: u64 = 1024;

/// Rows of a file with delimiters.
#[derive(Debug)]
pub(crate) struct CsvRows {
    reader: Reader,
    columns: Vec<Column>,
    /// Which field of a record each column is.
    fields: Vec<usize>,
    /// How many fields a record has; `None` if any number is right.
    width: Option<usize>,
    /// Whether nothing is a null, and what else is.
    empty_is_null: bool,
    nulls: Vec<String>,
    casts: bool,
}

impl CsvRows {
    /// Reads the header and looks at the first rows.
    ///
    /// # Errors
    /// [`DataError::Row`] for a header that is a bad row, [`DataError::Option`] for options that name a column
    /// that is not there; what reading fails with.
    pub(crate) fn new(source: Source, options: &CsvOptions) -> DataResult<CsvRows> {
        let mut reader = Reader::new(source, options)?;
        let (names, strict) = names(&mut reader, &options.header)?;
        let nulls = nulls(options);
        let guesses = match &options.types {
            Types::Text => Vec::new(),
            Types::Auto | Types::Cast(_) => guess(&reader, &nulls, names.len())?,
        };
        let guess = |index: usize| guesses.get(index).copied();
        let column = |(index, name)| Column {
            name,
            kind: guess(index).unwrap_or_default().kind(),
            cast: false,
            open: guess(index).is_some_and(Guess::is_open),
        };
        let mut columns: Vec<Column> = names.into_iter().enumerate().map(column).collect();
        cast(&mut columns, &options.types)?;
        let width = (strict && !options.ragged).then_some(columns.len());
        let fields = chosen(&columns, options.columns.as_deref())?;
        let columns: Vec<Column> = fields.iter().map(|&field| columns[field].clone()).collect();
        let casts = columns.iter().any(|column| column.cast);
        let empty_is_null = nulls.iter().any(String::is_empty);
        let nulls = nulls.into_iter().filter(|null| !null.is_empty()).collect();
        Ok(CsvRows { reader, columns, fields, width, empty_is_null, nulls, casts })
    }

    /// Decides about columns that had no value before this row. The rows that are there already decide, as at the beginning.
    fn decide(&mut self) -> DataResult<()> {
        let record = self.reader.record();
        let has_value = |field: &usize| record.get(*field).is_some_and(|cell| !is_null(&cell, &self.nulls));
        let of_columns = self.columns.iter().zip(&self.fields);
        if !of_columns.into_iter().any(|(column, field)| column.open && has_value(field)) {
            return Ok(());
        }
        let count = self.fields.iter().max().map_or(0, |last| last + 1);
        let mut guesses = vec![Guess::default(); count];
        see(&mut guesses, record, &self.nulls);
        see_next(&mut guesses, &self.reader, &self.nulls)?;
        for (column, field) in self.columns.iter_mut().zip(&self.fields).filter(|(column, _)| column.open) {
            (column.kind, column.open) = (guesses[*field].kind(), guesses[*field].is_open());
        }
        Ok(())
    }

    /// Makes text of the columns of numbers that have a name made of digits in this row.
    fn find_codes(&mut self, wanted: &Wanted<'_>) {
        let is_code = |at: &usize| {
            let column = &self.columns[*at];
            let is_number = !column.cast && !column.open && column.kind != Kind::Text;
            is_number
                && wanted.wants(&column.name)
                && matches!(self.value(*at), Value::Text(text) if is_code(&text))
        };
        let found: Vec<usize> = (0..self.columns.len()).filter(is_code).collect();
        found.into_iter().for_each(|at| self.columns[at].kind = Kind::Text);
    }

    /// How many columns the row has a field for: all unless rows may be ragged.
    pub(crate) fn filled(&self) -> usize {
        let length = self.reader.record().len();
        self.fields.iter().filter(|&&field| field < length).count()
    }

    fn is_null(&self, cell: &Cell<'_>) -> bool {
        let is_null = || match cell.text.is_empty() {
            true => self.empty_is_null,
            false => self.nulls.iter().any(|null| *null == cell.text),
        };
        !cell.quoted && is_null()
    }

    fn of(&self, cell: &Cell<'_>, column: &Column) -> Option<Value<'static>> {
        if self.is_null(cell) {
            return Some(Value::Null);
        }
        match column.kind {
            Kind::Text | Kind::Any => None,
            // Who quotes everything writes nothing so.
            _ if cell.text.is_empty() && (self.empty_is_null || !self.nulls.is_empty()) => Some(Value::Null),
            // That the first rows are whole does not make text of a later one that is not.
            Kind::Integer if !column.cast => Kind::Real.read(&cell.text),
            kind => kind.read(&cell.text),
        }
    }

    /// What is wrong with the row, if something is.
    fn fault(&self) -> Option<String> {
        let record = self.reader.record();
        if let Some(width) = self.width.filter(|width| *width != record.len()) {
            let fields = |count: usize| if count == 1 { "1 field".into() } else { format!("{count} fields") };
            return Some(format!("{} where the header has {width}", fields(record.len())));
        }
        if !self.casts {
            return None;
        }
        let mut casts = self.columns.iter().zip(&self.fields).filter(|(column, _)| column.cast);
        casts.find_map(|(column, &field)| {
            let cell = record.get(field)?;
            let fits = self.of(&cell, column).is_some() || column.kind.cast(&cell.text).is_some();
            let is_text = column.kind == Kind::Text;
            let what = || format!("column '{}': '{}' is not {}", column.name, cell.text, column.kind.name());
            (!fits && !is_text).then(what)
        })
    }
}

impl RowSource for CsvRows {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn advance(&mut self) -> DataResult<bool> {
        if !self.reader.advance()? {
            return Ok(false);
        }
        match self.fault() {
            None if self.columns.iter().any(|column| column.open) => self.decide().map(|()| true),
            None => Ok(true),
            Some(reason) => {
                let record = self.reader.record();
                Err(DataError::Row(BadRow::new(record.line, reason, record.row())))
            }
        }
    }

    fn value(&self, column: usize) -> Value<'_> {
        let Some(cell) = self.reader.record().get(self.fields[column]) else { return Value::Null };
        let column = &self.columns[column];
        let read = self.of(&cell, column);
        let read = if column.cast { read.or_else(|| column.kind.cast(&cell.text)) } else { read };
        read.unwrap_or(Value::Text(cell.text))
    }

    fn is_whole(&self) -> bool {
        true
    }

    fn survey(&mut self, wanted: &Wanted<'_>) -> DataResult<()> {
        for count in 1_u64.. {
            let is_open = |column: &Column| column.open && wanted.wants(&column.name);
            if !wanted.codes && !self.columns.iter().any(is_open) {
                break;
            }
            match self.advance() {
                Ok(true) if wanted.codes => self.find_codes(wanted),
                Ok(true) | Err(DataError::Row(_)) => {}
                Ok(false) | Err(DataError::Broken { .. }) => break,
                Err(error) => return Err(error),
            }
            if count % LOOK == 0 && (wanted.stop)() {
                break;
            }
        }
        Ok(())
    }

    fn settle(&mut self, columns: &[Column]) {
        for column in &mut self.columns {
            if let Some(found) = columns.iter().find(|found| found.name == column.name) {
                column.clone_from(found);
            }
        }
    }
}

/// Whether it is digits alone, as those names are that SQLite would take for numbers.
pub(crate) fn is_code(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The names of the columns, and whether every row must have as many fields.
fn names(reader: &mut Reader, header: &Header) -> DataResult<(Vec<String>, bool)> {
    let given = match header {
        Header::Names(names) => return Ok((unique(names.iter().map(String::as_str)), true)),
        Header::First => true,
        Header::None => false,
        Header::Auto => match reader.sample().0.next() {
            Ok(Some(first)) => {
                let cells: Vec<_> = first.cells().map(|cell| cell.text).collect();
                sniff::is_header(cells.iter().map(|cell| cell.as_ref()))
            }
            Ok(None) | Err(_) => true,
        },
    };
    if !given {
        let count = match reader.sample().0.next() {
            Ok(Some(first)) => first.len(),
            Ok(None) | Err(_) => 0,
        };
        return Ok((unique(std::iter::repeat_n("", count)), false));
    }
    let first = reader.next()?;
    let cells: Vec<_> = first.iter().flat_map(|record| record.cells()).map(|cell| cell.text).collect();
    Ok((unique(cells.iter().map(|cell| cell.trim())), true))
}

/// Names of columns: what has none is `c` and its number, and what is there already has a number added.
fn unique<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let name = |(index, name): (usize, &str)| {
        if name.is_empty() { format!("c{}", index + 1) } else { name.to_owned() }
    };
    distinct(names.enumerate().map(name))
}

fn nulls(options: &CsvOptions) -> Vec<String> {
    match (&options.nulls, &options.types) {
        (Nulls::Given(nulls), _) => nulls.clone(),
        (Nulls::Auto, Types::Text) => Vec::new(),
        (Nulls::Auto, _) => vec![String::new()],
    }
}

/// Looks at the first rows.
fn guess(reader: &Reader, nulls: &[String], columns: usize) -> DataResult<Vec<Guess>> {
    let mut guesses = vec![Guess::default(); columns];
    see_next(&mut guesses, reader, nulls)?;
    Ok(guesses)
}

/// Looks at the next rows, as far as they are there.
fn see_next(guesses: &mut [Guess], reader: &Reader, nulls: &[String]) -> DataResult<()> {
    let (mut sample, is_all) = reader.sample();
    for _ in 0..SAMPLE {
        match sample.advance() {
            // What a chunk ends with may be half a row.
            Ok(true) if is_all || !sample.is_at_end() => see(guesses, sample.record(), nulls),
            Ok(_) => break,
            Err(DataError::Row(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn see(guesses: &mut [Guess], record: Record<'_>, nulls: &[String]) {
    for (guess, cell) in guesses.iter_mut().zip(record.cells()) {
        if !is_null(&cell, nulls) {
            guess.see(&cell.text);
        }
    }
}

/// Whether a field says nothing of what its column holds.
fn is_null(cell: &Cell<'_>, nulls: &[String]) -> bool {
    cell.text.is_empty() || (!cell.quoted && nulls.iter().any(|null| *null == cell.text))
}

/// Applies the kinds that were asked for.
fn cast(columns: &mut [Column], types: &Types) -> DataResult<()> {
    let Types::Cast(casts) = types else { return Ok(()) };
    for (name, kind) in casts {
        let field = position(columns, name)?;
        let column = &mut columns[field];
        (column.kind, column.cast, column.open) = (*kind, true, false);
    }
    Ok(())
}

/// Which fields are asked for, in the order asked for.
fn chosen(columns: &[Column], names: Option<&[String]>) -> DataResult<Vec<usize>> {
    match names {
        None => Ok((0..columns.len()).collect()),
        Some(names) => names.iter().map(|name| position(columns, name)).collect(),
    }
}

fn position(columns: &[Column], name: &str) -> DataResult<usize> {
    columns.iter().position(|column| column.name == name).ok_or_else(|| {
        let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
        DataError::Option(format!("there is no column '{name}'; there are: {}", names.join(", ")))
    })
}
