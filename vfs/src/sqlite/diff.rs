//! What differs between two revisions, in time proportional to it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rusqlite::Connection;

use super::SqliteLayer;
use super::inode::Node;
use super::lineage::Lineage;
use super::paths::Paths;
use super::revision::Revision;
use super::view::{self, View};
use crate::change::{Change, ChangeKind};
use crate::clock::Timestamp;
use crate::errno::NodeResult;
use crate::node::{FileType, Ino, Stat};
use crate::path::{Name, VPathBuf};

/// How much of two files is compared at a time.
const COMPARE_BYTES: usize = 1 << 20;

/// An entry that leads somewhere else.
pub(super) struct EntryChange {
    pub(super) parent: i64,
    pub(super) name: Name,
    pub(super) before: Option<i64>,
    pub(super) after: Option<i64>,
}

/// Entries that lead elsewhere at `after` than at `before`.
pub(super) fn entries(before: &View<'_>, after: &View<'_>) -> NodeResult<Vec<EntryChange>> {
    let mut statement = before.conn.prepare_cached(&scan(before.lineage, "entry", "parent, name"))?;
    let mut rows = statement.query(span(before, after))?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        let (parent, name) = (row.get(0)?, view::name(row.get_ref(1)?)?);
        let there = |view: &View<'_>| Ok(view.entry(parent, &name)?.map(|entry| entry.ino));
        let (was, is): (NodeResult<_>, NodeResult<_>) = (there(before), there(after));
        let (before, after) = (was?, is?);
        if before != after {
            changes.push(EntryChange { parent, name, before, after });
        }
    }
    Ok(changes)
}

/// Inodes with a row that began or ended in between, whatever changed in it.
pub(super) fn inodes(before: &View<'_>, after: &View<'_>) -> NodeResult<BTreeSet<i64>> {
    let mut statement = before.conn.prepare_cached(&scan(before.lineage, "inode", "ino"))?;
    let rows = statement.query_map(span(before, after), |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What began or ended after revision `?1` and until `?2`, in this file and in those it stands on: a look at indices.
fn scan(lineage: &Lineage, table: &str, columns: &str) -> String {
    let parts = lineage.schemas().map(|(schema, limit)| {
        format!(
            "SELECT {columns} FROM {schema}.{table} WHERE from_rev > ?1 AND from_rev <= min(?2, {limit})
             UNION SELECT {columns} FROM {schema}.{table}
                 WHERE to_rev > ?1 AND to_rev <= min(?2, {limit}) AND to_rev < 9223372036854775807"
        )
    });
    parts.collect::<Vec<_>>().join(" UNION ")
}

fn span(a: &View<'_>, b: &View<'_>) -> (i64, i64) {
    (a.rev.min(b.rev), a.rev.max(b.rev))
}

/// The node as of `view`, unless it had lost its last name.
pub(super) fn named(view: &View<'_>, ino: i64) -> NodeResult<Option<Node>> {
    Ok(Node::load(view.conn, ino, view.rev)?.filter(|node| node.nlink > 0))
}

impl SqliteLayer {
    /// What differs between two sealed revisions, in path order.
    ///
    /// A file that was replaced by another of the same kind under the same name counts as modified.
    ///
    /// # Errors
    /// `ENOENT` if there is no such revision.
    pub fn diff(&self, before: Revision, after: Revision) -> NodeResult<Vec<Change>> {
        let _kept = (self.shared.hold(before)?, self.shared.hold(after)?);
        self.revision(before)?;
        self.revision(after)?;
        self.read_history(|conn| {
            let view = |rev: Revision| self.shared.view(conn, rev.0 as i64);
            changes(&view(before), &view(after))
        })
    }

    /// Reads of sealed revisions that may take a while: on a reading connection, so that they hold up no writer,
    /// unless this thread is in a batch, which may have sealed what is being read.
    pub(super) fn read_history<T>(&self, work: impl FnOnce(&Connection) -> NodeResult<T>) -> NodeResult<T> {
        if self.writer.is_owned_by_current_thread() {
            return self.read_now(|view| work(view.conn));
        }
        work(&*self.shared.reader()?)
    }
}

/// The difference between two views, as users see it.
pub(super) fn changes(before: &View<'_>, after: &View<'_>) -> NodeResult<Vec<Change>> {
    let mut diff = Diff {
        before,
        after,
        old: Paths::new(before.conn, before.rev),
        new: Paths::new(after.conn, after.rev),
        changes: Vec::new(),
        listed: HashSet::new(),
    };
    diff.compare_names()?;
    diff.compare_nodes()?;
    let mut changes = diff.changes;
    changes.sort_by(|a, b| order(&a.path, &b.path).then(rank(a.kind).cmp(&rank(b.kind))));
    Ok(changes)
}

/// Path order: what is below a directory comes right after it.
pub(super) fn order(a: &VPathBuf, b: &VPathBuf) -> std::cmp::Ordering {
    a.split('/').cmp(b.split('/'))
}

/// What left a path comes before what took its place.
fn rank(kind: ChangeKind) -> u8 {
    u8::from(kind != ChangeKind::Removed)
}

struct Diff<'a> {
    before: &'a View<'a>,
    after: &'a View<'a>,
    old: Paths<'a>,
    new: Paths<'a>,
    changes: Vec<Change>,
    /// Inodes and the paths they are listed at already.
    listed: HashSet<(i64, VPathBuf)>,
}

impl Diff<'_> {
    /// Names that came, went or moved.
    fn compare_names(&mut self) -> NodeResult<()> {
        let mut lost: BTreeMap<i64, Vec<VPathBuf>> = BTreeMap::new();
        let mut gained: BTreeMap<i64, Vec<VPathBuf>> = BTreeMap::new();
        let mut replaced = Vec::new();
        for change in entries(self.before, self.after)? {
            if let Some(ino) = change.before {
                lost.entry(ino).or_default().push(self.old.entry(change.parent, &change.name)?);
            }
            if let Some(ino) = change.after {
                gained.entry(ino).or_default().push(self.new.entry(change.parent, &change.name)?);
            }
            if let (Some(before), Some(after)) = (change.before, change.after) {
                replaced.push((before, after));
            }
        }
        self.pair_replaced(replaced, &mut lost, &mut gained)?;
        for (ino, mut to) in gained {
            let mut from = lost.remove(&ino).unwrap_or_default();
            from.sort_by(order);
            to.sort_by(order);
            let moves = from.len().min(to.len());
            for (from, to) in from.drain(..moves).zip(to.drain(..moves)) {
                self.list(ChangeKind::Renamed, to, Some(from), ino, ino)?;
            }
            to.into_iter().try_for_each(|path| self.list(ChangeKind::Added, path, None, ino, ino))?;
            from.into_iter().try_for_each(|path| self.list(ChangeKind::Removed, path, None, ino, ino))?;
        }
        for (ino, paths) in lost {
            paths.into_iter().try_for_each(|path| self.list(ChangeKind::Removed, path, None, ino, ino))?;
        }
        Ok(())
    }

    /// A new node in the place of one of the same kind that is gone: how many programs save a file.
    fn pair_replaced(
        &mut self,
        replaced: Vec<(i64, i64)>,
        lost: &mut BTreeMap<i64, Vec<VPathBuf>>,
        gained: &mut BTreeMap<i64, Vec<VPathBuf>>,
    ) -> NodeResult<()> {
        for (gone, come) in replaced {
            let (Some(from), Some(to)) = (lost.get(&gone), gained.get(&come)) else { continue };
            if from != to || from.len() != 1 || named(self.before, come)?.is_some() {
                continue;
            }
            let (Some(was), Some(is)) = (named(self.before, gone)?, named(self.after, come)?) else {
                continue;
            };
            if was.kind != is.kind || named(self.after, gone)?.is_some() {
                continue;
            }
            let path = from[0].clone();
            lost.remove(&gone);
            gained.remove(&come);
            if was.differs(&is) {
                self.list(ChangeKind::Modified, path, None, gone, come)?;
            }
        }
        Ok(())
    }

    /// Nodes that stayed where they were.
    fn compare_nodes(&mut self) -> NodeResult<()> {
        for ino in inodes(self.before, self.after)? {
            let (Some(was), Some(is)) = (named(self.before, ino)?, named(self.after, ino)?) else { continue };
            if !was.differs(&is) {
                continue;
            }
            // The same bytes may have been stored a second time.
            let same_bytes = !self.content_differs(&was, &is)?;
            if same_bytes && !(Node { content: is.content, ..was.clone() }).differs(&is) {
                continue;
            }
            let paths: Vec<VPathBuf> = match ino {
                super::ROOT => vec![VPathBuf::root()],
                _ => {
                    let names = self.new.names(ino)?;
                    names.iter().map(|(dir, name)| self.new.entry(*dir, name)).collect::<NodeResult<_>>()?
                }
            };
            for path in paths {
                if !self.listed.contains(&(ino, path.clone())) {
                    self.list(ChangeKind::Modified, path, None, ino, ino)?;
                }
            }
        }
        Ok(())
    }

    fn list(
        &mut self,
        kind: ChangeKind,
        path: VPathBuf,
        from: Option<VPathBuf>,
        was: i64,
        is: i64,
    ) -> NodeResult<()> {
        let before = if kind == ChangeKind::Added { None } else { named(self.before, was)? };
        let after = if kind == ChangeKind::Removed { None } else { named(self.after, is)? };
        let content = match (&before, &after) {
            (Some(before), Some(after)) => self.content_differs(before, after)?,
            (before, after) => before.iter().chain(after).any(has_content),
        };
        self.listed.insert((is, path.clone()));
        let (before, after) = (before.as_ref().map(stat), after.as_ref().map(stat));
        self.changes.push(Change { path, kind, from, before, after, content });
        Ok(())
    }

    /// Whether the bytes differ. Two contents may hold the same ones.
    fn content_differs(&self, was: &Node, is: &Node) -> NodeResult<bool> {
        if was.kind != is.kind || was.target != is.target || was.size != is.size {
            return Ok(was.kind != is.kind || has_content(is));
        }
        if was.content == is.content {
            return Ok(false);
        }
        let mut at = 0;
        while at < is.size as u64 {
            let old = self.before.read(Ino(was.ino as u64), at, COMPARE_BYTES)?;
            if old != self.after.read(Ino(is.ino as u64), at, COMPARE_BYTES)? {
                return Ok(true);
            }
            at += COMPARE_BYTES as u64;
        }
        Ok(false)
    }
}

fn has_content(node: &Node) -> bool {
    matches!(node.kind, FileType::Regular | FileType::Symlink)
}

/// atime has no history; birth is the one moment it surely was.
fn stat(node: &Node) -> Stat {
    node.stat(Timestamp(node.btime))
}
