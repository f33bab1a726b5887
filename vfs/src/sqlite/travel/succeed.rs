//! A file that came from elsewhere and takes the place of an older state of the same workspace.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use super::super::fork::WorkspaceId;
use super::super::lineage::uri;
use super::super::open::{self, Access, OpenError, Presence, beside};
use super::super::revision::{self, Revision};
use super::super::tier::identity;
use super::super::{SqliteLayer, SqliteOptions, schema};
use super::TravelError;
use crate::clock::Timestamp;
use crate::errno::{Errno, NodeError};

/// How far a workspace is that is there already.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Standing {
    pub(crate) workspace: WorkspaceId,
    pub(crate) head: Revision,
    pub(crate) is_fork: bool,
    /// Whether something was written and not sealed.
    pub(crate) is_open: bool,
}

impl SqliteLayer {
    /// How far this workspace is.
    ///
    /// # Errors
    /// `EIO` if the file cannot be read.
    pub(crate) fn standing(&self) -> Result<Standing, TravelError> {
        Ok(Standing {
            workspace: self.id()?,
            head: self.head()?,
            is_fork: self.shared.lineage.is_fork(),
            is_open: self.has_open_changes()?,
        })
    }

    /// When a revision was sealed; `None` if it is not there.
    ///
    /// # Errors
    /// `EIO` if the file cannot be read.
    pub(crate) fn sealed_at(&self, rev: Revision) -> Result<Option<Timestamp>, TravelError> {
        Ok(self.read_now(|view| {
            let sql = "SELECT sealed_at FROM revision WHERE id = ?1";
            Ok(view.conn.query_row(sql, [rev.0 as i64], |row| row.get(0).map(Timestamp)).optional()?)
        })?)
    }
}

/// Puts a draft that was settled in the place of `target`, all at once, if everything that `target` has is in it: the
/// same workspace, whose revisions the draft has all. What else is known at this place goes over: which forks read it,
/// records and kept changes of runs, names, where content goes.
///
/// # Errors
/// [`TravelError::Diverged`] if something would be lost; `EBUSY` while anybody has the workspace open; `EIO`.
pub(crate) fn succeed(draft: &Path, target: &Path, options: &SqliteOptions) -> Result<(), TravelError> {
    let busy = || {
        let target = target.display();
        let why = format!("{target} is open elsewhere: unmount it and end what works on it, then pull again");
        TravelError::Node(NodeError::with_source(Errno::EBUSY, why))
    };
    let presence = Presence::enter(target).ok_or_else(busy)?;
    let done = presence.alone(|| {
        bequeath(draft, target, options.clock.now().0)?;
        // The log of the old file would be taken for one of the new.
        if ["-wal", "-shm"].iter().any(|suffix| beside(target, suffix).exists()) {
            return Err(busy());
        }
        Ok(open::replace(draft, target, options)?)
    });
    done.unwrap_or_else(|| Err(busy()))
}

/// Compares the two files and takes over what is only known in the old one.
fn bequeath(draft: &Path, target: &Path, now: i64) -> Result<(), TravelError> {
    let sqlite = |error| TravelError::from(OpenError::sqlite(target, error));
    require_sealed(&open::raw(target).map_err(sqlite)?)?;
    let conn = open::raw(draft)?;
    conn.pragma_update(None, "synchronous", "OFF")?;
    // To be written, since a connection that may not would leave a log beside the file.
    conn.execute("ATTACH ?1 AS here", [uri(target, Access::Shared).replace("?mode=ro", "?mode=rw")])?;
    conn.execute_batch("BEGIN IMMEDIATE")?;
    require_same(&conn)?;
    require_no_loss(&conn)?;
    for table in ["pin", "run", "run_changes", "name"] {
        let columns = schema::columns(&conn, table)?.join(", ");
        let from = format!("SELECT {columns} FROM here.{table}");
        conn.execute(&format!("INSERT OR IGNORE INTO main.{table}({columns}) {from}"), [])?;
    }
    conn.execute(
        "UPDATE main.meta SET (tier, tier_above, tier_form) = (SELECT tier, tier_above, tier_form FROM here.meta)",
        [],
    )?;
    leave_homes(&conn, draft, target, now)?;
    conn.execute_batch("COMMIT; DETACH here")?;
    conn.close().map_err(|(_, error)| error.into())
}

/// What the old file put into a bucket is the new one's to sweep: it reads that content where it was pushed.
fn leave_homes(conn: &Connection, draft: &Path, target: &Path, now: i64) -> Result<(), TravelError> {
    let (Some(old), Some(new)) = (identity(target), identity(draft)) else { return Ok(()) };
    let own = "(SELECT id FROM here.home WHERE owner = ?1)";
    conn.execute(
        &format!("INSERT OR IGNORE INTO main.home(id, address, owner) SELECT id, address, ?2 FROM here.home WHERE id IN {own}"),
        (&old[..], &new[..]),
    )?;
    conn.execute(
        &format!("INSERT OR IGNORE INTO main.stray(home, object, at) SELECT home, object, at FROM here.stray WHERE home IN {own}"),
        [&old[..]],
    )?;
    conn.execute(
        &format!(
            "INSERT OR IGNORE INTO main.stray(home, object, at) SELECT home, object, ?2 FROM here.chunk
             WHERE home IN {own} AND object IS NOT NULL"
        ),
        (&old[..], now),
    )?;
    Ok(())
}

fn require_sealed(conn: &Connection) -> Result<(), TravelError> {
    match revision::any_change(conn, revision::head(conn)?.0 as i64)? {
        false => Ok(()),
        true => Err(TravelError::Diverged(UNSEALED.into())),
    }
}

/// What to do about changes that no revision has.
pub(crate) const UNSEALED: &str =
    "something was written here that is in no revision: push it, or pull into another file";

fn require_same(conn: &Connection) -> Result<(), TravelError> {
    let sql = "SELECT m.workspace = h.workspace AND h.parent_path IS NULL FROM main.meta m, here.meta h";
    if conn.query_row(sql, [], |row| row.get(0))? {
        return Ok(());
    }
    Err(TravelError::Diverged("another workspace took this place meanwhile: pull again".into()))
}

/// Every revision here is one of those that came, and nothing was written since the latest.
fn require_no_loss(conn: &Connection) -> Result<(), TravelError> {
    let missing: Option<i64> = conn
        .query_row(
            "SELECT h.id FROM here.revision h LEFT JOIN main.revision t ON t.id = h.id
             WHERE (h.sealed_at, h.kind, h.message, h.run) IS NOT (t.sealed_at, t.kind, t.message, t.run)
             ORDER BY h.id DESC LIMIT 1",
            [],
            |row| row.get(0),
        )
        .optional()?;
    if let Some(rev) = missing {
        return Err(lost(conn, rev)?);
    }
    Ok(())
}

fn lost(conn: &Connection, rev: i64) -> Result<TravelError, TravelError> {
    let newest: i64 = conn.query_row("SELECT head FROM main.meta", [], |row| row.get(0))?;
    let is_there = conn.prepare("SELECT 1 FROM main.revision WHERE id = ?1")?.exists([rev])?;
    Ok(TravelError::Diverged(match (is_there, rev > newest) {
        (true, _) => format!("revision {rev} here is another one than revision {rev} of what was pushed"),
        (false, true) => {
            format!("revision {rev} here is newer than what was pushed, which ends with {newest}")
        }
        (false, false) => {
            format!("revision {rev} was pruned in what was pushed: `cowry prune {rev}` gives it up here, too")
        }
    }))
}
