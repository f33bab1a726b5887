// util, assert, events, path, url, querystring, os and their like.
import util from "node:util";
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import path from "node:path";
import { fileURLToPath, pathToFileURL, parse } from "node:url";
import querystring from "node:querystring";
import os from "node:os";
import { StringDecoder } from "node:string_decoder";
import timers from "node:timers/promises";
import { createRequire, builtinModules, isBuiltin } from "node:module";
import { Readable, Transform, pipeline } from "node:stream";

const log = (...args) => console.log(JSON.stringify(args));
log(util.format("%s %d %i %f %j %o %% %x", "a", 1.5, 2.9, "3.1", { a: 1 }, [1], "rest"), util.format(1, "two", { three: 3 }));
log(util.inspect({ a: [1, { b: { c: {} } }], s: "it's", m: new Map([["k", new Set([1])]]), u: undefined, f() {} }));
log(util.isDeepStrictEqual({ a: [1, new Date(0)] }, { a: [1, new Date(0)] }), util.isDeepStrictEqual([1], ["1"]));
log(util.types.isDate(new Date()), util.types.isPromise(1), util.types.isUint8Array(Buffer.alloc(1)));
log(await util.promisify((x, done) => done(null, x * 2))(21), util.stripVTControlCharacters("\u001b[31mx\u001b[0m"));
log(util.parseArgs({ args: ["-v", "--name=x", "rest"], options: { verbose: { type: "boolean", short: "v" }, name: { type: "string" } }, allowPositionals: true }).positionals);
function Old() {}
util.inherits(Old, EventEmitter);
log(new Old() instanceof EventEmitter, Old.super_ === EventEmitter);

for (const call of [() => assert(0), () => assert.equal(1, 2), () => assert.deepEqual({ a: 1 }, { a: 1 }), () => assert.throws(() => {}),
  () => assert.throws(() => { throw new TypeError("x"); }, TypeError), () => assert.match("abc", /b/), () => assert.notEqual(1, 1)]) {
  try {
    call();
    log("passes");
  } catch (error) {
    log(error.name, error.code, error.operator);
  }
}
await assert.rejects(Promise.reject(new Error("no")), /no/);

const emitter = new EventEmitter();
setTimeout(() => emitter.emit("e", 1, 2), 1);
log(await once(emitter, "e"));
try {
  emitter.emit("error", new Error("unheard"));
} catch (error) {
  log(error.message);
}
log(path.join("/a", "..", "b", "./c"), path.resolve("/x", "y"), path.relative("/a/b", "/a/c"), path.parse("/d/f.tar.gz"), path.extname("a.b"), path.posix === path, path.sep);
log(fileURLToPath("file:///a%20b"), pathToFileURL("/a b#c").href, parse("http://u:p@h:8080/p?q=1#f").host, parse("/p?q=1", true).query.q);
log(querystring.parse("a=1&b=2&a=3"), querystring.stringify({ x: [1, 2], y: "z w" }), os.EOL, os.platform(), typeof os.tmpdir());
const decoder = new StringDecoder("utf8");
log(decoder.write(Buffer.from([0xe2, 0x82])), decoder.write(Buffer.from([0xac])), decoder.end());
log(await timers.setTimeout(1, "value"), isBuiltin("fs"), builtinModules.includes("path"), typeof createRequire(import.meta.url)("fs").readFileSync);
const chunks = [];
for await (const chunk of Readable.from(["a", "b"]).pipe(new Transform({ transform: (c, e, done) => done(null, String(c).toUpperCase()) }))) chunks.push(String(chunk));
log(chunks);
await new Promise((resolve) => pipeline(Readable.from(["x"]), async function* (source) { for await (const c of source) yield c + "!"; }, async (source) => { for await (const c of source) log(c); }, resolve));
const timeout = setTimeout(() => {}, 1e6);
log(typeof timeout.unref, timeout.hasRef(), timeout.unref() === timeout, timeout.hasRef());
clearTimeout(timeout);
