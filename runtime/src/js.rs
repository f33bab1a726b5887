//! The bootstrap sources, and which of them stand behind which built-in module.

use deno_core::ExtensionFileSource;

/// Scripts of ours: each is one function expression that answers with what it exports.
macro_rules! scripts {
    ($($file:literal),* $(,)?) => {
        &[$((concat!("ext:cowry/", $file), include_str!(concat!("js/", $file)))),*]
    };
}

const SCRIPTS: &[(&str, &str)] = scripts!["main.js", "globals.js", "console.js", "random.js", "job.js"];

/// Built-in modules as programs import them, and the script whose exports they are.
pub(crate) const BUILTIN_MODULES: &[(&str, &str)] = &[];

/// Every script, ready to be registered.
pub(crate) fn scripts() -> Vec<ExtensionFileSource> {
    SCRIPTS.iter().map(|(name, source)| ExtensionFileSource::new_computed(name, (*source).into())).collect()
}
