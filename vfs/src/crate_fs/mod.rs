//! The other direction of [`CrateLayer`](crate::CrateLayer): a [`Vfs`] for programs that are written for the crate `vfs`.

#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rust_vfs::error::VfsErrorKind;
use rust_vfs::{FileSystem, SeekAndRead, SeekAndWrite, VfsError, VfsFileType, VfsMetadata, VfsResult};

use crate::clock::Timestamp;
use crate::errno::{Errno, Error};
use crate::fs::{OpenOptions, Overwrite, SetTime, Vfs};
use crate::node::{RenameMode, Stat};

/// A tree as that crate sees one: directories and files. Links are followed; what is neither directory nor file counts
/// as a file that cannot be opened. Paths are those of the root, whatever the working directory is. A file that is
/// written is seen by others as it is written, not when it is closed. The time of birth cannot be set.
///
/// ```
/// use std::sync::Arc;
/// use cowry_vfs::rust_vfs::VfsPath;
/// use cowry_vfs::{MemoryLayer, Vfs, VfsOptions};
///
/// let vfs = Vfs::new(Arc::new(MemoryLayer::new()), VfsOptions::default());
/// let notes = VfsPath::new(vfs.clone()).join("notes")?;
/// notes.create_dir()?;
/// notes.join("today.md")?.create_file()?.write_all(b"- buy milk\n")?;
/// assert_eq!(vfs.read_to_string("/notes/today.md")?, "- buy milk\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl FileSystem for Vfs {
    fn read_dir(&self, path: &str) -> VfsResult<Box<dyn Iterator<Item = String> + Send>> {
        let entries = Vfs::read_dir(self, &rooted(path)).map_err(told)?;
        Ok(Box::new(entries.into_iter().map(|entry| entry.name.to_string())))
    }

    fn create_dir(&self, path: &str) -> VfsResult<()> {
        self.mkdir(&rooted(path), 0o777).map_err(|error| self.taken(path, error))
    }

    fn open_file(&self, path: &str) -> VfsResult<Box<dyn SeekAndRead + Send>> {
        let file = self.open(&rooted(path), OpenOptions::read()).map_err(told)?;
        if file.stat().map_err(told)?.is_dir() {
            return Err(told(Error::at("open", path, Errno::EISDIR)));
        }
        Ok(Box::new(file))
    }

    fn create_file(&self, path: &str) -> VfsResult<Box<dyn SeekAndWrite + Send>> {
        Ok(Box::new(self.open(&rooted(path), OpenOptions::write()).map_err(told)?))
    }

    fn append_file(&self, path: &str) -> VfsResult<Box<dyn SeekAndWrite + Send>> {
        let options = OpenOptions { create: false, ..OpenOptions::append() };
        Ok(Box::new(self.open(&rooted(path), options).map_err(told)?))
    }

    fn metadata(&self, path: &str) -> VfsResult<VfsMetadata> {
        self.stat(&rooted(path)).map(|stat| metadata(&stat)).map_err(told)
    }

    fn set_modification_time(&self, path: &str, time: SystemTime) -> VfsResult<()> {
        self.utimes(&rooted(path), SetTime::Keep, SetTime::At(timestamp(time))).map_err(told)
    }

    fn set_access_time(&self, path: &str, time: SystemTime) -> VfsResult<()> {
        self.utimes(&rooted(path), SetTime::At(timestamp(time)), SetTime::Keep).map_err(told)
    }

    fn exists(&self, path: &str) -> VfsResult<bool> {
        match self.stat(&rooted(path)) {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.errno(), Errno::ENOENT | Errno::ENOTDIR) => Ok(false),
            Err(error) => Err(told(error)),
        }
    }

    fn remove_file(&self, path: &str) -> VfsResult<()> {
        self.unlink(&rooted(path)).map_err(told)
    }

    fn remove_dir(&self, path: &str) -> VfsResult<()> {
        self.rmdir(&rooted(path)).map_err(told)
    }

    fn copy_file(&self, from: &str, to: &str) -> VfsResult<()> {
        self.copy(&rooted(from), &rooted(to), Overwrite::Replace).map_err(told)
    }

    fn move_file(&self, from: &str, to: &str) -> VfsResult<()> {
        self.rename(&rooted(from), &rooted(to), RenameMode::Replace).map_err(told)
    }

    fn move_dir(&self, from: &str, to: &str) -> VfsResult<()> {
        self.rename(&rooted(from), &rooted(to), RenameMode::Replace).map_err(told)
    }
}

impl Vfs {
    /// What is in the way of a new directory decides which error that crate has for it.
    fn taken(&self, path: &str, error: Error) -> VfsError {
        match self.stat(&rooted(path)) {
            Ok(stat) if error.errno() == Errno::EEXIST && stat.is_dir() => {
                VfsErrorKind::DirectoryExists.into()
            }
            _ => told(error),
        }
    }
}

/// The root is the empty path there.
fn rooted(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

fn told(error: Error) -> VfsError {
    let kind = match error.errno() {
        Errno::ENOENT => VfsErrorKind::FileNotFound,
        Errno::EEXIST => VfsErrorKind::FileExists,
        Errno::EOPNOTSUPP => VfsErrorKind::NotSupported,
        _ => VfsErrorKind::IoError(error.into()),
    };
    kind.into()
}

fn metadata(stat: &Stat) -> VfsMetadata {
    let file_type = if stat.is_dir() { VfsFileType::Directory } else { VfsFileType::File };
    VfsMetadata {
        file_type,
        len: stat.size,
        created: moment(stat.btime),
        modified: moment(stat.mtime),
        accessed: moment(stat.atime),
    }
}

fn moment(time: Timestamp) -> Option<SystemTime> {
    let distance = Duration::from_nanos(time.0.unsigned_abs());
    if time.0 < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) }
}

/// The nearest time that fits: years 1677 to 2262.
fn timestamp(time: SystemTime) -> Timestamp {
    let nanos = |distance: Duration| i64::try_from(distance.as_nanos()).unwrap_or(i64::MAX);
    Timestamp(match time.duration_since(UNIX_EPOCH) {
        Ok(after) => nanos(after),
        Err(before) => -nanos(before.duration()),
    })
}
