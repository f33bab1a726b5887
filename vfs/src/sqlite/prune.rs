//! Forgetting revisions.
//!
//! Pruning takes a revision out of history; what only it could reach is given back by `gc`. Rows that other
//! revisions need stay as they are, so a comparison of two that are left is right whatever was between them.

use super::SqliteLayer;
use super::names::is_named;
use super::pin::ForkInfo;
use super::revision::Revision;
use super::tx::Tx;
use crate::clock::Timestamp;
use crate::errno::{Errno, NodeResult};

/// Which revisions to forget: those that everything that is said here holds for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PruneRequest {
    /// Sealed before this.
    pub before: Option<Timestamp>,
    /// Not among so many of the latest.
    pub keep_last: Option<u64>,
    /// From this one on.
    pub from: Option<Revision>,
    /// Up to and with this one.
    pub to: Option<Revision>,
    /// Only says what would be pruned.
    pub dry_run: bool,
}

/// Why a revision that was asked for stays.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum KeptFor {
    /// It is the latest.
    Latest,
    /// It is where this workspace begins: the empty tree, or what was forked.
    First,
    /// It has a name.
    Name(String),
    /// A fork stands on it.
    Fork(ForkInfo),
    /// The kept changes of the run with this id are changes of it.
    Run(String),
    /// This process is reading it.
    Reader,
}

/// What was, or would be, pruned.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PruneReport {
    /// The revisions, the oldest first.
    pub pruned: Vec<Revision>,
    /// Those that were asked for and stay, the oldest first.
    pub kept: Vec<(Revision, KeptFor)>,
}

impl SqliteLayer {
    /// Forgets revisions: they are listed no longer and cannot be read. The latest, the first, and those that have a
    /// name, a fork or kept changes of a run stay. In a fork only its own are looked at.
    ///
    /// # Errors
    /// `EBUSY` within a batch, and while another process reads a sealed revision or writes; `EROFS`, `EIO`.
    pub fn prune(&self, request: &PruneRequest) -> NodeResult<PruneReport> {
        if self.read_now(|view| Ok(view.pending.is_some()))? {
            return Err(Errno::EBUSY.into());
        }
        let mut report = match request.dry_run {
            true => self.change(|tx| tx.judge_revisions(request, &[])),
            false => self.prune_alone(request),
        }?;
        for (_, why) in &mut report.kept {
            if let KeptFor::Fork(fork) = why {
                fork.look();
            }
        }
        Ok(report)
    }

    fn prune_alone(&self, request: &PruneRequest) -> NodeResult<PruneReport> {
        // First, as everybody does who reads a revision within a batch.
        let _writer = self.writer.lock();
        self.shared.holds.alone(self.options().busy_timeout, |held| {
            self.change(|tx| {
                let report = tx.judge_revisions(request, held)?;
                for rev in &report.pruned {
                    tx.execute("DELETE FROM main.revision WHERE id = ?1", [rev.0 as i64])?;
                }
                Ok(report)
            })
        })
    }
}

impl Tx<'_> {
    /// Who goes and who stays.
    fn judge_revisions(&self, request: &PruneRequest, held: &[Revision]) -> NodeResult<PruneReport> {
        let mut report = PruneReport::default();
        let (first, head) = (self.first_revision()?, self.state.head);
        for rev in self.asked_for(request)? {
            let why = match rev {
                rev if rev == head => Some(KeptFor::Latest),
                rev if rev == first => Some(KeptFor::First),
                rev => self.needed_by(rev, held)?,
            };
            let rev = Revision(rev as u64);
            match why {
                Some(why) => report.kept.push((rev, why)),
                None => report.pruned.push(rev),
            }
        }
        Ok(report)
    }

    /// What needs a revision that neither begins nor ends history.
    fn needed_by(&self, rev: i64, held: &[Revision]) -> NodeResult<Option<KeptFor>> {
        if let Some(name) = is_named(self, rev)? {
            return Ok(Some(KeptFor::Name(name)));
        }
        if let Some(fork) = self.fork_on(rev)? {
            return Ok(Some(KeptFor::Fork(fork)));
        }
        if let Some(run) = self.run_on(rev)? {
            return Ok(Some(KeptFor::Run(run)));
        }
        Ok(held.contains(&Revision(rev as u64)).then_some(KeptFor::Reader))
    }

    fn first_revision(&self) -> NodeResult<i64> {
        Ok(self.conn.query_row("SELECT min(id) FROM main.revision", [], |row| row.get(0))?)
    }

    fn asked_for(&self, request: &PruneRequest) -> NodeResult<Vec<i64>> {
        let number = |rev: Option<Revision>, otherwise| rev.map_or(otherwise, |rev| rev.0 as i64);
        let before = request.before.map_or(i64::MAX, |time| time.0);
        let keep = request.keep_last.map_or(0, |count| i64::try_from(count).unwrap_or(i64::MAX));
        let mut statement = self.conn.prepare(
            "SELECT id FROM main.revision WHERE sealed_at < ?1 AND id BETWEEN ?2 AND ?3
                 AND id NOT IN (SELECT id FROM main.revision ORDER BY id DESC LIMIT ?4) ORDER BY id",
        )?;
        let range = (number(request.from, 0), number(request.to, i64::MAX));
        let rows = statement.query_map((before, range.0, range.1, keep), |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether rows are left that only pruned revisions could reach.
    pub(super) fn has_dead_rows(&self) -> NodeResult<bool> {
        for table in ["inode", "entry"] {
            if self.conn.prepare(&format!("SELECT 1 FROM main.{table} WHERE {DEAD} LIMIT 1"))?.exists([])? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Deletes rows that no revision that is left can reach.
    pub(super) fn drop_dead_rows(&self) -> NodeResult<usize> {
        let drop = |table: &str| self.execute(&format!("DELETE FROM main.{table} WHERE {DEAD}"), []);
        Ok(drop("entry")? + drop("inode")?)
    }
}

/// What is true of a row that ended before the first revision that is left and could see it. The latest one is always
/// left, and so is the one where a fork begins: rows that hide a parent's are never among these.
const DEAD: &str = "to_rev < 9223372036854775807
    AND to_rev <= (SELECT min(id) FROM main.revision WHERE id >= from_rev)";
