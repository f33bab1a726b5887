//! Bytes of objects that were read, in blocks, as many as there is room for.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use parking_lot::Mutex;

/// The size of a block.
pub(super) const BLOCK: u64 = 128 << 10;

/// Blocks by the content they are of and their number in it. The one that was not used for the longest time goes first.
#[derive(Debug)]
pub(super) struct Blocks {
    room: u64,
    inner: Mutex<Inner>,
}

#[derive(Default, Debug)]
struct Inner {
    blocks: HashMap<(u64, u64), (Bytes, u64)>,
    by_use: BTreeMap<u64, (u64, u64)>,
    held: u64,
    ticks: u64,
}

impl Blocks {
    pub fn new(room: u64) -> Blocks {
        Blocks { room, inner: Mutex::default() }
    }

    pub fn get(&self, content: u64, block: u64) -> Option<Bytes> {
        let inner = &mut *self.inner.lock();
        let (bytes, used) = inner.blocks.get_mut(&(content, block))?;
        inner.ticks += 1;
        inner.by_use.remove(&std::mem::replace(used, inner.ticks));
        inner.by_use.insert(inner.ticks, (content, block));
        Some(bytes.clone())
    }

    pub fn has(&self, content: u64, block: u64) -> bool {
        self.inner.lock().blocks.contains_key(&(content, block))
    }

    /// Keeps bytes of a content that begin with a block. They are copied apart, so that what one block takes is freed with it.
    pub fn put(&self, content: u64, first: u64, bytes: &Bytes) {
        let size = BLOCK as usize;
        for (number, at) in (0..bytes.len()).step_by(size).enumerate() {
            let part = Bytes::copy_from_slice(&bytes[at..bytes.len().min(at + size)]);
            self.inner.lock().keep((content, first + number as u64), part, self.room);
        }
    }
}

impl Inner {
    fn keep(&mut self, key: (u64, u64), bytes: Bytes, room: u64) {
        self.drop_block(key);
        self.ticks += 1;
        self.held += bytes.len() as u64;
        self.blocks.insert(key, (bytes, self.ticks));
        self.by_use.insert(self.ticks, key);
        while self.held > room {
            let Some((_, oldest)) = self.by_use.pop_first() else { return };
            self.drop_block(oldest);
        }
    }

    fn drop_block(&mut self, key: (u64, u64)) {
        if let Some((bytes, used)) = self.blocks.remove(&key) {
            self.held -= bytes.len() as u64;
            self.by_use.remove(&used);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_last_stays() {
        let blocks = Blocks::new(2 * BLOCK);
        let block = |byte: u8| Bytes::from(vec![byte; BLOCK as usize]);
        blocks.put(1, 0, &block(1));
        blocks.put(1, 1, &block(2));
        assert_eq!(blocks.get(1, 0), Some(block(1)));
        blocks.put(2, 0, &block(3));
        assert_eq!(blocks.get(1, 1), None);
        assert_eq!(blocks.get(1, 0), Some(block(1)));
        assert_eq!(blocks.get(2, 0), Some(block(3)));
        assert!(blocks.inner.lock().held <= 2 * BLOCK);
    }
}
