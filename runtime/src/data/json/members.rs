//! The members of one object, as slices of its text.

use std::borrow::Cow;

use super::super::value::{Value, integer};
use super::scan::{Scan, scan, spaces, string};

/// Iterates over the members of an object: each name, and the text of each value. An error is what is wrong.
#[derive(Clone, Debug)]
pub(crate) struct Members<'a> {
    rest: &'a str,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    First,
    Later,
    Over,
}

impl<'a> Members<'a> {
    /// The members of `object`; `None` if it is not one.
    pub(crate) fn of(object: &'a str) -> Option<Members<'a>> {
        let rest = object.strip_prefix('{')?;
        Some(Members { rest, state: State::First })
    }

    fn skip_space(&mut self) {
        self.rest = &self.rest[spaces(self.rest.as_bytes())..];
    }

    /// Takes `length` bytes away from the rest.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    fn member(&mut self) -> Result<Option<(Cow<'a, str>, &'a str)>, &'static str> {
        self.skip_space();
        if let Some(rest) = self.rest.strip_prefix('}') {
            (self.rest, self.state) = (rest, State::Over);
            return if rest.is_empty() { Ok(None) } else { Err("text after the object") };
        }
        if self.state == State::Later {
            self.rest = self.rest.strip_prefix(',').ok_or("a comma is missing")?;
            self.skip_space();
        }
        self.state = State::Later;
        if !self.rest.starts_with('"') {
            return Err("a member has no name in double quotes");
        }
        let length = string(self.rest.as_bytes()).ok_or("a string is not closed")?;
        let name = unescaped(self.take(length)).ok_or("the name of a member is no string")?;
        self.skip_space();
        self.rest = self.rest.strip_prefix(':').ok_or("a colon is missing")?;
        self.skip_space();
        match scan(self.rest.as_bytes(), true) {
            Scan::Value(length) => Ok(Some((name, self.take(length)))),
            Scan::More | Scan::Not(_) => Err("a value is missing"),
        }
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Result<(Cow<'a, str>, &'a str), &'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.state == State::Over {
            return None;
        }
        let member = self.member();
        if member.is_err() {
            self.state = State::Over;
        }
        member.transpose()
    }
}

/// What a string in quotes says.
pub(crate) fn unescaped(quoted: &str) -> Option<Cow<'_, str>> {
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str(quoted).ok().map(Cow::Owned)
}

/// The value that `text` is; `None` if it is none. Arrays and objects stay text, and are not looked into.
pub(crate) fn value_of(text: &str) -> Option<Value<'_>> {
    Some(match text.as_bytes().first()? {
        b'"' => Value::Text(unescaped(text)?),
        b'{' | b'[' => Value::Json(text),
        _ => match text {
            "null" => Value::Null,
            "true" => Value::Boolean(true),
            "false" => Value::Boolean(false),
            _ => match integer(text) {
                Some(whole) => Value::Integer(whole),
                None => Value::Real(serde_json::from_str(text).ok()?),
            },
        },
    })
}
