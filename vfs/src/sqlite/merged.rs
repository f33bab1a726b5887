//! What workspaces have in common, and what was merged of one into another.
//!
//! A merge begins where the two were last the same: at the revision they were forked from, or, after a merge, at
//! the revision that was merged, so that what was settled once stays settled. The record of a merge says which
//! nodes of the other workspace became which here, since both count on independently after a fork.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::OptionalExtension;

use super::SqliteLayer;
use super::fork::WorkspaceId;
use super::revision::{Revision, head};
use crate::change::Change;
use crate::clock::Timestamp;
use crate::commit::InoMap;
use crate::errno::{Errno, NodeResult};
use crate::layer::Layer;
use crate::merge::{Kin, Scope};
use crate::node::Ino;

/// The latest merge of another workspace into this one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MergeRecord {
    /// The other workspace.
    pub workspace: WorkspaceId,
    /// Its revision that was merged.
    pub theirs: Revision,
    /// The revision of this workspace that has it.
    pub ours: Revision,
    /// When.
    pub at: Timestamp,
}

/// Which of two workspaces has a revision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BaseOwner {
    /// Both: it is what they were forked from.
    Both,
    /// The one that is merged into. It was merged into the other.
    Ours,
    /// The other one. It was merged before.
    Theirs,
}

/// What two workspaces have in common, and what each did since.
#[derive(Debug)]
pub struct Kinship {
    /// The revision to start from.
    pub revision: Revision,
    /// Who has it.
    pub owner: BaseOwner,
    /// Its tree.
    pub base: Arc<dyn Layer>,
    /// Which nodes of ours are which of the base.
    pub our_kin: Kin,
    /// Which nodes of theirs are which of the base.
    pub their_kin: Kin,
    our_changes: Option<Vec<Change>>,
    their_changes: Option<Vec<Change>>,
}

impl Kinship {
    /// Where to look for what ours changed.
    pub fn our_scope(&self) -> Scope<'_> {
        self.our_changes.as_deref().map_or(Scope::Everywhere, Scope::Changes)
    }

    /// Where to look for what theirs changed.
    pub fn their_scope(&self) -> Scope<'_> {
        self.their_changes.as_deref().map_or(Scope::Everywhere, Scope::Changes)
    }
}

/// Where a merge can start.
struct Start {
    owner: BaseOwner,
    revision: Revision,
    base: Arc<dyn Layer>,
}

impl SqliteLayer {
    /// This workspace and those it is a fork of, the nearest first, each with the latest revision seen of it.
    ///
    /// # Errors
    /// `EIO` if a file cannot be read.
    pub fn ancestry(&self) -> NodeResult<Vec<(WorkspaceId, Revision)>> {
        self.read_now(|view| {
            let head = head(view.conn)?.0 as i64;
            let mut all = Vec::new();
            for (schema, limit) in self.shared.lineage.schemas() {
                let sql = format!("SELECT workspace FROM {schema}.meta");
                let id = view.conn.query_row(&sql, [], |row| row.get(0).map(WorkspaceId))?;
                all.push((id, Revision(limit.min(head) as u64)));
            }
            Ok(all)
        })
    }

    /// What this workspace, as it is in its latest revision, and `theirs`, as it is in `their_rev`, have in common.
    /// `None`: neither is a fork of the other, and they are not forks of one workspace.
    ///
    /// # Errors
    /// `ENOENT` if there is no such revision, or none to start from any more; `EIO`.
    pub fn kinship(&self, theirs: &SqliteLayer, their_rev: Revision) -> NodeResult<Option<Kinship>> {
        let our_rev = self.head()?;
        let Some(common) = common(&self.ancestry()?, &theirs.ancestry()?) else { return Ok(None) };
        let pin = self.at(common)?;
        let start = match self.last_merge(theirs)? {
            Some(start) => start,
            None => Start { owner: BaseOwner::Both, revision: common, base: pin.clone() },
        };
        let pairs = self.pairs_with(theirs)?;
        let Start { owner, revision, base } = start;
        let same = || Kin::through(base.clone());
        let (our_kin, their_kin) = match owner {
            BaseOwner::Both => (same(), same()),
            BaseOwner::Theirs => (Kin::through(pin).with(pairs), same()),
            BaseOwner::Ours => (same(), Kin::through(pin).with(pairs.into_iter().map(|(a, b)| (b, a)))),
        };
        let (mut our_changes, mut their_changes) = (None, None);
        if owner != BaseOwner::Theirs {
            our_changes = Some(self.diff(revision, our_rev)?);
        }
        if owner != BaseOwner::Ours {
            their_changes = Some(theirs.diff(revision, their_rev)?);
        }
        Ok(Some(Kinship { revision, owner, base, our_kin, their_kin, our_changes, their_changes }))
    }

    /// The latest point that both have by a merge. Where that was pruned, the fork is where to start from again.
    fn last_merge(&self, theirs: &SqliteLayer) -> NodeResult<Option<Start>> {
        let (here, there) = (self.merge_record(theirs.id()?)?, theirs.merge_record(self.id()?)?);
        let from_theirs = here.map(|record| (BaseOwner::Theirs, record.theirs));
        let from_ours = there.map(|record| (BaseOwner::Ours, record.theirs));
        let order = match (here, there) {
            // What was merged there later has in it what was merged here before.
            (Some(here), Some(there)) if there.theirs >= here.ours => [from_ours, from_theirs],
            (Some(here), Some(there)) if here.theirs >= there.ours => [from_theirs, from_ours],
            (Some(here), Some(there)) if there.at > here.at => [from_ours, from_theirs],
            _ => [from_theirs, from_ours],
        };
        for (owner, revision) in order.into_iter().flatten() {
            let layer = if owner == BaseOwner::Ours { self } else { theirs };
            match layer.at(revision) {
                Ok(base) => return Ok(Some(Start { owner, revision, base })),
                Err(error) if error == Errno::ENOENT => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Nodes of the other workspace and what they are in this one, as merges in both directions found.
    fn pairs_with(&self, theirs: &SqliteLayer) -> NodeResult<HashMap<Ino, Ino>> {
        let mut pairs: HashMap<Ino, Ino> =
            theirs.merged_nodes(self.id()?)?.into_iter().map(|(ours, theirs)| (theirs, ours)).collect();
        pairs.extend(self.merged_nodes(theirs.id()?)?);
        Ok(pairs)
    }

    /// The latest merge of a workspace into this one, if there was one.
    ///
    /// # Errors
    /// `EIO` if the file cannot be read.
    pub fn merge_record(&self, workspace: WorkspaceId) -> NodeResult<Option<MergeRecord>> {
        self.read_now(|view| {
            let mut statement =
                view.conn.prepare_cached("SELECT theirs, ours, at FROM merged WHERE workspace = ?1")?;
            let row = |row: &rusqlite::Row<'_>| {
                Ok(MergeRecord {
                    workspace,
                    theirs: Revision(row.get::<_, i64>(0)? as u64),
                    ours: Revision(row.get::<_, i64>(1)? as u64),
                    at: Timestamp(row.get(2)?),
                })
            };
            Ok(statement.query_row([workspace.0], row).optional()?)
        })
    }

    fn merged_nodes(&self, workspace: WorkspaceId) -> NodeResult<Vec<(Ino, Ino)>> {
        self.read_now(|view| {
            let mut statement =
                view.conn.prepare_cached("SELECT theirs, ours FROM merged_node WHERE workspace = ?1")?;
            let row = |row: &rusqlite::Row<'_>| {
                Ok((Ino(row.get::<_, i64>(0)? as u64), Ino(row.get::<_, i64>(1)? as u64)))
            };
            Ok(statement.query_map([workspace.0], row)?.collect::<Result<_, _>>()?)
        })
    }

    /// Records that a revision of another workspace was merged into the latest of this one. `pairs` are what the merge
    /// found, in the numbers of its overlay; `made` tells which of them the commit gave others.
    ///
    /// Part of the transaction that commits the merge, or there would be a time when it is not known.
    ///
    /// # Errors
    /// `EROFS`, `ENOSPC`, `EIO`.
    pub fn note_merge(
        &self,
        workspace: WorkspaceId,
        theirs: Revision,
        pairs: &[(Ino, Ino)],
        made: &InoMap,
    ) -> NodeResult<()> {
        self.change(|tx| {
            tx.flush()?;
            let (ours, at) = (tx.state.head, tx.now);
            tx.execute(
                "INSERT INTO merged(workspace, theirs, ours, at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT(workspace) DO UPDATE SET theirs = excluded.theirs, ours = excluded.ours,
                     at = excluded.at",
                (workspace.0, theirs.0 as i64, ours, at),
            )?;
            for (theirs, ours) in pairs {
                let ours = made.get(*ours).unwrap_or(*ours);
                tx.execute(
                    "INSERT INTO merged_node(workspace, theirs, ours) VALUES (?1, ?2, ?3)
                     ON CONFLICT(workspace, theirs) DO UPDATE SET ours = excluded.ours",
                    (workspace.0, theirs.0 as i64, ours.0 as i64),
                )?;
            }
            Ok(())
        })
    }
}

/// The latest revision that two lines of forks have in common.
fn common(ours: &[(WorkspaceId, Revision)], theirs: &[(WorkspaceId, Revision)]) -> Option<Revision> {
    let shared = |(id, rev): &(WorkspaceId, Revision)| {
        theirs.iter().find(|(other, _)| other == id).map(|(_, other)| *rev.min(other))
    };
    ours.iter().find_map(shared)
}
