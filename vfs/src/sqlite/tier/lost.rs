//! Objects that are not there any more, or not what was written: which files they hit, and how they are told from a
//! bucket that merely does not answer.

use std::collections::{BTreeSet, HashSet};
use std::error::Error as StdError;

use rusqlite::{Connection, OptionalExtension};

use super::super::SqliteLayer;
use super::super::schema::ROOT;
use crate::errno::NodeResult;
use crate::object::{Trouble, TroubleKind};

/// The rows of the newest state.
const NEWEST: i64 = i64::MAX;
/// How deep a tree can be, lest damage makes one a ring.
const DEEP: usize = 4096;
/// The most paths that are named.
const NAMED: usize = 1000;

/// An object that came, and is not what was written.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Damaged(pub(super) String);

/// Whether an error of reading says that content is lost: its object is missing or damaged, and asking again is in vain.
pub fn is_lost_content(cause: &(dyn StdError + 'static)) -> bool {
    let is_missing = |trouble: &Trouble| trouble.kind() == TroubleKind::Missing;
    cause.is::<Damaged>() || cause.downcast_ref::<Trouble>().is_some_and(is_missing)
}

impl SqliteLayer {
    /// The files of the newest state that have something in one of these objects, each a home and a name.
    pub(super) fn files_hit(&self, lost: &HashSet<(i64, String)>) -> NodeResult<Vec<String>> {
        if lost.is_empty() {
            return Ok(Vec::new());
        }
        self.read_now(|view| {
            let mut statement = view.conn.prepare(
                "SELECT c.home, c.object, e.parent, e.name FROM inode i JOIN extent x ON x.content = i.content
                 JOIN chunk c ON c.id = x.chunk JOIN entry e ON e.ino = i.ino
                 WHERE i.to_rev = ?1 AND e.to_rev = ?1 AND c.home IS NOT NULL",
            )?;
            let mut rows = statement.query([NEWEST])?;
            let mut names = BTreeSet::new();
            while let Some(row) = rows.next()? {
                if lost.contains(&(row.get(0)?, row.get(1)?)) {
                    names.insert((row.get(2)?, row.get(3)?));
                }
            }
            let mut paths: Vec<String> = names
                .into_iter()
                .take(NAMED)
                .map(|(parent, name)| path(view.conn, parent, name))
                .collect::<NodeResult<_>>()?;
            paths.sort();
            Ok(paths)
        })
    }
}

/// Where a name in a directory is.
fn path(conn: &Connection, mut parent: i64, name: String) -> NodeResult<String> {
    let mut parts = vec![name];
    let sql = "SELECT parent, name FROM entry WHERE ino = ?1 AND to_rev = ?2 LIMIT 1";
    let mut statement = conn.prepare_cached(sql)?;
    while parent != ROOT && parts.len() < DEEP {
        let above = statement.query_row((parent, NEWEST), |row| Ok((row.get(0)?, row.get(1)?)));
        let Some((above, name)) = above.optional()? else { break };
        parts.push(name);
        parent = above;
    }
    parts.reverse();
    Ok(format!("/{}", parts.join("/")))
}
