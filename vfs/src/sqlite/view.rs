//! Reading a tree as of one revision. `Snapshot` and the live layer share all of it.

use std::sync::LazyLock;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row};

use super::chunk::ChunkCache;
use super::inode::{Node, Xattrs};
use super::lineage::Lineage;
use super::pending::Pending;
use super::schema::ROOT;
use super::tier::Tier;
use crate::clock::Timestamp;
use crate::errno::{Errno, NodeError, NodeResult};
use crate::node::{DirEntry, FileType, Ino, Stat, StatFs, check_xattr_name};
use crate::path::Name;

/// A tree at revision `rev` through `conn`, with what a running transaction knows of it.
pub(super) struct View<'a> {
    pub(super) conn: &'a Connection,
    pub(super) rev: i64,
    pub(super) chunks: &'a ChunkCache,
    pub(super) tier: &'a Tier,
    pub(super) lineage: &'a Lineage,
    pub(super) pending: Option<&'a Pending>,
}

/// A live entry: the inode and the revision its row begins in.
pub(super) struct EntryRow {
    pub(super) from: i64,
    pub(super) ino: i64,
}

/// The columns of a `Stat`, of `inode AS i` and `atime AS a`.
const STAT: &str = "i.ino, i.kind, i.mode, i.nlink, i.uid, i.gid, i.rdev, i.size, i.space, i.mtime, i.ctime,
    i.btime, i.version, a.at";

/// The row of `inode` that is valid at `?N`: the newest that has begun, since ranges do not overlap.
const CURRENT: &str = "CROSS JOIN inode i ON i.ino = e.ino AND i.from_rev =
    (SELECT max(from_rev) FROM inode WHERE ino = e.ino AND from_rev <= ?3)
    LEFT JOIN atime a ON a.ino = i.ino";

// Put together once: these run all the time.
static LOOKUP: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {STAT} FROM (SELECT ino FROM entry WHERE parent = ?1 AND name = ?2 AND from_rev <= ?3
             AND to_rev > ?3 ORDER BY from_rev DESC LIMIT 1) e {CURRENT}"
    )
});
static GETATTR: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {STAT} FROM inode i LEFT JOIN atime a ON a.ino = i.ino
         WHERE i.ino = ?1 AND i.from_rev <= ?2 AND i.to_rev > ?2 ORDER BY i.from_rev DESC LIMIT 1"
    )
});
static READDIR: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {STAT}, e.name FROM entry e {CURRENT}
         WHERE e.parent = ?1 AND e.name > ?2 AND e.from_rev <= ?3 AND e.to_rev > ?3 ORDER BY e.name LIMIT ?4"
    )
});

impl<'a> View<'a> {
    /// Runs `work` in one read transaction, so that what several statements see fits together.
    pub(super) fn consistently<T>(self, work: impl FnOnce(&View<'a>) -> NodeResult<T>) -> NodeResult<T> {
        if !self.conn.is_autocommit() {
            return work(&self);
        }
        self.conn.prepare_cached("BEGIN DEFERRED")?.execute([])?;
        let result = work(&self);
        if self.conn.prepare_cached("COMMIT").and_then(|mut s| s.execute([])).is_err() {
            let _ = self.conn.execute_batch("ROLLBACK");
        }
        result
    }

    /// The same for what is one statement, and consistent by itself, where there is no fork.
    pub(super) fn at_once<T>(self, work: impl FnOnce(&View<'a>) -> NodeResult<T>) -> NodeResult<T> {
        if self.lineage.is_fork() { self.consistently(work) } else { work(&self) }
    }

    /// The inode's row.
    ///
    /// # Errors
    /// `ESTALE` if there is none.
    pub(super) fn node(&self, ino: i64) -> NodeResult<Node> {
        if let Some(node) = self.pending.and_then(|pending| pending.node(ino)) {
            return Ok(node.clone());
        }
        Node::load(self.conn, ino, self.rev)?.ok_or_else(|| Errno::ESTALE.into())
    }

    /// The same of a directory; `ENOTDIR` of anything else.
    pub(super) fn dir(&self, ino: i64) -> NodeResult<Node> {
        let node = self.node(ino)?;
        if node.kind == FileType::Directory { Ok(node) } else { Err(Errno::ENOTDIR.into()) }
    }

    /// The same of a regular file; `EISDIR` of a directory, `EINVAL` of anything else.
    pub(super) fn file(&self, ino: i64) -> NodeResult<Node> {
        let node = self.node(ino)?;
        node.require_file().map(|()| node)
    }

    /// The entry's row, if the name is there. The parent is taken to be a directory.
    pub(super) fn entry(&self, parent: i64, name: &str) -> NodeResult<Option<EntryRow>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT from_rev, ino FROM entry WHERE parent = ?1 AND name = ?2 AND from_rev <= ?3 AND to_rev > ?3
             ORDER BY from_rev DESC LIMIT 1",
        )?;
        let row = |row: &Row<'_>| Ok(EntryRow { from: row.get(0)?, ino: row.get(1)? });
        Ok(statement.query_row((parent, name, self.rev), row).optional()?)
    }

    pub(super) fn lookup(&self, parent: Ino, name: &Name) -> NodeResult<Stat> {
        if self.pending.is_some_and(|pending| pending.is_absent(parent.0 as i64, name)) {
            return Err(Errno::ENOENT.into());
        }
        match self.look_up(parent.0 as i64, name)? {
            Some(stat) => Ok(self.freshen(stat)),
            None => {
                self.dir(parent.0 as i64)?;
                if let Some(pending) = self.pending {
                    pending.note_missed(parent.0 as i64, name);
                    self.examine(parent.0 as i64)?;
                }
                Err(Errno::ENOENT.into())
            }
        }
    }

    fn look_up(&self, parent: i64, name: &Name) -> NodeResult<Option<Stat>> {
        if self.lineage.is_fork() {
            return self.entry(parent, name)?.map(|row| self.stored_stat(row.ino)).transpose();
        }
        let mut statement = self.conn.prepare_cached(&LOOKUP)?;
        Ok(statement.query_row((parent, name.as_str(), self.rev), stat).optional()?)
    }

    /// Lets the running transaction know whether a directory ever had an entry.
    pub(super) fn examine(&self, dir: i64) -> NodeResult<()> {
        let Some(pending) = self.pending else { return Ok(()) };
        pending.examine(dir, || {
            let sql = "SELECT 1 FROM entry WHERE parent = ?1 LIMIT 1";
            Ok(!self.conn.prepare_cached(sql)?.exists([dir])?)
        })
    }

    pub(super) fn stat(&self, ino: Ino) -> NodeResult<Stat> {
        if let Some(node) = self.pending.and_then(|pending| pending.made(ino.0 as i64)) {
            return Ok(node.stat(Timestamp(node.btime)));
        }
        self.stored_stat(ino.0 as i64).map(|stat| self.freshen(stat))
    }

    /// What the table says of a node.
    fn stored_stat(&self, ino: i64) -> NodeResult<Stat> {
        let found = self.conn.prepare_cached(&GETATTR)?.query_row((ino, self.rev), stat).optional()?;
        found.ok_or_else(|| Errno::ESTALE.into())
    }

    pub(super) fn readdir(&self, dir: Ino, after: Option<&Name>, limit: usize) -> NodeResult<Vec<DirEntry>> {
        let after = after.map_or("", Name::as_str);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let entries = match self.lineage.is_fork() {
            true => self.list_fork(dir.0 as i64, after, limit)?,
            false => self.list(dir.0 as i64, after, limit)?,
        };
        if entries.is_empty() {
            self.dir(dir.0 as i64)?;
        }
        Ok(entries)
    }

    fn list(&self, dir: i64, after: &str, limit: i64) -> NodeResult<Vec<DirEntry>> {
        let mut statement = self.conn.prepare_cached(&READDIR)?;
        let mut rows = statement.query((dir, after, self.rev, limit))?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            entries.push(DirEntry { name: name(row.get_ref(14)?)?, stat: self.freshen(stat(row)?) });
        }
        Ok(entries)
    }

    /// The same in two steps: SQLite does not see through two views that are joined.
    fn list_fork(&self, dir: i64, after: &str, limit: i64) -> NodeResult<Vec<DirEntry>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT name, ino FROM entry WHERE parent = ?1 AND name > ?2 AND from_rev <= ?3 AND to_rev > ?3
             ORDER BY name LIMIT ?4",
        )?;
        let mut rows = statement.query((dir, after, self.rev, limit))?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            let stat = self.stored_stat(row.get(1)?)?;
            entries.push(DirEntry { name: name(row.get_ref(0)?)?, stat: self.freshen(stat) });
        }
        Ok(entries)
    }

    /// Whether a directory has an entry.
    pub(super) fn is_populated(&self, dir: i64) -> NodeResult<bool> {
        let mut statement = self.conn.prepare_cached(
            "SELECT 1 FROM entry WHERE parent = ?1 AND from_rev <= ?2 AND to_rev > ?2 LIMIT 1",
        )?;
        Ok(statement.exists((dir, self.rev))?)
    }

    /// Whether directory `dir` is `ancestor` or below it.
    pub(super) fn is_within(&self, mut dir: i64, ancestor: i64) -> NodeResult<bool> {
        while dir != ancestor {
            if dir == ROOT {
                return Ok(false);
            }
            dir = self.node(dir)?.parent.ok_or(Errno::ESTALE)?;
        }
        Ok(true)
    }

    pub(super) fn readlink(&self, ino: Ino) -> NodeResult<String> {
        self.node(ino.0 as i64)?.target.ok_or_else(|| Errno::EINVAL.into())
    }

    pub(super) fn getxattr(&self, ino: Ino, name: &str) -> NodeResult<Bytes> {
        check_xattr_name(name)?;
        let mut xattrs = self.xattrs(ino)?;
        xattrs.remove(name).map(Bytes::from).ok_or_else(|| Errno::ENODATA.into())
    }

    pub(super) fn xattrs(&self, ino: Ino) -> NodeResult<Xattrs> {
        self.node(ino.0 as i64)?.xattrs()
    }

    pub(super) fn statfs(&self) -> NodeResult<StatFs> {
        let mut statement = self.conn.prepare_cached(
            "SELECT count(*), coalesce(sum(space), 0) FROM inode WHERE from_rev <= ?1 AND to_rev > ?1",
        )?;
        let (inodes, bytes): (i64, i64) =
            statement.query_row([self.rev], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(StatFs {
            total_bytes: u64::MAX,
            used_bytes: bytes as u64,
            total_inodes: u64::MAX,
            used_inodes: inodes as u64,
        })
    }

    /// Puts what the transaction has not written yet into what the table said.
    fn freshen(&self, stat: Stat) -> Stat {
        match self.pending.and_then(|pending| pending.dirs.get(&(stat.ino.0 as i64))) {
            Some(dir) => dir.node.stat(stat.atime),
            None => stat,
        }
    }
}

fn stat(row: &Row<'_>) -> rusqlite::Result<Stat> {
    let time = |column| row.get(column).map(Timestamp);
    let btime = time(11)?;
    Ok(Stat {
        ino: Ino(row.get::<_, i64>(0)? as u64),
        kind: kind(row.get(1)?),
        mode: row.get(2)?,
        nlink: row.get(3)?,
        uid: row.get(4)?,
        gid: row.get(5)?,
        rdev: row.get::<_, i64>(6)? as u64,
        size: row.get::<_, i64>(7)? as u64,
        blocks: blocks(row.get(8)?),
        mtime: time(9)?,
        ctime: time(10)?,
        btime,
        version: row.get::<_, i64>(12)? as u64,
        atime: row.get::<_, Option<i64>>(13)?.map_or(btime, Timestamp),
    })
}

/// The kind that a row's number means. An unknown number is a damaged row, which `check` reports; a socket can
/// be neither read nor entered.
pub(super) fn kind(number: u32) -> FileType {
    FileType::from_mode_bits(number << 12).unwrap_or(FileType::Socket)
}

/// Allocated bytes in units of 512.
pub(super) fn blocks(space: i64) -> u64 {
    (space as u64).div_ceil(512)
}

/// A name as it is stored.
pub(super) fn name(value: rusqlite::types::ValueRef<'_>) -> NodeResult<Name> {
    let text = value.as_str().map_err(NodeError::io)?;
    Name::new(text).map_err(|e| NodeError::io(format!("the workspace holds an impossible name: {e}")))
}
