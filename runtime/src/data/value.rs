//! Values of cells: what a column holds, and how text becomes that.

use std::borrow::Cow;

/// What one cell holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// Nothing.
    Null,
    /// A truth value.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Real(f64),
    /// Text.
    Text(Cow<'a, str>),
    /// A JSON array or object as it is written.
    Json(&'a str),
}

/// What a column holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Anything: text as it stands.
    #[default]
    Text,
    /// Whole numbers.
    Integer,
    /// Numbers.
    Real,
    /// `true` and `false`.
    Boolean,
    /// Whatever each value says of itself; only JSON has it.
    Any,
}

impl Kind {
    /// The kind with a name as options write it.
    pub(crate) fn named(name: &str) -> Option<Kind> {
        Some(match name {
            "text" | "string" => Kind::Text,
            "integer" | "int" | "bigint" => Kind::Integer,
            "real" | "number" | "float" => Kind::Real,
            "boolean" | "bool" => Kind::Boolean,
            _ => return None,
        })
    }

    /// What options call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Integer => "integer",
            Kind::Real => "real",
            Kind::Boolean => "boolean",
            Kind::Any => "any",
        }
    }

    /// `text` as this kind; `None` if it is not one.
    pub(crate) fn read(self, text: &str) -> Option<Value<'static>> {
        match self {
            Kind::Text | Kind::Any => None,
            Kind::Integer => integer(text).map(Value::Integer),
            Kind::Real => number(text),
            Kind::Boolean => boolean(text).map(Value::Boolean),
        }
    }

    /// `text` as this kind with what people add by hand: blanks around it, a plus sign, leading zeros.
    pub(crate) fn cast(self, text: &str) -> Option<Value<'static>> {
        let text = text.trim();
        self.read(text).or_else(|| match self {
            Kind::Integer => text.parse().ok().map(Value::Integer),
            Kind::Real => text.parse().ok().filter(|it: &f64| it.is_finite()).map(Value::Real),
            Kind::Boolean => match text {
                "1" => Some(Value::Boolean(true)),
                "0" => Some(Value::Boolean(false)),
                _ => None,
            },
            Kind::Text | Kind::Any => None,
        })
    }
}

/// A whole number the way it is printed: no plus sign, no leading zeros, no `-0`. What is written otherwise is a
/// name and not a number: `007` has to stay what it is.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let plain = match digits {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if plain { text.parse().ok() } else { None }
}

/// A number as JSON writes it, or one that begins with its point.
pub(crate) fn number(text: &str) -> Option<Value<'static>> {
    if let Some(whole) = integer(text) {
        return Some(Value::Integer(whole));
    }
    if !is_decimal(text.as_bytes()) {
        return None;
    }
    text.parse().ok().filter(|it: &f64| it.is_finite()).map(Value::Real)
}

/// Whether it is digits with a fraction or an exponent.
fn is_decimal(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let (whole, rest) = digits(text);
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => match digits(rest) {
            (0, _) => return false,
            found => found,
        },
        _ => (0, rest),
    };
    let leads = text.len() > 1 && text[0] == b'0' && whole > 1;
    if leads || (whole == 0 && fraction == 0) {
        return false;
    }
    match rest {
        [] => fraction > 0,
        [b'e' | b'E', b'+' | b'-', rest @ ..] | [b'e' | b'E', rest @ ..] => {
            let (count, rest) = digits(rest);
            count > 0 && rest.is_empty()
        }
        _ => false,
    }
}

/// How many digits it begins with, and what follows them.
fn digits(text: &[u8]) -> (usize, &[u8]) {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (count, &text[count..])
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}
