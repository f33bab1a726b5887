//! Whole files: reading, writing, appending.

use bytes::Bytes;
use cowry_vfs::{Errno, Error};

use super::{State, StateError, path};
use crate::text::lossy;

impl State<'_> {
    /// The content of a file.
    pub(crate) fn read(&self, path: &str) -> Result<Bytes, StateError> {
        let path = path::normal(path)?;
        self.vfs.read(&path).map_err(|error| StateError::of_read(error, &path))
    }

    /// The content of a file as text; what is not UTF-8 is replaced.
    pub(crate) fn read_text(&self, path: &str) -> Result<String, StateError> {
        let bytes = self.read(path)?;
        Ok(lossy(&bytes).into_owned())
    }

    /// Makes or replaces a file, and the directories above it.
    pub(crate) fn write(&self, path: &str, data: &[u8]) -> Result<(), StateError> {
        self.with_parents(&path::normal(path)?, |path| self.vfs.write(path, data))
    }

    /// Adds to a file, which is made if there is none.
    pub(crate) fn append(&self, path: &str, data: &[u8]) -> Result<(), StateError> {
        self.with_parents(&path::normal(path)?, |path| self.vfs.append(path, data))
    }

    /// Runs `write`, once more with the parents made if they were missing.
    pub(crate) fn with_parents(
        &self,
        path: &str,
        write: impl Fn(&str) -> Result<(), Error>,
    ) -> Result<(), StateError> {
        match write(path) {
            Err(error) if error.errno() == Errno::ENOENT && !self.vfs.exists(path::parent(path)) => {
                self.vfs.mkdir_all(path::parent(path), 0o777)?;
                Ok(write(path)?)
            }
            done => Ok(done?),
        }
    }
}
