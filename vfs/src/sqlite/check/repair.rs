//! Mending what is wrong inside a file that SQLite can read.
//!
//! Nothing that can be read is thrown away: what has no name any more goes to `/lost+found`, what is left of a file with
//! damaged content goes there, too. What cannot be read is given up: in the newest state it is removed, in history it
//! stays an error (`EIO`), and `check` lists it as lost from then on.

use std::collections::HashMap;

use rusqlite::Connection;

use super::super::SqliteLayer;
use super::super::inode::Node;
use super::super::pending::Pending;
use super::super::revision::{Revision, RevisionKind, SealInfo};
use super::super::schema::LIVE;
use super::super::tx::Tx;
use super::content::{Stored, each_chunk, each_inline, unsound};
use super::tidy::Tidy;
use super::{TOLD_MAX, integrity, reason, walk};
use crate::errno::{NodeError, NodeResult};
use crate::node::{FileType, Ino};

/// What a repair did, a sentence each.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct RepairReport {
    /// The revision with the repaired tree, if it differs from the one before.
    pub revision: Option<Revision>,
    /// What was put right and nobody will miss.
    pub mended: Vec<String>,
    /// What was moved to `/lost+found`.
    pub moved: Vec<String>,
    /// What is lost.
    pub lost: Vec<String>,
}

impl RepairReport {
    /// Whether nothing was wrong.
    pub fn is_empty(&self) -> bool {
        self.mended.is_empty() && self.moved.is_empty() && self.lost.is_empty()
    }

    pub(super) fn mend(&mut self, text: String) {
        note(&mut self.mended, text);
    }

    pub(super) fn moved(&mut self, text: String) {
        note(&mut self.moved, text);
    }

    pub(super) fn lose(&mut self, text: String) {
        note(&mut self.lost, text);
    }
}

fn note(list: &mut Vec<String>, text: String) {
    if list.len() < TOLD_MAX {
        list.push(text);
    }
}

impl SqliteLayer {
    /// Mends what [`check`](SqliteLayer::check) finds wrong, in one transaction; the tree that comes out is a new revision.
    /// What was changed directly and not sealed becomes part of it.
    ///
    /// # Errors
    /// `EIO` if SQLite's own structure is broken: then [`salvage`](super::salvage()) what can be read. `EBUSY` within a batch
    /// and while another process writes; `EROFS`.
    pub fn repair(&self) -> NodeResult<RepairReport> {
        self.repair_as("repair")
    }

    pub(super) fn repair_as(&self, message: &str) -> NodeResult<RepairReport> {
        let mut report = self.rebuild_indices()?;
        self.change(|tx| {
            tx.require_no_batch()?;
            tx.flush()?;
            tx.state.pending = Pending::new(tx.state.pending.usage);
            tx.repair(&mut report)?;
            let info = SealInfo { message: Some(message.into()), ..SealInfo::of(RevisionKind::Edit) };
            report.revision = tx.seal(&info)?.map(|info| info.id);
            Ok(())
        })?;
        Ok(report)
    }

    /// What is in the tables can be indexed anew.
    fn rebuild_indices(&self) -> NodeResult<RepairReport> {
        let mut report = RepairReport::default();
        let writer = self.writer.lock();
        let writer = writer.borrow();
        if writer.state.is_some() || is_intact(&writer.conn) {
            return Ok(report);
        }
        let rebuilt = writer.conn.execute_batch("REINDEX").map_err(NodeError::from);
        if rebuilt.is_err() || !is_intact(&writer.conn) {
            return Err(NodeError::io(
                "the workspace's pages are broken, which cannot be mended in place: save what can be read with \
                 `cowry check --salvage DIR`",
            ));
        }
        report.mend("indices were made anew".into());
        Ok(report)
    }
}

/// Whether SQLite finds nothing wrong with its own structure.
fn is_intact(conn: &Connection) -> bool {
    integrity(conn).is_ok_and(|lines| lines.is_empty())
}

impl Tx<'_> {
    fn repair(&mut self, report: &mut RepairReport) -> NodeResult<()> {
        self.mend_numbers(report)?;
        self.mend_revisions(report)?;
        self.mend_ranges(report)?;
        self.give_up_inline(report)?;
        self.mend_sizes(report)?;
        self.give_up_extents(report)?;
        self.give_up_chunks(report)?;
        self.mend_space(report)?;
        self.mend_tree(report)?;
        self.give_up_history(report)?;
        self.recount(report)
    }

    /// Runs SQL that mends, and says so if there was anything to mend.
    fn mend(
        &self,
        report: &mut RepairReport,
        what: &str,
        sql: &str,
        params: impl rusqlite::Params,
    ) -> NodeResult<()> {
        let count = self.execute(sql, params)?;
        if count > 0 {
            report.mend(format!("{what} ({count})"));
        }
        Ok(())
    }

    fn mend_revisions(&mut self, report: &mut RepairReport) -> NodeResult<()> {
        let newest: i64 =
            self.conn.query_row("SELECT coalesce(max(id), 0) FROM revision", [], |row| row.get(0))?;
        if newest > self.state.head {
            report.mend(format!("the latest revision is {newest}, not {}", self.state.head));
            self.execute("UPDATE main.meta SET head = ?1", [newest])?;
            self.state.head = newest;
        }
        let (head, now) = (self.state.head, self.now);
        self.mend(
            report,
            "the latest revision was not recorded",
            "INSERT OR IGNORE INTO main.revision(id, parent, sealed_at, kind, message)
             VALUES (?1, nullif(?1, 0) - 1, ?2, 'edit', 'recovered')",
            (head, now),
        )
    }

    fn mend_ranges(&self, report: &mut RepairReport) -> NodeResult<()> {
        let rev = self.rev();
        for (table, key) in [("inode", "n.ino = o.ino"), ("entry", "n.parent = o.parent AND n.name = o.name")]
        {
            let later = format!("{table} n WHERE {key} AND n.from_rev > o.from_rev");
            self.mend(
                report,
                &format!("rows of {table} began after the open revision"),
                &format!("UPDATE OR REPLACE main.{table} SET from_rev = ?1 WHERE from_rev > ?1"),
                [rev],
            )?;
            self.mend(
                report,
                &format!("rows of {table} were valid never"),
                &format!("DELETE FROM main.{table} WHERE to_rev <= from_rev"),
                [],
            )?;
            self.mend(
                report,
                &format!("rows of {table} overlapped"),
                &format!(
                    "UPDATE main.{table} AS o SET to_rev = (SELECT min(n.from_rev) FROM {later})
                     WHERE EXISTS (SELECT 1 FROM {later} AND n.from_rev < o.to_rev)"
                ),
                [],
            )?;
        }
        Ok(())
    }

    /// Inline bytes that are not what their hash says, and contents that are not there.
    fn give_up_inline(&self, report: &mut RepairReport) -> NodeResult<()> {
        let unsound = unsound(|found| each_inline(self.conn, found))?;
        let damaged = unsound.into_iter().filter(|(_, stored)| *stored != Stored::Lost).map(|(id, _)| id);
        for content in damaged {
            report.lose(format!("the bytes of content {content}"));
            self.execute("UPDATE main.content SET inline = NULL, hash = x'' WHERE id = ?1", [content])?;
        }
        let missing = self.execute(
            "INSERT INTO main.content(id, rev, hash) SELECT DISTINCT content, 0, x'' FROM inode
             WHERE content IS NOT NULL AND content NOT IN (SELECT id FROM content)",
            [],
        )?;
        if missing > 0 {
            report.lose(format!("{missing} contents that are missing"));
        }
        Ok(())
    }

    fn mend_sizes(&self, report: &mut RepairReport) -> NodeResult<()> {
        self.mend(
            report,
            "sizes were other than their contents'",
            "UPDATE main.inode SET (size, space) = (length(c.inline), length(c.inline)) FROM content c
             WHERE c.id = inode.content AND c.inline IS NOT NULL
                 AND (inode.size <> length(c.inline) OR inode.space <> length(c.inline))",
            [],
        )
    }

    /// Extent lists that cannot have been written so.
    fn give_up_extents(&self, report: &mut RepairReport) -> NodeResult<()> {
        self.execute(
            "INSERT INTO main.chunk(id, hash, length) SELECT chunk, CAST(CAST(chunk AS TEXT) AS BLOB), max(chunk_offset + length)
             FROM main.extent WHERE chunk NOT IN (SELECT id FROM chunk) GROUP BY chunk",
            [],
        )?;
        let impossible: Vec<i64> = self
            .conn
            .prepare(
                "SELECT content FROM (SELECT content, offset, length, lead(offset) OVER
                     (PARTITION BY content ORDER BY offset) AS next FROM main.extent)
                 WHERE length <= 0 OR offset < 0 OR next < offset + length
                 UNION SELECT e.content FROM main.extent e JOIN chunk c ON c.id = e.chunk
                 WHERE e.chunk_offset < 0 OR e.chunk_offset + e.length > c.length",
            )?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for content in impossible {
            report.lose(format!("the extent list of content {content}"));
            self.execute("DELETE FROM main.extent WHERE content = ?1", [content])?;
            self.execute("UPDATE main.content SET inline = NULL, hash = x'' WHERE id = ?1", [content])?;
        }
        Ok(())
    }

    fn give_up_chunks(&self, report: &mut RepairReport) -> NodeResult<()> {
        let unsound = unsound(|found| each_chunk(self.conn, found))?;
        let damaged = unsound.into_iter().filter(|(_, stored)| *stored != Stored::Lost).map(|(id, _)| id);
        for chunk in damaged {
            report.lose(format!("the bytes of chunk {chunk}"));
            self.execute("DELETE FROM main.block WHERE chunk = ?1", [chunk])?;
            self.execute(
                "UPDATE main.chunk SET hash = CAST(CAST(id AS TEXT) AS BLOB), owner = NULL WHERE id = ?1",
                [chunk],
            )?;
        }
        // Those that are left are what their hashes say.
        self.mend(
            report,
            "lengths of chunks were other than their bytes'",
            "UPDATE main.chunk SET length = length(b.data) FROM main.block b
             WHERE b.chunk = chunk.id AND chunk.length <> length(b.data)",
            [],
        )
    }

    fn mend_space(&self, report: &mut RepairReport) -> NodeResult<()> {
        self.mend(
            report,
            "sizes were other than their extents'",
            "UPDATE main.inode SET (size, space) = (max(size, list.last), list.sum)
             FROM (SELECT content, max(offset + length) AS last, sum(length) AS sum FROM main.extent GROUP BY content) list
             WHERE list.content = inode.content AND (list.last > size OR list.sum <> space)",
            [],
        )?;
        self.mend(
            report,
            "nodes that are no files had content",
            "UPDATE main.inode SET content = NULL WHERE content IS NOT NULL AND kind <> 8",
            [],
        )
    }

    /// The newest state: its names, then what its files hold.
    fn mend_tree(&mut self, report: &mut RepairReport) -> NodeResult<()> {
        let mut tidy = Tidy::new(self, report)?;
        tidy.names()?;
        let files: Vec<Node> = tidy.files();
        let mut readable: HashMap<i64, bool> = HashMap::new();
        for node in files {
            if !tidy.is_readable(&node, &mut readable) {
                tidy.set_aside(node)?;
            }
        }
        tidy.counts()
    }

    /// What past revisions cannot show any more.
    fn give_up_history(&self, report: &mut RepairReport) -> NodeResult<()> {
        // The first revision that shows the name; those before it may have been pruned.
        let seen =
            "coalesce((SELECT id FROM revision WHERE id >= e.from_rev ORDER BY id LIMIT 1), e.from_rev)";
        let node = format!("inode i WHERE i.ino = e.ino AND i.to_rev > {seen}");
        let nowhere = format!(
            "e.ino IS NOT NULL AND e.to_rev > {seen} AND NOT EXISTS (SELECT 1 FROM {node} AND i.from_rev <= {seen})"
        );
        self.mend(
            report,
            "names were older than their nodes",
            &format!(
                "UPDATE OR REPLACE main.entry AS e
                 SET from_rev = (SELECT min(i.from_rev) FROM {node} AND i.from_rev < e.to_rev)
                 WHERE {nowhere} AND EXISTS (SELECT 1 FROM {node} AND i.from_rev < e.to_rev)"
            ),
            [],
        )?;
        let gone = self.execute(&format!("DELETE FROM main.entry AS e WHERE {nowhere}"), [])?;
        if gone > 0 {
            report.lose(format!("{gone} names in past revisions that led nowhere"));
        }
        self.mend(
            report,
            "nodes were remembered as nameless",
            "DELETE FROM main.orphan WHERE ino NOT IN (SELECT ino FROM inode WHERE to_rev = ?1 AND nlink = 0)",
            [LIVE],
        )
    }

    fn recount(&mut self, report: &mut RepairReport) -> NodeResult<()> {
        self.flush()?;
        let (bytes, inodes): (i64, i64) = self.conn.query_row(
            "SELECT (SELECT coalesce(sum(space), 0) FROM inode WHERE to_rev = ?1),
                 (SELECT count(*) FROM inode WHERE to_rev = ?1)",
            [LIVE],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let usage = &mut self.state.pending.usage;
        if (usage.bytes, usage.inodes) != (bytes, inodes) {
            report.mend(format!("the tree takes up {bytes} bytes in {inodes} nodes"));
        }
        (usage.bytes, usage.inodes) = (bytes, inodes);
        self.flush()
    }
}

impl Tidy<'_, '_> {
    /// Whether a file, or what stands in its row, can be read. Each content is read once.
    fn is_readable(&self, node: &Node, known: &mut HashMap<i64, bool>) -> bool {
        let view = self.tx.view();
        match (node.kind, node.content) {
            (FileType::Regular, Some(content)) => *known
                .entry(content)
                .or_insert_with(|| walk::read_all(&view, Ino(node.ino as u64), node.size as u64).is_ok()),
            (FileType::Symlink, _) => node.target.is_some(),
            _ => true,
        }
    }

    /// Takes a file that cannot be read out of the tree and keeps what is left of it.
    fn set_aside(&mut self, mut node: Node) -> NodeResult<()> {
        let why = walk::read_all(&self.tx.view(), Ino(node.ino as u64), node.size as u64);
        let why = why.err().map_or("it has no target".into(), |error| reason(&error));
        let paths = self.paths(node.ino).join(", ");
        self.unname(node.ino)?;
        let pieces = self.pieces(&node)?;
        let left: usize = pieces.iter().map(|(_, bytes)| bytes.len()).sum();
        if left == 0 {
            self.report.lose(format!("{paths}: {why}"));
            return self.remove(&node);
        }
        self.tx.drop_content(node.content)?;
        let size = node.size;
        (node.content, node.size, node.space) = (None, 0, 0);
        for (offset, bytes) in pieces {
            self.tx.write_node(&mut node, offset as u64, &bytes)?;
        }
        self.tx.resize(&mut node, size)?;
        node.modify(self.tx.now);
        let at = self.keep(node, ".part")?;
        self.report.lose(format!("{paths}: {why}; the {left} of {size} bytes that can be read are in {at}"));
        Ok(())
    }

    /// Parts of a file's content that can be read.
    fn pieces(&self, node: &Node) -> NodeResult<Vec<(i64, Vec<u8>)>> {
        let Some(content) = node.content else { return Ok(Vec::new()) };
        let view = self.tx.view();
        let extents = view.extents(content, 0..i64::MAX)?;
        let mut pieces = Vec::new();
        for extent in extents {
            let bytes = match extent.object {
                None => view.chunks.slice(view.conn, &extent).ok(),
                // It is not known to be lost only because nobody answers.
                Some(_) => Some(view.read_extents(content, extent.offset..extent.end())?),
            };
            pieces.extend(bytes.map(|bytes| (extent.offset, bytes.to_vec())));
        }
        Ok(pieces)
    }
}
