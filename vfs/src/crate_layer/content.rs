//! Content: that crate reads from anywhere and writes whole files or at the end.

use std::io::{Read, Seek, SeekFrom, Write};

use bytes::Bytes;

use super::{CrateLayer, foreign};
use crate::errno::{Errno, NodeError, NodeResult};
use crate::node::{Allocate, FileType, Ino, end_of};

/// The largest file that is written other than at its end, since it is rewritten whole.
const LARGEST: u64 = 1 << 30;

impl CrateLayer {
    /// The size of a regular file.
    ///
    /// # Errors
    /// `EISDIR` for a directory.
    pub(super) fn file_size(&self, ino: Ino) -> NodeResult<u64> {
        let stat = self.stat(ino)?;
        if stat.kind == FileType::Directory { Err(Errno::EISDIR.into()) } else { Ok(stat.size) }
    }

    pub(super) fn read_range(&self, ino: Ino, offset: u64, len: usize) -> NodeResult<Bytes> {
        let size = self.file_size(ino)?;
        if offset >= size || len == 0 {
            return Ok(Bytes::new());
        }
        let len = len.min(usize::try_from(size - offset).unwrap_or(usize::MAX));
        if let Some(content) = self.table.lock().content(ino) {
            // Its size is that of a vector.
            let start = offset as usize;
            return Ok(Bytes::copy_from_slice(&content[start..start + len]));
        }
        let mut file = self.fs.open_file(&self.path(ino)?).map_err(foreign)?;
        file.seek(SeekFrom::Start(offset)).map_err(NodeError::io)?;
        let mut bytes = Vec::with_capacity(len);
        file.take(len as u64).read_to_end(&mut bytes).map_err(NodeError::io)?;
        Ok(bytes.into())
    }

    fn whole(&self, ino: Ino) -> NodeResult<Vec<u8>> {
        Ok(self.read_range(ino, 0, usize::MAX)?.to_vec())
    }

    pub(super) fn write_range(&self, ino: Ino, offset: u64, data: &[u8]) -> NodeResult<()> {
        let size = self.file_size(ino)?;
        if data.is_empty() {
            return Ok(());
        }
        let end = end_of(offset, data.len() as u64)?;
        if offset == size
            && let Ok(path) = self.path(ino)
        {
            let mut file = self.fs.append_file(&path).map_err(foreign)?;
            file.write_all(data).and_then(|()| file.flush()).map_err(NodeError::io)?;
            drop(file);
        } else {
            check_rewrite(end)?;
            let mut content = self.whole(ino)?;
            let (start, end) = (offset as usize, end as usize);
            content.resize(content.len().max(end), 0);
            content[start..end].copy_from_slice(data);
            self.put(ino, content)?;
        }
        self.changed(ino);
        Ok(())
    }

    /// Puts content in the place of what a file holds.
    fn put(&self, ino: Ino, content: Vec<u8>) -> NodeResult<()> {
        if let Some(kept) = self.table.lock().content(ino) {
            *kept = content;
            return Ok(());
        }
        self.put_at(&self.path(ino)?, &content)
    }

    pub(super) fn put_at(&self, path: &str, content: &[u8]) -> NodeResult<()> {
        let mut file = self.fs.create_file(path).map_err(foreign)?;
        file.write_all(content).and_then(|()| file.flush()).map_err(NodeError::io)
    }

    pub(super) fn resize(&self, ino: Ino, size: u64) -> NodeResult<()> {
        self.file_size(ino)?;
        end_of(size, 0)?;
        check_rewrite(size)?;
        let mut content = self.whole(ino)?;
        content.resize(size as usize, 0);
        self.put(ino, content)?;
        self.changed(ino);
        Ok(())
    }

    pub(super) fn allocate_range(&self, ino: Ino, how: Allocate, offset: u64, len: u64) -> NodeResult<()> {
        let size = self.file_size(ino)?;
        if len == 0 {
            return Err(Errno::EINVAL.into());
        }
        let end = end_of(offset, len)?;
        match how {
            Allocate::Punch => Err(Errno::EOPNOTSUPP.into()),
            Allocate::KeepSize => Ok(()),
            Allocate::Reserve if end > size => self.resize(ino, end),
            Allocate::Reserve => Ok(()),
            Allocate::Zero => {
                check_rewrite(end)?;
                self.write_range(ino, offset, &vec![0; len as usize])
            }
        }
    }
}

/// # Errors
/// `EFBIG` past what is rewritten in memory.
fn check_rewrite(size: u64) -> NodeResult<()> {
    if size > LARGEST { Err(Errno::EFBIG.into()) } else { Ok(()) }
}
