//! A bucket as a folder.

use std::fs;
use std::sync::Arc;

use cowry_vfs::object::{ObjectLayer, ObjectOptions};
use cowry_vfs::{OpenOptions, Vfs, VfsOptions};

use super::{BUCKET, Bench, Ran, beside};
use crate::table::{Row, Table, ms, time, us};

/// A bucket as a folder.
pub fn table() -> Table {
    let bench = Bench::new();
    let sparse = fs::File::create(bench.server.folder().join(BUCKET).join("huge")).expect("made");
    sparse.set_len(5 << 30).expect("a hole");
    // Its ETag, noted as the server does; it would read all of it for one.
    let note = ".bucket-YmVuY2g.object-aHVnZQ.internal.json";
    let tag = r#"{"e_tag":"0123456789abcdef0123456789abcdef"}"#;
    fs::write(bench.server.folder().join(note), tag).expect("written");
    let large = bench.large();
    let (_, bare_out) = bench.bare_large(&large);
    let bucket = &bench.bucket;
    let layer = ObjectLayer::open(bucket.clone(), ObjectOptions::default()).expect("it is there");
    let files = Vfs::new(Arc::new(layer), VfsOptions::default());
    let head =
        || files.open("/huge", OpenOptions::read()).expect("open").read_bytes_at(0, 64 << 10).expect("read");
    let (cold, _) = time(head);
    let (warm, _) = time(head);
    let before = bucket.requests();
    let (took, _) = time(|| {
        let file = files.open("/bare/large", OpenOptions::read()).expect("open");
        let mut at = 0;
        loop {
            let piece = file.read_bytes_at(at, 1 << 20).expect("read");
            if piece.is_empty() {
                return;
            }
            at += piece.len() as u64;
        }
    });
    let after = bucket.requests();
    let ran = Ran { took, memory: 0, requests: (after.0 - before.0, after.1 - before.1, after.2 - before.2) };
    Table {
        title: "A bucket as a folder, server on loopback",
        rows: vec![
            Row::new("the first 64 KiB of 5 GiB, opened and read", ms(cold), ""),
            Row::new("the same again", us(warm), ""),
            beside("1 GiB read in pieces of 1 MiB", &ran, bare_out),
            Row::new("its requests", format!("{} GET, {} others", ran.requests.0, ran.requests.2), ""),
        ],
    }
}
