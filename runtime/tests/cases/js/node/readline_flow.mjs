// What an interface tells in which order, and that it reads on only as its lines are taken.
import { EventEmitter, on } from "node:events";
import fs from "node:fs";
import readline from "node:readline";
import { Readable } from "node:stream";

const said = [];
const told = () => said.splice(0).join(" ");

function lines(...chunks) {
  const rl = readline.createInterface({ input: Readable.from(chunks) });
  for (const name of ["line", "pause", "resume", "close"]) {
    rl.on(name, (line) => said.push(line === undefined ? name : `${name}:${line}`));
  }
  return rl;
}

const closed = (rl) => new Promise((done) => rl.on("close", done));

await closed(lines("a\nb\n", "c"));
console.log("events:", told());

for await (const line of lines("a\nb\n", "c")) said.push(`got:${line}`);
console.log("iterated:", told());

const paused = lines("a\nb\nc\n", "d");
paused.on("line", (line) => {
  if (line !== "a") return;
  paused.pause();
  paused.pause();
  setTimeout(() => paused.resume().resume(), 5);
});
await closed(paused);
console.log("paused twice:", told());

const left = lines("a\nb\nc\n", "d");
for await (const line of left) {
  said.push(`got:${line}`);
  break;
}
console.log("left:", told(), left.closed, left[Symbol.asyncIterator]() === left[Symbol.asyncIterator]());

let chunks = 0, got = 0, ahead = 0;
const many = readline.createInterface({
  input: Readable.from((function* () {
    for (; chunks < 200; chunks++) yield "x\n".repeat(500);
  })()),
});
for await (const _ of many) {
  if (++got % 100 === 0) await new Promise((done) => setTimeout(done, 0));
  ahead = Math.max(ahead, chunks * 500 - got);
}
console.log("many:", got, ahead < 20_000 ? "not far ahead" : `${ahead} lines ahead`);

class Pausing extends EventEmitter {
  pause() {
    said.push("pause");
  }

  resume() {
    said.push("resume");
  }
}
const pausing = new Pausing();
const events = on(pausing, "x", { highWaterMark: 2, lowWaterMark: 1, close: ["end"] });
for (let n = 0; n < 5; n++) pausing.emit("x", n);
pausing.emit("end");
for await (const [n] of events) said.push(n);
console.log("marks:", told());

fs.writeFileSync("lines", "1\n22\n333");
const file = await fs.promises.open("lines");
for await (const line of file.readLines()) said.push(line);
console.log("file:", told());
