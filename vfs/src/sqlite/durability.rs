//! When a change has reached the disk: a setting of the workspace.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use rusqlite::Connection;

use super::open::OpenError;
use super::{SqliteLayer, SqliteOptions, schema};
use crate::errno::NodeResult;

/// When a change has reached the disk. None of them lets a process that dies, however, damage anything.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Durability {
    /// Never for certain: a power failure may destroy the workspace. For scratch and tests.
    None,
    /// Some time later, or after [`Layer::fsync`](crate::Layer::fsync): a power failure undoes the latest changes and
    /// damages nothing.
    Relaxed,
    /// When the call returns: it survives a power failure.
    #[default]
    Fsync,
}

impl Durability {
    /// All of them, the most durable first.
    pub const ALL: [Durability; 3] = [Durability::Fsync, Durability::Relaxed, Durability::None];

    /// One lower-case word, as it is stored, shown and parsed.
    pub fn as_str(self) -> &'static str {
        match self {
            Durability::Fsync => "fsync",
            Durability::Relaxed => "relaxed",
            Durability::None => "none",
        }
    }

    pub(super) fn pragma(self) -> &'static str {
        match self {
            Durability::Fsync => "FULL",
            Durability::Relaxed => "NORMAL",
            Durability::None => "OFF",
        }
    }
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Durability {
    type Err = String;

    fn from_str(text: &str) -> Result<Durability, String> {
        let found = Durability::ALL.into_iter().find(|durability| durability.as_str() == text);
        found.ok_or_else(|| format!("no durability {text:?}: say fsync, relaxed or none"))
    }
}

/// What the workspace is set to. A setting that a later version made up is the safest one.
fn stored(conn: &Connection) -> rusqlite::Result<Durability> {
    let text: String = conn.query_row("SELECT durability FROM meta", [], |row| row.get(0))?;
    Ok(text.parse().unwrap_or_default())
}

/// Sets up a connection as the workspace and the options say.
pub(super) fn of(conn: &Connection, path: &Path, options: &SqliteOptions) -> Result<Durability, OpenError> {
    let apply = || {
        let durability = stored(conn)?.min(options.durability);
        schema::synchronize(conn, durability).map(|()| durability)
    };
    apply().map_err(|e| OpenError::sqlite(path, e))
}

impl SqliteLayer {
    /// What the workspace is set to.
    ///
    /// # Errors
    /// `EIO` if the file cannot be read.
    pub fn durability(&self) -> NodeResult<Durability> {
        self.read_now(|view| Ok(stored(view.conn)?))
    }

    /// Sets the workspace. Holds here from now on, in other processes when they open it next. What was written before
    /// is made durable first.
    ///
    /// # Errors
    /// `EBUSY` within a batch and while another process writes; `EROFS`, `EIO`.
    pub fn set_durability(&self, durability: Durability) -> NodeResult<()> {
        self.change(|tx| {
            tx.require_no_batch()?;
            tx.execute("UPDATE meta SET durability = ?1", [durability.as_str()]).map(|_| ())
        })?;
        let writer = self.writer.lock();
        schema::checkpoint(&writer.borrow().conn)?;
        writer.borrow_mut().set_durability(durability.min(self.shared.options.durability))
    }

    /// Makes everything committed so far durable, as far as it is not and ever will be.
    pub(super) fn sync(&self) -> NodeResult<()> {
        let writer = self.writer.lock();
        let writer = writer.borrow();
        // Within a batch nothing is written yet; its end is what makes it durable or not.
        match writer.durability() {
            Durability::Relaxed if writer.state.is_none() => Ok(schema::checkpoint(&writer.conn)?),
            Durability::Fsync | Durability::Relaxed | Durability::None => Ok(()),
        }
    }
}
