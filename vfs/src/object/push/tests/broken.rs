//! Pushes and pulls that break off, and go on.

use super::*;
use crate::object::push::block;

/// The blocks of a workspace, in order, as a push of it would name them.
fn blocks_of(layer: &SqliteLayer) -> Vec<block::Hash> {
    let place = Place::new();
    let bucket = place.bucket();
    send(&bucket, layer).expect("pushed");
    let depot = crate::object::push::depot::Depot::find(&bucket).expect("asked").expect("there");
    depot.latest(&name("site")).expect("read").expect("there").hashes
}

fn one_by_one(all: bool) -> PushOptions {
    PushOptions { parallel: 1, all, ..PushOptions::new(name("site")) }
}

#[test]
fn a_push_goes_on_where_it_broke_off() {
    let place = Place::new();
    let (layer, bucket) = (place.workspace("site.cowry"), place.bucket());
    let blocks = blocks_of(&layer);
    let middle = blocks.len() / 2;
    crate::object::push::depot::Depot::find_or_make(&bucket).expect("made");
    // A file stands where the folder of one block would be.
    let shelf = place.object(&block::shelf(blocks[middle][0]));
    std::fs::create_dir_all(shelf.parent().expect("below")).expect("made");
    std::fs::write(&shelf, "in the way").expect("written");
    push(&bucket, &layer, &one_by_one(false), &mut |_| {}).expect_err("it cannot go on");
    let sent = place.objects("blocks").iter().filter(|name| block::by_name(name).is_some()).count();
    assert!(sent > 0 && sent < blocks.len(), "{sent} of {}", blocks.len());
    assert_eq!(place.objects("pushes"), [""; 0], "nothing can be pulled yet");
    assert!(said(fetch(&bucket, &place.path("copy.cowry"))).contains("nothing was pushed"));
    std::fs::remove_file(&shelf).expect("removed");
    let pushed = push(&bucket, &layer, &one_by_one(false), &mut |_| {}).expect("pushed");
    let distinct: std::collections::HashSet<_> = blocks.iter().collect();
    assert_eq!(pushed.sent_blocks as usize, distinct.len() - sent);
    fetch(&bucket, &place.path("copy.cowry")).expect("pulled");
    assert_eq!(read(&place.open("copy.cowry"), "/4.bin"), noise(4, 400_000));
    assert_eq!(place.objects("running"), [""; 0]);
}

#[test]
fn a_pull_goes_on_where_it_broke_off() {
    let place = Place::new();
    let (layer, bucket) = (place.workspace("site.cowry"), place.bucket());
    let blocks = blocks_of(&layer);
    send(&bucket, &layer).expect("pushed");
    let (object, aside) = (place.object(&block::name(&blocks[blocks.len() / 2])), place.path("aside"));
    std::fs::rename(&object, &aside).expect("moved");
    let (target, one) = (place.path("copy.cowry"), PullOptions { parallel: 1, ..PullOptions::default() });
    let told = said(pull(&bucket, &target, &options(), &one, &mut |_| {}));
    assert!(told.contains("is missing") && told.contains("--all"), "{told}");
    assert!(!target.exists());
    std::fs::rename(&aside, &object).expect("moved back");
    let pulled = pull(&bucket, &target, &options(), &one, &mut |_| {}).expect("pulled");
    let rest = (blocks.len() - blocks.len() / 2) as u64;
    assert!(pulled.fetched_blocks <= rest && pulled.fetched_blocks > 0, "{pulled:?}");
    assert!(place.open("copy.cowry").check().expect("checked").is_sound());
    assert_eq!(beside(&place, "copy.cowry"), [""; 0]);
}

#[test]
fn a_damaged_block_is_named_and_mended() {
    let place = Place::new();
    let (layer, bucket) = (place.workspace("site.cowry"), place.bucket());
    send(&bucket, &layer).expect("pushed");
    let object = block::name(&blocks_of(&layer)[1]);
    let path = place.object(&object);
    for damage in [Vec::new(), b"short".to_vec(), noise(1, 3000), vec![0; 600_000]] {
        std::fs::write(&path, damage).expect("damaged");
        let told = said(fetch(&bucket, &place.path("copy.cowry")));
        assert!(told.contains(&object), "{told}");
        assert!(!place.path("copy.cowry").exists());
    }
    let other = place.object(&block::name(&blocks_of(&layer)[2]));
    std::fs::copy(&other, &path).expect("another block in its place");
    assert!(said(fetch(&bucket, &place.path("copy.cowry"))).contains("damaged"));
    assert!(send(&bucket, &layer).expect("pushed").unchanged, "the last push says that it is there");
    let all = push(&bucket, &layer, &one_by_one(true), &mut |_| {}).expect("pushed");
    assert_eq!(all.sent_blocks, all.blocks);
    fetch(&bucket, &place.path("copy.cowry")).expect("pulled");
}

#[test]
#[cfg(feature = "failpoints")]
fn whatever_a_failure_leaves_the_next_one_completes() {
    use crate::errno::Errno;
    let place = Place::new();
    let (layer, bucket) = (place.workspace("site.cowry"), place.bucket());
    let fail = |at: &'static str| {
        move |place: &'static str| if place == at { Err(Errno::EIO.into()) } else { Ok(()) }
    };
    for at in ["PUSH_COPIED", "PUSH_SENT"] {
        crate::with_failpoints(fail(at), || send(&bucket, &layer)).expect_err(at);
        assert_eq!(place.objects("pushes"), [""; 0], "{at}");
    }
    assert_eq!(send(&bucket, &layer).expect("pushed").sent_blocks, 0);
    let target = place.path("copy.cowry");
    for at in ["PULL_FETCHED", "PULL_CHECKED"] {
        crate::with_failpoints(fail(at), || fetch(&bucket, &target)).expect_err(at);
        assert!(!target.exists(), "{at}");
    }
    let pulled = fetch(&bucket, &target).expect("pulled");
    assert!(pulled.fetched_blocks <= 2, "{pulled:?}");
    assert!(place.open("copy.cowry").check().expect("checked").is_sound());
}

#[test]
fn a_log_of_before_is_not_taken_for_one_of_now() {
    let place = Place::new();
    let (layer, bucket) = (place.workspace("site.cowry"), place.bucket());
    send(&bucket, &layer).expect("pushed");
    for suffix in ["-wal", "-shm"] {
        std::fs::write(place.path(&format!("copy.cowry-pull{suffix}")), noise(9, 100_000)).expect("written");
        std::fs::write(place.path(&format!("site.cowry-push{suffix}")), noise(9, 100_000)).expect("written");
    }
    write(&layer, "/note.txt", b"second");
    send(&bucket, &layer).expect("pushed");
    fetch(&bucket, &place.path("copy.cowry")).expect("pulled");
    assert_eq!(read(&place.open("copy.cowry"), "/note.txt"), b"second");
}

#[test]
fn two_do_not_work_on_one_file() {
    let place = Place::new();
    let (layer, bucket) = (place.workspace("site.cowry"), place.bucket());
    let lock = |name: &str| {
        let file = std::fs::File::create(place.path(name)).expect("made");
        file.lock().expect("locked");
        file
    };
    let other = lock("site.cowry-pushing");
    assert!(said(send(&bucket, &layer)).contains("another process"));
    drop(other);
    send(&bucket, &layer).expect("pushed");
    let other = lock("copy.cowry-pulling");
    assert!(said(fetch(&bucket, &place.path("copy.cowry"))).contains("another process"));
    drop(other);
    fetch(&bucket, &place.path("copy.cowry")).expect("pulled");
}
