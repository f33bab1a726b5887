//! Open files.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;

use crate::errno::{Errno, Error, NodeResult, Result};
use crate::fs::lock::{LockOwner, Locks};
use crate::fs::{Context, Credentials, FsEvent, FsEventKind, OpenOptions, SetTime, Shared, attr, set_id};
use crate::mount::MountId;
use crate::node::{Allocate, SeekTo, SetAttr, Stat};
use crate::path::VPathBuf;
use crate::walk::Node;

/// How much is asked of a layer at once when a whole file is read.
const CHUNK: usize = 4 << 20;

/// States of [`File::access`]: nothing read yet, read, written since.
const UNREAD: u8 = 0;
const READ: u8 = 1;
const WRITTEN: u8 = 2;

/// An open file or directory. It may be shared between threads; they share the cursor.
///
/// A handle keeps the node alive when its last name is removed; dropping it lets go, [`File::close`] also says whether all
/// was well. Rights are those of the
/// moment it was opened. Errors carry no path, as Node's do not, but [`File::path`] knows it.
#[derive(Debug)]
pub struct File {
    shared: Arc<Shared>,
    credentials: Credentials,
    node: Node,
    options: OpenOptions,
    path: String,
    /// Where it was, without links.
    place: VPathBuf,
    cursor: Mutex<u64>,
    /// What the access time knows of: each reading would ask the layer otherwise.
    access: AtomicU8,
    set_id: set_id::Seen,
    /// What this handle is to locks, and the owners that locked ranges through it.
    lock_handle: u64,
    lock_owners: Mutex<Vec<LockOwner>>,
    locked: AtomicBool,
}

impl Drop for File {
    fn drop(&mut self) {
        if *self.locked.get_mut() {
            let file = (self.node.mount.id, self.node.ino());
            self.shared.locks.close(file, self.lock_handle, self.lock_owners.get_mut());
        }
        self.node.mount.layer.release(self.node.ino());
    }
}

impl File {
    /// Takes over a pin that the caller has put on the node.
    pub(super) fn new(
        shared: Arc<Shared>,
        credentials: Credentials,
        node: Node,
        options: OpenOptions,
        (path, place): (&str, VPathBuf),
    ) -> File {
        let lock_handle = shared.locks.new_handle();
        File {
            shared,
            credentials,
            node,
            options,
            path: path.to_owned(),
            place,
            cursor: Mutex::new(0),
            access: AtomicU8::new(UNREAD),
            set_id: set_id::Seen::nothing(),
            lock_handle,
            lock_owners: Mutex::default(),
            locked: AtomicBool::new(false),
        }
    }

    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    /// The locks it shares with others, from now on with this handle in them.
    pub(super) fn locks(&self) -> &Locks {
        self.locked.store(true, Ordering::Relaxed);
        &self.shared.locks
    }

    pub(super) fn lock_handle(&self) -> u64 {
        self.lock_handle
    }

    pub(super) fn note_lock_owner(&self, owner: LockOwner) {
        let mut owners = self.lock_owners.lock();
        if !owners.contains(&owner) {
            owners.push(owner);
        }
    }

    /// The path it was opened with; by now something else may be there.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The mount it is in.
    pub fn mount(&self) -> MountId {
        self.node.mount.id
    }

    /// How it was opened.
    pub fn options(&self) -> &OpenOptions {
        &self.options
    }

    /// The attributes as they are now.
    ///
    /// # Errors
    /// `EIO`.
    pub fn stat(&self) -> Result<Stat> {
        self.now().map(|node| node.stat).of("fstat")
    }

    fn now(&self) -> NodeResult<Node> {
        let stat = self.node.mount.layer.getattr(self.node.ino())?;
        Ok(Node { mount: self.node.mount.clone(), stat })
    }

    /// Up to `len` bytes from `offset`; fewer only at the end of the file. The cursor stays.
    ///
    /// # Errors
    /// `EBADF` if it is not open for reading, `EISDIR`.
    pub fn read_bytes_at(&self, offset: u64, len: usize) -> Result<Bytes> {
        self.read_node(offset, len).of("read")
    }

    fn read_node(&self, offset: u64, len: usize) -> NodeResult<Bytes> {
        if !self.options.read {
            return Err(Errno::EBADF.into());
        }
        if self.node.stat.is_dir() {
            return Err(Errno::EISDIR.into());
        }
        let layer = &self.node.mount.layer;
        let bytes = layer.read(self.node.ino(), offset, len)?;
        if !bytes.is_empty() {
            self.touch();
        }
        Ok(bytes)
    }

    fn touch(&self) {
        match self.access.swap(READ, Ordering::Relaxed) {
            UNREAD => self.shared.touch(&self.node),
            WRITTEN => {
                let _ = self.now().map(|node| self.shared.touch(&node));
            }
            _ => {}
        }
    }

    /// Reads into `buffer` from `offset` and returns how many bytes there were. The cursor stays.
    ///
    /// # Errors
    /// As [`File::read_bytes_at`].
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let bytes = self.read_bytes_at(offset, buffer.len())?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }

    /// Reads into `buffer` from the cursor and moves it; 0 is the end of the file.
    ///
    /// # Errors
    /// As [`File::read_bytes_at`].
    pub fn read(&self, buffer: &mut [u8]) -> Result<usize> {
        let mut cursor = self.cursor.lock();
        let read = self.read_at(buffer, *cursor)?;
        *cursor += read as u64;
        Ok(read)
    }

    /// Everything from the cursor to the end.
    ///
    /// # Errors
    /// As [`File::read_bytes_at`]; `EFBIG` for more than memory can address.
    pub fn read_all(&self) -> Result<Bytes> {
        let mut cursor = self.cursor.lock();
        let first = self.read_bytes_at(*cursor, CHUNK)?;
        *cursor += first.len() as u64;
        if first.len() < CHUNK {
            return Ok(first);
        }
        let mut all = BytesMut::from(first);
        loop {
            let more = self.read_bytes_at(*cursor, CHUNK)?;
            *cursor += more.len() as u64;
            all.extend_from_slice(&more);
            if more.len() < CHUNK {
                return Ok(all.freeze());
            }
        }
    }

    /// Writes all of `data` at `offset`; a gap before it reads as zeros. A handle opened to append appends
    /// all the same, as on Linux. The cursor stays.
    ///
    /// # Errors
    /// `EBADF` if it is not open for writing; `EFBIG`, `EDQUOT`, `ENOSPC`, `EROFS`.
    pub fn write_at(&self, data: &[u8], offset: u64) -> Result<usize> {
        self.put(data, Some(offset)).map(|_| data.len()).of("write")
    }

    /// Writes all of `data` at the cursor (or at the end, if opened to append) and moves the cursor past it.
    ///
    /// # Errors
    /// As [`File::write_at`].
    pub fn write(&self, data: &[u8]) -> Result<usize> {
        let mut cursor = self.cursor.lock();
        *cursor = self.put(data, Some(*cursor)).of("write")?;
        Ok(data.len())
    }

    /// As [`File::write`], for callers that do not count.
    ///
    /// # Errors
    /// As [`File::write_at`].
    pub fn write_all(&self, data: &[u8]) -> Result<()> {
        self.write(data).map(drop)
    }

    /// Tells who watches.
    pub(super) fn tell_modified(&self) {
        if !self.shared.watchers.is_idle() {
            let event = FsEvent { kind: FsEventKind::Modify, path: self.place.clone(), from: None };
            self.shared.watchers.tell(&event);
        }
    }

    /// What changing content does to the rest of a file: set-id bits fall.
    pub(super) fn before_write(&self) -> NodeResult<()> {
        self.set_id.before_write(&self.credentials, &self.node)
    }

    /// Returns the offset just past what was written.
    fn put(&self, data: &[u8], offset: Option<u64>) -> NodeResult<u64> {
        if !self.options.writes() {
            return Err(Errno::EBADF.into());
        }
        if !data.is_empty() {
            self.before_write()?;
        }
        self.access.store(WRITTEN, Ordering::Relaxed);
        let Node { mount, stat } = &self.node;
        let start = match offset {
            Some(offset) if !self.options.append => {
                mount.layer.write(stat.ino, offset, data)?;
                offset
            }
            _ => mount.layer.append(stat.ino, data)?,
        };
        if !data.is_empty() {
            self.tell_modified();
        }
        Ok(start + data.len() as u64)
    }

    /// Moves the cursor and returns where it is from the start. Past the end is allowed.
    ///
    /// # Errors
    /// `EINVAL` for a place before the start.
    pub fn seek(&self, to: io::SeekFrom) -> Result<u64> {
        let mut cursor = self.cursor.lock();
        let place = match to {
            io::SeekFrom::Start(offset) => i64::try_from(offset).ok(),
            io::SeekFrom::Current(by) => i64::try_from(*cursor).ok().and_then(|at| at.checked_add(by)),
            io::SeekFrom::End(by) => i64::try_from(self.stat()?.size).ok().and_then(|at| at.checked_add(by)),
        };
        let place = place.and_then(|place| u64::try_from(place).ok());
        *cursor = place.ok_or_else(|| Error::new("lseek", Errno::EINVAL))?;
        Ok(*cursor)
    }

    /// The next data or hole at or after `offset`. The cursor stays.
    ///
    /// # Errors
    /// `ENXIO` at or past the end, and if there is no more data.
    pub fn find(&self, offset: u64, to: SeekTo) -> Result<u64> {
        self.node.mount.layer.seek(self.node.ino(), offset, to).of("lseek")
    }

    /// Cuts the file off at `size`, or extends it with a hole. The cursor stays.
    ///
    /// # Errors
    /// `EINVAL` if it is not open for writing (as Linux has it); `EFBIG`, `EDQUOT`, `ENOSPC`.
    pub fn truncate(&self, size: u64) -> Result<()> {
        self.set_size(size).of("ftruncate")
    }

    fn set_size(&self, size: u64) -> NodeResult<()> {
        if !self.options.writes() {
            return Err(Errno::EINVAL.into());
        }
        self.before_write()?;
        self.node.mount.layer.setattr(self.node.ino(), &SetAttr::size(size))?;
        self.tell_modified();
        Ok(())
    }

    /// Allocates, punches or zeroes a range.
    ///
    /// # Errors
    /// `EBADF` if it is not open for writing; `EINVAL` for an empty range; `EOPNOTSUPP` where there are no
    /// holes; `EFBIG`, `EDQUOT`, `ENOSPC`.
    pub fn allocate(&self, how: Allocate, offset: u64, len: u64) -> Result<()> {
        const OP: &str = "fallocate";
        if len == 0 {
            return Err(Error::new(OP, Errno::EINVAL));
        }
        if !self.options.writes() {
            return Err(Error::new(OP, Errno::EBADF));
        }
        self.before_write().of(OP)?;
        self.node.mount.layer.allocate(self.node.ino(), how, offset, len).of(OP)?;
        self.tell_modified();
        Ok(())
    }

    /// Makes content and attributes durable.
    ///
    /// # Errors
    /// `EIO`.
    pub fn sync(&self) -> Result<()> {
        self.node.mount.layer.fsync(Some(self.node.ino())).of("fsync")
    }

    /// Closes it, and tells what dropping it cannot: whether all that was written has got where it belongs. On a
    /// layer that holds writes back until a file is closed, a bucket, this is the moment of the upload.
    ///
    /// # Errors
    /// `EBUSY` if somebody else changed the file meanwhile, and nothing of theirs was overwritten; `EIO`, `ETIMEDOUT`.
    pub fn close(self) -> Result<()> {
        self.flush().of("close")
    }

    pub(super) fn flush(&self) -> NodeResult<()> {
        if !self.options.writes() {
            return Ok(());
        }
        self.node.mount.layer.flush(self.node.ino())
    }

    /// Sets the permission bits.
    ///
    /// # Errors
    /// `EPERM`, `EROFS`.
    pub fn chmod(&self, mode: u32) -> Result<()> {
        self.now().and_then(|node| attr::chmod(&self.credentials, &node, mode)).of("fchmod")?;
        self.tell_modified();
        Ok(())
    }

    /// Sets owner and group; `None` leaves one.
    ///
    /// # Errors
    /// `EPERM`, `EROFS`.
    pub fn chown(&self, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
        self.now().and_then(|node| attr::chown(&self.credentials, &node, uid, gid)).of("fchown")?;
        self.tell_modified();
        Ok(())
    }

    /// Sets access and modification time.
    ///
    /// # Errors
    /// `EPERM`, `EACCES`, `EROFS`.
    pub fn utimes(&self, atime: SetTime, mtime: SetTime) -> Result<()> {
        let clock = &*self.shared.clock;
        let change =
            SetAttr { atime: atime.resolve(clock), mtime: mtime.resolve(clock), ..SetAttr::default() };
        self.now()
            .and_then(|node| attr::set_times(&self.credentials, &node, (atime, mtime), change))
            .of("futime")?;
        self.tell_modified();
        Ok(())
    }
}

impl io::Read for &File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(File::read(self, buffer)?)
    }
}

impl io::Write for &File {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        Ok(File::write(self, data)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(File::flush(self).of("write")?)
    }
}

impl io::Seek for &File {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        Ok(File::seek(self, to)?)
    }
}

impl io::Read for File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(File::read(self, buffer)?)
    }
}

impl io::Write for File {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        Ok(File::write(self, data)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(File::flush(self).of("write")?)
    }
}

impl io::Seek for File {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        Ok(File::seek(self, to)?)
    }
}
