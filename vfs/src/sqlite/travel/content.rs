//! Content that lies in a bucket: a copy that travels refers to the place that it travels to.
//!
//! In a copy all of it is in one home, whose address says nothing; who pulls it says where that is. So a file that came
//! from elsewhere cannot have us ask for anything but what was pushed.

use bytes::Bytes;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension};

use super::super::tier::Object;
use super::super::{SqliteLayer, open};
use super::TravelError;
use crate::errno::{Errno, NodeError, NodeResult};

/// The number of the home that a copy has.
const HOME: i64 = 0x636f_7772_7970_7573;
/// Its address until somebody pulls it.
const NOWHERE: &str = "pushed";
/// The longest piece of content that is believed, in bytes. None that we make is as long.
const LONGEST: i64 = 64 << 20;
/// What a piece of content is called there. One that a repair gave up has no hash.
const NAME: &str =
    "CASE length(hash) WHEN 32 THEN lower(substr(hex(hash), 1, 2) || '/' || hex(hash)) ELSE '00/lost' END";

/// The content in buckets that a copy refers to.
pub(crate) struct Outside<'a> {
    layer: &'a SqliteLayer,
    conn: Mutex<Connection>,
    /// The hash of each piece, in order.
    pub(crate) hashes: Vec<[u8; 32]>,
    /// How much it is about, in bytes.
    pub(crate) bytes: u64,
}

impl<'a> Outside<'a> {
    /// # Errors
    /// `EIO` if the copy cannot be read.
    pub(crate) fn of(layer: &'a SqliteLayer, draft: &std::path::Path) -> Result<Outside<'a>, TravelError> {
        let conn = open::raw(draft)?;
        let sql =
            "SELECT DISTINCT hash FROM chunk WHERE home IS NOT NULL AND length(hash) = 32 ORDER BY hash";
        let hashes = conn.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let sql = "SELECT coalesce(sum(length), 0) FROM chunk WHERE home IS NOT NULL";
        let bytes: i64 = conn.query_row(sql, [], |row| row.get(0))?;
        Ok(Outside { layer, conn: Mutex::new(conn), hashes, bytes: bytes.max(0) as u64 })
    }

    /// A piece of it, verified.
    ///
    /// # Errors
    /// `EIO`, `ETIMEDOUT`, naming the object that is missing or damaged, or that cannot be reached.
    pub(crate) fn fetch(&self, hash: &[u8; 32]) -> NodeResult<Bytes> {
        let tier = &self.layer.shared.tier;
        let object = self.object(hash)?;
        let object =
            object.ok_or_else(|| NodeError::with_source(Errno::EIO, "content was lost on the way"))?;
        let mut got = tier.fetch(vec![object], Vec::new(), &self.layer.shared.chunks);
        got.pop().unwrap_or_else(|| Err(Errno::EIO.into()))
    }

    fn object(&self, hash: &[u8; 32]) -> NodeResult<Option<Object>> {
        let conn = self.conn.lock();
        let row = |row: &rusqlite::Row<'_>| Object::from_row(row, 0);
        let mut object = None;
        // By the index, which has those without an owner, as all should be.
        for which in ["owner IS NULL", "owner IS NOT NULL"] {
            let sql = format!(
                "SELECT home, object, form, hash, length FROM chunk
                 WHERE hash = ?1 AND {which} AND home IS NOT NULL LIMIT 1"
            );
            object = conn.prepare_cached(&sql)?.query_row([&hash[..]], row).optional()?.flatten();
            if object.is_some() {
                break;
            }
        }
        object.iter().try_for_each(|object| self.layer.shared.tier.learn(&conn, object))?;
        Ok(object)
    }

    /// Lets the copy refer to what is at the place that it is pushed to.
    ///
    /// # Errors
    /// `EIO`, `ENOSPC`.
    pub(crate) fn settle(self) -> Result<(), TravelError> {
        let conn = self.conn.into_inner();
        conn.pragma_update(None, "synchronous", "OFF")?;
        super::overwrite_deleted(&conn)?;
        conn.execute_batch("BEGIN IMMEDIATE")?;
        conn.execute(
            &format!("UPDATE chunk SET home = ?1, object = {NAME}, form = 'zstd' WHERE home IS NOT NULL"),
            [HOME],
        )?;
        conn.execute("DELETE FROM home", [])?;
        conn.execute(
            "INSERT INTO home(id, address) SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM chunk WHERE home = ?1)",
            (HOME, NOWHERE),
        )?;
        conn.execute_batch("COMMIT")?;
        conn.close().map_err(|(_, error)| error.into())
    }
}

/// Content that a file refers to which came from elsewhere is where it came from, and nowhere else.
pub(super) fn require_pushed(conn: &Connection) -> Result<(), TravelError> {
    let strange: bool = conn.query_row(
        &format!(
            "SELECT EXISTS (SELECT 1 FROM home WHERE id <> ?1 OR address <> ?2 OR owner IS NOT NULL)
                 OR EXISTS (SELECT 1 FROM chunk WHERE home IS NOT NULL AND (home, object, form) IS NOT (?1, {NAME}, 'zstd'))
                 OR EXISTS (SELECT 1 FROM chunk WHERE home IS NOT NULL AND length NOT BETWEEN 0 AND ?3)"
        ),
        (HOME, NOWHERE, LONGEST),
        |row| row.get(0),
    )?;
    match strange {
        true => Err(TravelError::Unsound("it refers to content that was not pushed with it".into())),
        false => Ok(()),
    }
}

/// Says where that is.
pub(super) fn place(conn: &Connection, address: &str) -> rusqlite::Result<()> {
    conn.execute("UPDATE main.home SET address = ?2 WHERE id = ?1", (HOME, address)).map(drop)
}
