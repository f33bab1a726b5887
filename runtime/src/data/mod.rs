//! Data in files: rows with delimiters, lines of JSON, JSON by path, read and written a piece at a time.
//!
//! Nothing here knows JavaScript, and nothing holds a whole file: a [`Source`] is a window of text that moves over
//! a file, and readers find rows in it without copying them. It runs in the sandbox: the bytes are hostile.

mod batch;
pub(crate) mod csv;
mod error;
pub(crate) mod json;
mod replace;
mod sniff;
mod source;
#[allow(dead_code, unused_imports)] // what its tests alone look at
pub(crate) mod sql;
mod table;
mod value;

pub(crate) use batch::{Batches, OnBad, Rows};
pub(crate) use error::DataError;
pub(crate) use replace::Replacement;
pub(crate) use source::{Charset, Source};
pub(crate) use table::{Column, Format, RowSource, Wanted, distinct, open};
pub(crate) use value::{Kind, Value};
