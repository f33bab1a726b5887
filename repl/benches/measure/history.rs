//! What does not depend on the size of the tree: naming, forking, opening, comparing. And what edits of a large file cost.

use std::path::{Path, PathBuf};

use cowry_vfs::{
    Ino, Layer, Name, NewAttr, NewNode, Revision, RevisionKind, SealInfo, SetAttr, SqliteLayer, SqliteOptions,
};
use rusqlite::Connection;

use crate::table::{Row, Table, ms, time, us};

const FEW: u32 = 100;
const MANY: u32 = 1_000_000;
const PER_DIR: u32 = 1_000;
const ROUNDS: u32 = 20;

fn name(text: &str) -> Name {
    Name::new(text).expect("a short name")
}

fn seal(layer: &SqliteLayer) -> Revision {
    layer.seal(&SealInfo::of(RevisionKind::Edit)).expect("sealed").expect("something changed").id
}

/// A workspace with so many empty files, a thousand in each directory.
fn filled(path: &Path, count: u32) -> (SqliteLayer, Revision) {
    let layer = SqliteLayer::create(path, &SqliteOptions::default()).expect("a workspace");
    let (dir, file) = (NewAttr::with_mode(0o755), NewAttr::with_mode(0o644));
    for first in (0..count).step_by(PER_DIR as usize) {
        layer
            .batch(&mut |layer| {
                let label = name(&format!("d{first:07}"));
                let dir = layer.create(layer.root(), &label, NewNode::Directory, &dir)?.ino;
                (first..count.min(first + PER_DIR)).try_for_each(|i| {
                    layer.create(dir, &name(&format!("f{i:07}")), NewNode::File(b""), &file).map(drop)
                })
            })
            .expect("filled");
    }
    let rev = seal(&layer);
    (layer, rev)
}

fn best(rounds: u32, work: &mut dyn FnMut(u32)) -> std::time::Duration {
    (0..rounds).map(|round| time(|| work(round)).0).min().expect("there are rounds")
}

/// Ten files of as many directories written, and sealed.
fn ten_changes(layer: &SqliteLayer, count: u32) -> Revision {
    for i in (0..count).step_by(count as usize / 10) {
        let dir =
            layer.lookup(layer.root(), &name(&format!("d{:07}", i / PER_DIR * PER_DIR))).expect("there").ino;
        let file = layer.lookup(dir, &name(&format!("f{i:07}"))).expect("there").ino;
        layer.write(file, 0, b"changed").expect("written");
    }
    seal(layer)
}

fn rows(folder: &Path, count: u32, equal: &str) -> Vec<Row> {
    let path = folder.join(format!("w{count}.cowry"));
    let (layer, rev) = filled(&path, count);
    let naming = best(ROUNDS, &mut |round| {
        let label = format!("n{round}").parse().expect("a name");
        layer.name_revision(rev, &label, Default::default()).expect("named");
    });
    let forking = best(ROUNDS, &mut |round| {
        drop(layer.fork(folder.join(format!("fork-{count}-{round}.cowry")), rev).expect("forked"));
    });
    let after = ten_changes(&layer, count);
    let diff = best(5, &mut |_| assert_eq!(layer.diff(rev, after).expect("compared").len(), 10));
    drop(layer);
    let open = best(5, &mut |_| drop(SqliteLayer::open(&path, &SqliteOptions::default()).expect("opened")));
    let target = |own: &str| if equal.is_empty() { String::new() } else { format!("{equal}, {own}") };
    vec![
        Row::new(format!("naming a revision of {count} files"), us(naming), target("100 µs")),
        Row::new(format!("fork of {count} files, durable"), ms(forking), target("20 ms")),
        Row::new(
            format!("open of a workspace with {count} files"),
            ms(open),
            if count == MANY { "50 ms" } else { "" },
        ),
        Row::new(format!("diff of 10 changes among {count} files"), ms(diff), ""),
    ]
}

/// Naming, forking, opening and comparing, small and large.
pub fn table() -> Table {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut all = rows(folder.path(), FEW, "");
    all.extend(rows(folder.path(), MANY, "equal"));
    Table { title: "History, at 100 and at 1,000,000 files", rows: all }
}

const LARGE: usize = 32 << 20;

/// Bytes that do not repeat.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(&mut next).flatten().take(len).collect()
}

/// Bytes of pages that are in use, whatever the file's size.
fn used(path: &Path) -> i64 {
    let db = Connection::open(path).expect("the workspace opens");
    let number =
        |pragma: &str| -> i64 { db.pragma_query_value(None, pragma, |row| row.get(0)).expect("a number") };
    (number("page_count") - number("freelist_count")) * number("page_size")
}

struct Large {
    path: PathBuf,
    layer: SqliteLayer,
    ino: Ino,
    data: Vec<u8>,
}

impl Large {
    fn new(folder: &Path, label: &str) -> Large {
        let path = folder.join(label);
        let layer = SqliteLayer::create(&path, &SqliteOptions::default()).expect("a workspace");
        let data = noise(LARGE);
        let attr = NewAttr::with_mode(0o644);
        let ino = layer.create(layer.root(), &name("large"), NewNode::File(&data), &attr).expect("made").ino;
        seal(&layer);
        Large { path, layer, ino, data }
    }

    /// How much more is in use after `edit` and sealing.
    fn growth(&self, edit: impl FnOnce(&SqliteLayer)) -> String {
        let before = used(&self.path);
        edit(&self.layer);
        seal(&self.layer);
        format!("{:.3} MiB", (used(&self.path) - before) as f64 / (1 << 20) as f64)
    }
}

/// What edits of a large file add to the workspace.
pub fn growth_table() -> Table {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let edited = Large::new(folder.path(), "edited.cowry");
    let scattered = edited.growth(|layer| {
        for i in 0..16 {
            let at = (i * 1_997 * 1_024 + 777) as u64;
            layer.write(edited.ino, at, &[i as u8; 4096]).expect("written");
        }
    });
    let prepended = Large::new(folder.path(), "prepended.cowry");
    let whole = [&[1u8], &prepended.data[..]].concat();
    let prepend = prepended.growth(|layer| {
        layer
            .batch(&mut |layer| {
                layer.setattr(prepended.ino, &SetAttr::size(0))?;
                layer.write(prepended.ino, 0, &whole)
            })
            .expect("written");
    });
    Table {
        title: "Growth of a workspace with a file of 32 MiB",
        rows: vec![
            Row::new("16 scattered edits of 4 KiB", scattered, "0.25 MiB"),
            Row::new("one byte put in front", prepend, "two chunks (64 KiB on average, 256 KiB at most)"),
        ],
    }
}
