//! Finding, reading and preparing modules.

mod edit;
mod error;
mod facts;
mod loader;
mod prepare;
mod reshape;
mod resolve;
mod trees;

use error::ResolveError;
pub(crate) use loader::{Loader, Opened, url_of};
pub(crate) use prepare::{Form, Goal};
pub(crate) use resolve::{Manner, Target};

use prepare::{Language, Prepared, prepare};

/// Prepares a REPL entry under the name stack traces give it; answers with its URL, too.
pub(crate) fn prepare_entry(
    loader: &Loader,
    code: &str,
    name: &str,
) -> Result<(String, Prepared), ResolveError> {
    let url = url_of(&format!("/{name}"));
    let prepared = prepare(code, &url, Language::Either, Goal::Entry);
    let prepared = prepared.map_err(|fault| ResolveError::syntax(name, &fault))?;
    if let Some(map) = &prepared.map {
        loader.put_map(&url, map.clone());
    }
    Ok((url, prepared))
}
