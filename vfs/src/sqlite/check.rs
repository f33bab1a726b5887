//! Whether a workspace is whole.

use std::collections::{HashMap, HashSet};

use rusqlite::Connection;

use super::SqliteLayer;
use super::chunk;
use super::content::INLINE_MAX;
use super::inode::{COLUMNS, Node};
use super::schema::{LIVE, ROOT};
use super::view;
use crate::errno::NodeResult;
use crate::node::FileType;

/// The most problems that are told; the rest would only repeat them.
const PROBLEMS_MAX: usize = 200;

/// What `check` found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CheckReport {
    /// What is wrong, a sentence each; empty if all is well.
    pub problems: Vec<String>,
}

impl SqliteLayer {
    /// Verifies the whole file: SQLite's own structure, then that every revision's entries lead to nodes, directories
    /// hang together, link counts and sizes are right, and every chunk is what its hash says. Reads everything.
    ///
    /// # Errors
    /// `EIO` if the file is too damaged to look at.
    pub fn check(&self) -> NodeResult<CheckReport> {
        self.read_history(|conn| {
            // One read transaction: what is checked together was there together.
            let _transaction = if conn.is_autocommit() { Some(conn.unchecked_transaction()?) } else { None };
            let base = self.shared.lineage.base();
            let mut check = Check { conn, base, problems: Vec::new() };
            check.sqlite()?;
            check.ranges()?;
            let revisions = check.tree()?;
            check.orphans()?;
            check.contents()?;
            check.chunks()?;
            check.history(revisions)?;
            Ok(CheckReport { problems: check.problems })
        })
    }
}

struct Check<'a> {
    conn: &'a Connection,
    /// The forked revision, if it is a fork.
    base: Option<i64>,
    problems: Vec<String>,
}

impl Check<'_> {
    fn problem(&mut self, text: String) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(text);
        }
    }

    fn sqlite(&mut self) -> NodeResult<()> {
        let mut statement = self.conn.prepare("PRAGMA integrity_check")?;
        let lines: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        for line in lines.into_iter().filter(|line| line != "ok") {
            self.problem(format!("SQLite: {line}"));
        }
        Ok(())
    }

    /// Reports what a query returns: a sentence per row.
    fn report(&mut self, sql: &str, params: impl rusqlite::Params) -> NodeResult<()> {
        let mut statement = self.conn.prepare(sql)?;
        let lines: Vec<String> = statement.query_map(params, |row| row.get(0))?.collect::<Result<_, _>>()?;
        lines.into_iter().for_each(|line| self.problem(line));
        Ok(())
    }

    /// Rows of one thing do not overlap in time and end after they begin.
    fn ranges(&mut self) -> NodeResult<()> {
        self.report(
            "SELECT 'inode ' || ino || ' has overlapping rows at revision ' || from_rev FROM (
                 SELECT ino, from_rev, to_rev, lead(from_rev) OVER (PARTITION BY ino ORDER BY from_rev) AS next
                 FROM inode) WHERE to_rev <= from_rev OR next < to_rev",
            [],
        )?;
        self.report(
            "SELECT 'entry ' || name || ' of directory ' || parent || ' has overlapping rows at revision ' || from_rev
             FROM (SELECT parent, name, from_rev, to_rev,
                       lead(from_rev) OVER (PARTITION BY parent, name ORDER BY from_rev) AS next
                   FROM entry) WHERE to_rev <= from_rev OR next < to_rev",
            [],
        )
    }

    /// The tree as it is now: names, parents, link counts, reachability.
    fn tree(&mut self) -> NodeResult<i64> {
        let nodes = self.live_nodes()?;
        let mut names: HashMap<i64, Vec<i64>> = HashMap::new();
        let mut subdirs: HashMap<i64, u32> = HashMap::new();
        let mut statement = self.conn.prepare("SELECT parent, name, ino FROM entry WHERE to_rev = ?1")?;
        let mut rows = statement.query([LIVE])?;
        while let Some(row) = rows.next()? {
            let (parent, ino): (i64, Option<i64>) = (row.get(0)?, row.get(2)?);
            let Ok(name) = view::name(row.get_ref(1)?) else {
                self.problem(format!("directory {parent} has an entry with an impossible name"));
                continue;
            };
            let Some(node) = ino.and_then(|ino| nodes.get(&ino)) else {
                self.problem(format!("entry {name} of directory {parent} leads to no node"));
                continue;
            };
            if !nodes.get(&parent).is_some_and(Node::is_dir) {
                self.problem(format!("entry {name} stands in {parent}, which is no directory"));
            }
            names.entry(node.ino).or_default().push(parent);
            *subdirs.entry(parent).or_default() += u32::from(node.is_dir());
        }
        drop(rows);
        for node in nodes.values() {
            let parents = names.get(&node.ino).map_or(&[][..], Vec::as_slice);
            self.node(node, parents, subdirs.get(&node.ino).copied().unwrap_or(0));
        }
        self.reachable(&nodes);
        Ok(self.conn.query_row("SELECT head FROM meta", [], |row| row.get(0))?)
    }

    fn live_nodes(&mut self) -> NodeResult<HashMap<i64, Node>> {
        let mut statement = self.conn.prepare(&format!("SELECT {COLUMNS} FROM inode WHERE to_rev = ?1"))?;
        let rows = statement.query_map([LIVE], |row| Node::from_row(row).map(|node| (node.ino, node)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn node(&mut self, node: &Node, parents: &[i64], subdirs: u32) {
        let ino = node.ino;
        if node.is_dir() {
            let home = if ino == ROOT { &[ROOT][..] } else { parents };
            if node.nlink > 0 && (home.len() != 1 || node.parent != home.first().copied()) {
                self.problem(format!(
                    "directory {ino} should have one name in {:?}, has {home:?}",
                    node.parent
                ));
            }
            if node.nlink > 0 && node.nlink != 2 + subdirs {
                self.problem(format!(
                    "directory {ino} has link count {}, should be {}",
                    node.nlink,
                    2 + subdirs
                ));
            }
        } else if node.nlink as usize != parents.len() {
            self.problem(format!("node {ino} has link count {} and {} names", node.nlink, parents.len()));
        }
        if node.content.is_some() && node.kind != FileType::Regular {
            self.problem(format!("node {ino} is no file and has content"));
        }
        if node.xattrs().is_err() {
            self.problem(format!("extended attributes of node {ino} cannot be read"));
        }
    }

    /// Every directory leads up to the root.
    fn reachable(&mut self, nodes: &HashMap<i64, Node>) {
        let mut good = HashSet::from([ROOT]);
        for dir in nodes.values().filter(|node| node.is_dir() && node.nlink > 0) {
            let (mut path, mut at) = (HashSet::new(), dir.ino);
            while !good.contains(&at) && path.insert(at) {
                match nodes.get(&at).and_then(|node| node.parent) {
                    Some(parent) => at = parent,
                    None => break,
                }
            }
            if good.contains(&at) {
                good.extend(path);
            } else {
                self.problem(format!("directory {} cannot be reached from the root", dir.ino));
            }
        }
    }

    /// What a parent held open without a name when it was forked stays in the fork, unseen.
    fn orphans(&mut self) -> NodeResult<()> {
        self.report(
            "SELECT 'node ' || ino || ' has no name and nobody holds it open' FROM inode
             WHERE to_rev = ?1 AND nlink = 0 AND from_rev > ?2 AND ino NOT IN (SELECT ino FROM orphan)",
            [LIVE, self.base.unwrap_or(-1)],
        )
    }

    /// Extents of the file itself; those of files that a fork stands on are for a check of those.
    fn contents(&mut self) -> NodeResult<()> {
        self.report(
            "SELECT DISTINCT 'content ' || content || ' of node ' || ino || ' is missing' FROM inode
             WHERE content IS NOT NULL AND content NOT IN (SELECT id FROM content)",
            [],
        )?;
        self.report(
            "SELECT 'node ' || ino || ' has size ' || size || ', its content ' || length(inline)
             FROM inode JOIN content ON content.id = inode.content
             WHERE inline IS NOT NULL AND (length(inline) <> size OR length(inline) > ?1 OR space <> size)",
            [INLINE_MAX],
        )?;
        self.report(
            "SELECT 'node ' || ino || ' is smaller than its extents, or they take other than ' || space || ' bytes'
             FROM inode JOIN (SELECT content AS id, max(offset + length) AS last, sum(length) AS sum
                              FROM extent GROUP BY content) AS list ON list.id = inode.content
             WHERE last > size OR sum <> space",
            [],
        )?;
        self.report(
            "SELECT 'extents of content ' || content || ' overlap at ' || offset FROM (
                 SELECT content, offset, length, lead(offset) OVER (PARTITION BY content ORDER BY offset) AS next
                 FROM main.extent) WHERE length <= 0 OR offset < 0 OR next < offset + length",
            [],
        )?;
        self.report(
            "SELECT 'content ' || e.content || ' reaches outside chunk ' || e.chunk FROM main.extent e
             LEFT JOIN chunk c ON c.id = e.chunk
             WHERE c.id IS NULL OR e.chunk_offset < 0 OR e.chunk_offset + e.length > c.length",
            [],
        )
    }

    fn chunks(&mut self) -> NodeResult<()> {
        let mut statement = self.conn.prepare("SELECT id, hash, length FROM chunk")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (id, hash, length): (i64, Vec<u8>, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            match chunk::load(self.conn, id) {
                Err(_) => self.problem(format!("chunk {id} is missing")),
                Ok(data) if data.len() as i64 != length => {
                    self.problem(format!("chunk {id} has {} bytes, should have {length}", data.len()));
                }
                Ok(data) if blake3::hash(&data).as_bytes()[..] != hash[..] => {
                    self.problem(format!("chunk {id} does not match its hash"));
                }
                Ok(_) => {}
            }
        }
        Ok(())
    }

    /// What is true of every revision at once. Of one that was pruned, what others need is left.
    fn history(&mut self, head: i64) -> NodeResult<()> {
        self.report(
            "SELECT 'entry ' || name || ' of directory ' || parent || ' led to no node in revision ' || from_rev
             FROM (SELECT name, parent, ino, from_rev, to_rev, coalesce(
                       (SELECT id FROM revision WHERE id >= entry.from_rev ORDER BY id LIMIT 1), from_rev) AS seen
                   FROM entry WHERE ino IS NOT NULL) e
             WHERE e.to_rev > e.seen AND NOT EXISTS (
                 SELECT 1 FROM inode i WHERE i.ino = e.ino AND i.from_rev <= e.seen AND i.to_rev > e.seen)",
            [],
        )?;
        self.report(
            "SELECT 'a row of inode ' || ino || ' begins after the open revision' FROM inode WHERE from_rev > ?1 + 1",
            [head],
        )?;
        self.report(
            "SELECT 'revision ' || ?1 || ' is the latest and not recorded'
             WHERE (SELECT max(id) FROM revision) IS NOT ?1",
            [head],
        )
    }
}
