//! From inodes back to paths, in one revision.

use std::collections::HashMap;

use rusqlite::Connection;

use super::schema::ROOT;
use super::view;
use crate::errno::{NodeError, NodeResult};
use crate::path::{Name, VPathBuf};

/// No tree is as deep as this.
const DEPTH_MAX: usize = 1 << 20;

/// Where directories are in a revision; each is looked up once.
pub(super) struct Paths<'a> {
    conn: &'a Connection,
    rev: i64,
    known: HashMap<i64, VPathBuf>,
}

impl<'a> Paths<'a> {
    pub(super) fn new(conn: &'a Connection, rev: i64) -> Paths<'a> {
        Paths { conn, rev, known: HashMap::from([(ROOT, VPathBuf::root())]) }
    }

    /// Every name of a node: the directory and the name in it.
    pub(super) fn names(&self, ino: i64) -> NodeResult<Vec<(i64, Name)>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT parent, name FROM entry WHERE ino = ?1 AND from_rev <= ?2 AND to_rev > ?2 ORDER BY parent, name",
        )?;
        let mut rows = statement.query((ino, self.rev))?;
        let mut names = Vec::new();
        while let Some(row) = rows.next()? {
            names.push((row.get(0)?, view::name(row.get_ref(1)?)?));
        }
        Ok(names)
    }

    /// The path of a directory.
    pub(super) fn dir(&mut self, dir: i64) -> NodeResult<VPathBuf> {
        let mut below = Vec::new();
        let mut at = dir;
        let mut path = loop {
            if let Some(path) = self.known.get(&at) {
                break path.clone();
            }
            let Some((parent, name)) = self.names(at)?.pop() else {
                return Err(NodeError::io(format!("directory {at} of the workspace has no name")));
            };
            // A ring of directories would keep us here for ever.
            if below.len() > DEPTH_MAX {
                return Err(NodeError::io(format!("directory {dir} of the workspace lies below itself")));
            }
            below.push(name);
            at = parent;
        };
        for name in below.iter().rev() {
            path = path.join(name);
        }
        self.known.insert(dir, path.clone());
        Ok(path)
    }

    /// The path of an entry.
    pub(super) fn entry(&mut self, parent: i64, name: &Name) -> NodeResult<VPathBuf> {
        Ok(self.dir(parent)?.join(name))
    }

    /// One path of a node, if it has any.
    pub(super) fn any(&mut self, ino: i64) -> NodeResult<Option<VPathBuf>> {
        if ino == ROOT {
            return Ok(Some(VPathBuf::root()));
        }
        match self.names(ino)?.first() {
            Some((parent, name)) => self.entry(*parent, name).map(Some),
            None => Ok(None),
        }
    }
}
