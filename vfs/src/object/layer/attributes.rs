//! Changing attributes: of what waits for its upload, with which they go; of an object that is there none can be changed.

use std::sync::Arc;

use super::ObjectLayer;
use super::kept::MODE_BITS;
use super::nodes::Node;
use crate::errno::{Errno, NodeResult};
use crate::node::{Ino, SetAttr, Stat, end_of};

impl ObjectLayer {
    /// # Errors
    /// `EOPNOTSUPP` for another mode or owner of what does not wait for an upload, and for bits that are not kept.
    pub(super) fn set_attributes(&self, ino: Ino, changes: &SetAttr) -> NodeResult<Stat> {
        if changes.mode.is_some() || changes.uid.is_some() || changes.gid.is_some() || changes.mtime.is_some()
        {
            self.own_stat(ino)?;
        }
        self.need_possible(self.state.lock().table.get(ino)?, changes)?;
        if let Some(size) = changes.size {
            end_of(size, 0)?;
            self.edit(ino, |spool| {
                spool.resize(size);
                Ok(())
            })?;
        }
        self.put_attributes(ino, changes)
    }

    fn put_attributes(&self, ino: Ino, changes: &SetAttr) -> NodeResult<Stat> {
        let spool = self.state.lock().table.get(ino)?.spool.clone();
        // An upload under way has taken the attributes that there were: this comes after it.
        let mut waiting = spool.as_ref().map(|spool| spool.write());
        let now = self.now();
        let mut state = self.state.lock();
        let node = state.table.get(ino)?;
        self.need_possible(node, changes)?;
        let still = node.spool.as_ref().zip(spool.as_ref()).is_some_and(|(now, then)| Arc::ptr_eq(now, then));
        if let Some(waiting) = waiting.as_mut().filter(|_| still) {
            waiting.mark = None;
        }
        let stat = &mut node.stat;
        stat.mode = changes.mode.unwrap_or(stat.mode);
        (stat.uid, stat.gid) = (changes.uid.unwrap_or(stat.uid), changes.gid.unwrap_or(stat.gid));
        stat.atime = changes.atime.unwrap_or(stat.atime);
        stat.mtime = changes.mtime.unwrap_or(stat.mtime);
        if !changes.is_atime_only() {
            stat.ctime = now;
            stat.version += 1;
        }
        Ok(*stat)
    }

    fn need_possible(&self, node: &Node, changes: &SetAttr) -> NodeResult<()> {
        let (stat, mode) = (&node.stat, changes.mode.unwrap_or(node.stat.mode));
        let same = mode == stat.mode
            && changes.uid.is_none_or(|uid| uid == stat.uid)
            && changes.gid.is_none_or(|gid| gid == stat.gid);
        let goes_along = self.metadata && node.spool.is_some() && mode & !MODE_BITS == 0;
        if same || goes_along { Ok(()) } else { Err(Errno::EOPNOTSUPP.into()) }
    }
}
