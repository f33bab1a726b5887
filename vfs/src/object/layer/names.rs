//! Making and removing names.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::RwLock;

use super::ObjectLayer;
use super::find::is_key;
use super::kept::MODE_BITS;
use super::nodes::{Object, Seen, join, split};
use super::spool::Spool;
use super::write::metadata;
use crate::errno::{Errno, NodeError, NodeResult};
use crate::node::{Ino, NewAttr, NewNode, Stat};
use crate::object::bucket::{Expect, From};
use crate::object::upload::PART_BYTES;
use crate::path::Name;

/// The longest key, in bytes.
const KEY_MAX: usize = 1024;
/// The largest file that is fetched because it is removed while somebody has it open.
const HELD_MAX: u64 = 1 << 30;

impl ObjectLayer {
    /// The key of a name in a directory, if there can be one.
    ///
    /// # Errors
    /// `ENOENT` in a directory that was removed; `EILSEQ` for control characters; `ENAMETOOLONG`.
    pub(super) fn new_key(&self, parent: Ino, name: &Name) -> NodeResult<String> {
        let mut state = self.state.lock();
        let dir = state.dir(parent)?;
        if dir.gone {
            return Err(Errno::ENOENT.into());
        }
        if !is_key(name) {
            let why = "names of objects have no control characters";
            return Err(NodeError::with_source(Errno::EILSEQ, why));
        }
        let key = join(&dir.key, name);
        let whole = self.bucket.location().join(&key).prefix().len();
        if whole > KEY_MAX { Err(Errno::ENAMETOOLONG.into()) } else { Ok(key) }
    }

    pub(super) fn find_any(&self, parent: Ino, name: &Name) -> NodeResult<Option<Stat>> {
        match self.find(parent, name) {
            Err(error) if error == Errno::ENOENT => Ok(None),
            found => found.map(Some),
        }
    }

    pub(super) fn make(
        &self,
        parent: Ino,
        name: &Name,
        node: NewNode<'_>,
        attr: &NewAttr,
    ) -> NodeResult<Stat> {
        let names = self.names.lock();
        let found = self.find_any(parent, name)?;
        let key = self.new_key(parent, name)?;
        if found.is_some() {
            return Err(Errno::EEXIST.into());
        }
        match node {
            NewNode::File(content) => {
                let stat = self.begin_file(&key, content, attr)?;
                // From here on the name is taken, and uploads need not wait for each other.
                drop(names);
                self.finish_file(&key, stat, content)
            }
            NewNode::Directory => self.make_dir(&key, attr),
            _ => Err(Errno::EOPNOTSUPP.into()),
        }
    }

    fn make_dir(&self, key: &str, attr: &NewAttr) -> NodeResult<Stat> {
        self.state.lock().begin(key);
        let made = self.bucket.put_marker(key);
        let now = self.now();
        let mut state = self.state.lock();
        let stat = made.map(|()| {
            let stat = state.table.make(key, &Seen::Folder, attr.mtime.unwrap_or(now));
            state.patch(key, Some(Seen::Folder));
            state.table.touch(split(key).0, now);
            stat
        });
        state.end(key);
        Ok(stat?)
    }

    /// Takes a name for a file.
    fn begin_file(&self, key: &str, content: &[u8], attr: &NewAttr) -> NodeResult<Stat> {
        let empty = content.is_empty() || content.len() > PART_BYTES;
        let spool = empty.then(|| Spool::new(self.spool_folder.as_deref(), None)).transpose()?;
        let now = self.now();
        let mut state = self.state.lock();
        state.begin(key);
        let seen = Object { size: content.len() as u64, modified: None, etag: None };
        let stat = state.table.make(key, &Seen::Object(seen.clone()), attr.mtime.unwrap_or(now));
        state.patch(key, Some(Seen::Object(seen)));
        state.table.touch(split(key).0, now);
        let node = state.table.get(stat.ino)?;
        node.spool = spool.map(|spool| Arc::new(RwLock::new(spool)));
        if self.metadata {
            (node.stat.mode, node.stat.uid, node.stat.gid) = (attr.mode & MODE_BITS, attr.uid, attr.gid);
        }
        Ok(node.stat)
    }

    fn finish_file(&self, key: &str, stat: Stat, content: &[u8]) -> NodeResult<Stat> {
        let made = if content.is_empty() {
            self.settle(stat.ino)
        } else if content.len() > PART_BYTES {
            self.edit(stat.ino, |spool| spool.write(0, content))
        } else {
            self.put_new(key, stat, content)
        };
        match made {
            Ok(()) => self.state.lock().table.get(stat.ino).map(|node| node.stat),
            // Somebody else was first.
            Err(error) if error == Errno::EBUSY => Err(Errno::EEXIST.into()),
            Err(error) => Err(error),
        }
    }

    /// A small file that is new: one request, and nothing to remember if it fails.
    fn put_new(&self, key: &str, stat: Stat, content: &[u8]) -> NodeResult<()> {
        let content = Bytes::copy_from_slice(content);
        let metadata: BTreeMap<String, String> = metadata(&stat);
        let put = self.bucket.put(key, content.clone(), &Expect::Absent, &metadata);
        match put {
            Ok(written) => {
                let size = content.len() as u64;
                let etag = self.etag_of(key, written.etag, size);
                self.uploaded(stat.ino, Object { size, modified: None, etag }, Some(content));
                Ok(())
            }
            Err(trouble) => {
                let mut state = self.state.lock();
                // Somebody else's may be there, or ours all the same: who asks next finds out.
                state.drop_window(split(key).0);
                state.table.forget(stat.ino);
                state.end(key);
                Err(trouble.into())
            }
        }
    }

    pub(super) fn remove_file(&self, parent: Ino, name: &Name) -> NodeResult<()> {
        let _names = self.names.lock();
        let stat = self.find(parent, name)?;
        if stat.is_dir() {
            return Err(Errno::EISDIR.into());
        }
        let key = self.new_key(parent, name)?;
        self.hold(stat.ino)?;
        self.keep_folder(split(&key).0, Some(split(&key).1))?;
        self.state.lock().begin(&key);
        // One that was never uploaded may be there all the same, made by somebody else: that is not ours to remove.
        let written = self.state.lock().table.get(stat.ino).is_ok_and(|node| node.object.is_some());
        let removed = if written { self.bucket.delete(&key) } else { Ok(()) };
        let now = self.now();
        let mut state = self.state.lock();
        if removed.is_ok() {
            state.unname(stat.ino, now);
        }
        state.end(&key);
        Ok(removed?)
    }

    /// Fetches the content of a file that somebody has open and that is about to lose its name.
    pub(super) fn hold(&self, ino: Ino) -> NodeResult<()> {
        let (pins, size) = {
            let mut state = self.state.lock();
            let node = state.table.get(ino)?;
            (node.pins, node.stat.size)
        };
        if pins == 0 {
            return Ok(());
        }
        if size > HELD_MAX {
            let why = "the file is open and too large to be kept without its name; close it first";
            return Err(NodeError::with_source(Errno::EBUSY, why));
        }
        let spool = self.spool(ino)?;
        spool.write().fetch(self)
    }

    pub(super) fn remove_dir(&self, parent: Ino, name: &Name) -> NodeResult<()> {
        let _names = self.names.lock();
        let stat = self.find(parent, name)?;
        if !stat.is_dir() {
            return Err(Errno::ENOTDIR.into());
        }
        let key = self.new_key(parent, name)?;
        self.need_empty(stat.ino, &key)?;
        self.keep_folder(split(&key).0, Some(split(&key).1))?;
        self.state.lock().begin(&key);
        let removed = self.bucket.delete_marker(&key);
        let now = self.now();
        let mut state = self.state.lock();
        if removed.is_ok() {
            state.drop_window(&key);
            state.unname(stat.ino, now);
        }
        state.end(&key);
        Ok(removed?)
    }

    /// # Errors
    /// `ENOTEMPTY`, by what the bucket says now.
    pub(super) fn need_empty(&self, ino: Ino, key: &str) -> NodeResult<()> {
        self.state.lock().drop_window(key);
        if !self.list(ino, None, 1)?.is_empty() {
            return Err(Errno::ENOTEMPTY.into());
        }
        let now = self.now();
        match self.state.lock().window(key, now).map_or(0, |window| window.hidden) {
            0 => Ok(()),
            _ => Err(NodeError::with_source(Errno::ENOTEMPTY, self.hidden_in(key))),
        }
    }

    /// What is said where keys that cannot be shown are in the way.
    pub(super) fn hidden_in(&self, key: &str) -> String {
        let at = self.bucket.location().join(key);
        format!(
            "{at}: it has objects whose keys cannot be names here (as a//b); rename or remove those with another tool"
        )
    }

    /// Sees to it that a folder stays when `but` has gone from it: where nothing else is in it, it needs a marker.
    pub(super) fn keep_folder(&self, folder: &str, but: Option<&str>) -> NodeResult<()> {
        if folder.is_empty() {
            return Ok(());
        }
        let now = self.now();
        let known = self.state.lock().window(folder, now).map(|window| window.keeps(but));
        let stays = match known {
            Some(true) => true,
            _ => {
                let page = self.bucket.list_from(folder, From::Start, 3)?;
                let last = |name: &str| split(name).1.to_owned();
                let objects = page.objects.iter().map(|found| last(&found.name));
                page.marker || page.hidden > 0 || objects.chain(page.folders).any(|name| Some(&*name) != but)
            }
        };
        if stays { Ok(()) } else { Ok(self.bucket.keep_folder(folder)?) }
    }
}
