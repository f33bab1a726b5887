//! A store that fails: before and after it did what it was asked, with lost replies and delays.

use std::collections::BTreeMap as Map;

use cowry_s3_server::{Fault, Faults, Faulty};

use super::*;
use crate::errno::Errno;
use crate::fs::{OpenOptions, Vfs, VfsOptions};
use crate::object::Trouble;

/// Schedules of faults, each with files of its own.
const SEEDS: u64 = 40;
const FILES: usize = 12;

/// What was acknowledged is there, whole; what was refused is there whole or not at all; and what is read is one of the
/// contents that were written.
#[test]
fn what_was_acknowledged_is_there() {
    for seed in 0..SEEDS {
        if let Err(what) = one_schedule(seed) {
            panic!("{what} (seed {seed})");
        }
    }
}

fn one_schedule(seed: u64) -> Result<(), String> {
    let test = format!("faults-{seed}");
    let beside = met(None, &test);
    // Wrong bytes are for those who have hashes; a truncated listing hides names and loses none.
    let never = [Fault::Corrupt, Fault::WrongTag, Fault::Truncated, Fault::Stall];
    let faults = Arc::new(Faults::new(seed, 200).without(&never));
    faults.turn(false);
    let faulty = faults.clone();
    let bucket = met(None, &test).wrapped(move |store| Arc::new(Faulty::new(store, faulty)));
    let options = ObjectOptions { listing_lifetime: Duration::from_nanos(1), ..ObjectOptions::default() };
    let layer = Arc::new(ObjectLayer::open(bucket, options).map_err(|trouble| trouble.to_string())?);
    let vfs = Vfs::new(layer.clone(), VfsOptions::default());
    faults.turn(true);
    let mut acknowledged: Map<String, Vec<String>> = Map::new();
    for round in 0..3 {
        for file in 0..FILES {
            let path = format!("/d{}/f{file}", file % 2);
            let content = format!("{seed} {round} {file} ").repeat(50);
            let written = write(&vfs, &path, &content, round);
            let possible = acknowledged.entry(path.clone()).or_default();
            if written {
                possible.clear();
            } else if possible.is_empty() {
                possible.push(String::new());
            }
            possible.push(content);
            if let Ok(bytes) = vfs.read(&path) {
                let read = String::from_utf8_lossy(&bytes).into_owned();
                if !possible.contains(&read) {
                    return Err(format!("{path} reads {:?}", &read[..read.len().min(20)]));
                }
            }
        }
    }
    faults.turn(false);
    let _ = layer.fsync(None);
    for (path, possible) in acknowledged {
        let there = beside.get(&path[1..], None, None);
        let text = there.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        match text {
            Ok(text) if possible.contains(&text) => {}
            Err(_) if possible[0].is_empty() => {}
            other => return Err(format!("{path} is {other:?}")),
        }
    }
    Ok(())
}

/// Whether all of it was acknowledged.
fn write(vfs: &Vfs, path: &str, content: &str, round: usize) -> bool {
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    let _ = vfs.mkdir_all(parent, 0o755);
    if round.is_multiple_of(2) {
        return vfs.write(path, content.as_bytes()).is_ok();
    }
    let Ok(file) = vfs.open(path, OpenOptions::write()) else { return false };
    let written = content.as_bytes().chunks(100).all(|piece| file.write_all(piece).is_ok());
    file.close().is_ok() && written
}

/// A write that cannot be uploaded when its file is closed is kept, told, and tried again.
#[test]
fn what_cannot_be_uploaded_is_kept_and_tried_again() {
    let faults = Arc::new(Faults::new(1, 1000).without(&[
        Fault::Corrupt,
        Fault::WrongTag,
        Fault::Truncated,
        Fault::Stall,
    ]));
    faults.turn(false);
    let faulty = faults.clone();
    let bucket = met(None, "kept").wrapped(move |store| Arc::new(Faulty::new(store, faulty)));
    put(&met(None, "kept"), "f", "before");
    let layer = ObjectLayer::open(bucket, ObjectOptions::default()).expect("it opens");
    let ino = layer.lookup(layer.root(), &name("f")).expect("there").ino;
    layer.open(ino).expect("there");
    layer.write(ino, 0, b"after!").expect("it waits");
    faults.turn(true);
    let mut failed = None;
    for _ in 0..20 {
        failed = failed.or(layer.flush(ino).err());
    }
    layer.release(ino);
    faults.turn(false);
    let there = || met(None, "kept").get("f", None, None).map_err(|trouble: Trouble| trouble.to_string());
    if let Some(error) = failed {
        assert_ne!(error.errno(), Errno::EBUSY, "nobody else wrote it");
    }
    assert_eq!(layer.read(ino, 0, 10).expect("it can still be read"), "after!");
    layer.fsync(None).expect("tried again");
    assert_eq!(there().expect("there"), "after!");
}
