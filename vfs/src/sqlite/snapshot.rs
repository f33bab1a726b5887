//! A sealed revision as a layer of its own.

use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use parking_lot::Mutex;

use super::features;
use super::open::Shared;
use super::recent::{Recent, slice};
use super::revision::Revision;
use super::schema::ROOT;
use super::view::View;
use crate::errno::NodeResult;
use crate::layer::Layer;
use crate::node::{DirEntry, Features, Ino, SeekTo, Stat, StatFs};
use crate::path::Name;

/// A workspace as it was when a revision was sealed. It never changes and refuses every change with `EROFS`.
///
/// Any number of threads may read it; a writer never makes them wait. It needs no read transaction of its own:
/// rows of a sealed revision stay what they are, so each statement's range predicate is enough. (Only atime, which
/// has no history, is what it was when the node was last looked at.)
pub struct Snapshot {
    shared: Arc<Shared>,
    rev: Revision,
    recent: Mutex<Recent>,
    /// Whether some of its content may lie in a bucket.
    waits: OnceLock<bool>,
}

impl Snapshot {
    /// Keeps the revision from being pruned. Whether it is there, the caller has to look afterwards.
    pub(super) fn new(shared: Arc<Shared>, rev: Revision) -> NodeResult<Snapshot> {
        shared.keep(rev)?;
        Ok(Snapshot { shared, rev, recent: Mutex::default(), waits: OnceLock::new() })
    }

    /// Which revision it is.
    pub fn revision(&self) -> Revision {
        self.rev
    }

    fn view<T>(&self, work: impl FnOnce(&View<'_>) -> NodeResult<T>) -> NodeResult<T> {
        let reader = self.shared.reader()?;
        work(&self.shared.view(&reader, self.rev.0 as i64))
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        self.shared.release(self.rev);
    }
}

impl Snapshot {
    /// What is known already, or else what `load` gives, which is then kept.
    fn recent<T>(
        &self,
        known: impl FnOnce(&Recent) -> Option<T>,
        load: impl FnOnce(&View<'_>) -> NodeResult<T>,
        keep: impl FnOnce(&mut Recent, &T),
    ) -> NodeResult<T> {
        if let Some(value) = known(&self.recent.lock()) {
            return Ok(value);
        }
        let value = self.view(load)?;
        keep(&mut self.recent.lock(), &value);
        Ok(value)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("path", &self.shared.path).field("rev", &self.rev).finish()
    }
}

#[deny(clippy::missing_trait_methods)]
impl Layer for Snapshot {
    crate::refuse_changes!();

    fn name(&self) -> &str {
        "sqlite"
    }

    fn features(&self) -> Features {
        features(false, true, *self.waits.get_or_init(|| self.shared.has_homes()))
    }

    fn root(&self) -> Ino {
        Ino(ROOT as u64)
    }

    fn lookup(&self, parent: Ino, name: &Name) -> NodeResult<Stat> {
        self.recent(
            |recent| recent.child(parent, name),
            |view| view.lookup(parent, name),
            |recent, stat| recent.keep_child(parent, name, *stat),
        )
    }

    fn getattr(&self, ino: Ino) -> NodeResult<Stat> {
        self.recent(|recent| recent.stat(ino), |view| view.stat(ino), |recent, stat| recent.keep_stat(*stat))
    }

    fn readdir(&self, dir: Ino, after: Option<&Name>, limit: usize) -> NodeResult<Vec<DirEntry>> {
        self.view(|view| view.readdir(dir, after, limit))
    }

    fn readlink(&self, ino: Ino) -> NodeResult<String> {
        self.view(|view| view.readlink(ino))
    }

    fn read(&self, ino: Ino, offset: u64, len: usize) -> NodeResult<Bytes> {
        let inline = self.recent(
            |recent| recent.content(ino).map(Some),
            |view| view.inline(ino),
            |recent, content| content.iter().for_each(|content| recent.keep_content(ino, content.clone())),
        )?;
        match inline {
            Some(content) => Ok(slice(&content, offset, len)),
            None => self.shared.read(|| self.view(|view| view.plan(ino, offset, len))),
        }
    }

    fn will_need(&self, ino: Ino, offset: u64, len: usize) -> bool {
        self.shared.tier.will_need(|away| self.view(away), (ino, offset, len))
    }

    fn seek(&self, ino: Ino, offset: u64, to: SeekTo) -> NodeResult<u64> {
        self.view(|view| view.seek(ino, offset, to))
    }

    fn open(&self, ino: Ino) -> NodeResult<()> {
        self.getattr(ino).map(|_| ())
    }

    fn release(&self, _: Ino) {}

    fn getxattr(&self, ino: Ino, name: &str) -> NodeResult<Bytes> {
        self.view(|view| view.getxattr(ino, name))
    }

    fn listxattr(&self, ino: Ino) -> NodeResult<Vec<String>> {
        self.view(|view| Ok(view.xattrs(ino)?.into_keys().collect()))
    }

    fn fsync(&self, ino: Option<Ino>) -> NodeResult<()> {
        ino.map_or(Ok(()), |ino| self.open(ino))
    }

    fn statfs(&self) -> NodeResult<StatFs> {
        self.view(|view| view.statfs())
    }

    fn batch(&self, work: &mut dyn FnMut(&dyn Layer) -> NodeResult<()>) -> NodeResult<()> {
        work(self)
    }
}
