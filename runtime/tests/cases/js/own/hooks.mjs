// No hook of the host is within reach: every object a program can get at is looked at.
import { createRequire, builtinModules } from "node:module";

process.on("unhandledRejection", () => {});
const require = createRequire(import.meta.url);
const queue = [
  ["globalThis", globalThis],
  ["AsyncFunction", (async () => {}).constructor],
  ["GeneratorFunction", (function* () {}).constructor],
  ["AsyncGeneratorFunction", (async function* () {}).constructor],
  ["iterator", [][Symbol.iterator]()],
  ["error", new Error("x")],
  ["import.meta", import.meta],
  ["stdin", process.stdin],
  ["stdout", process.stdout],
  ["timeout", setTimeout(() => {}, 0)],
  ["immediate", setImmediate(() => {})],
  ...builtinModules.map((name) => [name, require(name)]),
];
const seen = new Set(), hooks = [];
while (queue.length > 0) {
  const [path, value] = queue.pop();
  if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) continue;
  seen.add(value);
  if (typeof value === "function" && /^op_/.test(value.name)) hooks.push(path);
  for (const key of Reflect.ownKeys(value)) {
    const at = `${path}.${String(key)}`;
    if (/^(op_|ops$|loadExtScript|evalContext|compileFunction|primordials|__v8|__bootstrap)/.test(String(key))) hooks.push(at);
    const property = Reflect.getOwnPropertyDescriptor(value, key);
    queue.push([at, property?.value], [`get ${at}`, property?.get], [`set ${at}`, property?.set]);
    try {
      queue.push([at, value[key]]);
    } catch {
      // A getter that wants another receiver.
    }
  }
  queue.push([`${path}.__proto__`, Object.getPrototypeOf(value)]);
}
console.log(seen.size > 1000, hooks);

for (const name of ["Deno", "__bootstrap", "gc", "ShadowRealm", "SharedArrayBuffer"]) {
  console.log(name, name in globalThis, typeof Function("return this")()[name]);
}
for (const name of ["ext:core/mod.js", "ext:core/ops", "ext:cowry/main.js", "ext:deno_web/00_url.js"]) {
  await import(name).then(() => console.log("imported", name), (error) => console.log(error.code));
}
Object.defineProperty(globalThis, "__bootstrap", { set: () => console.log("caught"), get: () => console.log("asked"), configurable: true });
structuredClone(new Blob(["x"]));
console.log(new URL("http://x").href, new CompressionStream("gzip") instanceof CompressionStream);
Error.prepareStackTrace = (_error, sites) => sites.map((site) => [typeof site.getFunction?.(), typeof site.getThis?.()].join());
try {
  require("fs").readFileSync("/none");
} catch (error) {
  console.log([...new Set(error.stack)].join());
}
