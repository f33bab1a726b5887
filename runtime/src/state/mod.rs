//! `state`: the 46 file operations that agents know from `@cloudflare/shell`, over a [`Vfs`].
//!
//! [`METHODS`] is the one table of them. Dispatch, the TypeScript declarations, the prompt for a model, the list in
//! `docs/state.md` and completion are made from it. Nothing here knows JavaScript: arguments and answers are JSON,
//! text and bytes.

mod archive;
mod args;
mod calls;
mod change;
mod declare;
mod detect;
mod diff;
mod error;
mod files;
mod glob;
mod gzip;
mod hash;
mod json;
mod json_path;
mod look;
mod path;
mod pattern;
mod plan;
mod replace;
mod script_regex;
mod search;

mod table;
#[cfg(test)]
mod tests;
mod tree;
mod wildcard;

use cowry_vfs::Vfs;
use serde::Serialize;
use serde_json::Value;

pub(crate) use args::{Args, arguments};
pub(crate) use declare::keys;
pub use declare::{declarations, method_list, prompt};
pub(crate) use error::{Class, StateError};
pub(crate) use path::normal as absolute;
pub(crate) use table::Run;
pub use table::{Effect, METHODS, Method, Param};

/// The tree that operations work on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State<'a> {
    pub(crate) vfs: &'a Vfs,
}

/// What an operation answers with.
#[derive(Debug, PartialEq)]
pub(crate) enum Reply {
    /// `undefined`.
    Nothing,
    /// A text as it is.
    Text(String),
    /// A value.
    Json(Value),
    /// A value as JSON text, which nobody here has parsed.
    JsonText(String),
}

/// What every operation returns.
pub(crate) type StateResult = Result<Reply, StateError>;

impl Reply {
    /// A value of a type that JSON can say.
    pub(crate) fn of(value: &impl Serialize) -> StateResult {
        let value = serde_json::to_value(value).map_err(|error| StateError::new(error.to_string()))?;
        Ok(Reply::Json(value))
    }
}

impl State<'_> {
    /// Runs the operation of this name with positional arguments; a missing one is `None` or null.
    pub(crate) fn call(&self, method: &'static Method, values: Vec<Option<Value>>) -> StateResult {
        match method.run {
            Run::Native(run) => run(self, &Args::new(method, values)?),
            // Its arguments or its answer are values that only JavaScript has.
            Run::Script => {
                Err(StateError::new(format!("state.{} is not supported by this backend", method.name)))
            }
        }
    }

    /// Runs `work` and keeps what it did to files, or undoes all of it if it fails.
    pub(crate) fn atomically<T>(
        &self,
        work: impl FnOnce() -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        let mut failed = None;
        let done = self.vfs.transaction(|| {
            work().map_err(|error| {
                failed = Some(error);
                cowry_vfs::Error::new("transaction", cowry_vfs::Errno::EIO)
            })
        });
        done.map_err(|error| failed.unwrap_or_else(|| error.into()))
    }
}
