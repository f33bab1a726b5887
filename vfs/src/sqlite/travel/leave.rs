//! A copy of the file that goes elsewhere.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use rusqlite::backup::{Backup, StepResult};

use super::super::fork::WorkspaceId;
use super::super::revision::Revision;
use super::super::{Durability, ForkError, SqliteLayer, SqliteOptions, open};
use super::{TravelError, clear_beside, forget_place, overwrite_deleted};
use crate::errno::{Errno, NodeError, NodeResult};

/// Pages that are copied before progress is told: 8 MiB of them.
const PAGES_AT_ONCE: i32 = 2048;

impl SqliteLayer {
    /// Copies the file as it is now to `draft`, page by page, so that what did not change since the last copy is the
    /// same bytes at the same place; then takes out what belongs to this place. A fork takes in what it reads from its
    /// parents. Others may write meanwhile. `progress` is told bytes that are done, and of how many.
    ///
    /// # Errors
    /// `EBUSY` within a batch; `ENOSPC`, `EIO`.
    pub(crate) fn copy_out(
        &self,
        draft: &Path,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), TravelError> {
        if self.read_now(|view| Ok(view.pending.is_some()))? {
            return Err(NodeError::from(Errno::EBUSY).into());
        }
        clear_beside(draft);
        let _ = std::fs::remove_file(draft);
        self.copy_pages(draft, progress)?;
        if self.shared.lineage.is_fork() {
            return self.stand_alone(draft);
        }
        let conn = open::raw(draft)?;
        conn.pragma_update(None, "synchronous", "OFF")?;
        overwrite_deleted(&conn)?;
        forget_place(&conn)?;
        conn.close().map_err(|(_, error)| error.into())
    }

    fn copy_pages(&self, draft: &Path, progress: &mut dyn FnMut(u64, u64)) -> NodeResult<()> {
        let source = self.shared.reader()?;
        // Held over all steps: otherwise each change of another process would begin the copy anew.
        let _transaction = source.unchecked_transaction()?;
        let page: u32 = source.query_row("PRAGMA main.page_size", [], |row| row.get(0))?;
        let page = u64::from(page);
        source.query_row("SELECT count(*) FROM main.meta", [], |_| Ok(()))?;
        let mut target = open::raw(draft)?;
        target.pragma_update(None, "journal_mode", "OFF")?;
        target.pragma_update(None, "synchronous", "OFF")?;
        let backup = Backup::new(&source, &mut target)?;
        loop {
            match backup.step(PAGES_AT_ONCE)? {
                StepResult::Done => return Ok(()),
                StepResult::More => {}
                _ => return Err(Errno::EBUSY.into()),
            }
            let told = backup.progress();
            let all = told.pagecount.max(0) as u64;
            progress((all - told.remaining.max(0) as u64) * page, all * page);
        }
    }

    /// Takes into the copy of a fork what it reads from its parents, who are told nothing: the fork itself stays one.
    fn stand_alone(&self, draft: &Path) -> Result<(), TravelError> {
        let options = SqliteOptions { durability: Durability::None, ..self.options().clone() };
        let copy = SqliteLayer::open(draft, &options)?;
        overwrite_deleted(&copy.writer.lock().borrow().conn)?;
        copy.change(|tx| {
            tx.copy_ancestors()?;
            Ok(forget_place(tx.conn)?)
        })?;
        Ok(())
    }

    /// Makes a workspace at `draft` that is one sealed revision of this one and nothing else. Its id is its own, and the
    /// same each time.
    ///
    /// # Errors
    /// `ENOENT` if there is no such revision; `EROFS`, since this file keeps the revision for so long; `ENOSPC`, `EIO`.
    pub(crate) fn copy_revision(&self, draft: &Path, rev: Revision) -> Result<(), TravelError> {
        self.forget_draft(draft)?;
        clear_beside(draft);
        let _ = std::fs::remove_file(draft);
        let copy = self.fork(draft, rev).map_err(|error| match error {
            ForkError::Open(error) => TravelError::Open(error),
            ForkError::Node(error) => TravelError::Node(error),
        })?;
        overwrite_deleted(&copy.writer.lock().borrow().conn)?;
        let id = snapshot_id(self.id()?);
        let copied = copy.change(|tx| {
            tx.copy_ancestors()?;
            forget_place(tx.conn)?;
            tx.execute(
                "UPDATE main.meta SET workspace = ?1, created = (SELECT sealed_at FROM main.revision)",
                [id.0],
            )
        });
        drop(copy);
        self.forget_draft(draft)?;
        copied?;
        Ok(())
    }

    /// Lets go of the revision that is kept for a draft, also for one of a process that was killed.
    fn forget_draft(&self, draft: &Path) -> NodeResult<()> {
        let place = draft.parent().and_then(|folder| folder.canonicalize().ok()).zip(draft.file_name());
        let Some(place) = place.map(|(folder, name)| folder.join(name)) else { return Ok(()) };
        for fork in self.forks()?.into_iter().filter(|fork| fork.path == place) {
            self.forget_fork(fork.workspace)?;
        }
        Ok(())
    }
}

/// The id of a workspace that is a revision of another one.
pub(crate) fn snapshot_id(of: WorkspaceId) -> WorkspaceId {
    let hash = blake3::derive_key("cowry: a revision of a workspace, as a workspace", &of.0);
    WorkspaceId(std::array::from_fn(|i| hash[i]))
}

/// The pages of a file at rest that hold nothing. What they held before is deleted, and is not to travel.
pub(crate) struct Free {
    page: u64,
    /// How many of its first bytes each of them needs: the list itself is in some.
    pages: BTreeMap<u64, u64>,
}

impl Free {
    /// No page is free.
    pub(crate) fn none() -> Free {
        Free { page: 0, pages: BTreeMap::new() }
    }

    /// Reads the list of free pages. One that makes no sense ends where it does not; nothing depends on it.
    ///
    /// # Errors
    /// Those of reading the file.
    pub(crate) fn of(file: &mut File) -> io::Result<Free> {
        let mut head = [0; 100];
        file.seek(SeekFrom::Start(0))?;
        file.read_exact(&mut head)?;
        let number = |bytes: &[u8], at: usize| u32::from_be_bytes(std::array::from_fn(|i| bytes[at + i]));
        let page = match u16::from_be_bytes([head[16], head[17]]) {
            1 => 65_536,
            small => u64::from(small),
        };
        let (mut trunk, mut free) = (number(&head, 32), Free { page, pages: BTreeMap::new() });
        let pages = file.metadata()?.len() / page.max(512);
        let mut left = u64::from(number(&head, 36)).min(pages);
        let mut content = vec![0; page as usize];
        while trunk != 0 && left > 0 && page >= 512 {
            file.seek(SeekFrom::Start(u64::from(trunk - 1) * page))?;
            file.read_exact(&mut content)?;
            let count = (number(&content, 4) as usize).min(content.len() / 4 - 2);
            let leaves = (0..count).map(|i| u64::from(number(&content, 8 + 4 * i))).filter(|page| *page > 0);
            free.pages.extend(leaves.map(|page| (page, 0)));
            free.pages.insert(u64::from(trunk), 8 + 4 * count as u64);
            (trunk, left) = (number(&content, 0), left.saturating_sub(count as u64 + 1));
        }
        Ok(free)
    }

    /// Clears what lies in free pages, of bytes of the file that begin at `offset`.
    pub(crate) fn clear(&self, offset: u64, bytes: &mut [u8]) {
        let Some(pages) = self.pages_in(offset, bytes.len() as u64) else { return };
        for (page, needed) in self.pages.range(pages) {
            let begin = ((page - 1) * self.page + needed).max(offset) - offset;
            let end = (page * self.page).saturating_sub(offset).min(bytes.len() as u64);
            if begin < end {
                bytes[begin as usize..end as usize].fill(0);
            }
        }
    }

    fn pages_in(&self, offset: u64, length: u64) -> Option<std::ops::RangeInclusive<u64>> {
        let last = length.checked_sub(1)? + offset;
        let page = (self.page > 0).then_some(self.page)?;
        Some(offset / page + 1..=last / page + 1)
    }
}
