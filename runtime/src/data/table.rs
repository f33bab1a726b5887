//! Files as tables: rows with named, typed columns, one after another, whatever the format.

use std::collections::HashSet;

use cowry_vfs::Vfs;

use super::csv::{CsvOptions, CsvRows};
use super::error::DataResult;
use super::json::JsonRows;
use super::source::{Charset, Source};
use super::value::{Kind, Value};

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Values that do not fit make their row a bad one, instead of staying text.
    pub(crate) cast: bool,
    /// There was no value yet: the first ones there are decide about the kind.
    pub(crate) open: bool,
}

/// What rows are looked through for when their columns do not say enough.
pub(crate) struct Wanted<'a> {
    /// The columns that matter, in small letters; all there are if `None`.
    pub(crate) names: Option<&'a HashSet<String>>,
    /// Columns of numbers that have names such as `007` later are to be text.
    pub(crate) codes: bool,
    /// Whether to stop.
    pub(crate) stop: &'a dyn Fn() -> bool,
}

impl Wanted<'_> {
    /// Whether a column with this name matters.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.names.is_none_or(|names| names.contains(&name.to_ascii_lowercase()))
    }
}

/// Rows one after another. Memory is bounded by the longest row.
pub(crate) trait RowSource {
    fn columns(&self) -> &[Column];

    /// Moves to the next row; `false` at the end.
    ///
    /// # Errors
    /// [`DataError::Row`](super::DataError::Row) for a bad row, after which it can be called again; others end it.
    fn advance(&mut self) -> DataResult<bool>;

    /// What the row has in this column, which must be one of [`RowSource::columns`].
    fn value(&self, column: usize) -> Value<'_>;

    /// Whether no row can have a column that is not there yet.
    fn is_whole(&self) -> bool;

    /// Goes through the rows, to the end if it has to, for what the first ones did not tell of the columns. There may be
    /// no more rows afterwards; what is wrong with them is for whoever reads them to tell.
    ///
    /// # Errors
    /// [`DataError::Option`](super::DataError::Option) for more columns than can be told apart; what reading fails with.
    fn survey(&mut self, wanted: &Wanted<'_>) -> DataResult<()>;

    /// Takes columns as [`RowSource::survey`] left them in another source of the same file.
    fn settle(&mut self, columns: &[Column]);
}

/// The names with a number added to each that is there already: `a`, `a_2`.
pub(crate) fn distinct(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut taken: HashSet<String> = HashSet::new();
    let mut free = |name: String| {
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| !taken.contains(name));
        let name = free.expect("numbers go on for ever");
        taken.insert(name.clone());
        name
    };
    names.map(&mut free).collect()
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    Tsv,
    /// A JSON value on each line.
    Ndjson,
    /// One JSON array of rows, or one value that is the only row.
    Json,
}

impl Format {
    /// What the extension of a path says.
    pub(crate) fn of(path: &str) -> Option<Format> {
        let (_, extension) = path.rsplit('/').next()?.rsplit_once('.')?;
        Some(match extension.to_ascii_lowercase().as_str() {
            "csv" => Format::Csv,
            "tsv" | "tab" => Format::Tsv,
            "ndjson" | "jsonl" | "ldjson" => Format::Ndjson,
            "json" => Format::Json,
            _ => return None,
        })
    }
}

/// Opens a file as a table. `csv` is for the formats with delimiters; its delimiter counts for `Tsv` too, unless it
/// is left to sniffing.
///
/// # Errors
/// What opening and reading fail with; [`DataError::Row`](super::DataError::Row) for a bad header.
pub(crate) fn open(
    vfs: &Vfs,
    path: &str,
    format: Format,
    csv: &CsvOptions,
    charset: Charset,
) -> DataResult<Box<dyn RowSource>> {
    let source = Source::open(vfs, path, charset)?;
    Ok(match format {
        Format::Csv => Box::new(CsvRows::new(source, csv)?),
        Format::Tsv => Box::new(CsvRows::new(source, &csv.clone().tabbed())?),
        Format::Ndjson => Box::new(JsonRows::lines(source)?),
        Format::Json => Box::new(JsonRows::array(source)?),
    })
}
