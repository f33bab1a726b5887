//! Why a module could not be found or read, in Node's words.

use std::borrow::Cow;
use std::fmt;

use deno_error::{AdditionalProperties, JsErrorClass, PropertyValue};

use super::prepare::SyntaxFault;
use super::resolve::Manner;
use crate::js::BUILTIN_MODULES;

/// An error with Node's `code`.
#[derive(Clone, Debug)]
pub(crate) struct ResolveError {
    class: &'static str,
    code: Option<&'static str>,
    message: String,
}

impl ResolveError {
    /// The class, the code and the message.
    pub(crate) fn parts(self) -> (&'static str, Option<&'static str>, String) {
        (self.class, self.code, self.message)
    }

    pub(super) fn new(class: &'static str, code: &'static str, message: String) -> ResolveError {
        ResolveError { class, code: Some(code), message }
    }

    pub(super) fn unknown_builtin(name: &str) -> ResolveError {
        let listed = |name: &&str| name.starts_with("node:");
        let names = BUILTIN_MODULES.iter().filter_map(|(name, _)| Some(*name).filter(listed));
        let names: Vec<_> = names.map(|name| name.trim_start_matches("node:")).collect();
        let message = format!("No such built-in module: node:{name}. There are: {}", names.join(", "));
        ResolveError::new("Error", "ERR_UNKNOWN_BUILTIN_MODULE", message)
    }

    pub(super) fn scheme(scheme: &str, specifier: &str) -> ResolveError {
        let message = format!(
            "Only file and node URLs can be imported here, not '{scheme}:'. Received '{specifier}'; put the module \
             into the tree"
        );
        ResolveError::new("Error", "ERR_UNSUPPORTED_ESM_URL_SCHEME", message)
    }

    pub(super) fn not_found(specifier: &str, from: &str, manner: Manner) -> ResolveError {
        let is_path = specifier.starts_with(['.', '/', '#']);
        if manner == Manner::Require {
            let message = format!("Cannot find module '{specifier}'\nRequire stack:\n- {from}");
            return ResolveError::new("Error", "MODULE_NOT_FOUND", message);
        }
        let message = if is_path {
            let path = super::resolve::normalize(super::resolve::parent(from), specifier);
            let path = if specifier.starts_with('#') { specifier.to_owned() } else { path };
            format!("Cannot find module '{path}' imported from {from}")
        } else {
            format!("Cannot find package '{specifier}' imported from {from}")
        };
        ResolveError::new("Error", "ERR_MODULE_NOT_FOUND", message)
    }

    pub(super) fn not_exported(subpath: &str, root: &str, specifier: &str) -> ResolveError {
        let message = if subpath == "." {
            format!("No \"exports\" main defined in {root}/package.json (importing '{specifier}')")
        } else {
            format!("Package subpath './{subpath}' is not defined by \"exports\" in {root}/package.json")
        };
        ResolveError::new("Error", "ERR_PACKAGE_PATH_NOT_EXPORTED", message)
    }

    pub(super) fn missing_target(path: &str, specifier: &str) -> ResolveError {
        let message = format!("Cannot find module '{path}' (from '{specifier}')");
        ResolveError::new("Error", "ERR_MODULE_NOT_FOUND", message)
    }

    /// A syntax error, with the place and the line it is in.
    pub(super) fn syntax(file: &str, fault: &SyntaxFault) -> ResolveError {
        let message = match fault.at {
            Some((line, column)) => {
                let (shown, caret) = excerpt(&fault.line, column);
                format!("{}\n    at {file}:{line}:{column}\n\n    {shown}\n    {caret}", fault.message)
            }
            None => format!("{} ({file})", fault.message),
        };
        ResolveError { class: "SyntaxError", code: None, message }
    }
}

/// A line cut down to what fits, and a caret below its column.
fn excerpt(line: &str, column: u32) -> (String, String) {
    const WIDTH: usize = 100;
    let column = column as usize - 1;
    let from = column.saturating_sub(WIDTH / 2);
    let shown: String = line.chars().skip(from).take(WIDTH).collect();
    (shown, format!("{}^", " ".repeat(column - from)))
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ResolveError {}

impl JsErrorClass for ResolveError {
    fn get_class(&self) -> Cow<'static, str> {
        self.class.into()
    }

    fn get_message(&self) -> Cow<'static, str> {
        self.message.clone().into()
    }

    fn get_additional_properties(&self) -> AdditionalProperties {
        Box::new(self.code.map(|code| ("code".into(), PropertyValue::String(code.into()))).into_iter())
    }

    fn get_ref(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self
    }
}
