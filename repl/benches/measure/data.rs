//! The verbs over 50 MB, beside plain JavaScript in the sandbox and in node.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::table::{Row, Table};
use crate::whole::{best, shown};

const BYTES: usize = 50_000_000;

/// The job with the verb: add up one column by another, a row at a time.
const VERB: &str = r#"
const totals = {};
for (const row of csv.rows("/data/sales.csv")) totals[row.region] = (totals[row.region] ?? 0) + row.qty * row.price;
console.log(totals);
"#;

/// The same without it, which minds no quotes: read whole, split.
const SPLIT: &str = r#"
const totals = {};
for (const line of require("fs").readFileSync(process.argv[2] ?? "sales.csv", "utf8").split("\n").slice(1)) {
  const [, region, , qty, price] = line.split(",");
  if (region !== undefined) totals[region] = (totals[region] ?? 0) + qty * price;
}
console.log(totals);
"#;

const COPY: &str = r#"console.log(csv.write("/copy.csv", csv.rows("/data/sales.csv")));"#;
const LINES: &str =
    r#"let sum = 0; for (const row of ndjson.rows("/data/sales.ndjson")) sum += row.qty; console.log(sum);"#;
const NODE_LINES: &str = r#"
let sum = 0;
for (const line of require("fs").readFileSync("sales.ndjson", "utf8").split("\n")) if (line) sum += JSON.parse(line).qty;
console.log(sum);
"#;
const PATH: &str = r#"console.log(json.get("/data/sales.json", "items[-1].qty", "end"));"#;
const NODE_PATH: &str = r#"
const all = JSON.parse(require("fs").readFileSync("sales.json", "utf8"));
console.log(all.items.at(-1).qty, all.end);
"#;

/// The same rows as CSV, as lines of JSON and as one document.
fn write_files(folder: &Path) {
    let (mut csv, mut lines) = ("date,region,product,qty,price\n".to_owned(), String::new());
    for row in 0_u32.. {
        let region = ["north", "south", "east", "west", "center"][(row % 5) as usize];
        let (day, product, qty, price) = (row * 11 % 28 + 1, row % 2000, row % 100 + 1, row % 90);
        writeln!(csv, "2026-03-{day:02},{region},product-{product},{qty},{price}.25")
            .expect("a string takes text");
        if lines.len() < BYTES {
            writeln!(lines, "{{\"region\":\"{region}\",\"product\":\"product-{product}\",\"qty\":{qty}}}")
                .expect("a string takes text");
        }
        if csv.len() >= BYTES && lines.len() >= BYTES {
            break;
        }
    }
    let document = format!("{{\"items\":[{}],\"end\":true}}", lines.trim_end().replace('\n', ",\n"));
    for (name, text) in [("sales.csv", csv), ("sales.ndjson", lines), ("sales.json", document)] {
        fs::write(folder.join(name), text).expect("the temporary folder takes a file");
    }
}

/// The verbs over 50 MB, whole commands.
pub fn table() -> Table {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = folder.path();
    write_files(dir);
    fs::write(dir.join("split.cjs"), SPLIT).expect("the temporary folder takes a file");
    let cowry = |code: &str| {
        let code = format!("{code}; undefined");
        shown(best(dir, env!("CARGO_BIN_EXE_cowry"), &["-q", "run", "--mount", "/data=.", "-e", &code]))
    };
    // The whole file and its lines at once take more than a sandbox has by default.
    let split = ["-q", "run", "--memory", "2GiB", "--mount", "/data=.", "split.cjs", "--", "/data/sales.csv"];
    let node = |code: &str| shown(best(dir, "node", &["-e", code]));
    let row = |what: &str, figure: String| Row::new(what.to_owned(), figure, "");
    let rows = vec![
        row("`csv.rows`, a sum by region", cowry(VERB)),
        row("the same with `split` in a sandbox", shown(best(dir, env!("CARGO_BIN_EXE_cowry"), &split))),
        row("the same with `split` in node", node(SPLIT)),
        row("`csv.write` of `csv.rows`", cowry(COPY)),
        row("`ndjson.rows`, a sum", cowry(LINES)),
        row("the same with `JSON.parse` in node", node(NODE_LINES)),
        row("`json.get` at the end of a document", cowry(PATH)),
        row("the same with `JSON.parse` in node", node(NODE_PATH)),
    ];
    Table { title: "Data verbs over 50 MB", rows }
}
