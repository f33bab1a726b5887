//! Records one after another: rows as they stand in the file, with their lines.

use std::borrow::Cow;

use super::super::error::{BadRow, DataError, DataResult};
use super::super::sniff;
use super::super::source::Source;
use super::options::{CsvOptions, Delimiter};
use super::scan::{Dialect, Field, Row, Scan, scan};

/// How long a row can be. A quote that is never closed would make the rest of the file one.
const ROW_MAX: usize = 16 << 20;

/// One row. Blank lines and comments are none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    row: &'a str,
    fields: &'a [Field],
    quote: u8,
    /// The line it begins on, from 1.
    pub(crate) line: u64,
}

impl<'a> Record<'a> {
    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }

    /// The row as it stands in the file, its line end included.
    pub(crate) fn row(&self) -> &'a [u8] {
        self.row.as_bytes()
    }

    /// The field with this number, from 0; `None` past the last one.
    pub(crate) fn get(&self, index: usize) -> Option<Cell<'a>> {
        let field = self.fields.get(index)?;
        // Fields end at ASCII characters.
        let raw = &self.row[field.start..field.end];
        let text = if field.doubled { Cow::Owned(halved(raw, self.quote)) } else { Cow::Borrowed(raw) };
        Some(Cell { text, quoted: field.quoted })
    }

    /// All fields in order.
    pub(crate) fn cells(self) -> impl Iterator<Item = Cell<'a>> + Clone {
        (0..self.len()).map(move |index| self.get(index).expect("the index is below the length"))
    }
}

/// One field.
#[derive(Clone, Debug)]
pub(crate) struct Cell<'a> {
    /// What it says, quotes undone.
    pub(crate) text: Cow<'a, str>,
    /// Whether it stood in quotes, which an empty text does and a null does not.
    pub(crate) quoted: bool,
}

/// What is between quotes with each pair of them made one.
fn halved(raw: &str, quote: u8) -> String {
    let quote = char::from(quote);
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(quote) {
        out.push_str(&rest[..=at]);
        rest = &rest[at + 1..];
        rest = rest.strip_prefix(quote).unwrap_or(rest);
    }
    out.push_str(rest);
    out
}

/// Reads records. Memory is bounded by the longest row.
#[derive(Debug)]
pub(crate) struct Reader {
    source: Source,
    dialect: Dialect,
    fields: Vec<Field>,
    /// The line that follows the last record.
    line: u64,
    /// The line the last record begins on.
    at: u64,
    /// What the last record takes of the window.
    taken: usize,
    /// How much of that is known to be text: all, or nothing of a row that is none.
    text: usize,
}

impl Reader {
    /// Begins to read; what the options leave open is told by the looks of the first chunk.
    ///
    /// # Errors
    /// [`DataError::Option`] for a delimiter that is the quote; what reading fails with.
    pub(crate) fn new(mut source: Source, options: &CsvOptions) -> DataResult<Reader> {
        let mut line = 1;
        let said = separator_line(source.window());
        if let Some((_, length)) = said {
            source.consume(length);
            line += 1;
        }
        let cr_only = sniff::is_cr_only(source.window());
        let mut dialect =
            Dialect { delimiter: b',', quote: options.quote, comment: options.comment, cr_only };
        dialect.delimiter = match (options.delimiter, said) {
            (Delimiter::Given(delimiter), _) | (Delimiter::Auto, Some((delimiter, _))) => delimiter,
            (Delimiter::Auto, None) => sniff::delimiter(source.window(), source.is_ended(), &dialect),
        };
        if dialect.quote == Some(dialect.delimiter) {
            let what = char::from(dialect.delimiter);
            return Err(DataError::Option(format!(
                "delimiter and quote are both '{what}'; say another quote"
            )));
        }
        Ok(Reader { source, dialect, fields: Vec::new(), line, at: line, taken: 0, text: 0 })
    }

    /// The next record, or `None` at the end. After an [`DataError::Row`] it can be called again.
    ///
    /// # Errors
    /// [`DataError::Row`] for text after a closing quote, a quote that is never closed (the row is then one line)
    /// and bytes that are no UTF-8; [`DataError::Broken`] for a line of more than 16 MiB; what reading fails with.
    pub(crate) fn next(&mut self) -> DataResult<Option<Record<'_>>> {
        Ok(if self.advance()? { Some(self.record()) } else { None })
    }

    /// Moves to the next record, as [`Reader::next`] does; `false` at the end.
    ///
    /// # Errors
    /// As [`Reader::next`].
    pub(crate) fn advance(&mut self) -> DataResult<bool> {
        self.text = 0;
        let Some(row) = self.find()? else { return Ok(false) };
        if let Some(field) = row.malformed {
            return Err(self.bad(format!("field {field} goes on after its closing quote")));
        }
        if !self.source.is_text(row.length) {
            let reason = "not valid UTF-8; say which encoding it is, such as encoding: 'latin1'";
            return Err(self.bad(reason.to_owned()));
        }
        self.text = row.length;
        Ok(true)
    }

    /// What is wrong with the row that was found.
    fn bad(&self, reason: String) -> DataError {
        DataError::Row(BadRow::new(self.at, reason, &self.source.window()[..self.taken]))
    }

    /// The record that [`Reader::advance`] moved to; one without fields where it did not.
    pub(crate) fn record(&self) -> Record<'_> {
        // SAFETY: `advance` counts as text only what it found to be valid, and the window has not moved since.
        let row = unsafe { std::str::from_utf8_unchecked(&self.source.window()[..self.text]) };
        Record {
            row,
            fields: if self.text > 0 { &self.fields } else { &[] },
            quote: self.dialect.quote.unwrap_or(b'"'),
            line: self.at,
        }
    }

    /// Another reader over what this one has in its window, and whether that is all there is.
    pub(crate) fn sample(&self) -> (Reader, bool) {
        let source = Source::text(self.source.window()[self.taken..].to_vec());
        let Reader { dialect, line, .. } = *self;
        let sample = Reader { source, dialect, fields: Vec::new(), line, at: 0, taken: 0, text: 0 };
        (sample, self.source.is_ended())
    }

    /// Whether the source has nothing left.
    pub(crate) fn is_at_end(&self) -> bool {
        self.source.is_ended() && self.source.window().len() == self.taken
    }

    /// Moves to the next row that is one.
    fn find(&mut self) -> DataResult<Option<Row>> {
        loop {
            self.source.consume(std::mem::take(&mut self.taken));
            if self.source.window().is_empty() {
                if self.source.is_ended() {
                    return Ok(None);
                }
                self.source.fill()?;
                continue;
            }
            if self.dialect.is_comment(self.source.window()) {
                self.skip_line()?;
                continue;
            }
            self.fields.clear();
            match scan(self.source.window(), self.source.is_ended(), &self.dialect, &mut self.fields) {
                Scan::Row(row) => {
                    self.at = self.line;
                    self.taken = row.length;
                    self.line += row.lines;
                    if !matches!(self.fields[..], [field] if field.is_empty()) {
                        return Ok(Some(row));
                    }
                }
                Scan::More if self.source.window().len() > ROW_MAX => return Err(self.too_long()),
                Scan::More => self.source.fill()?,
                Scan::Open { field } => return Err(self.open(field)),
            }
        }
    }

    /// A row of more than 16 MiB: more likely a quote that is open.
    fn too_long(&mut self) -> DataError {
        let field = self.fields.len() + 1;
        let is_quoted = self.dialect.quote.is_some_and(|quote| {
            let start = self.fields.last().map_or(0, |last| last.end + usize::from(last.quoted) + 1);
            self.source.window().get(start) == Some(&quote)
        });
        if is_quoted && memchr::memchr(self.end(), self.source.window()).is_some() {
            return self.open(field);
        }
        DataError::broken(self.line, "a line of more than 16 MiB; is this a file of rows?")
    }

    /// A quote that is never closed. Reading goes on with the next line, so that one slip costs one line.
    fn open(&mut self, field: usize) -> DataError {
        let window = self.source.window();
        let length = memchr::memchr(self.end(), window).map_or(window.len(), |at| at + 1);
        let reason = format!("the quote that opens field {field} is never closed");
        let error = DataError::Row(BadRow::new(self.line, reason, &window[..length]));
        self.taken = length;
        self.line += 1;
        error
    }

    fn skip_line(&mut self) -> DataResult<()> {
        loop {
            match memchr::memchr(self.end(), self.source.window()) {
                Some(at) => {
                    self.source.consume(at + 1);
                    self.line += 1;
                    return Ok(());
                }
                None => {
                    self.source.consume(self.source.window().len());
                    if self.source.is_ended() {
                        return Ok(());
                    }
                    self.source.fill()?;
                }
            }
        }
    }

    fn end(&self) -> u8 {
        if self.dialect.cr_only { b'\r' } else { b'\n' }
    }
}

/// The first line in which spreadsheets say what the delimiter is, `sep=;`, and its length.
fn separator_line(window: &[u8]) -> Option<(u8, usize)> {
    let (delimiter, rest) = window.strip_prefix(b"sep=")?.split_first()?;
    let length = match rest {
        [b'\r', b'\n', ..] => 7,
        [b'\n' | b'\r', ..] => 6,
        _ => return None,
    };
    delimiter.is_ascii().then_some((*delimiter, length))
}
