//! SQL over files that are larger than what a sandbox may hold, and statements that mean no good.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use cowry_runtime::{Job, Limits, Mount, Outcome, SandboxSpec, TimeLimit};
use cowry_vfs::{HostLayer, HostOptions};

use crate::support::{Case, Done, eval_within, run, tree, zygote};

pub const CASES: &[Case] = &[
    ("sql::a_file_larger_than_memory_is_aggregated", aggregates),
    ("sql::what_does_not_fit_goes_to_the_scratch", sorts),
    ("sql::scratch_has_an_end", full),
    ("sql::endless_statements_are_ended_by_their_limits", endless),
    ("sql::statements_are_not_the_end_of_a_sandbox", hostile),
    ("sql::sandboxes_have_random_numbers_of_their_own", random),
];

/// How many MiB the file has; set the variable to 2048 for one of 2 GiB with the default limits.
const SIZE: &str = "COWRY_SQL_MIB";

fn size() -> Option<u64> {
    std::env::var(SIZE).ok().map(|text| text.parse().expect("a number of MiB"))
}

/// A folder with a file of about so many MiB, and how many rows it has.
fn file(mib: u64) -> (tempfile::TempDir, u64) {
    let dir = tempfile::tempdir().expect("a folder");
    let file = std::fs::File::create(dir.path().join("large.csv")).expect("a file");
    let mut out = std::io::BufWriter::new(file);
    writeln!(out, "id,region,qty,price,note").expect("there is room");
    let (mut bytes, mut rows) = (0, 0);
    while bytes < mib << 20 {
        let key = rows * 2_654_435_761 % 1_000_003;
        let row = format!("{key},region-{},{},{}.25,{:0>60}\n", rows % 7, rows % 100, rows % 50, rows);
        out.write_all(row.as_bytes()).expect("there is room");
        bytes += row.len() as u64;
        rows += 1;
    }
    out.flush().expect("there is room");
    (dir, rows)
}

/// Runs code in a sandbox that has the folder at `/data`.
fn over(dir: &tempfile::TempDir, limits: Limits, code: &str) -> Done {
    let layer = Arc::new(HostLayer::open(dir.path(), HostOptions::default()).expect("a folder"));
    let mut spec = SandboxSpec { limits, ..SandboxSpec::new(tree()) };
    spec.mounts.push(Mount { at: "/data".into(), layer, writable: false, written: None });
    let mut sandbox = zygote().spawn(spec).expect("a sandbox can be forked");
    run(&mut sandbox, &Job::expression(code))
}

/// Little memory, or the defaults where the file is a large one, and plenty of time.
fn limits() -> Limits {
    let hours = Duration::from_secs(7200);
    let limits = Limits { cpu: hours, wall: hours, ..Limits::default() };
    if size().is_some() {
        return limits;
    }
    Limits { memory_bytes: 8 << 20, scratch_memory_bytes: 1 << 20, ..limits }
}

fn aggregates() {
    let (dir, rows) = file(size().unwrap_or(24));
    let code = "sql`select region, count(*) n, sum(qty * price) s from '/data/large.csv' group by region`
        .reduce((n, row) => n + row.n, 0)";
    let done = over(&dir, limits(), code);
    assert_eq!(done.json(), rows.to_string());
    let idle = over(&dir, limits(), "1").report.usage.peak_memory_bytes;
    let used = done.report.usage.peak_memory_bytes.saturating_sub(idle);
    let bound = limits().memory_bytes + (12 << 20);
    assert!(used < bound, "{used} bytes more than a job that does nothing");
}

fn sorts() {
    let (dir, rows) = file(6);
    let code =
        "sql`select id, note from '/data/large.csv' order by id, note desc limit 1 offset ${ROWS - 1}`[0].id";
    let done = over(&dir, limits(), &code.replace("ROWS", &rows.to_string()));
    let largest: u64 = done.json().parse().expect("a number");
    assert!(largest > 900_000, "{largest}");
}

fn full() {
    let (dir, _) = file(6);
    let limits = Limits { scratch_bytes: 2 << 20, ..limits() };
    let code =
        "const message = (work) => { try { return work().length } catch (error) { return error.message } };
        [
            message(() => sql`select * from '/data/large.csv' order by note`),
            message(() => sql`select note, count(*) from '/data/large.csv' group by note`),
        ]";
    let done = over(&dir, limits, code);
    assert_eq!(done.json().matches("needs more scratch than the limit allows").count(), 2, "{}", done.json());
}

fn endless() {
    let limits =
        Limits { cpu: Duration::from_millis(500), wall: Duration::from_secs(600), ..Limits::default() };
    for code in [
        "sql`with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n`",
        "for (;;) try { sql`with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n` } catch {}",
        // Nothing can be asked in the middle of one comparison: the process is ended.
        "sql`select instr(hex(zeroblob(4000000)), hex(zeroblob(2000000)) || '1')`",
    ] {
        let done = eval_within(limits, code);
        assert_eq!(*done.outcome(), Outcome::TimedOut(TimeLimit::Cpu), "{code}");
    }
}

fn hostile() {
    let code = "
        const fs = require('fs');
        const tried = (text, params) => { try { return typeof sql(text, params).length } catch (error) { return error.name } };
        const deep = (n) => '('.repeat(n) + '1' + ')'.repeat(n);
        fs.writeFileSync('/tmp/noise.csv', Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919) % 251)));
        [
            tried('select ' + deep(10_000)),
            tried('select ' + Array(2_000).fill('1').join(' + ')),
            tried('select ' + Array(2_000).fill('not').join(' ') + ' 1'),
            tried(Array(1_000).fill('select 1').join(' union all ')),
            tried('select 1 from ' + Array(200).fill(\"'/tmp/noise.csv'\").join()),
            tried('select length(zeroblob(1000000000))'),
            tried(\"select printf('%.*c', 100000000, 'x')\"),
            tried('with recursive n(i, s) as (select 1, hex(zeroblob(1000)) union all select i + 1, s || s from n limit 60) select max(length(s)) from n'),
            tried(\"select group_concat(value) from json_each('[' || substr(replace(hex(zeroblob(400000)), '00', ',1'), 2) || ']')\"),
            tried('select * from csv(?)', ['/tmp/noise.csv']),
            tried('select * from ndjson(?)', ['/tmp/noise.csv']),
            tried('select * from json(?)', ['/tmp/noise.csv']),
            tried('x'.repeat(3_000_000)),
        ].every((kind) => kind === 'number' || kind === 'Error') && sql`select 1 as a`[0].a";
    let limits =
        Limits { cpu: Duration::from_secs(600), wall: Duration::from_secs(1200), ..Limits::default() };
    assert_eq!(eval_within(limits, code).json(), "1");
}

fn random() {
    let draw = || {
        eval_within(Limits::default(), "sql`select random() a, hex(randomblob(8)) b`[0].b").json().to_owned()
    };
    assert_ne!(draw(), draw());
}
