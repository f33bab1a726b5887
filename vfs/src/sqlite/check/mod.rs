//! Whether a workspace is whole, and what is left of one that is not.
//!
//! Looking goes on past damage: each part of the check says what it found, and which paths cannot be read any more is
//! found out by reading all of them. What is whole on the outside and wrong inside is mended by [`SqliteLayer::repair`];
//! where SQLite's own structure is broken, [`salvage`] puts what can be read into a new workspace.

mod content;
mod numbers;
mod repair;
mod salvage;
mod scan;
mod source;
mod tidy;
mod tree;
mod walk;

use std::collections::HashSet;

use rusqlite::Connection;

use super::SqliteLayer;
use super::chunk::ChunkCache;
use super::schema::NOW;
use super::view::View;
use crate::errno::{NodeError, NodeResult};

pub(super) use self::content::{Stored, each_chunk, each_inline, unsound};
pub use self::repair::RepairReport;
pub use self::salvage::{SalvageReport, salvage};

/// The most of a kind that is told; the rest would only repeat it.
const TOLD_MAX: usize = 200;

/// What `check` found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct CheckReport {
    /// What is wrong, a sentence each; empty if all is well.
    pub problems: Vec<String>,
    /// Paths of the newest state that cannot be read, or not all of them, and why.
    pub unreadable: Vec<(String, String)>,
    /// What earlier repairs gave up: it is known not to be there.
    pub lost: Vec<String>,
    /// Whether SQLite's own structure is broken: then only salvaging helps.
    pub broken: bool,
}

impl CheckReport {
    /// Whether all is well.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty() && self.unreadable.is_empty()
    }
}

impl SqliteLayer {
    /// Verifies the whole file: SQLite's own structure, then that every revision's entries lead to nodes, directories
    /// hang together, link counts and sizes are right, and every content is what its hash says. Reads everything, of a
    /// fork also what the forked revision and the newest state have in the files it stands on.
    ///
    /// # Errors
    /// `EIO` if the file is too damaged to look at.
    pub fn check(&self) -> NodeResult<CheckReport> {
        self.read_history(|conn| {
            // One read transaction: what is checked together was there together.
            let _transaction = if conn.is_autocommit() { Some(conn.unchecked_transaction()?) } else { None };
            let base = self.shared.lineage.base();
            let mut check = Check { conn, base, report: CheckReport::default() };
            check.sqlite();
            check.part("ranges", Check::ranges);
            check.part("the tree", Check::tree);
            check.part("nameless nodes", Check::orphans);
            check.part("contents", Check::contents);
            check.part("inline contents", Check::inline);
            check.part("chunks", Check::chunks);
            check.part("the history", Check::history);
            check.part("what is used", Check::usage);
            check.part("the next numbers", Check::numbers);
            self.read_files(&mut check);
            Ok(check.report)
        })
    }

    /// Reads files where the tables do not say it all: they are damaged, or an earlier repair gave something up that a
    /// restore may have brought back, or what the files hold is in another file.
    fn read_files(&self, check: &mut Check<'_>) {
        let (conn, mut read) = (check.conn, HashSet::new());
        // What was read before may have been damaged since.
        let fresh = ChunkCache::default();
        let view = |rev| View { chunks: &fresh, ..self.shared.view(conn, rev) };
        if !check.report.is_sound() || !check.report.lost.is_empty() || check.base.is_some() {
            check.report.unreadable = walk::unreadable(&view(NOW), &mut read);
        }
        let (Some(base), Some(parent)) = (check.base, self.shared.lineage.ancestors().first()) else {
            return;
        };
        for (path, why) in walk::unreadable(&view(base), &mut read) {
            check.problem(format!(
                "{path} of revision {base}, which comes from {parent}, cannot be read: {why}",
                parent = parent.path.display()
            ));
        }
    }
}

struct Check<'a> {
    conn: &'a Connection,
    /// The forked revision, if it is a fork.
    base: Option<i64>,
    report: CheckReport,
}

impl Check<'_> {
    fn problem(&mut self, text: String) {
        if self.report.problems.len() < TOLD_MAX {
            self.report.problems.push(text);
        }
    }

    fn lost(&mut self, text: String) {
        if self.report.lost.len() < TOLD_MAX {
            self.report.lost.push(text);
        }
    }

    /// Runs one part; that it cannot be done is one more finding.
    fn part(&mut self, what: &str, part: fn(&mut Self) -> NodeResult<()>) {
        if let Err(error) = part(self) {
            self.report.broken = true;
            self.problem(format!("{what} cannot be read: {}", reason(&error)));
        }
    }

    fn sqlite(&mut self) {
        match integrity(self.conn) {
            Ok(lines) => {
                self.report.broken = !lines.is_empty();
                lines.into_iter().for_each(|line| self.problem(format!("SQLite: {line}")));
            }
            Err(error) => {
                self.report.broken = true;
                self.problem(format!("SQLite: {}", reason(&error)));
            }
        }
    }

    /// Reports what a query returns: a sentence per row.
    fn report(&mut self, sql: &str, params: impl rusqlite::Params) -> NodeResult<()> {
        let mut statement = self.conn.prepare(sql)?;
        let lines: Vec<String> = statement.query_map(params, |row| row.get(0))?.collect::<Result<_, _>>()?;
        lines.into_iter().for_each(|line| self.problem(line));
        Ok(())
    }
}

/// What SQLite finds wrong with its own structure.
fn integrity(conn: &Connection) -> NodeResult<Vec<String>> {
    let mut statement = conn.prepare("PRAGMA main.integrity_check")?;
    let lines: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
}

/// Why, as far down as it goes.
pub(super) fn reason(error: &NodeError) -> String {
    let mut at: &dyn std::error::Error = error;
    while let Some(source) = at.source() {
        at = source;
    }
    at.to_string()
}
