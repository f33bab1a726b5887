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
    from_json(json).map_err(|error| StateError::usage(format!("the arguments cannot be read: {error}")))
}

/// Reads JSON as JavaScript writes it: its texts may hold halves of characters, which no file can.
pub(super) fn from_json<T: DeserializeOwned>(json: &str) -> serde_json::Result<T> {
    serde_json::from_str(json).or_else(|error| {
        let whole = without_halves(json);
        if whole == json { Err(error) } else { serde_json::from_str(&whole) }
    })
}

/// JSON with U+FFFD in the place of each escaped half of a surrogate pair that lacks the other.
fn without_halves(json: &str) -> String {
    let half = |at: usize| {
        let digits = json.get(at..at + 6)?.strip_prefix("\\u")?;
        u32::from_str_radix(digits, 16).ok().filter(|code| (0xd800..0xe000).contains(code))
    };
    let mut out = String::with_capacity(json.len());
    let mut at = 0;
    while let Some(c) = json[at..].chars().next() {
        let len = match (c, half(at)) {
            ('\\', Some(high)) if high < 0xdc00 && half(at + 6).is_some_and(|low| low >= 0xdc00) => 12,
            ('\\', Some(_)) => {
                out.push('\u{fffd}');
                at += 6;
                continue;
            }
            // With what is escaped, which may be a backslash too.
            ('\\', None) => 1 + json[at + 1..].chars().next().map_or(0, char::len_utf8),
            (c, _) => c.len_utf8(),
        };
        out.push_str(&json[at..at + len]);
        at += len;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_characters_are_replaced_and_whole_ones_stay() {
        let read = |json: &str| arguments(json).unwrap()[0].clone().unwrap();
        assert_eq!(read(r#"["a\ud83d\ude00\ud83d b\\ud83d\udc00"]"#), "a😀\u{fffd} b\\ud83d\u{fffd}");
        assert!(arguments("[").is_err());
    }
}
