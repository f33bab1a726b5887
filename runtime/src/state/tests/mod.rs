//! The operations on content, over a tree in memory.

mod archives;
mod diffs;
mod edits;
mod globs;
mod patterns;
mod searches;
mod small;

use std::sync::Arc;

use cowry_vfs::{MemoryLayer, Vfs, VfsOptions};

use super::{State, StateError};

/// A tree with these files in it; a name that ends with a slash is a directory.
fn tree(files: &[(&str, &str)]) -> Vfs {
    let vfs = Vfs::new(Arc::new(MemoryLayer::new()), VfsOptions::default());
    for (path, content) in files {
        match path.strip_suffix('/') {
            Some(directory) => drop(vfs.mkdir_all(directory, 0o777).expect("made")),
            None => State { vfs: &vfs }.write(path, content.as_bytes()).expect("written"),
        }
    }
    vfs
}

fn text(vfs: &Vfs, path: &str) -> String {
    vfs.read_to_string(path).expect("it is there")
}

/// What went wrong.
fn why<T: std::fmt::Debug>(result: Result<T, StateError>) -> String {
    result.expect_err("it is refused").to_string()
}
