//! Schedules of faults: what happens to which request, decided by a seed alone.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// How long a reply that does not come takes: longer than anybody waits.
pub(crate) const FOREVER: Duration = Duration::from_secs(3600);

/// What a request is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Request {
    /// Bytes or metadata of an object.
    Get,
    /// An object written, whole or a part of it.
    Put,
    /// An object removed.
    Delete,
    /// Names.
    List,
    /// Anything else.
    Other,
}

/// What goes wrong with a request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Fault {
    /// It fails and nothing took place.
    Before,
    /// Half of it arrives and then the connection is reset. Nothing took place.
    Cut,
    /// It takes place and its reply is lost.
    After,
    /// It takes place and the server says that it failed: 500. Who tries again finds what the first try did.
    BrokenAfter,
    /// The server is overloaded: 503 with `Retry-After`. Nothing took place.
    Throttled,
    /// The client asks too often: 429 with `Retry-After`. Nothing took place.
    TooMany,
    /// The server fails: 500. Nothing took place.
    Broken,
    /// The connection is reset half way through the body of the reply.
    Reset,
    /// The body of the reply is shorter than it should be, and says nothing of it.
    Short,
    /// One byte of the body of the reply is another.
    Corrupt,
    /// The reply tells another ETag than the object's.
    WrongTag,
    /// The listing ends too early. A [`Faulty`](crate::Faulty) store says nothing of it; on the wire its text is cut.
    Truncated,
    /// One byte of the listing is another. A [`Faulty`](crate::Faulty) store fails instead.
    Garbled,
    /// The credentials have expired.
    Expired,
    /// The reply does not come. It did take place.
    Stall,
    /// The reply does not come. Nothing took place. No schedule has it: it is for a [`Gate`](crate::Gate).
    Hold,
}

impl Fault {
    /// The faults that can befall a request of this kind.
    fn of(request: Request) -> &'static [Fault] {
        use Fault::{
            After, Before, Broken, BrokenAfter, Corrupt, Cut, Expired, Garbled, Reset, Short, Stall,
            Throttled, TooMany, Truncated, WrongTag,
        };
        match request {
            Request::Get => {
                &[Before, Throttled, TooMany, Broken, Reset, Short, Corrupt, WrongTag, Expired, Stall]
            }
            Request::Put => {
                &[Before, Cut, After, BrokenAfter, Throttled, TooMany, Broken, WrongTag, Expired, Stall]
            }
            Request::Delete => &[Before, Cut, After, BrokenAfter, Throttled, Broken, Expired],
            Request::List => &[Before, Throttled, TooMany, Reset, Garbled, Truncated, Expired],
            Request::Other => &[Before, Cut, After, BrokenAfter, Throttled, Broken],
        }
    }
}

/// What decides about requests.
pub trait Plan: Send + Sync {
    /// What happens to the next request of this kind about `key`.
    fn next(&self, request: Request, key: &str) -> Option<Fault>;

    /// Where a body of `length` bytes is cut.
    fn cut(&self, key: &str, length: usize) -> usize;
}

/// A schedule. The same seed has the same fault for the n-th request of one kind about one object, whatever else is
/// under way. What is drawn by lot in names does not count: see [`settled`].
#[derive(Debug)]
pub struct Faults {
    seed: u64,
    /// How many of 1,000 requests fail.
    per_mille: u64,
    never: Vec<Fault>,
    on: AtomicBool,
    seen: Mutex<HashMap<(Request, String), u64>>,
    count: AtomicU64,
}

impl Faults {
    /// A schedule in which `per_mille` of 1,000 requests fail.
    pub fn new(seed: u64, per_mille: u64) -> Faults {
        Faults {
            seed,
            per_mille,
            never: Vec::new(),
            on: AtomicBool::new(true),
            seen: Mutex::default(),
            count: AtomicU64::new(0),
        }
    }

    /// The same without some faults.
    #[must_use]
    pub fn without(mut self, never: &[Fault]) -> Faults {
        self.never.extend(never);
        self
    }

    /// From now on nothing fails, or as scheduled again.
    pub fn turn(&self, on: bool) {
        self.on.store(on, Ordering::SeqCst);
    }

    /// How many requests failed so far.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// A number below `below` that goes with the seed and `key`: where a body is cut.
    pub(crate) fn draw(&self, key: &str, below: usize) -> usize {
        (mix(self.seed ^ 1, &settled(key)) % below.max(1) as u64) as usize
    }
}

impl Plan for Faults {
    fn next(&self, request: Request, key: &str) -> Option<Fault> {
        let key = settled(key);
        let nth = {
            let mut seen = self.seen.lock().unwrap_or_else(|broken| broken.into_inner());
            let nth = seen.entry((request, key.clone())).or_default();
            *nth += 1;
            *nth
        };
        let drawn = mix(self.seed, &(request, key, nth));
        if !self.on.load(Ordering::SeqCst) || drawn % 1000 >= self.per_mille {
            return None;
        }
        let faults: Vec<Fault> =
            Fault::of(request).iter().copied().filter(|fault| !self.never.contains(fault)).collect();
        let fault = *faults.get((drawn / 1000) as usize % faults.len().max(1))?;
        self.count.fetch_add(1, Ordering::SeqCst);
        Some(fault)
    }

    fn cut(&self, key: &str, length: usize) -> usize {
        self.draw(key, length)
    }
}

/// A key without what is drawn by lot: who wrote it, and what makes a name one that nobody used before.
fn settled(key: &str) -> String {
    let is_lot = |text: &str, least| text.len() >= least && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let part = |part: &str| match part.rsplit_once('-') {
        Some((what, lot)) if is_lot(lot.trim_end_matches(".zst"), 8) => what.to_owned(),
        // The BLAKE3 of a content, which is longer, says what it is.
        _ if is_lot(part, 16) && part.len() < 64 => String::new(),
        _ => part.to_owned(),
    };
    key.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// A number that depends on the seed and on `what`, and on nothing else. (The hasher's keys are fixed.)
fn mix(seed: u64, what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    (seed, what).hash(&mut hasher);
    hasher.finish()
}
