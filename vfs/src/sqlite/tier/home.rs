//! Homes: which prefixes this file writes into, and how it knows that they are its own.
//!
//! A file that was copied must not delete what the original needs. So a home belongs to one file: the one that is at
//! this place of this disk of this machine and was made when it was made. A copy is another file, whatever it
//! says inside, and makes a home of its own with its first upload. So does a file that was moved to another disk; what
//! it wrote before stays readable, and is never swept any more.

use std::path::Path;
use std::time::UNIX_EPOCH;

use rusqlite::Connection;

use super::super::chunk::Hash;
use super::super::open::Shared;
use super::super::tx::Tx;
use super::Object;
#[cfg(feature = "object")]
use crate::errno::NodeError;
use crate::errno::NodeResult;

/// Where this file writes.
#[derive(Clone, Debug)]
pub(super) struct Home {
    pub(super) id: i64,
    #[cfg_attr(not(feature = "object"), expect(dead_code, reason = "nobody asks a bucket"))]
    pub(super) address: String,
}

impl Shared {
    /// Whether some content lies in a bucket, or may.
    pub(in crate::sqlite) fn has_homes(&self) -> bool {
        let asked = self.reader().and_then(|reader| {
            let mut statement = reader.prepare_cached("SELECT 1 FROM home LIMIT 1")?;
            Ok(statement.exists([])?)
        });
        // One that cannot be asked now says so when it is read.
        asked.unwrap_or(true)
    }

    /// What tells this file from its copies; `None` where nobody can say.
    pub(in crate::sqlite) fn owner(&self) -> Option<Hash> {
        identity(&self.path)
    }
}

/// Device, number and birth of a file, and the machine that says so.
pub(in crate::sqlite) fn identity(path: &Path) -> Option<Hash> {
    let meta = path.metadata().ok()?;
    let born = meta.created().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let machine = std::fs::read("/etc/machine-id").unwrap_or_default();
    let mut hasher = blake3::Hasher::new();
    for number in numbers(&meta) {
        hasher.update(&number.to_le_bytes());
    }
    hasher.update(&born.map_or(0, |born| born.as_nanos()).to_le_bytes());
    Some(*hasher.update(&machine).finalize().as_bytes())
}

#[cfg(unix)]
fn numbers(meta: &std::fs::Metadata) -> [u64; 2] {
    use std::os::unix::fs::MetadataExt;
    [meta.dev(), meta.ino()]
}

/// The time it was made has to do.
#[cfg(not(unix))]
fn numbers(_: &std::fs::Metadata) -> [u64; 2] {
    [0, 0]
}

/// The number of a home: the same in every file that knows it.
#[cfg(feature = "object")]
fn number(address: &str) -> i64 {
    let hash = *blake3::hash(address.as_bytes()).as_bytes();
    let first: [u8; 8] = hash[..8].try_into().expect("a hash is longer");
    i64::from_le_bytes(first) & i64::MAX
}

/// The homes that a file wrote.
pub(super) fn own_homes(conn: &Connection, owner: Option<Hash>) -> NodeResult<Vec<Home>> {
    let Some(owner) = owner else { return Ok(Vec::new()) };
    let mut statement = conn.prepare_cached("SELECT id, address FROM main.home WHERE owner = ?1")?;
    let homes =
        statement.query_map([&owner[..]], |row| Ok(Home { id: row.get(0)?, address: row.get(1)? }))?;
    Ok(homes.collect::<Result<_, _>>()?)
}

impl Tx<'_> {
    /// The homes that this file wrote.
    pub(super) fn own_homes(&self) -> NodeResult<Vec<Home>> {
        own_homes(self.conn, self.shared.owner())
    }

    /// The one below an address. It is made if there is none.
    ///
    /// # Errors
    /// `EIO` where nobody can say which file this is.
    #[cfg(feature = "object")]
    pub(super) fn own_home(&mut self, base: &str) -> NodeResult<Home> {
        let below = |home: &Home| {
            home.address
                .strip_prefix(base)
                .is_some_and(|rest| rest.starts_with('/') && !rest[1..].contains('/'))
        };
        if let Some(home) = self.own_homes()?.into_iter().find(below) {
            return Ok(home);
        }
        let owner = self.shared.owner().ok_or_else(|| NodeError::io("the workspace is not at its path"))?;
        let writer: String =
            self.conn.query_row("SELECT lower(hex(randomblob(16)))", [], |row| row.get(0))?;
        let address = format!("{}/{writer}", base.trim_end_matches('/'));
        let id = number(&address);
        self.execute(
            "INSERT INTO main.home(id, address, owner) VALUES (?1, ?2, ?3)",
            (id, &address, &owner[..]),
        )?;
        Ok(Home { id, address })
    }

    /// Notes that an object may come to be.
    #[cfg(feature = "object")]
    pub(super) fn note_stray(&self, object: &Object) -> NodeResult<()> {
        self.execute(
            "INSERT INTO main.stray(home, object, at) VALUES (?1, ?2, ?3)",
            (object.home, &object.name, self.now),
        )?;
        Ok(())
    }

    /// Takes an object for a chunk. `false` if the sweep was faster.
    pub(in crate::sqlite) fn take_stray(&self, object: &Object) -> NodeResult<bool> {
        let sql = "DELETE FROM main.stray WHERE home = ?1 AND object = ?2 AND at >= 0";
        Ok(self.execute(sql, (object.home, &object.name))? > 0)
    }

    /// Leaves objects to the sweep whose chunks are about to be deleted: those that no extent lies in.
    pub(in crate::sqlite) fn leave_loose_objects(&self) -> NodeResult<()> {
        for home in self.own_homes()? {
            self.execute(
                "INSERT OR IGNORE INTO main.stray(home, object, at) SELECT home, object, ?2 FROM main.chunk
                 WHERE home = ?1 AND object IS NOT NULL AND id NOT IN (SELECT chunk FROM main.extent)",
                (home.id, self.now),
            )?;
        }
        Ok(())
    }
}
