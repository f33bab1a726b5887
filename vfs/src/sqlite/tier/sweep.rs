//! Deleting objects that nothing refers to.
//!
//! Only in homes of this file. Strays are deleted once they are old enough: whoever reads or has copied the file
//! meanwhile still finds them. The listing finds what no row knows of any more, after a file was put back from a copy.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::super::SqliteLayer;
use super::home::Home;
use super::net;
use super::upload::PARALLEL;
use crate::errno::{Errno, NodeResult};
use crate::failpoint;
use crate::object::{Bucket, Found};

/// What was deleted from buckets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SweepReport {
    /// Objects.
    pub objects: u64,
    /// Objects that nothing refers to and that are too young to go.
    pub young: u64,
}

/// How many are looked at together.
const ROUND: usize = 1000;

impl SqliteLayer {
    /// Deletes objects in buckets that nothing refers to for longer than `grace`. Safe beside whoever writes or
    /// reads; other files' places are not looked at.
    ///
    /// # Errors
    /// `EBUSY` within a batch; `EIO`, `ETIMEDOUT` of the bucket: the next call goes on. `EROFS`.
    pub fn sweep_content(&self, grace: Duration) -> NodeResult<SweepReport> {
        if self.read_now(|view| Ok(view.pending.is_some()))? {
            return Err(Errno::EBUSY.into());
        }
        let limit = self.shared.now().saturating_sub(i64::try_from(grace.as_nanos()).unwrap_or(i64::MAX));
        let mut report = SweepReport::default();
        for home in self.change(|tx| tx.own_homes())? {
            let bucket = self.shared.tier.bucket(&Arc::from(&*home.address))?;
            while self.sweep_strays(&home, &bucket, limit, &mut report)? {}
            self.sweep_unknown(&home, &bucket, limit, &mut report)?;
        }
        Ok(report)
    }

    /// Deletes some strays; whether there were any. First they are doomed, so that nobody takes one meanwhile.
    fn sweep_strays(
        &self,
        home: &Home,
        bucket: &Bucket,
        limit: i64,
        report: &mut SweepReport,
    ) -> NodeResult<bool> {
        let names: Vec<String> = self.change(|tx| {
            let sql = "SELECT object FROM main.stray WHERE home = ?1 AND at <= ?2 LIMIT ?3";
            let names = tx
                .conn
                .prepare(sql)?
                .query_map((home.id, limit, ROUND as i64), |row| row.get(0))?
                .collect::<Result<Vec<String>, _>>()?;
            for name in &names {
                tx.execute("UPDATE main.stray SET at = -1 WHERE home = ?1 AND object = ?2", (home.id, name))?;
            }
            Ok(names)
        })?;
        if names.is_empty() {
            return Ok(false);
        }
        failpoint::pass("TIER_DOOMED")?;
        bucket.delete_many(names.clone(), PARALLEL).map_err(net::error)?;
        failpoint::pass("TIER_DELETED")?;
        self.change(|tx| {
            for name in &names {
                tx.execute(
                    "DELETE FROM main.stray WHERE home = ?1 AND object = ?2 AND at = -1",
                    (home.id, name),
                )?;
            }
            Ok(())
        })?;
        report.objects += names.len() as u64;
        Ok(true)
    }

    /// Deletes objects that no row names. A name is written down before its object is written, and never used
    /// again, so an object that was listed and has neither row is nobody's for ever.
    fn sweep_unknown(
        &self,
        home: &Home,
        bucket: &Bucket,
        limit: i64,
        report: &mut SweepReport,
    ) -> NodeResult<()> {
        let mut doomed = Vec::new();
        self.each_listed(bucket, &mut |round| {
            let known = self.known_objects(home, &round, true)?;
            for found in round.into_iter().filter(|found| !known.contains(&found.name)) {
                if found.modified <= limit { doomed.push(found.name) } else { report.young += 1 }
            }
            Ok(())
        })?;
        report.objects += doomed.len() as u64;
        bucket.delete_many(doomed, PARALLEL).map_err(net::error)
    }

    /// Lists a home, many objects at a time.
    pub(super) fn each_listed(
        &self,
        bucket: &Bucket,
        each: &mut dyn FnMut(Vec<Found>) -> NodeResult<()>,
    ) -> NodeResult<()> {
        let (mut round, mut failed) = (Vec::new(), Ok(()));
        let listed = bucket.list_all("", |found| {
            round.push(found);
            if round.len() >= ROUND && failed.is_ok() {
                failed = each(std::mem::take(&mut round));
            }
            Ok(())
        });
        listed.map_err(net::error)?;
        failed?;
        each(round)
    }

    /// Which of these objects a chunk names, or a stray if those count.
    pub(super) fn known_objects(
        &self,
        home: &Home,
        found: &[Found],
        strays: bool,
    ) -> NodeResult<HashSet<String>> {
        self.read_now(|view| {
            let mut statement = view.conn.prepare_cached(
                "SELECT 1 FROM main.chunk WHERE home = ?1 AND object = ?2
                 UNION ALL SELECT 1 FROM main.stray WHERE home = ?1 AND object = ?2 AND ?3",
            )?;
            let mut known = HashSet::new();
            for found in found {
                if statement.exists((home.id, &found.name, strays))? {
                    known.insert(found.name.clone());
                }
            }
            Ok(known)
        })
    }
}
