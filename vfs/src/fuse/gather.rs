//! Writes that follow one another, gathered into one: a layer cuts content into chunks, and to append to the last of them
//! for every 4 KiB would write it again and again.

use fuser::ReplyWrite;

use crate::errno::NodeResult;
use crate::layer::Layer;
use crate::node::Ino;

/// The most bytes that wait.
const WAITING_MAX: usize = 1 << 20;

/// A write as the kernel asks for it.
pub(super) struct Write {
    pub(super) ino: Ino,
    pub(super) offset: u64,
    pub(super) data: Vec<u8>,
    /// Whether set-id bits go with it.
    pub(super) kills_set_id: bool,
    pub(super) reply: ReplyWrite,
}

/// What was written last in a batch, and what of it the layer does not have yet.
#[derive(Default)]
pub(super) struct Gather {
    /// The file and where its last write ended.
    last: Option<(Ino, u64)>,
    waiting: Vec<u8>,
}

impl Gather {
    /// Takes a write if it goes on where the last one ended: the file was there then, and nothing happened since. The
    /// caller answers it.
    pub(super) fn take(&mut self, ino: Ino, offset: u64, data: &[u8]) -> bool {
        let goes_on = self.last == Some((ino, offset)) && self.waiting.len() + data.len() <= WAITING_MAX;
        if goes_on {
            self.waiting.extend_from_slice(data);
            self.last = Some((ino, offset + data.len() as u64));
        }
        goes_on
    }

    /// Notes a write that the layer has.
    pub(super) fn note(&mut self, ino: Ino, end: u64) {
        self.last = Some((ino, end));
    }

    /// Gives the layer what waits. Whatever is not a write comes after this.
    ///
    /// # Errors
    /// Those of writing, and the file whose acknowledged bytes are lost with it.
    pub(super) fn settle(&mut self, layer: &dyn Layer) -> Result<(), Ino> {
        let Some((ino, end)) = self.last.take().filter(|_| !self.waiting.is_empty()) else { return Ok(()) };
        let data = std::mem::take(&mut self.waiting);
        let written: NodeResult<()> = layer.write(ino, end - data.len() as u64, &data);
        written.map_err(|_| ino)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryLayer;
    use crate::node::{NewAttr, NewNode};
    use crate::path::Name;

    #[test]
    fn only_what_goes_on_is_gathered() {
        let layer = MemoryLayer::new();
        let name = Name::new("file").expect("a name");
        let made = layer.create(layer.root(), &name, NewNode::File(b"ab"), &NewAttr::with_mode(0o644));
        let ino = made.expect("a new name").ino;
        let mut gather = Gather::default();
        assert!(!gather.take(ino, 2, b"cd"), "nobody knows that the file is there");
        gather.note(ino, 2);
        assert!(!gather.take(ino, 3, b"x") && !gather.take(Ino(99), 2, b"x"));
        assert!(gather.take(ino, 2, b"cd") && gather.take(ino, 4, b"ef"));
        assert_eq!(layer.getattr(ino).expect("it is there").size, 2);
        gather.settle(&layer).expect("room");
        assert_eq!(&layer.read(ino, 0, 10).expect("readable")[..], b"abcdef");
        assert!(!gather.take(ino, 6, b"gh"), "something else may have happened since");
    }

    #[test]
    fn what_is_lost_is_told_by_its_file() {
        let mut gather = Gather::default();
        gather.note(Ino(99), 0);
        assert!(gather.take(Ino(99), 0, b"x"));
        assert_eq!(gather.settle(&MemoryLayer::new()), Err(Ino(99)));
        assert_eq!(gather.settle(&MemoryLayer::new()), Ok(()), "told once");
    }
}
