import fs from "node:fs";
import { createRequire } from "node:module";

fs.writeFileSync("/work/sales.csv", "region,qty\nnorth,2\nsouth,3\n");
fs.writeFileSync("/work/sales.tsv", "region\tqty\nnorth\t2\n");
fs.writeFileSync("/work/log.ndjson", '{"n":1}\n{"n":2}\n');
fs.writeFileSync("/work/plain.txt", "a,b\n1,2\n");
fs.writeFileSync("/work/more.csv", "qty\n2\n3\n");
fs.writeFileSync("/work/lib.mjs", 'import rows from "./more.csv"; export const total = rows.reduce((sum, row) => sum + row.qty, 0);');
fs.writeFileSync("/work/typed.mjs", 'import rows from "/work/plain.txt" with { type: "csv" }; import same from "/work/sales.csv" with { type: "csv" }; export default [rows, same];');

const show = (value) => console.log(JSON.stringify(value));
show((await import("/work/sales.csv")).default);
show((await import("/work/sales.tsv")).default);
show((await import("/work/log.ndjson")).default);
show((await import("/work/lib.mjs")).total);
show((await import("/work/typed.mjs")).default);
show((await import("/work/plain.txt", { with: { type: "csv" } })).default);
show(createRequire("/work/")("./sales.csv"));
fs.writeFileSync("/work/bad.csv", "a,b\n1\n");
for (const path of ["/work/bad.csv", "/work/missing.csv"]) {
  await import(path).then(show, (error) => console.log(`${error.name}: ${error.message}`));
}
