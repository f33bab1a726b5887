//! Batches under way, by thread: what nobody has open is uploaded at their end.

use std::collections::HashMap;
use std::thread::{self, ThreadId};

use crate::node::Ino;

#[derive(Default, Debug)]
pub(super) struct Batches(HashMap<ThreadId, Batch>);

#[derive(Default, Debug)]
struct Batch {
    depth: u32,
    later: Vec<Ino>,
}

impl Batches {
    pub fn begin(&mut self) {
        self.0.entry(thread::current().id()).or_default().depth += 1;
    }

    /// Whether this thread has a batch under way, which takes the file.
    pub fn put_off(&mut self, ino: Ino) -> bool {
        let Some(batch) = self.0.get_mut(&thread::current().id()) else { return false };
        if !batch.later.contains(&ino) {
            batch.later.push(ino);
        }
        true
    }

    /// A batch of this thread ends; the outermost one tells what is to be uploaded.
    pub fn end(&mut self) -> Vec<Ino> {
        let thread = thread::current().id();
        let Some(batch) = self.0.get_mut(&thread) else { return Vec::new() };
        batch.depth -= 1;
        if batch.depth > 0 {
            return Vec::new();
        }
        self.0.remove(&thread).map(|batch| batch.later).unwrap_or_default()
    }
}
