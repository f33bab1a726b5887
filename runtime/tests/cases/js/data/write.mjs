// What is written takes the place of a file when all of it is there.
import fs from "node:fs";
import * as csv from "cowry:csv";
import * as ndjson from "cowry:ndjson";

const show = (value) => console.log(JSON.stringify(value));
const message = (work) => {
  try {
    return work();
  } catch (error) {
    return error.message;
  }
};
const left = () => fs.readdirSync(".").filter((name) => name.startsWith(".cowry-")).length;

const ROWS = 50_000;
const numbers = { length: ROWS };
csv.write("same.csv", Array.from(numbers, (_, a) => ({ a, text: "x".repeat(20) })));
show(csv.write("same.csv", csv.rows("same.csv").map((row) => ({ a: row.a + 1 }))));
let sum = 0, count = 0;
for (const { a } of csv.rows("same.csv")) {
  sum += a;
  count += 1;
}
show([count, sum === (ROWS * (ROWS + 1)) / 2]);

ndjson.write("same.ndjson", Array.from(numbers, (_, i) => ({ i, text: "x".repeat(20) })));
show(ndjson.write("same.ndjson", ndjson.rows("same.ndjson").filter((row) => row.i % 2)));
show(ndjson.rows("same.ndjson").reduce((all, row) => all + (row.i % 2), 0));
async function* later() {
  for await (const row of ndjson.rows("same.ndjson")) if (row.i % 4 === 1) yield row;
}
show(await ndjson.write("same.ndjson", later()));
show(ndjson.read("same.ndjson").length);

fs.writeFileSync("old.csv", "old\n", { mode: 0o640 });
function* failing() {
  yield { a: 1 };
  throw new Error("no more");
}
async function* failingLater() {
  yield* failing();
}
show(message(() => csv.write("old.csv", failing())));
show(await csv.write("old.csv", failingLater()).catch((error) => error.message));
show(message(() => ndjson.write("old.csv", failing())));
show([fs.readFileSync("old.csv", "utf8"), left()]);

fs.symlinkSync("old.csv", "link.csv");
csv.write("link.csv", [{ a: 1 }]);
show([fs.lstatSync("link.csv").isSymbolicLink(), fs.readFileSync("old.csv", "utf8"), (fs.statSync("old.csv").mode & 0o777).toString(8)]);
show(message(() => csv.write("none/a.csv", [{ a: 1 }])));
show(message(() => csv.write("/", [{ a: 1 }])));
show(message(() => csv.read("/")));

fs.writeFileSync("open.ndjson", '{"a":1}');
ndjson.append("open.ndjson", { b: 2 });
ndjson.append("open.ndjson", { c: 3 });
ndjson.append("open.ndjson", []);
show(fs.readFileSync("open.ndjson", "utf8"));
ndjson.append("new.ndjson", { a: 1 });
show(fs.readFileSync("new.ndjson", "utf8"));
show(left());
