//! What everybody who reads or writes one open file has in common, and the connections for reading.

use std::collections::{HashMap, HashSet};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use rusqlite::Connection;

use super::super::chunk::ChunkCache;
use super::super::hold::Holds;
use super::super::lineage::Lineage;
use super::super::place::Place;
use super::super::tier::{Parts, Tier, is_gone};
use super::super::turn::{Passage, Turnstile};
use super::super::view::View;
use super::super::{SqliteOptions, schema};
use super::{Access, Presence, beside, open_reading};
use crate::errno::{Errno, NodeError, NodeResult};

/// What the writer, the readers and every snapshot of one open file have in common.
pub(in crate::sqlite) struct Shared {
    idle: Mutex<Vec<Connection>>,
    pub(in crate::sqlite) path: PathBuf,
    /// `None` where nobody can say, on a file system of a test's.
    pub(in crate::sqlite) place: Option<Place>,
    pub(in crate::sqlite) options: SqliteOptions,
    pub(in crate::sqlite) chunks: Arc<ChunkCache>,
    pub(in crate::sqlite) tier: Tier,
    access: Access,
    pub(in crate::sqlite) lineage: Lineage,
    pub(in crate::sqlite) holds: Holds,
    /// The same of the files that this one stands on.
    pub(in crate::sqlite) ancestors_holds: Vec<Holds>,
    pub(in crate::sqlite) pins: Mutex<Pins>,
    turnstile: Option<Turnstile>,
    /// Released last: whoever finds nobody present tidies up.
    pub(in crate::sqlite) presence: Option<Presence>,
}

/// Inodes held open by this process, and those of them that have lost their last name.
#[derive(Default)]
pub(in crate::sqlite) struct Pins {
    pub(in crate::sqlite) counts: HashMap<i64, u32>,
    pub(in crate::sqlite) orphans: HashSet<i64>,
}

/// Connections kept for the next reader.
const IDLE_READERS: usize = 4;

impl Shared {
    pub(in crate::sqlite) fn new(
        path: &Path,
        options: &SqliteOptions,
        access: Access,
        lineage: Lineage,
    ) -> Shared {
        let presence = Presence::enter(path);
        let chunks = Arc::new(ChunkCache::default());
        let writes = presence.is_some() && !options.read_only;
        Shared {
            idle: Mutex::default(),
            path: path.to_owned(),
            place: Place::of(path).ok(),
            options: options.clone(),
            tier: Tier::new(options, &chunks),
            chunks,
            access,
            ancestors_holds: lineage.ancestors().iter().map(|ancestor| Holds::new(&ancestor.path)).collect(),
            lineage,
            holds: Holds::new(path),
            pins: Mutex::default(),
            turnstile: if writes { Turnstile::open(&beside(path, "-turn")) } else { None },
            presence,
        }
    }

    pub(in crate::sqlite) fn now(&self) -> i64 {
        self.options.clock.now().0
    }

    /// # Errors
    /// `EIO` if the file is not where it was opened.
    pub(in crate::sqlite) fn require_in_place(&self) -> NodeResult<()> {
        self.place.as_ref().map_or(Ok(()), Place::require)
    }

    /// Waits until this process is the next one to write, at most for the busy timeout.
    pub(in crate::sqlite) fn pass_turnstile(&self) -> Option<Passage<'_>> {
        self.turnstile.as_ref().map(|turnstile| turnstile.pass(self.options.busy_timeout))
    }

    /// Says of what has waited in vain what it waited for.
    pub(in crate::sqlite) fn explain_busy(&self, error: rusqlite::Error) -> NodeError {
        match NodeError::from(error) {
            busy if busy == Errno::EBUSY => {
                let (file, patience) = (self.path.display(), self.options.busy_timeout);
                let text = format!(
                    "{file} was locked by another process that is writing to it, for all of {patience:?}; try again when \
                     it is done, or stop it (`fuser -v {file}` names it)"
                );
                NodeError::with_source(Errno::EBUSY, text)
            }
            other => other,
        }
    }

    pub(in crate::sqlite) fn is_pinned(&self, ino: i64) -> bool {
        self.pins.lock().counts.contains_key(&ino)
    }

    /// A tree through a connection.
    pub(in crate::sqlite) fn view<'a>(&'a self, conn: &'a Connection, rev: i64) -> View<'a> {
        View { conn, rev, chunks: &self.chunks, tier: &self.tier, lineage: &self.lineage, pending: None }
    }

    /// Reads what `plan` says, outside of any transaction that it may have planned in. Where an object is not there
    /// any more the plan may have been out of date, so it is made once more.
    pub(in crate::sqlite) fn read(&self, plan: impl Fn() -> NodeResult<Parts>) -> NodeResult<Bytes> {
        match plan()?.complete(&self.chunks, &self.tier) {
            Err(error) if is_gone(&error) => plan()?.complete(&self.chunks, &self.tier),
            done => done,
        }
    }

    /// Closes the connections that are kept for the next reader.
    pub(in crate::sqlite) fn close_readers(&self) {
        self.idle.lock().clear();
    }

    /// A connection of one's own for reading, which goes back when it is dropped.
    pub(in crate::sqlite) fn reader(&self) -> NodeResult<Reader<'_>> {
        let idle = self.idle.lock().pop();
        let conn = match idle {
            Some(conn) => conn,
            None => {
                let conn = open_reading(&self.path, self.access)?;
                schema::configure(&conn, self.options.durability, self.options.busy_timeout)?;
                self.lineage.attach(&conn)?;
                conn
            }
        };
        Ok(Reader { shared: self, conn: Some(conn) })
    }
}

/// A borrowed reading connection.
pub(in crate::sqlite) struct Reader<'a> {
    shared: &'a Shared,
    conn: Option<Connection>,
}

impl Deref for Reader<'_> {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        self.conn.as_ref().expect("taken only when dropped")
    }
}

/// Tests watch what a connection does.
#[cfg(test)]
impl std::ops::DerefMut for Reader<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        self.conn.as_mut().expect("taken only when dropped")
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let mut idle = self.shared.idle.lock();
        if idle.len() < IDLE_READERS {
            idle.extend(self.conn.take());
        }
    }
}
