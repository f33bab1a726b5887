//! Revisions: sealing the open one, listing them, reading one.

use std::fmt;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row};
use serde::{Deserialize, Serialize};

use super::inode::{COLUMNS, Node};
use super::names::{self, NAMES};
use super::snapshot::Snapshot;
use super::tx::Tx;
use super::{SqliteLayer, view};
use crate::clock::Timestamp;
use crate::errno::{Errno, NodeError, NodeResult};
use crate::failpoint;
use crate::layer::Layer;

/// The number of a sealed revision. 0 is the empty root that every workspace begins with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Revision(pub u64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! kinds {
    ($($name:ident = $text:literal, $doc:literal;)*) => {
        /// What made a revision.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        #[non_exhaustive]
        pub enum RevisionKind { $(#[doc = $doc] $name),* }

        impl RevisionKind {
            /// Every kind there is.
            pub const ALL: &[RevisionKind] = &[$(RevisionKind::$name),*];

            /// One lower-case word, as it is stored and shown.
            pub fn as_str(self) -> &'static str {
                match self { $(RevisionKind::$name => $text),* }
            }

            /// The kind that the word stands for.
            pub fn parse(text: &str) -> Option<RevisionKind> {
                match text { $($text => Some(RevisionKind::$name),)* _ => None }
            }
        }
    };
}

kinds! {
    Create = "create", "The workspace was made.";
    Edit = "edit", "Files were changed directly.";
    Import = "import", "Files were imported.";
    Run = "run", "A program's changes were committed.";
    Session = "session", "An interactive session's changes were committed.";
    Merge = "merge", "Another workspace, or a run that conflicted, was merged.";
    Restore = "restore", "An earlier state was restored.";
    Expire = "expire", "Files whose time had come were removed.";
}

impl fmt::Display for RevisionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What to say about a revision when it is sealed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealInfo {
    /// What made it.
    pub kind: RevisionKind,
    /// What its maker says about it.
    pub message: Option<String>,
    /// The run that made it.
    pub run: Option<String>,
}

impl SealInfo {
    /// A revision of this kind about which there is nothing more to say.
    pub fn of(kind: RevisionKind) -> SealInfo {
        SealInfo { kind, message: None, run: None }
    }
}

/// A sealed revision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RevisionInfo {
    /// Its number.
    pub id: Revision,
    /// The revision it followed; none for 0.
    pub parent: Option<Revision>,
    /// When it was sealed.
    pub sealed_at: Timestamp,
    /// What made it.
    pub kind: RevisionKind,
    /// What its maker said about it.
    pub message: Option<String>,
    /// The run that made it.
    pub run: Option<String>,
    /// The names it was given, in order.
    pub names: Vec<String>,
}

/// How often the latest revision is looked up before it is believed to be gone.
const LATEST_TRIES: u32 = 16;

pub(super) const INFO: &str = "id, parent, sealed_at, kind, message, run";

impl RevisionInfo {
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<RevisionInfo> {
        let kind: String = row.get(3)?;
        Ok(RevisionInfo {
            id: Revision(row.get::<_, i64>(0)? as u64),
            parent: row.get::<_, Option<i64>>(1)?.map(|id| Revision(id as u64)),
            sealed_at: Timestamp(row.get(2)?),
            // A kind that a later version made up still changed files.
            kind: RevisionKind::parse(&kind).unwrap_or(RevisionKind::Edit),
            message: row.get(4)?,
            run: row.get(5)?,
            names: names::split(row.get(6)?),
        })
    }
}

impl SqliteLayer {
    /// The latest sealed revision.
    ///
    /// # Errors
    /// `EIO` if the file cannot be read.
    pub fn head(&self) -> NodeResult<Revision> {
        self.read_now(|view| head(view.conn))
    }

    /// Whether anything was changed since the latest revision was sealed.
    ///
    /// # Errors
    /// `EIO` if the file cannot be read.
    pub fn has_open_changes(&self) -> NodeResult<bool> {
        let in_batch = self.read_now(|view| Ok(view.pending.is_some()))?;
        if in_batch {
            return self.change(|tx| {
                tx.flush()?;
                any_change(tx.conn, tx.state.head)
            });
        }
        self.read_now(|view| any_change(view.conn, head(view.conn)?.0 as i64))
    }

    /// Makes what was changed since the last time a revision of its own. `None` if nothing was: a file that came and
    /// went, or a directory whose times alone moved, is no change.
    ///
    /// Where content goes to a bucket, what waits in the file is moved there first.
    ///
    /// # Errors
    /// `EROFS`, `ENOSPC`, `EIO`; `EIO` or `ETIMEDOUT` of the bucket: nothing is sealed then, and nothing lost.
    pub fn seal(&self, info: &SealInfo) -> NodeResult<Option<RevisionInfo>> {
        self.raise()?;
        self.change(|tx| tx.seal(info))
    }

    /// The tree as it was in a sealed revision.
    ///
    /// # Errors
    /// `ENOENT` if there is no such revision, or no longer; `EBUSY` while another process prunes.
    pub fn at(&self, rev: Revision) -> NodeResult<Arc<dyn Layer>> {
        let snapshot = Snapshot::new(self.shared.clone(), rev)?;
        self.read_now(|view| require(view.conn, rev))?;
        Ok(Arc::new(snapshot))
    }

    /// The latest sealed revision and its tree. One that is pruned while it is looked up, since others have sealed
    /// another one meanwhile, is looked up again.
    ///
    /// # Errors
    /// `EBUSY` while another process prunes; `EIO`.
    pub fn latest(&self) -> NodeResult<(Revision, Arc<dyn Layer>)> {
        let mut tries = 0;
        loop {
            let head = self.head()?;
            failpoint::pass("LATEST_KNOWN")?;
            tries += 1;
            match self.at(head) {
                Err(error) if error == Errno::ENOENT && tries < LATEST_TRIES => {}
                found => return found.map(|tree| (head, tree)),
            }
        }
    }

    /// One revision.
    ///
    /// # Errors
    /// `ENOENT` if there is no such revision.
    pub fn revision(&self, rev: Revision) -> NodeResult<RevisionInfo> {
        self.read_now(|view| {
            let mut statement =
                view.conn.prepare_cached(&format!("SELECT {INFO}, {NAMES} FROM revision WHERE id = ?1"))?;
            let found = statement.query_row([rev.0 as i64], RevisionInfo::from_row).optional()?;
            found.map_or_else(|| require(view.conn, rev).and(Err(Errno::ENOENT.into())), Ok)
        })
    }
}

/// `ENOENT`, with the reason, of a revision that is not there (any more).
pub(super) fn require(conn: &Connection, rev: Revision) -> NodeResult<()> {
    if conn.prepare_cached("SELECT 1 FROM revision WHERE id = ?1")?.exists([rev.0 as i64])? {
        return Ok(());
    }
    let head = head(conn)?;
    Err(NodeError::with_source(
        Errno::ENOENT,
        match rev > head {
            true => format!("there is no revision {rev}; the latest is {head}"),
            false => format!(
                "revision {rev} is no longer there, it was pruned: `cowry log` lists those that are left"
            ),
        },
    ))
}

pub(super) fn head(conn: &Connection) -> NodeResult<Revision> {
    let mut statement = conn.prepare_cached("SELECT head FROM meta")?;
    Ok(Revision(statement.query_row([], |row| row.get::<_, i64>(0))? as u64))
}

impl Tx<'_> {
    pub(super) fn require_revision(&self, rev: Revision) -> NodeResult<()> {
        require(self.conn, rev)
    }

    pub(super) fn seal(&mut self, info: &SealInfo) -> NodeResult<Option<RevisionInfo>> {
        self.flush()?;
        let parent = self.state.head;
        if !any_change(self.conn, parent)? {
            return Ok(None);
        }
        self.settle_contents()?;
        let (rev, usage) = (self.rev(), self.state.pending.usage);
        // A host clock that was set back must not put history out of order.
        let last: i64 =
            self.conn
                .query_row("SELECT sealed_at FROM revision WHERE id = ?1", [parent], |row| row.get(0))?;
        let sealed_at = self.now.max(last);
        self.execute(
            "INSERT INTO main.revision(id, parent, sealed_at, kind, message, run, used_bytes, used_inodes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            (rev, parent, sealed_at, info.kind.as_str(), &info.message, &info.run, usage.bytes, usage.inodes),
        )?;
        self.execute("UPDATE meta SET head = ?1", [rev])?;
        self.state.head = rev;
        Ok(Some(RevisionInfo {
            id: Revision(rev as u64),
            parent: Some(Revision(parent as u64)),
            sealed_at: Timestamp(sealed_at),
            kind: info.kind,
            message: info.message.clone(),
            run: info.run.clone(),
            names: Vec::new(),
        }))
    }

    /// Only contents of the open revision own chunks, so those are the ones to put in order.
    fn settle_contents(&mut self) -> NodeResult<()> {
        let contents: Vec<i64> = self
            .conn
            .prepare_cached("SELECT DISTINCT owner FROM main.chunk WHERE owner IS NOT NULL")?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        contents.into_iter().try_for_each(|content| self.settle(content))
    }
}

/// Whether the open revision, the one after `head`, differs from `head`. Stops at the first thing that does.
/// What it changed is in the file itself, never in one that a fork stands on.
pub(super) fn any_change(conn: &Connection, head: i64) -> NodeResult<bool> {
    let open = head + 1;
    let leads_to = |parent: i64, name: &str, rev: i64| -> NodeResult<Option<i64>> {
        Ok(conn
            .prepare_cached(
                "SELECT ino FROM entry WHERE parent = ?1 AND name = ?2 AND from_rev <= ?3 AND to_rev > ?3",
            )?
            .query_row((parent, name, rev), |row| row.get(0))
            .optional()?)
    };
    let mut touched = conn.prepare_cached(
        "SELECT parent, name FROM main.entry WHERE from_rev = ?1
         UNION ALL SELECT parent, name FROM main.entry WHERE to_rev = ?1 AND to_rev < 9223372036854775807",
    )?;
    let mut rows = touched.query([open])?;
    while let Some(row) = rows.next()? {
        let (parent, name) = (row.get(0)?, view::name(row.get_ref(1)?)?);
        if leads_to(parent, &name, head)? != leads_to(parent, &name, open)? {
            return Ok(true);
        }
    }
    let mut touched =
        conn.prepare_cached(&format!("SELECT {COLUMNS} FROM main.inode WHERE from_rev = ?1 AND nlink > 0"))?;
    let mut rows = touched.query([open])?;
    while let Some(row) = rows.next()? {
        let node = Node::from_row(row)?;
        if Node::load(conn, node.ino, head)?.is_none_or(|before| before.differs(&node)) {
            return Ok(true);
        }
    }
    Ok(false)
}
