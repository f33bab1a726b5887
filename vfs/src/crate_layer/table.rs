//! Which inode number stands for which path, and what that crate does not keep.

use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

use rust_vfs::VfsMetadata;

use super::{kind_of, timestamp};
use crate::clock::Timestamp;
use crate::errno::{Errno, NodeResult};
use crate::node::{FileType, Ino, Stat};

/// The number of the root.
pub(super) const ROOT: Ino = Ino(1);

/// Times that were set here. They hold until the filesystem's own modification time moves.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Times {
    pub atime: Option<Timestamp>,
    pub mtime: Option<Timestamp>,
    /// What the filesystem said when they were set.
    pub modified: Option<SystemTime>,
}

#[derive(Debug)]
pub(super) struct Record {
    /// None once it was removed while open.
    pub path: Option<String>,
    pub kind: FileType,
    /// What a removed open file holds.
    pub content: Vec<u8>,
    pins: u32,
    version: u64,
    /// Rewriting a file must not make it younger, though that crate's filesystems may say so.
    born: Timestamp,
    ctime: Timestamp,
    times: Times,
}

impl Record {
    fn stat(&self, ino: Ino, metadata: &VfsMetadata) -> Stat {
        let size = if self.kind == FileType::Directory { 0 } else { metadata.len };
        let own = self.times.modified == metadata.modified;
        let mtime = self.times.mtime.filter(|_| own).or(metadata.modified.map(timestamp));
        let atime = self.times.atime.or(metadata.accessed.map(timestamp));
        self.shown(ino, size, atime.unwrap_or(self.born), mtime.unwrap_or(self.born))
    }

    /// The attributes of what was removed while open.
    pub fn orphan_stat(&self, ino: Ino) -> Stat {
        let time = self.times.mtime.unwrap_or(self.ctime);
        let atime = self.times.atime.unwrap_or(time);
        Stat { nlink: 0, ..self.shown(ino, self.content.len() as u64, atime, time) }
    }

    fn shown(&self, ino: Ino, size: u64, atime: Timestamp, mtime: Timestamp) -> Stat {
        let dir = self.kind == FileType::Directory;
        Stat {
            ino,
            kind: self.kind,
            mode: if dir { 0o755 } else { 0o644 },
            nlink: if dir { 2 } else { 1 },
            uid: 1000,
            gid: 1000,
            rdev: 0,
            size,
            blocks: size.div_ceil(512),
            atime,
            mtime,
            ctime: self.ctime.max(mtime),
            btime: self.born,
            version: self.version,
        }
    }
}

#[derive(Debug)]
pub(super) struct Table {
    records: HashMap<Ino, Record>,
    by_path: BTreeMap<String, Ino>,
    next: u64,
}

impl Table {
    pub fn new(now: Timestamp) -> Table {
        let mut table = Table { records: HashMap::new(), by_path: BTreeMap::new(), next: ROOT.0 };
        table.add("", FileType::Directory, now);
        table
    }

    fn add(&mut self, path: &str, kind: FileType, now: Timestamp) -> Ino {
        let ino = Ino(self.next);
        self.next += 1;
        let record = Record {
            path: Some(path.to_owned()),
            kind,
            content: Vec::new(),
            pins: 0,
            version: 1,
            born: now,
            ctime: now,
            times: Times::default(),
        };
        self.records.insert(ino, record);
        self.by_path.insert(path.to_owned(), ino);
        ino
    }

    pub fn get(&self, ino: Ino) -> Option<&Record> {
        self.records.get(&ino)
    }

    pub fn content(&mut self, ino: Ino) -> Option<&mut Vec<u8>> {
        self.records.get_mut(&ino).filter(|record| record.path.is_none()).map(|record| &mut record.content)
    }

    /// Notes what was seen at a path, and returns its attributes.
    pub fn note(&mut self, path: &str, metadata: &VfsMetadata, now: Timestamp) -> Stat {
        let kind = kind_of(metadata);
        let known = self.by_path.get(path).copied();
        let ino = match known.filter(|ino| self.records[ino].kind == kind) {
            Some(ino) => ino,
            None => {
                self.lost(path);
                self.add(path, kind, metadata.created.map_or(now, timestamp))
            }
        };
        self.records[&ino].stat(ino, metadata)
    }

    /// Notes that nothing is at a path any more; what it held can only be kept by [`Table::orphan`].
    pub fn lost(&mut self, path: &str) {
        if let Some(ino) = self.by_path.remove(path) {
            self.records.remove(&ino);
        }
    }

    /// Whether the node at a path is open.
    pub fn is_pinned(&self, path: &str) -> bool {
        self.by_path.get(path).is_some_and(|ino| self.records[ino].pins > 0)
    }

    /// Takes the name off an open node, which keeps this content.
    pub fn orphan(&mut self, path: &str, content: Vec<u8>, now: Timestamp) {
        let Some(ino) = self.by_path.remove(path) else { return };
        if let Some(record) = self.records.get_mut(&ino) {
            record.path = None;
            record.content = content;
            record.ctime = now;
            record.version += 1;
        }
    }

    /// Notes that an entry and everything below it has moved.
    pub fn moved(&mut self, from: &str, to: &str, now: Timestamp) {
        let below = format!("{from}/");
        let inside = |path: &String| path == from || path.starts_with(&below);
        let start = from.to_owned();
        let paths: Vec<String> = self
            .by_path
            .range(start..)
            .map(|(path, _)| path.clone())
            .take_while(|path| path.starts_with(from))
            .collect();
        for path in paths.into_iter().filter(inside) {
            let Some(ino) = self.by_path.remove(&path) else { continue };
            let moved = format!("{to}{}", &path[from.len()..]);
            if let Some(record) = self.records.get_mut(&ino) {
                record.path = Some(moved.clone());
                if path == from {
                    record.ctime = now;
                    record.version += 1;
                }
            }
            self.by_path.insert(moved, ino);
        }
    }

    /// Keeps times that were set, without a change.
    pub fn times(&mut self, ino: Ino, times: Times) {
        let Some(record) = self.records.get_mut(&ino) else { return };
        record.times.atime = times.atime.or(record.times.atime);
        if times.mtime.is_some() {
            record.times.mtime = times.mtime;
            record.times.modified = times.modified;
        }
    }

    /// Notes a change made here.
    pub fn changed(&mut self, ino: Ino, now: Timestamp, times: Times) {
        self.times(ino, times);
        if let Some(record) = self.records.get_mut(&ino) {
            record.ctime = now;
            record.version += 1;
        }
    }

    pub fn pin(&mut self, ino: Ino) -> NodeResult<()> {
        self.records.get_mut(&ino).ok_or(Errno::ESTALE)?.pins += 1;
        Ok(())
    }

    pub fn unpin(&mut self, ino: Ino) {
        let Some(record) = self.records.get_mut(&ino) else { return };
        record.pins = record.pins.saturating_sub(1);
        if record.pins == 0 && record.path.is_none() {
            self.records.remove(&ino);
        }
    }
}
