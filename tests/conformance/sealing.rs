//! A workspace whose content is all in a bucket: every change is sealed at once, which moves it there, and nothing
//! that was fetched is kept.

use std::fmt;
use std::path::Path;

use bytes::Bytes;
use cowry_vfs::object::{Bucket, Connect};
use cowry_vfs::sqlite::{ChunkFolder, ContentTier, OpenBucket, RevisionKind, SealInfo};
use cowry_vfs::{
    Allocate, DirEntry, Durability, Features, Ino, Layer, Name, NewAttr, NewNode, NodeResult, RenameMode,
    Savepoint, SeekTo, SetAttr, SqliteLayer, SqliteOptions, Stat, StatFs, XattrMode,
};

use crate::backend::test_bucket;

/// The layer.
pub struct Sealing {
    layer: SqliteLayer,
}

impl fmt::Debug for Sealing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.layer.fmt(f)
    }
}

impl Sealing {
    /// A new one, with its content in memory.
    pub fn in_memory(dir: &Path) -> Sealing {
        let layer = SqliteLayer::create(dir.join("workspace"), &options(OpenBucket::default()));
        Sealing::set(layer.expect("an empty directory takes a workspace"), &memory(dir))
    }

    /// The same, opened again.
    pub fn again(dir: &Path) -> Sealing {
        let layer = SqliteLayer::open(dir.join("workspace"), &options(OpenBucket::default()));
        Sealing { layer: layer.expect("it was closed") }
    }

    /// A new one, with its content on a server that speaks S3: the one that all cases share.
    pub fn on_server(dir: &Path) -> Sealing {
        let tests = test_bucket();
        let env = tests.clone();
        let buckets = OpenBucket::new(move |location| {
            Bucket::open_with(location, Connect::default(), &|name| env.env(name))
        });
        let layer = SqliteLayer::create(dir.join("workspace"), &options(buckets));
        let address = tests.address(&dir.file_name().expect("it has a name").to_string_lossy());
        Sealing::set(layer.expect("an empty directory takes a workspace"), &address)
    }

    fn set(layer: SqliteLayer, address: &str) -> Sealing {
        let tier = ContentTier { above: 0, ..ContentTier::at(address) };
        layer.set_content_tier(Some(&tier)).expect("it can be set");
        Sealing { layer }
    }

    /// Seals what was done, whatever became of it.
    fn then_seal<T>(&self, done: NodeResult<T>) -> NodeResult<T> {
        // Within a batch of this thread it is sealed when the batch ends.
        if done.is_ok() {
            self.layer.seal(&SealInfo::of(RevisionKind::Edit))?;
        }
        done
    }
}

fn memory(dir: &Path) -> String {
    let name = dir.file_name().expect("it has a name").to_string_lossy();
    format!("memory://conformance-{}/content", name.trim_start_matches('.').to_lowercase())
}

fn options(buckets: OpenBucket) -> SqliteOptions {
    let chunk_folder = ChunkFolder { folder: None, bytes: Some(0) };
    SqliteOptions { durability: Durability::None, chunk_folder, buckets, ..SqliteOptions::default() }
}

#[deny(clippy::missing_trait_methods)]
impl Layer for Sealing {
    fn name(&self) -> &str {
        self.layer.name()
    }

    fn features(&self) -> Features {
        self.layer.features()
    }

    fn root(&self) -> Ino {
        self.layer.root()
    }

    fn lookup(&self, parent: Ino, name: &Name) -> NodeResult<Stat> {
        self.layer.lookup(parent, name)
    }

    fn getattr(&self, ino: Ino) -> NodeResult<Stat> {
        self.layer.getattr(ino)
    }

    fn setattr(&self, ino: Ino, changes: &SetAttr) -> NodeResult<Stat> {
        self.then_seal(self.layer.setattr(ino, changes))
    }

    fn readdir(&self, dir: Ino, after: Option<&Name>, limit: usize) -> NodeResult<Vec<DirEntry>> {
        self.layer.readdir(dir, after, limit)
    }

    fn readlink(&self, ino: Ino) -> NodeResult<String> {
        self.layer.readlink(ino)
    }

    fn read(&self, ino: Ino, offset: u64, len: usize) -> NodeResult<Bytes> {
        self.layer.read(ino, offset, len)
    }

    fn write(&self, ino: Ino, offset: u64, data: &[u8]) -> NodeResult<()> {
        self.then_seal(self.layer.write(ino, offset, data))
    }

    fn append(&self, ino: Ino, data: &[u8]) -> NodeResult<u64> {
        self.then_seal(self.layer.append(ino, data))
    }

    fn allocate(&self, ino: Ino, how: Allocate, offset: u64, len: u64) -> NodeResult<()> {
        self.then_seal(self.layer.allocate(ino, how, offset, len))
    }

    fn will_need(&self, ino: Ino, offset: u64, len: usize) -> bool {
        self.layer.will_need(ino, offset, len)
    }

    fn seek(&self, ino: Ino, offset: u64, to: SeekTo) -> NodeResult<u64> {
        self.layer.seek(ino, offset, to)
    }

    fn open(&self, ino: Ino) -> NodeResult<()> {
        self.layer.open(ino)
    }

    fn release(&self, ino: Ino) {
        self.layer.release(ino);
    }

    fn create(&self, parent: Ino, name: &Name, node: NewNode<'_>, attr: &NewAttr) -> NodeResult<Stat> {
        self.then_seal(self.layer.create(parent, name, node, attr))
    }

    fn link(&self, ino: Ino, parent: Ino, name: &Name) -> NodeResult<Stat> {
        self.then_seal(self.layer.link(ino, parent, name))
    }

    fn unlink(&self, parent: Ino, name: &Name) -> NodeResult<()> {
        self.then_seal(self.layer.unlink(parent, name))
    }

    fn rmdir(&self, parent: Ino, name: &Name) -> NodeResult<()> {
        self.then_seal(self.layer.rmdir(parent, name))
    }

    fn rename(&self, from: (Ino, &Name), to: (Ino, &Name), mode: RenameMode) -> NodeResult<()> {
        self.then_seal(self.layer.rename(from, to, mode))
    }

    fn getxattr(&self, ino: Ino, name: &str) -> NodeResult<Bytes> {
        self.layer.getxattr(ino, name)
    }

    fn listxattr(&self, ino: Ino) -> NodeResult<Vec<String>> {
        self.layer.listxattr(ino)
    }

    fn setxattr(&self, ino: Ino, name: &str, value: &[u8], mode: XattrMode) -> NodeResult<()> {
        self.then_seal(self.layer.setxattr(ino, name, value, mode))
    }

    fn removexattr(&self, ino: Ino, name: &str) -> NodeResult<()> {
        self.then_seal(self.layer.removexattr(ino, name))
    }

    fn flush(&self, ino: Ino) -> NodeResult<()> {
        self.layer.flush(ino)
    }

    fn fsync(&self, ino: Option<Ino>) -> NodeResult<()> {
        self.layer.fsync(ino)
    }

    fn statfs(&self) -> NodeResult<StatFs> {
        self.layer.statfs()
    }

    fn savepoint(&self) -> NodeResult<Savepoint> {
        self.layer.savepoint()
    }

    fn roll_back(&self, to: &Savepoint) -> NodeResult<()> {
        self.layer.roll_back(to)
    }

    fn batch(&self, work: &mut dyn FnMut(&dyn Layer) -> NodeResult<()>) -> NodeResult<()> {
        self.then_seal(self.layer.batch(work))
    }
}
