//! What goes when old pushes go, and who is in the way of whom.

use std::time::{Duration, SystemTime};

use super::*;
use crate::object::push::{PrunePushes, PrunedPushes, list_pushes, prune_pushes, remove_push};

fn keep(keep: usize) -> PrunePushes {
    PrunePushes { name: None, keep, grace: Duration::ZERO }
}

fn prune(bucket: &Bucket, request: &PrunePushes) -> Result<PrunedPushes, PushError> {
    prune_pushes(bucket, request)
}

/// Three pushes of a workspace, each with content that the next has not.
fn three(place: &Place, bucket: &Bucket) -> SqliteLayer {
    let layer = place.workspace("site.cowry");
    for round in 0..3 {
        write(&layer, "/0.bin", &noise(100 + round, 900_000));
        seal(&layer);
        send(bucket, &layer).expect("pushed");
    }
    layer
}

#[test]
fn what_no_push_needs_goes_and_the_rest_can_be_pulled() {
    let place = Place::new();
    let bucket = place.bucket();
    let layer = three(&place, &bucket);
    let before = place.objects("blocks").len();
    let done = prune(&bucket, &keep(1)).expect("pruned");
    assert_eq!((done.pushes, done.left, done.young_blocks), (2, 1, 0), "{done:?}");
    assert!(done.blocks > 0 && done.bytes > 0, "{done:?}");
    assert_eq!(place.objects("blocks").len() as u64, before as u64 - done.blocks);
    assert_eq!(place.objects("pushes"), ["pushes/site/0000000003"]);
    fetch(&bucket, &place.path("copy.cowry")).expect("pulled");
    assert_eq!(read(&place.open("copy.cowry"), "/0.bin"), noise(102, 900_000));
    let again = prune(&bucket, &keep(1)).expect("pruned");
    assert_eq!((again.pushes, again.blocks), (0, 0));
    assert!(send(&bucket, &layer).expect("pushed").unchanged);
    write(&layer, "/note.txt", b"more");
    assert_eq!(send(&bucket, &layer).expect("pushed").info.number, 4, "numbers go on");
}

#[test]
fn blocks_have_time_to_be_named() {
    let place = Place::new();
    let bucket = place.bucket();
    three(&place, &bucket);
    let request = PrunePushes { grace: Duration::from_secs(3600), ..keep(1) };
    let done = prune(&bucket, &request).expect("pruned");
    assert_eq!((done.pushes, done.blocks), (2, 0));
    assert!(done.young_blocks > 0);
}

#[test]
fn a_name_goes_only_when_it_is_said() {
    let place = Place::new();
    let bucket = place.bucket();
    three(&place, &bucket);
    let other = SqliteLayer::create(place.path("other.cowry"), &options()).expect("made");
    push(&bucket, &other, &PushOptions::new(name("other")), &mut |_| {}).expect("pushed");
    assert!(said(prune(&bucket, &keep(0))).contains("--name"));
    let request = PrunePushes { name: Some(name("site")), ..keep(0) };
    let done = prune(&bucket, &request).expect("pruned");
    assert_eq!((done.pushes, done.left), (3, 1));
    fetch(&bucket, &place.path("copy.cowry")).expect("the other one is left");
}

#[test]
fn nothing_goes_while_a_push_cannot_be_read() {
    let place = Place::new();
    let bucket = place.bucket();
    three(&place, &bucket);
    let before = (place.objects("blocks"), place.objects("pushes"));
    std::fs::write(place.object("pushes/site/0000000003"), "damaged").expect("written");
    assert!(said(prune(&bucket, &keep(1))).contains("damaged"));
    assert_eq!((place.objects("blocks"), place.objects("pushes")), before);
    assert_eq!(place.objects("running"), [""; 0]);
}

#[test]
fn a_damaged_push_can_be_removed() {
    let place = Place::new();
    let bucket = place.bucket();
    let layer = three(&place, &bucket);
    for damage in ["damaged", ""] {
        std::fs::write(place.object("pushes/site/0000000003"), damage).expect("written");
        for told in [said(send(&bucket, &layer)), said(prune(&bucket, &keep(1)))] {
            assert!(told.contains("`cowry push --remove 3 --name site file:///"), "{told}");
        }
        assert_eq!(list_pushes(&bucket).expect("listed").1.len(), 1);
    }
    assert!(said(remove_push(&bucket, &name("site"), 4)).contains("no push 4 of site"));
    assert!(said(remove_push(&bucket, &name("other"), 3)).contains("no push 3 of other"));
    remove_push(&bucket, &name("site"), 3).expect("removed");
    assert_eq!(place.objects("running"), [""; 0]);
    assert_eq!(send(&bucket, &layer).expect("pushed").info.number, 3);
    assert_eq!(prune(&bucket, &keep(1)).expect("pruned").pushes, 2);
    fetch(&bucket, &place.path("copy.cowry")).expect("pulled");
}

#[test]
fn a_place_that_lost_its_word_is_known_by_its_pushes() {
    let place = Place::new();
    let bucket = place.bucket();
    let layer = three(&place, &bucket);
    let about = place.object("cowry-push");
    let word = std::fs::read(&about).expect("read");
    for (round, lost) in [None, Some("damaged"), Some("")].into_iter().enumerate() {
        match lost {
            None => std::fs::remove_file(&about).expect("removed"),
            Some(text) => std::fs::write(&about, text).expect("written"),
        }
        assert_eq!(list_pushes(&bucket).expect("listed").0.len(), 3);
        fetch(&bucket, &place.path(&format!("{round}.cowry"))).expect("pulled");
        assert!(send(&bucket, &layer).expect("pushed").unchanged);
        assert_eq!(std::fs::read(&about).expect("read"), word, "a push says it again");
    }
    // Without a push that is whole it could be anybody's.
    std::fs::remove_file(&about).expect("removed");
    for number in 1..=3 {
        std::fs::write(place.object(&format!("pushes/site/000000000{number}")), "damaged").expect("written");
    }
    assert!(said(send(&bucket, &layer)).contains("holds something else"));
}

#[test]
fn strange_objects_are_left_alone() {
    let place = Place::new();
    let bucket = place.bucket();
    three(&place, &bucket);
    let strange = place.object("blocks/00/readme.txt");
    std::fs::create_dir_all(strange.parent().expect("below")).expect("made");
    std::fs::write(&strange, "not a block").expect("written");
    prune(&bucket, &keep(1)).expect("pruned");
    assert!(strange.exists());
}

/// What somebody leaves who is at it, or was so long ago.
fn somebody(place: &Place, what: &str, age: Duration) -> PathBuf {
    let path = place.object(&format!("running/{what}"));
    std::fs::create_dir_all(path.parent().expect("below")).expect("made");
    let file = std::fs::File::create(&path).expect("made");
    let now = file.metadata().and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    file.set_modified(now - age).expect("set");
    path
}

#[test]
fn cleaning_up_waits_for_pushes_and_they_for_it() {
    let place = Place::new();
    let bucket = place.bucket();
    let layer = three(&place, &bucket);
    let now = Duration::ZERO;
    let pusher = somebody(&place, "push-1", now);
    let told = said(prune(&bucket, &keep(1)));
    assert!(told.contains("a push is under way"), "{told}");
    assert_eq!(place.objects("running"), ["running/push-1"], "it went away itself");
    assert!(send(&bucket, &layer).is_ok(), "pushes are not in each other's way");
    std::fs::remove_file(pusher).expect("removed");
    let cleaner = somebody(&place, "clean-up-1", now);
    assert!(said(send(&bucket, &layer)).contains("a clean-up is under way"));
    assert!(said(prune(&bucket, &keep(1))).contains("a clean-up is under way"));
    std::fs::remove_file(cleaner).expect("removed");
    assert_eq!(prune(&bucket, &keep(1)).expect("pruned").pushes, 2);
}

#[test]
fn the_dead_are_in_nobodys_way() {
    let place = Place::new();
    let bucket = place.bucket();
    let layer = three(&place, &bucket);
    let long_ago = Duration::from_secs(3600);
    somebody(&place, "push-1", long_ago);
    somebody(&place, "clean-up-1", long_ago);
    assert!(send(&bucket, &layer).is_ok());
    assert_eq!(prune(&bucket, &keep(1)).expect("pruned").pushes, 2);
    assert_eq!(place.objects("running"), [""; 0]);
}

#[test]
#[cfg(feature = "failpoints")]
fn a_push_that_was_taken_for_dead_gives_up() {
    let place = Place::new();
    let bucket = place.bucket();
    let layer = place.workspace("site.cowry");
    let running = place.object("running");
    let hook = move |at: &'static str| {
        if at == "PUSH_SENT" {
            std::fs::remove_dir_all(&running).expect("somebody cleans up");
        }
        Ok(())
    };
    let told = said(crate::with_failpoints(hook, || send(&bucket, &layer)));
    assert!(told.contains("took it for dead"), "{told}");
    assert_eq!(place.objects("pushes"), [""; 0]);
    send(&bucket, &layer).expect("pushed");
}

#[test]
#[cfg(feature = "failpoints")]
fn nobody_pushes_into_a_clean_up() {
    let place = Place::new();
    let bucket = place.bucket();
    let layer = three(&place, &bucket);
    let (between, mut layer) = (bucket.clone(), Some(layer));
    let hook = move |at: &'static str| {
        if at == "PRUNE_PUSHES_GONE"
            && let Some(layer) = layer.take()
        {
            assert!(said(send(&between, &layer)).contains("a clean-up is under way"));
        }
        Ok(())
    };
    crate::with_failpoints(hook, || prune(&bucket, &keep(1))).expect("pruned");
}

/// The copy of a large workspace takes minutes. What is removed in them is missed.
#[test]
#[cfg(feature = "failpoints")]
fn what_was_cleaned_up_while_a_push_copied_is_sent_again() {
    for changed in [false, true] {
        let place = Place::new();
        let bucket = place.bucket();
        let layer = three(&place, &bucket);
        if changed {
            write(&layer, "/note.txt", b"more");
            seal(&layer);
        }
        let between = bucket.clone();
        let hook = move |at: &'static str| {
            if at == "PUSH_COPIED" {
                let all = PrunePushes { name: Some(name("site")), keep: 0, grace: Duration::ZERO };
                assert_eq!(prune(&between, &all).expect("pruned").pushes, 3);
            }
            Ok(())
        };
        crate::with_failpoints(hook, || send(&bucket, &layer)).expect("pushed");
        fetch(&bucket, &place.path("copy.cowry")).expect("all of it is there");
        assert!(read(&place.open("copy.cowry"), "/0.bin") == noise(102, 900_000));
    }
}
