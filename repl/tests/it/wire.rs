//! Runs that write to a mounted bucket while the wire to it misbehaves, by schedules with seeds: what they meant to write is
//! written once they are finished, and nobody is told of a conflict with himself. `COWRY_FAULT_SEED` runs one schedule,
//! `COWRY_FAULT_SCHEDULES` another number of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use cowry_s3_server::{Fault, Faults, Proxy, Server};
use cowry_vfs::object::Bucket;

use crate::console::Place;
use crate::scene::{met, names, object};

/// Schedules in the suite.
const SCHEDULES: u64 = 3;
/// How often something is tried while requests fail; and as often again when none does.
const TRIES: u32 = 8;

struct Wire {
    place: Place,
    bucket: Bucket,
    faults: Arc<Faults>,
    _proxy: Proxy,
    _server: Server,
}

/// How a command came out.
enum Came {
    Done,
    /// The run is committed and some of its objects are not written.
    Left,
    /// Nothing took place.
    Nothing,
}

impl Wire {
    fn new(seed: u64) -> Wire {
        let server = Server::start("shells");
        // Wrong bytes are for those who have hashes, and a command waits a minute for what does not come.
        let never = [Fault::Corrupt, Fault::Garbled, Fault::WrongTag, Fault::Stall];
        let faults = Arc::new(Faults::new(seed, [100, 250][(seed % 2) as usize]).without(&never));
        let proxy = Proxy::start(server.address(), faults.clone());
        let place = Place::with(server.keys().by_way_of(&proxy.endpoint()).all());
        let bucket = met("s3://shells", &server.keys());
        Wire { place, bucket, faults, _proxy: proxy, _server: server }
    }

    fn cowry(&self, words: &[&str]) -> Came {
        let output = self.place.cowry(words).output().expect("started");
        let told = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => Came::Done,
            Some(code) if code != 122 && told.contains("runs finish") => Came::Left,
            Some(code) if code != 122 => Came::Nothing,
            _ => panic!("nobody else writes there: {told}"),
        }
    }

    /// Runs a program until it is committed, and finishes what it wrote.
    fn run(&self, job: &str) {
        let words = ["-q", "-w", "a.cowry", "run", "-e", job, "--mount", "/data=s3://shells/in:rw"];
        self.faults.turn(true);
        let mut came = Came::Nothing;
        for tried in 0..2 * TRIES {
            self.faults.turn(tried < TRIES);
            came = match came {
                Came::Nothing => self.cowry(&words),
                Came::Left => self.cowry(&["-w", "a.cowry", "runs", "finish", "latest"]),
                Came::Done => break,
            };
        }
        self.faults.turn(false);
        assert!(matches!(came, Came::Done), "it never came to an end");
    }
}

/// Writes most of six files anew and removes some, and notes in `there` what is to be in the bucket then.
fn job(seed: u64, round: u64, there: &mut BTreeMap<String, String>) -> String {
    let mut job = String::from(
        "fs.mkdirSync('/data/d0', {recursive: true}); fs.mkdirSync('/data/d1', {recursive: true});",
    );
    for number in 0..6 {
        let name = format!("d{}/{number}", number % 2);
        if number > 1 && (seed + round + number).is_multiple_of(3) {
            if there.remove(&name).is_some() {
                job += &format!("fs.unlinkSync('/data/{name}');");
            }
            continue;
        }
        // Some are more than one request takes.
        let times = if number == 5 && round == 1 { 1_000_000 } else { 1 + number as usize * 100 };
        let text = format!("{seed} {round} {number}/");
        job += &format!("fs.writeFileSync('/data/{name}', '{text}'.repeat({times}));");
        there.insert(name, text.repeat(times));
    }
    job
}

/// Runs a schedule, and tells how many requests failed in it.
fn schedule(seed: u64) -> u64 {
    let wire = Wire::new(seed);
    let mut there = BTreeMap::new();
    for round in 0..3 {
        let job = job(seed, round, &mut there);
        wire.run(&job);
        let found = names(&wire.bucket).into_iter().map(|name| {
            let content = object(&wire.bucket, &name).expect("it was listed");
            (name["in/".len()..].to_owned(), content)
        });
        assert!(found.collect::<BTreeMap<_, _>>() == there, "seed {seed}, round {round}");
    }
    assert!(!wire.place.run("ls").contains("-held-"), "seed {seed}");
    wire.faults.count()
}

#[test]
fn what_a_run_meant_to_write_is_written_in_the_end() {
    let asked = |variable: &str| std::env::var(variable).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match asked("COWRY_FAULT_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..asked("COWRY_FAULT_SCHEDULES").unwrap_or(SCHEDULES),
    };
    let failed = seeds.map(|seed| {
        // The last one told is the one that fails.
        eprintln!("seed {seed}");
        schedule(seed)
    });
    assert!(failed.sum::<u64>() > 0);
}
