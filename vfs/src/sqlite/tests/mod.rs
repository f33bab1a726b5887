//! What the file does beyond what every layer does (that is the conformance suite's matter).

mod check;
mod commit;
mod conflict;
mod content;
mod cost;
mod diff;
mod durability;
mod flatten;
mod fork;
mod group;
mod history;
mod log;
mod many;
mod model;
mod names;
mod opening;
mod place;
mod prune;
mod recent;
mod restore;
mod runs;
#[cfg(feature = "object")]
mod tier;
mod usage;

use std::path::PathBuf;
use std::sync::Arc;

use super::*;
use crate::clock::{ManualClock, Timestamp};
use crate::errno::{Errno, NodeError};
use crate::node::FileType;

/// A workspace in a folder of its own, with a clock that stands still until moved.
pub(super) struct Fixture {
    pub(super) layer: SqliteLayer,
    pub(super) clock: Arc<ManualClock>,
    pub(super) path: PathBuf,
    _folder: tempfile::TempDir,
}

/// A workspace that nobody has open.
pub(super) struct Closed {
    pub(super) clock: Arc<ManualClock>,
    pub(super) path: PathBuf,
    _folder: tempfile::TempDir,
}

pub(super) const ROOT_INO: Ino = Ino(ROOT as u64);
pub(super) const START: i64 = 1_700_000_000_000_000_000;

impl Fixture {
    pub(super) fn new() -> Fixture {
        Fixture::with(&|options| options)
    }

    /// With other options than the usual ones.
    pub(super) fn with(change: &dyn Fn(SqliteOptions) -> SqliteOptions) -> Fixture {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("work.cowry");
        let clock = ManualClock::new(Timestamp(START));
        let layer = SqliteLayer::create(&path, &change(options(&clock))).expect("a new workspace");
        Fixture { layer, clock, path, _folder: folder }
    }

    /// Another workspace in its place; it is closed.
    pub(super) fn replaced_by(self, layer: SqliteLayer) -> Fixture {
        let Fixture { clock, _folder, .. } = self;
        Fixture { path: layer.path().clone(), layer, clock, _folder }
    }

    /// The same workspace, closed and opened again.
    pub(super) fn reopened(self) -> Fixture {
        let Fixture { layer, clock, path, _folder } = self;
        drop(layer);
        let layer = SqliteLayer::open(&path, &options(&clock)).expect("a workspace");
        Fixture { layer, clock, path, _folder }
    }

    /// A fork of the latest revision, in the same folder.
    pub(super) fn fork(&self, file: &str) -> SqliteLayer {
        let rev = self.layer.head().expect("a head");
        self.layer.fork(self._folder.path().join(file), rev).expect("a fork")
    }

    /// The folder, the path and the clock of a workspace that nobody has open.
    pub(super) fn closed(self) -> Closed {
        let Fixture { layer, clock, path, _folder } = self;
        drop(layer);
        Closed { clock, path, _folder }
    }

    /// The same workspace after its file was changed from outside while nobody had it open.
    pub(super) fn damaged(self, damage: impl FnOnce(&mut Vec<u8>)) -> Fixture {
        let Closed { clock, path, _folder } = self.closed();
        let mut bytes = std::fs::read(&path).expect("the file");
        damage(&mut bytes);
        std::fs::write(&path, bytes).expect("the file");
        let layer = SqliteLayer::open(&path, &options(&clock)).expect("a workspace");
        Fixture { layer, clock, path, _folder }
    }

    /// A second layer on the same file, as another process would have it.
    pub(super) fn other(&self) -> SqliteLayer {
        SqliteLayer::open(&self.path, &options(&self.clock)).expect("a workspace")
    }

    pub(super) fn put(&self, path: &str, data: &[u8]) -> Stat {
        self.clock.advance(1000);
        let (dir, name) = self.parent(path);
        match self.layer.lookup(dir, &name) {
            Ok(stat) => {
                self.layer
                    .batch(&mut |layer| {
                        layer.setattr(stat.ino, &SetAttr::size(0))?;
                        layer.write(stat.ino, 0, data)
                    })
                    .expect("overwritten");
                self.layer.getattr(stat.ino).expect("it is there")
            }
            Err(_) => self
                .layer
                .create(dir, &name, NewNode::File(data), &NewAttr::with_mode(0o644))
                .unwrap_or_else(|e| panic!("{path}: {e}")),
        }
    }

    pub(super) fn mkdir(&self, path: &str) -> Stat {
        self.clock.advance(1000);
        let (dir, name) = self.parent(path);
        self.layer.create(dir, &name, NewNode::Directory, &NewAttr::with_mode(0o755)).expect(path)
    }

    pub(super) fn unlink(&self, path: &str) {
        self.clock.advance(1000);
        let (dir, name) = self.parent(path);
        self.layer.unlink(dir, &name).expect(path);
    }

    pub(super) fn rename(&self, from: &str, to: &str) {
        self.clock.advance(1000);
        let (from, to) = (self.parent(from), self.parent(to));
        self.layer.rename((from.0, &from.1), (to.0, &to.1), RenameMode::Replace).expect("renamed");
    }

    pub(super) fn parent(&self, path: &str) -> (Ino, Name) {
        let (dir, last) = path.rsplit_once('/').expect("an absolute path");
        (ino(&self.layer, dir), name(last))
    }

    pub(super) fn ino(&self, path: &str) -> Ino {
        ino(&self.layer, path)
    }

    pub(super) fn seal(&self) -> Revision {
        self.clock.advance(1000);
        let info = self.layer.seal(&SealInfo::of(RevisionKind::Edit)).expect("sealed");
        info.expect("something changed").id
    }

    pub(super) fn at(&self, rev: Revision) -> Arc<dyn Layer> {
        self.layer.at(rev).expect("a revision")
    }

    /// Runs SQL on the file, behind the layer's back.
    pub(super) fn sql(&self, sql: &str) {
        rusqlite::Connection::open(&self.path).and_then(|c| c.execute_batch(sql)).expect(sql);
    }

    /// Bytes of the file once everything is in it.
    pub(super) fn file_bytes(&self) -> u64 {
        schema::checkpoint(&self.layer.writer.lock().borrow().conn).expect("a checkpoint");
        std::fs::metadata(&self.path).expect("the file").len()
    }
}

pub(super) fn options(clock: &Arc<ManualClock>) -> SqliteOptions {
    SqliteOptions {
        clock: clock.clone(),
        durability: Durability::None,
        busy_timeout: Duration::from_millis(20),
        ..SqliteOptions::default()
    }
}

pub(super) fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

pub(super) fn ino(layer: &dyn Layer, path: &str) -> Ino {
    path.split('/').filter(|part| !part.is_empty()).fold(ROOT_INO, |dir, part| {
        layer.lookup(dir, &name(part)).unwrap_or_else(|e| panic!("{path}: {e}")).ino
    })
}

pub(super) fn read(layer: &dyn Layer, path: &str) -> Vec<u8> {
    layer.read(ino(layer, path), 0, usize::MAX).unwrap_or_else(|e| panic!("{path}: {e}")).to_vec()
}

/// Every path of a tree with what it is and holds, apart from times and numbers.
pub(super) fn tree(layer: &dyn Layer) -> Vec<String> {
    fn walk(layer: &dyn Layer, dir: Ino, at: &str, into: &mut Vec<String>) {
        for entry in layer.readdir(dir, None, usize::MAX).expect(at) {
            let (path, stat) = (format!("{at}/{}", entry.name), entry.stat);
            let what = match stat.kind {
                FileType::Regular => {
                    format!("{:?}", blake3::hash(&layer.read(stat.ino, 0, usize::MAX).expect("read")))
                }
                FileType::Symlink => layer.readlink(stat.ino).expect("readlink"),
                _ => String::new(),
            };
            into.push(format!("{path} {:?} {:o} {} {} {what}", stat.kind, stat.mode, stat.nlink, stat.size));
            if stat.is_dir() {
                walk(layer, stat.ino, &path, into);
            }
        }
    }
    let mut into = Vec::new();
    walk(layer, layer.root(), "", &mut into);
    into
}

/// Bytes that do not repeat, the same for the same seed.
pub(super) fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut reader = blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof();
    let mut bytes = vec![0; len];
    reader.fill(&mut bytes);
    bytes
}
