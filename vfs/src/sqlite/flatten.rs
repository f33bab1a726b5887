//! Making a fork stand on its own.

use super::SqliteLayer;
use super::check::{Stored, each_chunk, each_inline, unsound};
use super::fork::{ForkError, Parent};
use super::schema;
use super::tx::Tx;
use crate::errno::{Errno, NodeError, NodeResult};

/// What flattening did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FlattenReport {
    /// What this was a fork of.
    pub parent: Parent,
    /// Inodes copied.
    pub inodes: u64,
    /// Chunks copied.
    pub chunks: u64,
    /// Bytes by which the file grew.
    pub bytes: u64,
    /// Why the parent still keeps the revision, if it could not be told to let go of it.
    pub pinned: Option<String>,
}

impl SqliteLayer {
    /// Copies everything into this file that it reads from the files it stands on, and cuts the tie. `None` if it is
    /// no fork. Its history begins with the revision that was forked; forks of it stay what they are.
    ///
    /// What is in a place of the parent in a bucket is copied after that, to a place of its own or into the file.
    ///
    /// It is one transaction, so that after a crash it is a fork or none. The parent is told afterwards; one that
    /// was not keeps a revision for nothing until [`forget_fork`](SqliteLayer::forget_fork). What is open reads
    /// from the parent's file, as far as it does, until it is opened again.
    ///
    /// # Errors
    /// `EBUSY` within a batch and while anybody else has the file open; `EROFS`, `ENOSPC`; `EIO`, also if what would be
    /// copied is damaged.
    pub fn flatten(&self) -> Result<Option<FlattenReport>, ForkError> {
        if self.read_now(|view| Ok(view.pending.is_some()))? {
            return Err(NodeError::from(Errno::EBUSY).into());
        }
        let Some(parent) = self.parent()? else { return Ok(None) };
        let before = self.file_bytes()?;
        // Whoever else has it open goes on reading the parent, which is about to be free to change.
        let cut = || {
            let copied = self.change(|tx| tx.copy_ancestors())?;
            // The parent must not let go of what is still in its place in a bucket.
            let told = self.own_content().map_err(ForkError::from).and_then(|()| self.let_go(&parent));
            NodeResult::Ok((copied, told.err().map(|error| whole(&error))))
        };
        let alone = self.shared.presence.as_ref().and_then(|presence| presence.alone(cut));
        let ((inodes, chunks), pinned) = alone.unwrap_or_else(|| {
            let why = format!(
                "{} is open elsewhere: unmount it and end what works on it, then flatten",
                self.path().display()
            );
            Err(NodeError::with_source(Errno::EBUSY, why))
        })?;
        let bytes = self.file_bytes()?.saturating_sub(before);
        Ok(Some(FlattenReport { parent, inodes: inodes as u64, chunks: chunks as u64, bytes, pinned }))
    }

    fn let_go(&self, parent: &Parent) -> Result<(), ForkError> {
        SqliteLayer::open(&parent.path, self.options())?.forget_fork(self.id()?)?;
        Ok(())
    }
}

/// What an error says, and what is behind it.
fn whole(error: &ForkError) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(error) = next {
        text += &format!(": {error}");
        next = error.source();
    }
    text
}

impl Tx<'_> {
    /// Copies what is seen of ancestors, under the numbers it has, and cuts the tie. Returns how many inodes and
    /// chunks it was.
    pub(super) fn copy_ancestors(&mut self) -> NodeResult<(usize, usize)> {
        let base = self.shared.lineage.base().unwrap_or(-1);
        let (content, chunk) = self.state.first;
        let valid = format!("from_rev <= {base} AND to_rev > {base}");
        let inodes = self.copy("inode", &valid)?;
        self.copy("entry", &valid)?;
        self.copy("content", &format!("id < {content} AND id IN (SELECT content FROM main.inode)"))?;
        self.copy("extent", &format!("content < {content} AND content IN (SELECT id FROM main.content)"))?;
        let chunks =
            self.copy("chunk", &format!("id < {chunk} AND id IN (SELECT chunk FROM main.extent)"))?;
        self.copy("block", &format!("chunk < {chunk} AND chunk IN (SELECT id FROM main.chunk)"))?;
        self.copy("home", "id IN (SELECT home FROM main.chunk)")?;
        self.copy("name", &format!("rev = {base}"))?;
        self.require_sound_below(content, chunk)?;
        self.execute("UPDATE meta SET parent_path = NULL, parent_workspace = NULL, parent_rev = NULL", [])?;
        Ok((inodes, chunks))
    }

    /// What was copied is what its hashes say, or is known to be lost: the file that it came from may go afterwards.
    ///
    /// # Errors
    /// `EIO` that names what is damaged.
    fn require_sound_below(&self, content: i64, chunk: i64) -> NodeResult<()> {
        let damaged = |what: &str, id: i64| {
            let at = self.shared.lineage.ancestors().first().map(|parent| parent.path.display().to_string());
            let parent = at.unwrap_or_default();
            Err(NodeError::io(format!(
                "{what} {id} of {parent} is damaged, so nothing was flattened: put a good copy of that file there, or \
                 give up what is lost with `cowry -w {parent} check --repair`"
            )))
        };
        let first = |unsound: Vec<(i64, Stored)>, limit| {
            unsound.into_iter().find(|(id, stored)| *id < limit && *stored != Stored::Lost)
        };
        if let Some((id, _)) = first(unsound(|found| each_inline(self.conn, found))?, content) {
            return damaged("content", id);
        }
        match first(unsound(|found| each_chunk(self.conn, found))?, chunk) {
            Some((id, _)) => damaged("chunk", id),
            None => Ok(()),
        }
    }

    /// Copies rows of a view that are not in the file itself.
    fn copy(&self, table: &str, which: &str) -> NodeResult<usize> {
        let columns = schema::columns(self.conn, table)?.join(", ");
        self.execute(
            &format!(
                "INSERT OR IGNORE INTO main.{table}({columns}) SELECT {columns} FROM temp.{table} WHERE {which}"
            ),
            [],
        )
    }
}
