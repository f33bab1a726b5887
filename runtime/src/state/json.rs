//! JSON files: reading, asking, changing.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Args, Reply, State, StateError, StateResult, args, json_path};

/// One change of `updateJson`.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
enum JsonOp {
    Set { path: String, value: Value },
    Delete { path: String },
}

/// What JavaScript's `JSON.stringify` takes for its third argument.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Spaces {
    /// So many.
    Count(f64),
    /// This text.
    Text(String),
}

impl Default for Spaces {
    fn default() -> Self {
        Spaces::Count(2.0)
    }
}

/// A value as the reference writes it to a file: indented, with a line break at the end.
pub(crate) fn render(value: &Value, spaces: &Spaces) -> String {
    const MOST: usize = 10;
    let indent: String = match spaces {
        Spaces::Count(count) => " ".repeat((*count as usize).min(MOST)),
        Spaces::Text(text) => text.chars().take(MOST).collect(),
    };
    let mut out = Vec::new();
    let written = if indent.is_empty() {
        serde_json::to_writer(&mut out, value)
    } else {
        let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
        value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, formatter))
    };
    written.expect("a value can be written to memory");
    out.push(b'\n');
    String::from_utf8(out).expect("JSON is text")
}

fn parsed(path: &str, text: &str) -> Result<Value, StateError> {
    args::from_json(text.strip_prefix('\u{feff}').unwrap_or(text)).map_err(|error| {
        let path = path.to_owned();
        StateError { path: Some(path.clone()), ..StateError::new(format!("Invalid JSON in {path}: {error}")) }
    })
}

pub(super) fn read_json(state: &State<'_>, args: &Args) -> StateResult {
    Ok(Reply::JsonText(state.read_text(args.text(0)?)?))
}

pub(super) fn query_json(state: &State<'_>, args: &Args) -> StateResult {
    let steps = json_path::parse(args.text(1)?)?;
    let path = args.path(0)?;
    let value = parsed(&path, &state.read_text(&path)?)?;
    Ok(json_path::get(&value, &steps)?.map_or(Reply::Nothing, |found| Reply::Json(found.clone())))
}

pub(super) fn update_json(state: &State<'_>, args: &Args) -> StateResult {
    let path = args.path(0)?;
    let operations: Vec<JsonOp> = args.parse(1)?;
    let before = state.read_text(&path)?;
    let mut value = parsed(&path, &before)?;
    for operation in &operations {
        match operation {
            JsonOp::Set { path, value: new } => {
                json_path::set(&mut value, &json_path::parse(path)?, new.clone())?
            }
            JsonOp::Delete { path } => json_path::delete(&mut value, &json_path::parse(path)?)?,
        }
    }
    let content = render(&value, &Spaces::default());
    let diff = super::diff::unified(&path, &path, &before, &content);
    state.write(&path, content.as_bytes())?;
    Ok(Reply::Json(json!({
        "value": value, "content": content, "diff": diff, "operationsApplied": operations.len(),
    })))
}
