//! Whether the file is still where it was opened.
//!
//! Writing goes on into a file that was moved or removed, and whoever opens what is at the path then, or opens the file
//! under its new name, has neither our log nor our locks. SQLite does not notice.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use crate::errno::{NodeError, NodeResult};

/// A path, and which file was there.
pub(super) struct Place {
    path: PathBuf,
    file: (u64, u64),
}

impl Place {
    /// What is there now. The path may be relative: where this process works later does not matter.
    pub(super) fn of(path: &Path) -> io::Result<Place> {
        Ok(Place { path: std::path::absolute(path)?, file: identity(&path.metadata()?) })
    }

    /// Whether the file is there still.
    pub(super) fn holds(&self) -> bool {
        self.path.metadata().is_ok_and(|meta| identity(&meta) == self.file)
    }

    /// # Errors
    /// `EIO` if it is not.
    pub(super) fn require(&self) -> NodeResult<()> {
        if self.holds() {
            return Ok(());
        }
        let path = self.path.display();
        Err(NodeError::io(format!(
            "{path} was moved or removed while it was in use: put it back, until then nothing is written"
        )))
    }
}

#[cfg(unix)]
fn identity(meta: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (meta.dev(), meta.ino())
}

/// That there is a file has to do.
#[cfg(not(unix))]
fn identity(_: &Metadata) -> (u64, u64) {
    (0, 0)
}
