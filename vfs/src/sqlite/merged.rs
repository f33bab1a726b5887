//! What workspaces have in common, and what was merged of one into another.
//!
//! A merge begins where the two were last the same: at the revision they were forked from, or, after a merge, at
//! the revision that was merged, so that what was settled once stays settled. The record of a merge says which
//! nodes of the other workspace became which here, since both count on independently after a fork. It names a revision by
//! number and time: copies of one workspace count their revisions alike.

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
    /// The other workspace; see [`Merging::line`].
    pub workspace: WorkspaceId,
    /// Its revision that was merged.
    pub theirs: Revision,
    /// When that was sealed.
    pub sealed: Timestamp,
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
    /// What is merged, for the record of it.
    pub merging: Merging,
    our_changes: Option<Vec<Change>>,
    their_changes: Option<Vec<Change>>,
}

/// A revision of another workspace that is merged into this one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Merging {
    /// What the other one is called in records: its id, or, if it is a copy of this one, what tells the two apart.
    pub line: WorkspaceId,
    /// Its revision.
    pub revision: Revision,
    /// When that was sealed.
    pub sealed: Timestamp,
    /// Whether what was recorded under that name before was about another copy, which is to be forgotten.
    pub anew: bool,
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
    /// `None`: neither is a fork or a copy of the other, and they are not forks of one workspace.
    ///
    /// # Errors
    /// `ENOENT` if there is no such revision, or none to start from any more; `EIO`.
    pub fn kinship(&self, theirs: &SqliteLayer, their_rev: Revision) -> NodeResult<Option<Kinship>> {
        let our_rev = self.head()?;
        let Some(parting) = self.parting(theirs)? else { return Ok(None) };
        let pin = self.at(parting.common)?;
        let recorded = self.merge_record(parting.theirs.id)?;
        let here = recorded.filter(|record| parting.theirs.has(record));
        let there = theirs.merge_record(parting.ours.id)?.filter(|record| parting.ours.has(record));
        let start = match self.last_merge(theirs, here, there)? {
            Some(start) => start,
            None => Start { owner: BaseOwner::Both, revision: parting.common, base: pin.clone() },
        };
        let mut pairs = HashMap::new();
        if there.is_some() {
            pairs.extend(
                theirs.merged_nodes(parting.ours.id)?.into_iter().map(|(ours, theirs)| (theirs, ours)),
            );
        }
        if here.is_some() {
            pairs.extend(self.merged_nodes(parting.theirs.id)?);
        }
        let merging = Merging {
            line: parting.theirs.id,
            revision: their_rev,
            sealed: theirs.revision(their_rev)?.sealed_at,
            anew: recorded.is_some() && here.is_none(),
        };
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
        Ok(Some(Kinship { revision, owner, base, our_kin, their_kin, merging, our_changes, their_changes }))
    }

    /// The latest point that both have by a merge. Where that was pruned, the fork is where to start from again.
    fn last_merge(
        &self,
        theirs: &SqliteLayer,
        here: Option<MergeRecord>,
        there: Option<MergeRecord>,
    ) -> NodeResult<Option<Start>> {
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

    /// Whether a revision was merged into this workspace, or into what it was made of.
    ///
    /// # Errors
    /// `EIO` if the file cannot be read.
    #[cfg(feature = "object")]
    pub(crate) fn has_merged(&self, revision: Revision, sealed: Timestamp) -> NodeResult<bool> {
        self.read_now(|view| {
            let sql = "SELECT 1 FROM merged WHERE theirs = ?1 AND sealed = ?2";
            Ok(view.conn.prepare_cached(sql)?.exists([revision.0 as i64, sealed.0])?)
        })
    }

    /// The latest merge of a workspace into this one, if there was one.
    ///
    /// # Errors
    /// `EIO` if the file cannot be read.
    pub fn merge_record(&self, workspace: WorkspaceId) -> NodeResult<Option<MergeRecord>> {
        self.read_now(|view| {
            let mut statement = view
                .conn
                .prepare_cached("SELECT theirs, ours, at, sealed FROM merged WHERE workspace = ?1")?;
            let row = |row: &rusqlite::Row<'_>| {
                Ok(MergeRecord {
                    workspace,
                    theirs: Revision(row.get::<_, i64>(0)? as u64),
                    ours: Revision(row.get::<_, i64>(1)? as u64),
                    at: Timestamp(row.get(2)?),
                    sealed: Timestamp(row.get(3)?),
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
    pub fn note_merge(&self, merging: &Merging, pairs: &[(Ino, Ino)], made: &InoMap) -> NodeResult<()> {
        let Merging { line: workspace, revision, sealed, anew } = *merging;
        self.change(|tx| {
            tx.flush()?;
            let (ours, at) = (tx.state.head, tx.now);
            if anew {
                tx.execute("DELETE FROM main.merged_node WHERE workspace = ?1", [workspace.0])?;
            }
            tx.execute(
                "INSERT INTO merged(workspace, theirs, ours, at, sealed) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT(workspace) DO UPDATE SET theirs = excluded.theirs, ours = excluded.ours,
                     at = excluded.at, sealed = excluded.sealed",
                (workspace.0, revision.0 as i64, ours, at, sealed.0),
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
