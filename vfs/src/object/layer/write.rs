//! Writing content: it waits in a spool until the last handle is closed, and becomes one upload on the condition that
//! the bucket still has what was seen.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::{RwLock, RwLockUpgradableReadGuard};

use super::ObjectLayer;
use super::nodes::{Object, Seen, split};
use super::read::Source;
use super::spool::Spool;
use crate::clock::Timestamp;
use crate::errno::{Errno, NodeError, NodeResult};
use crate::node::{Ino, Stat};
use crate::object::bucket::{Expect, WRITE_MARK, mark};
use crate::object::trouble::{Trouble, TroubleKind};

/// What is kept in the cache of what was uploaded, since it is likely to be read.
const KEPT: u64 = 1 << 20;

/// What was written and could not be uploaded when its last handle was closed.
#[derive(Clone, Debug)]
pub struct Unwritten {
    /// The name in the bucket.
    pub name: String,
    /// Why.
    pub why: NodeError,
    /// Whether it is still there to be tried again: [`Layer::fsync`](crate::Layer::fsync) of everything does.
    pub kept: bool,
}

impl ObjectLayer {
    /// What a file that is being written will be.
    pub(super) fn spool(&self, ino: Ino) -> NodeResult<Arc<RwLock<Spool>>> {
        loop {
            if let Some(spool) = self.spool_if_any(ino)? {
                return Ok(spool);
            }
            let base = self.source(ino)?;
            let spool = Arc::new(RwLock::new(Spool::new(self.spool_folder.as_deref(), base.clone())?));
            let mut state = self.state.lock();
            let node = state.table.get(ino)?;
            let now = node.object.as_ref().map(|_| node.content);
            if node.spool.is_some() || base.map(|base| base.content) != now {
                continue; // Written or uploaded by another thread in between.
            }
            node.spool = Some(spool.clone());
            let (key, gone) = (node.key.clone(), node.gone);
            if !gone {
                state.begin(&key);
            }
            return Ok(spool);
        }
    }

    pub(super) fn spool_if_any(&self, ino: Ino) -> NodeResult<Option<Arc<RwLock<Spool>>>> {
        let mut state = self.state.lock();
        let node = state.table.get(ino)?;
        node.need_file()?;
        Ok(node.spool.clone())
    }

    /// Changes content, and the attributes that follow from it.
    pub(super) fn edit<T>(&self, ino: Ino, work: impl Fn(&mut Spool) -> NodeResult<T>) -> NodeResult<T> {
        let result = loop {
            let own = self.spool(ino)?;
            let mut spool = own.write();
            let done = work(&mut spool)?;
            let now = self.now();
            let mut state = self.state.lock();
            let node = state.table.get(ino)?;
            if !node.spool.as_ref().is_some_and(|spool| Arc::ptr_eq(spool, &own)) {
                continue; // It was uploaded while this thread waited for it, and is nobody's content any more.
            }
            let stat = &mut node.stat;
            (stat.size, stat.blocks) = (spool.size, spool.size.div_ceil(512));
            (stat.mtime, stat.ctime) = (now, now);
            stat.version += 1;
            break done;
        };
        self.settle(ino)?;
        Ok(result)
    }

    /// Uploads what nobody has open, unless the batch under way does that at its end. What cannot be uploaded then was not
    /// written.
    pub(super) fn settle(&self, ino: Ino) -> NodeResult<()> {
        {
            let mut state = self.state.lock();
            let node = state.table.get(ino)?;
            if node.pins > 0 || node.spool.is_none() {
                return Ok(());
            }
        }
        if self.batches.lock().put_off(ino) {
            return Ok(());
        }
        self.upload(ino).inspect_err(|_| self.discard(ino))
    }

    /// The same at the end of a batch, which may have removed the file again.
    pub(super) fn settle_if_any(&self, ino: Ino) -> NodeResult<()> {
        match self.settle(ino) {
            Err(error) if error == Errno::ESTALE => Ok(()),
            settled => settled,
        }
    }

    /// Forgets what was written and not uploaded.
    pub(super) fn discard(&self, ino: Ino) {
        let mut state = self.state.lock();
        let Ok(node) = state.table.get(ino) else { return };
        let key = node.key.clone();
        if node.spool.take().is_some() {
            match node.object.as_ref().map(|object| object.size) {
                Some(size) => (node.stat.size, node.stat.blocks) = (size, size.div_ceil(512)),
                // It may have got there all the same: who asks next finds out.
                None => {
                    state.drop_window(split(&key).0);
                    state.table.forget(ino);
                }
            }
            state.end(&key);
        }
    }

    /// Uploads what was written to a file.
    ///
    /// # Errors
    /// `EBUSY` where the bucket has something else by now; whatever keeps it from being uploaded. It stays written here.
    pub(super) fn upload(&self, ino: Ino) -> NodeResult<()> {
        let Some(spool) = self.spool_if_any(ino)? else { return Ok(()) };
        // The mode and the owner that the object has are to be those of what replaces it.
        self.own_stat(ino)?;
        let guard = spool.upgradable_read();
        let Some((key, stat, object)) = self.named(ino)? else { return Ok(()) };
        if !self.spool_if_any(ino)?.is_some_and(|now| Arc::ptr_eq(&now, &spool)) {
            return Ok(()); // Another thread has done it.
        }
        let guard = match guard.mark {
            Some(_) => guard,
            None => {
                let mut writing = RwLockUpgradableReadGuard::upgrade(guard);
                writing.mark = Some(mark());
                parking_lot::RwLockWriteGuard::downgrade_to_upgradable(writing)
            }
        };
        let mut metadata = metadata(&stat);
        metadata.extend(guard.mark.clone().map(|mark| (WRITE_MARK.to_owned(), mark)));
        let expect = self.expected(&key, object)?;
        let mut reader = guard.reader(self);
        let written = self.bucket.upload(&key, guard.size, &mut reader, &expect, &metadata);
        let failed = reader.failed.take();
        let etag = match written {
            Ok(written) => self.etag_of(&key, written.etag, guard.size),
            Err(trouble) => return Err(self.refused(&key, trouble, failed)),
        };
        let object = Object { size: guard.size, modified: None, etag };
        let kept = (guard.size <= KEPT).then(|| guard.read(self, 0, KEPT as usize).ok()).flatten();
        let _alone = RwLockUpgradableReadGuard::upgrade(guard);
        self.uploaded(ino, object, kept);
        Ok(())
    }

    /// Notes that what was written is in the bucket.
    pub(super) fn uploaded(&self, ino: Ino, object: Object, content: Option<bytes::Bytes>) {
        let now = self.now();
        let mut state = self.state.lock();
        let fresh = state.table.new_content();
        let Ok(node) = state.table.get(ino) else { return };
        (node.object, node.content, node.spool) = (Some(object.clone()), fresh, None);
        (node.checked, node.asked) = (Some(now), true);
        let (key, gone) = (node.key.clone(), node.gone);
        if !gone {
            state.patch(&key, Some(Seen::Object(object)));
            state.end(&key);
        }
        drop(state);
        content.into_iter().for_each(|content| self.blocks.put(fresh, 0, &content));
    }

    /// What a file that has a name is called and was seen as.
    fn named(&self, ino: Ino) -> NodeResult<Option<(String, Stat, Option<Object>)>> {
        let mut state = self.state.lock();
        let node = state.table.get(ino)?;
        Ok((!node.gone).then(|| (node.key.clone(), node.stat, node.object.clone())))
    }

    /// What the bucket must have for an upload not to overwrite anybody's work.
    fn expected(&self, key: &str, seen: Option<Object>) -> NodeResult<Expect> {
        let Some(seen) = seen else { return Ok(Expect::Absent) };
        if let Some(etag) = seen.etag {
            return Ok(Expect::Tag(etag));
        }
        // The listing told no ETag: whatever has it now must be what was listed.
        let seconds = |time: i64| time.div_euclid(1_000_000_000);
        let found = self.bucket.head(key)?.filter(|found| {
            let times = seen.modified.is_none_or(|time| seconds(time) == seconds(found.modified));
            found.size == seen.size && times
        });
        match found {
            Some(found) => Ok(found.etag.map_or(Expect::Anything, Expect::Tag)),
            None => Err(self.conflict(key)),
        }
    }

    /// The ETag of what was written, where the reply did not tell it. Another's by now would be found out at the next
    /// request, as its size or time differ.
    pub(super) fn etag_of(&self, key: &str, told: Option<String>, size: u64) -> Option<String> {
        told.or_else(|| self.bucket.head(key).ok().flatten().filter(|found| found.size == size)?.etag)
    }

    fn conflict(&self, key: &str) -> NodeError {
        let at = self.bucket.location().join(key);
        NodeError::with_source(
            Errno::EBUSY,
            format!(
                "{at}: somebody else changed or removed it meanwhile; nothing was overwritten, save your content under another name"
            ),
        )
    }

    fn refused(&self, key: &str, trouble: Trouble, failed: Option<NodeError>) -> NodeError {
        match (trouble.kind(), failed) {
            (TroubleKind::Changed, _) => self.conflict(key),
            (TroubleKind::Source, Some(error)) if error == Errno::ESTALE => self.conflict(key),
            (TroubleKind::Source, Some(error)) => error,
            _ => trouble.into(),
        }
    }

    /// The last handle was closed. What cannot be uploaded is remembered; where it can be tried again it is kept.
    pub(super) fn let_go(&self, ino: Ino) {
        if let Err(why) = self.upload(ino) {
            let kept = why != Errno::EBUSY;
            let name = self.named(ino).ok().flatten().map(|(key, ..)| key).unwrap_or_default();
            self.unwritten.lock().push(Unwritten { name, why, kept });
            if !kept {
                self.discard(ino);
            }
        }
        self.state.lock().table.let_go(ino);
    }

    /// Tries again whatever could not be uploaded, and forgets what is told of it.
    ///
    /// # Errors
    /// The first that fails.
    pub(super) fn upload_all(&self) -> NodeResult<()> {
        let told = std::mem::take(&mut *self.unwritten.lock());
        let dirty = self.state.lock().table.dirty();
        let failed = dirty.into_iter().filter_map(|ino| self.upload(ino).err());
        let lost = told.into_iter().filter(|unwritten| !unwritten.kept).map(|unwritten| unwritten.why);
        lost.chain(failed).next().map_or(Ok(()), Err)
    }

    /// What could not be uploaded when its last handle was closed, since it was last asked for.
    pub fn unwritten(&self) -> Vec<Unwritten> {
        std::mem::take(&mut *self.unwritten.lock())
    }

    pub(super) fn source(&self, ino: Ino) -> NodeResult<Option<Source>> {
        let mut state = self.state.lock();
        let node = state.table.get(ino)?;
        node.need_file()?;
        let object = node.object.clone();
        Ok(object.map(|object| Source { ino, key: node.key.clone(), object, content: node.content }))
    }
}

/// What is kept with the object of a node.
pub(super) fn metadata(stat: &Stat) -> BTreeMap<String, String> {
    node_metadata(stat.kind.mode_bits() | stat.mode, stat.mtime, (stat.uid, stat.gid))
}

/// What is kept with an object, as `rclone` and `s3fs` write and read it: the time in seconds, the mode with its kind and
/// the owner (user, group) in decimal.
pub fn node_metadata(mode: u32, mtime: Timestamp, owner: (u32, u32)) -> BTreeMap<String, String> {
    let (seconds, nanos) = mtime.split();
    BTreeMap::from([
        ("mtime".to_owned(), format!("{seconds}.{nanos:09}")),
        ("mode".to_owned(), mode.to_string()),
        ("uid".to_owned(), owner.0.to_string()),
        ("gid".to_owned(), owner.1.to_string()),
    ])
}
