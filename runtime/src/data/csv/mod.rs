//! Text in rows of delimited fields, as RFC 4180 has it: CSV, TSV and their kin.

mod marks;
mod options;
mod reader;
mod rows;
mod scan;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use options::{CsvOptions, Delimiter, Header, Nulls, Types};
pub(crate) use rows::{CsvRows, is_code};
pub(super) use scan::{Dialect, Field, Scan, scan};
pub(crate) use write::CsvWriter;
