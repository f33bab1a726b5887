//! Workspaces whose content lies in a bucket.

use std::time::Duration;

use super::*;
use crate::object::push::{PrunePushes, prune_pushes};
use crate::sqlite::ContentTier;

/// A workspace whose content all lies in a bucket.
fn workspace(place: &Place, file: &str, address: &str) -> SqliteLayer {
    let layer = SqliteLayer::create(place.path(file), &options()).expect("made");
    layer.set_content_tier(Some(&ContentTier { above: 0, ..ContentTier::at(address) })).expect("set");
    for file in 0..3 {
        write(&layer, &format!("/{file}.bin"), &noise(file, 700_000));
    }
    write(&layer, "/note.txt", b"first");
    seal(&layer);
    assert!(layer.content_use().expect("counted").homes[0].objects > 3);
    layer
}

fn empty(bucket: &Bucket) {
    let mut names = Vec::new();
    let listed = bucket.list_all("", |found| {
        names.push(found.name);
        Ok(())
    });
    listed.expect("listed");
    names.iter().for_each(|name| bucket.delete(name).expect("deleted"));
}

#[test]
fn a_push_needs_nothing_but_itself() {
    let (place, bucket) = (Place::new(), met("memory://push-content/pushes"));
    let home = "memory://push-content-home/some";
    let layer = workspace(&place, "site.cowry", home);
    let first = send(&bucket, &layer).expect("pushed");
    assert!(first.sent_bytes > 2_100_000, "{first:?}");
    assert!(send(&bucket, &layer).expect("pushed").unchanged);
    write(&layer, "/3.bin", &noise(3, 300_000));
    seal(&layer);
    let second = send(&bucket, &layer).expect("pushed");
    assert!(second.sent_bytes > 300_000 && second.sent_bytes < 1_000_000, "{second:?}");
    assert!(
        layer.check_buckets(&mut |_| {}).expect("checked").is_sound(),
        "its own content stays where it is"
    );
    drop(layer);
    empty(&met(home));
    let elsewhere = Place::new();
    fetch(&bucket, &elsewhere.path("copy.cowry")).expect("pulled");
    let copy = elsewhere.open("copy.cowry");
    for file in 0..3 {
        assert!(read(&copy, &format!("/{file}.bin")) == noise(file, 700_000), "{file}");
    }
    assert!(read(&copy, "/3.bin") == noise(3, 300_000));
    assert_eq!(read(&copy, "/note.txt"), b"first");
    assert!(copy.check().expect("checked").is_sound());
    assert!(copy.check_buckets(&mut |_| {}).expect("checked").is_sound());
    let used = copy.content_use().expect("counted");
    assert_eq!(used.homes.len(), 1);
    assert_eq!((&*used.homes[0].address, used.homes[0].own), ("memory://push-content/pushes/blocks", false));
    assert_eq!(copy.content_tier().expect("read"), None, "where it puts content is for this place to say");
}

#[test]
fn what_was_pulled_is_pushed_on() {
    let (place, bucket) = (Place::new(), met("memory://push-content-on/a"));
    let layer = workspace(&place, "site.cowry", "memory://push-content-on-home");
    send(&bucket, &layer).expect("pushed");
    let path = place.path("copy.cowry");
    fetch(&bucket, &path).expect("pulled");
    let copy = place.open("copy.cowry");
    write(&copy, "/note.txt", b"of the copy");
    seal(&copy);
    let pushed = send(&bucket, &copy).expect("pushed");
    assert!(pushed.sent_bytes < 200_000, "{pushed:?}");
    let other = met("memory://push-content-on/b");
    let pushed = send(&other, &copy).expect("pushed elsewhere");
    assert!(pushed.sent_bytes > 2_100_000, "{pushed:?}");
    drop(layer);
    fetch(&bucket, &place.path("site.cowry")).expect("pulled back");
    let layer = place.open("site.cowry");
    assert_eq!(read(&layer, "/note.txt"), b"of the copy");
    assert!(read(&layer, "/2.bin") == noise(2, 700_000));
    let tier = layer.content_tier().expect("read").expect("it stays set");
    assert_eq!(tier.address, "memory://push-content-on-home");
    // What it put there before is read elsewhere now, and is still its own to sweep.
    assert!(layer.sweep_content(Duration::ZERO).expect("swept").objects > 3);
    assert!(read(&layer, "/1.bin") == noise(1, 700_000));
    assert!(layer.check_buckets(&mut |_| {}).expect("checked").is_sound());
}

#[test]
fn a_revision_and_a_fork_bring_their_content() {
    let (place, bucket) = (Place::new(), met("memory://push-content-kin/a"));
    let home = "memory://push-content-kin-home";
    let layer = workspace(&place, "parent.cowry", home);
    let fork = layer.fork(place.path("site.cowry"), Revision(1)).expect("a fork");
    write(&fork, "/0.bin", &noise(10, 500_000));
    seal(&fork);
    send(&bucket, &fork).expect("pushed");
    let options_of = PushOptions { revision: Some(Revision(1)), ..PushOptions::new(name("release")) };
    push(&bucket, &layer, &options_of, &mut |_| {}).expect("pushed");
    drop((layer, fork));
    empty(&met(home));
    let elsewhere = Place::new();
    let expected = [("site", noise(10, 500_000)), ("release", noise(0, 700_000))];
    for (what, content) in expected {
        let file = format!("{what}.cowry");
        fetch(&bucket, &elsewhere.path(&file)).expect("pulled");
        let copy = elsewhere.open(&file);
        assert!(read(&copy, "/0.bin") == content, "{what}");
        assert!(read(&copy, "/1.bin") == noise(1, 700_000), "{what}");
    }
}

#[test]
fn content_that_a_push_needs_is_not_cleaned_up() {
    let place = Place::new();
    let bucket = place.bucket();
    let layer = workspace(&place, "site.cowry", "memory://push-content-prune-home");
    send(&bucket, &layer).expect("pushed");
    let request = PrunePushes { name: None, keep: 1, grace: Duration::ZERO };
    let done = prune_pushes(&bucket, &request).expect("pruned");
    assert_eq!((done.blocks, done.young_blocks), (0, 0));
    fetch(&bucket, &place.path("copy.cowry")).expect("pulled");
    let copy = place.open("copy.cowry");
    assert!(copy.check_buckets(&mut |_| {}).expect("checked").is_sound());
}

#[test]
fn content_that_is_lost_is_named_and_nothing_is_pushed() {
    let place = Place::new();
    let bucket = place.bucket();
    let home = "memory://push-content-lost-home";
    let layer = workspace(&place, "site.cowry", home);
    empty(&met(home));
    match send(&bucket, &layer) {
        Err(PushError::Node(error)) => {
            let why = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            assert!(why.contains("push-content-lost-home"), "{why}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(place.objects("pushes"), [""; 0]);
}
