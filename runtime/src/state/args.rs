//! The arguments of a call, by position, checked against the table.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::path;
use super::{Method, StateError};

/// Arguments of one call.
#[derive(Debug)]
pub(crate) struct Args {
    method: &'static Method,
    values: Vec<Option<Value>>,
}

impl Args {
    /// Takes what was given; null stands for a missing optional argument.
    ///
    /// # Errors
    /// A usage error for a required one that is missing and for too many.
    pub(crate) fn new(method: &'static Method, mut values: Vec<Option<Value>>) -> Result<Args, StateError> {
        if values.len() > method.params.len() {
            return Err(method.misuse());
        }
        values.resize(method.params.len(), None);
        let missing =
            method.params.iter().zip(&values).find(|(param, value)| !param.optional && value.is_none());
        match missing {
            Some((param, _)) => Err(method.missing(param)),
            None => Ok(Args { method, values }),
        }
    }

    fn get(&self, at: usize) -> Option<&Value> {
        self.values.get(at)?.as_ref().filter(|value| !(value.is_null() && self.method.params[at].optional))
    }

    fn wrong(&self, at: usize, why: &str) -> StateError {
        let Method { name, .. } = self.method;
        let param = self.method.params[at].name;
        StateError::usage(format!(
            "state.{name}: parameter \"{param}\" {why} — expected {}",
            self.method.form()
        ))
    }

    /// A text.
    pub(crate) fn text(&self, at: usize) -> Result<&str, StateError> {
        self.get(at).and_then(Value::as_str).ok_or_else(|| self.wrong(at, "must be a string"))
    }

    /// A text that may be missing.
    pub(crate) fn text_if_any(&self, at: usize) -> Result<Option<&str>, StateError> {
        self.get(at).map(|_| self.text(at)).transpose()
    }

    /// A path, normalised.
    pub(crate) fn path(&self, at: usize) -> Result<String, StateError> {
        path::normal(self.text(at)?)
    }

    /// A value as it is.
    pub(crate) fn value(&self, at: usize) -> &Value {
        self.values[at].as_ref().unwrap_or(&Value::Null)
    }

    /// A value of a shape.
    pub(crate) fn parse<T: DeserializeOwned>(&self, at: usize) -> Result<T, StateError> {
        T::deserialize(self.value(at)).map_err(|error| self.wrong(at, &format!("does not fit: {error}")))
    }

    /// Options: what is missing has its default.
    pub(crate) fn options<T: DeserializeOwned + Default>(&self, at: usize) -> Result<T, StateError> {
        if self.get(at).is_none() { Ok(T::default()) } else { self.parse(at) }
    }
}

/// The arguments of a call from its JSON, an array.
pub(crate) fn arguments(json: &str) -> Result<Vec<Option<Value>>, StateError> {
    serde_json::from_str(json)
        .map_err(|error| StateError::usage(format!("the arguments cannot be read: {error}")))
}
