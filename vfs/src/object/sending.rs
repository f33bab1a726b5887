//! Objects on their way to a bucket while their maker makes more.

use std::collections::BTreeMap;
use std::sync::mpsc;

use bytes::Bytes;
use tokio::task::AbortHandle;

use super::bridge;
use super::bucket::{Bucket, Expect};
use super::trouble::Trouble;

type Outcome = (u64, Result<(), Trouble>);

/// Writes objects whole and unconditionally, a few at a time. Whoever makes them goes on meanwhile, and hears of each
/// when it asks. What is still under way when this is dropped is given up where it stands.
pub struct Sending {
    bucket: Bucket,
    parallel: usize,
    under_way: BTreeMap<u64, AbortHandle>,
    tell: mpsc::Sender<Outcome>,
    told: mpsc::Receiver<Outcome>,
}

impl Sending {
    /// Sends to a bucket, so many objects at a time.
    pub fn new(bucket: Bucket, parallel: usize) -> Sending {
        let (tell, told) = mpsc::channel();
        Sending { bucket, parallel: parallel.max(1), under_way: BTreeMap::new(), tell, told }
    }

    /// Whether one has to end before another begins.
    pub fn is_full(&self) -> bool {
        self.under_way.len() >= self.parallel
    }

    /// The smallest number under way.
    pub fn first(&self) -> Option<u64> {
        self.under_way.keys().next().copied()
    }

    /// Begins to write an object, of which is spoken under a number that no other has.
    pub fn begin(&mut self, number: u64, name: String, content: Bytes) {
        let report = Report { number, tell: self.tell.clone(), outcome: None };
        let work = send(self.bucket.clone(), name, content);
        self.under_way.insert(number, bridge::start(report.after(work)));
    }

    /// Waits until one of them has ended, whichever is first. `None`: nothing is under way.
    pub fn await_one(&mut self) -> Option<Outcome> {
        if self.under_way.is_empty() {
            return None;
        }
        let outcome = self.told.recv().expect("this end can tell, too");
        self.under_way.remove(&outcome.0);
        Some(outcome)
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.under_way.values().for_each(AbortHandle::abort);
    }
}

async fn send(bucket: Bucket, name: String, content: Bytes) -> Result<(), Trouble> {
    let at = bucket.location.join(&name);
    let write = bucket.write(name, content.into(), Expect::Anything, BTreeMap::new());
    let written = bridge::bounded(bucket.how.deadline, write).await;
    written.map(drop).map_err(|trouble| trouble.about(&at))
}

/// Tells what became of an object, whatever becomes of it.
struct Report {
    number: u64,
    tell: mpsc::Sender<Outcome>,
    outcome: Option<Result<(), Trouble>>,
}

impl Report {
    async fn after(mut self, work: impl Future<Output = Result<(), Trouble>>) {
        self.outcome = Some(work.await);
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        let outcome = self.outcome.take().unwrap_or_else(|| Err(Trouble::lost()));
        // Nobody listens who has given it up.
        let _ = self.tell.send((self.number, outcome));
    }
}
