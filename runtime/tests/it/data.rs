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
    ("data::declarations_are_those_of_the_verbs", declared),
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

/// The names in a part of the declarations that begins with `head`, each before one of the characters of `ends`.
fn names(head: &str, ends: &str) -> Vec<String> {
    let (_, rest) = cowry_runtime::DATA_TYPES.split_once(head).unwrap_or_else(|| panic!("no {head}"));
    let (body, _) = rest.split_once("\n}").expect("it ends");
    let is_name = |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic());
    let words = body.split_inclusive(|c: char| !c.is_ascii_alphabetic());
    let mut names: Vec<String> = words
        .filter_map(|word| ends.chars().find_map(|end| word.strip_suffix(end)))
        .filter(is_name)
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}

/// What programs see is what `cowry types` declares: every verb, and every option.
fn declared() {
    let code = "const sorted = (names) => [...names].sort();
        const options = (call) => {
          try { call({ nope: 1 }) } catch ({ message }) {
            return sorted(/there are: (.*)\\. Received/.exec(message)[1].split(', ').filter((name) => name !== 'at'));
          }
        };
        ({
          csv: sorted(Object.keys(csv)), ndjson: sorted(Object.keys(ndjson)), json: sorted(Object.keys(json)),
          sql: sorted(Object.keys(sql).filter((name) => name !== 'sql')),
          read: options((o) => csv.parse('', o)), write: options((o) => csv.stringify([], o)),
          lines: options((o) => ndjson.parse('', o)), rows: options((o) => json.rows('/x', 'a', o)),
          query: options((o) => sql('select 1', [], o)), stream: options((o) => [...sql.stream('select 1', [], o)]),
        })";
    let done = crate::support::eval(code);
    let seen: serde_json::Value = serde_json::from_str(done.json()).expect("JSON");
    for verb in ["csv", "ndjson", "json", "sql"] {
        assert_eq!(seen[verb], serde_json::json!(names(&format!("declare const {verb}: {{"), "(")), "{verb}");
    }
    let with_bad = |mut names: Vec<String>| {
        names.extend(["skipBad".into(), "onBad".into()]);
        names.sort();
        serde_json::json!(names)
    };
    assert_eq!(seen["read"], with_bad(names("interface CsvRead extends BadRows {", "?")));
    assert_eq!(seen["write"], serde_json::json!(names("interface CsvWrite {", "?")));
    assert_eq!((&seen["lines"], &seen["rows"]), (&with_bad(vec!["encoding".into()]), &seen["lines"]));
    assert!(cowry_runtime::DATA_TYPES.contains("interface BadRows { skipBad?: boolean; onBad?:"));
    assert_eq!(
        (&seen["query"], &seen["stream"]),
        (&serde_json::json!(["as", "to"]), &serde_json::json!(["as"]))
    );
}

fn kept() {
    let row = |n: usize| format!("{n},\"{}\"\n", "text, ".repeat(150));
    let (tree, _) = tree("/big.csv", "n,text\n", row, "");
    let done = eval(tree, "csv.read('/big.csv').length");
    assert_eq!(*done.outcome(), cowry_runtime::Outcome::OutOfMemory);
}
