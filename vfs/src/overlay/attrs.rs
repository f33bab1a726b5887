//! Changes of nodes by themselves: attributes, content, extended attributes.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::content::Content;
use super::edit::Edit;
use super::node::{OwnTarget, Target, Xattrs};
use super::scratch::Scratch;
use crate::errno::{Errno, NodeResult};
use crate::node::{Allocate, FileType, Ino, SetAttr, Stat, XattrMode, check_xattr_name, end_of};

/// The longest target of a symbolic link.
pub(crate) const TARGET_MAX: usize = 4095;
/// The longest value of an extended attribute.
pub(crate) const XATTR_MAX: usize = 64 * 1024;
/// All names and values of one node's extended attributes together.
pub(crate) const XATTRS_MAX: usize = 1024 * 1024;

impl Edit<'_> {
    pub(crate) fn setattr(&mut self, ino: Ino, changes: &SetAttr) -> NodeResult<Stat> {
        let before = self.view().stat(ino)?;
        if *changes == SetAttr::default() {
            return Ok(before);
        }
        if let Some(size) = changes.size {
            match before.kind {
                FileType::Regular => {}
                FileType::Directory => return Err(Errno::EISDIR.into()),
                _ => return Err(Errno::EINVAL.into()),
            }
            if size > self.scratch.limits.file_bytes.min(i64::MAX as u64) && size > before.size {
                return Err(Errno::EFBIG.into());
            }
        }
        self.copy_up(ino)?;
        let (stamp, now) = (self.next_stamp(), self.now);
        let node = self.node_mut(ino);
        if let Some(size) = changes.size {
            node.content_mut()?.set_size(size);
            node.mtime = now;
        }
        node.mode = changes.mode.map_or(node.mode, |mode| mode & 0o7777);
        node.uid = changes.uid.unwrap_or(node.uid);
        node.gid = changes.gid.unwrap_or(node.gid);
        node.atime = changes.atime.unwrap_or(node.atime);
        node.mtime = changes.mtime.unwrap_or(node.mtime);
        if !changes.is_atime_only() {
            node.touch(now, stamp);
        }
        Ok(node.stat())
    }

    /// Changes the content of a file.
    fn with_content<R>(
        &mut self,
        ino: Ino,
        work: impl FnOnce(&mut Content, &Arc<Scratch>, u64) -> NodeResult<R>,
    ) -> NodeResult<R> {
        let scratch = self.scratch;
        let now = self.now;
        if !self.tree.nodes.contains_key(&ino) {
            self.copy_up(ino)?;
        }
        let stamp = self.tree.stamp + 1;
        let node = Arc::make_mut(self.tree.nodes.get_mut(&ino).expect("it was copied up"));
        let done = work(node.content_mut()?, scratch, stamp)?;
        node.modify(now, stamp);
        self.tree.stamp = stamp;
        Ok(done)
    }

    fn check_file(&self, ino: Ino) -> NodeResult<()> {
        match self.view().stat(ino)?.kind {
            FileType::Regular => Ok(()),
            FileType::Directory => Err(Errno::EISDIR.into()),
            _ => Err(Errno::EINVAL.into()),
        }
    }

    pub(crate) fn write(&mut self, ino: Ino, offset: u64, data: &[u8]) -> NodeResult<()> {
        if data.is_empty() {
            return self.check_file(ino);
        }
        self.with_content(ino, |content, scratch, stamp| content.write(scratch, stamp, offset, data))
    }

    pub(crate) fn append(&mut self, ino: Ino, data: &[u8]) -> NodeResult<u64> {
        if data.is_empty() {
            self.check_file(ino)?;
            return Ok(self.view().stat(ino)?.size);
        }
        self.with_content(ino, |content, scratch, stamp| {
            let end = content.size();
            content.write(scratch, stamp, end, data)?;
            Ok(end)
        })
    }

    pub(crate) fn allocate(&mut self, ino: Ino, how: Allocate, offset: u64, len: u64) -> NodeResult<()> {
        self.check_file(ino)?;
        let end = end_of(offset, len)?;
        if len == 0 {
            return Err(Errno::EINVAL.into());
        }
        let grows = matches!(how, Allocate::Reserve | Allocate::Zero) && end > self.view().stat(ino)?.size;
        if grows && end > self.scratch.limits.file_bytes {
            return Err(Errno::EFBIG.into());
        }
        if !grows && matches!(how, Allocate::Reserve | Allocate::KeepSize) {
            return Ok(());
        }
        self.with_content(ino, |content, _, _| {
            if matches!(how, Allocate::Punch | Allocate::Zero) {
                content.punch(offset, len);
            }
            if grows {
                content.set_size(end);
            }
            Ok(())
        })
    }

    pub(crate) fn setxattr(&mut self, ino: Ino, name: &str, value: &[u8], mode: XattrMode) -> NodeResult<()> {
        check_xattr(name, value)?;
        let mut map = self.xattrs(ino)?;
        match (mode, map.contains_key(name)) {
            (XattrMode::Create, true) => return Err(Errno::EEXIST.into()),
            (XattrMode::Replace, false) => return Err(Errno::ENODATA.into()),
            _ => {}
        }
        map.insert(name.into(), Bytes::copy_from_slice(value));
        self.put_xattrs(ino, map)
    }

    pub(crate) fn removexattr(&mut self, ino: Ino, name: &str) -> NodeResult<()> {
        check_xattr_name(name)?;
        let mut map = self.xattrs(ino)?;
        map.remove(name).ok_or(Errno::ENODATA)?;
        self.put_xattrs(ino, map)
    }

    /// All extended attributes of a node.
    fn xattrs(&self, ino: Ino) -> NodeResult<BTreeMap<String, Bytes>> {
        let view = self.view();
        if let Some(xattrs) = view.own(ino).and_then(|node| node.xattrs.as_ref()) {
            return Ok(xattrs.map.clone());
        }
        view.listxattr(ino)?.into_iter().map(|name| Ok((name.clone(), view.getxattr(ino, &name)?))).collect()
    }

    fn put_xattrs(&mut self, ino: Ino, map: BTreeMap<String, Bytes>) -> NodeResult<()> {
        let xattrs = own_xattrs(self.scratch, map)?;
        self.copy_up(ino)?;
        let (stamp, now) = (self.next_stamp(), self.now);
        let node = self.node_mut(ino);
        node.xattrs = Some(xattrs);
        node.touch(now, stamp);
        Ok(())
    }
}

/// Checks a name and value of an extended attribute.
pub(crate) fn check_xattr(name: &str, value: &[u8]) -> NodeResult<()> {
    check_xattr_name(name)?;
    if value.len() > XATTR_MAX { Err(Errno::ENOSPC.into()) } else { Ok(()) }
}

/// Takes quota for extended attributes.
pub(crate) fn own_xattrs(scratch: &Arc<Scratch>, map: BTreeMap<String, Bytes>) -> NodeResult<Arc<Xattrs>> {
    let bytes: usize = map.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > XATTRS_MAX {
        return Err(Errno::ENOSPC.into());
    }
    Ok(Arc::new(Xattrs { map, _charge: scratch.charge(bytes as u64)? }))
}

/// Takes quota for the target of a symbolic link.
pub(crate) fn own_target(scratch: &Arc<Scratch>, text: &str) -> NodeResult<Target> {
    let charge = scratch.charge(text.len() as u64)?;
    Ok(Target::Own(Arc::new(OwnTarget { text: text.into(), _charge: charge })))
}
