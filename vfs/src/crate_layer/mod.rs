//! Filesystems of the crate `rust_vfs` as layers.

mod content;
mod entries;
mod table;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Mutex, ReentrantMutex};
use rust_vfs::error::VfsErrorKind;
use rust_vfs::{FileSystem, VfsError, VfsFileType, VfsMetadata};

use crate::clock::{Clock, SystemClock, Timestamp};
use crate::errno::{Errno, NodeError, NodeResult};
use crate::layer::Layer;
use crate::node::{
    Allocate, DirEntry, Features, FileType, Ino, NewAttr, NewNode, RenameMode, SeekTo, SetAttr, Stat, StatFs,
    XattrMode,
};
use crate::path::Name;
use crate::savepoint::Savepoint;
use table::{Table, Times};

/// Any filesystem of the crate `rust_vfs` as a layer.
///
/// That crate knows files, directories and paths, so this layer has neither links nor modes, owners, extended
/// attributes, holes or transactions, and says so in its [`Features`].
///
/// - Inode numbers belong to paths and are remembered for as long as the layer lives.
/// - A write anywhere but at the end reads and writes the whole file, which may have 1 GiB at most.
/// - Calls take turns, since most changes are several steps of that crate's: a rename onto a file removes that first,
///   and one that the filesystem cannot do is a copy and a removal. Who uses the filesystem past this layer sees the
///   steps.
/// - An open file that is removed lives on in memory. A removed name is `ESTALE` at once if others removed it.
/// - Directories have `nlink` 2, whatever they hold; times that the filesystem does not keep are kept in memory.
pub struct CrateLayer {
    fs: Arc<dyn FileSystem>,
    clock: Arc<dyn Clock>,
    table: Mutex<Table>,
    /// One call at a time: most changes are several steps, and nobody may look in between.
    turn: ReentrantMutex<()>,
}

impl fmt::Debug for CrateLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CrateLayer").field("fs", &self.fs).finish_non_exhaustive()
    }
}

impl CrateLayer {
    /// Wraps a filesystem.
    pub fn new(fs: impl FileSystem) -> CrateLayer {
        CrateLayer::with_clock(Arc::new(fs), Arc::new(SystemClock))
    }

    /// Wraps a filesystem that is shared, by this clock.
    pub fn with_clock(fs: Arc<dyn FileSystem>, clock: Arc<dyn Clock>) -> CrateLayer {
        let table = Mutex::new(Table::new(clock.now()));
        CrateLayer { fs, clock, table, turn: ReentrantMutex::new(()) }
    }

    /// The path of a node that has a name.
    ///
    /// # Errors
    /// `ESTALE` for a number that is not known, `ENOENT` for what was removed and is open.
    fn path(&self, ino: Ino) -> NodeResult<String> {
        let table = self.table.lock();
        let record = table.get(ino).ok_or(Errno::ESTALE)?;
        record.path.clone().ok_or_else(|| Errno::ENOENT.into())
    }

    /// The path of a directory.
    ///
    /// # Errors
    /// `ENOTDIR`; as [`CrateLayer::path`].
    fn dir_path(&self, ino: Ino) -> NodeResult<String> {
        if self.table.lock().get(ino).is_some_and(|record| record.kind != FileType::Directory) {
            return Err(Errno::ENOTDIR.into());
        }
        self.path(ino)
    }

    /// Looks at a path and notes what is there.
    fn see(&self, path: &str) -> NodeResult<Stat> {
        match self.fs.metadata(path).map_err(foreign) {
            Ok(metadata) => Ok(self.table.lock().note(path, &metadata, self.clock.now())),
            Err(error) => {
                if error == Errno::ENOENT {
                    self.table.lock().lost(path);
                }
                Err(error)
            }
        }
    }

    fn stat(&self, ino: Ino) -> NodeResult<Stat> {
        let path = {
            let table = self.table.lock();
            let record = table.get(ino).ok_or(Errno::ESTALE)?;
            match &record.path {
                Some(path) => path.clone(),
                None => return Ok(record.orphan_stat(ino)),
            }
        };
        match self.see(&path) {
            Ok(stat) if stat.ino == ino => Ok(stat),
            Ok(_) => Err(Errno::ESTALE.into()),
            Err(error) if error == Errno::ENOENT => Err(Errno::ESTALE.into()),
            Err(error) => Err(error),
        }
    }

    /// Notes that content or entries were changed from here.
    fn changed(&self, ino: Ino) {
        let now = self.clock.now();
        let modified = self.modified(ino);
        self.table.lock().changed(ino, now, Times { mtime: Some(now), modified, ..Times::default() });
    }

    /// What the filesystem says of the modification time.
    fn modified(&self, ino: Ino) -> Option<std::time::SystemTime> {
        let path = self.path(ino).ok()?;
        self.fs.metadata(&path).ok()?.modified
    }

    fn set_times(&self, ino: Ino, changes: &SetAttr) -> NodeResult<()> {
        if let Ok(path) = self.path(ino) {
            // What the filesystem cannot keep is kept here.
            if let Some(time) = changes.mtime.and_then(system_time) {
                let _ = self.fs.set_modification_time(&path, time);
            }
            if let Some(time) = changes.atime.and_then(system_time) {
                let _ = self.fs.set_access_time(&path, time);
            }
        }
        let modified = self.modified(ino);
        let times = Times { atime: changes.atime, mtime: changes.mtime, modified };
        let mut table = self.table.lock();
        if changes.is_atime_only() {
            table.times(ino, times);
        } else {
            table.changed(ino, self.clock.now(), times);
        }
        Ok(())
    }

    /// # Errors
    /// `EOPNOTSUPP` for a mode or owner that is not what every node here has.
    fn check_ownership(stat: &Stat, changes: &SetAttr) -> NodeResult<()> {
        let fits = changes.mode.is_none_or(|mode| mode == stat.mode)
            && changes.uid.is_none_or(|uid| uid == stat.uid)
            && changes.gid.is_none_or(|gid| gid == stat.gid);
        if fits { Ok(()) } else { Err(Errno::EOPNOTSUPP.into()) }
    }
}

/// An error of that crate as one of ours. `Other` says nothing to branch on.
fn foreign(error: VfsError) -> NodeError {
    let errno = match error.kind() {
        VfsErrorKind::FileNotFound => Errno::ENOENT,
        VfsErrorKind::InvalidPath => Errno::EINVAL,
        VfsErrorKind::DirectoryExists | VfsErrorKind::FileExists => Errno::EEXIST,
        VfsErrorKind::NotSupported => Errno::EOPNOTSUPP,
        VfsErrorKind::IoError(io) => io.raw_os_error().and_then(Errno::from_code).unwrap_or(Errno::EIO),
        _ => Errno::EIO,
    };
    NodeError::with_source(errno, error.to_string())
}

fn kind_of(metadata: &VfsMetadata) -> FileType {
    match metadata.file_type {
        VfsFileType::File => FileType::Regular,
        VfsFileType::Directory => FileType::Directory,
    }
}

fn timestamp(time: std::time::SystemTime) -> Timestamp {
    let nanos = |duration: std::time::Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
    match time.duration_since(std::time::UNIX_EPOCH) {
        Ok(since) => Timestamp(nanos(since)),
        Err(before) => Timestamp(-nanos(before.duration())),
    }
}

fn system_time(time: Timestamp) -> Option<std::time::SystemTime> {
    let offset = std::time::Duration::from_nanos(time.0.unsigned_abs());
    let epoch = std::time::UNIX_EPOCH;
    if time.0 < 0 { epoch.checked_sub(offset) } else { epoch.checked_add(offset) }
}

impl Layer for CrateLayer {
    fn name(&self) -> &str {
        "crate"
    }

    fn features(&self) -> Features {
        Features::files_only(48)
    }

    fn root(&self) -> Ino {
        table::ROOT
    }

    fn lookup(&self, parent: Ino, name: &Name) -> NodeResult<Stat> {
        let _turn = self.turn.lock();
        self.see(&format!("{}/{name}", self.dir_path(parent)?))
    }

    fn getattr(&self, ino: Ino) -> NodeResult<Stat> {
        let _turn = self.turn.lock();
        self.stat(ino)
    }

    fn setattr(&self, ino: Ino, changes: &SetAttr) -> NodeResult<Stat> {
        let _turn = self.turn.lock();
        let stat = self.stat(ino)?;
        Self::check_ownership(&stat, changes)?;
        if let Some(size) = changes.size {
            self.resize(ino, size)?;
        }
        if *changes != SetAttr::default() {
            self.set_times(ino, &SetAttr { size: None, ..*changes })?;
        }
        self.stat(ino)
    }

    fn readdir(&self, dir: Ino, after: Option<&Name>, limit: usize) -> NodeResult<Vec<DirEntry>> {
        let _turn = self.turn.lock();
        self.list(dir, after, limit)
    }

    fn readlink(&self, ino: Ino) -> NodeResult<String> {
        let _turn = self.turn.lock();
        self.stat(ino)?;
        Err(Errno::EINVAL.into())
    }

    fn read(&self, ino: Ino, offset: u64, len: usize) -> NodeResult<Bytes> {
        let _turn = self.turn.lock();
        self.read_range(ino, offset, len)
    }

    fn write(&self, ino: Ino, offset: u64, data: &[u8]) -> NodeResult<()> {
        let _turn = self.turn.lock();
        self.write_range(ino, offset, data)
    }

    fn append(&self, ino: Ino, data: &[u8]) -> NodeResult<u64> {
        let _turn = self.turn.lock();
        let end = self.file_size(ino)?;
        self.write_range(ino, end, data)?;
        Ok(end)
    }

    fn allocate(&self, ino: Ino, how: Allocate, offset: u64, len: u64) -> NodeResult<()> {
        let _turn = self.turn.lock();
        self.allocate_range(ino, how, offset, len)
    }

    fn seek(&self, ino: Ino, offset: u64, to: SeekTo) -> NodeResult<u64> {
        let _turn = self.turn.lock();
        let size = self.file_size(ino)?;
        match to {
            _ if offset >= size => Err(Errno::ENXIO.into()),
            SeekTo::Data => Ok(offset),
            SeekTo::Hole => Ok(size),
        }
    }

    fn open(&self, ino: Ino) -> NodeResult<()> {
        let _turn = self.turn.lock();
        self.stat(ino)?;
        self.table.lock().pin(ino)
    }

    fn release(&self, ino: Ino) {
        self.table.lock().unpin(ino);
    }

    /// Every write is done when it returns.
    fn flush(&self, _: Ino) -> NodeResult<()> {
        Ok(())
    }

    fn create(&self, parent: Ino, name: &Name, node: NewNode<'_>, attr: &NewAttr) -> NodeResult<Stat> {
        let _turn = self.turn.lock();
        self.make(parent, name, node, attr)
    }

    fn link(&self, ino: Ino, parent: Ino, _: &Name) -> NodeResult<Stat> {
        let _turn = self.turn.lock();
        self.stat(ino)?;
        self.dir_path(parent)?;
        Err(Errno::EOPNOTSUPP.into())
    }

    fn unlink(&self, parent: Ino, name: &Name) -> NodeResult<()> {
        let _turn = self.turn.lock();
        self.remove_file(parent, name)
    }

    fn rmdir(&self, parent: Ino, name: &Name) -> NodeResult<()> {
        let _turn = self.turn.lock();
        self.remove_dir(parent, name)
    }

    fn rename(&self, from: (Ino, &Name), to: (Ino, &Name), mode: RenameMode) -> NodeResult<()> {
        let _turn = self.turn.lock();
        if mode != RenameMode::Replace {
            return Err(Errno::EOPNOTSUPP.into());
        }
        self.move_entry(from, to)
    }

    fn getxattr(&self, ino: Ino, _: &str) -> NodeResult<Bytes> {
        let _turn = self.turn.lock();
        self.stat(ino)?;
        Err(Errno::EOPNOTSUPP.into())
    }

    fn listxattr(&self, ino: Ino) -> NodeResult<Vec<String>> {
        let _turn = self.turn.lock();
        self.stat(ino).map(|_| Vec::new())
    }

    fn setxattr(&self, ino: Ino, _: &str, _: &[u8], _: XattrMode) -> NodeResult<()> {
        let _turn = self.turn.lock();
        self.stat(ino)?;
        Err(Errno::EOPNOTSUPP.into())
    }

    fn removexattr(&self, ino: Ino, _: &str) -> NodeResult<()> {
        let _turn = self.turn.lock();
        self.stat(ino)?;
        Err(Errno::EOPNOTSUPP.into())
    }

    /// Each write is handed on whole; that crate has nothing to ask for durability with.
    fn fsync(&self, ino: Option<Ino>) -> NodeResult<()> {
        let _turn = self.turn.lock();
        ino.map_or(Ok(()), |ino| self.stat(ino).map(drop))
    }

    /// That crate does not say: no bound, nothing counted.
    fn statfs(&self) -> NodeResult<StatFs> {
        Ok(StatFs { total_bytes: u64::MAX, used_bytes: 0, total_inodes: u64::MAX, used_inodes: 0 })
    }

    fn savepoint(&self) -> NodeResult<Savepoint> {
        Err(Errno::EOPNOTSUPP.into())
    }

    fn roll_back(&self, _: &Savepoint) -> NodeResult<()> {
        Err(Errno::EOPNOTSUPP.into())
    }

    fn batch(&self, work: &mut dyn FnMut(&dyn Layer) -> NodeResult<()>) -> NodeResult<()> {
        let _turn = self.turn.lock();
        work(self)
    }
}
