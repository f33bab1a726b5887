//! Requests that fail before and after they took place, replies that are cut or damaged, by schedules with seeds.

use std::sync::Arc;
use std::time::Duration;

use cowry_s3_server::{Fault, Faults, Faulty};

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

/// A listing that is cut and says nothing of it cannot be told from a short one; nobody waits for a reply for ever.
fn schedule(seed: u64) -> Arc<Faults> {
    Arc::new(Faults::new(seed, 80).without(&[Fault::Truncated, Fault::Stall]))
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

fn survives(seed: u64) {
    let (place, steady) = (Place::new(), met(&format!("memory://push-faults-{seed}")));
    let faults = schedule(seed);
    let shaky = steady.clone().wrapped(|inner| Arc::new(Faulty::new(inner, faults.clone())));
    let layer = SqliteLayer::create(place.path("site.cowry"), &options()).expect("made");
    write(&layer, "/0.bin", &noise(seed, 600_000));
    let copy = place.path("copy.cowry");
    for round in 0..3_u64 {
        let (text, more) = (format!("{seed}-{round}"), noise(seed * 100 + round, 200_000));
        write(&layer, "/note.txt", text.as_bytes());
        write(&layer, "/more.bin", &more);
        let revision = seal(&layer);
        let pushed = at_last("a push", || send(&shaky, &layer));
        nobody_is_at_it(&steady);
        assert_eq!(pushed.info.revision, revision, "seed {seed}");
        let request = PrunePushes { name: None, keep: 1, grace: Duration::ZERO };
        let _ = prune_pushes(&shaky, &request);
        nobody_is_at_it(&steady);
        let pulled = at_last("a pull", || fetch(&shaky, &copy));
        assert_eq!(pulled.info.revision, revision, "seed {seed}");
        let copy = place.open("copy.cowry");
        assert_eq!(read(&copy, "/note.txt"), text.as_bytes(), "seed {seed}");
        assert!(
            read(&copy, "/more.bin") == more && read(&copy, "/0.bin") == noise(seed, 600_000),
            "seed {seed}"
        );
    }
    faults.turn(false);
    fetch(&steady, &place.path("fresh.cowry")).expect("what was acknowledged is all there");
    assert!(place.open("fresh.cowry").check().expect("checked").is_sound(), "seed {seed}");
}

#[test]
fn what_was_acknowledged_is_there_whatever_fails() {
    (0..12).for_each(survives);
}
