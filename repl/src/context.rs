//! What every command has at hand: the streams, and the workspace the user named.

use std::path::Path;

use cowry_shell_core::{OpenWorkspace, Runtime, Workspace};

use crate::args::Global;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::progress;

/// The streams and the options that hold for every command.
pub struct Context {
    pub out: Output,
    pub global: Global,
}

impl Context {
    /// A context of the process's own streams.
    pub fn new(global: Global) -> Context {
        Context { out: Output::new(&global), global }
    }

    /// The workspace's file, if one is named.
    pub fn workspace_file(&self) -> Option<&Path> {
        self.global.workspace.as_deref()
    }

    /// The workspace, only to be read; it must be there.
    pub fn workspace_to_read(&self) -> Outcome<Workspace> {
        self.open(&OpenWorkspace { read_only: true, ..OpenWorkspace::default() })
    }

    /// The workspace, to be changed; it must be there.
    pub fn workspace_to_write(&self) -> Outcome<Workspace> {
        self.open(&OpenWorkspace::default())
    }

    /// The workspace, to be changed; a missing one is created, and that is said.
    pub fn workspace_to_create(&mut self, runtime: Option<Runtime>) -> Outcome<Workspace> {
        let create = !self.global.no_create;
        let workspace = self.open(&OpenWorkspace { create, runtime, ..OpenWorkspace::default() })?;
        if let Some(path) = workspace.path().filter(|_| workspace.was_created()) {
            self.out.note(&format!("created workspace {}", path.display()));
        }
        Ok(workspace)
    }

    /// The workspace, made if need be, or a scratch one where none is named.
    pub fn workspace_or_scratch(&mut self, runtime: Runtime) -> Outcome<Workspace> {
        if self.workspace_file().is_some() {
            return self.workspace_to_create(Some(runtime));
        }
        Ok(Workspace::scratch_with(&OpenWorkspace { runtime: Some(runtime), ..OpenWorkspace::default() }))
    }

    fn open(&self, options: &OpenWorkspace) -> Outcome<Workspace> {
        let path = self
            .workspace_file()
            .ok_or_else(|| Failure::new("no workspace: name one with -w FILE or COWRY_WORKSPACE"))?;
        let workspace = Workspace::open(path, options)?;
        progress::of_bucket_writes(&self.out, &workspace);
        Ok(workspace)
    }
}
