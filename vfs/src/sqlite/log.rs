//! Listing revisions.

use rusqlite::{Connection, OptionalExtension, named_params};

use super::SqliteLayer;
use super::diff;
use super::names::NAMES;
use super::revision::{INFO, Revision, RevisionInfo, RevisionKind};
use super::view::View;
use crate::clock::Timestamp;
use crate::errno::NodeResult;
use crate::path::VPathBuf;

/// Which revisions to list: those that everything that is said here holds for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RevisionFilter {
    /// At most so many, the newest.
    pub limit: Option<usize>,
    /// None sealed before.
    pub since: Option<Timestamp>,
    /// None sealed after.
    pub until: Option<Timestamp>,
    /// None newer than this one.
    pub to: Option<Revision>,
    /// Only those of this kind.
    pub kind: Option<RevisionKind>,
    /// Only those that a run made whose id begins so.
    pub run: Option<String>,
    /// Only those that have this name.
    pub name: Option<String>,
    /// Only those whose message has this text in it, in upper or lower case.
    pub message: Option<String>,
    /// Only those that changed something at this path or below it. Takes time with all that they changed.
    pub path: Option<VPathBuf>,
}

/// How many revisions are looked at in one go.
const PAGE: usize = 200;

impl SqliteLayer {
    /// Revisions, newest first.
    ///
    /// # Errors
    /// `EIO` if the file cannot be read.
    pub fn revisions(&self, filter: &RevisionFilter) -> NodeResult<Vec<RevisionInfo>> {
        let limit = filter.limit.unwrap_or(usize::MAX);
        let Some(path) = &filter.path else {
            return self.read_now(|view| list(view.conn, filter, None, limit));
        };
        let (mut found, mut last) = (Vec::new(), None);
        while found.len() < limit {
            let page = self.read_now(|view| list(view.conn, filter, last, PAGE))?;
            let Some(end) = page.last() else { break };
            last = Some(end.id);
            for info in page {
                if found.len() < limit && self.read_history(|conn| self.touched(conn, &info, path))? {
                    found.push(info);
                }
            }
        }
        Ok(found)
    }

    /// The revision so many before the latest, of those that are left.
    ///
    /// # Errors
    /// `EIO` if the file cannot be read.
    pub fn nth_latest(&self, back: u64) -> NodeResult<Option<Revision>> {
        self.read_now(|view| {
            let sql = "SELECT id FROM revision ORDER BY id DESC LIMIT 1 OFFSET ?1";
            let mut statement = view.conn.prepare_cached(sql)?;
            let back = i64::try_from(back).unwrap_or(i64::MAX);
            let found: Option<i64> = statement.query_row([back], |row| row.get(0)).optional()?;
            Ok(found.map(|rev| Revision(rev as u64)))
        })
    }

    /// The oldest revision that is left.
    ///
    /// # Errors
    /// `EIO` if the file cannot be read.
    pub fn first_revision(&self) -> NodeResult<RevisionInfo> {
        self.read_now(|view| {
            let sql = format!("SELECT {INFO}, {NAMES} FROM revision ORDER BY id LIMIT 1");
            Ok(view.conn.prepare_cached(&sql)?.query_row([], RevisionInfo::from_row)?)
        })
    }

    /// Whether something at or below a path differs from the revision before (that is left).
    fn touched(&self, conn: &Connection, info: &RevisionInfo, path: &VPathBuf) -> NodeResult<bool> {
        let before: Option<i64> = conn
            .prepare_cached("SELECT max(id) FROM revision WHERE id < ?1")?
            .query_row([info.id.0 as i64], |row| row.get(0))?;
        let Some(before) = before else { return Ok(false) };
        let view = |rev: i64| -> View<'_> { self.shared.view(conn, rev) };
        let hit = |there: &VPathBuf| there.is_within(path) || path.is_within(there);
        let changes = diff::changes(&view(before), &view(info.id.0 as i64))?;
        // What lies below a directory that was renamed is not listed and moved with it.
        Ok(changes.iter().any(|change| {
            change.path.is_within(path)
                || change.from.as_ref().is_some_and(|from| hit(from) || hit(&change.path))
        }))
    }
}

/// Revisions older than `before`, newest first.
fn list(
    conn: &Connection,
    filter: &RevisionFilter,
    before: Option<Revision>,
    limit: usize,
) -> NodeResult<Vec<RevisionInfo>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {INFO}, {NAMES} FROM revision WHERE sealed_at >= :since AND sealed_at <= :until AND id <= :to
             AND id < :before AND (:kind IS NULL OR kind = :kind)
             AND (:run IS NULL OR substr(run, 1, length(:run)) = :run)
             AND (:name IS NULL OR id IN (SELECT rev FROM name WHERE name = :name))
             AND (:message IS NULL OR instr(lower(message), lower(:message)) > 0)
         ORDER BY id DESC LIMIT :limit"
    ))?;
    let number = |rev: Option<Revision>| rev.map_or(i64::MAX, |rev| rev.0 as i64);
    let rows = statement.query_map(
        named_params! {
            ":since": filter.since.map_or(i64::MIN, |time| time.0),
            ":until": filter.until.map_or(i64::MAX, |time| time.0),
            ":to": number(filter.to),
            ":before": number(before),
            ":kind": filter.kind.map(RevisionKind::as_str),
            ":run": filter.run,
            ":name": filter.name,
            ":message": filter.message,
            ":limit": i64::try_from(limit).unwrap_or(-1),
        },
        RevisionInfo::from_row,
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}
