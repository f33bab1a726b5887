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
    if let Some(plain) = plain_number(text.as_bytes()) {
        return Some(plain);
    }
    if let Some(whole) = integer(text) {
        return Some(Value::Integer(whole));
    }
    if !is_decimal(text.as_bytes()) {
        return None;
    }
    text.parse().ok().filter(|it: &f64| it.is_finite()).map(Value::Real)
}

/// A number as most are: few digits, perhaps with a point among them. What may be one still is left to others.
fn plain_number(text: &[u8]) -> Option<Value<'static>> {
    /// So many digits are a whole number that a double says exactly, as are powers of ten with fewer zeros.
    const DIGITS: usize = 15;
    const POWERS: [f64; DIGITS] =
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14];
    let (is_negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let is_led = matches!(text, [b'0', b'0'..=b'9', ..] | [b'.', ..] | []);
    if is_led || text.len() > DIGITS {
        return None;
    }
    let (mut digits, mut point) = (0_i64, None);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' => digits = digits * 10 + i64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(at + 1),
            _ => return None,
        }
    }
    match point {
        None if is_negative && digits == 0 => None,
        None => Some(Value::Integer(if is_negative { -digits } else { digits })),
        Some(after) if after == text.len() => None,
        // Both are exact, so that what is nearest is found by one division.
        Some(after) => {
            let number = digits as f64 / POWERS[text.len() - after];
            Some(Value::Real(if is_negative { -number } else { number }))
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What the slow way says.
    fn carefully(text: &str) -> Option<Value<'static>> {
        if let Some(whole) = integer(text) {
            return Some(Value::Integer(whole));
        }
        is_decimal(text.as_bytes()).then(|| Value::Real(text.parse().expect("digits are a number")))
    }

    #[test]
    fn plain_numbers_are_what_careful_reading_says() {
        let parts = ["", "-", "0", "00", "7", "42", "90071992547409", "123456789012345", "1e2"];
        let ends = ["", ".", ".0", ".5", ".05", ".1234567890123", ".1e3", ".5.", "x"];
        let texts = ["", "-", "+"].into_iter().flat_map(|sign| parts.map(|whole| format!("{sign}{whole}")));
        let texts = texts.flat_map(|start| ends.map(|end| format!("{start}{end}")));
        for text in texts {
            let bits = |value: Option<Value<'static>>| match value {
                Some(Value::Real(number)) => format!("{:x}", number.to_bits()),
                other => format!("{other:?}"),
            };
            assert_eq!(bits(number(&text)), bits(carefully(&text)), "{text}");
            assert!(
                plain_number(text.as_bytes()).is_none_or(|plain| bits(Some(plain)) == bits(carefully(&text)))
            );
        }
    }
}
