//! Whole workspaces to a bucket and back.

use super::{BUCKET, Bench, beside, requests};
use crate::table::{Row, Table};

/// Of one large file and of many small ones, beside the same files as objects.
pub fn table() -> Table {
    let bench = Bench::new();
    let (small, large) = (bench.small(), bench.large());
    let (small_in, small_out) = bench.bare_small(&small);
    let (large_in, large_out) = bench.bare_large(&large);
    bench.cowry("cache", &["-w", "small.cowry", "run", "-e", "0"]);
    bench.cowry("cache", &["-w", "small.cowry", "fs", "import", &bench.at("small"), "/small"]);
    bench.cowry("cache", &["-w", "large.cowry", "run", "-e", "0"]);
    bench.cowry("cache", &["-w", "large.cowry", "fs", "put", &bench.at("large"), "/large"]);
    let mut rows = Vec::new();
    for (what, name, (bare_in, bare_out)) in
        [("1,000 files of 10 KiB", "small", (small_in, small_out)), ("1 GiB", "large", (large_in, large_out))]
    {
        let (from, to) = (format!("{name}.cowry"), format!("{name}-copy.cowry"));
        let place = format!("s3://{BUCKET}/pushes-{name}");
        let push = bench.cowry("cache", &["-w", &from, "push", &place]);
        let again = bench.cowry("cache", &["-w", &from, "push", &place]);
        let pull = bench.cowry("cache", &["-w", &to, "pull", &place]);
        rows.push(beside(&format!("{what}: push"), &push, bare_in));
        rows.push(requests("its requests and memory", &push));
        rows.push(Row::new("pushed again, unchanged", format!("{:.2} s", again.took.as_secs_f64()), ""));
        rows.push(requests("its requests and memory", &again));
        rows.push(beside(&format!("{what}: pull"), &pull, bare_out));
        rows.push(requests("its requests and memory", &pull));
    }
    Table { title: "Workspaces pushed and pulled, server on loopback", rows }
}
