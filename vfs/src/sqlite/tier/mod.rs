//! Content in a bucket: a setting of the workspace.
//!
//! The bytes of a chunk are a row of `block`, or an *object* in a *home*: the address of a prefix in a bucket. A file
//! writes only into homes of its own (`home`), under names that were never used before (`object`), and reads from
//! whatever homes its rows name. The order that keeps everything that was acknowledged:
//!
//! 1. A `stray` row says that the object may come to be. It is durable before anything is sent.
//! 2. The object is written.
//! 3. One transaction takes the stray row away and names the object in `chunk`. Without the row it does not: the sweep
//!    was faster.
//!
//! So whatever a crash leaves behind is a stray, and so is what `gc` takes from `chunk`. The sweep deletes objects of
//! strays that are old enough; since no name is used twice, what nobody names then nobody will ever name.
//!
//! No transaction waits for a bucket: a commit, an import and a file that is put upload what they are going to write
//! before they begin (`ahead`, `stage`) and only name it then (`piece`), what was written in place lies in the file until
//! its revision is sealed and is moved before that (`raise`), and a read plans first, ends its transaction, and fetches
//! then (`parts`).

mod home;
mod object;
mod parts;
mod readahead;
mod setting;
mod siblings;

#[cfg(feature = "object")]
mod ahead;
#[cfg(feature = "object")]
mod cache;
#[cfg(feature = "object")]
mod cutter;
#[cfg(feature = "object")]
mod deep;
#[cfg(feature = "object")]
mod lost;
#[cfg(feature = "object")]
mod lower;
#[cfg(feature = "object")]
mod net;
#[cfg(feature = "object")]
mod piece;
#[cfg(feature = "object")]
mod raise;
#[cfg(feature = "object")]
mod stage;
#[cfg(feature = "object")]
mod sweep;
#[cfg(feature = "object")]
mod upload;
#[cfg(not(feature = "object"))]
mod without;

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::Connection;

use super::SqliteOptions;
use super::chunk::{ChunkCache, Hash};
use crate::errno::{NodeError, NodeResult};

#[cfg(feature = "object")]
pub use self::ahead::{Ahead, Sent};
#[cfg(feature = "object")]
pub use self::deep::BucketReport;
#[cfg(feature = "object")]
pub(super) use self::home::identity;
#[cfg(feature = "object")]
pub use self::lost::is_lost_content;
#[cfg(feature = "object")]
pub use self::lower::{MoveReport, Moved};
#[cfg(feature = "object")]
pub use self::net::OpenBucket;
#[cfg(feature = "object")]
pub(super) use self::net::is_gone;
pub use self::object::ContentForm;
pub(super) use self::object::Object;
pub(super) use self::parts::{Got, Parts, There};
#[cfg(feature = "object")]
pub use self::piece::Piece;
pub use self::setting::{ChunkFolder, ContentHome, ContentTier, ContentUse};
#[cfg(feature = "object")]
pub use self::sweep::SweepReport;
#[cfg(not(feature = "object"))]
pub(super) use self::without::is_gone;
#[cfg(not(feature = "object"))]
pub use self::without::{Ahead, Piece, Sent};

/// What everybody who reads or writes one open file knows of buckets.
pub(super) struct Tier {
    /// Addresses of homes. A number stands for the same one for ever.
    addresses: Mutex<HashMap<i64, Arc<str>>>,
    /// Objects that were uploaded for a commit that is about to name them.
    stock: Mutex<HashMap<Hash, Object>>,
    /// Where the latest reads of contents ended, and until where they were fetched ahead.
    readers: Mutex<HashMap<i64, (i64, i64)>>,
    /// How far directories were read.
    folders: Mutex<HashMap<i64, siblings::Reader>>,
    #[cfg(feature = "object")]
    net: net::Net,
}

/// Objects that were uploaded for a commit and wait to be named; forgotten when dropped. What nobody named is a stray.
#[cfg(feature = "object")]
pub(super) struct Staged<'a> {
    tier: &'a Tier,
    hashes: Vec<Hash>,
}

#[cfg(feature = "object")]
impl Staged<'_> {
    fn add(&mut self, object: Object) {
        self.hashes.push(object.hash);
        self.tier.stock.lock().insert(object.hash, object);
    }
}

#[cfg(feature = "object")]
impl Drop for Staged<'_> {
    fn drop(&mut self) {
        let mut stock = self.tier.stock.lock();
        self.hashes.iter().for_each(|hash| drop(stock.remove(hash)));
    }
}

impl Tier {
    pub(super) fn new(options: &SqliteOptions, chunks: &Arc<ChunkCache>) -> Tier {
        let _ = (options, chunks);
        Tier {
            addresses: Mutex::default(),
            stock: Mutex::default(),
            readers: Mutex::default(),
            folders: Mutex::default(),
            #[cfg(feature = "object")]
            net: net::Net::new(options, chunks.clone()),
        }
    }

    /// Makes sure that the address of an object is known, so that it can be fetched without the file.
    pub(super) fn learn(&self, conn: &Connection, object: &Object) -> NodeResult<()> {
        if self.addresses.lock().contains_key(&object.home) {
            return Ok(());
        }
        let sql = "SELECT address FROM home WHERE id = ?1";
        let address: String = conn.prepare_cached(sql)?.query_row([object.home], |row| row.get(0))?;
        self.addresses.lock().insert(object.home, address.into());
        Ok(())
    }

    fn address(&self, home: i64) -> NodeResult<Arc<str>> {
        let known = self.addresses.lock().get(&home).cloned();
        known.ok_or_else(|| NodeError::io(format!("home {home} of content is not known")))
    }

    /// An object with this hash that waits to be named.
    pub(super) fn stocked(&self, hash: &Hash) -> Option<Object> {
        self.stock.lock().get(hash).cloned()
    }
}
