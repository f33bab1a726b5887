//! Single operations at 1 KiB a file: memory, SQLite one by one and in groups of 100, bare rusqlite, and tmpfs.

use std::fs;
use std::path::{Path, PathBuf};

use cowry_vfs::{
    Layer, MemoryLayer, Name, NewAttr, NewNode, NodeResult, RenameMode, SqliteLayer, SqliteOptions,
};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::table::{Row, Table, per_second, rate, time};

const FILES: u32 = 2_000;
const GROUP: usize = 100;
const CONTENT: [u8; 1024] = [7; 1024];

fn name(kind: &str, i: u32) -> Name {
    Name::new(&format!("{kind}-{i:06}")).expect("a short name")
}

/// Runs `work` for each of the files, so many in one batch.
fn grouped(layer: &dyn Layer, group: usize, work: &dyn Fn(&dyn Layer, u32) -> NodeResult<()>) {
    let all: Vec<u32> = (0..FILES).collect();
    for part in all.chunks(group) {
        let done = match part {
            [only] => work(layer, *only),
            _ => layer.batch(&mut |layer| part.iter().try_for_each(|i| work(layer, *i))),
        };
        done.expect("the layer takes it");
    }
}

fn rows(kind: &str, layer: &dyn Layer, group: usize) -> Vec<Row> {
    let root = layer.root();
    let label = |round: u64, i: u32| name(&format!("{group}-{round}"), i);
    let count = u64::from(FILES);
    let attr = NewAttr::with_mode(0o644);
    let write = per_second(count, |round| {
        grouped(layer, group, &|layer, i| {
            layer.create(root, &label(round, i), NewNode::File(&CONTENT), &attr).map(drop)
        });
    });
    let inos: Vec<_> =
        (0..FILES).map(|i| layer.lookup(root, &label(0, i)).expect("it was made").ino).collect();
    let overwrite = per_second(count, |_| {
        grouped(layer, group, &|layer, i| layer.write(inos[i as usize], 0, &CONTENT));
    });
    let read = per_second(count, |_| {
        for ino in &inos {
            assert_eq!(layer.read(*ino, 0, 1024).expect("read").len(), 1024);
        }
    });
    let stat = per_second(count, |_| {
        for i in 0..FILES {
            layer.lookup(root, &label(0, i)).expect("it was made");
        }
    });
    let rename = per_second(count, |round| {
        grouped(layer, group, &|layer, i| {
            let to = name(&format!("to-{group}-{round}"), i);
            layer.rename((root, &label(round, i)), (root, &to), RenameMode::Replace)
        });
    });
    let unlink = per_second(count, |round| {
        grouped(layer, group, &|layer, i| layer.unlink(root, &name(&format!("to-{group}-{round}"), i)));
    });
    vec![
        Row::new(format!("{kind}: write (a new file)"), rate(write), ""),
        Row::new(format!("{kind}: overwrite"), rate(overwrite), ""),
        Row::new(format!("{kind}: read"), rate(read), if group > 1 { "500 k/s" } else { "" }),
        Row::new(format!("{kind}: stat by name"), rate(stat), ""),
        Row::new(format!("{kind}: rename"), rate(rename), ""),
        Row::new(format!("{kind}: unlink"), rate(unlink), ""),
    ]
}

type Rows = Vec<Vec<Value>>;

/// The rows that writing the files leaves in each table, in the order they are written.
fn sample(folder: &Path) -> Vec<(&'static str, Rows)> {
    let path = folder.join("sample.cowry");
    let layer = SqliteLayer::create(&path, &SqliteOptions::default()).expect("a workspace");
    let root = layer.root();
    let attr = NewAttr::with_mode(0o644);
    grouped(&layer, GROUP, &|layer, i| {
        layer.create(root, &name("bare", i), NewNode::File(&CONTENT), &attr).map(drop)
    });
    drop(layer);
    let db = Connection::open(&path).expect("the workspace opens");
    let read = |sql: &str| -> Rows {
        let mut all = db.prepare(sql).expect("a table");
        let width = all.column_count();
        let rows = all.query_map([], |row| (0..width).map(|i| row.get(i)).collect()).expect("rows");
        rows.collect::<rusqlite::Result<_>>().expect("rows")
    };
    vec![
        ("content", read("SELECT * FROM content ORDER BY id")),
        ("inode", read("SELECT * FROM inode WHERE ino > 1 ORDER BY ino")),
        ("entry", read("SELECT * FROM entry ORDER BY ino")),
    ]
}

/// Inserts the same rows in groups of 100 files, each group with the directory and the counters, durably.
fn bare(path: &Path, tables: &[(&str, Rows)]) -> f64 {
    drop(SqliteLayer::create(path, &SqliteOptions::default()).expect("a workspace"));
    let db = Connection::open(path).expect("the workspace opens");
    db.pragma_update(None, "synchronous", "FULL").expect("a pragma");
    let (took, ()) = time(|| {
        let mut inserts: Vec<_> = tables
            .iter()
            .map(|(table, rows)| {
                let marks = vec!["?"; rows[0].len()].join(",");
                db.prepare(&format!("INSERT OR REPLACE INTO {table} VALUES ({marks})")).expect("an insert")
            })
            .collect();
        for group in (0..FILES as usize).step_by(GROUP) {
            db.execute_batch("BEGIN IMMEDIATE").expect("a transaction");
            for file in group..group + GROUP {
                for (insert, (_, rows)) in inserts.iter_mut().zip(tables) {
                    insert.execute(params_from_iter(&rows[file])).expect("a row");
                }
            }
            let rest =
                "UPDATE inode SET mtime = mtime + 1, ctime = ctime + 1, version = version + 1 WHERE ino = 1;
                        UPDATE meta SET next_ino = next_ino + 100, used_inodes = used_inodes + 100; COMMIT";
            db.execute_batch(rest).expect("a commit");
        }
    });
    f64::from(FILES) / took.as_secs_f64()
}

/// The best of a few new workspaces.
fn bare_rate(folder: &Path) -> f64 {
    let tables = sample(folder);
    (0..5).map(|i| bare(&folder.join(format!("bare-{i}.cowry")), &tables)).fold(0.0, f64::max)
}

fn tmpfs(folder: &Path) -> Vec<Row> {
    let count = u64::from(FILES);
    let path = |kind: &str, round: u64, i: u32| -> PathBuf { folder.join(format!("{kind}-{round}-{i:06}")) };
    let each = |work: &dyn Fn(u32)| (0..FILES).for_each(work);
    let write = per_second(count, |round| {
        each(&|i| fs::write(path("f", round, i), CONTENT).expect("written"));
    });
    let read =
        per_second(count, |_| each(&|i| assert_eq!(fs::read(path("f", 0, i)).expect("read").len(), 1024)));
    let stat =
        per_second(count, |_| each(&|i| assert!(fs::metadata(path("f", 0, i)).expect("there").is_file())));
    let rename = per_second(count, |round| {
        each(&|i| fs::rename(path("f", round, i), path("to", round, i)).expect("renamed"));
    });
    let unlink = per_second(count, |round| {
        each(&|i| fs::remove_file(path("to", round, i)).expect("removed"));
    });
    let figures = [("write", write), ("read", read), ("stat", stat), ("rename", rename), ("unlink", unlink)];
    figures.into_iter().map(|(what, figure)| Row::new(format!("tmpfs: {what}"), rate(figure), "")).collect()
}

fn on_tmpfs() -> Vec<Row> {
    let Ok(folder) = tempfile::tempdir_in("/dev/shm") else {
        return vec![Row::new("tmpfs: there is none at /dev/shm", "", "")];
    };
    tmpfs(folder.path())
}

/// Rates of everything, and how near batched writes come to bare rusqlite.
pub fn table() -> Table {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let open = |name: &str| {
        SqliteLayer::create(folder.path().join(name), &SqliteOptions::default()).expect("a workspace")
    };
    let mut all = rows("memory", &MemoryLayer::new(), 1);
    all.extend(rows("sqlite, fsync each", &open("single.cowry"), 1));
    all.extend(rows("sqlite, fsync per 100", &open("batched.cowry"), GROUP));
    let bare = bare_rate(folder.path());
    let ours = batched_writes(folder.path());
    all.push(Row::new("sqlite, fsync per 100: write, a new workspace", rate(ours), ""));
    all.push(Row::new("bare rusqlite, fsync per 100: the same rows, the same schema", rate(bare), ""));
    all.push(Row::new("batched writes, ours to bare", format!("{:.2}", ours / bare), "0.9"));
    all.extend(on_tmpfs());
    Table { title: "Operations on files of 1 KiB", rows: all }
}

/// New files in a new workspace, as bare rusqlite has it.
fn batched_writes(folder: &Path) -> f64 {
    let one = |i: u32| {
        let path = folder.join(format!("ours-{i}.cowry"));
        let layer = SqliteLayer::create(path, &SqliteOptions::default()).expect("a workspace");
        let root = layer.root();
        let attr = NewAttr::with_mode(0o644);
        let (took, ()) = time(|| {
            grouped(&layer, GROUP, &|layer, i| {
                layer.create(root, &name("ours", i), NewNode::File(&CONTENT), &attr).map(drop)
            });
        });
        f64::from(FILES) / took.as_secs_f64()
    };
    (0..5).map(one).fold(0.0, f64::max)
}
