//! Text in rows of delimited fields, as RFC 4180 has it: CSV, TSV and their kin.

mod options;
mod reader;
mod rows;
mod scan;
#[cfg(test)]
mod tests;

pub(crate) use options::{CsvOptions, Delimiter, Header, Nulls, Types};
pub(crate) use reader::{Reader, Record};
pub(crate) use rows::CsvRows;
pub(crate) use scan::{Dialect, Field, Scan, scan};
