//! Who is ahead of whom: workspaces that are there already, and several that push.

use super::*;
use crate::clock::Timestamp;
use crate::errno::Errno;
use crate::sqlite::{RunRow, SqliteLayer};

/// A workspace that was pushed, and a copy of it that was pulled.
fn pair(place: &Place, bucket: &Bucket) -> (SqliteLayer, PathBuf) {
    let layer = place.workspace("site.cowry");
    send(bucket, &layer).expect("pushed");
    let copy = place.path("copy.cowry");
    fetch(bucket, &copy).expect("pulled");
    (layer, copy)
}

#[test]
fn what_is_behind_is_brought_up_to_date() {
    let (place, bucket) = (Place::new(), met("memory://pull-behind"));
    let (layer, copy) = pair(&place, &bucket);
    assert!(fetch(&bucket, &copy).expect("pulled").unchanged);
    write(&layer, "/note.txt", b"second");
    seal(&layer);
    send(&bucket, &layer).expect("pushed");
    let pulled = fetch(&bucket, &copy).expect("pulled");
    assert!(!pulled.unchanged && !pulled.created, "{pulled:?}");
    assert!(pulled.fetched_blocks <= pulled.blocks / 2, "{pulled:?}");
    let copy = place.open("copy.cowry");
    assert_eq!(read(&copy, "/note.txt"), b"second");
    assert!(copy.check().expect("checked").is_sound());
    drop(copy);
    assert_eq!(beside(&place, "copy.cowry"), [""; 0]);
}

#[test]
fn what_is_known_only_here_stays() {
    let (place, bucket) = (Place::new(), met("memory://pull-keeps"));
    let (layer, path) = pair(&place, &bucket);
    let copy = place.open("copy.cowry");
    let fork = copy.fork(place.path("fork.cowry"), Revision(1)).expect("a fork");
    let row = RunRow {
        id: "only-here".into(),
        started: Timestamp(1),
        name: "a".into(),
        outcome: "completed".into(),
        revision: None,
        record: b"record".to_vec(),
    };
    copy.put_run(&row).expect("recorded");
    drop((copy, fork));
    write(&layer, "/note.txt", b"second");
    seal(&layer);
    send(&bucket, &layer).expect("pushed");
    assert!(!fetch(&bucket, &path).expect("pulled").unchanged);
    let copy = place.open("copy.cowry");
    assert_eq!(copy.run("only-here").expect("read"), Some(row));
    assert_eq!(copy.forks().expect("listed").len(), 1);
    let fork = place.open("fork.cowry");
    assert_eq!(read(&fork, "/note.txt"), b"first");
    assert!(fork.check().expect("checked").is_sound());
}

#[test]
fn what_would_be_lost_is_not_pulled_over() {
    let (place, bucket) = (Place::new(), met("memory://pull-diverged"));
    let (layer, path) = pair(&place, &bucket);
    write(&layer, "/note.txt", b"second");
    seal(&layer);
    send(&bucket, &layer).expect("pushed");
    let copy = place.open("copy.cowry");
    write(&copy, "/mine.txt", b"not sealed");
    let told = said(fetch(&bucket, &path));
    assert!(told.contains("in no revision"), "{told}");
    seal(&copy);
    let told = said(fetch(&bucket, &path));
    assert!(told.contains("its own way"), "{told}");
    assert!(said(send(&bucket, &copy)).contains("merge"));
    write(&copy, "/mine.txt", b"and more");
    seal(&copy);
    assert!(said(fetch(&bucket, &path)).contains("its own way"));
    assert_eq!(read(&copy, "/mine.txt"), b"and more");
}

#[test]
fn another_workspace_is_not_taken_for_it() {
    let (place, bucket) = (Place::new(), met("memory://pull-other"));
    let (_, _) = pair(&place, &bucket);
    let other = SqliteLayer::create(place.path("other.cowry"), &options()).expect("made");
    assert!(said(fetch(&bucket, &place.path("other.cowry"))).contains("another workspace"));
    assert!(said(send(&bucket, &other)).contains("--name"));
    std::fs::write(place.path("text"), "no workspace").expect("written");
    assert!(said(fetch(&bucket, &place.path("text"))).contains("not a Cowry workspace"));
    assert_eq!(std::fs::read(place.path("text")).expect("there"), b"no workspace");
}

#[test]
fn one_that_is_open_is_left_alone() {
    let (place, bucket) = (Place::new(), met("memory://pull-open"));
    let (layer, path) = pair(&place, &bucket);
    write(&layer, "/note.txt", b"second");
    seal(&layer);
    send(&bucket, &layer).expect("pushed");
    let copy = place.open("copy.cowry");
    match fetch(&bucket, &path) {
        Err(PushError::Node(error)) => assert_eq!(error, Errno::EBUSY),
        other => panic!("{other:?}"),
    }
    assert_eq!(read(&copy, "/note.txt"), b"first");
    drop(copy);
    let pulled = fetch(&bucket, &path).expect("pulled");
    assert_eq!(pulled.fetched_blocks, 0, "it was all there from before");
    assert_eq!(read(&place.open("copy.cowry"), "/note.txt"), b"second");
}

#[test]
fn one_that_is_behind_does_not_push() {
    let (place, bucket) = (Place::new(), met("memory://push-behind"));
    let (layer, _) = pair(&place, &bucket);
    let copy = place.open("copy.cowry");
    write(&copy, "/note.txt", b"of the copy");
    seal(&copy);
    send(&bucket, &copy).expect("pushed");
    let told = said(send(&bucket, &layer));
    assert!(told.contains("revision 2") && told.contains("pull it first"), "{told}");
    drop((layer, copy));
    fetch(&bucket, &place.path("site.cowry")).expect("pulled");
    assert!(send(&bucket, &place.open("site.cowry")).expect("pushed").unchanged);
}

#[test]
fn history_that_was_pruned_elsewhere_is_named() {
    let (place, bucket) = (Place::new(), met("memory://pull-pruned"));
    let layer = place.workspace("site.cowry");
    for text in ["second", "third"] {
        write(&layer, "/note.txt", text.as_bytes());
        seal(&layer);
    }
    send(&bucket, &layer).expect("pushed");
    let copy = place.path("copy.cowry");
    fetch(&bucket, &copy).expect("pulled");
    let request =
        crate::sqlite::PruneRequest { from: Some(Revision(2)), to: Some(Revision(2)), ..Default::default() };
    layer.prune(&request).expect("pruned");
    write(&layer, "/note.txt", b"fourth");
    seal(&layer);
    send(&bucket, &layer).expect("pushed");
    let told = said(fetch(&bucket, &copy));
    assert!(told.contains("cowry prune 2"), "{told}");
    place.open("copy.cowry").prune(&request).expect("pruned");
    fetch(&bucket, &copy).expect("pulled");
    assert_eq!(read(&place.open("copy.cowry"), "/note.txt"), b"fourth");
}

#[test]
#[cfg(feature = "failpoints")]
fn of_two_that_push_at_once_the_second_is_told() {
    let (place, bucket) = (Place::new(), met("memory://push-two"));
    let (layer, _) = pair(&place, &bucket);
    let copy = place.open("copy.cowry");
    write(&layer, "/note.txt", b"ours");
    seal(&layer);
    write(&copy, "/note.txt", b"theirs");
    seal(&copy);
    let (between, mut other) = (bucket.clone(), Some(copy));
    let hook = move |at: &'static str| {
        if at == "PUSH_SENT"
            && let Some(copy) = other.take()
        {
            send(&between, &copy).expect("the other one is faster");
        }
        Ok(())
    };
    let told = said(crate::with_failpoints(hook, || send(&bucket, &layer)));
    assert!(told.contains("somebody else pushed site meanwhile"), "{told}");
    let third = place.path("third.cowry");
    fetch(&bucket, &third).expect("pulled");
    assert_eq!(read(&place.open("third.cowry"), "/note.txt"), b"theirs");
}
