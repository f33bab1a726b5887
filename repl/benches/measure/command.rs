//! The whole command, from nothing.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::table::{Row, Table, ms, percentile, time};

const ROUNDS: usize = 40;
const CSV_BYTES: usize = 50_000_000;

fn cowry(folder: &Path, arguments: &[&str]) -> (Duration, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cowry"));
    command.args(arguments).current_dir(folder).env_remove("COWRY_WORKSPACE");
    let (took, output) = time(|| command.output().expect("the binary is built"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (took, String::from_utf8(output.stdout).expect("text"))
}

fn median(mut round: impl FnMut() -> Duration) -> Duration {
    let mut samples: Vec<Duration> = (0..ROUNDS).map(|_| round()).collect();
    samples.sort();
    percentile(&samples, 50)
}

/// `cowry run -e 1`, without and with a workspace, and a command that needs no sandbox.
pub fn table() -> Table {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = folder.path();
    cowry(dir, &["run", "-w", "bench.cowry", "-e", "require('fs').writeFileSync('/a', 'b')"]);
    let version = median(|| cowry(dir, &["--version"]).0);
    let whole = median(|| cowry(dir, &["run", "-e", "1"]).0);
    let workspace = median(|| cowry(dir, &["run", "-w", "bench.cowry", "-e", "1"]).0);
    Table {
        title: "Whole command, cold",
        rows: vec![
            Row::new("`cowry run -e 1`, p50", ms(whole), "100 ms"),
            Row::new("`cowry run -w FILE -e 1`, p50 (its run record is fsynced)", ms(workspace), ""),
            Row::new("`cowry --version`, p50: starting a process and nothing else", ms(version), ""),
        ],
    }
}

fn write_csv(path: &Path) {
    let mut text = String::with_capacity(CSV_BYTES + 100);
    text.push_str("id,region,quantity,price\n");
    let mut id = 0u32;
    while text.len() < CSV_BYTES {
        let region = ["north", "south", "east", "west"][(id % 4) as usize];
        writeln!(text, "{id},{region},{},{}.{:02}", id % 17, id % 900, id % 100)
            .expect("a string takes text");
        id += 1;
    }
    fs::write(path, text).expect("the temporary folder takes a file");
}

const CSV_JOB: &str = r#"
import { closeSync, openSync, readSync } from "node:fs";
const file = openSync("/data/sales.csv", "r");
const piece = Buffer.alloc(1 << 20);
const totals = {};
let rest = "", rows = 0;
for (let n; (n = readSync(file, piece, 0, piece.length, null)) > 0; ) {
  const lines = (rest + piece.toString("latin1", 0, n)).split("\n");
  rest = lines.pop();
  for (const line of lines) {
    const [id, region, quantity, price] = line.split(",");
    if (id === "id" || quantity < 5) continue;
    totals[region] = (totals[region] ?? 0) + quantity * price;
    rows++;
  }
}
closeSync(file);
export default { rows, totals };
"#;

/// 50 MB of CSV at default limits.
pub fn csv_table() -> Table {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    fs::create_dir(&data).expect("a folder");
    write_csv(&data.join("sales.csv"));
    fs::write(folder.path().join("job.mjs"), CSV_JOB).expect("a file");
    let (took, _) = (0..3)
        .map(|_| cowry(folder.path(), &["run", "--mount", "/data=data", "job.mjs"]))
        .min()
        .expect("three rounds");
    let rate = CSV_BYTES as f64 / 1e6 / took.as_secs_f64();
    Table {
        title: "A 50 MB CSV job at default limits",
        rows: vec![Row::new(
            "read, split, filter, aggregate; whole command",
            format!("{:.2} s, {rate:.0} MB/s", took.as_secs_f64()),
            "",
        )],
    }
}
