//! Watching for changes.

use std::time::Duration;

use crate::conformance::kit::refused;
use crate::conformance::{Needs, VfsCase, vfs_case};
use crate::errno::Errno;
use crate::fs::{CopyTree, FsEvent, FsEventKind, OpenOptions, Overwrite, SetTime, Vfs, Watch, WatchOptions};
use crate::node::RenameMode;

const W: Needs = Needs::WRITES;

pub(super) const CASES: &[VfsCase] = &[
    vfs_case("tells_of_each_kind_of_change", W, tree, tells_of_each_kind_of_change),
    vfs_case("tells_of_links", W.and(Needs::SYMLINKS).and(Needs::HARD_LINKS), tree, tells_of_links),
    vfs_case("tells_of_attributes", W.and(Needs::OWNERSHIP), tree, tells_of_attributes),
    vfs_case("tells_of_what_handles_do", W, tree, tells_of_what_handles_do),
    vfs_case("tells_of_trees_by_their_top", W, tree, tells_of_trees_by_their_top),
    vfs_case("exchange_is_two_renames", W.and(Needs::RENAME_MODES), tree, exchange_is_two_renames),
    vfs_case("refused_changes_are_not_told", W, tree, refused_changes_are_not_told),
    vfs_case("without_recursion_only_entries_are_told", W, tree, without_recursion),
    vfs_case("leaving_the_watched_directory_is_told", W, tree, leaving_is_told),
    vfs_case("losing_a_directory_above_is_told", W, tree, losing_a_directory_above_is_told),
    vfs_case("clones_are_watched_too", W, tree, clones_are_watched_too),
    vfs_case("full_queue_ends_in_an_overflow", W, tree, full_queue_ends_in_an_overflow),
    vfs_case("repeated_changes_come_once", W, tree, repeated_changes_come_once),
    vfs_case("path_is_told_without_links", W.and(Needs::SYMLINKS), tree, path_is_told_without_links),
    vfs_case("nothing_to_watch_is_enoent", Needs::READS, tree, nothing_to_watch_is_enoent),
    vfs_case("waits_for_another_thread", W, tree, waits_for_another_thread),
];

const RECURSIVE: WatchOptions = WatchOptions { recursive: true, capacity: 4096 };

fn tree(vfs: &Vfs) {
    vfs.write("/f", b"content").unwrap();
    vfs.mkdir("/d", 0o777).unwrap();
    vfs.write("/d/g", b"below").unwrap();
}

fn told(watch: &Watch) -> Vec<String> {
    std::iter::from_fn(|| watch.try_next()).map(|event| describe(&event)).collect()
}

fn describe(event: &FsEvent) -> String {
    match &event.from {
        Some(from) => format!("{:?} {from} {}", event.kind, event.path),
        None => format!("{:?} {}", event.kind, event.path),
    }
}

fn tells_of_each_kind_of_change(vfs: &Vfs) {
    let watch = vfs.watch("/", RECURSIVE).unwrap();
    vfs.mkdir("/new", 0o777).unwrap();
    vfs.write("/new/file", b"made").unwrap();
    vfs.write("/new/file", b"again").unwrap();
    vfs.truncate("/f", 3).unwrap();
    vfs.append("/d/g", b"!").unwrap();
    vfs.copy("/f", "/copy", Overwrite::Replace).unwrap();
    vfs.copy("/d/g", "/copy", Overwrite::Replace).unwrap();
    vfs.rename("/new/file", "/moved", RenameMode::Replace).unwrap();
    vfs.rmdir("/new").unwrap();
    vfs.unlink("/moved").unwrap();
    let expected = [
        "Create /new",
        "Create /new/file",
        "Modify /new/file",
        "Modify /f",
        "Modify /d/g",
        "Create /copy",
        "Modify /copy",
        "Rename /new/file /moved",
        "Remove /new",
        "Remove /moved",
    ];
    assert_eq!(told(&watch), expected);
}

fn tells_of_links(vfs: &Vfs) {
    let watch = vfs.watch("/", RECURSIVE).unwrap();
    vfs.symlink("f", "/soft").unwrap();
    vfs.link("/f", "/d/hard").unwrap();
    assert_eq!(told(&watch), ["Create /soft", "Create /d/hard"]);
}

fn tells_of_attributes(vfs: &Vfs) {
    let watch = vfs.watch("/", RECURSIVE).unwrap();
    vfs.chmod("/f", 0o600).unwrap();
    vfs.utimes("/d", SetTime::Now, SetTime::Now).unwrap();
    vfs.chown("/d/g", Some(7), None).unwrap();
    assert_eq!(told(&watch), ["Modify /f", "Modify /d", "Modify /d/g"]);
}

fn tells_of_what_handles_do(vfs: &Vfs) {
    let file = vfs.open("/d/g", OpenOptions::update()).unwrap();
    let watch = vfs.watch("/d", WatchOptions::default()).unwrap();
    file.write(b"x").unwrap();
    assert_eq!(told(&watch), ["Modify /d/g"]);
    file.truncate(0).unwrap();
    assert_eq!(told(&watch), ["Modify /d/g"]);
    drop(vfs.open("/d/new", OpenOptions::write()).unwrap());
    drop(vfs.open("/d/new", OpenOptions::write()).unwrap());
    assert_eq!(told(&watch), ["Create /d/new", "Modify /d/new"]);
}

fn tells_of_trees_by_their_top(vfs: &Vfs) {
    let watch = vfs.watch("/", RECURSIVE).unwrap();
    vfs.copy_tree("/d", "/e", CopyTree { times: false, ..CopyTree::default() }).unwrap();
    vfs.rename("/e", "/h", RenameMode::Replace).unwrap();
    vfs.remove_all("/h").unwrap();
    vfs.remove_all("/h").unwrap();
    assert_eq!(told(&watch), ["Create /e", "Rename /e /h", "Remove /h"]);
}

fn exchange_is_two_renames(vfs: &Vfs) {
    let watch = vfs.watch("/", RECURSIVE).unwrap();
    vfs.rename("/f", "/d/g", RenameMode::Exchange).unwrap();
    vfs.rename("/f", "/f", RenameMode::Replace).unwrap();
    assert_eq!(told(&watch), ["Rename /f /d/g", "Rename /d/g /f"]);
}

fn refused_changes_are_not_told(vfs: &Vfs) {
    let watch = vfs.watch("/", RECURSIVE).unwrap();
    refused(vfs.mkdir("/d", 0o777), Errno::EEXIST);
    refused(vfs.unlink("/none"), Errno::ENOENT);
    refused(vfs.rmdir("/d"), Errno::ENOTEMPTY);
    vfs.read("/f").unwrap();
    assert_eq!(told(&watch), [""; 0]);
}

fn without_recursion(vfs: &Vfs) {
    let root = vfs.watch("/", WatchOptions::default()).unwrap();
    let file = vfs.watch("/f", WatchOptions::default()).unwrap();
    vfs.append("/d/g", b"!").unwrap();
    vfs.append("/f", b"!").unwrap();
    assert_eq!(told(&root), ["Modify /f"]);
    assert_eq!(told(&file), ["Modify /f"]);
}

fn leaving_is_told(vfs: &Vfs) {
    let watch = vfs.watch("/d", WatchOptions::default()).unwrap();
    vfs.rename("/d/g", "/out", RenameMode::Replace).unwrap();
    vfs.rename("/out", "/d/in", RenameMode::Replace).unwrap();
    assert_eq!(told(&watch), ["Rename /d/g /out", "Rename /out /d/in"]);
}

fn losing_a_directory_above_is_told(vfs: &Vfs) {
    let watch = vfs.watch("/d/g", WatchOptions::default()).unwrap();
    vfs.remove_all("/d").unwrap();
    assert_eq!(told(&watch), ["Remove /d"]);
}

fn clones_are_watched_too(vfs: &Vfs) {
    let watch = vfs.watch("/d", WatchOptions::default()).unwrap();
    vfs.with_cwd("/d").unwrap().write("new", b"").unwrap();
    assert_eq!(told(&watch), ["Create /d/new"]);
}

fn full_queue_ends_in_an_overflow(vfs: &Vfs) {
    let watch = vfs.watch("/", WatchOptions { recursive: true, capacity: 3 }).unwrap();
    for name in ["/1", "/2", "/3", "/4"] {
        vfs.write(name, b"").unwrap();
    }
    assert_eq!(told(&watch), ["Create /1", "Create /2", "Overflow /"]);
    vfs.write("/5", b"").unwrap();
    assert_eq!(told(&watch), ["Create /5"]);
}

fn repeated_changes_come_once(vfs: &Vfs) {
    let watch = vfs.watch("/", RECURSIVE).unwrap();
    for _ in 0..100 {
        vfs.append("/f", b"!").unwrap();
    }
    assert_eq!(told(&watch), ["Modify /f"]);
}

fn path_is_told_without_links(vfs: &Vfs) {
    vfs.symlink("d", "/link").unwrap();
    let watch = vfs.watch("/link", WatchOptions::default()).unwrap();
    vfs.append("/link/../d/./g", b"!").unwrap();
    vfs.write("/link/new", b"").unwrap();
    assert_eq!(told(&watch), ["Modify /d/g", "Create /d/new"]);
}

fn nothing_to_watch_is_enoent(vfs: &Vfs) {
    refused(vfs.watch("/none", WatchOptions::default()), Errno::ENOENT);
}

fn waits_for_another_thread(vfs: &Vfs) {
    let watch = vfs.watch("/", WatchOptions::default()).unwrap();
    let event = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| watch.next_within(Duration::from_secs(600)));
        vfs.write("/new", b"").unwrap();
        waiting.join().unwrap()
    });
    assert_eq!(event.map(|event| event.kind), Some(FsEventKind::Create));
}
