//! Whether names lead to nodes and nodes have names, now and in every revision.

use std::collections::{HashMap, HashSet};

use super::super::inode::{COLUMNS, Node};
use super::super::schema::{LIVE, ROOT};
use super::super::view;
use super::Check;
use crate::errno::NodeResult;
use crate::node::FileType;

impl Check<'_> {
    /// Rows of one thing do not overlap in time and end after they begin.
    pub(super) fn ranges(&mut self) -> NodeResult<()> {
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
    pub(super) fn tree(&mut self) -> NodeResult<()> {
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
        Ok(())
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
    pub(super) fn orphans(&mut self) -> NodeResult<()> {
        self.report(
            "SELECT 'node ' || ino || ' has no name and nobody holds it open' FROM inode
             WHERE to_rev = ?1 AND nlink = 0 AND from_rev > ?2 AND ino NOT IN (SELECT ino FROM orphan)",
            [LIVE, self.base.unwrap_or(-1)],
        )
    }

    /// What is counted is what there is.
    pub(super) fn usage(&mut self) -> NodeResult<()> {
        self.report(
            "SELECT 'the tree is said to take up ' || used_bytes || ' bytes in ' || used_inodes || ' nodes, it takes up '
                 || bytes || ' in ' || inodes
             FROM meta, (SELECT coalesce(sum(space), 0) AS bytes, count(*) AS inodes FROM inode WHERE to_rev = ?1)
             WHERE (used_bytes, used_inodes) <> (bytes, inodes)",
            [LIVE],
        )
    }

    /// What is true of every revision at once. Of one that was pruned, what others need is left.
    pub(super) fn history(&mut self) -> NodeResult<()> {
        let head: i64 = self.conn.query_row("SELECT head FROM meta", [], |row| row.get(0))?;
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
