//! What a workspace holds, in a form that can be compared, and random work that changes it.

use std::path::Path;

use cowry_tests::chance::Chance;
use cowry_vfs::commit::{InoMap, PersistAll};
use cowry_vfs::sqlite::{
    CommitError, CommitRequest, Committed, Durability, Revision, RevisionFilter, RevisionKind, SealInfo,
    SqliteLayer, SqliteOptions,
};
use cowry_vfs::{FileType, Ino, Layer, Name, NewAttr, NewNode, NodeResult, Overlay, RenameMode, SetAttr};

pub fn options(durability: Durability) -> SqliteOptions {
    SqliteOptions {
        durability,
        busy_timeout: std::time::Duration::from_secs(300),
        ..SqliteOptions::default()
    }
}

pub fn open(path: &Path) -> SqliteLayer {
    SqliteLayer::open(path, &options(Durability::Fsync))
        .unwrap_or_else(|e| panic!("{}: {e:?}", path.display()))
}

/// Commits all that an overlay over a revision changed, as a run's.
pub fn commit_overlay(
    layer: &SqliteLayer,
    base: Revision,
    overlay: &Overlay,
) -> Result<Committed, CommitError> {
    layer.commit(CommitRequest {
        base,
        own: &[],
        before: None,
        after: overlay,
        committed: &mut InoMap::new(),
        judge: &PersistAll,
        info: &SealInfo::of(RevisionKind::Run),
    })
}

pub fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

/// Every path with what it is and holds, apart from times and numbers.
pub fn tree(layer: &dyn Layer) -> Vec<String> {
    let mut lines = Vec::new();
    let mut todo = vec![(layer.root(), String::new())];
    while let Some((dir, at)) = todo.pop() {
        for entry in layer.readdir(dir, None, usize::MAX).unwrap_or_else(|e| panic!("{at}: {e:?}")) {
            let (path, stat) = (format!("{at}/{}", entry.name), entry.stat);
            let what = match stat.kind {
                FileType::Regular => {
                    let bytes =
                        layer.read(stat.ino, 0, usize::MAX).unwrap_or_else(|e| panic!("{path}: {e:?}"));
                    blake3::hash(&bytes).to_hex().to_string()
                }
                FileType::Symlink => layer.readlink(stat.ino).expect("a target"),
                _ => String::new(),
            };
            lines.push(format!("{path} {:?} {:o} {} {} {what}", stat.kind, stat.mode, stat.nlink, stat.size));
            if stat.is_dir() {
                todo.push((stat.ino, path));
            }
        }
    }
    lines.sort();
    lines
}

pub fn digest(layer: &dyn Layer) -> String {
    blake3::hash(tree(layer).join("\n").as_bytes()).to_hex().to_string()
}

/// The digest of every revision there is.
pub fn revisions(layer: &SqliteLayer) -> Vec<(Revision, String)> {
    let listed = layer.revisions(&RevisionFilter::default()).expect("revisions");
    let at = |rev: Revision| (rev, digest(&*layer.at(rev).expect("a revision")));
    listed.into_iter().rev().map(|info| at(info.id)).collect()
}

/// Fails if `check` finds anything.
pub fn assert_sound(layer: &SqliteLayer, context: &str) {
    let report = layer.check().unwrap_or_else(|e| panic!("{context}: {e:?}"));
    assert!(report.is_sound(), "{context}: {report:#?}");
}

pub fn put(layer: &dyn Layer, file: &str, data: &[u8]) -> NodeResult<Ino> {
    Ok(layer.create(layer.root(), &name(file), NewNode::File(data), &NewAttr::with_mode(0o644))?.ino)
}

pub fn seal(layer: &SqliteLayer) -> NodeResult<Option<Revision>> {
    Ok(layer.seal(&SealInfo::of(RevisionKind::Edit))?.map(|info| info.id))
}

/// Bytes that do not repeat.
pub fn noise(chance: &mut Chance, len: usize) -> Vec<u8> {
    (0..len.div_ceil(8)).flat_map(|_| chance.bits().to_le_bytes()).take(len).collect()
}

/// One random change below the root. What cannot be done is an error and no harm.
pub fn change(layer: &dyn Layer, chance: &mut Chance) -> NodeResult<()> {
    let root = layer.root();
    let file = |chance: &mut Chance| name(&format!("f{}", chance.below(12)));
    let (one, two) = (file(chance), file(chance));
    let found = |name: &Name| layer.lookup(root, name).map(|stat| stat.ino);
    match chance.below(10) {
        0..=3 => {
            let size = if chance.one_in(8) { 200_000 } else { chance.below(6000) };
            let data = noise(chance, size as usize);
            match found(&one) {
                Ok(ino) => layer.batch(&mut |layer| {
                    layer.setattr(ino, &SetAttr::size(0))?;
                    layer.write(ino, 0, &data)
                }),
                Err(_) => {
                    layer.create(root, &one, NewNode::File(&data), &NewAttr::with_mode(0o644)).map(|_| ())
                }
            }
        }
        4 | 5 => {
            let (at, data) = (chance.below(100_000), noise(chance, 4096));
            layer.write(found(&one)?, at, &data)
        }
        6 => layer.rename((root, &one), (root, &two), RenameMode::Replace),
        7 => layer.unlink(root, &one),
        8 => layer.link(found(&one)?, root, &two).map(|_| ()),
        _ => layer.setattr(found(&one)?, &SetAttr::size(chance.below(50_000))).map(|_| ()),
    }
}
