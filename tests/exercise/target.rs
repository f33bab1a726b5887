//! What is exercised.

use cowry_vfs::{Allocate, SeekTo};

/// How many handles are open at most. A handle is known by its place.
pub const SLOTS: usize = 6;

/// What a filesystem says; the exerciser only does what has to succeed, so that an error is just a text.
pub type Answer<T> = Result<T, String>;

/// How a file is opened: always for reading and writing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct How {
    /// Makes it if it is missing.
    pub create: bool,
    /// Cuts it off.
    pub truncate: bool,
    /// Writes go to the end.
    pub append: bool,
}

/// What a filesystem can do, beyond reading and writing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Abilities {
    /// Several names of one file.
    pub hard_links: bool,
    /// Ranges can be punched out.
    pub holes: bool,
    /// An open file lives on without a name.
    pub unlinked: bool,
}

/// A filesystem with a place for each handle. Names are single components.
pub trait Target {
    /// What may be asked of it.
    fn abilities(&self) -> Abilities;
    /// Opens `name` in a free slot.
    fn open(&mut self, slot: usize, name: &str, how: How) -> Answer<()>;
    /// Closes.
    fn close(&mut self, slot: usize);
    /// Reads at an offset; shorter at the end.
    fn read(&self, slot: usize, offset: u64, len: usize) -> Answer<Vec<u8>>;
    /// Writes at an offset, or at the end of a file opened to append.
    fn write(&self, slot: usize, offset: u64, data: &[u8]) -> Answer<()>;
    /// Sets the size.
    fn truncate(&self, slot: usize, size: u64) -> Answer<()>;
    /// Reserves, punches, zeroes.
    fn allocate(&self, slot: usize, how: Allocate, offset: u64, len: u64) -> Answer<()>;
    /// The next data or hole, `None` past the end or where no data follows.
    fn seek(&self, slot: usize, offset: u64, to: SeekTo) -> Answer<Option<u64>>;
    /// Copies a range from one handle to another and returns how much that was.
    fn copy_range(&self, from: usize, offset: u64, to: usize, at: u64, len: u64) -> Answer<u64>;
    /// Makes it durable.
    fn sync(&self, slot: usize) -> Answer<()>;
    /// The size by handle.
    fn size(&self, slot: usize) -> Answer<u64>;
    /// The whole content by name.
    fn content(&self, name: &str) -> Answer<Vec<u8>>;
    /// Puts this in the place of all content.
    fn replace(&self, name: &str, data: &[u8]) -> Answer<()>;
    /// Sets the size by name.
    fn truncate_name(&self, name: &str, size: u64) -> Answer<()>;
    /// Copies a whole file.
    fn copy(&self, from: &str, to: &str) -> Answer<()>;
    /// Moves a name, over another if there is one.
    fn rename(&self, from: &str, to: &str) -> Answer<()>;
    /// One more name.
    fn link(&self, from: &str, to: &str) -> Answer<()>;
    /// Removes a name.
    fn unlink(&self, name: &str) -> Answer<()>;
    /// The names there are, in order.
    fn names(&self) -> Answer<Vec<String>>;
    /// Closes the filesystem and opens it again; false where that cannot be done. No handle is open.
    fn reopen(&mut self) -> bool;
}
