//! Reading from front to end, and here and there.

use super::*;
use crate::errno::Errno;

const SIZE: u64 = 24 << 20;

/// A byte for each place.
fn content() -> Vec<u8> {
    (0..SIZE as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn world() -> World {
    let world = World::served(&[], 1000);
    let put = world.beside.put("f", content(), &Expect::Anything, &BTreeMap::new());
    put.expect("put");
    world.wait();
    world
}

#[test]
fn a_file_is_read_through_with_few_requests() {
    for step in [64 << 10, 100_000, 1 << 20] {
        let (world, content) = (world(), content());
        let ino = world.ino("f");
        let asked = world.asked(|| {
            for at in (0..SIZE).step_by(step) {
                let read = world.layer.read(ino, at, step).expect("read");
                assert_eq!(read, content[at as usize..SIZE.min(at + step as u64) as usize], "{at}");
            }
        });
        assert!(asked.0 <= 12, "{asked:?} in steps of {step}");
    }
}

#[test]
fn reads_here_and_there_fetch_what_they_need() {
    let (world, content) = (world(), content());
    let ino = world.ino("f");
    let places: Vec<usize> = (0..20).map(|n| (n * 7 % 20) * (SIZE as usize / 20) + 1000).collect();
    let asked = world.asked(|| {
        for at in &places {
            assert_eq!(world.layer.read(ino, *at as u64, 100).expect("read"), content[*at..*at + 100]);
        }
    });
    assert_eq!(asked, (20, 0, 0));
}

#[test]
fn several_who_read_one_file_have_what_is_in_it() {
    let (world, content) = (world(), content());
    let ino = world.ino("f");
    std::thread::scope(|scope| {
        for first in 0..4 {
            let (layer, content) = (&world.layer, &content);
            scope.spawn(move || {
                for piece in (first..SIZE as usize / 65_536).step_by(4) {
                    let at = piece * 65_536;
                    let read = layer.read(ino, at as u64, 65_536).expect("read");
                    assert_eq!(read, content[at..at + 65_536], "{at}");
                }
            });
        }
    });
}

#[test]
fn what_is_fetched_ahead_is_of_the_content_that_was_seen() {
    let (world, content) = (world(), content());
    let ino = world.ino("f");
    let step = 512 << 10;
    for at in (0..4 << 20).step_by(step) {
        world.layer.read(ino, at, step).expect("read");
    }
    let other = vec![0; SIZE as usize];
    world.beside.put("f", other, &Expect::Anything, &BTreeMap::new()).expect("put");
    for at in (4 << 20..SIZE).step_by(step) {
        match world.layer.read(ino, at, step) {
            Ok(read) => assert_eq!(read, content[at as usize..at as usize + step]),
            Err(error) => return assert_eq!(error.errno(), Errno::ESTALE),
        }
    }
    panic!("not all of it can have been fetched before it was replaced");
}
