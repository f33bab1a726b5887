//! Giving back space that nothing needs.
//!
//! Ordinary work leaves little: what is replaced within the open revision is deleted at once, and what a sealed
//! revision has stays. This finds the rest.

use super::revision::{Revision, RevisionKind, SealInfo};
use super::tx::Tx;
use super::{SqliteLayer, schema};
use crate::commit::Touched;
use crate::errno::{Errno, NodeResult};
use crate::failpoint;

/// What was removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct GcReport {
    /// The revision in which expired paths were removed, if any had.
    pub expired: Option<Revision>,
    /// Rows about files and names that only pruned revisions could reach.
    pub rows: u64,
    /// Contents that no revision has.
    pub contents: u64,
    /// Chunks that no content has.
    pub chunks: u64,
    /// Runs whose kept changes had expired.
    pub runs: u64,
    /// Run records past the bound.
    pub records: u64,
    /// Bytes by which the file shrank.
    pub bytes: u64,
}

impl SqliteLayer {
    /// Removes expired paths (as a revision), kept changes that have expired, run records past their bound, what only
    /// pruned revisions could reach and content that nothing refers to, and gives the space back. What was changed
    /// directly is sealed first.
    ///
    /// # Errors
    /// `EBUSY` within a batch, while another process writes, and, if anything was pruned, while one reads a sealed
    /// revision; `EROFS`, `EIO`.
    pub fn gc(&self) -> NodeResult<GcReport> {
        if self.read_now(|view| Ok(view.pending.is_some()))? {
            return Err(Errno::EBUSY.into());
        }
        self.sweep_orphans();
        let before = self.file_bytes()?;
        let rows = self.drop_pruned()?;
        let mut report = self.in_batch(|| {
            self.seal(&SealInfo::of(RevisionKind::Edit))?;
            let expired = self.expire(&|| Ok(Touched::default()))?;
            let report = self.change(|tx| tx.collect())?;
            Ok(GcReport { expired, rows, ..report })
        })?;
        failpoint::pass("GC_VACUUM")?;
        schema::vacuum(&self.writer.lock().borrow().conn)?;
        report.bytes = before.saturating_sub(self.file_bytes()?);
        Ok(report)
    }

    /// Deletes the rows of pruned revisions. Somebody may be reading those, so only then it has to wait.
    fn drop_pruned(&self) -> NodeResult<u64> {
        if !self.change(|tx| tx.has_dead_rows())? {
            return Ok(0);
        }
        // First, as everybody does who reads a revision within a batch.
        let _writer = self.writer.lock();
        let wait = self.options().busy_timeout;
        let rows = self.shared.holds.alone(wait, |_| self.change(|tx| tx.drop_dead_rows()))?;
        Ok(rows as u64)
    }

    /// How long the file is with everything in it.
    pub(super) fn file_bytes(&self) -> NodeResult<u64> {
        // If a reader keeps this from finishing, the rest moves with the next one.
        schema::checkpoint(&self.writer.lock().borrow().conn)?;
        Ok(self.shared.path.metadata().map_or(0, |meta| meta.len()))
    }
}

impl Tx<'_> {
    fn collect(&mut self) -> NodeResult<GcReport> {
        self.flush()?;
        let contents = self.execute(
            "DELETE FROM main.content WHERE id NOT IN (SELECT content FROM main.inode WHERE content IS NOT NULL)",
            [],
        )?;
        self.execute("DELETE FROM main.extent WHERE content NOT IN (SELECT id FROM main.content)", [])?;
        self.leave_loose_objects()?;
        self.execute("DELETE FROM main.block WHERE chunk NOT IN (SELECT chunk FROM main.extent)", [])?;
        let chunks =
            self.execute("DELETE FROM main.chunk WHERE id NOT IN (SELECT chunk FROM main.extent)", [])?;
        self.execute(
            "DELETE FROM main.atime WHERE NOT EXISTS (SELECT 1 FROM inode WHERE inode.ino = atime.ino)",
            [],
        )?;
        let runs = self.drop_expired_changes()?;
        let records = self.bound_runs()?;
        Ok(GcReport {
            contents: contents as u64,
            chunks: chunks as u64,
            runs: runs as u64,
            records: records as u64,
            ..GcReport::default()
        })
    }
}
