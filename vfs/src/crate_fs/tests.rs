//! That crate's own tests, and what they leave out.

// The macro prints what it skips.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::useless_vec,
    rust_2018_idioms,
    missing_docs
)]

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use rust_vfs::error::VfsErrorKind;
use rust_vfs::{FileSystem, VfsPath};
use tempfile::TempDir;

use crate::clock::{Clock, SystemClock, Timestamp};
use crate::fs::{Vfs, VfsOptions};
use crate::memory::MemoryLayer;
use crate::sqlite::{SqliteLayer, SqliteOptions};

fn in_memory() -> Vfs {
    Vfs::new(Arc::new(MemoryLayer::new()), VfsOptions::default())
}

/// The host's clock, and the directory of a workspace that is to go with it.
#[derive(Debug)]
struct Kept(#[allow(dead_code)] TempDir);

impl Clock for Kept {
    fn now(&self) -> Timestamp {
        SystemClock.now()
    }
}

fn in_workspace() -> Vfs {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let layer = SqliteLayer::create(dir.path().join("w.cowry"), &SqliteOptions::default());
    let options = VfsOptions { clock: Arc::new(Kept(dir)), ..VfsOptions::default() };
    Vfs::new(Arc::new(layer.expect("a new workspace")), options)
}

mod memory {
    use super::in_memory;
    rust_vfs::test_vfs!(in_memory());
}

mod workspace {
    use super::in_workspace;
    rust_vfs::test_vfs!(in_workspace());
}

#[test]
fn paths_are_those_of_the_root() {
    let vfs = in_memory();
    vfs.mkdir("/in", 0o777).expect("it is new");
    let inside = vfs.with_cwd("/in").expect("it was made");
    FileSystem::create_dir(&inside, "/a").expect("it is new");
    assert!(vfs.exists("/a") && !vfs.exists("/in/a"));
    assert_eq!(FileSystem::read_dir(&inside, "").expect("the root").collect::<Vec<_>>(), ["a", "in"]);
}

#[test]
fn errors_keep_their_kind_and_number() {
    let root = VfsPath::new(in_memory());
    let missing = root.join("missing").expect("a path");
    assert!(matches!(missing.metadata().unwrap_err().kind(), VfsErrorKind::FileNotFound));
    root.join("full/of").expect("a path").create_dir_all().expect("new");
    let error = root.join("full").expect("a path").remove_dir().unwrap_err();
    let VfsErrorKind::IoError(error) = error.kind() else { panic!("{error}") };
    assert!(error.to_string().starts_with("ENOTEMPTY"), "{error}");
}

#[test]
fn times_before_the_epoch_are_kept() {
    let vfs = in_memory();
    vfs.write("/a", b"").expect("new");
    let early = UNIX_EPOCH - Duration::new(5, 7);
    vfs.set_modification_time("/a", early).expect("it exists");
    assert_eq!(FileSystem::metadata(&vfs, "/a").expect("it exists").modified, Some(early));
}
