//! Operations of the layers, 1 KiB at a time.

use cowry_vfs::sqlite::{SqliteLayer, SqliteOptions};
use cowry_vfs::{Ino, Layer, MemoryLayer, Name, NewAttr, NewNode, RenameMode};

use crate::table::{Row, Table, per_second, rate};

const FILES: u64 = 1_000;

fn name(i: u64) -> Name {
    Name::new(&format!("f{i:06}")).expect("a short name")
}

fn populate(layer: &dyn Layer) -> Vec<Ino> {
    let data = [7u8; 1024];
    let mut inos = Vec::new();
    layer
        .batch(&mut |layer| {
            inos.clear();
            for i in 0..FILES {
                let attr = NewAttr::with_mode(0o644);
                inos.push(layer.create(layer.root(), &name(i), NewNode::File(&data), &attr)?.ino);
            }
            Ok(())
        })
        .expect("an empty layer takes files");
    inos
}

/// Rates of one layer; `batched` wraps each round of writes in one transaction.
fn rows(kind: &str, layer: &dyn Layer, rounds: u64, targets: [&str; 3]) -> Vec<Row> {
    let inos = populate(layer);
    let data = [9u8; 1024];
    let count = FILES * rounds;
    let all = |layer: &dyn Layer, work: &dyn Fn(&dyn Layer, Ino)| {
        for _ in 0..rounds {
            for ino in &inos {
                work(layer, *ino);
            }
        }
    };
    let write = |layer: &dyn Layer| all(layer, &|layer, ino| layer.write(ino, 0, &data).expect("write"));
    let read = || all(layer, &|layer, ino| drop(layer.read(ino, 0, 1024).expect("read")));
    let stat = || {
        all(layer, &|layer, ino| {
            layer.getattr(ino).expect("stat");
        })
    };
    let batched = per_second(count, |_| {
        layer
            .batch(&mut |layer| {
                write(layer);
                Ok(())
            })
            .expect("batch");
    });
    let reads = per_second(count, |_| read());
    let stats = per_second(count, |_| stat());
    let lists = per_second(100, |_| {
        for _ in 0..100 {
            assert_eq!(layer.readdir(layer.root(), None, 2_000).expect("readdir").len() as u64, FILES);
        }
    });
    let renames = per_second(FILES, |round| rename_all(layer, round));
    vec![
        Row::new(format!("{kind}: write 1 KiB, one transaction"), rate(batched), targets[0]),
        Row::new(format!("{kind}: read 1 KiB"), rate(reads), targets[1]),
        Row::new(format!("{kind}: stat"), rate(stats), targets[2]),
        Row::new(format!("{kind}: readdir of {FILES} with attributes"), rate(lists), ""),
        Row::new(format!("{kind}: rename, one transaction"), rate(renames), ""),
    ]
}

fn rename_all(layer: &dyn Layer, round: u64) {
    let label = |round: u64, i: u64| match round {
        0 => name(i),
        round => Name::new(&format!("r{round}-{i:06}")).expect("a short name"),
    };
    layer
        .batch(&mut |layer| {
            let root = layer.root();
            for i in 0..FILES {
                let (from, to) = (label(round, i), label(round + 1, i));
                layer.rename((root, &from), (root, &to), RenameMode::Replace)?;
            }
            Ok(())
        })
        .expect("rename");
}

fn single_writes(layer: &dyn Layer) -> f64 {
    let ino = layer
        .create(layer.root(), &name(999_999), NewNode::File(b""), &NewAttr::with_mode(0o644))
        .expect("create")
        .ino;
    per_second(200, |_| {
        for i in 0..200u64 {
            layer.write(ino, 0, &[i as u8; 1024]).expect("write");
        }
    })
}

/// Memory and SQLite.
pub fn table() -> Table {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sqlite = SqliteLayer::create(folder.path().join("bench.cowry"), &SqliteOptions::default())
        .expect("a workspace");
    let memory = MemoryLayer::new();
    let mut all = rows("memory", &memory, 20, ["200 k/s", "1 M/s", "600 k/s"]);
    all.push(Row::new("memory: write 1 KiB, single", rate(single_writes(&memory)), "200 k/s"));
    all.extend(rows("sqlite", &sqlite, 5, ["", "", ""]));
    all.push(Row::new("sqlite: write 1 KiB, single, fsync each", rate(single_writes(&sqlite)), ""));
    Table { title: "Layers", rows: all }
}
