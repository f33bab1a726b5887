//! The scripts of the extension crates, as part of this program.
//!
//! Those crates name their scripts by path, for a snapshot to be made on the machine that builds. Here there is no
//! snapshot, and the zygote has no business in the folders of whoever built it.

use std::borrow::Cow;

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
    ExtensionFileSource::new_computed(file.specifier, (*text).into())
}
