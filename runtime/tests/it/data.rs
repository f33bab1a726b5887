//! Data larger than memory passes through the verbs.

use std::fmt::Write as _;
use std::sync::Arc;

use cowry_runtime::{Job, Limits, SandboxSpec};
use cowry_vfs::{Layer, MemoryLayer, OpenOptions, Vfs, VfsOptions};

use crate::support::{Case, plenty, run, zygote};

/// How many bytes the files have, instead of what a test takes every time: `COWRY_DATA_BYTES=2000000000`.
const BYTES: &str = "COWRY_DATA_BYTES";
const MEMORY: u64 = 24 << 20;

pub const CASES: &[Case] = &[
    ("data::a_csv_file_larger_than_memory_passes", csv),
    ("data::lines_of_json_larger_than_memory_pass", ndjson),
    ("data::a_document_larger_than_memory_is_passed_over", document),
    ("data::rows_that_are_kept_run_out_of_memory_and_nothing_else", kept),
];

fn bytes() -> usize {
    std::env::var(BYTES).ok().map_or(2 * MEMORY as usize, |bytes| bytes.parse().expect("a number of bytes"))
}

/// A tree with one file: a beginning, rows until it is large enough, and an end. Answers with how many rows there are.
fn tree(name: &str, begin: &str, row: fn(usize) -> String, end: &str) -> (Arc<dyn Layer>, usize) {
    let layer = Arc::new(MemoryLayer::new());
    let vfs = Vfs::new(layer.clone(), VfsOptions::default());
    let file = vfs.open(name, OpenOptions { create: true, ..OpenOptions::write() }).expect("a new file");
    let (mut written, mut rows, mut piece) = (0, 0, begin.to_owned());
    while written < bytes() {
        while piece.len() < 1 << 20 {
            write!(piece, "{}", row(rows)).expect("a string takes text");
            rows += 1;
        }
        written += piece.len();
        file.write_all(piece.as_bytes()).expect("memory takes it");
        piece.clear();
    }
    file.write_all(end.as_bytes()).expect("memory takes it");
    (layer, rows)
}

fn eval(tree: Arc<dyn Layer>, code: &str) -> crate::support::Done {
    let limits = Limits { memory_bytes: MEMORY, ..plenty() };
    let mut sandbox = zygote().spawn(SandboxSpec { limits, ..SandboxSpec::new(tree) }).expect("a sandbox");
    run(&mut sandbox, &Job::expression(code))
}

fn csv() {
    let row = |n: usize| format!("{n},\"{}\"\n", "text, ".repeat(150));
    let (tree, rows) = tree("/big.csv", "n,text\n", row, "");
    let code =
        "let rows = 0, sum = 0; for (const row of csv.rows('/big.csv')) { rows++; sum += row.n } [rows, sum]";
    assert_eq!(eval(tree, code).json(), format!("[{rows},{}]", rows * (rows - 1) / 2));
}

fn ndjson() {
    let row = |n: usize| format!("{{\"n\":{n},\"text\":\"{}\"}}\n", "text, ".repeat(150));
    let (tree, rows) = tree("/big.ndjson", "", row, "");
    let code = "ndjson.rows('/big.ndjson').reduce((sum, row) => sum + row.n, 0)";
    assert_eq!(eval(tree, code).json(), (rows * (rows - 1) / 2).to_string());
}

fn document() {
    let row = |n: usize| format!("{{\"n\":{n},\"text\":\"{}\"}},\n", "te]t\\\" ".repeat(150));
    let (tree, rows) = tree("/big.json", "{\"items\":[\n", row, "{}], \"end\": {\"is\": \"near\"}}");
    let code = "json.get('/big.json', 'end.is', 'items[-2].n', 'items[7].n')";
    assert_eq!(eval(tree, code).json(), format!("[\"near\",{},7]", rows - 1));
}

fn kept() {
    let row = |n: usize| format!("{n},\"{}\"\n", "text, ".repeat(150));
    let (tree, _) = tree("/big.csv", "n,text\n", row, "");
    let done = eval(tree, "csv.read('/big.csv').length");
    assert_eq!(*done.outcome(), cowry_runtime::Outcome::OutOfMemory);
}
