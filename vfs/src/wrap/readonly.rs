//! A layer that cannot be written through.

use std::sync::Arc;

use bytes::Bytes;

use crate::errno::NodeResult;
use crate::layer::Layer;
use crate::node::{DirEntry, Features, Ino, SeekTo, Stat, StatFs};
use crate::path::Name;

/// Shows a layer and answers every change with `EROFS`.
///
/// Others may still change what is below: unless that cannot change, nor is this `immutable`.
#[derive(Clone, Debug)]
pub struct ReadOnly {
    inner: Arc<dyn Layer>,
}

impl ReadOnly {
    /// Wraps a layer.
    pub fn new(inner: Arc<dyn Layer>) -> ReadOnly {
        ReadOnly { inner }
    }

    /// The layer inside.
    pub fn inner(&self) -> &Arc<dyn Layer> {
        &self.inner
    }
}

#[deny(clippy::missing_trait_methods)]
impl Layer for ReadOnly {
    crate::refuse_changes!();

    fn name(&self) -> &str {
        self.inner.name()
    }

    fn features(&self) -> Features {
        Features { writable: false, ..self.inner.features() }
    }

    fn root(&self) -> Ino {
        self.inner.root()
    }

    fn lookup(&self, parent: Ino, name: &Name) -> NodeResult<Stat> {
        self.inner.lookup(parent, name)
    }

    fn getattr(&self, ino: Ino) -> NodeResult<Stat> {
        self.inner.getattr(ino)
    }

    fn readdir(&self, dir: Ino, after: Option<&Name>, limit: usize) -> NodeResult<Vec<DirEntry>> {
        self.inner.readdir(dir, after, limit)
    }

    fn readlink(&self, ino: Ino) -> NodeResult<String> {
        self.inner.readlink(ino)
    }

    fn read(&self, ino: Ino, offset: u64, len: usize) -> NodeResult<Bytes> {
        self.inner.read(ino, offset, len)
    }

    fn will_need(&self, ino: Ino, offset: u64, len: usize) -> bool {
        self.inner.will_need(ino, offset, len)
    }

    fn seek(&self, ino: Ino, offset: u64, to: SeekTo) -> NodeResult<u64> {
        self.inner.seek(ino, offset, to)
    }

    fn open(&self, ino: Ino) -> NodeResult<()> {
        self.inner.open(ino)
    }

    fn release(&self, ino: Ino) {
        self.inner.release(ino);
    }

    fn getxattr(&self, ino: Ino, name: &str) -> NodeResult<Bytes> {
        self.inner.getxattr(ino, name)
    }

    fn listxattr(&self, ino: Ino) -> NodeResult<Vec<String>> {
        self.inner.listxattr(ino)
    }

    fn fsync(&self, _: Option<Ino>) -> NodeResult<()> {
        // Nothing was written through here that could be lost.
        Ok(())
    }

    fn statfs(&self) -> NodeResult<StatFs> {
        self.inner.statfs()
    }

    fn batch(&self, work: &mut dyn FnMut(&dyn Layer) -> NodeResult<()>) -> NodeResult<()> {
        work(self)
    }
}
