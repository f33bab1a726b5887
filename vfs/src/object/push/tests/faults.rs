//! Requests that fail before and after they took place, replies that are cut or damaged, by schedules with seeds.

use std::sync::Arc;
use std::time::Duration;

use cowry_s3_server::{Fault, Faults, Faulty, Proxy};

use super::*;
use crate::object::push::{PrunePushes, prune_pushes};

/// Tries until it is done. Whatever goes wrong is told in a line.
fn at_last<T>(what: &str, mut attempt: impl FnMut() -> Result<T, PushError>) -> T {
    let mut last = String::new();
    for _ in 0..200 {
        match attempt() {
            Ok(done) => return done,
            Err(error) => last = error.to_string(),
        }
        assert!(!last.contains('\n'), "{last}");
    }
    panic!("{what} never came to an end: {last}");
}

/// A listing that hides names and says nothing of it cannot be told from a short one; nobody waits for a reply for ever.
fn schedule(seed: u64, never: Fault) -> Arc<Faults> {
    Arc::new(Faults::new(seed, 80).without(&[never, Fault::Stall]))
}

fn survives_in_memory(seed: u64) {
    let (steady, faults) = (met(&format!("memory://push-faults-{seed}")), schedule(seed, Fault::Truncated));
    let shaky = steady.clone().wrapped(|inner| Arc::new(Faulty::new(inner, faults.clone())));
    survives(seed, &steady, &shaky, &faults);
}

/// What is cut on the wire is noticed.
fn survives_on_the_wire(seed: u64, server: &Server) {
    let faults = schedule(seed, Fault::Garbled);
    let proxy = Proxy::start(server.address(), faults.clone());
    let location: Location = format!("s3://shells/{seed}").parse().expect("an address");
    let keys = server.keys().by_way_of(&proxy.endpoint());
    let how = Connect { retries: 1, ..Connect::default() };
    let shaky = Bucket::open_with(&location, how, &|name| keys.env(name)).expect("it opens");
    let steady = Bucket::open_with(&location, how, &|name| server.env(name)).expect("it opens");
    survives(seed, &steady, &shaky, &faults);
}

/// What could not be taken away is in the way of others for a quarter of an hour. It is over.
fn nobody_is_at_it(bucket: &Bucket) {
    let mut names = Vec::new();
    let listed = bucket.list_all("running", |found| {
        names.push(found.name);
        Ok(())
    });
    listed.expect("listed");
    names.iter().for_each(|name| bucket.delete(name).expect("deleted"));
}

fn survives(seed: u64, steady: &Bucket, shaky: &Bucket, faults: &Faults) {
    let place = Place::new();
    let layer = SqliteLayer::create(place.path("site.cowry"), &options()).expect("made");
    write(&layer, "/0.bin", &noise(seed, 600_000));
    let copy = place.path("copy.cowry");
    for round in 0..3_u64 {
        let (text, more) = (format!("{seed}-{round}"), noise(seed * 100 + round, 200_000));
        write(&layer, "/note.txt", text.as_bytes());
        write(&layer, "/more.bin", &more);
        let revision = seal(&layer);
        let pushed = at_last("a push", || send(shaky, &layer));
        nobody_is_at_it(steady);
        assert_eq!(pushed.info.revision, revision, "seed {seed}");
        let request = PrunePushes { name: None, keep: 1, grace: Duration::ZERO };
        let _ = prune_pushes(shaky, &request);
        nobody_is_at_it(steady);
        let pulled = at_last("a pull", || fetch(shaky, &copy));
        assert_eq!(pulled.info.revision, revision, "seed {seed}");
        let copy = place.open("copy.cowry");
        assert_eq!(read(&copy, "/note.txt"), text.as_bytes(), "seed {seed}");
        assert!(
            read(&copy, "/more.bin") == more && read(&copy, "/0.bin") == noise(seed, 600_000),
            "seed {seed}"
        );
    }
    assert!(faults.count() > 0, "seed {seed}");
    faults.turn(false);
    fetch(steady, &place.path("fresh.cowry")).expect("what was acknowledged is all there");
    assert!(place.open("fresh.cowry").check().expect("checked").is_sound(), "seed {seed}");
}

/// How many schedules, or the one that the environment asks for.
fn schedules(count: u64, run: impl Fn(u64)) {
    let asked = |variable: &str| std::env::var(variable).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match asked("COWRY_FAULT_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..asked("COWRY_FAULT_SCHEDULES").unwrap_or(count),
    };
    for seed in seeds {
        // The last one told is the one that fails.
        eprintln!("seed {seed}");
        run(seed);
    }
}

#[test]
fn what_was_acknowledged_is_there_whatever_fails() {
    schedules(12, survives_in_memory);
}

#[test]
fn what_was_acknowledged_is_there_whatever_the_wire_does() {
    let server = Server::start("shells");
    schedules(3, |seed| survives_on_the_wire(seed, &server));
}
