//! Buckets that hold what they should not.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::*;
use crate::clock::Timestamp;
use crate::object::push::block;
use crate::object::push::depot::Depot;
use crate::object::push::manifest::{self, Flaw, Manifest};
use crate::object::push::{Content, PushInfo, list_pushes};
use crate::object::{Bucket, Expect};
use crate::sqlite::WorkspaceId;

fn put(bucket: &Bucket, name: &str, content: impl Into<Bytes>) {
    bucket.put(name, content.into(), &Expect::Anything, &BTreeMap::new()).expect("put");
}

fn a_manifest() -> Manifest {
    let info = PushInfo {
        name: name("site"),
        number: 1,
        workspace: WorkspaceId([7; 16]),
        revision: Revision(3),
        sealed_at: Timestamp(1),
        pushed_at: Timestamp(2),
        bytes: block::SMALLEST + 4096,
        content: Content::Workspace,
        version: "1.2.3".into(),
    };
    Manifest { info, block: block::SMALLEST, hashes: vec![[1; 32], [2; 32]], pieces: 5, lists: vec![[3; 32]] }
}

/// With a right hash whatever it holds.
fn hashed(mut told: Vec<u8>) -> Vec<u8> {
    let hash = block::hash_of(&told);
    told.extend(hash);
    told
}

#[test]
fn a_manifest_is_what_was_written() {
    let manifest = a_manifest();
    let bytes = manifest.encode();
    assert_eq!(Manifest::decode(&bytes), Ok(manifest.clone()));
    assert_eq!(Manifest::glimpse(&bytes), Ok(manifest.info));
}

#[test]
fn no_byte_of_a_manifest_can_be_wrong() {
    let bytes = a_manifest().encode();
    for at in 0..bytes.len() {
        let mut wrong = bytes.clone();
        wrong[at] ^= 0x41;
        assert!(Manifest::decode(&wrong).is_err(), "byte {at}");
        assert!(Manifest::decode(&bytes[..at]).is_err(), "cut at {at}");
    }
    let longer = [&bytes[..], &[0; 32]].concat();
    assert!(Manifest::decode(&longer).is_err());
}

#[test]
fn sizes_that_make_no_sense_are_refused() {
    let told = |change: &dyn Fn(&mut Manifest)| {
        let mut manifest = a_manifest();
        change(&mut manifest);
        Manifest::decode(&manifest.encode())
    };
    let refused: [&dyn Fn(&mut Manifest); 12] = [
        &|m| m.pieces = 0,
        &|m| m.pieces = u64::MAX,
        &|m| m.lists.clear(),
        &|m| m.block = 0,
        &|m| m.block = 3 << 17,
        &|m| m.block = 4096,
        &|m| m.block = 1 << 40,
        &|m| m.info.bytes = 0,
        &|m| m.info.bytes = u64::MAX,
        &|m| m.info.bytes = block::SMALLEST * 2 + 1,
        &|m| m.hashes.clear(),
        &|m| m.hashes.push([3; 32]),
    ];
    for (place, change) in refused.into_iter().enumerate() {
        assert!(matches!(told(change), Err(Flaw::Damaged(_))), "{place}");
    }
    assert!(told(&|_| {}).is_ok());
}

#[test]
fn a_header_cannot_reach_past_its_bounds() {
    let bytes = a_manifest().encode();
    let told = &bytes[..bytes.len() - 32];
    for length in [0, 3, 4097, 1 << 20, u32::MAX] {
        let mut wrong = told.to_vec();
        wrong[15..19].copy_from_slice(&u32::to_le_bytes(length));
        assert!(matches!(Manifest::decode(&hashed(wrong.clone())), Err(Flaw::Damaged(_))), "{length}");
        assert!(Manifest::glimpse(&wrong).is_err(), "{length}");
    }
    let mut newer = told.to_vec();
    newer[11..15].copy_from_slice(&u32::to_le_bytes(manifest::FORMAT + 1));
    assert_eq!(Manifest::decode(&hashed(newer)), Err(Flaw::Newer(manifest::FORMAT + 1)));
}

#[test]
fn what_is_there_is_told_in_a_line() {
    let (place, bucket) = (Place::new(), met("memory://hostile-lines"));
    let layer = place.workspace("site.cowry");
    put(&bucket, "photos/cat.jpg", "meow");
    assert!(said(send(&bucket, &layer)).contains("holds something else (\"photos\")"));
    assert!(said(fetch(&bucket, &place.path("x.cowry"))).contains("something else"));
    put(&bucket, "cowry-push", "not ours");
    assert!(said(send(&bucket, &layer)).contains("nothing of cowry's"));
    put(&bucket, "cowry-push", "cowry push format 99\n");
    let told = said(fetch(&bucket, &place.path("x.cowry")));
    assert!(told.contains("newer version") && told.contains("upgrade"), "{told}");
    put(&bucket, "cowry-push", "cowry push format 1\n");
    send(&bucket, &layer).expect("pushed");
    put(&bucket, "pushes/site/0000000002", "garbage");
    put(&bucket, "pushes/site/7", "of no name of ours");
    put(&bucket, "pushes/site/0000000003x", "of no name of ours");
    put(&bucket, "pushes/.strange/0000000001", "of no name of ours");
    let told = said(fetch(&bucket, &place.path("x.cowry")));
    assert!(told.contains("pushes/site/0000000002") && told.contains("--number"), "{told}");
    let (pushes, unreadable) = list_pushes(&bucket).expect("listed");
    assert_eq!((pushes.len(), unreadable.len()), (1, 1));
    let first = PullOptions { number: Some(1), ..PullOptions::default() };
    pull(&bucket, &place.path("x.cowry"), &options(), &first, &mut |_| {}).expect("pulled");
}

#[test]
fn a_manifest_of_another_place_is_refused() {
    let (place, bucket) = (Place::new(), met("memory://hostile-moved"));
    send(&bucket, &place.workspace("site.cowry")).expect("pushed");
    let moved = bucket.get("pushes/site/0000000001", None, None).expect("read");
    put(&bucket, "pushes/site/0000000002", moved);
    assert!(said(fetch(&bucket, &place.path("x.cowry"))).contains("belongs somewhere else"));
    put(&bucket, "pushes/site/0000000002", vec![0; manifest::LARGEST as usize + 10]);
    assert!(said(fetch(&bucket, &place.path("x.cowry"))).contains("too large"));
}

/// Pushes a file as it is, as no push of ours would.
fn plant(bucket: &Bucket, file: &Path, like: &PushInfo) {
    let bytes = std::fs::read(file).expect("read");
    let mut manifest = Manifest {
        info: like.clone(),
        block: block::SMALLEST,
        hashes: Vec::new(),
        pieces: 0,
        lists: Vec::new(),
    };
    for piece in bytes.chunks(block::SMALLEST as usize) {
        let hash = block::hash_of(piece);
        put(bucket, &block::name(&hash), block::pack(piece).expect("packed"));
        manifest.hashes.push(hash);
    }
    manifest.info.bytes = bytes.len() as u64;
    let depot = Depot::find(bucket).expect("asked").expect("there");
    manifest.info.number = depot.numbers(&like.name).expect("listed").len() as u64 + 1;
    depot.write(&manifest).expect("written");
}

/// What a pull says of a workspace that was changed by SQL.
fn told_of(bucket: &Bucket, sql: &str) -> String {
    let place = Place::new();
    let layer = place.workspace("site.cowry");
    let info = send(bucket, &layer).expect("pushed").info;
    drop(layer);
    let conn = rusqlite::Connection::open(place.path("site.cowry")).expect("opened");
    conn.execute_batch(sql).expect("changed");
    conn.close().expect("closed");
    plant(bucket, &place.path("site.cowry"), &info);
    let told = said(fetch(bucket, &place.path("copy.cowry")));
    assert!(!place.path("copy.cowry").exists());
    assert_eq!(beside(&place, "copy.cowry"), [""; 0], "what is of no use goes");
    told
}

#[test]
fn a_file_that_is_no_workspace_that_stands_alone_is_refused() {
    let cases = [
        ("CREATE TRIGGER t AFTER INSERT ON run BEGIN DELETE FROM inode; END", "trigger"),
        ("CREATE VIEW v AS SELECT 1", "view"),
        ("CREATE TABLE more(a)", "table"),
        ("DROP TABLE pin; CREATE VIRTUAL TABLE pin USING fts5(x)", "virtual|holds a table"),
        ("UPDATE meta SET parent_path = '/etc/x', parent_workspace = workspace, parent_rev = 0", "fork"),
        ("UPDATE meta SET workspace = zeroblob(16)", "not the workspace that its push says"),
        ("UPDATE meta SET head = 900", "cannot be read"),
        ("PRAGMA user_version = 900", "newer"),
        ("PRAGMA application_id = 1", "no workspace"),
        ("PRAGMA journal_mode = DELETE", "log"),
        ("INSERT INTO home(id, address) VALUES (1, 's3://elsewhere/x')", "content that was not pushed"),
        (
            "UPDATE chunk SET home = 7165076865717138803, object = '../x', form = 'zstd'",
            "content that was not pushed",
        ),
        ("UPDATE block SET data = zeroblob(length(data))", "damaged"),
        ("DELETE FROM entry", "damaged"),
    ];
    for (place, (sql, expected)) in cases.into_iter().enumerate() {
        let told = told_of(&met(&format!("memory://hostile-file-{place}")), sql);
        assert!(expected.split('|').any(|expected| told.contains(expected)), "{sql}: {told}");
    }
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let (place, bucket) = (Place::new(), met("memory://hostile-noise"));
    let info = send(&bucket, &place.workspace("site.cowry")).expect("pushed").info;
    for (length, text) in [(10, "short"), (5000, "noise"), (700_000, "long")] {
        std::fs::write(place.path(text), noise(1, length)).expect("written");
        plant(&bucket, &place.path(text), &info);
        said(fetch(&bucket, &place.path("x.cowry")));
        assert!(!place.path("x.cowry").exists());
    }
}

#[test]
fn journals_of_elsewhere_are_forgotten() {
    let (place, bucket) = (Place::new(), met("memory://hostile-journal"));
    let layer = place.workspace("site.cowry");
    let info = send(&bucket, &layer).expect("pushed").info;
    drop(layer);
    let conn = rusqlite::Connection::open(place.path("site.cowry")).expect("opened");
    let sql = "INSERT INTO run_changes(run, until, changes) VALUES ('host:x', 9223372036854775807, x'00');
        INSERT INTO pin(workspace, rev, path, at) VALUES (zeroblob(16), 1, '/etc/passwd', 1)";
    conn.execute_batch(sql).expect("changed");
    conn.close().expect("closed");
    plant(&bucket, &place.path("site.cowry"), &info);
    fetch(&bucket, &place.path("copy.cowry")).expect("pulled");
    let copy = place.open("copy.cowry");
    assert_eq!(copy.run_changes_keys("").expect("listed"), [""; 0]);
    assert_eq!(copy.forks().expect("listed"), []);
}
