//! JSON that is too much to hold: values one after another, and values by path.

mod cursor;
mod members;
mod path;
mod rows;
mod scan;
#[cfg(test)]
mod tests;
mod values;

pub(crate) use members::{Members, value_of};
pub(crate) use path::{Step, get, parse, source_at};
pub(crate) use rows::JsonRows;
pub(crate) use values::{Layout, Values};
