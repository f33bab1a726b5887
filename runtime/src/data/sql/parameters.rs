//! Values that a statement is given beside its text.

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};

/// A value for a parameter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Parameter {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
    /// A JSON array: what `IN` takes, and text elsewhere.
    List(String),
}

impl ToSql for Parameter {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Parameter::Null => ValueRef::Null,
            Parameter::Integer(number) => ValueRef::Integer(*number),
            Parameter::Real(number) => ValueRef::Real(*number),
            Parameter::Text(text) | Parameter::List(text) => ValueRef::Text(text.as_bytes()),
            Parameter::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// What fills the parameters of a statement.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Parameters {
    /// For `?` and `?1`, in order.
    pub(crate) list: Vec<Parameter>,
    /// For `:name`, `@name` and `$name`, without the sign.
    pub(crate) named: Vec<(String, Parameter)>,
}

impl Parameters {
    /// The value for a parameter as a statement writes it, numbered.
    ///
    /// # Errors
    /// One line if there is none.
    pub(crate) fn get(&self, written: &str) -> Result<&Parameter, String> {
        let found = match written.strip_prefix('?') {
            Some(number) => {
                number.parse::<usize>().ok().and_then(|number| self.list.get(number.checked_sub(1)?))
            }
            None => self
                .named
                .iter()
                .find(|(name, _)| Some(name.as_str()) == written.get(1..))
                .map(|(_, value)| value),
        };
        found.ok_or_else(|| format!("parameter {written} has no value"))
    }
}
