//! Transactions and savepoints.

use crate::conformance::kit::refused;
use crate::conformance::{Needs, VfsCase, vfs_case};
use crate::errno::{Errno, Error, Result};
use crate::fs::{FsEventKind, OpenOptions, Vfs, WatchOptions};
use crate::node::RenameMode;

const T: Needs = Needs::WRITES.and(Needs::TRANSACTIONS);

pub(super) const CASES: &[VfsCase] = &[
    vfs_case("success_keeps_everything", T, tree, success_keeps_everything),
    vfs_case("failure_undoes_everything", T, tree, failure_undoes_everything),
    vfs_case("inner_failure_undoes_its_own_part", T, tree, inner_failure_undoes_its_own_part),
    vfs_case("outer_failure_undoes_the_inner", T, tree, outer_failure_undoes_the_inner),
    vfs_case("sees_what_it_wrote", T, tree, sees_what_it_wrote),
    vfs_case("refused_where_nothing_can_be_undone", Needs::WRITES, tree, refused_where_nothing_can_be_undone),
    vfs_case("savepoint_is_gone_back_to_twice", T, tree, savepoint_is_gone_back_to_twice),
    vfs_case("savepoints_are_gone_back_to_in_any_order", T, tree, savepoints_in_any_order),
    vfs_case("open_file_of_before_goes_on", T, tree, open_file_of_before_goes_on),
    vfs_case("open_file_of_after_is_stale", T, tree, open_file_of_after_is_stale),
    vfs_case("numbers_are_not_given_again", T, tree, numbers_are_not_given_again),
    vfs_case("rolling_back_is_told_as_lost_events", T, tree, rolling_back_is_told),
    vfs_case("of_a_read_only_tree_is_nothing", Needs::READ_ONLY, tree, of_a_read_only_tree_is_nothing),
];

fn tree(vfs: &Vfs) {
    vfs.write("/f", b"content").unwrap();
    vfs.mkdir("/d", 0o777).unwrap();
    vfs.write("/d/g", b"below").unwrap();
}

fn failure<T>() -> Result<T> {
    Err(Error::new("test", Errno::EINTR))
}

fn change_much(vfs: &Vfs) -> Result<()> {
    vfs.append("/f", b", and more")?;
    vfs.rename("/d", "/e", RenameMode::Replace)?;
    vfs.write("/e/new", b"n")?;
    vfs.unlink("/e/g")
}

#[track_caller]
fn is_as_before(vfs: &Vfs) {
    assert_eq!(vfs.read("/f").unwrap(), &b"content"[..]);
    assert_eq!(vfs.read("/d/g").unwrap(), &b"below"[..]);
    assert!(!vfs.exists("/e"));
    let names: Vec<String> = vfs.read_dir("/").unwrap().iter().map(|entry| entry.name.to_string()).collect();
    assert_eq!(names, ["d", "f"]);
}

fn success_keeps_everything(vfs: &Vfs) {
    assert_eq!(vfs.transaction(|| change_much(vfs).map(|()| 7)).unwrap(), 7);
    assert_eq!(vfs.read("/f").unwrap(), &b"content, and more"[..]);
    assert!(vfs.exists("/e/new") && !vfs.exists("/d"));
}

fn failure_undoes_everything(vfs: &Vfs) {
    let done = vfs.transaction(|| change_much(vfs).and_then(|()| failure::<()>()));
    refused(done, Errno::EINTR);
    is_as_before(vfs);
}

fn inner_failure_undoes_its_own_part(vfs: &Vfs) {
    let outer = || {
        vfs.write("/kept", b"k")?;
        refused(vfs.transaction(|| change_much(vfs).and_then(|()| failure::<()>())), Errno::EINTR);
        Ok(())
    };
    vfs.transaction(outer).unwrap();
    assert!(vfs.exists("/kept"));
    vfs.unlink("/kept").unwrap();
    is_as_before(vfs);
}

fn outer_failure_undoes_the_inner(vfs: &Vfs) {
    let outer = || {
        vfs.transaction(|| change_much(vfs))?;
        failure::<()>()
    };
    refused(vfs.transaction(outer), Errno::EINTR);
    is_as_before(vfs);
}

fn sees_what_it_wrote(vfs: &Vfs) {
    let seen = vfs.transaction(|| {
        vfs.write("/f", b"within")?;
        vfs.read("/f")
    });
    assert_eq!(seen.unwrap(), &b"within"[..]);
}

fn refused_where_nothing_can_be_undone(vfs: &Vfs) {
    let undoes = vfs.locate("/", crate::fs::Follow::Yes).unwrap().layer.features().transactions;
    if !undoes {
        refused(vfs.transaction(|| Ok(())), Errno::EOPNOTSUPP);
        refused(vfs.savepoint(), Errno::EOPNOTSUPP);
    }
}

fn savepoint_is_gone_back_to_twice(vfs: &Vfs) {
    // A workspace by itself has transactions only: its savepoints would be of everybody's changes.
    let Ok(savepoint) = vfs.savepoint() else { return };
    for _ in 0..2 {
        change_much(vfs).unwrap();
        savepoint.roll_back().unwrap();
        is_as_before(vfs);
    }
    change_much(vfs).unwrap();
    drop(savepoint);
    assert!(vfs.exists("/e/new"));
}

fn savepoints_in_any_order(vfs: &Vfs) {
    let Ok(first) = vfs.savepoint() else { return };
    vfs.write("/one", b"1").unwrap();
    let second = vfs.savepoint().unwrap();
    vfs.write("/two", b"2").unwrap();
    first.roll_back().unwrap();
    is_as_before(vfs);
    second.roll_back().unwrap();
    assert!(vfs.exists("/one") && !vfs.exists("/two"));
    first.roll_back().unwrap();
    is_as_before(vfs);
}

fn open_file_of_before_goes_on(vfs: &Vfs) {
    let Ok(savepoint) = vfs.savepoint() else { return };
    let file = vfs.open("/f", OpenOptions::append()).unwrap();
    file.write(b", undone").unwrap();
    vfs.unlink("/f").unwrap();
    savepoint.roll_back().unwrap();
    file.write(b", kept").unwrap();
    assert_eq!(vfs.read("/f").unwrap(), &b"content, kept"[..]);
}

fn open_file_of_after_is_stale(vfs: &Vfs) {
    let Ok(savepoint) = vfs.savepoint() else { return };
    let file = vfs.open("/new", OpenOptions::write()).unwrap();
    savepoint.roll_back().unwrap();
    refused(file.write(b"x"), Errno::ESTALE);
    drop(file);
    is_as_before(vfs);
}

fn numbers_are_not_given_again(vfs: &Vfs) {
    let Ok(savepoint) = vfs.savepoint() else { return };
    vfs.write("/new", b"1").unwrap();
    let undone = vfs.stat("/new").unwrap().ino;
    savepoint.roll_back().unwrap();
    vfs.write("/other", b"2").unwrap();
    assert_ne!(vfs.stat("/other").unwrap().ino, undone);
}

fn rolling_back_is_told(vfs: &Vfs) {
    let watch = vfs.watch("/", WatchOptions::default()).unwrap();
    let done = vfs.transaction(|| vfs.write("/new", b"").and_then(|()| failure::<()>()));
    refused(done, Errno::EINTR);
    assert_eq!(watch.try_next().map(|event| event.kind), Some(FsEventKind::Create));
    assert_eq!(watch.try_next().map(|event| event.kind), Some(FsEventKind::Overflow));
}

fn of_a_read_only_tree_is_nothing(vfs: &Vfs) {
    let savepoint = vfs.savepoint().unwrap();
    savepoint.roll_back().unwrap();
    assert_eq!(vfs.transaction(|| vfs.read("/f")).unwrap(), &b"content"[..]);
}
