//! Where two histories part.
//!
//! Forks know what they were forked from. Copies of a workspace know nothing of each other: a file that was copied, or
//! pushed and pulled, or a fork that was flattened. What they share is told by their revisions: one of the same number,
//! sealed at the same time by the same run with the same words, is the same.

use std::collections::BTreeMap;

use super::SqliteLayer;
use super::fork::WorkspaceId;
use super::merged::MergeRecord;
use super::revision::Revision;
use crate::errno::NodeResult;

/// What tells a sealed revision from others of its number: when, by what, and what was said.
type Seal = (i64, String, Option<String>, Option<String>);

/// What one of two workspaces did.
pub(super) struct Line {
    /// What it is called in records of merges: the workspace's id; of copies of one workspace that and where they part.
    pub(super) id: WorkspaceId,
    sealed: BTreeMap<u64, Seal>,
    is_copy: bool,
}

/// Where two workspaces part.
pub(super) struct Parting {
    /// The latest revision that both have.
    pub(super) common: Revision,
    pub(super) ours: Line,
    pub(super) theirs: Line,
}

impl Line {
    fn of(id: WorkspaceId, sealed: BTreeMap<u64, Seal>, copied_at: Option<Revision>) -> Line {
        let id = match copied_at {
            None => id,
            Some(common) => {
                let first = sealed.range(common.0 + 1..).next().map_or(0, |(_, seal)| seal.0);
                let what = [&id.0[..], &first.to_le_bytes()].concat();
                let hash = blake3::derive_key("cowry: a line of a workspace that has copies", &what);
                WorkspaceId(std::array::from_fn(|i| hash[i]))
            }
        };
        Line { id, sealed, is_copy: copied_at.is_some() }
    }

    /// Whether the revision that a record names is one of this line, and not of a copy that went another way.
    pub(super) fn has(&self, record: &MergeRecord) -> bool {
        match self.sealed.get(&record.theirs.0) {
            Some(seal) => seal.0 == record.sealed.0,
            // It was pruned. Of copies nobody can tell whose it was.
            None => !self.is_copy,
        }
    }
}

impl SqliteLayer {
    /// `None`: they have nothing in common.
    pub(super) fn parting(&self, theirs: &SqliteLayer) -> NodeResult<Option<Parting>> {
        let (our_id, their_id) = (self.id()?, theirs.id()?);
        let (ours, there) = (self.seals()?, theirs.seals()?);
        let descent = common(&self.ancestry()?, &theirs.ancestry()?);
        let common = last_shared(&ours, &there, descent.unwrap_or(Revision(u64::MAX)));
        // Everything begins empty: that alone is nothing to have in common.
        let Some(common) = common.filter(|common| descent.is_some() || common.0 > 0) else {
            return Ok(None);
        };
        let copied_at = (our_id == their_id).then_some(common);
        let (ours, theirs) = (Line::of(our_id, ours, copied_at), Line::of(their_id, there, copied_at));
        Ok(Some(Parting { common, ours, theirs }))
    }

    fn seals(&self) -> NodeResult<BTreeMap<u64, Seal>> {
        self.read_now(|view| {
            let sql = "SELECT id, sealed_at, kind, message, run FROM revision";
            let row = |row: &rusqlite::Row<'_>| {
                let seal = (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
                Ok((row.get::<_, i64>(0)? as u64, seal))
            };
            Ok(view.conn.prepare_cached(sql)?.query_map([], row)?.collect::<Result<_, _>>()?)
        })
    }
}

/// The latest revision up to `bound` that both have, before the first that differs.
fn last_shared(
    ours: &BTreeMap<u64, Seal>,
    theirs: &BTreeMap<u64, Seal>,
    bound: Revision,
) -> Option<Revision> {
    let both = ours.range(..=bound.0).filter_map(|(id, seal)| Some((id, seal, theirs.get(id)?)));
    both.take_while(|(_, ours, theirs)| ours == theirs).last().map(|(id, ..)| Revision(*id))
}

/// The latest revision that two lines of forks have in common, by what they were forked from.
fn common(ours: &[(WorkspaceId, Revision)], theirs: &[(WorkspaceId, Revision)]) -> Option<Revision> {
    let shared = |(id, rev): &(WorkspaceId, Revision)| {
        theirs.iter().find(|(other, _)| other == id).map(|(_, other)| *rev.min(other))
    };
    ours.iter().find_map(shared)
}
