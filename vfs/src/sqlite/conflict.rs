//! Whether a commit fits on what others committed since its base.
//!
//! Writes conflict with writes: on the same entry, on the same node's content, on its attributes. Removing or
//! moving a directory conflicts with any change below it, whoever did which. Times and link counts of directories
//! never conflict, and reads are not tracked.

use std::collections::{HashMap, HashSet};
use std::fmt;

use rusqlite::Connection;

use super::SqliteLayer;
use super::inode::{COLUMNS, Node};
use super::paths::Paths;
use super::revision::{self, Revision};
use super::schema::{LIVE, NOW};
use super::view;
use crate::commit::{Judge, Touched};
use crate::errno::NodeResult;
use crate::node::Ino;
use crate::path::{Name, VPathBuf};

/// What two sides did that does not go together.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConflictKind {
    /// Both made, removed or replaced this name.
    Entry,
    /// Both wrote the file.
    Content,
    /// Both changed mode, owner, times or extended attributes.
    Attributes,
    /// It was changed here and removed there.
    Removed,
    /// The directory was removed or moved here and something below it was changed there.
    Below,
    /// It was changed here and a directory above it was removed or moved there.
    Moved,
    /// It stands outside the workspace, in a mounted directory of the host, and was changed there meanwhile.
    Host,
}

impl fmt::Display for ConflictKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ConflictKind::Entry => "made, removed or replaced on both sides",
            ConflictKind::Content => "written on both sides",
            ConflictKind::Attributes => "attributes changed on both sides",
            ConflictKind::Removed => "changed here and removed there",
            ConflictKind::Below => "removed or moved here and changed below there",
            ConflictKind::Moved => "changed here and a directory above it removed or moved there",
            ConflictKind::Host => "the host directory was changed meanwhile",
        })
    }
}

/// Something that was changed on both sides since the base.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Conflict {
    /// Where, as the base calls it.
    pub path: VPathBuf,
    /// What does not go together.
    pub what: ConflictKind,
    /// The latest revision of the other side that did its part, if it was one.
    pub revision: Option<Revision>,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.what)?;
        self.revision.map_or(Ok(()), |revision| write!(f, " (revision {revision})"))
    }
}

impl SqliteLayer {
    /// What of `touched` others changed since `base`. Revisions in `own` are not others'; what was changed directly
    /// and is not sealed yet is.
    ///
    /// # Errors
    /// `EIO` if the file cannot be read.
    pub fn conflicts(
        &self,
        base: Revision,
        own: &[Revision],
        touched: &Touched,
    ) -> NodeResult<Vec<Conflict>> {
        self.read_now(|view| {
            let head = revision::head(view.conn)?.0 as i64;
            let open = i64::from(revision::any_change(view.conn, head)?);
            find(view.conn, (base, head + open), own, touched, None)
        })
    }
}

/// Whether there is a revision after `base` up to `last` that is not among `own`.
pub(super) fn may_be(base: Revision, last: i64, own: &[Revision]) -> bool {
    let own: HashSet<u64> = own.iter().map(|rev| rev.0).collect();
    (base.0 + 1..=last as u64).any(|rev| !own.contains(&rev))
}

/// Conflicts with revisions after `base` up to `last` that are not among `own`. With a judge, a name that others gave
/// a file since and where changes are discarded conflicts with any change of that file.
pub(super) fn find(
    conn: &Connection,
    (base, last): (Revision, i64),
    own: &[Revision],
    touched: &Touched,
    judge: Option<&dyn Judge>,
) -> NodeResult<Vec<Conflict>> {
    let base = base.0 as i64;
    let own: HashSet<i64> = own.iter().map(|rev| rev.0 as i64).collect();
    let (paths, now) = (Paths::new(conn, base), Paths::new(conn, NOW));
    let mut search = Search { conn, base, last, own, paths, now, found: Vec::new() };
    for (parent, name) in &touched.entries {
        search.entry(parent.0 as i64, name)?;
    }
    for ino in &touched.content {
        search.node(ino.0 as i64, ConflictKind::Content)?;
    }
    for ino in &touched.attrs {
        search.node(ino.0 as i64, ConflictKind::Attributes)?;
    }
    search.below(&touched.gone_dirs)?;
    search.moved(touched)?;
    if let Some(judge) = judge {
        search.guarded(touched, judge)?;
    }
    Ok(search.found)
}

struct Search<'a> {
    conn: &'a Connection,
    base: i64,
    last: i64,
    own: HashSet<i64>,
    /// Where things were at the base, and are now.
    paths: Paths<'a>,
    now: Paths<'a>,
    found: Vec<Conflict>,
}

/// What others did to one node.
#[derive(Default)]
struct History {
    content: Option<i64>,
    attributes: Option<i64>,
    removed: Option<i64>,
}

impl Search<'_> {
    fn is_foreign(&self, rev: i64) -> bool {
        rev > self.base && rev <= self.last && !self.own.contains(&rev)
    }

    fn add(&mut self, path: VPathBuf, what: ConflictKind, rev: i64) {
        let conflict = Conflict { path, what, revision: Some(Revision(rev as u64)) };
        if !self.found.contains(&conflict) {
            self.found.push(conflict);
        }
    }

    /// What the session made itself has no path at the base, but had one when others came to it.
    fn add_node(&mut self, ino: i64, what: ConflictKind, rev: i64) -> NodeResult<()> {
        let path = match self.paths.any(ino)? {
            Some(path) => Some(path),
            None => Paths::new(self.conn, rev - 1).any(ino)?,
        };
        if let Some(path) = path {
            self.add(path, what, rev);
        }
        Ok(())
    }

    fn add_entry(&mut self, parent: i64, name: &Name, what: ConflictKind, rev: i64) -> NodeResult<()> {
        let path = if Node::load(self.conn, parent, self.base)?.is_some() {
            self.paths.entry(parent, name)?
        } else if Node::load(self.conn, parent, rev - 1)?.is_some() {
            Paths::new(self.conn, rev - 1).entry(parent, name)?
        } else {
            Paths::new(self.conn, rev).entry(parent, name)?
        };
        self.add(path, what, rev);
        Ok(())
    }

    fn entry(&mut self, parent: i64, name: &Name) -> NodeResult<()> {
        let mut statement = self.conn.prepare_cached(
            "SELECT from_rev, to_rev FROM entry WHERE parent = ?1 AND name = ?2 AND (from_rev > ?3 OR to_rev > ?3)",
        )?;
        let mut rows = statement.query((parent, name.as_str(), self.base))?;
        let mut latest = None;
        while let Some(row) = rows.next()? {
            let revs: [i64; 2] = [row.get(0)?, row.get(1)?];
            latest = latest.max(revs.into_iter().filter(|rev| self.is_foreign(*rev)).max());
        }
        latest.map_or(Ok(()), |rev| self.add_entry(parent, name, ConflictKind::Entry, rev))
    }

    fn node(&mut self, ino: i64, what: ConflictKind) -> NodeResult<()> {
        let history = self.history(ino)?;
        if let Some(rev) = history.removed {
            return self.add_node(ino, ConflictKind::Removed, rev);
        }
        let rev = if what == ConflictKind::Content { history.content } else { history.attributes };
        rev.map_or(Ok(()), |rev| self.add_node(ino, what, rev))
    }

    /// Follows a node from the base on, row by row.
    fn history(&self, ino: i64) -> NodeResult<History> {
        let mut statement = self.conn.prepare_cached(&format!(
            "SELECT {COLUMNS}, to_rev FROM inode WHERE ino = ?1 AND to_rev > ?2 ORDER BY from_rev"
        ))?;
        let mut rows = statement.query((ino, self.base))?;
        let mut history = History::default();
        let (mut last, mut end): (Option<Node>, i64) = (None, LIVE);
        while let Some(row) = rows.next()? {
            let node = Node::from_row(row)?;
            end = row.get(18)?;
            if let Some(last) = last.as_ref().filter(|_| self.is_foreign(node.from)) {
                history.note(last, &node);
            }
            last = Some(node);
        }
        let nameless = last.as_ref().filter(|node| node.nlink == 0).map(|node| node.from);
        history.removed =
            [Some(end), nameless].into_iter().flatten().filter(|rev| self.is_foreign(*rev)).max();
        Ok(history)
    }

    /// Directories that we removed or moved, with others' changes below.
    fn below(&mut self, gone: &[Ino]) -> NodeResult<()> {
        if gone.is_empty() {
            return Ok(());
        }
        let busy = self.changed_dirs()?;
        for dir in gone {
            if let Some(&rev) = busy.get(&(dir.0 as i64)) {
                self.add_node(dir.0 as i64, ConflictKind::Below, rev)?;
            }
        }
        Ok(())
    }

    /// Directories that others changed something in or below, then or now, and the latest revision that did.
    fn changed_dirs(&self) -> NodeResult<HashMap<i64, i64>> {
        let mut busy = HashMap::new();
        for (parent, _, rev) in self.changed_entries()? {
            self.mark_upwards(parent, rev, &mut busy)?;
        }
        let mut statement = self
            .conn
            .prepare_cached("SELECT DISTINCT ino FROM main.inode WHERE from_rev > ?1 AND from_rev <= ?2")?;
        let inos: Vec<i64> =
            statement.query_map((self.base, self.last), |row| row.get(0))?.collect::<Result<_, _>>()?;
        for ino in inos {
            let history = self.history(ino)?;
            let Some(rev) = history.content.max(history.attributes) else { continue };
            for at in [self.base, NOW] {
                for (parent, _) in Paths::new(self.conn, at).names(ino)? {
                    self.mark_upwards(parent, rev, &mut busy)?;
                }
            }
        }
        Ok(busy)
    }

    /// Entries that others changed: directory, what they lead to, revision.
    fn changed_entries(&self) -> NodeResult<Vec<(i64, i64, i64)>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT parent, ino, from_rev FROM main.entry WHERE from_rev > ?1 AND from_rev <= ?2
             UNION ALL SELECT parent, ino, to_rev FROM main.entry
                 WHERE to_rev > ?1 AND to_rev <= ?2 AND to_rev < 9223372036854775807",
        )?;
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let all: Vec<(i64, i64, i64)> =
            statement.query_map((self.base, self.last), row)?.collect::<Result<_, _>>()?;
        Ok(all.into_iter().filter(|(_, _, rev)| self.is_foreign(*rev)).collect())
    }

    fn mark_upwards(&self, dir: i64, rev: i64, busy: &mut HashMap<i64, i64>) -> NodeResult<()> {
        for at in [self.base, NOW] {
            for dir in ancestors(self.conn, dir, at)? {
                let latest = busy.entry(dir).or_insert(rev);
                *latest = rev.max(*latest);
            }
        }
        Ok(())
    }

    /// Our changes below directories that others removed or moved.
    fn moved(&mut self, touched: &Touched) -> NodeResult<()> {
        let mut gone: HashMap<i64, i64> = HashMap::new();
        for (_, ino, rev) in self.changed_entries()? {
            if Node::load(self.conn, ino, rev - 1)?.is_some_and(|node| node.is_dir()) {
                gone.insert(ino, rev);
            }
        }
        if gone.is_empty() {
            return Ok(());
        }
        let mut times: Vec<i64> = gone.values().map(|rev| rev - 1).chain([self.base]).collect();
        times.sort_unstable();
        times.dedup();
        let conn = self.conn;
        let above = |parent: i64| -> NodeResult<Option<i64>> {
            for at in &times {
                let rev = ancestors(conn, parent, *at)?.iter().find_map(|dir| gone.get(dir).copied());
                if rev.is_some() {
                    return Ok(rev);
                }
            }
            Ok(None)
        };
        let mut hits = Vec::new();
        for (parent, name) in &touched.entries {
            if let Some(rev) = above(parent.0 as i64)? {
                hits.push((parent.0 as i64, name.clone(), rev));
            }
        }
        for ino in touched.content.iter().chain(&touched.attrs) {
            for (parent, name) in self.paths.names(ino.0 as i64)? {
                if let Some(rev) = above(parent)? {
                    hits.push((parent, name, rev));
                }
            }
        }
        for (parent, name, rev) in hits {
            self.add_entry(parent, &name, ConflictKind::Moved, rev)?;
        }
        Ok(())
    }

    /// Names that others gave, since the base, to files that we change, where nothing of ours is to arrive.
    fn guarded(&mut self, touched: &Touched, judge: &dyn Judge) -> NodeResult<()> {
        let content = touched.content.iter().map(|ino| (ino, ConflictKind::Content));
        let attrs = touched.attrs.iter().map(|ino| (ino, ConflictKind::Attributes));
        for (ino, what) in content.chain(attrs) {
            for (parent, name, rev) in self.new_names(ino.0 as i64)? {
                let path = self.now.entry(parent, &name)?;
                if !judge.verdict(&path).persists() {
                    self.add(path, what, rev);
                }
            }
        }
        Ok(())
    }

    /// Names that others gave a file since the base and that it still has, with the revision that did.
    fn new_names(&self, ino: i64) -> NodeResult<Vec<(i64, Name, i64)>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT parent, name, from_rev FROM entry WHERE ino = ?1 AND from_rev > ?2 AND to_rev = ?3",
        )?;
        let mut rows = statement.query((ino, self.base, LIVE))?;
        let mut names = Vec::new();
        while let Some(row) = rows.next()? {
            let (parent, name, rev) = (row.get(0)?, view::name(row.get_ref(1)?)?, row.get(2)?);
            if self.is_foreign(rev) {
                names.push((parent, name, rev));
            }
        }
        Ok(names)
    }
}

impl History {
    fn note(&mut self, before: &Node, after: &Node) {
        let rewritten =
            (before.content, before.size, &before.target) != (after.content, after.size, &after.target);
        // A write moves mtime too; only alone is that somebody's intention.
        let touched = !after.is_dir() && before.mtime != after.mtime && !rewritten;
        if rewritten {
            self.content = Some(after.from);
        }
        if touched || before.attributes_differ(after) {
            self.attributes = Some(after.from);
        }
    }
}

/// A directory and those above it, as far as they are there at `rev`.
fn ancestors(conn: &Connection, mut dir: i64, rev: i64) -> NodeResult<Vec<i64>> {
    let mut dirs = Vec::new();
    while let Some(node) = Node::load(conn, dir, rev)? {
        dirs.push(dir);
        match node.parent {
            Some(parent) if parent != dir => dir = parent,
            _ => break,
        }
    }
    Ok(dirs)
}
