// `cowry:fs`: transactions, savepoints, changes at a version, renames, locks.
import fs from "node:fs";
import {
  appendFileAt, flock, rename, rmdirAt, savepoint, transaction, unlinkAt, version, writeFileAt,
} from "cowry:fs";

const tree = () => fs.readdirSync("/work").map((name) => `${name}=${fs.readFileSync(`/work/${name}`, "utf8")}`).join(" ");
const code = (work) => {
  try {
    return work() ?? "done";
  } catch (error) {
    return error.code ?? error.message;
  }
};

fs.writeFileSync("a", "1");
console.log("kept:", transaction(() => { fs.writeFileSync("b", "2"); return "value"; }), tree());
console.log("undone:", code(() => transaction(() => { fs.rmSync("a"); fs.writeFileSync("c", ""); throw new Error("no") })), tree());
console.log("async kept:", await transaction(async () => { await null; fs.writeFileSync("b", "3"); return 7; }), tree());
const failed = transaction(async () => { fs.writeFileSync("b", "4"); await null; throw new Error("late"); });
console.log("async undone:", await failed.catch((error) => error.message), tree());
transaction(() => {
  fs.writeFileSync("a", "outer");
  console.log("inner:", code(() => transaction(() => { fs.writeFileSync("a", "inner"); throw new Error("inner") })), tree());
});
console.log("nested:", tree());

const point = savepoint();
for (const text of ["x", "y"]) {
  fs.appendFileSync("a", text);
  console.log("before rollback:", tree());
  point.rollback();
  console.log("after:", tree());
}
point.release();
console.log("released:", code(() => point.rollback()));
const fd = fs.openSync("new", "w");
{
  using before = savepoint();
  fs.unlinkSync("new");
  before.rollback();
}
fs.writeSync(fd, "still open");
fs.closeSync(fd);
console.log("open file:", tree());
fs.unlinkSync("new");

const seen = version("a");
const next = writeFileAt("a", "first", seen);
console.log("version:", next > seen, next === version("a"), code(() => writeFileAt("a", "second", seen)), tree());
appendFileAt("a", "!", next);
console.log("stale:", code(() => unlinkAt("a", next)), code(() => rename("a", "z", { version: next })));
rename("a", "z", { version: version("a") });
unlinkAt("z", version("z"));
fs.mkdirSync("d");
rmdirAt("d", version("d"));
console.log("removed:", tree());
console.log("missing:", code(() => version("none")), code(() => writeFileAt("b", "", 1.5)));

fs.writeFileSync("p", "P");
fs.writeFileSync("q", "Q");
console.log("keep:", code(() => rename("p", "q", { mode: "keep" })));
rename("p", "q", { mode: "exchange" });
console.log("exchange:", tree(), code(() => rename("p", "q", { mode: "swap" })));

const one = fs.openSync("p", "r+"), two = fs.openSync("p", "r");
flock(one, "exclusive");
console.log("locked:", code(() => flock(two, "shared")));
flock(one, "unlock");
console.log("free:", code(() => flock(two, "shared")), code(() => flock(one, "exclusive")));
fs.closeSync(two);
console.log("closed:", code(() => flock(one, "exclusive")), code(() => flock(two, "shared")));
