//! Directories as the kernel reads them, with and without attributes.

use fuser::{ReplyDirectory, ReplyDirectoryPlus};

use super::convert;
use super::core::Core;
use super::dirs::{self, DOT, DOT_DOT};
use crate::errno::NodeResult;
use crate::layer::Layer;
use crate::node::{DirEntry, Ino};
use crate::path::Name;

/// Bytes that an entry takes in the kernel's buffer at least, without and with attributes.
const ENTRY_BYTES: usize = 32;
const ENTRY_PLUS_BYTES: usize = 160;
/// The most entries read at a time.
const ENTRIES_MAX: usize = 1024;

/// A directory that is being told, with or without attributes.
pub(super) trait Listing: Send + 'static {
    /// Bytes that an entry takes.
    const ENTRY: usize;

    /// Adds the directory itself or its parent. Says whether it fitted.
    fn dot(&mut self, core: &Core, dir: Ino, number: u64, name: &str) -> bool;

    /// Adds an entry. Says whether it fitted.
    fn entry(&mut self, core: &Core, dir: Ino, number: u64, entry: &DirEntry) -> bool;

    fn end(self, error: Option<fuser::Errno>);
}

/// Adds entries until the buffer is full or there are no more.
pub(super) fn fill<R: Listing>(
    core: &Core,
    layer: &dyn Layer,
    dir: Ino,
    offset: u64,
    listed: &mut Vec<Name>,
    reply: &mut R,
) -> NodeResult<()> {
    for (number, name) in [(DOT, "."), (DOT_DOT, "..")] {
        if offset < number && !reply.dot(core, dir, number, name) {
            return Ok(());
        }
    }
    let mut after = dirs::resume(listed, offset)?;
    loop {
        // As many as fit: what is read and not told may be gone when it is told the next time.
        let page = layer.readdir(dir, after.as_ref(), (4096 / R::ENTRY).min(ENTRIES_MAX))?;
        if page.is_empty() {
            return Ok(());
        }
        for entry in &page {
            let number = DOT_DOT + listed.len() as u64 + 1;
            if !reply.entry(core, dir, number, entry) {
                return Ok(());
            }
            dirs::number(listed, entry.name.clone());
        }
        after = page.last().map(|entry| entry.name.clone());
    }
}

impl Listing for ReplyDirectory {
    const ENTRY: usize = ENTRY_BYTES;

    fn dot(&mut self, core: &Core, dir: Ino, number: u64, name: &str) -> bool {
        !self.add(convert::number(dir, core.root), number, fuser::FileType::Directory, name)
    }

    fn entry(&mut self, core: &Core, _: Ino, number: u64, entry: &DirEntry) -> bool {
        let ino = convert::number(entry.stat.ino, core.root);
        !self.add(ino, number, convert::kind(entry.stat.kind), entry.name.as_str())
    }

    fn end(self, error: Option<fuser::Errno>) {
        match error {
            None => self.ok(),
            Some(errno) => self.error(errno),
        }
    }
}

impl Listing for ReplyDirectoryPlus {
    const ENTRY: usize = ENTRY_PLUS_BYTES;

    fn dot(&mut self, core: &Core, dir: Ino, number: u64, name: &str) -> bool {
        // The kernel takes nothing but number and kind of these two.
        let mut attr = convert::no_attr();
        (attr.ino, attr.kind) = (convert::number(dir, core.root), fuser::FileType::Directory);
        !self.add(attr.ino, number, name, &core.validity, &attr, fuser::Generation(0))
    }

    fn entry(&mut self, core: &Core, dir: Ino, number: u64, entry: &DirEntry) -> bool {
        let attr = convert::attr(&entry.stat, core.root);
        let full =
            self.add(attr.ino, number, entry.name.as_str(), &core.validity, &attr, fuser::Generation(0));
        if !full {
            core.known.lock().tell(&entry.stat, dir, &entry.name);
        }
        !full
    }

    fn end(self, error: Option<fuser::Errno>) {
        match error {
            None => self.ok(),
            Some(errno) => self.error(errno),
        }
    }
}
