//! How much the tree takes up, and how much it may.
//!
//! What is counted are live inodes and the bytes of their content that are not holes, as one would count them in the
//! tree: sharing between files and what history keeps do not matter. Two numbers in `meta` are kept up to date by every
//! transaction, so that asking costs the same at any size. Extended attributes and link targets are not counted; each
//! node's are bounded.

use rusqlite::Row;

use super::SqliteLayer;
use super::inode::Node;
use super::tx::Tx;
use super::view::View;
use crate::errno::{Errno, NodeError, NodeResult};
use crate::node::StatFs;

/// How much the tree of a workspace may take up; past it, what would take more is `EDQUOT`. A tree that is past it
/// already stays as it is and can shrink.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Quota {
    /// Bytes of content, holes not counted; `None` without a bound.
    pub bytes: Option<u64>,
    /// Inodes: files, directories (the root is one), links and all else; `None` without a bound.
    pub inodes: Option<u64>,
}

/// What the tree takes up and may, as `meta` has it and a running transaction changes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Usage {
    pub(super) bytes: i64,
    pub(super) inodes: i64,
    bytes_max: Option<i64>,
    inodes_max: Option<i64>,
}

impl Usage {
    /// The columns of a `Usage`, in the order of `from_row`.
    pub(super) const COLUMNS: &str = "used_bytes, used_inodes, quota_bytes, quota_inodes";

    /// From these columns, the first of which is at `at`.
    pub(super) fn from_row(row: &Row<'_>, at: usize) -> rusqlite::Result<Usage> {
        Ok(Usage {
            bytes: row.get(at)?,
            inodes: row.get(at + 1)?,
            bytes_max: row.get(at + 2)?,
            inodes_max: row.get(at + 3)?,
        })
    }

    fn statfs(&self) -> StatFs {
        let total = |max: Option<i64>| max.map_or(u64::MAX, |max| max as u64);
        StatFs {
            total_bytes: total(self.bytes_max),
            used_bytes: self.bytes as u64,
            total_inodes: total(self.inodes_max),
            used_inodes: self.inodes as u64,
        }
    }
}

impl View<'_> {
    /// How full the tree is that is there now.
    pub(super) fn usage(&self) -> NodeResult<StatFs> {
        if let Some(pending) = self.pending {
            return Ok(pending.usage.statfs());
        }
        let mut statement = self.conn.prepare_cached(&format!("SELECT {} FROM meta", Usage::COLUMNS))?;
        Ok(statement.query_row([], |row| Usage::from_row(row, 0))?.statfs())
    }
}

impl Tx<'_> {
    /// Puts a new node into its table.
    pub(super) fn insert(&mut self, node: &mut Node) -> NodeResult<()> {
        node.insert(self.conn, self.rev())?;
        self.count_new(node);
        Ok(())
    }

    /// Counts a new node that is in its table.
    pub(super) fn count_new(&mut self, node: &mut Node) {
        node.counted = node.space;
        self.state.pending.usage.inodes += 1;
        self.state.pending.usage.bytes += node.space;
    }

    /// Puts a node back into its table.
    pub(super) fn store(&mut self, node: &mut Node) -> NodeResult<()> {
        node.store(self.conn, self.rev())?;
        self.state.pending.usage.bytes += node.space - node.counted;
        node.counted = node.space;
        Ok(())
    }

    /// No longer counts a node that is taken out.
    pub(super) fn discount(&mut self, node: &Node) {
        self.state.pending.usage.inodes -= 1;
        self.state.pending.usage.bytes -= node.counted;
    }

    /// # Errors
    /// `EDQUOT` if the workspace may not have one inode more.
    pub(super) fn need_inode(&self) -> NodeResult<()> {
        let usage = &self.state.pending.usage;
        match usage.inodes_max {
            Some(max) if usage.inodes >= max => Err(Errno::EDQUOT.into()),
            _ => Ok(()),
        }
    }

    /// # Errors
    /// `EDQUOT` if the tree has grown past what the workspace may have.
    pub(super) fn need_room_since(&self, before: Usage) -> NodeResult<()> {
        let usage = &self.state.pending.usage;
        let is_past =
            |now: i64, before: i64, max: Option<i64>| max.is_some_and(|max| now > max && now > before);
        if is_past(usage.bytes, before.bytes, usage.bytes_max)
            || is_past(usage.inodes, before.inodes, usage.inodes_max)
        {
            let why = "the workspace's quota leaves no room for it: raise it with `cowry quota`";
            return Err(NodeError::with_source(Errno::EDQUOT, why));
        }
        Ok(())
    }

    /// # Errors
    /// `EDQUOT` if the workspace may not have what a write at `offset` adds to `node`. Overwriting adds nothing, so
    /// that it works in a full workspace.
    pub(super) fn need_bytes(&self, node: &Node, offset: i64, len: i64) -> NodeResult<()> {
        let usage = &self.state.pending.usage;
        let Some(max) = usage.bytes_max else { return Ok(()) };
        let left = max - usage.bytes;
        if len <= left {
            return Ok(());
        }
        let added = len - self.view().allocated(node, offset..offset + len)?;
        if added > 0 && added > left { Err(Errno::EDQUOT.into()) } else { Ok(()) }
    }
}

impl SqliteLayer {
    /// How much the tree may take up.
    ///
    /// # Errors
    /// `EIO`.
    pub fn quota(&self) -> NodeResult<Quota> {
        self.read_now(|view| {
            let sql = "SELECT quota_bytes, quota_inodes FROM meta";
            let mut statement = view.conn.prepare_cached(sql)?;
            let (bytes, inodes): (Option<i64>, Option<i64>) =
                statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(Quota { bytes: bytes.map(|n| n as u64), inodes: inodes.map(|n| n as u64) })
        })
    }

    /// Says how much the tree may take up from now on, for every process. It is no change of the tree: history does
    /// not know of it.
    ///
    /// # Errors
    /// `EBUSY` within a batch, and while another process writes; `EROFS`, `EIO`.
    pub fn set_quota(&self, quota: Quota) -> NodeResult<()> {
        let max = |n: Option<u64>| n.map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        self.change(|tx| {
            if tx.state.is_batch() {
                return Err(Errno::EBUSY.into());
            }
            let (bytes, inodes) = (max(quota.bytes), max(quota.inodes));
            tx.execute("UPDATE meta SET quota_bytes = ?1, quota_inodes = ?2", (bytes, inodes))?;
            Ok(())
        })
    }
}
