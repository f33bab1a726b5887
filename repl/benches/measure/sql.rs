//! SQL over a file, beside the same job in node and in SQLite's own command.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::table::{Row, Table};
use crate::whole::{best, shown};

const BYTES: usize = 50_000_000;
const ALL: &str = "select region, sum(qty * price) from FILE group by 1";
const MARCH: &str = "select region, sum(qty * price) from FILE where date like '2026-03%' group by 1";

/// The same in node: read whole, split, aggregate.
const NODE: &str = r#"
const march = process.argv[1] === "march";
const totals = {};
for (const line of require("fs").readFileSync("sales.csv", "utf8").split("\n").slice(1)) {
  const [date, region, , qty, price] = line.split(",");
  if (region === undefined || (march && !date.startsWith("2026-03"))) continue;
  totals[region] = (totals[region] ?? 0) + qty * price;
}
console.log(totals);
"#;

fn write_csv(path: &Path) {
    let mut text = String::with_capacity(BYTES + 100);
    text.push_str("date,region,product,qty,price\n");
    let mut row = 0u32;
    while text.len() < BYTES {
        let region = ["north", "south", "east", "west", "center"][(row % 5) as usize];
        let (month, day) = (row * 7 % 12 + 1, row * 11 % 28 + 1);
        let (product, qty, price, cents) = (row % 2000, row % 100 + 1, row % 90, row % 100);
        writeln!(text, "2026-{month:02}-{day:02},{region},product-{product},{qty},{price}.{cents:02}")
            .expect("a string takes text");
        row += 1;
    }
    fs::write(path, text).expect("the temporary folder takes a file");
}

/// Group-by over 50 MB, whole commands.
pub fn table() -> Table {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = folder.path();
    write_csv(&dir.join("sales.csv"));
    let cowry = |sql: &str| {
        let sql = sql.replace("FILE", "'/data/sales.csv'");
        best(dir, env!("CARGO_BIN_EXE_cowry"), &["sql", "--mount", "/data=.", &sql])
    };
    let sqlite = |sql: &str| {
        let sql = sql.replace("FILE", "t");
        best(dir, "sqlite3", &[":memory:", "-cmd", ".import --csv sales.csv t", &sql])
    };
    let mut rows = Vec::new();
    for (what, sql, word) in [("all rows", ALL, "all"), ("a month of twelve", MARCH, "march")] {
        let node = best(dir, "node", &["-e", NODE, word]);
        let target = node.map_or_else(String::new, |node| format!("{:.2} s", node.as_secs_f64() * 0.5));
        rows.push(Row::new(
            format!("`cowry sql`, group by, {what}; half of node's"),
            shown(cowry(sql)),
            target,
        ));
        rows.push(Row::new(format!("node, {what}"), shown(node), ""));
        rows.push(Row::new(format!("sqlite3 with `.import`, {what}"), shown(sqlite(sql)), ""));
    }
    Table { title: "SQL over a CSV file of 50 MB", rows }
}
