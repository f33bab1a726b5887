//! SQL over files: a statement's paths become tables of SQLite's, which reads them a row at a time.
//!
//! It runs in the sandbox, with hostile statements over hostile bytes. Nothing but reading is possible: an authorizer
//! refuses the rest, limits bound what a statement may be, and what does not fit into memory goes to the scratch of
//! the sandbox ([`ScratchFiles`]). SQLite itself opens no file of any kind.

mod connect;
mod error;
mod filter;
mod functions;
mod grouped;
mod groups;
mod join;
mod options;
mod output;
mod parameters;
mod plan;
mod query;
mod rewrite;
mod scratch;
mod survey;
mod table;
#[cfg(test)]
mod tests;
mod token;

pub(crate) use connect::{Setting, limit_heap};
pub(crate) use error::{SqlError, SqlResult};
pub(crate) use output::{Output, write_file};
pub(crate) use parameters::{Parameter, Parameters};
pub(crate) use query::{Batch, Odd, OddValue, Query};
use scratch::ScratchFiles;

/// The most parameters a statement can have.
const MAX_PARAMETERS: u32 = 10_000;
