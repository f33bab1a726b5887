//! Who is pushing, and who is cleaning up: never both at once.
//!
//! Each writes an object of its own first and lists those of others then, so that of two that exclude each other at
//! least one sees the other. Who works for long writes its object anew now and then; one that was not for a while
//! belongs to a process that died. If that process was only asleep, it finds its object gone and gives up: a push
//! looks before it writes its last object, and once more after.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::PushError;
use crate::object::{Bucket, Expect, Trouble, TroubleKind};

/// How often the object is written anew.
const BEAT: Duration = Duration::from_secs(60);
/// After how long without that nobody is believed to be there, in nanoseconds of the store's clock.
pub(super) const STALE: i64 = 15 * 60 * 1_000_000_000;

/// What somebody is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Doing {
    Push,
    CleanUp,
}

impl Doing {
    fn word(self) -> &'static str {
        match self {
            Doing::Push => "push",
            Doing::CleanUp => "clean-up",
        }
    }
}

/// That this process is at it. Its object goes when this does.
pub(super) struct Running<'a> {
    bucket: &'a Bucket,
    name: String,
    tag: Option<String>,
    since: Instant,
    /// When it began, by the store's clock, in nanoseconds since the Unix epoch.
    pub(super) began: i64,
}

impl<'a> Running<'a> {
    /// # Errors
    /// [`PushError::Conflict`] while another one is at something that excludes it.
    pub(super) fn enter(bucket: &'a Bucket, doing: Doing) -> Result<Running<'a>, PushError> {
        let name = format!("running/{}-{}", doing.word(), mark());
        let tag = bucket.put(&name, Bytes::new(), &Expect::Absent, &BTreeMap::new())?.etag;
        let mut running = Running { bucket, name, tag, since: Instant::now(), began: 0 };
        running.began = running.look()?.ok_or_else(gone)?;
        running.require_alone(doing)?;
        Ok(running)
    }

    fn require_alone(&self, doing: Doing) -> Result<(), PushError> {
        let (mut others, mut dead) = (Vec::new(), Vec::new());
        self.bucket.list_all("running", |found| {
            let list = if found.modified < self.began - STALE { &mut dead } else { &mut others };
            list.push(found.name);
            Ok(())
        })?;
        let is_in_the_way = |name: &&String| {
            **name != self.name && (doing == Doing::CleanUp || !name.starts_with("running/push-"))
        };
        if let Some(other) = others.iter().find(is_in_the_way) {
            let what = if other.starts_with("running/push-") { "a push" } else { "a clean-up" };
            return Err(PushError::Conflict(format!(
                "{what} is under way at {}: try again when it is done; if it was killed, in a quarter of an hour",
                self.bucket.location()
            )));
        }
        if doing == Doing::CleanUp {
            dead.iter().try_for_each(|name| self.bucket.delete(name))?;
        }
        Ok(())
    }

    /// Says that this is still at it, if it has not for a while.
    pub(super) fn beat(&mut self) -> Result<(), PushError> {
        if self.since.elapsed() < BEAT {
            return Ok(());
        }
        let expect = self.tag.clone().map_or(Expect::Anything, Expect::Tag);
        let written = self.bucket.put(&self.name, Bytes::new(), &expect, &BTreeMap::new());
        self.tag = written.map_err(lost)?.etag;
        self.since = Instant::now();
        Ok(())
    }

    /// Nobody took this for dead.
    pub(super) fn require(&self) -> Result<(), PushError> {
        self.look()?.map(drop).ok_or_else(gone)
    }

    fn look(&self) -> Result<Option<i64>, PushError> {
        Ok(self.bucket.head(&self.name)?.map(|found| found.modified))
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // One that stays is taken for dead after a while.
        let _ = self.bucket.delete(&self.name);
    }
}

fn gone() -> PushError {
    PushError::Conflict("this stood still for so long that others took it for dead: do it once more".into())
}

fn lost(trouble: Trouble) -> PushError {
    match trouble.kind() {
        TroubleKind::Changed | TroubleKind::Missing => gone(),
        _ => trouble.into(),
    }
}

/// What nobody else calls itself.
fn mark() -> String {
    let mut random = [0; 8];
    getrandom::fill(&mut random).expect("the system has random numbers");
    format!("{:016x}", u64::from_le_bytes(random))
}
