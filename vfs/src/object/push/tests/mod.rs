//! Pushes and pulls, over memory, a folder and a server that speaks S3.

mod ahead;
mod broken;
mod content;
mod faults;
mod hostile;
mod pruning;
mod trips;

use std::path::{Path, PathBuf};

use cowry_s3_server::Server;

use super::{PullOptions, Pulled, PushError, PushName, PushOptions, Pushed, pull, push};
use crate::object::{Bucket, Connect, Location};
use crate::sqlite::{Revision, RevisionKind, SealInfo, SqliteLayer, SqliteOptions};

/// A folder with workspaces, and one that is a bucket.
pub(super) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub(super) fn new() -> Place {
        Place { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The bucket that is a folder here.
    pub(super) fn bucket(&self) -> Bucket {
        met(&format!("file://{}", self.path("bucket").display()))
    }

    /// A file of that bucket.
    pub(super) fn object(&self, name: &str) -> PathBuf {
        self.path("bucket").join(name)
    }

    /// Names of what is below a folder of that bucket, in order.
    pub(super) fn objects(&self, folder: &str) -> Vec<String> {
        let mut names = Vec::new();
        let listed = self.bucket().list_all(folder, |found| {
            names.push(found.name);
            Ok(())
        });
        listed.expect("listed");
        names.sort();
        names
    }

    /// A workspace with some MiB in it and one revision.
    pub(super) fn workspace(&self, name: &str) -> SqliteLayer {
        let layer = SqliteLayer::create(self.path(name), &options()).expect("a new workspace");
        for file in 0..6 {
            write(&layer, &format!("/{file}.bin"), &noise(file, 400_000));
        }
        write(&layer, "/note.txt", b"first");
        seal(&layer);
        layer
    }

    pub(super) fn open(&self, name: &str) -> SqliteLayer {
        SqliteLayer::open(self.path(name), &options()).expect("a workspace")
    }
}

/// Options of workspaces that need not survive a power failure, and keep nothing of what they fetch.
pub(super) fn options() -> SqliteOptions {
    SqliteOptions {
        durability: crate::sqlite::Durability::None,
        chunk_folder: crate::sqlite::ChunkFolder { folder: None, bytes: Some(0) },
        ..SqliteOptions::default()
    }
}

pub(super) fn met(address: &str) -> Bucket {
    let location: Location = address.parse().expect("an address");
    Bucket::open(&location, Connect::default()).expect("it opens")
}

/// A bucket of a server.
pub(super) fn served(server: &Server, address: &str) -> Bucket {
    let location: Location = address.parse().expect("an address");
    Bucket::open_with(&location, Connect::default(), &|name| server.env(name)).expect("it opens")
}

/// Bytes that no compression makes fewer, the same each time.
pub(super) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut reader = blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof();
    let mut bytes = vec![0; length];
    reader.fill(&mut bytes);
    bytes
}

pub(super) fn write(layer: &SqliteLayer, path: &str, content: &[u8]) {
    use crate::layer::Layer;
    use crate::node::{NewAttr, NewNode, SetAttr};
    let name = crate::path::Name::new(&path[1..]).expect("a name");
    match layer.lookup(layer.root(), &name) {
        Ok(stat) => {
            layer.setattr(stat.ino, &SetAttr::size(0)).expect("cut");
            layer.write(stat.ino, 0, content).expect("written");
        }
        Err(_) => {
            let node = NewNode::File(content);
            layer.create(layer.root(), &name, node, &NewAttr::with_mode(0o644)).expect("made");
        }
    }
}

pub(super) fn read(layer: &SqliteLayer, path: &str) -> Vec<u8> {
    use crate::layer::Layer;
    let name = crate::path::Name::new(&path[1..]).expect("a name");
    let stat = layer.lookup(layer.root(), &name).expect("it is there");
    layer.read(stat.ino, 0, stat.size as usize).expect("read").to_vec()
}

pub(super) fn seal(layer: &SqliteLayer) -> Revision {
    layer.seal(&SealInfo::of(RevisionKind::Edit)).expect("sealed").expect("something changed").id
}

pub(super) fn name(text: &str) -> PushName {
    text.parse().expect("a name")
}

pub(super) fn send(bucket: &Bucket, layer: &SqliteLayer) -> Result<Pushed, PushError> {
    push(bucket, layer, &PushOptions::new(name("site")), &mut |_| {})
}

pub(super) fn fetch(bucket: &Bucket, target: &Path) -> Result<Pulled, PushError> {
    pull(bucket, target, &options(), &PullOptions::default(), &mut |_| {})
}

/// What went wrong, in one line.
pub(super) fn said<T>(done: Result<T, PushError>) -> String {
    let text = done.map(drop).expect_err("refused").to_string();
    assert!(!text.contains('\n'), "{text}");
    text
}

/// What is left beside a workspace after everything was closed.
pub(super) fn beside(place: &Place, name: &str) -> Vec<String> {
    let entries = std::fs::read_dir(place.folder.path()).expect("listed");
    let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    names.filter(|other| other.starts_with(name) && other != name).collect()
}
