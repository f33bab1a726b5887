//! Places in a JSON value: `.users[0].name`, `.a["odd key"]`, `.list[-1]`.
//!
//! A value here is data and nothing else: `__proto__` is a key like any other.

use std::fmt;

use serde_json::{Map, Value};

use super::StateError;

/// An array that is set past its end is filled with null, but not beyond this length.
const MAX_FILLED: usize = 100_000;

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    /// From the end if negative.
    Index(i64),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Key(key) => write!(f, "{key:?}"),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// Reads a path. The empty one, `.` and `$` are the whole value.
///
/// # Errors
/// `Invalid JSON path: …` for what is none.
pub(super) fn parse(text: &str) -> Result<Vec<Step>, StateError> {
    let invalid = || StateError::new(format!("Invalid JSON path: {text}"));
    let mut rest = match text.strip_prefix('$') {
        Some(rest) if rest.is_empty() || rest.starts_with(['.', '[']) => rest,
        _ => text,
    };
    let mut steps = Vec::new();
    if rest == "." {
        return Ok(steps);
    }
    while !rest.is_empty() {
        let (step, left) = match rest.strip_prefix('[') {
            Some(inner) => bracket(inner),
            None => dotted(rest.strip_prefix('.').unwrap_or(rest), rest.starts_with('.') || steps.is_empty()),
        }
        .ok_or_else(invalid)?;
        steps.push(step);
        rest = left;
    }
    Ok(steps)
}

/// A key as it stands, up to the next dot or bracket.
fn dotted(text: &str, may_begin: bool) -> Option<(Step, &str)> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (key, rest) = text.split_at(end);
    (may_begin && !key.is_empty()).then(|| (Step::Key(key.to_owned()), rest))
}

/// What is between brackets: a number, or a key in quotes.
fn bracket(text: &str) -> Option<(Step, &str)> {
    if text.starts_with(['"', '\'']) {
        let (key, rest) = quoted(text)?;
        return Some((Step::Key(key), rest.trim_start().strip_prefix(']')?));
    }
    let (number, rest) = text.split_once(']')?;
    Some((Step::Index(number.trim().parse().ok()?), rest))
}

/// A text in quotes of either kind, with JSON's escapes; and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next()?;
    let mut escaped = false;
    let end = text[1..].find(|c| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    let (inner, rest) = (&text[1..=end], &text[end + 2..]);
    let json = if quote == '"' { format!("\"{inner}\"") } else { as_json(inner) };
    serde_json::from_str(&json).ok().map(|key| (key, rest))
}

/// What stood in single quotes as it would in double ones.
fn as_json(inner: &str) -> String {
    let mut json = String::from("\"");
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => match chars.next() {
                Some('\'') => json.push('\''),
                next => {
                    json.push('\\');
                    json.extend(next);
                }
            },
            c => json.push(c),
        }
    }
    json.push('"');
    json
}

/// The element an index means, if it is within.
fn position(index: i64, len: usize) -> Option<usize> {
    let from_start = if index < 0 { index.checked_add(i64::try_from(len).ok()?)? } else { index };
    usize::try_from(from_start).ok()
}

/// The value at a place; `None` if nothing is there.
///
/// # Errors
/// What is on the way is no array, or no object.
pub(super) fn get<'a>(value: &'a Value, steps: &[Step]) -> Result<Option<&'a Value>, StateError> {
    let mut at = Some(value);
    for step in steps {
        at = match (step, at) {
            (Step::Key(key), Some(Value::Object(map))) => map.get(key),
            (Step::Index(index), Some(Value::Array(list))) => {
                position(*index, list.len()).and_then(|index| list.get(index))
            }
            (Step::Key(key), _) => {
                return Err(StateError::new(format!("JSON query expected object access at {key:?}")));
            }
            (Step::Index(_), _) => {
                return Err(StateError::new(format!("JSON query expected array access at {step}")));
            }
        };
    }
    Ok(at)
}

/// Puts a value at a place. What is missing on the way, or null, becomes an object or an array.
///
/// # Errors
/// The path is empty; what is on the way is of another kind; an index far past the end.
pub(super) fn set(root: &mut Value, steps: &[Step], value: Value) -> Result<(), StateError> {
    if steps.is_empty() {
        return Err(StateError::new("JSON update path must not be empty"));
    }
    let mut at = root;
    for step in steps {
        at = enter(at, step)?;
    }
    *at = value;
    Ok(())
}

/// The slot of a step, made if it is missing.
fn enter<'a>(at: &'a mut Value, step: &Step) -> Result<&'a mut Value, StateError> {
    if at.is_null() {
        *at = match step {
            Step::Key(_) => Value::Object(Map::new()),
            Step::Index(_) => Value::Array(Vec::new()),
        };
    }
    match (step, at) {
        (Step::Key(key), Value::Object(map)) => Ok(map.entry(key.clone()).or_insert(Value::Null)),
        (Step::Index(index), Value::Array(list)) => {
            let index = position(*index, list.len()).filter(|index| *index < MAX_FILLED.max(list.len() + 1));
            let index = index.ok_or_else(|| {
                StateError::new(format!(
                    "JSON update index is out of range at {step}: the array has {}",
                    list.len()
                ))
            })?;
            if index >= list.len() {
                list.resize(index + 1, Value::Null);
            }
            Ok(&mut list[index])
        }
        (_, _) => Err(expected(step)),
    }
}

fn expected(step: &Step) -> StateError {
    StateError::new(match step {
        Step::Key(_) => format!("JSON update expected object at {step}"),
        Step::Index(_) => format!("JSON update expected array at {step}"),
    })
}

/// Takes out what is at a place, if there is something; what follows in an array moves up.
///
/// # Errors
/// The path is empty; what is on the way is of another kind.
pub(super) fn delete(root: &mut Value, steps: &[Step]) -> Result<(), StateError> {
    let Some((last, way)) = steps.split_last() else {
        return Err(StateError::new("JSON delete path must not be empty"));
    };
    let mut at = root;
    for step in way {
        let next = match (step, at) {
            (Step::Key(key), Value::Object(map)) => map.get_mut(key),
            (Step::Index(index), Value::Array(list)) => {
                position(*index, list.len()).and_then(|index| list.get_mut(index))
            }
            _ => return Err(expected(step)),
        };
        let Some(next) = next else { return Ok(()) };
        at = next;
    }
    match (last, at) {
        // The order of the other keys stays.
        (Step::Key(key), Value::Object(map)) => drop(map.shift_remove(key)),
        (Step::Index(index), Value::Array(list)) => {
            if let Some(index) = position(*index, list.len()).filter(|index| *index < list.len()) {
                list.remove(index);
            }
        }
        _ => return Err(expected(last)),
    }
    Ok(())
}

#[cfg(test)]
mod tests;
