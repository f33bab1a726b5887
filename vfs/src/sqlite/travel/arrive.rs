//! A file that came from elsewhere, before it may be opened as a workspace.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::super::fork::WorkspaceId;
use super::super::revision::{self, Revision};
use super::super::{Durability, SqliteLayer, SqliteOptions, check, open, schema};
use super::{TravelError, clear_beside, content, forget_place};
use crate::clock::Timestamp;

/// A file that came from elsewhere and is what it says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Arrival {
    pub(crate) workspace: WorkspaceId,
    pub(crate) head: Revision,
    pub(crate) sealed_at: Timestamp,
}

/// Looks at a file that nobody has open, without believing what it says: whether it is a workspace that stands alone
/// and holds nothing but tables of ours.
///
/// # Errors
/// [`TravelError::Unsound`] with what it is instead.
pub(crate) fn inspect(file: &Path) -> Result<Arrival, TravelError> {
    let conn = open::raw(file)?;
    distrust(&conn)?;
    look(&conn).map_err(|error| match error {
        TravelError::Node(error) => unsound(format!("it cannot be read: {}", check::reason(&error))),
        other => other,
    })
}

/// Nothing in the file's schema may call what only we may.
fn distrust(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    Ok(())
}

fn unsound(what: impl Into<String>) -> TravelError {
    TravelError::Unsound(what.into())
}

fn look(conn: &Connection) -> Result<Arrival, TravelError> {
    let (application, version) = schema::identity(conn)?;
    if application != schema::APPLICATION_ID || version < 1 {
        return Err(unsound("it is no workspace"));
    }
    if version > schema::VERSION {
        return Err(unsound(format!(
            "it was made by a newer version (schema {version}, this one knows {}): upgrade cowry",
            schema::VERSION
        )));
    }
    let journal: String = conn.query_row("PRAGMA main.journal_mode", [], |row| row.get(0))?;
    if journal != "wal" {
        return Err(unsound("it keeps its log as no workspace does"));
    }
    require_tables_alone(conn)?;
    let (is_fork, workspace): (bool, [u8; 16]) = conn.query_row(
        "SELECT parent_path IS NOT NULL OR parent_workspace IS NOT NULL, workspace FROM meta",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if is_fork {
        return Err(unsound("it is a fork, which reads a file that did not come with it"));
    }
    let head = revision::head(conn)?;
    let sealed_at: i64 =
        conn.query_row("SELECT sealed_at FROM revision WHERE id = ?1", [head.0 as i64], |row| row.get(0))?;
    Ok(Arrival { workspace: WorkspaceId(workspace), head, sealed_at: Timestamp(sealed_at) })
}

/// There are tables and indices with names of ours, and no trigger, view or virtual table.
fn require_tables_alone(conn: &Connection) -> Result<(), TravelError> {
    let ours = Connection::open_in_memory()?;
    schema::tables(&ours)?;
    let sql = "SELECT type, name FROM sqlite_schema";
    let list = |conn: &Connection| -> rusqlite::Result<Vec<(String, String)>> {
        conn.prepare(sql)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    };
    let known = list(&ours)?;
    let virtual_ones: i64 = conn.query_row(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND upper(sql) NOT LIKE 'CREATE TABLE%'",
        [],
        |row| row.get(0),
    )?;
    let strange = list(conn)?.into_iter().find(|(kind, name)| !is_known(&known, kind, name));
    match (strange, virtual_ones) {
        (Some((kind, name)), _) => Err(unsound(format!("it holds a {kind} that no workspace has: {name:?}"))),
        (None, 0) => Ok(()),
        (None, _) => Err(unsound("it holds a virtual table, which no workspace has")),
    }
}

/// An earlier version of a table may lack an index, and has its automatic ones.
fn is_known(known: &[(String, String)], kind: &str, name: &str) -> bool {
    let automatic = kind == "index" && name.starts_with("sqlite_autoindex_");
    automatic || known.iter().any(|(other, it)| other == kind && it == name)
}

impl Arrival {
    /// Makes the file a workspace of this place, whose content that lies in a bucket is at `address`, and checks all of
    /// it.
    ///
    /// # Errors
    /// [`TravelError::Unsound`] with the first thing that is wrong.
    pub(crate) fn settle(
        &self,
        file: &Path,
        address: &str,
        options: &SqliteOptions,
    ) -> Result<(), TravelError> {
        let options = SqliteOptions { durability: Durability::None, read_only: false, ..options.clone() };
        let layer = SqliteLayer::open(file, &options)?;
        distrust(&layer.writer.lock().borrow().conn)?;
        content::require_pushed(&layer.writer.lock().borrow().conn)?;
        layer.change(|tx| {
            forget_place(tx.conn)?;
            Ok(content::place(tx.conn, address)?)
        })?;
        let report = layer.check()?;
        drop(layer);
        clear_beside(file);
        let unreadable = report.unreadable.iter().map(|(path, why)| format!("{path}: {why}"));
        match report.problems.into_iter().chain(unreadable).next() {
            Some(problem) => Err(unsound(format!("it is damaged: {problem}"))),
            None => Ok(()),
        }
    }
}
