//! There and back.

use super::*;
use crate::clock::Timestamp;
use crate::object::push::list_pushes;
use crate::sqlite::{KeptChanges, RunRow};

fn round_trip(bucket: &Bucket) {
    let place = Place::new();
    let layer = place.workspace("site.cowry");
    write(&layer, "/note.txt", b"second");
    seal(&layer);
    let pushed = send(bucket, &layer).expect("pushed");
    assert!(!pushed.unchanged && pushed.blocks > 8, "{pushed:?}");
    assert_eq!(pushed.sent_blocks, pushed.blocks);
    assert_eq!((pushed.info.number, pushed.info.revision), (1, Revision(2)));
    let pulled = fetch(bucket, &place.path("copy.cowry")).expect("pulled");
    assert_eq!((pulled.fetched_blocks, pulled.created, pulled.unchanged), (pulled.blocks, true, false));
    let copy = place.open("copy.cowry");
    assert_eq!(copy.id().expect("an id"), layer.id().expect("an id"));
    assert_eq!(read(&copy, "/note.txt"), b"second");
    assert_eq!(read(&copy, "/3.bin"), noise(3, 400_000));
    assert!(copy.check().expect("checked").is_sound());
    assert!(copy.at(Revision(1)).is_ok(), "history comes along");
    drop((copy, layer));
    assert_eq!(beside(&place, "site.cowry"), [""; 0]);
    assert_eq!(beside(&place, "copy.cowry"), [""; 0]);
    let (pushes, unreadable) = list_pushes(bucket).expect("listed");
    assert_eq!((pushes, unreadable.len()), (vec![pushed.info], 0));
}

#[test]
fn over_memory() {
    round_trip(&met("memory://push-over-memory/some/prefix"));
}

#[test]
fn over_a_folder() {
    let place = Place::new();
    round_trip(&place.bucket());
}

#[test]
fn over_a_server() {
    let server = Server::start("shells");
    round_trip(&served(&server, "s3://shells/some/prefix"));
}

#[test]
fn what_is_there_is_not_sent_again() {
    let (place, bucket) = (Place::new(), met("memory://push-not-again"));
    let layer = place.workspace("site.cowry");
    send(&bucket, &layer).expect("pushed");
    let before = bucket.requests();
    let again = send(&bucket, &layer).expect("pushed");
    assert!(again.unchanged, "{again:?}");
    assert_eq!((again.sent_blocks, again.info.number), (0, 1));
    let after = bucket.requests();
    assert!(
        after.1 - before.1 < again.blocks / 2,
        "what is written is that somebody pushes: {before:?} {after:?}"
    );
    // Of them two are the manifest: it is looked at before the copy is made and once more after it.
    assert!(after.0 - before.0 <= 3 && after.2 - before.2 <= 6, "{before:?} {after:?}");
    write(&layer, "/note.txt", b"a little more");
    seal(&layer);
    let more = send(&bucket, &layer).expect("pushed");
    assert_eq!((more.unchanged, more.info.number), (false, 2));
    assert!(more.sent_blocks > 0 && more.sent_blocks <= more.blocks / 2, "{more:?}");
}

#[test]
fn what_is_not_sealed_goes_along() {
    let (place, bucket) = (Place::new(), met("memory://push-unsealed"));
    let layer = place.workspace("site.cowry");
    write(&layer, "/note.txt", b"not sealed");
    send(&bucket, &layer).expect("pushed");
    fetch(&bucket, &place.path("copy.cowry")).expect("pulled");
    let copy = place.open("copy.cowry");
    assert_eq!(read(&copy, "/note.txt"), b"not sealed");
    assert!(copy.has_open_changes().expect("asked"));
}

#[test]
fn one_revision_travels_alone() {
    let (place, bucket) = (Place::new(), met("memory://push-revision"));
    let layer = place.workspace("site.cowry");
    write(&layer, "/note.txt", b"second");
    seal(&layer);
    let options = PushOptions { revision: Some(Revision(1)), ..PushOptions::new(name("release")) };
    let first = push(&bucket, &layer, &options, &mut |_| {}).expect("pushed");
    assert_eq!(first.info.revision, Revision(1));
    let again = push(&bucket, &layer, &options, &mut |_| {}).expect("pushed");
    assert!(again.unchanged && again.sent_blocks == 0, "{again:?}");
    assert_eq!(layer.forks().expect("listed"), [], "nothing is kept for it");
    fetch(&bucket, &place.path("copy.cowry")).expect("pulled");
    let copy = place.open("copy.cowry");
    assert_eq!(read(&copy, "/note.txt"), b"first");
    assert_eq!(copy.revisions(&Default::default()).expect("listed").len(), 1);
    assert_ne!(copy.id().expect("an id"), layer.id().expect("an id"));
    assert_eq!(copy.parent().expect("asked"), None);
    assert!(copy.check().expect("checked").is_sound());
}

#[test]
fn a_fork_travels_with_what_it_reads() {
    let (place, bucket) = (Place::new(), met("memory://push-fork"));
    let parent = place.workspace("parent.cowry");
    let fork = parent.fork(place.path("site.cowry"), Revision(1)).expect("a fork");
    write(&fork, "/note.txt", b"of the fork");
    seal(&fork);
    send(&bucket, &fork).expect("pushed");
    assert_eq!(parent.forks().expect("listed").len(), 1, "it stays a fork here");
    assert!(send(&bucket, &fork).expect("pushed").unchanged);
    let other = Place::new();
    fetch(&bucket, &other.path("copy.cowry")).expect("pulled");
    let copy = other.open("copy.cowry");
    assert_eq!(copy.parent().expect("asked"), None);
    assert_eq!(read(&copy, "/note.txt"), b"of the fork");
    assert_eq!(read(&copy, "/5.bin"), noise(5, 400_000));
    assert!(copy.check().expect("checked").is_sound());
}

#[test]
fn what_belongs_to_a_place_stays_there() {
    let (place, bucket) = (Place::new(), met("memory://push-place"));
    let layer = place.workspace("site.cowry");
    layer.fork(place.path("a-fork-of-it.cowry"), Revision(1)).expect("a fork");
    let kept = |changes| KeptChanges { changes, until: Timestamp(i64::MAX), base: None };
    layer.put_run_changes("host:1", kept(b"steps-on-this-host")).expect("kept");
    layer.put_run_changes("abc", kept(b"of a run")).expect("kept");
    let row = RunRow {
        id: "abc".into(),
        started: Timestamp(1),
        name: "a".into(),
        outcome: "threw".into(),
        revision: None,
        record: b"record".to_vec(),
    };
    layer.put_run(&row).expect("recorded");
    send(&bucket, &layer).expect("pushed");
    fetch(&bucket, &place.path("copy.cowry")).expect("pulled");
    let copy = place.open("copy.cowry");
    assert_eq!(copy.forks().expect("listed"), []);
    assert_eq!(copy.run_changes_keys("").expect("listed"), ["abc"]);
    assert_eq!(copy.run("abc").expect("read"), Some(row));
    assert_eq!(layer.forks().expect("listed").len(), 1);
    drop(copy);
    let bytes = std::fs::read(place.path("copy.cowry")).expect("the file");
    for trace in [&b"a-fork-of-it"[..], b"steps-on-this-host"] {
        assert!(!bytes.windows(trace.len()).any(|window| window == trace), "it left a trace");
    }
}

#[test]
fn free_pages_travel_as_nothing() {
    use crate::object::push::block::{Cut, SMALLEST, length_of};
    let place = Place::new();
    let path = place.path("pages");
    let conn = rusqlite::Connection::open(&path).expect("a file");
    conn.execute_batch("CREATE TABLE t(id INTEGER PRIMARY KEY, data BLOB)").expect("made");
    let secret = b"a secret that was deleted ".repeat(20_000);
    conn.execute("INSERT INTO t(data) VALUES (?1)", [&secret]).expect("written");
    conn.execute("INSERT INTO t(data) VALUES (?1)", [&noise(1, 100_000)]).expect("written");
    conn.execute("DELETE FROM t WHERE id = 1", []).expect("deleted");
    conn.close().expect("closed");
    let secrets = |bytes: &[u8]| bytes.windows(26).filter(|window| *window == &secret[..26]).count();
    let bytes = std::fs::read(&path).expect("read");
    assert!(secrets(&bytes) > 10_000, "the file still holds it");
    let (cut, all) = (Cut::of(&path, SMALLEST).expect("cut"), bytes.len() as u64);
    let blocks = (0..all.div_ceil(SMALLEST)).map(|number| {
        let length = length_of(number, all, SMALLEST);
        cut.read(number, length).expect("read").expect("it is there")
    });
    let travelled: Vec<u8> = blocks.flatten().collect();
    assert_eq!(travelled.len(), bytes.len());
    // What began in a page that is in use stays in it.
    assert!(secrets(&travelled) < 300, "{}", secrets(&travelled));
    let copy = place.path("copy");
    std::fs::write(&copy, travelled).expect("written");
    let conn = rusqlite::Connection::open(&copy).expect("opened");
    let told: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checked");
    assert_eq!(told, "ok");
    let left: Vec<u8> = conn.query_row("SELECT data FROM t", [], |row| row.get(0)).expect("read");
    assert_eq!(left, noise(1, 100_000));
}

#[test]
fn a_name_is_chosen_where_it_is_clear() {
    let (place, bucket) = (Place::new(), met("memory://push-names"));
    assert!(said(fetch(&bucket, &place.path("x.cowry"))).contains("nothing was pushed"));
    let layer = place.workspace("site.cowry");
    send(&bucket, &layer).expect("pushed");
    fetch(&bucket, &place.path("any.cowry")).expect("the only one");
    let other = SqliteLayer::create(place.path("other.cowry"), &options()).expect("made");
    push(&bucket, &other, &PushOptions::new(name("other")), &mut |_| {}).expect("pushed");
    let told = said(fetch(&bucket, &place.path("third.cowry")));
    assert!(told.contains("other, site") && told.contains("--name"), "{told}");
    let place = Place::new();
    fetch(&bucket, &place.path("other.cowry")).expect("by the file's name");
    assert_eq!(place.open("other.cowry").id().expect("an id"), other.id().expect("an id"));
    let missing = PullOptions { name: Some(name("nobody")), ..PullOptions::default() };
    let told = said(pull(&bucket, &place.path("x.cowry"), &options(), &missing, &mut |_| {}));
    assert!(told.contains("nobody") && told.contains("site"), "{told}");
    let missing = PullOptions { name: Some(name("site")), number: Some(7), ..PullOptions::default() };
    let told = said(pull(&bucket, &place.path("x.cowry"), &options(), &missing, &mut |_| {}));
    assert!(told.contains("no push 7"), "{told}");
}

#[test]
fn an_earlier_push_can_be_pulled() {
    let (place, bucket) = (Place::new(), met("memory://push-earlier"));
    let layer = place.workspace("site.cowry");
    send(&bucket, &layer).expect("pushed");
    write(&layer, "/note.txt", b"second");
    seal(&layer);
    send(&bucket, &layer).expect("pushed");
    let first = PullOptions { number: Some(1), ..PullOptions::default() };
    pull(&bucket, &place.path("first.cowry"), &options(), &first, &mut |_| {}).expect("pulled");
    assert_eq!(read(&place.open("first.cowry"), "/note.txt"), b"first");
}

#[test]
fn names_are_bounded() {
    for bad in ["", ".hidden", "a/b", "ä", &"x".repeat(101)] {
        assert!(bad.parse::<PushName>().is_err(), "{bad:?}");
    }
    let of = |file: &str| PushName::of_file(Path::new(file)).to_string();
    assert_eq!(of("/some/site.cowry"), "site");
    assert_eq!(of("mein büro.cowry"), "mein-b-ro");
    assert_eq!(of(".cowry"), "cowry");
}
