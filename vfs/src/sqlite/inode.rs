//! Rows of `inode`: loading, changing in the open revision, attributes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use rusqlite::{Connection, OptionalExtension, Row, Statement, params};

use super::pending::PendingDir;
use super::schema::LIVE;
use super::tx::Tx;
use super::view;
use crate::clock::Timestamp;
use crate::errno::{Errno, NodeError, NodeResult};
use crate::failpoint;
use crate::node::{FileType, Ino, SetAttr, Stat, XattrMode, check_xattr_name};

/// Extended attributes of one node.
pub(super) type Xattrs = BTreeMap<String, Vec<u8>>;

/// The longest value of an extended attribute.
const XATTR_VALUE_MAX: usize = 64 << 10;
/// The longest name of one.
/// All of one node together.
const XATTRS_MAX: usize = 1 << 20;

/// A row of `inode`. `from` is the revision of the row as it is stored; storing moves it to the open one.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Node {
    pub(super) ino: i64,
    pub(super) from: i64,
    pub(super) kind: FileType,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) rdev: i64,
    pub(super) nlink: u32,
    pub(super) size: i64,
    /// Bytes of content that are not holes.
    pub(super) space: i64,
    /// What of it the count of what the tree takes up has, as long as the row is live.
    pub(super) counted: i64,
    pub(super) mtime: i64,
    pub(super) ctime: i64,
    pub(super) btime: i64,
    pub(super) version: i64,
    /// `None`: nothing but a hole, or no regular file.
    pub(super) content: Option<i64>,
    /// Of a directory: where it is.
    pub(super) parent: Option<i64>,
    pub(super) target: Option<String>,
    /// As stored; `None` without any.
    pub(super) xattrs: Option<Vec<u8>>,
}

/// The columns of a `Node`, in the order of `Node::from_row`.
pub(super) const COLUMNS: &str =
    "ino, from_rev, kind, mode, uid, gid, rdev, nlink, size, space, mtime, ctime, btime,
    version, content, parent, target, xattrs";

static LOAD: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {COLUMNS} FROM inode WHERE ino = ?1 AND from_rev <= ?2 AND to_rev > ?2
         ORDER BY from_rev DESC LIMIT 1"
    )
});

/// What [`Node::insert_with`] binds.
pub(super) const INSERT_INODE: &str =
    "INSERT INTO main.inode(ino, from_rev, to_rev, kind, mode, uid, gid, rdev, nlink, size, space, mtime, ctime,
         btime, version, content, parent, target, xattrs)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";

impl Node {
    pub(super) fn load(conn: &Connection, ino: i64, rev: i64) -> NodeResult<Option<Node>> {
        let mut statement = conn.prepare_cached(&LOAD)?;
        Ok(statement.query_row((ino, rev), Node::from_row).optional()?)
    }

    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Node> {
        Ok(Node {
            ino: row.get(0)?,
            from: row.get(1)?,
            kind: view::kind(row.get(2)?),
            mode: row.get(3)?,
            uid: row.get(4)?,
            gid: row.get(5)?,
            rdev: row.get(6)?,
            nlink: row.get(7)?,
            size: row.get(8)?,
            space: row.get(9)?,
            counted: row.get(9)?,
            mtime: row.get(10)?,
            ctime: row.get(11)?,
            btime: row.get(12)?,
            version: row.get(13)?,
            content: row.get(14)?,
            parent: row.get(15)?,
            target: row.get(16)?,
            xattrs: row.get(17)?,
        })
    }

    /// Writes the row: over itself if it began in the open revision `rev`, else as a new one after it.
    pub(super) fn store(&mut self, conn: &Connection, rev: i64) -> NodeResult<()> {
        failpoint::pass("STORE")?;
        if self.from != rev {
            self.end(conn, rev)?;
            return self.insert(conn, rev);
        }
        conn.prepare_cached(
            "UPDATE main.inode SET mode = ?3, uid = ?4, gid = ?5, nlink = ?6, size = ?7, space = ?8, mtime = ?9,
                 ctime = ?10, version = ?11, content = ?12, parent = ?13, xattrs = ?14
             WHERE ino = ?1 AND from_rev = ?2",
        )?
        .execute(params![
            self.ino,
            rev,
            self.mode,
            self.uid,
            self.gid,
            self.nlink,
            self.size,
            self.space,
            self.mtime,
            self.ctime,
            self.version,
            self.content,
            self.parent,
            self.xattrs,
        ])?;
        Ok(())
    }

    /// Ends the row in `rev`. One of a file that a fork stands on is hidden by an ended copy of it.
    fn end(&self, conn: &Connection, rev: i64) -> NodeResult<()> {
        let key = (self.ino, self.from, rev);
        let ended = conn
            .prepare_cached("UPDATE main.inode SET to_rev = ?3 WHERE ino = ?1 AND from_rev = ?2")?
            .execute(key)?;
        if ended == 0 {
            conn.prepare_cached(
                "INSERT INTO main.inode(ino, from_rev, to_rev, kind, mode, uid, gid, rdev, nlink, size, space, mtime,
                     ctime, btime, version, content, parent, origin, opaque, target, xattrs)
                 SELECT ino, from_rev, ?3, kind, mode, uid, gid, rdev, nlink, size, space, mtime, ctime, btime, version,
                     content, parent, origin, opaque, target, xattrs FROM inode WHERE ino = ?1 AND from_rev = ?2",
            )?
            .execute(key)?;
        }
        Ok(())
    }

    /// Writes a row that begins in `rev`.
    pub(super) fn insert(&mut self, conn: &Connection, rev: i64) -> NodeResult<()> {
        self.insert_with(&mut *conn.prepare_cached(INSERT_INODE)?, rev)
    }

    /// The same through [`INSERT_INODE`], prepared.
    pub(super) fn insert_with(&mut self, insert: &mut Statement<'_>, rev: i64) -> NodeResult<()> {
        failpoint::pass("INSERT")?;
        self.from = rev;
        insert.execute(params![
            self.ino,
            rev,
            LIVE,
            self.kind.mode_bits() >> 12,
            self.mode,
            self.uid,
            self.gid,
            self.rdev,
            self.nlink,
            self.size,
            self.space,
            self.mtime,
            self.ctime,
            self.btime,
            self.version,
            self.content,
            self.parent,
            self.target,
            self.xattrs,
        ])?;
        Ok(())
    }

    /// As a caller sees it.
    pub(super) fn stat(&self, atime: Timestamp) -> Stat {
        Stat {
            ino: Ino(self.ino as u64),
            kind: self.kind,
            mode: self.mode,
            nlink: self.nlink,
            uid: self.uid,
            gid: self.gid,
            rdev: self.rdev as u64,
            size: self.size as u64,
            blocks: view::blocks(self.space),
            atime,
            mtime: Timestamp(self.mtime),
            ctime: Timestamp(self.ctime),
            btime: Timestamp(self.btime),
            version: self.version as u64,
        }
    }

    pub(super) fn is_dir(&self) -> bool {
        self.kind == FileType::Directory
    }

    /// `EISDIR` of a directory, `EINVAL` of anything else that has no content.
    pub(super) fn require_file(&self) -> NodeResult<()> {
        match self.kind {
            FileType::Regular => Ok(()),
            FileType::Directory => Err(Errno::EISDIR.into()),
            _ => Err(Errno::EINVAL.into()),
        }
    }

    pub(super) fn xattrs(&self) -> NodeResult<Xattrs> {
        match &self.xattrs {
            None => Ok(Xattrs::new()),
            Some(stored) => postcard::from_bytes(stored).map_err(NodeError::io),
        }
    }

    /// Whether a user would call it changed. Link counts and the times of directories follow from entries, ctime
    /// and version from anything.
    pub(super) fn differs(&self, other: &Node) -> bool {
        self.attributes_differ(other)
            || self.target != other.target
            || !self.is_dir() && self.mtime != other.mtime
            || (self.content, self.size) != (other.content, other.size)
    }

    /// Whether mode, owner or extended attributes differ.
    pub(super) fn attributes_differ(&self, other: &Node) -> bool {
        (self.kind, self.mode, self.uid, self.gid, self.rdev)
            != (other.kind, other.mode, other.uid, other.gid, other.rdev)
            || self.xattrs != other.xattrs
    }

    /// An attribute changed.
    pub(super) fn touch(&mut self, now: i64) {
        self.ctime = now;
        self.version += 1;
    }

    /// The content changed, or the entries.
    pub(super) fn modify(&mut self, now: i64) {
        self.mtime = now;
        self.touch(now);
    }
}

impl Tx<'_> {
    /// Writes a node back: a directory when the transaction ends, anything else at once.
    pub(super) fn save(&mut self, mut node: Node) -> NodeResult<()> {
        if node.is_dir() {
            self.state.pending.dirs.insert(node.ino, PendingDir { node, dirty: true });
            return Ok(());
        }
        self.store(&mut node)?;
        self.state.pending.note_stored(node);
        Ok(())
    }

    /// A directory that entries are about to change in.
    ///
    /// # Errors
    /// `ENOENT` if it has been removed and somebody only holds it open; `ENOTDIR`, `ESTALE`.
    pub(super) fn open_dir(&mut self, ino: i64) -> NodeResult<&mut PendingDir> {
        if !self.state.pending.dirs.contains_key(&ino) {
            let node = self.view().dir(ino)?;
            self.state.pending.dirs.insert(ino, PendingDir { node, dirty: false });
        }
        let dir = self.state.pending.dirs.get_mut(&ino).expect("just put there");
        if dir.node.nlink == 0 { Err(Errno::ENOENT.into()) } else { Ok(dir) }
    }

    /// Notes that entries of a directory changed, `subdirs` of them subdirectories come or gone.
    pub(super) fn touch_dir(&mut self, ino: i64, subdirs: i32) -> NodeResult<()> {
        let now = self.now;
        let dir = self.open_dir(ino)?;
        dir.node.modify(now);
        dir.node.nlink = dir.node.nlink.saturating_add_signed(subdirs);
        dir.dirty = true;
        Ok(())
    }

    /// Removes a node that has lost its last name, unless somebody holds it open: then it stays, nameless, until
    /// it is released.
    pub(super) fn forget(&mut self, mut node: Node) -> NodeResult<()> {
        if !self.shared.is_pinned(node.ino) {
            return self.erase(&node);
        }
        node.nlink = 0;
        node.touch(self.now);
        self.execute("INSERT OR IGNORE INTO orphan(ino) VALUES (?1)", [node.ino])?;
        self.shared.pins.lock().orphans.insert(node.ino);
        self.save(node)
    }

    /// Ends the node's row, or deletes it with its content if no sealed revision has it.
    pub(super) fn erase(&mut self, node: &Node) -> NodeResult<()> {
        self.state.pending.dirs.remove(&node.ino);
        self.state.pending.forget(node.ino);
        self.discount(node);
        let rev = self.rev();
        if node.from == rev {
            self.drop_content(node.content)?;
            self.execute("DELETE FROM main.inode WHERE ino = ?1 AND from_rev = ?2", (node.ino, rev))?;
            return Ok(());
        }
        node.end(self.conn, rev)
    }

    /// Removes a nameless node once nobody holds it open.
    pub(super) fn erase_orphan(&mut self, ino: i64) -> NodeResult<()> {
        self.execute("DELETE FROM orphan WHERE ino = ?1", [ino])?;
        match self.view().node(ino) {
            Ok(node) if node.nlink == 0 => self.erase(&node),
            Ok(_) => Ok(()),
            Err(e) if e == Errno::ESTALE => Ok(()),
            Err(e) => Err(e),
        }
    }

    pub(super) fn setattr(&mut self, ino: Ino, changes: &SetAttr) -> NodeResult<Stat> {
        let mut node = self.view().node(ino.0 as i64)?;
        if let Some(size) = changes.size {
            node.require_file()?;
            let size = i64::try_from(size).map_err(|_| Errno::EFBIG)?;
            self.resize(&mut node, size)?;
            node.mtime = self.now;
        }
        if let Some(Timestamp(atime)) = changes.atime {
            self.state.pending.forget(node.ino);
            self.execute("INSERT OR REPLACE INTO atime(ino, at) VALUES (?1, ?2)", (node.ino, atime))?;
        }
        if !changes.is_atime_only() {
            node.mode = changes.mode.map_or(node.mode, |mode| mode & 0o7777);
            node.uid = changes.uid.unwrap_or(node.uid);
            node.gid = changes.gid.unwrap_or(node.gid);
            node.mtime = changes.mtime.map_or(node.mtime, |time| time.0);
            node.touch(self.now);
            self.save(node)?;
        }
        self.view().stat(ino)
    }

    pub(super) fn setxattr(&mut self, ino: Ino, name: &str, value: &[u8], mode: XattrMode) -> NodeResult<()> {
        let mut node = self.view().node(ino.0 as i64)?;
        check_xattr_name(name)?;
        if value.len() > XATTR_VALUE_MAX {
            return Err(Errno::ENOSPC.into());
        }
        let mut xattrs = node.xattrs()?;
        match (mode, xattrs.contains_key(name)) {
            (XattrMode::Create, true) => return Err(Errno::EEXIST.into()),
            (XattrMode::Replace, false) => return Err(Errno::ENODATA.into()),
            _ => {}
        }
        xattrs.insert(name.to_owned(), value.to_owned());
        node.xattrs = Some(encode(&xattrs)?);
        node.touch(self.now);
        self.save(node)
    }

    pub(super) fn removexattr(&mut self, ino: Ino, name: &str) -> NodeResult<()> {
        check_xattr_name(name)?;
        let mut node = self.view().node(ino.0 as i64)?;
        let mut xattrs = node.xattrs()?;
        if xattrs.remove(name).is_none() {
            return Err(Errno::ENODATA.into());
        }
        node.xattrs = if xattrs.is_empty() { None } else { Some(encode(&xattrs)?) };
        node.touch(self.now);
        self.save(node)
    }
}

fn encode(xattrs: &Xattrs) -> NodeResult<Vec<u8>> {
    let stored = postcard::to_stdvec(xattrs).map_err(NodeError::io)?;
    if stored.len() > XATTRS_MAX { Err(Errno::ENOSPC.into()) } else { Ok(stored) }
}
