//! A bucket, or what is below a prefix of one, as a layer.

mod ahead;
mod attributes;
mod batches;
mod blocks;
mod etag;
mod find;
mod kept;
mod names;
mod nodes;
mod read;
mod rename;
mod spool;
mod state;
#[cfg(test)]
mod tests;
mod window;
mod write;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::{Mutex, ReentrantMutex};

use super::bucket::Bucket;
use super::trouble::Trouble;
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::errno::{Errno, NodeResult};
use crate::layer::Layer;
use crate::node::{
    Allocate, DirEntry, Features, Ino, NewAttr, NewNode, RenameMode, SeekTo, SetAttr, Stat, StatFs,
    XattrMode, end_of,
};
use crate::path::Name;
use crate::savepoint::Savepoint;
use ahead::Flights;
use batches::Batches;
use blocks::Blocks;
use nodes::{Looks, Table};
use state::State;

pub use write::{Unwritten, node_metadata};

/// What is read at once must fit into the cache.
const CACHE_LEAST: u64 = 16 << 20;

/// How an [`ObjectLayer`] is opened.
#[derive(Clone, Debug)]
pub struct ObjectOptions {
    /// Every change is `EROFS`.
    pub read_only: bool,
    /// How long what a listing said is believed. Until then others' changes may not be seen; content is never mixed.
    pub listing_lifetime: Duration,
    /// How many names are asked for at once; servers send 1000 at most.
    pub page_names: usize,
    /// Bytes of content that are kept in memory; 16 MiB at least. Half as many more may be under way, fetched ahead.
    pub cache_bytes: u64,
    /// Nodes that are remembered. Beyond, those that nobody holds and nobody used lately are `ESTALE` by number and found
    /// again, with the same number, by name.
    pub nodes: usize,
    /// Whether attributes of a file that is asked for them are those that its object keeps: a look at each object, once. Else
    /// they are the listing's.
    pub metadata: bool,
    /// Where writes wait for their upload, in files without names; without one, where temporary files are.
    pub spool_folder: Option<PathBuf>,
    /// Owner of everything.
    pub uid: u32,
    /// Group of everything.
    pub gid: u32,
    /// What measures the lifetime, and gives what has no time one.
    pub clock: Arc<dyn Clock>,
}

impl Default for ObjectOptions {
    /// Writable; listings for ten seconds; 32 MiB of content; 200,000 nodes; attributes of objects; uid and gid 1000; the host's clock.
    fn default() -> Self {
        ObjectOptions {
            read_only: false,
            listing_lifetime: Duration::from_secs(10),
            page_names: 1000,
            cache_bytes: 32 << 20,
            nodes: 200_000,
            metadata: true,
            spool_folder: None,
            uid: 1000,
            gid: 1000,
            clock: Arc::new(SystemClock),
        }
    }
}

/// A bucket prefix as a layer: objects are files, what is between slashes are directories.
///
/// - Nothing is asked for before it is needed. Directories are listed in pages, and what a page said is believed
///   for [`ObjectOptions::listing_lifetime`].
/// - An inode is one content of a name. Where a listing or a read shows another ETag, the name has a new inode and the
///   old one is `ESTALE`; a read never mixes two contents.
/// - Where a name is both an object and a folder, the folder is shown. Names past 255 bytes are not shown, nor are keys with
///   an empty part, `.`, `..` or a control character ([`ObjectLayer::hidden`]); a folder with such keys in it is not
///   removed (`ENOTEMPTY`) and not renamed (`EOPNOTSUPP`).
/// - What is written waits in a file without a name until the last handle is closed, and is uploaded on the condition
///   that the bucket still has what was seen; else it is `EBUSY`, by [`Layer::flush`]. Nothing is uploaded of a file that nobody
///   closes but by `fsync`, and when the layer goes.
/// - A rename is a copy and a removal, and of a directory one for each object: not atomic, and gone on with when repeated.
/// - [`Layer::lookup`] and [`Layer::readdir`] tell the attributes of files that a listing has; [`Layer::getattr`] those that the
///   object keeps ([`ObjectOptions::metadata`]). Mode and owner can be given to what is made or being written; of an object
///   that is there they cannot be changed (`EOPNOTSUPP`).
/// - Directories have `nlink` 2, the time at which the layer was opened, and no mode or owner of their own.
pub struct ObjectLayer {
    bucket: Bucket,
    read_only: bool,
    page_names: usize,
    /// Whether attributes are kept with objects, and read.
    metadata: bool,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    blocks: Arc<Blocks>,
    flights: Arc<Flights>,
    spool_folder: Option<PathBuf>,
    /// Held while names are made, removed and moved: what is known of them must match what was done to them.
    names: ReentrantMutex<()>,
    batches: Mutex<Batches>,
    unwritten: Mutex<Vec<Unwritten>>,
}

impl Drop for ObjectLayer {
    /// The last chance for what is not uploaded.
    fn drop(&mut self) {
        self.flights.stop(None);
        let _ = self.upload_all();
    }
}

impl fmt::Debug for ObjectLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectLayer").field("bucket", &self.bucket).finish_non_exhaustive()
    }
}

impl ObjectLayer {
    /// Opens a bucket as a layer. Lists the first page, so that a bucket that is not there or a key that is wrong is told
    /// at once.
    ///
    /// # Errors
    /// Whatever keeps the bucket from being listed.
    pub fn open(bucket: Bucket, options: ObjectOptions) -> Result<ObjectLayer, Trouble> {
        let looks = Looks {
            born: options.clock.now(),
            uid: options.uid,
            gid: options.gid,
            file_mode: 0o644,
            dir_mode: 0o755,
        };
        let lifetime = i64::try_from(options.listing_lifetime.as_nanos()).unwrap_or(i64::MAX);
        let cache = options.cache_bytes.max(CACHE_LEAST);
        let layer = ObjectLayer {
            read_only: options.read_only,
            metadata: options.metadata && bucket.keeps_metadata(),
            spool_folder: options.spool_folder,
            names: ReentrantMutex::new(()),
            batches: Mutex::default(),
            unwritten: Mutex::default(),
            page_names: options.page_names.max(1),
            state: Mutex::new(State::new(Table::new(looks, options.nodes.max(16)), lifetime)),
            blocks: Arc::new(Blocks::new(cache)),
            flights: Arc::new(Flights::new(cache / 2)),
            clock: options.clock,
            bucket,
        };
        let fetch = layer.state.lock().open_window("", None, looks.born);
        let (page, answers) = layer.page_in_order(&fetch)?;
        let mut state = layer.state.lock();
        // A first page alone cannot fail to end.
        let _ = state.take(&fetch, page, answers);
        state.end_listing();
        drop(state);
        Ok(layer)
    }

    /// Where it is, and how many requests it made.
    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// How many keys that cannot be names were met in listings so far, each time that they were.
    pub fn hidden(&self) -> u64 {
        self.state.lock().hidden
    }

    /// What is known of a node without a request.
    fn known(&self, ino: Ino) -> NodeResult<Stat> {
        Ok(self.state.lock().table.get(ino)?.stat)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// # Errors
    /// `EROFS`.
    fn want_write(&self) -> NodeResult<()> {
        if self.read_only { Err(Errno::EROFS.into()) } else { Ok(()) }
    }
}

impl Layer for ObjectLayer {
    fn name(&self) -> &str {
        "object"
    }

    fn features(&self) -> Features {
        Features {
            writable: !self.read_only,
            remote: true,
            waits: true,
            ..Features::files_only(nodes::INO_BITS)
        }
    }

    fn root(&self) -> Ino {
        nodes::ROOT
    }

    fn lookup(&self, parent: Ino, name: &Name) -> NodeResult<Stat> {
        self.find(parent, name)
    }

    fn getattr(&self, ino: Ino) -> NodeResult<Stat> {
        self.whole_stat(ino)
    }

    fn setattr(&self, ino: Ino, changes: &SetAttr) -> NodeResult<Stat> {
        self.want_write()?;
        self.set_attributes(ino, changes)
    }

    fn readdir(&self, dir: Ino, after: Option<&Name>, limit: usize) -> NodeResult<Vec<DirEntry>> {
        self.list(dir, after, limit)
    }

    fn readlink(&self, ino: Ino) -> NodeResult<String> {
        self.known(ino)?;
        Err(Errno::EINVAL.into())
    }

    fn read(&self, ino: Ino, offset: u64, len: usize) -> NodeResult<Bytes> {
        if let Some(spool) = self.spool_if_any(ino)? {
            return spool.read().read(self, offset, len);
        }
        match self.source(ino)? {
            Some(source) => self.read_source(&source, offset, len),
            None => Ok(Bytes::new()),
        }
    }

    fn write(&self, ino: Ino, offset: u64, data: &[u8]) -> NodeResult<()> {
        self.want_write()?;
        if data.is_empty() {
            return self.spool_if_any(ino).map(drop);
        }
        end_of(offset, data.len() as u64)?;
        self.edit(ino, |spool| spool.write(offset, data))
    }

    fn append(&self, ino: Ino, data: &[u8]) -> NodeResult<u64> {
        self.want_write()?;
        if data.is_empty() {
            self.spool_if_any(ino)?;
            return Ok(self.known(ino)?.size);
        }
        self.edit(ino, |spool| {
            let end = spool.size;
            end_of(end, data.len() as u64)?;
            spool.write(end, data).map(|()| end)
        })
    }

    fn allocate(&self, ino: Ino, how: Allocate, offset: u64, len: u64) -> NodeResult<()> {
        self.want_write()?;
        self.spool_if_any(ino)?;
        if len == 0 {
            return Err(Errno::EINVAL.into());
        }
        let end = end_of(offset, len)?;
        match how {
            Allocate::Punch => Err(Errno::EOPNOTSUPP.into()),
            Allocate::KeepSize => Ok(()),
            Allocate::Reserve if end <= self.known(ino)?.size => Ok(()),
            Allocate::Reserve => self.edit(ino, |spool| {
                spool.resize(end.max(spool.size));
                Ok(())
            }),
            Allocate::Zero => self.edit(ino, |spool| spool.zero(offset, end)),
        }
    }

    fn seek(&self, ino: Ino, offset: u64, to: SeekTo) -> NodeResult<u64> {
        let mut state = self.state.lock();
        let node = state.table.get(ino)?;
        node.need_file()?;
        match to {
            _ if offset >= node.stat.size => Err(Errno::ENXIO.into()),
            SeekTo::Data => Ok(offset),
            SeekTo::Hole => Ok(node.stat.size),
        }
    }

    fn open(&self, ino: Ino) -> NodeResult<()> {
        self.state.lock().table.pin(ino)
    }

    fn release(&self, ino: Ino) {
        let last = self.state.lock().table.unpin(ino);
        if last {
            self.let_go(ino);
        }
    }

    fn flush(&self, ino: Ino) -> NodeResult<()> {
        self.upload(ino)
    }

    fn create(&self, parent: Ino, name: &Name, node: NewNode<'_>, attr: &NewAttr) -> NodeResult<Stat> {
        self.want_write()?;
        self.make(parent, name, node, attr)
    }

    fn link(&self, ino: Ino, parent: Ino, _: &Name) -> NodeResult<Stat> {
        self.want_write()?;
        self.known(ino)?;
        self.state.lock().dir(parent)?;
        Err(Errno::EOPNOTSUPP.into())
    }

    fn unlink(&self, parent: Ino, name: &Name) -> NodeResult<()> {
        self.want_write()?;
        self.remove_file(parent, name)
    }

    fn rmdir(&self, parent: Ino, name: &Name) -> NodeResult<()> {
        self.want_write()?;
        self.remove_dir(parent, name)
    }

    fn rename(&self, from: (Ino, &Name), to: (Ino, &Name), mode: RenameMode) -> NodeResult<()> {
        self.want_write()?;
        if mode != RenameMode::Replace {
            return Err(Errno::EOPNOTSUPP.into());
        }
        self.move_entry(from, to)
    }

    fn getxattr(&self, ino: Ino, _: &str) -> NodeResult<Bytes> {
        self.known(ino)?;
        Err(Errno::EOPNOTSUPP.into())
    }

    fn listxattr(&self, ino: Ino) -> NodeResult<Vec<String>> {
        self.known(ino).map(|_| Vec::new())
    }

    fn setxattr(&self, ino: Ino, _: &str, _: &[u8], _: XattrMode) -> NodeResult<()> {
        self.want_write()?;
        self.known(ino)?;
        Err(Errno::EOPNOTSUPP.into())
    }

    fn removexattr(&self, ino: Ino, _: &str) -> NodeResult<()> {
        self.want_write()?;
        self.known(ino)?;
        Err(Errno::EOPNOTSUPP.into())
    }

    fn savepoint(&self) -> NodeResult<Savepoint> {
        if self.read_only { Ok(Savepoint::of_nothing()) } else { Err(Errno::EOPNOTSUPP.into()) }
    }

    fn roll_back(&self, _: &Savepoint) -> NodeResult<()> {
        if self.read_only { Ok(()) } else { Err(Errno::EOPNOTSUPP.into()) }
    }

    fn fsync(&self, ino: Option<Ino>) -> NodeResult<()> {
        match ino {
            None => self.upload_all(),
            Some(ino) if self.known(ino)?.is_file() => self.upload(ino),
            Some(_) => Ok(()),
        }
    }

    /// A bucket has no bound, and nobody counts what is in it.
    fn statfs(&self) -> NodeResult<StatFs> {
        Ok(StatFs { total_bytes: u64::MAX, used_bytes: 0, total_inodes: u64::MAX, used_inodes: 0 })
    }

    fn batch(&self, work: &mut dyn FnMut(&dyn Layer) -> NodeResult<()>) -> NodeResult<()> {
        self.batches.lock().begin();
        let done = work(self);
        let later = self.batches.lock().end();
        for ino in later {
            match &done {
                Ok(()) => self.settle_if_any(ino)?,
                Err(_) => self.discard(ino),
            }
        }
        done
    }
}
