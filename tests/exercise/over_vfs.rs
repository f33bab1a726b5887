//! The library: a [`Vfs`] with handles.

use std::fmt;
use std::sync::Arc;

use cowry_vfs::{Allocate, Errno, File, Layer, OpenOptions, Overwrite, SeekTo, Vfs, VfsOptions};

use super::target::{Abilities, Answer, How, SLOTS, Target};

/// Opens a layer again that has been closed.
pub type Reopen<'a> = Box<dyn Fn() -> Arc<dyn Layer> + 'a>;

/// A layer, used through a [`Vfs`].
pub struct VfsTarget<'a> {
    vfs: Option<Vfs>,
    abilities: Abilities,
    slots: [Option<File>; SLOTS],
    reopen: Option<Reopen<'a>>,
}

impl<'a> VfsTarget<'a> {
    /// Works in the root directory of a layer.
    pub fn new(layer: Arc<dyn Layer>, reopen: Option<Reopen<'a>>) -> VfsTarget<'a> {
        let features = layer.features();
        let abilities = Abilities { hard_links: features.hard_links, holes: features.sparse, unlinked: true };
        VfsTarget { vfs: Some(over(layer)), abilities, slots: Default::default(), reopen }
    }

    fn vfs(&self) -> &Vfs {
        self.vfs.as_ref().expect("it is open but while it is opened again")
    }

    fn file(&self, slot: usize) -> &File {
        self.slots[slot].as_ref().expect("the exerciser knows what is open")
    }
}

fn over(layer: Arc<dyn Layer>) -> Vfs {
    Vfs::new(layer, VfsOptions::default())
}

fn told<T>(result: Result<T, impl fmt::Display>) -> Answer<T> {
    result.map_err(|error| error.to_string())
}

impl Target for VfsTarget<'_> {
    fn abilities(&self) -> Abilities {
        self.abilities
    }

    fn open(&mut self, slot: usize, name: &str, how: How) -> Answer<()> {
        let How { create, truncate, append } = how;
        let options = OpenOptions { create, truncate, append, ..OpenOptions::update() };
        self.slots[slot] = Some(told(self.vfs().open(name, options))?);
        Ok(())
    }

    fn close(&mut self, slot: usize) {
        self.slots[slot] = None;
    }

    fn read(&self, slot: usize, offset: u64, len: usize) -> Answer<Vec<u8>> {
        told(self.file(slot).read_bytes_at(offset, len)).map(|bytes| bytes.to_vec())
    }

    fn write(&self, slot: usize, offset: u64, data: &[u8]) -> Answer<()> {
        told(self.file(slot).write_at(data, offset)).map(drop)
    }

    fn truncate(&self, slot: usize, size: u64) -> Answer<()> {
        told(self.file(slot).truncate(size))
    }

    fn allocate(&self, slot: usize, how: Allocate, offset: u64, len: u64) -> Answer<()> {
        told(self.file(slot).allocate(how, offset, len))
    }

    fn seek(&self, slot: usize, offset: u64, to: SeekTo) -> Answer<Option<u64>> {
        match self.file(slot).find(offset, to) {
            Err(error) if error.errno() == Errno::ENXIO => Ok(None),
            found => told(found).map(Some),
        }
    }

    fn copy_range(&self, from: usize, offset: u64, to: usize, at: u64, len: u64) -> Answer<u64> {
        told(self.file(from).copy_range(offset, self.file(to), at, len))
    }

    fn sync(&self, slot: usize) -> Answer<()> {
        told(self.file(slot).sync())
    }

    fn size(&self, slot: usize) -> Answer<u64> {
        told(self.file(slot).stat()).map(|stat| stat.size)
    }

    fn content(&self, name: &str) -> Answer<Vec<u8>> {
        told(self.vfs().read(name)).map(|bytes| bytes.to_vec())
    }

    fn replace(&self, name: &str, data: &[u8]) -> Answer<()> {
        told(self.vfs().write(name, data))
    }

    fn truncate_name(&self, name: &str, size: u64) -> Answer<()> {
        told(self.vfs().truncate(name, size))
    }

    fn copy(&self, from: &str, to: &str) -> Answer<()> {
        told(self.vfs().copy(from, to, Overwrite::Replace))
    }

    fn rename(&self, from: &str, to: &str) -> Answer<()> {
        told(self.vfs().rename(from, to, Default::default()))
    }

    fn link(&self, from: &str, to: &str) -> Answer<()> {
        told(self.vfs().link(from, to))
    }

    fn unlink(&self, name: &str) -> Answer<()> {
        told(self.vfs().unlink(name))
    }

    fn names(&self) -> Answer<Vec<String>> {
        let entries = told(self.vfs().read_dir("/"))?;
        Ok(entries.into_iter().map(|entry| entry.name.to_string()).collect())
    }

    fn reopen(&mut self) -> bool {
        let Some(reopen) = &self.reopen else { return false };
        // Closed before it is opened again.
        self.vfs = None;
        self.vfs = Some(over(reopen()));
        true
    }
}
