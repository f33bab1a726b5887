//! Records as rows with named and typed columns.

use super::super::error::{BadRow, DataError, DataResult};
use super::super::sniff::{self, Guess};
use super::super::source::Source;
use super::super::table::{Column, RowSource, distinct};
use super::super::value::{Kind, Value};
use super::options::{CsvOptions, Header, Nulls, Types};
use super::reader::{Cell, Reader, Record};

/// How many rows decide about the kinds of columns, if the first chunk has as many.
const SAMPLE: usize = 1000;

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
        let kind = |index: usize| guesses.get(index).copied().unwrap_or_default().kind();
        let all = names.into_iter().enumerate();
        let mut columns: Vec<Column> =
            all.map(|(index, name)| Column { name, kind: kind(index), cast: false }).collect();
        cast(&mut columns, &options.types)?;
        let width = (strict && !options.ragged).then_some(columns.len());
        let fields = chosen(&columns, options.columns.as_deref())?;
        let columns: Vec<Column> = fields.iter().map(|&field| columns[field].clone()).collect();
        let casts = columns.iter().any(|column| column.cast);
        let empty_is_null = nulls.iter().any(String::is_empty);
        let nulls = nulls.into_iter().filter(|null| !null.is_empty()).collect();
        Ok(CsvRows { reader, columns, fields, width, empty_is_null, nulls, casts })
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
    let (mut sample, is_all) = reader.sample();
    let mut guesses = vec![Guess::default(); columns];
    for _ in 0..SAMPLE {
        match sample.advance() {
            // What a chunk ends with may be half a row.
            Ok(true) if is_all || !sample.is_at_end() => see(&mut guesses, sample.record(), nulls),
            Ok(_) => break,
            Err(DataError::Row(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(guesses)
}

fn see(guesses: &mut [Guess], record: Record<'_>, nulls: &[String]) {
    for (guess, cell) in guesses.iter_mut().zip(record.cells()) {
        let is_null = cell.text.is_empty() || (!cell.quoted && nulls.iter().any(|null| *null == cell.text));
        if !is_null {
            guess.see(&cell.text);
        }
    }
}

/// Applies the kinds that were asked for.
fn cast(columns: &mut [Column], types: &Types) -> DataResult<()> {
    let Types::Cast(casts) = types else { return Ok(()) };
    for (name, kind) in casts {
        let field = position(columns, name)?;
        (columns[field].kind, columns[field].cast) = (*kind, true);
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
