//! Files that were damaged or cut off: reported, never misread, and what is readable can be saved.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use cowry_tests::chance::{Chance, seed_of};
use cowry_vfs::sqlite::{Durability, OpenError, SqliteLayer, salvage};
use cowry_vfs::{FileType, Layer, NewAttr, NewNode};
use libtest_mimic::Trial;

use crate::state::{assert_sound, name, noise, options, put, seal};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (kind, damage) in
        [("noise", overwrite as fn(&mut Vec<u8>, &mut Chance)), ("zeros", blank), ("cut", truncate)]
    {
        for round in 0..2 {
            trials.push(trial(format!("damage::{kind}_is_reported_and_never_misread::{round}"), move || {
                let mut chance = Chance::new(seed_of(kind).wrapping_add(round));
                (0..12).for_each(|i| one(&mut chance, damage, &format!("{kind} {round} {i}")));
            }));
        }
    }
    trials
}

/// A few sectors of something else.
#[expect(clippy::ptr_arg, reason = "one of a table of functions, another of which cuts off")]
fn overwrite(bytes: &mut Vec<u8>, chance: &mut Chance) {
    for _ in 0..1 + chance.below(3) {
        let at = sector(bytes, chance);
        let data = noise(chance, 512);
        bytes[at..at + 512].copy_from_slice(&data);
    }
}

/// A few pages of nothing.
#[expect(clippy::ptr_arg, reason = "one of a table of functions, another of which cuts off")]
fn blank(bytes: &mut Vec<u8>, chance: &mut Chance) {
    for _ in 0..1 + chance.below(3) {
        let at = sector(bytes, chance) / 4096 * 4096;
        bytes[at..at + 4096].fill(0);
    }
}

fn truncate(bytes: &mut Vec<u8>, chance: &mut Chance) {
    let len = bytes.len() as u64;
    bytes.truncate((len / 8 + chance.below(len - len / 8)) as usize);
}

/// Where a sector begins, not in the first page, without which there is no saying what is where.
fn sector(bytes: &[u8], chance: &mut Chance) -> usize {
    let sectors = (bytes.len() / 512) as u64;
    ((8 + chance.below(sectors - 8)) * 512) as usize
}

/// What each file of the workspace holds, by path.
type Contents = HashMap<String, Vec<u8>>;

fn workspace(path: &Path, chance: &mut Chance) -> Contents {
    let layer = SqliteLayer::create(path, &options(Durability::None)).expect("a workspace");
    let mut contents = Contents::new();
    let dir = layer
        .create(layer.root(), &name("dir"), NewNode::Directory, &NewAttr::with_mode(0o755))
        .expect("a directory")
        .ino;
    layer.create(layer.root(), &name("pipe"), NewNode::Fifo, &NewAttr::with_mode(0o600)).expect("a pipe");
    for i in 0..60 {
        let size = if i % 10 == 0 { 150_000 } else { chance.below(9000) };
        let data = noise(chance, size as usize);
        let file = format!("file{i:02}");
        layer.create(dir, &name(&file), NewNode::File(&data), &NewAttr::with_mode(0o644)).expect("a file");
        contents.insert(format!("/dir/{file}"), data);
    }
    put(&layer, "top", b"at the top").expect("a file");
    contents.insert("/top".into(), b"at the top".to_vec());
    seal(&layer).expect("sealed");
    contents
}

/// Every regular file that can be read, by path; the paths that cannot be are counted.
fn readable(layer: &SqliteLayer) -> (Contents, usize) {
    let (mut contents, mut failed) = (Contents::new(), 0);
    let mut todo = vec![(layer.root(), String::new())];
    let mut seen = HashSet::new();
    while let Some((dir, at)) = todo.pop() {
        if !seen.insert(dir) {
            continue;
        }
        let Ok(entries) = layer.readdir(dir, None, usize::MAX) else {
            failed += 1;
            continue;
        };
        for entry in entries {
            let path = format!("{at}/{}", entry.name);
            match entry.stat.kind {
                FileType::Directory => todo.push((entry.stat.ino, path)),
                FileType::Regular => match layer.read(entry.stat.ino, 0, usize::MAX) {
                    Ok(bytes) => _ = contents.insert(path, bytes.to_vec()),
                    Err(_) => failed += 1,
                },
                _ => {}
            }
        }
    }
    (contents, failed)
}

fn one(chance: &mut Chance, damage: fn(&mut Vec<u8>, &mut Chance), context: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("work.cowry");
    let original = workspace(&path, chance);
    let mut bytes = std::fs::read(&path).expect("the file");
    let whole = bytes.clone();
    damage(&mut bytes, chance);
    std::fs::write(&path, &bytes).expect("damaged");
    match SqliteLayer::open(&path, &options(Durability::Fsync)) {
        Ok(layer) => {
            let sound = layer.check().map(|report| report.is_sound()).unwrap_or(false);
            let (found, failed) = readable(&layer);
            let misread = found.iter().filter(|(path, bytes)| original.get(*path) != Some(*bytes)).count();
            let complete = found.len() == original.len() && failed == 0;
            // Free pages hold nothing, so damage there is none.
            assert!(
                !sound || complete && misread == 0,
                "{context}: {misread} misread, {failed} failed and nobody says so"
            );
            for (path, bytes) in &found {
                let is_other = original.values().any(|other| other == bytes);
                assert!(original.get(path) == Some(bytes) || is_other, "{context}: {path} is misread");
            }
        }
        Err(error) => assert!(!error.to_string().is_empty() && bytes != whole, "{context}: {error}"),
    }
    saved(&path, &original, context);
}

/// What can be saved is whole, and what is not is named.
fn saved(path: &Path, original: &Contents, context: &str) {
    let (layer, report) = match salvage(path, path.with_extension("new"), &options(Durability::None)) {
        Ok(done) => done,
        Err(OpenError::Hopeless { .. }) => return,
        Err(error) => panic!("{context}: {error:?}"),
    };
    assert_sound(&layer, context);
    let (found, failed) = readable(&layer);
    assert_eq!(failed, 0, "{context}");
    let known: HashSet<&Vec<u8>> = original.values().collect();
    for (path, bytes) in &found {
        assert!(path.contains(".part") || known.contains(bytes), "{context}: {path} is none of the files");
    }
    let lost = original.keys().filter(|path| !found.contains_key(*path)).count();
    let named = report.repair.lost.len() + report.repair.moved.len() + report.unreadable.len();
    assert!(lost == 0 || named > 0, "{context}: {lost} files are missing and nobody says so");
}
