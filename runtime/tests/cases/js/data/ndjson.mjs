import fs from "node:fs";
import * as ndjson from "cowry:ndjson";

const show = (value) => console.log(JSON.stringify(value));
const fails = (work) => {
  try {
    show(work());
  } catch (error) {
    console.log(`${error.name}: ${error.message}${error.line ? ` [line ${error.line}]` : ""} ${error.code}`);
  }
};

show(ndjson.parse('{"a":1}\n\n[2,"x"]\r\nnull'));
process.stdout.write(ndjson.stringify([{ a: 1 }, [2], undefined, new Date(0)]));
show(ndjson.write("log.ndjson", [{ n: 1 }, { n: 2 }]));
show(ndjson.append("log.ndjson", { n: 3 }));
show(ndjson.append("log.ndjson", [{ n: 4 }, { n: 5 }]));
show(ndjson.read("log.ndjson"));
show(ndjson.rows("log.ndjson").map((row) => row.n).reduce((a, b) => a + b));
fs.appendFileSync("log.ndjson", "{n:6}\n{\"n\":7}\n");
fails(() => ndjson.read("log.ndjson"));
show(ndjson.read("log.ndjson", { skipBad: true }).length);
const bad = [];
ndjson.read("log.ndjson", { onBad: (row) => bad.push(row) });
show(bad);
const hostile = ndjson.parse('{"__proto__":{"x":1}}')[0];
console.log(Object.hasOwn(hostile, "__proto__"), hostile.x);
