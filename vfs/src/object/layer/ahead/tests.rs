//! When something is fetched ahead, and what is done with what is under way.

use super::*;

const KIB: u64 = 1 << 10;

/// Reads of so many KiB at these places: how much is asked for at once in the end, in KiB.
#[track_caller]
fn check(reads: &[(u64, u64)], window: u64) {
    let mut ahead = Ahead::default();
    for (at, len) in reads {
        ahead.step(at * KIB, (at + len) * KIB);
    }
    assert_eq!(ahead.window() / KIB, window, "{reads:?}");
    assert!(ahead.upto >= ahead.next);
}

#[test]
fn as_much_again_as_was_read_in_one_go() {
    check(&[(0, 64)], 128);
    check(&[(0, 64), (64, 64), (128, 64)], 384);
    check(&[(0, 4096), (4096, 4096)], 8192);
    check(&[(0, 1 << 20), (1 << 20, 1 << 20)], 8192);
}

#[test]
fn a_jump_begins_anew_and_a_step_back_does_not() {
    check(&[(0, 4096), (4096, 64), (1 << 20, 64)], 128);
    check(&[(0, 4096), (4096, 64), (0, 64)], 128);
    check(&[(0, 512), (512, 512), (448, 64), (1024, 64)], 2176 / 128 * 128);
}

fn flights() -> Arc<Flights> {
    Arc::new(Flights::new(4 * BLOCK))
}

#[test]
fn what_is_under_way_has_its_bound() {
    let flights = flights();
    let begin = |content, from: u64, to: u64| Flights::begin(&flights, content, &(from * BLOCK..to * BLOCK));
    let first = begin(1, 0, 3).expect("room");
    assert!(begin(1, 2, 3).is_none(), "it is under way");
    assert!(begin(2, 0, 2).is_none(), "no room");
    let second = begin(2, 0, 1).expect("room");
    assert_eq!((flights.next(1, 0), flights.next(2, 0)), (None, None));
    drop(first);
    let third = begin(2, 2, 3).expect("room");
    assert_eq!(flights.next(2, 0), Some(2 * BLOCK));
    drop((second, third));
    assert!(flights.inner.lock().flights.is_empty());
}

#[test]
fn who_waits_goes_on_when_it_has_landed() {
    let flights = flights();
    assert!(!flights.wait_for(1, 0), "nothing is under way");
    let ticket = Flights::begin(&flights, 1, &(0..BLOCK)).expect("room");
    let there = flights.clone();
    let waiting = std::thread::spawn(move || there.wait_for(1, 5));
    while flights.inner.lock().flights.iter().all(|flight| flight.waiting == 0) {
        std::thread::yield_now();
    }
    drop(ticket);
    assert!(waiting.join().expect("it goes on"));
}

#[test]
fn what_nobody_waits_for_is_stopped() {
    let flights = flights();
    let ticket = Flights::begin(&flights, 1, &(0..BLOCK)).expect("room");
    let id = ticket.id;
    let running = crate::object::bridge::start(async move {
        let _ticket = ticket;
        std::future::pending::<()>().await;
    });
    flights.started(id, running);
    flights.stop(Some(2));
    assert_eq!(flights.inner.lock().flights.len(), 1);
    flights.stop(Some(1));
    assert!(!flights.wait_for(1, 0) || flights.inner.lock().flights.is_empty());
}
