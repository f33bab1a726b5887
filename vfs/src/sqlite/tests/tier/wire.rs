//! The same schedules over the wire: a proxy between the workspaces and a server that speaks S3 resets connections half way
//! through bodies in either direction, cuts and damages replies, and refuses.

use cowry_s3_server::{Keys, Proxy, Server};

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

#[test]
fn nothing_acknowledged_is_lost_on_the_wire_first_half() {
    half(0);
}

#[test]
fn nothing_acknowledged_is_lost_on_the_wire_second_half() {
    half(1);
}
