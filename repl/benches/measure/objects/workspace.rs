//! A workspace with its content in a bucket.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use cowry_vfs::sqlite::{ChunkFolder, OpenBucket};
use cowry_vfs::{Layer, Name, SqliteLayer, SqliteOptions};

use super::{BUCKET, Bench, Ran, beside, noise, requests};
use crate::table::{Row, Table, time, us};

/// A file that the cache keeps all of.
const MEDIUM_BYTES: usize = 64 << 20;

impl Bench {
    /// A workspace whose content goes to the bucket from this size on.
    fn tiered(&self, workspace: &str, above: &str) {
        let place = format!("s3://{BUCKET}/workspace");
        self.cowry("cache", &["-w", workspace, "run", "-e", "0"]);
        self.cowry("cache", &["-w", workspace, "content", &place, "--above", above]);
    }
}

/// In and out, with nothing cached and from the cache.
pub fn table() -> Table {
    let bench = Bench::new();
    let mut rows = small(&bench);
    rows.extend(large(&bench));
    rows.extend(cached(&bench));
    Table { title: "Content of a workspace in a bucket, server on loopback", rows }
}

fn small(bench: &Bench) -> Vec<Row> {
    let folder = bench.small();
    bench.tiered("small.cowry", "1B");
    let (bare_in, bare_out) = bench.bare_small(&folder);
    let run = |cache: &str, arguments: &[&str]| {
        bench.cowry(cache, &[&["-w", "small.cowry", "fs"], arguments].concat())
    };
    let into = run("cache-in", &["import", &bench.at("small"), "/small"]);
    let out = run("cold", &["export", "/small", &bench.at("out")]);
    let warm = run("cold", &["export", "/small", &bench.at("warm")]);
    vec![
        beside("1,000 files of 10 KiB in", &into, bare_in),
        requests("its requests and memory", &into),
        beside("1,000 files of 10 KiB out, nothing cached", &out, bare_out),
        requests("its requests and memory", &out),
        Row::new("the same from the cache", format!("{:.2} s", warm.took.as_secs_f64()), ""),
        requests("its requests and memory", &warm),
    ]
}

fn large(bench: &Bench) -> Vec<Row> {
    let file = bench.large();
    bench.tiered("large.cowry", "64KiB");
    let (bare_in, bare_out) = bench.bare_large(&file);
    let into: Ran =
        bench.cowry("cache-in", &["-w", "large.cowry", "fs", "put", &bench.at("large"), "/large"]);
    let out = bench.cowry("cold", &["-w", "large.cowry", "fs", "get", "/large", &bench.at("large-out")]);
    assert!(fs::read(&file).expect("read") == fs::read(bench.at("large-out")).expect("read"));
    vec![
        beside("1 GiB in", &into, bare_in),
        requests("its requests and memory", &into),
        beside("1 GiB out, nothing cached", &out, bare_out),
        requests("its requests and memory", &out),
    ]
}

/// What a hit costs: in the folder, where it is verified, and in memory.
fn cached(bench: &Bench) -> Vec<Row> {
    fs::write(bench.at("medium"), noise(MEDIUM_BYTES, 9)).expect("written");
    bench.tiered("medium.cowry", "64KiB");
    bench.cowry("warm-medium", &["-w", "medium.cowry", "fs", "put", &bench.at("medium"), "/medium"]);
    let head = |layer: &SqliteLayer| {
        let ino = layer.lookup(layer.root(), &Name::new("medium").expect("a name")).expect("there").ino;
        time(|| layer.read(ino, 0, 64 << 10).expect("read")).0
    };
    let (mut folder, mut memory): (Vec<Duration>, Vec<Duration>) = (Vec::new(), Vec::new());
    for _ in 0..21 {
        let layer = bench.opened("medium.cowry", "warm-medium");
        folder.push(head(&layer));
        memory.push(head(&layer));
    }
    let layer = bench.opened("medium.cowry", "warm-medium");
    let ino = layer.lookup(layer.root(), &Name::new("medium").expect("a name")).expect("there").ino;
    let pieces = layer.content_use().expect("known").homes.iter().map(|home| home.objects).sum::<u64>();
    let before = bench.server.requests();
    let (all, _) = time(|| {
        (0..MEDIUM_BYTES)
            .step_by(1 << 20)
            .for_each(|at| drop(layer.read(ino, at as u64, 1 << 20).expect("read")));
    });
    assert_eq!(bench.server.requests(), before, "all of it is in the cache");
    let each = Duration::from_secs_f64(all.as_secs_f64() / pieces as f64);
    let size = (MEDIUM_BYTES as u64 / pieces) >> 10;
    vec![
        Row::new("64 KiB of a file whose piece is in the cache, not yet in memory", us(median(folder)), ""),
        Row::new("the same, in memory", us(median(memory)), ""),
        Row::new("64 MiB from the cache, for each piece", format!("{} ({size} KiB)", us(each)), ""),
    ]
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

impl Bench {
    /// A workspace as a process has it that has just opened it.
    fn opened(&self, workspace: &str, cache: &str) -> SqliteLayer {
        let keys = Arc::new(self.server.keys());
        let buckets = OpenBucket::new(move |location| {
            cowry_vfs::object::Bucket::open_with(location, Default::default(), &|name| keys.env(name))
        });
        let chunk_folder = ChunkFolder { folder: Some(self.at(cache).into()), bytes: None };
        let options = SqliteOptions { buckets, chunk_folder, ..SqliteOptions::default() };
        SqliteLayer::open(self.at(workspace), &options).expect("it opens")
    }
}
