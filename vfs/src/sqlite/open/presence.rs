//! Who else has the file open, and the files beside it that say so.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use super::super::hold;

/// A shared lock on a file beside the workspace, which says that some process has it open. Only the one that
/// is alone may remove files that others could hold open without a name.
///
/// It is a file of its own because a lock on the workspace itself would meet SQLite's.
pub(in crate::sqlite) struct Presence {
    file: File,
    path: PathBuf,
    workspace: PathBuf,
}

impl Presence {
    /// `None` where no such file can be made (a read-only directory): then nobody is ever taken to be alone.
    pub(in crate::sqlite) fn enter(workspace: &Path) -> Option<Presence> {
        let path = beside(workspace, "-lock");
        loop {
            let file = side_file(&path).ok()?;
            file.lock_shared().ok()?;
            // The last one to leave removes the file; a lock on what was removed protects nothing.
            if same_file(&file, &path) {
                return Some(Presence { file, path, workspace: workspace.to_owned() });
            }
        }
    }

    /// Runs `work` if no other process has the workspace open, and keeps others out for so long.
    pub(in crate::sqlite) fn alone<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        let result = match self.file.try_lock() {
            Ok(()) => Some(work()),
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => None,
        };
        let _ = self.file.lock_shared();
        result
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        if self.file.try_lock().is_ok() {
            hold::clear_away(&self.workspace);
            let _ = std::fs::remove_file(beside(&self.workspace, "-turn"));
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(unix)]
pub(in crate::sqlite) fn same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), path.metadata()) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
pub(in crate::sqlite) fn same_file(_: &File, path: &Path) -> bool {
    path.exists()
}

/// Opens a file beside a workspace that is there for its locks, or makes it.
pub(in crate::sqlite) fn side_file(path: &Path) -> std::io::Result<File> {
    File::options().read(true).write(true).create(true).truncate(false).open(path)
}

/// The workspace's path with something after its name.
pub(in crate::sqlite) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
