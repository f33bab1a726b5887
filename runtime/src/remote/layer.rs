//! The sandbox's side: a layer that asks.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use cowry_vfs::{DirEntry, Errno, Features, Ino, Layer, Name, NodeError, NodeResult, SeekTo, Stat, StatFs};
use parking_lot::Mutex;

use super::cache::{CHUNK, Cache};
use super::protocol::{Ask, ENTRIES_MAX, FsReply, FsRequest, LISTING_MAX, Listing, READ_MAX};
use crate::control::MountInfo;
use crate::wire;

/// The `fs` socket: one question at a time, whoever asks.
#[derive(Debug)]
pub(crate) struct Connection(Mutex<UnixStream>);

impl Connection {
    pub(crate) fn new(socket: UnixStream) -> Self {
        Connection(Mutex::new(socket))
    }

    fn ask(&self, request: &FsRequest) -> io::Result<FsReply> {
        let socket = self.0.lock();
        (&*socket).write_all(&wire::encode(request, Vec::new()))?;
        wire::receive(&mut &*socket, ())?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

/// A tree behind the `fs` socket. It is only ever read.
#[derive(Debug)]
pub(crate) struct RemoteLayer {
    connection: Arc<Connection>,
    mount: u16,
    info: MountInfo,
    /// Only for a tree that cannot change, or is behind an overlay, which must not see it change.
    cache: Option<Mutex<Cache>>,
}

impl RemoteLayer {
    pub(crate) fn new(connection: Arc<Connection>, mount: u16, info: &MountInfo) -> Self {
        let mut info = info.clone();
        info.features.writable = false;
        let cache = (info.features.immutable || info.writable).then(|| Mutex::new(Cache::new()));
        RemoteLayer { connection, mount, info, cache }
    }

    /// Notes what the root looks like.
    pub(crate) fn learn(&self, stat: Stat, listing: Listing) {
        self.remember(|cache| {
            cache.put_stat(stat);
            cache.put_listing(stat.ino, listing);
        });
    }

    fn ask(&self, ask: Ask) -> NodeResult<FsReply> {
        match self.connection.ask(&FsRequest { mount: self.mount, ask }).map_err(NodeError::io)? {
            FsReply::Failed(errno) => Err(errno.into()),
            reply => Ok(reply),
        }
    }

    fn cached<T>(&self, get: impl FnOnce(&Cache) -> Option<T>) -> Option<T> {
        get(&self.cache.as_ref()?.lock())
    }

    fn remember(&self, put: impl FnOnce(&mut Cache)) {
        if let Some(cache) = &self.cache {
            put(&mut cache.lock());
        }
    }

    /// One chunk of a file that cannot change.
    fn chunk(&self, ino: Ino, number: u64) -> NodeResult<Bytes> {
        if let Some(chunk) = self.cached(|cache| cache.chunk(ino, number)) {
            return Ok(chunk);
        }
        if let Some(chunk) = self.with_others(ino, number)? {
            return Ok(chunk);
        }
        let chunk = self.fetch(ino, number * CHUNK, CHUNK as usize)?;
        self.remember(|cache| cache.put_chunk(ino, number, chunk.clone()));
        Ok(chunk)
    }

    /// A small file of a directory that was listed, together with the others there: who reads one reads more of them.
    fn with_others(&self, ino: Ino, number: u64) -> NodeResult<Option<Bytes>> {
        let Some(cache) = self.cache.as_ref().filter(|_| number == 0) else { return Ok(None) };
        let Some((parent, name)) = cache.lock().take_home(ino) else { return Ok(None) };
        if let FsReply::Listing(listing) = self.ask(Ask::Lookup { parent, name, whole: true })? {
            cache.lock().put_listing(parent, listing);
        }
        Ok(cache.lock().chunk(ino, 0))
    }

    fn fetch(&self, ino: Ino, offset: u64, len: usize) -> NodeResult<Bytes> {
        match self.ask(Ask::Read { ino, offset, len: len as u32 })? {
            FsReply::Content(content) => Ok(content),
            other => Err(unexpected(&other)),
        }
    }

    /// At most `READ_MAX` bytes, and whether the file ends with them: out of chunks where that fetches ahead, at
    /// once where it is much.
    fn read_some(&self, ino: Ino, offset: u64, len: usize) -> NodeResult<(Bytes, bool)> {
        if self.cache.is_none() || len as u64 >= CHUNK {
            let want = len.min(READ_MAX);
            let content = self.fetch(ino, offset, want)?;
            let is_end = content.len() < want;
            return Ok((content, is_end));
        }
        let chunk = self.chunk(ino, offset / CHUNK)?;
        let from = ((offset % CHUNK) as usize).min(chunk.len());
        let to = chunk.len().min(from.saturating_add(len));
        Ok((chunk.slice(from..to), to == chunk.len() && (chunk.len() as u64) < CHUNK))
    }
}

/// An answer to another question.
fn unexpected(_: &FsReply) -> NodeError {
    NodeError::io("the supervisor answered another question")
}

#[deny(clippy::missing_trait_methods)]
impl Layer for RemoteLayer {
    cowry_vfs::refuse_changes!();

    fn name(&self) -> &str {
        &self.info.name
    }

    fn features(&self) -> Features {
        self.info.features
    }

    fn root(&self) -> Ino {
        self.info.root
    }

    fn lookup(&self, parent: Ino, name: &Name) -> NodeResult<Stat> {
        if let Some(known) = self.cached(|cache| cache.name(parent, name)) {
            return known.ok_or(Errno::ENOENT.into());
        }
        let whole = self.cache.is_some();
        match self.ask(Ask::Lookup { parent, name: name.clone(), whole }) {
            Ok(FsReply::Stat(stat)) => {
                self.remember(|cache| cache.put_name(parent, name, Some(stat)));
                Ok(stat)
            }
            Ok(FsReply::Listing(listing)) => {
                let found = listing.entries.iter().find(|entry| entry.name == *name).map(|entry| entry.stat);
                self.remember(|cache| cache.put_listing(parent, listing));
                found.ok_or(Errno::ENOENT.into())
            }
            Ok(other) => Err(unexpected(&other)),
            Err(error) => {
                if error == Errno::ENOENT {
                    self.remember(|cache| cache.put_name(parent, name, None));
                }
                Err(error)
            }
        }
    }

    fn getattr(&self, ino: Ino) -> NodeResult<Stat> {
        // Over a network a name tells less of a file than the file itself.
        let whole = self.info.features.remote;
        let known = |cache: &Cache| if whole { cache.own_stat(ino) } else { cache.stat(ino) };
        if let Some(stat) = self.cached(known) {
            return Ok(stat);
        }
        match self.ask(Ask::Getattr { ino })? {
            FsReply::Stat(stat) => {
                self.remember(|cache| cache.put_own_stat(stat));
                Ok(stat)
            }
            other => Err(unexpected(&other)),
        }
    }

    fn readdir(&self, dir: Ino, after: Option<&Name>, limit: usize) -> NodeResult<Vec<DirEntry>> {
        if let Some(entries) = self.cached(|cache| cache.listing(dir)) {
            let from =
                after.map_or(0, |after| entries.partition_point(|e| e.name.as_bytes() <= after.as_bytes()));
            return Ok(entries[from..].iter().take(limit).cloned().collect());
        }
        let mut entries: Vec<DirEntry> = Vec::new();
        while entries.len() < limit {
            let want = (limit - entries.len()).min(ENTRIES_MAX);
            let last = entries.last().map(|entry| entry.name.clone());
            let ask = Ask::Readdir { dir, after: last.or_else(|| after.cloned()), limit: want as u32 };
            let page = match self.ask(ask)? {
                FsReply::Entries(page) => page,
                other => return Err(unexpected(&other)),
            };
            let is_last = page.len() < want;
            if is_last && after.is_none() && entries.is_empty() && page.len() <= LISTING_MAX {
                self.remember(|cache| cache.put_entries(dir, page.clone()));
                return Ok(page);
            }
            self.remember(|cache| {
                page.iter().for_each(|entry| cache.put_name(dir, &entry.name, Some(entry.stat)))
            });
            entries.extend(page);
            if is_last {
                break;
            }
        }
        Ok(entries)
    }

    fn readlink(&self, ino: Ino) -> NodeResult<String> {
        if let Some(target) = self.cached(|cache| cache.link(ino)) {
            return Ok(target);
        }
        match self.ask(Ask::Readlink { ino })? {
            FsReply::Text(target) => {
                self.remember(|cache| cache.put_link(ino, target.clone()));
                Ok(target)
            }
            other => Err(unexpected(&other)),
        }
    }

    fn read(&self, ino: Ino, offset: u64, len: usize) -> NodeResult<Bytes> {
        let (first, mut is_end) = self.read_some(ino, offset, len)?;
        if first.len() == len || is_end {
            return Ok(first);
        }
        let mut content = BytesMut::with_capacity(len.min(READ_MAX));
        content.extend_from_slice(&first);
        while content.len() < len && !is_end {
            let more;
            (more, is_end) = self.read_some(ino, offset + content.len() as u64, len - content.len())?;
            content.extend_from_slice(&more);
        }
        Ok(content.freeze())
    }

    /// Who answers reads on the other side sees by itself what is read next.
    fn will_need(&self, _: Ino, _: u64, _: usize) -> bool {
        true
    }

    fn seek(&self, ino: Ino, offset: u64, to: SeekTo) -> NodeResult<u64> {
        match self.ask(Ask::Seek { ino, offset, to: to.into() })? {
            FsReply::Offset(offset) => Ok(offset),
            other => Err(unexpected(&other)),
        }
    }

    /// Nothing is pinned: in a tree that cannot change nothing goes away, and one that can change is not ours to
    /// hold on to.
    fn open(&self, ino: Ino) -> NodeResult<()> {
        self.getattr(ino).map(drop)
    }

    fn release(&self, _: Ino) {}

    fn getxattr(&self, ino: Ino, name: &str) -> NodeResult<Bytes> {
        if name.len() > cowry_vfs::NAME_MAX {
            return Err(Errno::ERANGE.into());
        }
        match self.ask(Ask::Getxattr { ino, name: name.into() })? {
            FsReply::Content(value) => Ok(value),
            other => Err(unexpected(&other)),
        }
    }

    fn listxattr(&self, ino: Ino) -> NodeResult<Vec<String>> {
        match self.ask(Ask::Listxattr { ino })? {
            FsReply::Names(names) => Ok(names),
            other => Err(unexpected(&other)),
        }
    }

    fn fsync(&self, _: Option<Ino>) -> NodeResult<()> {
        Ok(())
    }

    fn statfs(&self) -> NodeResult<StatFs> {
        match self.ask(Ask::Statfs)? {
            FsReply::StatFs(statfs) => Ok(statfs),
            other => Err(unexpected(&other)),
        }
    }

    fn batch(&self, work: &mut dyn FnMut(&dyn Layer) -> NodeResult<()>) -> NodeResult<()> {
        work(self)
    }
}
