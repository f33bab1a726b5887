//! Advisory locks. Waiting is given ten minutes, which only a failure takes.

use std::time::Duration;

use crate::conformance::kit::refused;
use crate::conformance::{Needs, VfsCase, vfs_case};
use crate::errno::Errno;
use crate::fs::{File, HeldLock, LockKind, LockOwner, LockWait, OpenOptions, Vfs};

use LockKind::{Exclusive, Shared};

const W: Needs = Needs::WRITES;
const WAIT: LockWait = LockWait::AtMost(Duration::from_secs(600));
const A: LockOwner = LockOwner(1);
const B: LockOwner = LockOwner(2);
const ALL: std::ops::Range<u64> = 0..u64::MAX;

pub(super) const CASES: &[VfsCase] = &[
    vfs_case("exclusive_keeps_others_out", W, tree, exclusive_keeps_others_out),
    vfs_case("shared_is_for_many", W, tree, shared_is_for_many),
    vfs_case("conversion", W, tree, conversion),
    vfs_case("ends_with_the_handle", W, tree, ends_with_the_handle),
    vfs_case("other_names_of_a_file_are_the_same_file", W.and(Needs::HARD_LINKS), tree, other_names),
    vfs_case("locks_keep_nobody_from_writing", W, tree, locks_keep_nobody_from_writing),
    vfs_case("waiting_ends_when_the_lock_is_given_back", W, tree, waiting_ends),
    vfs_case("waiting_ends_in_time", W, tree, waiting_ends_in_time),
    vfs_case("two_who_upgrade_deadlock", W, tree, two_who_upgrade_deadlock),
    vfs_case("ranges_that_do_not_touch_do_not_matter", W, tree, ranges_apart),
    vfs_case("ranges_split_and_convert", W, tree, ranges_split_and_convert),
    vfs_case("range_locks_need_access", W, tree, range_locks_need_access),
    vfs_case("closing_any_handle_ends_its_owners_ranges", W, tree, closing_any_handle),
    vfs_case("owners_in_a_circle_deadlock", W, tree, owners_in_a_circle_deadlock),
    vfs_case("the_two_sorts_do_not_know_each_other", W, tree, two_sorts),
    vfs_case("a_conflict_can_be_asked_for", W, tree, a_conflict_can_be_asked_for),
];

fn tree(vfs: &Vfs) {
    vfs.write("/f", b"content").unwrap();
    vfs.write("/g", b"content").unwrap();
}

fn open(vfs: &Vfs, path: &str) -> File {
    vfs.open(path, OpenOptions::update()).unwrap()
}

fn exclusive_keeps_others_out(vfs: &Vfs) {
    let (one, two) = (open(vfs, "/f"), open(vfs, "/f"));
    one.flock(Exclusive, LockWait::No).unwrap();
    refused(two.flock(Exclusive, LockWait::No), Errno::EAGAIN);
    refused(two.flock(Shared, LockWait::No), Errno::EAGAIN);
    open(vfs, "/g").flock(Exclusive, LockWait::No).unwrap();
    one.funlock();
    two.flock(Exclusive, LockWait::No).unwrap();
}

fn shared_is_for_many(vfs: &Vfs) {
    let handles: Vec<File> = (0..3).map(|_| open(vfs, "/f")).collect();
    handles.iter().for_each(|handle| handle.flock(Shared, LockWait::No).unwrap());
    refused(open(vfs, "/f").flock(Exclusive, LockWait::No), Errno::EAGAIN);
}

fn conversion(vfs: &Vfs) {
    let (one, two) = (open(vfs, "/f"), open(vfs, "/f"));
    one.flock(Exclusive, LockWait::No).unwrap();
    one.flock(Shared, LockWait::No).unwrap();
    two.flock(Shared, LockWait::No).unwrap();
    // What is refused leaves the lock that was there.
    refused(one.flock(Exclusive, LockWait::No), Errno::EAGAIN);
    refused(open(vfs, "/f").flock(Exclusive, LockWait::No), Errno::EAGAIN);
    two.funlock();
    one.flock(Exclusive, LockWait::No).unwrap();
}

fn ends_with_the_handle(vfs: &Vfs) {
    let two = open(vfs, "/f");
    let one = open(vfs, "/f");
    one.flock(Exclusive, LockWait::No).unwrap();
    drop(one);
    two.flock(Exclusive, LockWait::No).unwrap();
}

fn other_names(vfs: &Vfs) {
    vfs.link("/f", "/second").unwrap();
    let one = open(vfs, "/f");
    one.flock(Exclusive, LockWait::No).unwrap();
    refused(open(vfs, "/second").flock(Shared, LockWait::No), Errno::EAGAIN);
}

fn locks_keep_nobody_from_writing(vfs: &Vfs) {
    let one = open(vfs, "/f");
    one.flock(Exclusive, LockWait::No).unwrap();
    one.lock_range(A, Exclusive, ALL, LockWait::No).unwrap();
    vfs.write("/f", b"all the same").unwrap();
    vfs.unlink("/f").unwrap();
}

fn waiting_ends(vfs: &Vfs) {
    let (one, two) = (open(vfs, "/f"), open(vfs, "/f"));
    one.flock(Exclusive, LockWait::No).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| two.flock(Exclusive, WAIT));
        one.write(b"before").unwrap();
        one.funlock();
        waiting.join().unwrap().unwrap();
    });
    refused(one.flock(Shared, LockWait::No), Errno::EAGAIN);
}

fn waiting_ends_in_time(vfs: &Vfs) {
    let (one, two) = (open(vfs, "/f"), open(vfs, "/f"));
    one.flock(Shared, LockWait::No).unwrap();
    refused(two.flock(Exclusive, LockWait::AtMost(Duration::from_millis(5))), Errno::ETIMEDOUT);
    two.flock(Shared, LockWait::No).unwrap();
}

fn two_who_upgrade_deadlock(vfs: &Vfs) {
    let (one, two) = (open(vfs, "/f"), open(vfs, "/f"));
    one.flock(Shared, LockWait::No).unwrap();
    two.flock(Shared, LockWait::No).unwrap();
    let upgrade = |handle: &File| {
        let done = handle.flock(Exclusive, WAIT);
        handle.funlock();
        done.err().map(|error| error.errno())
    };
    let first = std::thread::scope(|scope| {
        let other = scope.spawn(|| upgrade(&two));
        let mine = upgrade(&one);
        [mine, other.join().unwrap()]
    });
    // Whoever came second was told (or came when the other was through); one of them at least got it.
    assert!(first.contains(&None), "{first:?}");
    assert!(first.iter().all(|errno| matches!(errno, None | Some(Errno::EDEADLK))), "{first:?}");
}

fn ranges_apart(vfs: &Vfs) {
    let file = open(vfs, "/f");
    file.lock_range(A, Exclusive, 0..10, LockWait::No).unwrap();
    file.lock_range(B, Exclusive, 10..20, LockWait::No).unwrap();
    refused(file.lock_range(B, Shared, 9..11, LockWait::No), Errno::EAGAIN);
    refused(file.lock_range(A, Shared, 15..u64::MAX, LockWait::No), Errno::EAGAIN);
    refused(file.lock_range(A, Shared, 5..5, LockWait::No), Errno::EINVAL);
    file.unlock_range(B, 12..20);
    file.lock_range(A, Exclusive, 12..u64::MAX, LockWait::No).unwrap();
}

fn ranges_split_and_convert(vfs: &Vfs) {
    let file = open(vfs, "/f");
    file.lock_range(A, Exclusive, 0..30, LockWait::No).unwrap();
    file.lock_range(A, Shared, 10..20, LockWait::No).unwrap();
    file.lock_range(B, Shared, 10..20, LockWait::No).unwrap();
    for range in [0..11, 19..30] {
        refused(file.lock_range(B, Shared, range, LockWait::No), Errno::EAGAIN);
    }
    file.unlock_range(A, 0..30);
    file.lock_range(B, Exclusive, ALL, LockWait::No).unwrap();
}

fn range_locks_need_access(vfs: &Vfs) {
    let reader = vfs.open("/f", OpenOptions::read()).unwrap();
    refused(reader.lock_range(A, Exclusive, ALL, LockWait::No), Errno::EBADF);
    reader.lock_range(A, Shared, ALL, LockWait::No).unwrap();
    let writer = vfs.open("/f", OpenOptions::append()).unwrap();
    refused(writer.lock_range(A, Shared, ALL, LockWait::No), Errno::EBADF);
    reader.flock(Exclusive, LockWait::No).unwrap();
}

fn closing_any_handle(vfs: &Vfs) {
    let (one, two) = (open(vfs, "/f"), open(vfs, "/f"));
    one.lock_range(A, Exclusive, 0..10, LockWait::No).unwrap();
    two.lock_range(A, Exclusive, 20..30, LockWait::No).unwrap();
    drop(two);
    one.lock_range(B, Exclusive, ALL, LockWait::No).unwrap();
}

fn owners_in_a_circle_deadlock(vfs: &Vfs) {
    let (f, g) = (open(vfs, "/f"), open(vfs, "/g"));
    f.lock_range(A, Exclusive, ALL, LockWait::No).unwrap();
    g.lock_range(B, Exclusive, ALL, LockWait::No).unwrap();
    let told = std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let done = f.lock_range(B, Exclusive, ALL, WAIT);
            g.unlock_range(B, ALL);
            done
        });
        let mine = g.lock_range(A, Exclusive, ALL, WAIT);
        f.unlock_range(A, ALL);
        [mine, other.join().unwrap()].map(|done| done.err().map(|error| error.errno()))
    });
    assert!(matches!(told, [None, Some(Errno::EDEADLK)] | [Some(Errno::EDEADLK), None]), "{told:?}");
}

fn two_sorts(vfs: &Vfs) {
    let (one, two) = (open(vfs, "/f"), open(vfs, "/f"));
    one.flock(Exclusive, LockWait::No).unwrap();
    two.lock_range(A, Exclusive, ALL, LockWait::No).unwrap();
}

fn a_conflict_can_be_asked_for(vfs: &Vfs) {
    let file = open(vfs, "/f");
    file.lock_range(A, Shared, 5..9, LockWait::No).unwrap();
    let held = HeldLock { kind: Shared, range: 5..9, owner: A };
    assert_eq!(file.range_conflict(B, Exclusive, 0..6), Some(held));
    assert_eq!(file.range_conflict(B, Shared, 0..6), None);
    assert_eq!(file.range_conflict(A, Exclusive, 0..6), None);
    assert_eq!(file.range_conflict(B, Exclusive, 9..u64::MAX), None);
}
