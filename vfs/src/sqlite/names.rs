//! Names of revisions. A revision may have several; a name stands for one, and for none that can be pruned.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use rusqlite::OptionalExtension;

use super::SqliteLayer;
use super::revision::Revision;
use super::tx::Tx;
use crate::errno::{Errno, NodeError, NodeResult};

/// The longest name of a revision, in bytes.
const NAME_MAX: usize = 100;

/// What a revision may be called: it begins with a letter, goes on with letters, digits, `-`, `_` and `.`, and is
/// not `latest`, and has no two dots in a row. So it cannot be mistaken for a number, a time, a range or a path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RevisionName(String);

/// Why something is no name of a revision.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "\"{0}\" cannot name a revision: a name begins with a letter, goes on with letters, digits, - _ . (one dot at a time) up \
     to 100 bytes, and is not \"latest\""
)]
pub struct RevisionNameError(pub String);

impl FromStr for RevisionName {
    type Err = RevisionNameError;

    fn from_str(text: &str) -> Result<RevisionName, RevisionNameError> {
        let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        let begins = text.chars().next().is_some_and(char::is_alphabetic);
        let stands_alone = text != "latest" && !text.contains("..");
        if begins && text.chars().all(goes_on) && text.len() <= NAME_MAX && stands_alone {
            return Ok(RevisionName(text.to_owned()));
        }
        Err(RevisionNameError(text.to_owned()))
    }
}

impl Deref for RevisionName {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RevisionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name that is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum NameTaken {
    /// It stays where it is, and naming fails with `EEXIST`.
    #[default]
    Refuse,
    /// It moves.
    Move,
}

impl SqliteLayer {
    /// Gives a sealed revision a name, which keeps it from being pruned. Returns the revision that had the name.
    ///
    /// # Errors
    /// `ENOENT` if there is no such revision, `EEXIST` if the name stands for another one (and is not to move), `EPERM`
    /// of a revision that a fork has from its parent; `EROFS`, `EIO`.
    pub fn name_revision(
        &self,
        rev: Revision,
        name: &RevisionName,
        taken: NameTaken,
    ) -> NodeResult<Option<Revision>> {
        self.change(|tx| {
            tx.require_revision(rev)?;
            tx.require_own(rev)?;
            let before = tx.own_name(name)?;
            if let (Some(other), NameTaken::Refuse) = (before.filter(|other| *other != rev), taken) {
                let message = format!("{name} is the name of revision {other}: --force moves it");
                return Err(NodeError::with_source(Errno::EEXIST, message));
            }
            tx.execute(
                "INSERT OR REPLACE INTO main.name(name, rev) VALUES (?1, ?2)",
                (&**name, rev.0 as i64),
            )?;
            Ok(before)
        })
    }

    /// Takes a name away. Returns the revision that had it.
    ///
    /// # Errors
    /// `ENOENT` if there is no such name, in this file; `EROFS`, `EIO`.
    pub fn drop_name(&self, name: &RevisionName) -> NodeResult<Revision> {
        self.change(|tx| {
            let had = tx.own_name(name)?.ok_or_else(|| {
                NodeError::with_source(Errno::ENOENT, format!("no revision is called {name} here"))
            })?;
            tx.execute("DELETE FROM main.name WHERE name = ?1", [&**name])?;
            Ok(had)
        })
    }

    /// All names with their revisions, by name. A fork sees those of its ancestors that it does not use itself.
    ///
    /// # Errors
    /// `EIO` if the file cannot be read.
    pub fn names(&self) -> NodeResult<Vec<(RevisionName, Revision)>> {
        self.read_now(|view| {
            let mut statement = view.conn.prepare_cached("SELECT name, rev FROM name ORDER BY name")?;
            let row = |row: &rusqlite::Row<'_>| {
                Ok((RevisionName(row.get(0)?), Revision(row.get::<_, i64>(1)? as u64)))
            };
            Ok(statement.query_map([], row)?.collect::<Result<_, _>>()?)
        })
    }

    /// The revision that a name stands for.
    ///
    /// # Errors
    /// `EIO` if the file cannot be read.
    pub fn named(&self, name: &str) -> NodeResult<Option<Revision>> {
        self.read_now(|view| {
            let mut statement = view.conn.prepare_cached("SELECT rev FROM name WHERE name = ?1 LIMIT 1")?;
            let found: Option<i64> = statement.query_row([name], |row| row.get(0)).optional()?;
            Ok(found.map(|rev| Revision(rev as u64)))
        })
    }
}

impl Tx<'_> {
    fn own_name(&self, name: &RevisionName) -> NodeResult<Option<Revision>> {
        let mut statement = self.conn.prepare_cached("SELECT rev FROM main.name WHERE name = ?1")?;
        let found: Option<i64> = statement.query_row([&**name], |row| row.get(0)).optional()?;
        Ok(found.map(|rev| Revision(rev as u64)))
    }

    /// `EPERM` of a revision that is an ancestor's: a name here would not keep it there.
    fn require_own(&self, rev: Revision) -> NodeResult<()> {
        let parent = self.shared.lineage.ancestors().first();
        match parent.filter(|parent| (rev.0 as i64) < parent.limit) {
            None => Ok(()),
            Some(parent) => {
                let place = parent.path.display();
                let message =
                    format!("revision {rev} is one of {place}, which was forked later: name it there");
                Err(NodeError::with_source(Errno::EPERM, message))
            }
        }
    }
}

/// The names of revision `id`, in a statement about `revision`: one text, a name a line.
pub(super) const NAMES: &str = "(SELECT group_concat(name, char(10)) FROM name WHERE rev = id)";

/// What that text says.
pub(super) fn split(names: Option<String>) -> Vec<String> {
    let mut names: Vec<String> = names.iter().flat_map(|names| names.lines()).map(str::to_owned).collect();
    names.sort();
    names
}

/// Which revision a name stands for, for statements about what must stay.
pub(super) fn is_named(tx: &Tx<'_>, rev: i64) -> NodeResult<Option<String>> {
    let mut statement = tx.conn.prepare_cached("SELECT min(name) FROM main.name WHERE rev = ?1")?;
    Ok(statement.query_row([rev], |row| row.get(0))?)
}
