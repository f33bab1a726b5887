//! Forks: workspaces that begin as a revision of another one.
//!
//! Making one takes no longer for a large tree: it writes a row into the parent, which keeps the revision from being
//! pruned, and then a file that holds nothing but where it came from. See `lineage` for how it is read.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension};

use super::lineage::{ANCESTORS_MAX, folder, uri};
use super::open::{self, Access, OpenError};
use super::revision::Revision;
use super::{SqliteLayer, SqliteOptions, schema};
use crate::clock::Timestamp;
use crate::errno::{Errno, NodeError, NodeResult};
use crate::failpoint;

/// What tells one workspace from all others, wherever its file lies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct WorkspaceId(pub [u8; 16]);

impl fmt::Display for WorkspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What a fork was made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parent {
    /// Its file, where it was found.
    pub path: PathBuf,
    /// Its id.
    pub workspace: WorkspaceId,
    /// The revision that was forked.
    pub revision: Revision,
}

/// Why there is no fork.
#[derive(Debug, thiserror::Error)]
pub enum ForkError {
    /// The file cannot be made or opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The parent cannot be read or written; `ENOENT`: it has no such revision.
    #[error(transparent)]
    Node(#[from] NodeError),
}

impl SqliteLayer {
    /// Makes a workspace at `path` that begins as a sealed revision of this one, and opens it with the same options.
    ///
    /// It holds what is changed in it and reads the rest here, so this file has to stay as long as it is not
    /// flattened. A revision that this workspace has from its own parent is forked there.
    ///
    /// # Errors
    /// [`OpenError::Exists`], [`OpenError::TooDeep`] with ten files below already; `ENOENT` if there is no such
    /// revision, `EBUSY` within a batch, `EROFS`, `EILSEQ` of a path that is no UTF-8.
    pub fn fork(&self, path: impl AsRef<Path>, rev: Revision) -> Result<SqliteLayer, ForkError> {
        match self.owner(rev)? {
            Some(owner) => owner.fork(path, rev),
            None => self.make_fork(path.as_ref(), Some(rev)),
        }
    }

    /// The same of the revision that is the latest when it is forked, whatever others seal and prune meanwhile.
    ///
    /// # Errors
    /// As [`fork`](SqliteLayer::fork).
    pub fn fork_latest(&self, path: impl AsRef<Path>) -> Result<SqliteLayer, ForkError> {
        self.make_fork(path.as_ref(), None)
    }

    fn make_fork(&self, path: &Path, rev: Option<Revision>) -> Result<SqliteLayer, ForkError> {
        if path.symlink_metadata().is_ok() {
            return Err(OpenError::Exists { path: path.to_owned() }.into());
        }
        if self.shared.lineage.ancestors().len() == ANCESTORS_MAX {
            return Err(OpenError::TooDeep { path: path.to_owned(), file: self.path().clone() }.into());
        }
        if self.read_now(|view| Ok(view.pending.is_some()))? {
            return Err(NodeError::from(Errno::EBUSY).into());
        }
        let place = Place::of(self.path(), path)?;
        let (id, rev) = self.change(|tx| {
            let rev = rev.unwrap_or(Revision(tx.state.head as u64));
            let id = tx.conn.query_row("SELECT randomblob(16)", [], |row| row.get(0).map(WorkspaceId))?;
            tx.pin(id, rev, &place.child).map(|()| (id, rev))
        })?;
        failpoint::pass("FORK_PINNED")?;
        let made = open::create_with(path, self.options(), |conn| {
            conn.execute("ATTACH ?1 AS parent", [uri(self.path(), Access::Shared)])?;
            schema::lay_out(conn, |conn| plant(conn, rev, &id, &place.tie, self.shared.now()))
        });
        if let Err(error) = made {
            // A pin that stays keeps a revision for nothing; the listing shows it.
            let _ = self.forget_fork(id);
            return Err(error.into());
        }
        Ok(SqliteLayer::open(path, self.options())?)
    }

    /// The ancestor that made a revision, if it was not this workspace.
    fn owner(&self, rev: Revision) -> Result<Option<SqliteLayer>, ForkError> {
        let rev = rev.0 as i64;
        let foreign = |at: &&super::lineage::Ancestor| rev < at.limit;
        match self.shared.lineage.ancestors().iter().take_while(foreign).last() {
            Some(ancestor) => Ok(Some(SqliteLayer::open(&ancestor.path, self.options())?)),
            None => Ok(None),
        }
    }

    /// The id of this workspace.
    ///
    /// # Errors
    /// `EIO` if the file cannot be read.
    pub fn id(&self) -> NodeResult<WorkspaceId> {
        self.read_now(|view| {
            Ok(view
                .conn
                .query_row("SELECT workspace FROM main.meta", [], |row| row.get(0).map(WorkspaceId))?)
        })
    }

    /// What this workspace is a fork of, if it is one.
    ///
    /// # Errors
    /// `EIO` if the file cannot be read.
    pub fn parent(&self) -> NodeResult<Option<Parent>> {
        let Some(ancestor) = self.shared.lineage.ancestors().first() else { return Ok(None) };
        let sql = "SELECT parent_workspace FROM main.meta";
        let workspace: Option<[u8; 16]> =
            self.read_now(|view| Ok(view.conn.query_row(sql, [], |row| row.get(0))?))?;
        let revision = Revision(ancestor.limit as u64);
        let parent = |id| Parent { path: ancestor.path.clone(), workspace: WorkspaceId(id), revision };
        Ok(workspace.map(parent))
    }

    /// Tells a fork that cannot be opened where its parent is by now, and the parent where the fork is.
    ///
    /// # Errors
    /// [`OpenError::ParentReplaced`] if that is not its parent; otherwise those of [`open`](SqliteLayer::open).
    pub fn move_parent(
        fork: impl AsRef<Path>,
        parent: impl AsRef<Path>,
        options: &SqliteOptions,
    ) -> Result<(), ForkError> {
        let (path, parent) = (fork.as_ref(), parent.as_ref());
        let (conn, _) = open::connect(path, options)?;
        let sqlite = |e| OpenError::sqlite(path, e);
        let tie = Told::by(&conn).map_err(sqlite)?;
        let there = SqliteLayer::open(parent, options)?;
        let Some(tie) = tie.filter(|tie| tie.is_of(&there)) else {
            let (path, parent) = (path.to_owned(), parent.to_owned());
            return Err(OpenError::ParentReplaced { path, parent }.into());
        };
        // As it is looked for: from where the file is, not a link to it.
        let path = path.canonicalize().map_err(|e| OpenError::io(path, e))?;
        let place = Place::of(parent, &path)?;
        conn.execute("UPDATE meta SET parent_path = ?1", [&place.tie])
            .map_err(|e| OpenError::sqlite(&path, e))?;
        // One that cannot be written is told by whoever opens the fork when it can.
        let _ = there.keep_for(tie.fork, tie.rev, &place.child);
        Ok(())
    }
}

/// What a fork says about itself and its parent.
struct Told {
    fork: WorkspaceId,
    parent: WorkspaceId,
    rev: Revision,
    sealed_at: Timestamp,
}

impl Told {
    fn by(conn: &Connection) -> rusqlite::Result<Option<Told>> {
        conn.query_row(
            "SELECT workspace, parent_workspace, parent_rev, sealed_at FROM meta JOIN revision r ON r.id = parent_rev
             WHERE parent_workspace IS NOT NULL",
            [],
            |row| {
                Ok(Told {
                    fork: WorkspaceId(row.get(0)?),
                    parent: WorkspaceId(row.get(1)?),
                    rev: Revision(row.get::<_, i64>(2)? as u64),
                    sealed_at: Timestamp(row.get(3)?),
                })
            },
        )
        .optional()
    }

    /// Whether that is the parent, and no other copy of it.
    fn is_of(&self, parent: &SqliteLayer) -> bool {
        parent.id().is_ok_and(|id| id == self.parent)
            && parent.revision(self.rev).is_ok_and(|info| info.sealed_at == self.sealed_at)
    }
}

/// Writes into an empty fork what it begins with: the tie, the numbers that are free, the forked revision, and what
/// expires. The pin was written before, so whatever the parent did since only leaves larger numbers free.
fn plant(conn: &Connection, rev: Revision, id: &WorkspaceId, tie: &str, now: i64) -> rusqlite::Result<()> {
    let rev = rev.0 as i64;
    let (bytes, inodes) = used(conn, rev)?;
    conn.execute(
        "INSERT INTO main.meta(id, workspace, created, head, next_ino, next_content, next_chunk, first_content,
             first_chunk, parent_path, parent_workspace, parent_rev, durability, quota_bytes, quota_inodes, used_bytes,
             used_inodes, tier, tier_above, tier_form)
         SELECT 1, ?1, ?2, ?3, next_ino, next_content, next_chunk, next_content, next_chunk, ?4, workspace, ?3,
             durability, quota_bytes, quota_inodes, ?5, ?6, tier, tier_above, tier_form
         FROM parent.meta",
        (id.0, now, rev, tie, bytes, inodes),
    )?;
    conn.execute(
        "INSERT INTO main.revision(id, parent, sealed_at, kind, message, run, used_bytes, used_inodes)
         SELECT id, parent, sealed_at, kind, message, run, ?2, ?3 FROM parent.revision WHERE id = ?1",
        (rev, bytes, inodes),
    )?;
    conn.execute("INSERT INTO main.expiry(path, ino, at) SELECT path, ino, at FROM parent.expiry", [])?;
    Ok(())
}

/// What a revision of the parent takes up. One sealed before that was written down is counted; a file that old is
/// no fork, so all of it is there.
fn used(conn: &Connection, rev: i64) -> rusqlite::Result<(i64, i64)> {
    let (bytes, inodes): (Option<i64>, Option<i64>) =
        conn.query_row("SELECT used_bytes, used_inodes FROM parent.revision WHERE id = ?1", [rev], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    if let (Some(bytes), Some(inodes)) = (bytes, inodes) {
        return Ok((bytes, inodes));
    }
    conn.query_row(
        "SELECT coalesce(sum(space), 0), count(*) FROM parent.inode WHERE from_rev <= ?1 AND to_rev > ?1",
        [rev],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Where a fork and its parent are, as each remembers the other.
pub(super) struct Place {
    /// The parent, as seen from the fork's folder.
    tie: String,
    /// The fork, from the root of the host's filesystem.
    pub(super) child: String,
}

impl Place {
    pub(super) fn of(parent: &Path, child: &Path) -> NodeResult<Place> {
        let text = |path: PathBuf| {
            path.into_os_string().into_string().map_err(|path| {
                let message = format!("a fork and its parent need names in UTF-8: {}", path.display());
                NodeError::with_source(Errno::EILSEQ, message)
            })
        };
        let parent = parent.canonicalize().map_err(NodeError::io)?;
        let above = child.parent().filter(|folder| !folder.as_os_str().is_empty());
        let home = above.unwrap_or(Path::new(".")).canonicalize().map_err(|error| {
            NodeError::with_source(Errno::ENOENT, format!("no such folder for {}: {error}", child.display()))
        })?;
        let name = child.file_name().ok_or(Errno::EINVAL)?;
        Ok(Place { tie: text(seen_from(&home, &parent))?, child: text(home.join(name))? })
    }
}

/// A relative path where one lies in the other's folder or below it, so that the two may move together; else an
/// absolute one, so that the fork may move alone.
fn seen_from(home: &Path, parent: &Path) -> PathBuf {
    if let Ok(below) = parent.strip_prefix(home) {
        return below.to_owned();
    }
    let (above, name) = (folder(parent), parent.file_name().unwrap_or_default());
    match home.strip_prefix(above) {
        Ok(down) => down.components().map(|_| Path::new("..")).collect::<PathBuf>().join(name),
        Err(_) => parent.to_owned(),
    }
}
