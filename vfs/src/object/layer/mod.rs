//! A bucket, or what is below a prefix of one, as a layer.

mod blocks;
mod etag;
mod find;
mod nodes;
mod read;
mod state;
#[cfg(test)]
mod tests;
mod window;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

use super::bucket::Bucket;
use super::trouble::Trouble;
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::errno::{Errno, NodeResult};
use crate::layer::Layer;
use crate::node::{DirEntry, Features, Ino, SeekTo, Stat, StatFs};
use crate::path::Name;
use blocks::Blocks;
use nodes::{Looks, Table};
use read::Source;
use state::State;

/// How an [`ObjectLayer`] is opened.
#[derive(Clone, Debug)]
pub struct ObjectOptions {
    /// Every change is `EROFS`.
    pub read_only: bool,
    /// How long what a listing said is believed. Until then others' changes may not be seen; content is never mixed.
    pub listing_lifetime: Duration,
    /// How many names are asked for at once; servers send 1000 at most.
    pub page_names: usize,
    /// Bytes of content that are kept in memory.
    pub cache_bytes: u64,
    /// Nodes that are remembered. Beyond, those that nobody holds and nobody used lately are `ESTALE` by number and found
    /// again, with the same number, by name.
    pub nodes: usize,
    /// Owner of everything.
    pub uid: u32,
    /// Group of everything.
    pub gid: u32,
    /// What measures the lifetime, and gives what has no time one.
    pub clock: Arc<dyn Clock>,
}

impl Default for ObjectOptions {
    /// Writable; listings for ten seconds; 32 MiB of content; 200,000 nodes; uid and gid 1000; the host's clock.
    fn default() -> Self {
        ObjectOptions {
            read_only: false,
            listing_lifetime: Duration::from_secs(10),
            page_names: 1000,
            cache_bytes: 32 << 20,
            nodes: 200_000,
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
/// - Where a name is both an object and a folder, the folder is shown. Objects whose names cannot be one (`//`, `.`,
///   control characters, past 255 bytes) are not.
/// - Directories have `nlink` 2 and the time at which the layer was opened.
pub struct ObjectLayer {
    bucket: Bucket,
    read_only: bool,
    page_names: usize,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    blocks: Blocks,
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
        let layer = ObjectLayer {
            bucket,
            read_only: true,
            page_names: options.page_names.max(1),
            state: Mutex::new(State::new(Table::new(looks, options.nodes.max(16)), lifetime)),
            blocks: Blocks::new(options.cache_bytes),
            clock: options.clock,
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

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn source(&self, ino: Ino) -> NodeResult<Option<Source>> {
        let mut state = self.state.lock();
        let node = state.table.get(ino)?;
        node.need_file()?;
        let object = node.object.clone();
        Ok(object.map(|object| Source { ino, key: node.key.clone(), object, content: node.content }))
    }
}

impl Layer for ObjectLayer {
    crate::refuse_changes!();

    fn name(&self) -> &str {
        "object"
    }

    fn features(&self) -> Features {
        Features {
            writable: !self.read_only,
            hard_links: false,
            symlinks: false,
            xattrs: false,
            special_nodes: false,
            sparse: false,
            ownership: false,
            rename_modes: false,
            transactions: false,
            immutable: false,
            remote: true,
            ino_bits: nodes::INO_BITS,
        }
    }

    fn root(&self) -> Ino {
        nodes::ROOT
    }

    fn lookup(&self, parent: Ino, name: &Name) -> NodeResult<Stat> {
        self.find(parent, name)
    }

    fn getattr(&self, ino: Ino) -> NodeResult<Stat> {
        Ok(self.state.lock().table.get(ino)?.stat)
    }

    fn readdir(&self, dir: Ino, after: Option<&Name>, limit: usize) -> NodeResult<Vec<DirEntry>> {
        self.list(dir, after, limit)
    }

    fn readlink(&self, ino: Ino) -> NodeResult<String> {
        self.getattr(ino)?;
        Err(Errno::EINVAL.into())
    }

    fn read(&self, ino: Ino, offset: u64, len: usize) -> NodeResult<Bytes> {
        match self.source(ino)? {
            Some(source) => self.read_source(&source, offset, len),
            None => Ok(Bytes::new()),
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
        let mut state = self.state.lock();
        if state.table.unpin(ino) {
            state.table.let_go(ino);
        }
    }

    fn getxattr(&self, ino: Ino, _: &str) -> NodeResult<Bytes> {
        self.getattr(ino)?;
        Err(Errno::EOPNOTSUPP.into())
    }

    fn listxattr(&self, ino: Ino) -> NodeResult<Vec<String>> {
        self.getattr(ino).map(|_| Vec::new())
    }

    fn fsync(&self, ino: Option<Ino>) -> NodeResult<()> {
        ino.map_or(Ok(()), |ino| self.getattr(ino).map(drop))
    }

    /// A bucket has no bound, and nobody counts what is in it.
    fn statfs(&self) -> NodeResult<StatFs> {
        Ok(StatFs { total_bytes: u64::MAX, used_bytes: 0, total_inodes: u64::MAX, used_inodes: 0 })
    }

    fn batch(&self, work: &mut dyn FnMut(&dyn Layer) -> NodeResult<()>) -> NodeResult<()> {
        work(self)
    }
}
