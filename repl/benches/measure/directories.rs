//! Directories of 200 and of 100,000 entries, and renaming one with 1 and with 100,000 files below.

use std::sync::Arc;

use cowry_vfs::{
    GlobOptions, Ino, Layer, MemoryLayer, Name, NewAttr, NewNode, RenameMode, SqliteLayer, SqliteOptions,
    Vfs, VfsOptions,
};

use crate::table::{Row, Table, ms, time, us};

const MANY: u32 = 100_000;

fn name(text: &str) -> Name {
    Name::new(text).expect("a short name")
}

/// A directory with so many empty files; one in a hundred ends in `.csv`.
fn fill(layer: &dyn Layer, at: &str, count: u32) -> Ino {
    let attr = NewAttr::with_mode(0o644);
    let dir = NewAttr::with_mode(0o755);
    let dir = layer.create(layer.root(), &name(at), NewNode::Directory, &dir).expect("made").ino;
    layer
        .batch(&mut |layer| {
            (0..count).try_for_each(|i| {
                let kind = if i % 100 == 0 { "csv" } else { "txt" };
                layer.create(dir, &name(&format!("f{i:06}.{kind}")), NewNode::File(b""), &attr).map(drop)
            })
        })
        .expect("filled");
    dir
}

fn rows(kind: &str, layer: Arc<dyn Layer>) -> Vec<Row> {
    let mut rows = Vec::new();
    for count in [200, MANY] {
        let at = format!("d{count}");
        fill(&*layer, &at, count);
        let vfs = Vfs::new(layer.clone(), VfsOptions::default());
        let best = |work: &dyn Fn() -> usize| {
            let runs = (0..5).map(|_| time(work));
            runs.min_by_key(|(took, _)| *took).expect("five runs")
        };
        let (list, seen) = best(&|| vfs.read_dir(&format!("/{at}")).expect("read").len());
        assert_eq!(seen, count as usize);
        let (glob, seen) =
            best(&|| vfs.glob(&format!("/{at}/*.csv"), GlobOptions::default()).expect("matched").len());
        assert_eq!(seen, count as usize / 100);
        rows.push(Row::new(format!("{kind}: readdir of {count} with attributes"), ms(list), ""));
        rows.push(Row::new(format!("{kind}: glob `*.csv` among {count}"), ms(glob), ""));
    }
    fill(&*layer, "d1", 1);
    for (count, target) in [(1, ""), (MANY, "equal")] {
        let (from, to) = (name(&format!("d{count}")), name(&format!("moved-{count}")));
        let root = layer.root();
        let turn = |from: &Name, to: &Name| {
            time(|| layer.rename((root, from), (root, to), RenameMode::Replace).expect("renamed")).0
        };
        let best = (0..50).map(|_| turn(&from, &to).min(turn(&to, &from))).min().expect("fifty rounds");
        rows.push(Row::new(
            format!("{kind}: rename of a directory with {count} files below"),
            us(best),
            target,
        ));
    }
    rows
}

/// Memory and SQLite; a rename in SQLite is durable when it returns.
pub fn table() -> Table {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("directories.cowry");
    let sqlite = SqliteLayer::create(path, &SqliteOptions::default()).expect("a workspace");
    let mut all = rows("memory", Arc::new(MemoryLayer::new()));
    all.extend(rows("sqlite", Arc::new(sqlite)));
    Table { title: "Directories", rows: all }
}
