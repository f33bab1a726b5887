//! What `csv('/a.csv', 'delimiter=;')` says: which file, and how to read it.

use crate::data::csv::{CsvOptions, Delimiter, Header, Nulls, Types};
use crate::data::{Charset, Format, Kind};

/// A file, or several that are alike, and how to read them.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// A path, or a pattern.
    pub(crate) path: String,
    pub(crate) format: Format,
    pub(crate) csv: CsvOptions,
    pub(crate) charset: Charset,
    /// Bad rows are left out instead of ending the query.
    pub(crate) skip_bad: bool,
}

/// The options there are, for the error that says so.
const OPTIONS: &str = "delimiter, quote, header, types, null, comment, ragged, encoding, bad";

impl Reading {
    /// What the path and the options say; without a reader's name the extension of the path tells the format.
    ///
    /// # Errors
    /// One line that says what can be written.
    pub(crate) fn new(reader: Option<&str>, path: String, options: &[String]) -> Result<Reading, String> {
        let format = match reader {
            Some("csv") => Format::Csv,
            Some("tsv") => Format::Tsv,
            Some("ndjson") => Format::Ndjson,
            Some(_) => Format::Json,
            None => Format::of(&path).ok_or_else(|| {
                format!(
                    "'{path}': the name does not say what the file is; write csv('{path}'), tsv, ndjson or json"
                )
            })?,
        };
        let csv = CsvOptions::default();
        let mut reading = Reading { path, format, csv, charset: Charset::Auto, skip_bad: false };
        options.iter().try_for_each(|option| reading.set(option))?;
        Ok(reading)
    }

    fn set(&mut self, option: &str) -> Result<(), String> {
        let (name, value) =
            option.split_once('=').ok_or_else(|| format!("option '{option}': write name=value"))?;
        let csv = &mut self.csv;
        match name.trim() {
            "delimiter" => csv.delimiter = Delimiter::Given(one_byte(name, value)?),
            "quote" if value.is_empty() => csv.quote = None,
            "quote" => csv.quote = Some(one_byte(name, value)?),
            "comment" => csv.comment = Some(one_byte(name, value)?),
            "header" => csv.header = header(value),
            "types" => csv.types = types(value)?,
            "null" => csv.nulls = Nulls::Given(value.split('|').map(str::to_owned).collect()),
            "ragged" => csv.ragged = yes(name, value)?,
            "encoding" => self.charset = Charset::named(value).map_err(|error| error.to_string())?,
            "bad" => self.skip_bad = bad(value)?,
            _ => return Err(format!("option '{name}' is not known; there are {OPTIONS}")),
        }
        Ok(())
    }
}

fn one_byte(name: &str, value: &str) -> Result<u8, String> {
    match value.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r') => Ok(*byte),
        _ => Err(format!("option {name}: '{value}' is not one ASCII character, or tab")),
    }
}

/// `true`, `false`, `auto`, or the names of the columns.
fn header(value: &str) -> Header {
    match value {
        "true" => Header::First,
        "false" => Header::None,
        "auto" => Header::Auto,
        names => Header::Names(names.split(',').map(|name| name.trim().to_owned()).collect()),
    }
}

/// `auto`, `text`, or `column:kind,column:kind`.
fn types(value: &str) -> Result<Types, String> {
    let cast = |part: &str| {
        let (column, kind) = part.rsplit_once(':')?;
        Some((column.trim().to_owned(), Kind::named(kind.trim())?))
    };
    match value {
        "auto" => Ok(Types::Auto),
        "text" => Ok(Types::Text),
        casts => casts.split(',').map(cast).collect::<Option<_>>().map(Types::Cast).ok_or_else(|| {
            format!("option types: '{value}' is not auto, text, or column:kind with text, integer, real or boolean")
        }),
    }
}

fn yes(name: &str, value: &str) -> Result<bool, String> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("option {name}: '{value}' is neither true nor false")),
    }
}

fn bad(value: &str) -> Result<bool, String> {
    match value {
        "skip" => Ok(true),
        "error" => Ok(false),
        _ => Err(format!("option bad: '{value}' is neither error nor skip")),
    }
}
