//! Several processes and long readers on one workspace.

use std::process::{Command, Stdio};

use cowry_tests::chance::Chance;
use cowry_vfs::sqlite::{Durability, SqliteLayer};
use cowry_vfs::{Layer, NodeResult};
use libtest_mimic::Trial;

use crate::state::{assert_sound, name, noise, open, options, put, seal};
use crate::trial;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("share::changes_of_many_processes_all_arrive", processes),
        trial("share::a_long_reader_sees_one_state_and_the_log_is_cut_back_after", long_reader),
        trial("share::readers_do_not_wait_for_a_writer", readers),
    ]
}

fn workspace() -> (tempfile::TempDir, SqliteLayer) {
    let folder = tempfile::tempdir().expect("a folder");
    let layer =
        SqliteLayer::create(folder.path().join("work.cowry"), &options(Durability::None)).expect("made");
    (folder, layer)
}

fn processes() {
    let (_folder, layer) = workspace();
    let path = layer.path().canonicalize().expect("a path");
    let workers: Vec<_> = (0..4)
        .map(|i: u32| {
            Command::new(std::env::current_exe().expect("this program"))
                .args([crate::kill::WORKER, "share", path.to_str().expect("UTF-8"), &i.to_string(), "0"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
                .expect("a worker")
        })
        .collect();
    for worker in workers {
        let output = worker.wait_with_output().expect("ended");
        assert!(output.status.success(), "{}", output.status);
    }
    for worker in 0..4 {
        for i in 0..25 {
            let file = name(&format!("w{worker}-{i}"));
            layer.lookup(layer.root(), &file).unwrap_or_else(|e| panic!("{file}: {e:?}"));
        }
    }
    assert_sound(&layer, "after");
}

/// What one of many processes does.
pub fn work(path: &std::path::Path, chance: &mut Chance) {
    let layer = open(path);
    let worker = chance.clone().bits();
    let worker = (0..4).find(|seed| Chance::new(*seed).bits() == worker).expect("a small seed");
    for i in 0..25 {
        put(&layer, &format!("w{worker}-{i}"), &noise(chance, 500)).expect("made");
        if i % 5 == 0 {
            seal(&layer).expect("sealed");
        }
    }
}

fn wal_bytes(layer: &SqliteLayer) -> u64 {
    let mut wal = layer.path().as_os_str().to_owned();
    wal.push("-wal");
    std::fs::metadata(wal).map_or(0, |meta| meta.len())
}

fn long_reader() {
    let (_folder, layer) = workspace();
    let mut chance = Chance::new(1);
    put(&layer, "first", b"first").expect("made");
    let reader = rusqlite::Connection::open(layer.path()).expect("a reader");
    reader.execute_batch("BEGIN; SELECT count(*) FROM entry").expect("begun");
    let entries =
        || reader.query_row("SELECT count(*) FROM entry", [], |row| row.get::<_, i64>(0)).expect("read");
    let (before, mut files) = (entries(), 0);
    while wal_bytes(&layer) < 24 << 20 {
        put(&layer, &format!("f{files}"), &noise(&mut chance, 1 << 20)).expect("made");
        files += 1;
    }
    assert_eq!(entries(), before, "the reader sees what was there when it began");
    reader.execute_batch("COMMIT").expect("over");
    // The log moves into the file with one change and is begun anew with the next.
    for i in 0..3 {
        put(&layer, &format!("after{i}"), b"x").expect("made");
    }
    assert!(wal_bytes(&layer) <= 17 << 20, "{} bytes of log", wal_bytes(&layer));
    assert_eq!(entries(), before + files + 3);
    assert_sound(&layer, "after");
}

fn readers() {
    let (_folder, layer) = workspace();
    put(&layer, "a", b"old").expect("made");
    seal(&layer).expect("sealed");
    let other = open(layer.path());
    let read = |layer: &dyn Layer| -> NodeResult<Vec<u8>> {
        let ino = layer.lookup(layer.root(), &name("a"))?.ino;
        Ok(layer.read(ino, 0, 9)?.to_vec())
    };
    layer
        .batch(&mut |inner| {
            let ino = inner.lookup(inner.root(), &name("a"))?.ino;
            inner.write(ino, 0, b"new")?;
            // Threads of this process and other processes alike.
            let here = std::thread::scope(|scope| scope.spawn(|| read(&layer)).join().expect("no panic"))?;
            let sealed = read(&*layer.at(layer.head()?)?)?;
            assert_eq!((here, read(&other)?, sealed), (b"old".to_vec(), b"old".to_vec(), b"old".to_vec()));
            Ok(())
        })
        .expect("written");
    assert_eq!(read(&other).expect("read"), b"new");
}
