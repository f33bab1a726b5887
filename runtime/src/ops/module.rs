//! Finding and reading modules for `require`, and preparing what is in no file.

use std::rc::Rc;

use deno_core::{OpDecl, OpState, op2};
use deno_error::JsErrorBox;
use serde::Serialize;

use crate::module::{Form, Goal, Loader, Manner, Opened, Target, prepare_entry, url_of};

pub(super) fn ops() -> Vec<OpDecl> {
    vec![
        op_cowry_entry(),
        op_cowry_fault(),
        op_cowry_form(),
        op_cowry_main(),
        op_cowry_put(),
        op_cowry_require_open(),
        op_cowry_require_resolve(),
    ]
}

fn loader(state: &OpState) -> Rc<Loader> {
    state.borrow::<Rc<Loader>>().clone()
}

/// The built-in module or the file `specifier` means in `from`.
#[op2]
#[string]
fn op_cowry_require_resolve(
    state: &mut OpState,
    #[string] specifier: &str,
    #[string] from: &str,
    import: bool,
) -> Result<String, JsErrorBox> {
    let manner = if import { Manner::Import } else { Manner::Require };
    match loader(state).find(specifier, from, manner).map_err(JsErrorBox::from_err)? {
        Target::Builtin(name) => Ok(name.to_owned()),
        Target::File(path) => Ok(path),
    }
}

/// A file opened for `require`.
#[derive(Serialize)]
struct JsOpened {
    kind: &'static str,
    path: String,
    url: String,
    code: String,
}

impl JsOpened {
    fn new(path: String, opened: Opened) -> JsOpened {
        let (kind, code) = match opened {
            Opened::Json(code) => ("json", code),
            Opened::CommonJs(code) => ("commonjs", code),
            Opened::Module => ("module", String::new()),
        };
        JsOpened { kind, url: url_of(&path), path, code }
    }
}

#[op2]
#[serde]
fn op_cowry_require_open(state: &mut OpState, #[string] path: String) -> Result<JsOpened, JsErrorBox> {
    let opened = loader(state).open(&path)?;
    Ok(JsOpened::new(path, opened))
}

/// The program's main file.
#[op2]
#[serde]
fn op_cowry_main(state: &mut OpState, #[string] path: &str) -> Result<JsOpened, JsErrorBox> {
    let (path, opened) = loader(state).main(path)?;
    Ok(JsOpened::new(path, opened))
}

/// Takes source that is in no file and opens it.
#[op2]
#[serde]
fn op_cowry_put(
    state: &mut OpState,
    #[string] name: &str,
    #[string] code: &str,
    #[string] kind: &str,
) -> Result<JsOpened, JsErrorBox> {
    let goal = match kind {
        "commonjs" => Goal::CommonJs,
        "expression" => Goal::Expression,
        _ => Goal::Module,
    };
    let loader = loader(state);
    let path = loader.put(name, code, goal);
    let opened = loader.open(&path)?;
    Ok(JsOpened::new(path, opened))
}

/// What the default export of a loaded module is: `module`, `value` or `expression`.
#[op2]
#[string]
fn op_cowry_form(state: &mut OpState, #[string] url: &str) -> String {
    match loader(state).form(url) {
        Some(Form::Returning) => "value",
        Some(Form::Expression) => "expression",
        _ => "module",
    }
    .to_owned()
}

/// Class, code and message of why the last module could not be had.
#[op2]
#[serde]
fn op_cowry_fault(state: &mut OpState) -> Option<(String, Option<String>, String)> {
    let (class, code, message) = loader(state).take_fault()?.parts();
    Some((class.to_owned(), code.map(str::to_owned), message))
}

/// A REPL entry ready to be evaluated.
#[derive(Serialize)]
struct JsEntry {
    code: String,
    declares: Vec<String>,
    url: String,
}

#[op2]
#[serde]
fn op_cowry_entry(
    state: &mut OpState,
    #[string] code: &str,
    #[smi] number: u32,
) -> Result<JsEntry, JsErrorBox> {
    let name = format!("REPL{number}");
    let (url, prepared) = prepare_entry(&loader(state), code, &name).map_err(JsErrorBox::from_err)?;
    let declares = match prepared.form {
        Form::Entry { declares, .. } => declares,
        _ => Vec::new(),
    };
    Ok(JsEntry { code: prepared.code, declares, url })
}
