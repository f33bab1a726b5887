//! Options as JavaScript hands them over: JSON that was looked through there, and is not trusted here.

use serde::Deserialize;

use super::JsDataError;
use crate::data::csv::{CsvOptions, CsvRows, CsvWriter, Delimiter, Header, Nulls, Types};
use crate::data::json::{Layout, Values};
use crate::data::{Charset, DataError, Kind, OnBad, Rows, Source};

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    Csv,
    Tsv,
    Ndjson,
    Json,
}

/// How rows are to be read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ReadOptions {
    pub(super) format: Format,
    delimiter: Option<String>,
    quote: Option<String>,
    header: Option<JsHeader>,
    columns: Option<Vec<String>>,
    types: Option<JsTypes>,
    encoding: Option<String>,
    null_values: Option<Vec<String>>,
    comment: Option<String>,
    #[serde(default)]
    ragged: bool,
    bad: Option<Bad>,
    /// Where in a JSON document the rows are.
    pub(super) at: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum JsHeader {
    Has(bool),
    Auto(String),
    Names(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum JsTypes {
    Any(bool),
    Auto(String),
    Cast(serde_json::Map<String, serde_json::Value>),
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Bad {
    Skip,
    Report,
}

impl ReadOptions {
    pub(super) fn parse(json: &str) -> Result<ReadOptions, JsDataError> {
        serde_json::from_str(json).map_err(|error| JsDataError::option(format!("options: {error}")))
    }

    pub(super) fn on_bad(&self) -> OnBad {
        match self.bad {
            None => OnBad::Throw,
            Some(Bad::Skip) => OnBad::Skip,
            Some(Bad::Report) => OnBad::Report,
        }
    }

    pub(super) fn charset(&self) -> Result<Charset, JsDataError> {
        let named = self.encoding.as_deref().map_or(Ok(Charset::Auto), Charset::named);
        named.map_err(|error| JsDataError::new(error, ""))
    }

    /// Begins to read.
    pub(super) fn rows(&self, source: Source) -> Result<Rows, DataError> {
        Ok(match self.format {
            Format::Ndjson => Rows::Json(Values::new(source, Layout::Lines)),
            Format::Json => Rows::Json(Values::new(source, Layout::Array)),
            Format::Csv | Format::Tsv => {
                let options = self.csv()?;
                let rows = CsvRows::new(source, &options)?;
                if options.header == Header::None { Rows::arrays(rows) } else { Rows::objects(rows) }
            }
        })
    }

    fn csv(&self) -> Result<CsvOptions, DataError> {
        let options = CsvOptions {
            delimiter: match self.delimiter.as_deref() {
                None | Some("auto") => Delimiter::Auto,
                Some(text) => Delimiter::Given(single("delimiter", text)?),
            },
            quote: match self.quote.as_deref() {
                None => Some(b'"'),
                Some("") => None,
                Some(text) => Some(single("quote", text)?),
            },
            header: self.header()?,
            columns: self.columns.clone(),
            types: self.types()?,
            nulls: self.null_values.clone().map_or(Nulls::Auto, Nulls::Given),
            comment: self.comment.as_deref().map(|text| single("comment", text)).transpose()?,
            ragged: self.ragged,
        };
        Ok(if self.format == Format::Tsv { options.tabbed() } else { options })
    }

    fn header(&self) -> Result<Header, DataError> {
        Ok(match &self.header {
            None | Some(JsHeader::Has(true)) => Header::First,
            Some(JsHeader::Has(false)) => Header::None,
            Some(JsHeader::Names(names)) => Header::Names(names.clone()),
            Some(JsHeader::Auto(text)) if text == "auto" => Header::Auto,
            Some(JsHeader::Auto(text)) => {
                return Err(DataError::Option(format!("header '{text}': say true, false, 'auto' or names")));
            }
        })
    }

    fn types(&self) -> Result<Types, DataError> {
        let wrong = |what: String| {
            DataError::Option(format!(
                "types {what}: say 'text', 'integer', 'real' or 'boolean' for a column"
            ))
        };
        match &self.types {
            None | Some(JsTypes::Any(true)) => Ok(Types::Auto),
            Some(JsTypes::Any(false)) => Ok(Types::Text),
            Some(JsTypes::Auto(text)) if text == "auto" => Ok(Types::Auto),
            Some(JsTypes::Auto(text)) => Err(wrong(format!("'{text}'"))),
            Some(JsTypes::Cast(casts)) => {
                let cast = |(name, kind): (&String, &serde_json::Value)| {
                    let known = kind.as_str().and_then(Kind::named);
                    Ok((name.clone(), known.ok_or_else(|| wrong(format!("{kind} of '{name}'")))?))
                };
                casts.iter().map(cast).collect::<Result<_, _>>().map(Types::Cast)
            }
        }
    }
}

/// How rows are to be written.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WriteOptions {
    delimiter: Option<String>,
    quote: Option<String>,
    line_end: Option<String>,
    columns: Vec<String>,
    chosen: bool,
    null_value: Option<String>,
}

impl WriteOptions {
    pub(super) fn parse(json: &str) -> Result<CsvWriter, JsDataError> {
        let options: WriteOptions =
            serde_json::from_str(json).map_err(|error| JsDataError::option(format!("options: {error}")))?;
        options.writer().map_err(|error| JsDataError::new(error, ""))
    }

    fn writer(self) -> Result<CsvWriter, DataError> {
        Ok(CsvWriter {
            delimiter: self.delimiter.map_or(Ok(b','), |text| single("delimiter", &text))?,
            quote: self.quote.map_or(Ok(b'"'), |text| single("quote", &text))?,
            line_end: match self.line_end.as_deref() {
                None | Some("\n") => "\n",
                Some("\r\n") => "\r\n",
                Some(_) => return Err(DataError::Option("lineEnd: say '\\n' or '\\r\\n'".to_owned())),
            },
            columns: self.columns,
            chosen: self.chosen,
            null: self.null_value.unwrap_or_default(),
        })
    }
}

/// One ASCII character that is no line end.
fn single(option: &str, text: &str) -> Result<u8, DataError> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'\r' | b'\n') => Ok(*byte),
        _ => Err(DataError::Option(format!("{option} '{text}': it has to be one ASCII character"))),
    }
}
