//! What the files hold, kept in memory byte by byte.

use std::collections::BTreeMap;

use super::target::SLOTS;

/// The longest file: past what is kept inline in a workspace, and several chunks.
pub const SIZE_MAX: u64 = 300_000;

/// The number of a file, whatever its names.
pub type Id = usize;

/// A handle: the file, and whether it appends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Handle {
    pub id: Id,
    pub append: bool,
}

/// Everything there is.
#[derive(Clone, Debug, Default)]
pub struct Model {
    names: BTreeMap<&'static str, Id>,
    contents: BTreeMap<Id, Vec<u8>>,
    slots: [Option<Handle>; SLOTS],
    next: Id,
}

impl Model {
    /// The number that the next new file gets.
    pub fn next_id(&self) -> Id {
        self.next
    }

    pub fn id(&self, name: &str) -> Option<Id> {
        self.names.get(name).copied()
    }

    pub fn names(&self) -> impl Iterator<Item = (&'static str, Id)> + '_ {
        self.names.iter().map(|(name, id)| (*name, *id))
    }

    pub fn handle(&self, slot: usize) -> Option<Handle> {
        self.slots[slot]
    }

    /// The handles that are open, with their slots.
    pub fn handles(&self) -> impl Iterator<Item = (usize, Handle)> + '_ {
        self.slots.iter().enumerate().filter_map(|(slot, handle)| handle.map(|handle| (slot, handle)))
    }

    pub fn content(&self, id: Id) -> &[u8] {
        &self.contents[&id]
    }

    pub fn size(&self, id: Id) -> u64 {
        self.contents[&id].len() as u64
    }

    fn content_mut(&mut self, id: Id) -> &mut Vec<u8> {
        self.contents.get_mut(&id).expect("operations are made of what exists")
    }

    /// The file of that name, made empty if it is missing.
    pub fn make(&mut self, name: &'static str) -> Id {
        if let Some(id) = self.id(name) {
            return id;
        }
        let id = self.next;
        self.next += 1;
        self.contents.insert(id, Vec::new());
        self.names.insert(name, id);
        id
    }

    pub fn open(&mut self, slot: usize, name: &'static str, append: bool) -> Id {
        let id = self.make(name);
        self.slots[slot] = Some(Handle { id, append });
        id
    }

    pub fn close(&mut self, slot: usize) {
        self.slots[slot] = None;
        self.forget();
    }

    pub fn write(&mut self, id: Id, offset: u64, data: &[u8]) {
        let (start, end) = (offset as usize, offset as usize + data.len());
        let content = self.content_mut(id);
        if !data.is_empty() {
            content.resize(content.len().max(end), 0);
            content[start..end].copy_from_slice(data);
        }
    }

    pub fn resize(&mut self, id: Id, size: u64) {
        self.content_mut(id).resize(size as usize, 0);
    }

    /// Makes a range read as zeros; what is past the end stays past the end.
    pub fn zero(&mut self, id: Id, offset: u64, len: u64) {
        let content = self.content_mut(id);
        let end = content.len().min((offset + len) as usize);
        if let Some(range) = content.get_mut(offset as usize..end) {
            range.fill(0);
        }
    }

    pub fn replace(&mut self, id: Id, data: Vec<u8>) {
        *self.content_mut(id) = data;
    }

    pub fn rename(&mut self, from: &'static str, to: &'static str) {
        if self.id(from) == self.id(to) {
            return;
        }
        let id = self.names.remove(from).expect("it exists");
        self.names.insert(to, id);
        self.forget();
    }

    pub fn link(&mut self, from: &str, to: &'static str) {
        let id = self.names[from];
        self.names.insert(to, id);
    }

    pub fn unlink(&mut self, name: &str) {
        self.names.remove(name);
        self.forget();
    }

    /// Drops the content of what has neither name nor handle.
    fn forget(&mut self) {
        let Model { names, slots, contents, .. } = self;
        contents.retain(|id, _| {
            names.values().any(|named| named == id) || slots.iter().flatten().any(|handle| handle.id == *id)
        });
    }
}
