import fs from "node:fs";
import * as json from "cowry:json";

const show = (value) => console.log(JSON.stringify(value));
const fails = (work) => {
  try {
    show(work());
  } catch (error) {
    console.log(`${error.name}: ${error.message}${error.line ? ` [line ${error.line}]` : ""} ${error.code}`);
  }
};

const items = Array.from({ length: 20_000 }, (_, id) => ({ id, tags: ["a]", "}\\\"", { deep: [id] }] }));
const big = { meta: { "a.b": 1, name: "big" }, items, last: [1, 2, { z: "end" }] };
fs.writeFileSync("big.json", JSON.stringify(big, null, 1));
show(json.get("big.json", "meta.name"));
show(json.get("big.json", 'meta["a.b"]', "last[-1].z", "items[12345].tags[2].deep[0]", "items[-1].id", "nothing.here"));
show(json.get("big.json", ["items", 3, "tags", 0]));
show(json.get("big.json", "$.last"));
show(json.get("big.json", "items[20000]") === undefined);
show(json.get("big.json", "items[-20001]") === undefined);
show(Object.keys(json.get("big.json")));
let sum = 0;
for (const item of json.rows("big.json", "items")) sum += item.id;
show(sum);
show(json.rows("big.json", "last").toArray());
fails(() => json.rows("big.json", "nothing"));
fails(() => json.get("big.json", "a..b"));
fails(() => json.get("big.json", "a[x]"));
fails(() => json.get("nothing.json", "a"));
fs.writeFileSync("top.json", "[1, {\"a\": 2}]");
show(json.rows("top.json").toArray());
fs.writeFileSync("broken.json", "{\"a\": [1,\n2,\n");
fails(() => json.get("broken.json", "b"));
fails(() => json.rows("broken.json", "a").toArray());
fs.writeFileSync("proto.json", '{"__proto__": {"x": 1}, "y": 2}');
show(json.get("proto.json", "__proto__.x"));
show(json.get("proto.json").x === undefined);
for (const [text, place] of [["", "a"], ["hello", "a"], ["hello", ""], ['{"a":1,\n"b":', "b"], ['{"a":1 "b":2 x', "c"], ["[1,2", ""]]) {
  fs.writeFileSync("bad.json", text);
  fails(() => json.get("bad.json", place));
}
fs.writeFileSync("bad.json", "");
fails(() => json.rows("bad.json"));
fs.writeFileSync("bad.json", '{"a":1,"b":');
show(json.get("bad.json", "a"));
