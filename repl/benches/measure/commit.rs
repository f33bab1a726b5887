//! Commit of 1,000 small files, beside bare rusqlite inserting the same rows into the same schema.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cowry_vfs::{
    CommitRequest, InoMap, Layer, MemoryLayer, Name, NewAttr, NewNode, Overlay, OverlayOptions, PersistAll,
    RevisionKind, SealInfo, SqliteLayer, SqliteOptions,
};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::table::{Row, Table, ms, time};

const FILES: u32 = 1_000;
const ROUNDS: u32 = 7;

fn overlay_with_files(lower: Arc<dyn Layer>) -> Overlay {
    let overlay = Overlay::new(lower, OverlayOptions::default());
    let root = overlay.root();
    for i in 0..FILES {
        let name = Name::new(&format!("file-{i:05}.txt")).expect("a short name");
        let content = format!("{i} ").repeat(100);
        overlay
            .create(root, &name, NewNode::File(content.as_bytes()), &NewAttr::with_mode(0o644))
            .expect("an empty overlay takes files");
    }
    overlay
}

fn ours(path: &Path) -> Duration {
    let layer = SqliteLayer::create(path, &SqliteOptions::default()).expect("a workspace");
    let base = layer.head().expect("a new workspace has a head");
    let overlay = overlay_with_files(layer.at(base).expect("the head is a revision"));
    let (took, committed) = time(|| {
        layer.commit(CommitRequest {
            base,
            own: &[],
            before: None,
            after: &overlay,
            committed: &mut InoMap::default(),
            judge: &PersistAll,
            info: &SealInfo::of(RevisionKind::Run),
        })
    });
    assert!(committed.expect("nothing conflicts").revision.is_some());
    took
}

/// The rows of every table of the workspace at `path`, in the order of the schema.
fn rows_of(path: &Path) -> Vec<(String, Vec<Vec<Value>>)> {
    let db = Connection::open(path).expect("the workspace opens");
    let mut tables = db
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        .expect("a schema");
    let names: Vec<String> =
        tables.query_map([], |row| row.get(0)).expect("names").collect::<Result<_, _>>().expect("names");
    names
        .into_iter()
        .map(|table| {
            let mut all = db.prepare(&format!("SELECT * FROM {table}")).expect("a table");
            let width = all.column_count();
            let rows = all
                .query_map([], |row| (0..width).map(|i| row.get(i)).collect())
                .expect("rows")
                .collect::<Result<_, _>>()
                .expect("rows");
            (table, rows)
        })
        .collect()
}

/// Inserts what is missing in a new workspace file, in one durable transaction.
fn bare(path: &Path, rows: &[(String, Vec<Vec<Value>>)]) -> Duration {
    drop(SqliteLayer::create(path, &SqliteOptions::default()).expect("a workspace"));
    let mut db = Connection::open(path).expect("the workspace opens");
    db.pragma_update(None, "synchronous", "FULL").expect("a pragma");
    let (took, ()) = time(|| {
        let transaction = db.transaction().expect("a transaction");
        for (table, rows) in rows.iter().filter(|(_, rows)| !rows.is_empty()) {
            let marks = vec!["?"; rows[0].len()].join(",");
            let mut insert = transaction
                .prepare(&format!("INSERT OR REPLACE INTO {table} VALUES ({marks})"))
                .expect("an insert");
            for row in rows {
                insert.execute(params_from_iter(row)).expect("a row");
            }
        }
        transaction.commit().expect("a commit");
    });
    took
}

/// The commit, the bare inserts and their ratio.
pub fn table() -> Table {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sample = folder.path().join("sample.cowry");
    ours(&sample);
    let rows = rows_of(&sample);
    let (mut best_ours, mut best_bare) = (Duration::MAX, Duration::MAX);
    for round in 0..ROUNDS {
        best_ours = best_ours.min(ours(&folder.path().join(format!("ours-{round}.cowry"))));
        best_bare = best_bare.min(bare(&folder.path().join(format!("bare-{round}.cowry")), &rows));
    }
    let ratio = best_ours.as_secs_f64() / best_bare.as_secs_f64();
    Table {
        title: "Commit of 1,000 small files",
        rows: vec![
            Row::new("run's overlay to durable revision", ms(best_ours), ""),
            Row::new("the same rows by bare rusqlite, same schema, fsync", ms(best_bare), ""),
            Row::new("ratio", format!("{ratio:.2}"), "1.5"),
        ],
    }
}

/// Keeps the memory layer's O(1) fork honest: 10,000 files.
pub fn fork_table() -> Table {
    let memory = MemoryLayer::new();
    for i in 0..10_000 {
        let name = Name::new(&format!("f{i}")).expect("a short name");
        memory
            .create(memory.root(), &name, NewNode::File(b"content"), &NewAttr::with_mode(0o644))
            .expect("create");
    }
    let best = (0..100).map(|_| time(|| memory.fork()).0).min().expect("rounds");
    Table {
        title: "Fork in memory",
        rows: vec![Row::new("fork of 10,000 files", format!("{:.1} µs", best.as_secs_f64() * 1e6), "")],
    }
}
