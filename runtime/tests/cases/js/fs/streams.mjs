// Streams of files.
import fs from "node:fs";
import { pipeline } from "node:stream/promises";
import { Transform } from "node:stream";
import { once } from "node:events";
import readline from "node:readline";

const log = (...args) => console.log(JSON.stringify(args));
fs.writeFileSync("in", "line one\nline two\r\nline three");
let text = "";
for await (const chunk of fs.createReadStream("in", "utf8")) text += chunk;
log(text);
text = "";
for await (const chunk of fs.createReadStream("in", { start: 5, end: 7, encoding: "utf8" })) text += chunk;
log(text);
const lines = [];
for await (const line of readline.createInterface({ input: fs.createReadStream("in"), crlfDelay: Infinity })) lines.push(line);
log(lines);

const out = fs.createWriteStream("out");
out.write("a");
out.write(Buffer.from("b"));
out.end("c");
await once(out, "finish");
log(fs.readFileSync("out", "utf8"), out.bytesWritten, out.path);

const upper = new Transform({
  transform(chunk, _encoding, done) {
    done(null, chunk.toString().toUpperCase());
  },
});
await pipeline(fs.createReadStream("in"), upper, fs.createWriteStream("upper", { flags: "a" }));
log(fs.readFileSync("upper", "utf8"));

fs.writeFileSync("big", Buffer.alloc(200_000, 97));
let total = 0;
for await (const chunk of fs.createReadStream("big")) total += chunk.length;
log(total);
const failing = fs.createReadStream("missing");
const [error] = await once(failing, "error").catch((e) => [e]);
log(error.code, error.syscall);
const stream = fs.createReadStream("in");
await new Promise((resolve) => stream.on("open", (fd) => resolve(log(typeof fd))));
stream.destroy();
await once(stream, "close");
log(stream.destroyed);
