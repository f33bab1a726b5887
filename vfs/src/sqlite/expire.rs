//! Paths that persist for a time.
//!
//! A path expires with the node that was there when its time was set: what took its place since is something else
//! and stays.

use std::collections::HashSet;

use super::SqliteLayer;
use super::paths::Paths;
use super::restore::{split, walk};
use super::revision::{Revision, RevisionKind, SealInfo};
use super::schema::{NOW, ROOT};
use super::tx::Tx;
use crate::commit::{Applied, Touched};
use crate::errno::NodeResult;
use crate::node::Ino;
use crate::path::{Name, VPathBuf};

impl SqliteLayer {
    /// Removes what has expired, in a revision of its own. What a commit is about to touch is left to the next
    /// time, since that commit may say that it stays.
    pub(super) fn expire(&self, touched: &dyn Fn() -> NodeResult<Touched>) -> NodeResult<Option<Revision>> {
        let any = self.change(|tx| tx.any_expired())?;
        if !any {
            return Ok(None);
        }
        let touched = touched()?;
        self.change(|tx| {
            if tx.remove_expired(&touched)? == 0 {
                return Ok(None);
            }
            Ok(tx.seal(&SealInfo::of(RevisionKind::Expire))?.map(|info| info.id))
        })
    }
}

/// What a commit needs where it is.
#[derive(Default)]
struct Needed<'a> {
    entries: HashSet<(i64, &'a str)>,
    nodes: HashSet<i64>,
    gone: HashSet<i64>,
}

impl Tx<'_> {
    fn any_expired(&self) -> NodeResult<bool> {
        Ok(self.conn.prepare_cached("SELECT 1 FROM expiry WHERE at <= ?1 LIMIT 1")?.exists([self.now])?)
    }

    fn remove_expired(&mut self, touched: &Touched) -> NodeResult<usize> {
        let due: Vec<(String, i64)> = self
            .conn
            .prepare_cached("SELECT path, ino FROM expiry WHERE at <= ?1 ORDER BY path DESC")?
            .query_map([self.now], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let needed = self.needed(touched)?;
        let mut removed = 0;
        for (path, ino) in due {
            if let Some((parent, name)) = self.still_there(&VPathBuf::parse(&path)?, ino)? {
                if self.is_needed(&needed, parent, &name, ino)? {
                    continue;
                }
                self.remove_tree(parent, &name)?;
                removed += 1;
            }
            self.execute("DELETE FROM expiry WHERE path = ?1", [path])?;
        }
        Ok(removed)
    }

    /// The entry at `path`, if it leads to `ino`.
    fn still_there(&self, path: &VPathBuf, ino: i64) -> NodeResult<Option<(i64, Name)>> {
        let Some((parent, name)) = split(path) else { return Ok(None) };
        let Some(dir) = walk(&self.view(), &parent)? else { return Ok(None) };
        let row = self.view().entry(dir, &name)?;
        Ok(row.filter(|row| row.ino == ino).map(|_| (dir, name)))
    }

    fn needed<'a>(&self, touched: &'a Touched) -> NodeResult<Needed<'a>> {
        let mut needed = Needed::default();
        for (parent, name) in &touched.entries {
            needed.entries.insert((parent.0 as i64, name.as_str()));
            needed.nodes.extend(self.upwards(parent.0 as i64)?);
        }
        for Ino(ino) in touched.content.iter().chain(&touched.attrs) {
            needed.nodes.insert(*ino as i64);
            for (parent, _) in Paths::new(self.conn, NOW).names(*ino as i64)? {
                needed.nodes.extend(self.upwards(parent)?);
            }
        }
        needed.gone.extend(touched.gone_dirs.iter().map(|dir| dir.0 as i64));
        Ok(needed)
    }

    fn is_needed(&self, needed: &Needed<'_>, parent: i64, name: &Name, ino: i64) -> NodeResult<bool> {
        Ok(needed.entries.contains(&(parent, name.as_str()))
            || needed.nodes.contains(&ino)
            || self.upwards(parent)?.iter().any(|dir| needed.gone.contains(dir)))
    }

    /// A directory and those above it, as far as they are still there.
    fn upwards(&self, mut dir: i64) -> NodeResult<Vec<i64>> {
        let mut dirs = Vec::new();
        while let Some(node) = self.live(dir)? {
            dirs.push(dir);
            match node.parent {
                Some(parent) if dir != ROOT => dir = parent,
                _ => break,
            }
        }
        Ok(dirs)
    }

    /// Remembers when what a commit did expires, and that the rest of it no longer does.
    pub(super) fn note_expiries(&mut self, applied: &Applied) -> NodeResult<()> {
        let expiring = self.conn.prepare_cached("SELECT 1 FROM expiry LIMIT 1")?.exists([])?;
        if expiring {
            for change in &applied.changes {
                self.execute("DELETE FROM expiry WHERE path = ?1", [change.path.as_str()])?;
            }
        }
        for (path, time) in &applied.expiries {
            let Some(ino) = walk(&self.view(), path)? else { continue };
            let at = self.now.saturating_add(i64::try_from(time.as_nanos()).unwrap_or(i64::MAX));
            self.execute(
                "INSERT OR REPLACE INTO expiry(path, ino, at) VALUES (?1, ?2, ?3)",
                (path.as_str(), ino, at),
            )?;
        }
        Ok(())
    }
}
