//! Two layers over one bucket of a server, by way of a proxy that resets, cuts, refuses and lets replies get lost.
//!
//! What was acknowledged is there, whole and once; what failed is there whole or not at all; nothing else was ever read; and of
//! two that append to one object neither overwrites what the other was told is written. `COWRY_FAULT_SEED` runs one
//! schedule, `COWRY_FAULT_SCHEDULES` another number of them.

use std::collections::{BTreeMap as Map, BTreeSet};

use cowry_s3_server::{Fault, Faults, Proxy, Server};

use super::*;
use crate::errno::{Errno, NodeError};
use crate::fs::{Vfs, VfsOptions};
use crate::node::RenameMode;

/// Schedules in the suite, and things done in each.
const SCHEDULES: u64 = 12;
const STEPS: u64 = 40;
/// What both layers append to.
const LOG: &str = "/log";

/// What a file may be: its content, or that there is none.
type Possible = BTreeSet<Option<String>>;

/// One who works through a layer of its own on files of its own.
struct Worker {
    layer: Arc<ObjectLayer>,
    vfs: Vfs,
    who: u64,
    files: Map<String, Possible>,
}

impl Worker {
    fn new(bucket: Bucket, who: u64) -> Worker {
        let options = ObjectOptions { listing_lifetime: Duration::from_nanos(1), ..ObjectOptions::default() };
        let layer = Arc::new(ObjectLayer::open(bucket, options).expect("it opens"));
        let vfs = Vfs::new(layer.clone(), VfsOptions::default());
        Worker { layer, vfs, who, files: Map::new() }
    }

    fn path(&self, number: u64) -> String {
        format!("/d{}/{}-{number}", number % 2, self.who)
    }

    fn possible(&mut self, path: &str) -> &mut Possible {
        self.files.entry(path.to_owned()).or_insert_with(|| Possible::from([None]))
    }

    /// Notes what a file may be after a change to `now`.
    fn changed(&mut self, path: &str, done: bool, now: Option<String>) {
        let possible = self.possible(path);
        if done {
            possible.clear();
        }
        possible.insert(now);
    }

    fn write(&mut self, number: u64, content: String) {
        let path = self.path(number);
        let _ = self.vfs.mkdir_all(&path[..3], 0o755);
        let done = self.vfs.write(&path, content.as_bytes()).is_ok();
        self.changed(&path, done, Some(content));
    }

    fn remove(&mut self, number: u64) {
        let path = self.path(number);
        let done = self.vfs.unlink(&path).is_ok();
        self.changed(&path, done, None);
    }

    /// Neither atomic nor done again by whoever asked for it: in between both names are there.
    fn rename(&mut self, from: u64, to: u64) {
        let (from, to) = (self.path(from), self.path(to));
        let moved: Vec<_> = self.possible(&from).iter().flatten().cloned().collect();
        if from == to || self.vfs.rename(&from, &to, RenameMode::Replace).is_err() {
            self.possible(&to).extend(moved.into_iter().map(Some));
            self.possible(&from).insert(None);
        } else {
            *self.possible(&to) = moved.into_iter().map(Some).collect();
            *self.possible(&from) = Possible::from([None]);
        }
    }

    fn read(&mut self, number: u64) {
        let path = self.path(number);
        let read = match self.vfs.read(&path) {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.errno() == Errno::ENOENT => None,
            Err(_) => return,
        };
        let possible = self.possible(&path);
        assert!(possible.contains(&read), "{path} reads {read:?}, and may be {possible:?}");
    }
}

/// Numbers from a seed.
struct Chance(u64);

impl Chance {
    fn next(&mut self, below: u64) -> u64 {
        let hash = blake3::hash(&self.0.to_le_bytes());
        self.0 = u64::from_le_bytes(hash.as_bytes()[..8].try_into().expect("eight bytes"));
        self.0 % below
    }
}

fn one_schedule(seed: u64, server: &Server) {
    // Wrong bytes are for those who have hashes; of what a listing says with a byte changed nobody can tell.
    let never = [Fault::Corrupt, Fault::WrongTag, Fault::Garbled];
    let stalls = seed % 6 == 5;
    let faults = Faults::new(seed, [60, 150, 300][(seed % 3) as usize]).without(&never);
    let faults = Arc::new(if stalls { faults } else { faults.without(&[Fault::Stall]) });
    faults.turn(false);
    let proxy = Proxy::start(server.address(), faults.clone());
    let keys = server.keys().by_way_of(&proxy.endpoint());
    let deadline = Duration::from_secs(if stalls { 1 } else { 60 });
    let how = Connect { deadline, retries: 1, ..Connect::default() };
    let address = format!("s3://shells/wire-{seed}");
    let open = || Bucket::open_with(&address.parse().expect("an address"), how, &|name| keys.env(name));
    let beside = met(Some(server), &format!("wire-{seed}"));
    put(&beside, "log", "begin");
    let mut workers = [0, 1].map(|who| Worker::new(open().expect("it opens"), who));
    faults.turn(true);
    let (mut chance, mut logged) = (Chance(seed), Vec::new());
    for step in 0..STEPS {
        let worker = &mut workers[chance.next(2) as usize];
        let number = chance.next(4);
        match chance.next(12) {
            0..4 => worker
                .write(number, format!("{seed} {step} {} ", worker.who).repeat(1 + number as usize * 40)),
            4..5 => worker.remove(number),
            5..6 => worker.rename(number, chance.next(4)),
            6..9 => worker.read(number),
            _ => {
                let token = format!(" {}.{step}", worker.who);
                let done = worker.vfs.append(LOG, token.as_bytes()).is_ok();
                logged.push((token, done));
            }
        }
    }
    assert!(faults.count() > 0, "seed {seed}");
    faults.turn(false);
    // What could not be uploaded is tried again, or told to be lost to somebody else's work.
    workers.iter().for_each(|worker| drop(worker.layer.fsync(None)));
    is_as_told(&beside, &workers, &logged);
}

fn is_as_told(beside: &Bucket, workers: &[Worker], logged: &[(String, bool)]) {
    for (path, possible) in workers.iter().flat_map(|worker| &worker.files) {
        let there = match beside.get(&path[1..], None, None) {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(trouble) if NodeError::from(trouble.clone()) == Errno::ENOENT => None,
            Err(trouble) => panic!("{trouble}"),
        };
        assert!(possible.contains(&there), "{path} is {there:?}, and may be {possible:?}");
    }
    let log = beside.get("log", None, None).expect("it was there from the beginning");
    let log = String::from_utf8_lossy(&log).into_owned();
    let tokens: Vec<&str> = log.split(' ').skip(1).collect();
    for (token, done) in logged {
        let times = tokens.iter().filter(|there| **there == &token[1..]).count();
        assert!(if *done { times == 1 } else { times <= 1 }, "{token} ({done}) is {times} times in {log}");
    }
    assert!(log.starts_with("begin"), "{log}");
}

/// A clock by which everything takes longer than a listing is believed.
#[derive(Debug)]
struct Hurrying(std::sync::atomic::AtomicI64);

impl crate::clock::Clock for Hurrying {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.fetch_add(11_000_000_000, std::sync::atomic::Ordering::SeqCst))
    }
}

#[test]
fn a_listing_that_comes_late_is_good_enough_for_who_asked() {
    let beside = met(None, "late");
    let objects: Vec<String> = (0..30).map(|number| format!("d/{number:02}")).collect();
    objects.iter().for_each(|key| put(&beside, key, key));
    let clock = Arc::new(Hurrying(1_000_000_000_000_000_000.into()));
    let options = ObjectOptions { clock, page_names: 10, ..ObjectOptions::default() };
    let vfs = Vfs::new(
        Arc::new(ObjectLayer::open(met(None, "late"), options).expect("it opens")),
        VfsOptions::default(),
    );
    assert_eq!(vfs.read("/d/07").expect("there"), "d/07");
    assert_eq!(vfs.read_dir("/d").expect("listed").len(), 30);
    assert_eq!(vfs.read("/d/30").expect_err("there is none").errno(), Errno::ENOENT);
}

#[test]
fn what_was_acknowledged_is_there_whatever_the_wire_does() {
    let asked = |variable: &str| std::env::var(variable).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match asked("COWRY_FAULT_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..asked("COWRY_FAULT_SCHEDULES").unwrap_or(SCHEDULES),
    };
    let server = Server::start("shells");
    for seed in seeds {
        // The last one told is the one that fails.
        eprintln!("seed {seed}");
        one_schedule(seed, &server);
    }
}
