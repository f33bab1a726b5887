//! What cases are written with. Paths here are a convenience: each component is looked up, none followed.

use std::fmt::Debug;

use crate::clock::Timestamp;
use crate::errno::{Errno, Error, NodeResult};
use crate::layer::Layer;
use crate::node::{Ino, NewAttr, NewNode, RenameMode, SetAttr, Stat};
use crate::path::Name;

/// What the clock of the path cases says.
pub(super) const NOW: Timestamp = Timestamp(1_000_000_000_000_000_000);
/// A moment long ago, so that it shows when a time moves.
pub(super) const OLD: Timestamp = Timestamp(100_000_000_000_000_123);

pub(super) fn name(text: &str) -> Name {
    Name::new(text).expect("cases use valid names")
}

/// The directory that holds `path`, and the last component.
#[track_caller]
pub(super) fn split(layer: &dyn Layer, path: &str) -> (Ino, Name) {
    let (parents, last) = path.rsplit_once('/').unwrap_or(("", path));
    (ino(layer, parents), name(last))
}

#[track_caller]
pub(super) fn ino(layer: &dyn Layer, path: &str) -> Ino {
    let mut at = layer.root();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        at = layer.lookup(at, &name(part)).unwrap_or_else(|error| panic!("lookup of {path}: {error}")).ino;
    }
    at
}

#[track_caller]
pub(super) fn stat(layer: &dyn Layer, path: &str) -> Stat {
    layer.getattr(ino(layer, path)).unwrap_or_else(|error| panic!("getattr of {path}: {error}"))
}

pub(super) fn create(layer: &dyn Layer, path: &str, node: NewNode<'_>) -> NodeResult<Stat> {
    let (dir, name) = split(layer, path);
    let mode = if matches!(node, NewNode::Directory) { 0o755 } else { 0o644 };
    layer.create(dir, &name, node, &NewAttr::with_mode(mode))
}

#[track_caller]
pub(super) fn file(layer: &dyn Layer, path: &str, data: &[u8]) -> Stat {
    create(layer, path, NewNode::File(data)).unwrap_or_else(|error| panic!("create {path}: {error}"))
}

#[track_caller]
pub(super) fn dir(layer: &dyn Layer, path: &str) -> Stat {
    create(layer, path, NewNode::Directory).unwrap_or_else(|error| panic!("mkdir {path}: {error}"))
}

#[track_caller]
pub(super) fn symlink(layer: &dyn Layer, target: &str, path: &str) -> Stat {
    create(layer, path, NewNode::Symlink(target)).unwrap_or_else(|error| panic!("symlink {path}: {error}"))
}

pub(super) fn link(layer: &dyn Layer, from: &str, to: &str) -> NodeResult<Stat> {
    let (dir, name) = split(layer, to);
    layer.link(ino(layer, from), dir, &name)
}

pub(super) fn unlink(layer: &dyn Layer, path: &str) -> NodeResult<()> {
    let (dir, name) = split(layer, path);
    layer.unlink(dir, &name)
}

pub(super) fn rmdir(layer: &dyn Layer, path: &str) -> NodeResult<()> {
    let (dir, name) = split(layer, path);
    layer.rmdir(dir, &name)
}

pub(super) fn rename(layer: &dyn Layer, from: &str, to: &str) -> NodeResult<()> {
    rename_as(layer, from, to, RenameMode::Replace)
}

pub(super) fn rename_as(layer: &dyn Layer, from: &str, to: &str, mode: RenameMode) -> NodeResult<()> {
    let (old, new) = (split(layer, from), split(layer, to));
    layer.rename((old.0, &old.1), (new.0, &new.1), mode)
}

#[track_caller]
pub(super) fn write(layer: &dyn Layer, path: &str, offset: u64, data: &[u8]) {
    let ino = ino(layer, path);
    layer.write(ino, offset, data).unwrap_or_else(|error| panic!("write to {path}: {error}"));
}

#[track_caller]
pub(super) fn truncate(layer: &dyn Layer, path: &str, size: u64) {
    let ino = ino(layer, path);
    layer.setattr(ino, &SetAttr::size(size)).unwrap_or_else(|error| panic!("truncate {path}: {error}"));
}

/// The whole content.
#[track_caller]
pub(super) fn content(layer: &dyn Layer, path: &str) -> Vec<u8> {
    let ino = ino(layer, path);
    layer.read(ino, 0, 64 << 20).unwrap_or_else(|error| panic!("read {path}: {error}")).to_vec()
}

#[track_caller]
pub(super) fn holds(layer: &dyn Layer, path: &str, expected: &[u8]) {
    let found = content(layer, path);
    assert!(
        found == expected,
        "{path} holds {:?} ({} bytes), expected {:?} ({} bytes)",
        String::from_utf8_lossy(&found[..found.len().min(80)]),
        found.len(),
        String::from_utf8_lossy(&expected[..expected.len().min(80)]),
        expected.len(),
    );
    assert_eq!(stat(layer, path).size, expected.len() as u64, "size of {path}");
}

/// The names in a directory, read in pages of three so that paging is always at work.
#[track_caller]
pub(super) fn list(layer: &dyn Layer, path: &str) -> Vec<String> {
    let dir = ino(layer, path);
    let mut names: Vec<Name> = Vec::new();
    loop {
        let page = layer.readdir(dir, names.last(), 3).unwrap_or_else(|error| panic!("list {path}: {error}"));
        if page.is_empty() {
            return names.iter().map(|name| name.to_string()).collect();
        }
        names.extend(page.into_iter().map(|entry| entry.name));
    }
}

#[track_caller]
pub(super) fn absent(layer: &dyn Layer, path: &str) {
    let (dir, name) = split(layer, path);
    fails(layer.lookup(dir, &name), Errno::ENOENT);
    let listed = layer.readdir(dir, None, 1000).expect("it is a directory");
    assert!(listed.iter().all(|entry| entry.name != name), "{path} is still listed");
}

#[track_caller]
pub(super) fn fails<T: Debug>(result: NodeResult<T>, errno: Errno) {
    match result {
        Ok(value) => panic!("expected {}, but it succeeded: {value:?}", errno.name()),
        Err(error) => assert_eq!(error.errno(), errno, "wrong error: {error}"),
    }
}

/// The same for operations on paths.
#[track_caller]
pub(super) fn refused<T: Debug>(result: Result<T, Error>, errno: Errno) {
    match result {
        Ok(value) => panic!("expected {}, but it succeeded: {value:?}", errno.name()),
        Err(error) => assert_eq!(error.errno(), errno, "wrong error: {error}"),
    }
}

/// Sets both times far back.
#[track_caller]
pub(super) fn age(layer: &dyn Layer, path: &str) {
    let times = SetAttr { atime: Some(OLD), mtime: Some(OLD), ..SetAttr::default() };
    let ino = ino(layer, path);
    layer.setattr(ino, &times).unwrap_or_else(|error| panic!("times of {path}: {error}"));
}

/// Checks that an aged node's modification time has moved since.
#[track_caller]
pub(super) fn touched(layer: &dyn Layer, path: &str) {
    assert!(stat(layer, path).mtime > OLD, "mtime of {path} did not move");
}

/// Checks that an aged node's modification time has stayed.
#[track_caller]
pub(super) fn untouched(layer: &dyn Layer, path: &str) {
    assert_eq!(stat(layer, path).mtime, OLD, "mtime of {path} moved");
}

/// Content that differs at every offset that matters.
pub(super) fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8 ^ (at >> 12) as u8).collect()
}
