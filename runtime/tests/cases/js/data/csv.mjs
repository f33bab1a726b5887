import fs from "node:fs";
import * as module from "cowry:csv";

const show = (value) => console.log(JSON.stringify(value, (_, it) => (typeof it === "bigint" ? `${it}n` : it)));
const fails = (work) => {
  try {
    show(work());
  } catch (error) {
    console.log(`${error.name}: ${error.message}${error.line ? ` [line ${error.line}]` : ""} ${error.code}`);
  }
};

console.log(module.read === csv.read, module.default === csv, Object.keys(csv).join());
show(csv.parse("id,qty,price,ok,note\n007,2,1.5,true,\"a, \"\"b\"\"\"\n008,,2,false,\n"));
show(csv.parse("a;b\n1;x\n", { types: false }));
show(csv.parse("1,2\n3\n", { header: false }));
show(csv.parse("1,2\n", { header: ["x", "y"], columns: ["y"] }));
show(csv.parse(new Uint8Array([0x61, 0x0a, 0xe9, 0x0a]), {}));
show(csv.parse("n\n9007199254740993\n1\n", { types: { n: "integer" } }));
show(csv.parse("n,m\nNA,1\n2,\n# no\n", { nullValues: ["NA"], comment: "#" }));

const odd = csv.parse("__proto__,constructor,toString\n1,2,3\n")[0];
console.log(Object.getPrototypeOf(odd) === Object.prototype, Object.hasOwn(odd, "__proto__"), odd.constructor);

fails(() => csv.parse("a,b\n1,2\n3\n"));
fails(() => csv.parse("a\n\"x\n"));
fails(() => csv.parse("n\nx\n", { types: { n: "integer" } }));
fails(() => csv.parse("n\nx\n", { types: { m: "integer" } }));
fails(() => csv.parse("n\nx\n", { types: { n: "klingon" } }));
fails(() => csv.parse("n\n", { skipbad: true }));
fails(() => csv.parse("n\n", { delimiter: "ab" }));
fails(() => csv.parse(7));
fails(() => csv.read("nothing.csv"));
fs.writeFileSync("bad.csv", "a,b\n1,2\n3\n4,5\n");
fails(() => csv.read("bad.csv"));
show(csv.read("bad.csv", { skipBad: true }));
show(csv.read("bad.csv", { ragged: true }));
const bad = [];
show(csv.read("bad.csv", { onBad: (row) => bad.push(row) }));
show(bad);
const before = [];
fails(() => {
  for (const row of csv.rows("bad.csv")) before.push(row.a);
});
show(before);

// Writing.
process.stdout.write(csv.stringify([{ a: 1, b: "x,y" }, { b: "\"", c: null }, { a: [1], b: "", c: new Date(0) }]));
process.stdout.write(csv.stringify([[1, "two"], [true, 3.5]]));
process.stdout.write(csv.stringify([{ a: 1, b: 2 }], { columns: ["b"], header: false, delimiter: ";", lineEnd: "\r\n" }));
process.stdout.write(csv.stringify([{ a: 10n }, { a: undefined }]));
fails(() => csv.stringify("text"));
fails(() => csv.stringify([1]));
fails(() => csv.stringify([{ a: 1 }, { a: new Uint8Array(1) }]));
fails(() => csv.write("late.csv", (function* () {
  for (let n = 0; n < 1000; n++) yield { n };
  yield { n: 0, late: 1 };
})()));

// Streaming, in and out.
function* numbers(count) {
  for (let n = 0; n < count; n++) yield { n, square: n * n, name: `name ${n}` };
}
show(csv.write("many.csv", numbers(30_000)));
let sum = 0;
for (const row of csv.rows("many.csv")) sum += row.square;
show(sum);
let count = 0;
for await (const row of csv.rows("many.csv")) {
  count += row.n;
  if (row.n === 5_000) break;
}
show(count);
show(csv.rows("many.csv").filter((row) => row.n % 7_000 === 1).map((row) => row.name).toArray());
show(await csv.write("odd.tsv", (async function* () {
  for (const row of csv.rows("many.csv")) if (row.n % 10_000 === 1) yield row;
})()));
process.stdout.write(fs.readFileSync("odd.tsv", "utf8"));
show(csv.read("odd.tsv").length);

// What is left open is bounded.
const open = [];
fails(() => {
  for (let n = 0; n < 2_000; n++) open.push(csv.rows("many.csv"));
});
console.log(open.length);
open.forEach((rows) => rows.return());
show(csv.rows("many.csv").take(1).toArray());
