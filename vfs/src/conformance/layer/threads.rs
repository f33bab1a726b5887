//! Calls from several threads at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::conformance::kit::*;
use crate::conformance::{Case, Needs, case, nothing};
use crate::errno::Errno;
use crate::layer::Layer;
use crate::node::NewNode;

const W: Needs = Needs::WRITES;
const THREADS: usize = 4;

pub(super) const CASES: &[Case] = &[
    case("one_of_many_creates_wins", W, nothing, one_of_many_creates_wins),
    case("one_of_many_unlinks_wins", W, a_file, one_of_many_unlinks_wins),
    case("appends_do_not_overlap", W, a_file, appends_do_not_overlap),
    case("replacing_is_never_seen_half_done", W, two_files, replacing_is_never_seen_half_done),
];

fn a_file(layer: &dyn Layer) {
    file(layer, "f", b"");
}

fn two_files(layer: &dyn Layer) {
    file(layer, "f", b"0");
}

/// Runs `work` on several threads and returns how many of them said yes.
fn race(work: impl Fn(usize) -> bool + Sync) -> usize {
    let won = AtomicUsize::new(0);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (won, work) = (&won, &work);
            scope.spawn(move || won.fetch_add(usize::from(work(thread)), Ordering::Relaxed));
        }
    });
    won.into_inner()
}

fn won(result: crate::NodeResult<impl Sized>, lost: Errno) -> bool {
    match result {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.errno(), lost);
            false
        }
    }
}

fn one_of_many_creates_wins(layer: &dyn Layer) {
    for round in 0..5 {
        let path = format!("f{round}");
        assert_eq!(race(|_| won(create(layer, &path, NewNode::File(b"")), Errno::EEXIST)), 1);
    }
}

fn one_of_many_unlinks_wins(layer: &dyn Layer) {
    assert_eq!(race(|_| won(unlink(layer, "f"), Errno::ENOENT)), 1);
}

fn appends_do_not_overlap(layer: &dyn Layer) {
    let ino = ino(layer, "f");
    race(|thread| {
        for _ in 0..10 {
            layer.append(ino, &[b'a' + thread as u8; 7]).unwrap();
        }
        true
    });
    let all = content(layer, "f");
    assert_eq!(all.len(), THREADS * 70);
    assert!(all.chunks(7).all(|chunk| chunk.iter().all(|byte| *byte == chunk[0])), "appends overlap");
}

fn replacing_is_never_seen_half_done(layer: &dyn Layer) {
    let root = layer.root();
    race(|thread| {
        for round in 0..10 {
            if thread == 0 {
                file(layer, "next", b"1");
                rename(layer, "next", "f").unwrap();
            } else {
                let found = layer.lookup(root, &name("f"));
                assert!(found.is_ok(), "round {round}: {found:?}");
            }
        }
        true
    });
}
