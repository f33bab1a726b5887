//! The same schedules over the wire: a proxy between the workspaces and a server that speaks S3 resets connections half way
//! through bodies in either direction, cuts and damages replies, and refuses.

use std::collections::HashSet;

use cowry_s3_server::{Fault, Gate, Keys, Proxy, Request, Server};

use super::faults::{Bench, faults, run, schedules};
use super::*;

/// Schedules of each of the tests below.
const SCHEDULES: u64 = 6;

fn over_the_wire(seed: u64, server: &Server) {
    let (faults, deadline) = faults(seed);
    let proxy = Proxy::start(server.address(), faults.clone());
    let shaky = met(server.keys().by_way_of(&proxy.endpoint()), deadline);
    let steady = met(server.keys(), Duration::from_secs(120));
    run(&Bench { seed, faults: &faults, shaky, steady, address: format!("s3://shells/{seed}") });
}

/// Few tries and short pauses between them: what is tried again for long is the same request over and over.
fn met(keys: Keys, deadline: Duration) -> OpenBucket {
    let how = Connect { deadline, retries: 1, ..Connect::default() };
    OpenBucket::new(move |location| Bucket::open_with(location, how, &|name| keys.env(name)))
}

fn half(which: u64) {
    let server = Server::start("shells");
    schedules(which, 2, SCHEDULES, |seed| over_the_wire(seed, &server));
}

/// What the first reply damages is not damaged; what each of them does is.
#[test]
fn the_check_asks_again_for_what_came_damaged() {
    let server = Server::start("shells");
    let f = Fixture::with(&alone);
    let long = Duration::from_secs(120);
    for every in [false, true] {
        let seen = parking_lot::Mutex::new(HashSet::new());
        let damages = move |request, key: &str| {
            let is_meant = request == Request::Get && (every || seen.lock().insert(key.to_owned()));
            is_meant.then_some(Fault::Corrupt)
        };
        let proxy = Proxy::start(server.address(), Arc::new(Gate::new(damages)));
        let buckets = met(server.keys().by_way_of(&proxy.endpoint()), long);
        let options = SqliteOptions { buckets, ..alone(options(&f.clock)) };
        let layer = SqliteLayer::open(&f.path, &options).expect("it opens");
        layer.set_content_tier(Some(&tier("s3://shells/check"))).expect("set");
        layer.move_content(&mut |_| {}).expect("moved");
        make(&layer, if every { "a" } else { "b" }, &noise(21, 1 << 20));
        layer.seal(&SealInfo::of(RevisionKind::Edit)).expect("sealed");
        let report = layer.check_buckets(&mut |_| {}).expect("checked");
        assert!(report.sound + report.damaged.len() as u64 > 0);
        assert_eq!((report.damaged.is_empty(), report.sound == 0), (!every, every), "{report:?}");
    }
}

#[test]
fn nothing_acknowledged_is_lost_on_the_wire_first_half() {
    half(0);
}

#[test]
fn nothing_acknowledged_is_lost_on_the_wire_second_half() {
    half(1);
}
