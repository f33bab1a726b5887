//! The scripts of the extension crates, as part of this program.
//!
//! Those crates name their scripts by path, for a snapshot to be made on the machine that builds. Here there is no
//! snapshot, and the zygote has no business in the folders of whoever built it.

use std::borrow::Cow;
use std::sync::Arc;

use deno_core::{Extension, ExtensionFileSource};

/// Specifiers and texts; the build script writes it.
const SCRIPTS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/scripts.rs"));

/// The same extension, with its scripts read from here.
pub(crate) fn embed(mut extension: Extension) -> Extension {
    for files in [
        &mut extension.js_files,
        &mut extension.esm_files,
        &mut extension.lazy_loaded_esm_files,
        &mut extension.lazy_loaded_js_files,
    ] {
        *files = Cow::Owned(files.iter().map(here).collect());
    }
    extension
}

fn here(file: &ExtensionFileSource) -> ExtensionFileSource {
    if file.is_runtime_loadable() {
        return file.clone();
    }
    let script = SCRIPTS.iter().find(|(specifier, _)| *specifier == file.specifier);
    let (_, text) = script.unwrap_or_else(|| panic!("the build script left out {}", file.specifier));
    ExtensionFileSource::new_computed(file.specifier, bare(text))
}

/// A script, which is a parenthesised function that is called, as what the engine's loader makes of it in the end, but
/// without parentheses around the function. The parser reads ahead to the closing one to see whether an arrow follows,
/// and so reads everything between them once more for each pair.
pub(crate) fn bare(script: &str) -> Arc<str> {
    let inner = prologue_end(script).and_then(|start| {
        let body = script[start..].trim_end().strip_suffix("();")?.trim_end();
        body.strip_prefix('(')?.strip_suffix(')')
    });
    // Behind a comma a function is an expression. The loader knows by its beginning what needs no wrapping.
    inner
        .map_or_else(|| script.into(), |function| format!("\"use strict\"; return (0), {function}();").into())
}

/// Where the function begins, behind comments, empty lines and directives.
fn prologue_end(script: &str) -> Option<usize> {
    let mut at = 0;
    for line in script.split_inclusive('\n') {
        let text = line.trim();
        if text.starts_with("(function") {
            return Some(at + line.find('(')?);
        }
        let skipped = text.is_empty() || text.starts_with("//") || text == "\"use strict\";";
        if !skipped {
            return None;
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_called_function_loses_its_parentheses() {
        let script = "// what it is\n\n\"use strict\";\n(function () {\n  return (1);\n})();\n";
        assert_eq!(&*bare(script), "\"use strict\"; return (0), function () {\n  return (1);\n}();");
    }

    #[test]
    fn what_is_anything_else_stays_as_it_is() {
        for script in ["(function () {})", "/* x */ (function () {})();", "(() => 1)();", "import 'x';", ""] {
            assert_eq!(&*bare(script), script);
        }
    }

    /// Or the parser reads them several times over.
    #[test]
    fn the_large_scripts_of_the_extensions_are_of_that_form() {
        let of_form = SCRIPTS.iter().filter(|(_, text)| bare(text).starts_with("\"use strict\"; return (0)"));
        assert!(of_form.count() * 2 > SCRIPTS.len());
    }
}
