//! Finding, reading and preparing modules.

use std::cell::RefCell;

use cowry_vfs::Vfs;
use deno_core::{
    ModuleLoadOptions, ModuleLoadReferrer, ModuleLoadResponse, ModuleLoader, ModuleResolveResponse,
    ModuleSpecifier, ResolutionKind,
};
use deno_error::JsErrorBox;

use crate::host::Host;

/// Loads modules from the tree and from the program's own folder.
#[derive(Default)]
pub(crate) struct Loader {
    trees: RefCell<Option<Trees>>,
}

struct Trees {
    vfs: Vfs,
    program: Option<Vfs>,
}

impl Loader {
    pub(crate) fn adopt(&self, host: &Host) {
        *self.trees.borrow_mut() = Some(Trees { vfs: host.vfs.clone(), program: host.program.clone() });
    }
}

impl ModuleLoader for Loader {
    fn resolve(&self, specifier: &str, referrer: &str, _: ResolutionKind) -> ModuleResolveResponse {
        deno_core::resolve_import(specifier, referrer).map_err(JsErrorBox::from_err)
    }

    fn load(
        &self,
        _: &ModuleSpecifier,
        _: Option<&ModuleLoadReferrer>,
        _: ModuleLoadOptions,
    ) -> ModuleLoadResponse {
        ModuleLoadResponse::Sync(Err(JsErrorBox::generic("Module loading is not supported.")))
    }
}
