//! A workspace mounted on a directory of the host, where any program can work on it.

use std::path::Path;
use std::sync::Arc;

use cowry_vfs::Layer;
use cowry_vfs::fuse::{Elsewhere, FuseError, FuseMount, FuseOptions};
pub use cowry_vfs::fuse::{mounted_at, server_of, unmount};
use cowry_vfs::sqlite::{Revision, RevisionInfo};

use crate::error::{Error, Result};
use crate::workspace::Workspace;

/// How to mount a workspace.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct KernelMountOptions {
    /// The revision to show, read-only; the tree as it is now if `None`.
    pub revision: Option<Revision>,
    /// Whether to refuse every change.
    pub read_only: bool,
    /// Whether this process does nothing else and ends with the mount, so that whoever unmounts waits for that.
    pub ends_with_it: bool,
}

/// A mounted workspace. Dropping it unmounts; [`finish`](KernelMount::finish) makes what was written a revision.
#[derive(Debug)]
pub struct KernelMount {
    mount: FuseMount,
    workspace: Workspace,
    writable: bool,
}

impl From<FuseError> for Error {
    fn from(error: FuseError) -> Error {
        Error::Usage(error.to_string())
    }
}

impl Workspace {
    /// Mounts the workspace on an empty directory. What is written there goes to the open revision.
    ///
    /// # Errors
    /// If it is scratch, there is no such revision, or it cannot be mounted: each says what to do.
    pub fn mount_on(&self, dir: &Path, options: &KernelMountOptions) -> Result<KernelMount> {
        let layer = self.file("mount")?.clone();
        let writable = options.revision.is_none() && !options.read_only && !self.is_read_only();
        let watched = layer.clone();
        let file = self.path().unwrap_or(Path::new("cowry"));
        let how = FuseOptions {
            // Whoever reads the table of mounts is somewhere else.
            source: std::path::absolute(file).unwrap_or_else(|_| file.to_owned()).display().to_string(),
            read_only: !writable,
            elsewhere: Elsewhere::Watched(Arc::new(move || watched.data_version())),
            clock: self.clock(),
            space: file.parent().filter(|dir| !dir.as_os_str().is_empty()).map(Path::to_owned),
            ends_with_it: options.ends_with_it,
            ..FuseOptions::default()
        };
        let root: Arc<dyn Layer> = match options.revision {
            Some(revision) => layer.at(revision)?,
            None => layer,
        };
        let mount = FuseMount::new(root, dir, &how)?;
        Ok(KernelMount { mount, workspace: self.clone(), writable })
    }
}

impl KernelMount {
    /// Where it is mounted.
    pub fn dir(&self) -> &Path {
        self.mount.dir()
    }

    /// Whether the workspace's file is still where it was opened. While it is not, every change is `EIO`.
    pub fn is_in_place(&self) -> bool {
        self.workspace.is_in_place()
    }

    /// Waits until it is unmounted, by whoever.
    pub fn wait(&self) {
        self.mount.wait();
    }

    /// Unmounts; while somebody is in there, takes the mount away from under them. Says whether nobody was.
    ///
    /// # Errors
    /// If the host refuses.
    pub fn unmount(&self) -> std::io::Result<bool> {
        match self.mount.unmount() {
            Err(error) if error.kind() == std::io::ErrorKind::ResourceBusy => {
                self.mount.detach().map(|()| false)
            }
            done => done.map(|()| true),
        }
    }

    /// Makes what was written through the mount, and not committed by others meanwhile, a revision. `None` if there is
    /// nothing.
    ///
    /// # Errors
    /// If the file cannot be written. What was written is in its open revision all the same.
    pub fn finish(&self) -> Result<Option<RevisionInfo>> {
        if self.writable { self.workspace.seal(None) } else { Ok(None) }
    }
}
