//! Whole-file writing.

use crate::errno::{NodeResult, Result};
use crate::fs::{Context, OpenOptions, Vfs};
use crate::layer::Layer;
use crate::node::{Ino, SetAttr};

impl Vfs {
    /// Makes a file with this content (mode 0666 less the umask), or replaces the content of one that is
    /// there: whoever reads sees the old content or the new.
    ///
    /// # Errors
    /// As [`Vfs::open`], and `EFBIG`, `EDQUOT`, `ENOSPC` of `write`.
    pub fn write(&self, path: &str, data: &[u8]) -> Result<()> {
        let options = OpenOptions { write: true, create: true, ..OpenOptions::default() };
        let opened = self.open_with(path, &options, data)?;
        if !opened.created {
            opened.file.replace_content(data)?;
        }
        opened.file.flush().at("close", path)
    }

    /// Adds to the end of a file, which is made if there is none.
    ///
    /// # Errors
    /// As [`Vfs::write`].
    pub fn append(&self, path: &str, data: &[u8]) -> Result<()> {
        let opened = self.open_with(path, &OpenOptions::append(), data)?;
        if !opened.created {
            opened.file.write_all(data)?;
        }
        opened.file.flush().at("close", path)
    }
}

/// Puts `data` in the place of all content, as one change.
pub(super) fn replace_content(layer: &dyn Layer, ino: Ino, data: &[u8]) -> NodeResult<()> {
    layer.batch(&mut |layer| {
        layer.setattr(ino, &SetAttr::size(0))?;
        layer.write(ino, 0, data)
    })
}

impl crate::fs::File {
    fn replace_content(&self, data: &[u8]) -> Result<()> {
        self.before_write().of("write")?;
        replace_content(&*self.node().mount.layer, self.node().ino(), data).of("write")?;
        self.tell_modified();
        Ok(())
    }
}
