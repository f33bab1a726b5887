//! Sandboxes from a warm zygote: how fast, how many, how large.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cowry_runtime::{Job, Sandbox, SandboxSpec, Zygote, ZygoteOptions};
use cowry_vfs::MemoryLayer;

use crate::table::{Row, Table, ms, percentile, time};

const ROUNDS: usize = 1_000;

/// 2,000 rows built, split, filtered, summed: a small job.
const SMALL_JOB: &str = "
    const rows = Array.from({ length: 2000 }, (_, i) => `${i},name-${i},${i % 97}`).join('\\n').split('\\n');
    rows.map((row) => row.split(',')).filter((row) => Number(row[2]) > 50).reduce((sum, row) => sum + Number(row[0]), 0)";

fn zygote() -> Zygote {
    Zygote::start(&ZygoteOptions::default()).expect("a zygote starts")
}

fn spec() -> SandboxSpec {
    SandboxSpec::new(Arc::new(MemoryLayer::new()))
}

fn run(sandbox: &mut Sandbox, code: &str) -> String {
    let report = sandbox.run(&Job::expression(code), &mut |_| {}).expect("a job runs");
    assert!(report.result.outcome.is_success(), "{:?}", report.result.outcome);
    report.result.value.and_then(|value| value.json).expect("the job has a result")
}

fn first_result(zygote: &Zygote) -> (Duration, Sandbox) {
    time(|| {
        let mut sandbox = zygote.spawn(spec()).expect("a sandbox");
        assert_eq!(run(&mut sandbox, "1"), "1");
        sandbox
    })
}

/// Time to the first result, and sandboxes a second.
pub fn latency() -> Table {
    let zygote = zygote();
    for _ in 0..50 {
        first_result(&zygote);
    }
    let mut samples: Vec<Duration> = (0..ROUNDS).map(|_| first_result(&zygote).0).collect();
    samples.sort();
    let start = Instant::now();
    for _ in 0..ROUNDS {
        first_result(&zygote);
    }
    let one = ROUNDS as f64 / start.elapsed().as_secs_f64();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..ROUNDS).for_each(|_| drop(first_result(&zygote))));
        }
    });
    let two = 2.0 * ROUNDS as f64 / start.elapsed().as_secs_f64();
    let lockdown = zygote.lockdown().expect("the zygote lives");
    let missing = if lockdown.is_complete() { "every lock on".into() } else { lockdown.missing.join(", ") };
    Table {
        title: "Sandbox from a warm zygote",
        rows: vec![
            Row::new(format!("to first result, p50 ({missing})"), ms(percentile(&samples, 50)), "0.8 ms"),
            Row::new("to first result, p99", ms(percentile(&samples, 99)), ""),
            Row::new("to first result, best", ms(samples[0]), ""),
            Row::new("sandboxes a second, disposal included, one caller", format!("{one:.0}"), ""),
            Row::new("sandboxes a second, two callers", format!("{two:.0}"), ""),
        ],
    }
}

/// Memory that belongs to this process alone, in MB.
fn private_mb(pid: u32) -> f64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("the sandbox lives");
    let kib: u64 = rollup
        .lines()
        .filter(|line| line.starts_with("Private_Dirty:") || line.starts_with("Private_Clean:"))
        .filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
        .sum();
    kib as f64 * 1024.0 / 1e6
}

/// Private memory at rest, after a small job, and after a forced collection.
pub fn memory() -> Table {
    let zygote = zygote();
    let mut sandbox = zygote.spawn(spec()).expect("a sandbox");
    run(&mut sandbox, "1");
    let idle = private_mb(sandbox.pid());
    run(&mut sandbox, SMALL_JOB);
    let after = private_mb(sandbox.pid());
    sandbox.collect_garbage().expect("the sandbox lives");
    let collected = private_mb(sandbox.pid());
    Table {
        title: "Private memory of a sandbox",
        rows: vec![
            Row::new("idle, after its first result", format!("{idle:.2} MB"), "0.8 MB"),
            Row::new("after a job over 2,000 rows", format!("{after:.2} MB"), ""),
            Row::new("after a forced collection", format!("{collected:.2} MB"), ""),
        ],
    }
}
