//! What is fetched before anybody asks for it.

use super::*;

/// Files of a directory, each an object, and a bucket that tells how often it was asked.
struct Files {
    other: SqliteLayer,
    inos: Vec<Ino>,
    met: Met,
    _f: Fixture,
}

fn content(n: usize) -> Vec<u8> {
    noise(100 + n as u64, 20_000)
}

/// `count` files that somebody has who has nothing at hand.
fn files(count: usize) -> Files {
    let f = fixture(&address());
    f.mkdir("/d");
    for n in 0..count {
        f.put(&format!("/d/{n:03}"), &content(n));
    }
    f.seal();
    let met = Met::default();
    let other = met.open(&f);
    let inos = (0..count).map(|n| ino(&other, &format!("/d/{n:03}"))).collect();
    Files { other, inos, met, _f: f }
}

impl Files {
    fn gets(&self) -> u64 {
        self.met.gets()
    }

    fn read(&self, n: usize) {
        let got = self.other.read(self.inos[n], 0, usize::MAX).expect("it is read");
        assert!(got == content(n), "file {n}");
    }

    /// How many objects are fetched ahead for whoever reads a file now.
    fn ahead(&self, n: usize) -> usize {
        self.other.read_now(|view| Ok(view.plan(self.inos[n], 0, 100)?.ahead.len())).expect("planned")
    }
}

/// Waits until all of this is at hand.
fn wait_for(layer: &dyn Layer, inos: &[Ino]) {
    let end = std::time::Instant::now() + Duration::from_secs(300);
    while !inos.iter().all(|ino| layer.will_need(*ino, 0, usize::MAX)) {
        assert!(std::time::Instant::now() < end, "it does not come");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

#[test]
fn what_somebody_is_going_to_need_is_fetched_once_and_then_there() {
    let files = files(20);
    assert!(!files.other.will_need(files.inos[0], 0, 100), "nothing is there yet");
    wait_for(&files.other, &files.inos);
    assert_eq!(files.gets(), 20);
    (0..20).for_each(|n| files.read(n));
    assert_eq!(files.gets(), 20);
}

#[test]
fn a_hint_goes_through_what_lies_above() {
    let files = files(3);
    let head = files.other.head().expect("readable");
    let base = files.other.at(head).expect("a revision");
    let overlay = Overlay::new(base, OverlayOptions::default());
    let above = crate::wrap::ReadOnly::new(Arc::new(overlay));
    assert!(!above.will_need(files.inos[0], 0, 100));
    wait_for(&above, &files.inos[..1]);
    assert_eq!(files.gets(), 1);
}

#[test]
fn what_cannot_be_needed_is_no_error() {
    let files = files(1);
    let nowhere = Ino(999_999);
    assert!(files.other.will_need(nowhere, 0, 10) && files.other.will_need(ROOT_INO, 0, 10));
    assert!(files.other.will_need(files.inos[0], 1 << 40, 10), "past the end there is nothing");
    assert_eq!(files.gets(), 0);
}

#[test]
fn who_reads_files_one_after_the_other_finds_the_next_ones_there() {
    let files = files(120);
    assert_eq!(files.ahead(0), 0);
    files.read(0);
    files.read(1);
    (2..6).for_each(|n| assert_eq!(files.ahead(n), 0, "{n} is on its way or there"));
    (2..6).for_each(|n| files.read(n));
    assert_eq!(files.ahead(6), 16);
    assert_eq!(files.ahead(100), 0, "somewhere else");
    (6..120).for_each(|n| files.read(n));
    assert_eq!(files.gets(), 120, "each of them once");
}

#[test]
fn a_reader_goes_on_however_its_reads_come_together() {
    let f = Fixture::new();
    let goes_on = |range| f.layer.shared.tier.goes_on(1, &range, 1000);
    assert_eq!(goes_on(0..100), None);
    assert_eq!(goes_on(100..200), Some(200));
    assert_eq!(goes_on(100..200), None, "told, and then read");
    assert_eq!(goes_on(200..300), None, "most of what is ahead is there");
    assert_eq!(goes_on(300..800), Some(1200));
    assert_eq!(goes_on(700..750), None, "of several reads under way this one came late");
    assert_eq!(goes_on(800..1500), Some(1800));
    assert_eq!(goes_on(5000..5100), None, "somewhere else");
    assert_eq!(goes_on(5100..5200), Some(5200));
    assert_eq!(goes_on(0..100), None, "anew");
    assert_eq!(goes_on(100..200), Some(200));
}

#[test]
fn who_is_told_what_is_needed_sees_who_goes_on() {
    let files = files(120);
    // As a mount asks: what is needed is told, and read by somebody else a little later.
    let ask = |n: usize| files.other.will_need(files.inos[n], 0, 100);
    assert!(!ask(0) && !ask(1));
    wait_for(&files.other, &files.inos[2..6]);
    assert_eq!(files.gets(), 6);
    (0..6).for_each(|n| files.read(n));
    assert_eq!(files.gets(), 6);
}
