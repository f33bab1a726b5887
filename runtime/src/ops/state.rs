//! Operations behind `state`. Each names the tree it works on: 0 is the sandbox's own.

use std::borrow::Cow;
use std::fmt;

use cowry_vfs::Vfs;
use deno_core::convert::Uint8Array;
use deno_core::{OpDecl, OpState, op2};
use deno_error::{AdditionalProperties, JsErrorClass, PropertyValue};
use serde_json::{Value, json};

use crate::host::Host;
use crate::state::{Class, METHODS, Reply, Run, State, StateError};

pub(super) fn ops() -> Vec<OpDecl> {
    vec![
        op_state_append(),
        op_state_append_bytes(),
        op_state_call(),
        op_state_read(),
        op_state_read_bytes(),
        op_state_table(),
        op_state_write(),
        op_state_write_bytes(),
    ]
}

/// A [`StateError`] as JavaScript gets it.
#[derive(Debug)]
struct Failed(StateError);

impl<E: Into<StateError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Failed(error.into())
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failed {}

impl JsErrorClass for Failed {
    fn get_class(&self) -> Cow<'static, str> {
        match self.0.class {
            Class::Plain => "Error",
            Class::Type => "TypeError",
            Class::Batch { .. } => "StateBatchOperationError",
        }
        .into()
    }

    fn get_message(&self) -> Cow<'static, str> {
        self.0.message.clone().into()
    }

    fn get_additional_properties(&self) -> AdditionalProperties {
        let text = |value: &str| PropertyValue::String(value.to_owned().into());
        let mut properties: Vec<(Cow<'static, str>, PropertyValue)> = Vec::new();
        properties.extend(self.0.code.map(|code| ("code".into(), text(code))));
        properties.extend(self.0.path.as_deref().map(|path| ("path".into(), text(path))));
        if let Class::Batch { operation, rolled_back, rollback_error } = &self.0.class {
            properties.push(("operation".into(), text(operation)));
            // Properties are text or numbers: the class makes a boolean of it.
            properties.push(("rolledBack".into(), PropertyValue::Number(f64::from(u8::from(*rolled_back)))));
            properties.extend(rollback_error.as_deref().map(|why| ("rollbackError".into(), text(why))));
        }
        Box::new(properties.into_iter())
    }

    fn get_ref(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self
    }
}

/// The tree of this number.
fn tree(state: &OpState, _number: u32) -> State<'_> {
    let vfs: &Vfs = &state.borrow::<Host>().vfs;
    State { vfs }
}

/// The table, as far as calling needs it.
#[op2]
#[string]
fn op_state_table() -> String {
    let rows = METHODS.iter().map(|method| {
        let param = |p: &crate::state::Param| json!({ "name": p.name, "optional": p.optional });
        json!({
            "name": method.name,
            "params": method.params.iter().map(param).collect::<Vec<_>>(),
            "form": method.form(),
            "native": matches!(method.run, Run::Native(_)),
        })
    });
    Value::Array(rows.collect()).to_string()
}

/// Runs an operation by its number in the table. Arguments are JSON, an array; the answer is a text as it is if that is
/// the operation's type, else JSON, or nothing.
#[op2]
#[string]
fn op_state_call(
    state: &mut OpState,
    #[smi] number: u32,
    #[smi] method: u32,
    #[string] arguments: &str,
) -> Result<Option<String>, Failed> {
    let arguments = crate::state::arguments(arguments)?;
    let method =
        METHODS.get(method as usize).ok_or_else(|| StateError::usage("there is no such operation"))?;
    Ok(match tree(state, number).call(method, arguments)? {
        Reply::Nothing => None,
        Reply::Text(text) | Reply::JsonText(text) => Some(text),
        Reply::Json(value) => Some(value.to_string()),
    })
}

#[op2]
#[string]
fn op_state_read(state: &mut OpState, #[smi] number: u32, #[string] path: &str) -> Result<String, Failed> {
    Ok(tree(state, number).read_text(path)?)
}

#[op2]
fn op_state_read_bytes(
    state: &mut OpState,
    #[smi] number: u32,
    #[string] path: &str,
) -> Result<Uint8Array, Failed> {
    Ok(Vec::from(tree(state, number).read(path)?).into())
}

#[op2(fast)]
fn op_state_write(
    state: &mut OpState,
    #[smi] number: u32,
    #[string] path: &str,
    #[string] content: &str,
) -> Result<(), Failed> {
    Ok(tree(state, number).write(path, content.as_bytes())?)
}

#[op2(fast)]
fn op_state_write_bytes(
    state: &mut OpState,
    #[smi] number: u32,
    #[string] path: &str,
    #[buffer] content: &[u8],
) -> Result<(), Failed> {
    Ok(tree(state, number).write(path, content)?)
}

#[op2(fast)]
fn op_state_append(
    state: &mut OpState,
    #[smi] number: u32,
    #[string] path: &str,
    #[string] content: &str,
) -> Result<(), Failed> {
    Ok(tree(state, number).append(path, content.as_bytes())?)
}

#[op2(fast)]
fn op_state_append_bytes(
    state: &mut OpState,
    #[smi] number: u32,
    #[string] path: &str,
    #[buffer] content: &[u8],
) -> Result<(), Failed> {
    Ok(tree(state, number).append(path, content)?)
}
