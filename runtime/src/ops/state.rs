//! Operations behind `state`. Each names the tree it works on: 0 is the sandbox's own.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use cowry_vfs::{MemoryLayer, ScratchLimits, Vfs, VfsOptions};
use deno_core::convert::Uint8Array;
use deno_core::{OpDecl, OpState, op2};
use deno_error::{AdditionalProperties, JsErrorClass, PropertyValue};
use serde_json::{Value, json};

use super::fs::moment;
use crate::host::Host;
use crate::state::{Class, METHODS, Reply, Run, State, StateError, absolute};

pub(super) fn ops() -> Vec<OpDecl> {
    vec![
        op_state_append(),
        op_state_append_bytes(),
        op_state_call(),
        op_state_chmod(),
        op_state_drop_tree(),
        op_state_link(),
        op_state_read(),
        op_state_read_bytes(),
        op_state_table(),
        op_state_tree(),
        op_state_types(),
        op_state_utimes(),
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
            // Properties are text or numbers: `state.js` makes a boolean of it.
            properties.push(("rolledBack".into(), PropertyValue::Number(f64::from(u8::from(*rolled_back)))));
            properties.extend(rollback_error.as_deref().map(|why| ("rollbackError".into(), text(why))));
        }
        Box::new(properties.into_iter())
    }

    fn get_ref(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self
    }
}

/// How many trees of its own a program may have at a time.
const MAX_TREES: usize = 1000;

/// Trees in memory that a program made, by numbers that are given once.
#[derive(Debug, Default)]
pub(crate) struct Trees {
    known: BTreeMap<u32, Vfs>,
    made: u32,
}

/// The tree of this number: 0 is the sandbox's own.
fn tree(state: &OpState, number: u32) -> Result<State<'_>, StateError> {
    if number == 0 {
        return Ok(State { vfs: &state.borrow::<Host>().vfs });
    }
    let vfs = state.borrow::<Trees>().known.get(&number);
    Ok(State { vfs: vfs.ok_or_else(|| StateError::new("this filesystem is no more"))? })
}

/// Makes an empty tree in memory. It has the limits of a sandbox's scratch, apart from it.
#[op2(fast)]
#[smi]
fn op_state_tree(state: &mut OpState) -> Result<u32, Failed> {
    let host = state.borrow::<Host>();
    let layer = MemoryLayer::with_limits(host.clock.clone(), ScratchLimits::default());
    let options = VfsOptions { clock: host.clock.clone(), ..VfsOptions::default() };
    let vfs = Vfs::new(Arc::new(layer), options).with_credentials(host.vfs.credentials());
    let trees = state.borrow_mut::<Trees>();
    if trees.known.len() >= MAX_TREES {
        let message =
            format!("there are {MAX_TREES} filesystems in memory already: use one for many directories");
        return Err(StateError::new(message).into());
    }
    trees.made += 1;
    trees.known.insert(trees.made, vfs);
    Ok(trees.made)
}

/// Forgets a tree that nothing refers to.
#[op2(fast)]
fn op_state_drop_tree(state: &mut OpState, #[smi] number: u32) {
    state.borrow_mut::<Trees>().known.remove(&number);
}

#[op2(fast)]
fn op_state_chmod(
    state: &mut OpState,
    #[smi] number: u32,
    #[string] path: &str,
    #[smi] mode: u32,
) -> Result<(), Failed> {
    Ok(tree(state, number)?.vfs.chmod(&absolute(path)?, mode & 0o7777)?)
}

#[op2(fast)]
fn op_state_link(
    state: &mut OpState,
    #[smi] number: u32,
    #[string] from: &str,
    #[string] to: &str,
) -> Result<(), Failed> {
    Ok(tree(state, number)?.vfs.link(&absolute(from)?, &absolute(to)?)?)
}

/// Sets both times, in milliseconds.
#[op2(fast)]
fn op_state_utimes(
    state: &mut OpState,
    #[smi] number: u32,
    #[string] path: &str,
    atime: f64,
    mtime: f64,
) -> Result<(), Failed> {
    let (atime, mtime) = (moment(atime), moment(mtime));
    Ok(tree(state, number)?.vfs.utimes(&absolute(path)?, atime, mtime)?)
}

/// The TypeScript declarations of `state`.
#[op2]
#[string]
fn op_state_types() -> String {
    crate::state::declarations()
}

/// The table, as far as calling needs it.
#[op2]
#[string]
fn op_state_table() -> String {
    let rows = METHODS.iter().map(|method| {
        let param = |p: &crate::state::Param| {
            let options = (p.name == "options").then(|| crate::state::keys(p.ty).collect::<Vec<_>>());
            json!({ "name": p.name, "optional": p.optional, "text": p.ty == "string", "options": options })
        };
        json!({
            "name": method.name,
            "params": method.params.iter().map(param).collect::<Vec<_>>(),
            "doc": method.doc,
            "form": method.form(),
            "text": method.result == "string",
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
    Ok(match tree(state, number)?.call(method, arguments)? {
        Reply::Nothing => None,
        Reply::Text(text) | Reply::JsonText(text) => Some(text),
        Reply::Json(value) => Some(value.to_string()),
    })
}

#[op2]
#[string]
fn op_state_read(state: &mut OpState, #[smi] number: u32, #[string] path: &str) -> Result<String, Failed> {
    Ok(tree(state, number)?.read_text(path)?)
}

#[op2]
fn op_state_read_bytes(
    state: &mut OpState,
    #[smi] number: u32,
    #[string] path: &str,
) -> Result<Uint8Array, Failed> {
    Ok(Vec::from(tree(state, number)?.read(path)?).into())
}

#[op2(fast)]
fn op_state_write(
    state: &mut OpState,
    #[smi] number: u32,
    #[string] path: &str,
    #[string] content: &str,
) -> Result<(), Failed> {
    Ok(tree(state, number)?.write(path, content.as_bytes())?)
}

#[op2(fast)]
fn op_state_write_bytes(
    state: &mut OpState,
    #[smi] number: u32,
    #[string] path: &str,
    #[buffer] content: &[u8],
) -> Result<(), Failed> {
    Ok(tree(state, number)?.write(path, content)?)
}

#[op2(fast)]
fn op_state_append(
    state: &mut OpState,
    #[smi] number: u32,
    #[string] path: &str,
    #[string] content: &str,
) -> Result<(), Failed> {
    Ok(tree(state, number)?.append(path, content.as_bytes())?)
}

#[op2(fast)]
fn op_state_append_bytes(
    state: &mut OpState,
    #[smi] number: u32,
    #[string] path: &str,
    #[buffer] content: &[u8],
) -> Result<(), Failed> {
    Ok(tree(state, number)?.append(path, content)?)
}
