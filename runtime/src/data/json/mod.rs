//! JSON that is too much to hold: values one after another, and values by path.

mod members;
mod rows;
mod scan;
#[cfg(test)]
mod tests;
mod values;

pub(crate) use members::{Members, value_of};
pub(crate) use rows::JsonRows;
pub(crate) use scan::{Scan, scan};
pub(crate) use values::{Layout, Values};
