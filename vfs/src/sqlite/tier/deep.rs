//! Whether the bucket has what the file says.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};

use super::super::SqliteLayer;
use super::home::own_homes;
use super::net;
use super::object::Object;
use crate::errno::NodeResult;
use crate::object::{Bucket, Trouble, TroubleKind};

/// What was found in buckets.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BucketReport {
    /// Objects that were read and are what they should be.
    pub sound: u64,
    /// Their bytes, before compression.
    pub bytes: u64,
    /// Addresses of objects that are not there.
    pub missing: Vec<String>,
    /// Addresses of objects that are not what was written, and why.
    pub damaged: Vec<(String, String)>,
    /// The files of the newest state that have something in those, up to a bound.
    pub hit: Vec<String>,
    /// Objects in places of this file that nothing refers to.
    pub unreferenced: u64,
    /// Their bytes in the bucket.
    pub unreferenced_bytes: u64,
}

impl BucketReport {
    /// Whether every object is there and what it should be.
    pub fn is_sound(&self) -> bool {
        self.missing.is_empty() && self.damaged.is_empty()
    }
}

/// How many are read together.
const ROUND: usize = 256;

impl SqliteLayer {
    /// Reads every object that a revision of this workspace refers to, and those that a fork reads through its parents,
    /// past all caches, and lists the places of this file. `each` is told what was found so far.
    ///
    /// # Errors
    /// `EIO`, `ETIMEDOUT` if the bucket does not answer; `EIO` if the file cannot be read.
    pub fn check_buckets(&self, each: &mut dyn FnMut(&BucketReport)) -> NodeResult<BucketReport> {
        let (mut report, mut lost) = (BucketReport::default(), HashSet::new());
        for (address, objects) in self.all_objects()? {
            let bucket = self.shared.tier.bucket(&address)?;
            for round in objects.chunks(ROUND) {
                self.verify(&bucket, round, &mut report, &mut lost)?;
                each(&report);
            }
        }
        report.hit = self.files_hit(&lost)?;
        self.count_unreferenced(&mut report)?;
        Ok(report)
    }

    fn all_objects(&self) -> NodeResult<BTreeMap<Arc<str>, Vec<Object>>> {
        self.read_now(|view| {
            let mut statement = view.conn.prepare(
                "SELECT DISTINCT home, object, form, hash, length FROM chunk WHERE home IS NOT NULL",
            )?;
            let mut rows = statement.query([])?;
            let mut all: BTreeMap<Arc<str>, Vec<Object>> = BTreeMap::new();
            while let Some(row) = rows.next()? {
                if let Some(object) = Object::from_row(row, 0)? {
                    self.shared.tier.learn(view.conn, &object)?;
                    all.entry(self.shared.tier.address(object.home)?).or_default().push(object);
                }
            }
            Ok(all)
        })
    }

    /// Reads some objects of one home, each of them bounded by what it should be.
    fn verify(
        &self,
        bucket: &Bucket,
        round: &[Object],
        report: &mut BucketReport,
        lost: &mut HashSet<Which>,
    ) -> NodeResult<()> {
        let (tell, told) = mpsc::channel();
        round.iter().for_each(|object| read(bucket, object.clone(), true, tell.clone()));
        drop(tell);
        for (which, outcome) in told {
            let at = bucket.location().join(&which.1).to_string();
            match outcome {
                Ok(Ok(bytes)) => {
                    report.sound += 1;
                    report.bytes += bytes;
                    continue;
                }
                Ok(Err(why)) => report.damaged.push((at, why)),
                Err(trouble) if trouble.kind() == TroubleKind::Missing => report.missing.push(at),
                Err(trouble) if trouble.kind() == TroubleKind::TooLarge => {
                    report.damaged.push((at, "it is longer than it should be".into()));
                }
                Err(trouble) => return Err(net::error(trouble)),
            }
            lost.insert(which);
        }
        Ok(())
    }

    fn count_unreferenced(&self, report: &mut BucketReport) -> NodeResult<()> {
        for home in self.read_now(|view| own_homes(view.conn, self.shared.owner()))? {
            let bucket = self.shared.tier.bucket(&Arc::from(&*home.address))?;
            self.each_listed(&bucket, &mut |round| {
                let named = self.known_objects(&home, &round, false)?;
                for found in round.iter().filter(|found| !named.contains(&found.name)) {
                    report.unreferenced += 1;
                    report.unreferenced_bytes += found.size;
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// An object: its home and its name there.
type Which = (i64, String);

/// How the reading of an object came out: its bytes before compression, or what is wrong with it.
type Outcome = Result<Result<u64, String>, Trouble>;

/// Reads an object in the background. What comes damaged may have been damaged on its way: it is asked for once more.
fn read(bucket: &Bucket, object: Object, again: bool, tell: Sender<(Which, Outcome)>) {
    let (name, most, next) = (object.name.clone(), object.stored_max(), bucket.clone());
    bucket.fetch(&name, most, move |got| {
        match got.map(|stored| object.decode(stored).map(|bytes| bytes.len() as u64)) {
            Ok(Err(_)) if again => read(&next, object, false, tell),
            outcome => drop(tell.send(((object.home, object.name), outcome))),
        }
    });
}
