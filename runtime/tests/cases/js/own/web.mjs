// The web platform.
const log = (...args) => console.log(JSON.stringify(args));
const url = new URL("../x?a=1&b=2#h", "https://u:p@ex\u00e4mple.org:8080/d/e/f");
url.searchParams.append("c", "3 4");
log(url.href, url.host, [...url.searchParams], URL.canParse("::"), new URLPattern({ pathname: "/:id" }).exec("http://x/7").pathname.groups.id);
log(new TextDecoder("utf-16le").decode(new Uint8Array([104, 0, 105, 0])), [...new TextEncoder().encode("\u20ac")], new TextDecoder().decode(new Uint8Array([0xff])));
log(atob(btoa("hello")), structuredClone({ d: new Date(0), m: new Map([[1, new Set([2])]]), e: new RangeError("r") }).e.message);
try {
  atob("\u00e9");
} catch (error) {
  log(error.name, error instanceof DOMException, error.code);
}
const buffer = new ArrayBuffer(8);
const moved = structuredClone(buffer, { transfer: [buffer] });
log(buffer.byteLength, moved.byteLength);
try {
  structuredClone({ f() {} });
} catch (error) {
  log(error.name);
}
const blob = new Blob(["ab", new Uint8Array([99])], { type: "text/plain" });
log(await blob.text(), blob.size, blob.type, (await blob.slice(1, 2).arrayBuffer()).byteLength, new File(["x"], "n.txt").name);
const stream = new ReadableStream({ start(c) { c.enqueue("a"); c.enqueue("b"); c.close(); } }).pipeThrough(new TransformStream({ transform: (x, c) => c.enqueue(x + x) }));
const got = [];
for await (const chunk of stream) got.push(chunk);
log(got);
const text = "compress me ".repeat(20);
const zipped = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
log(await new Blob(await Array.fromAsync(zipped)).stream().pipeThrough(new DecompressionStream("gzip")).pipeThrough(new TextDecoderStream()).getReader().read().then((r) => r.value === text));
const controller = new AbortController();
controller.signal.addEventListener("abort", (event) => log(event.type, controller.signal.reason.name));
controller.abort();
log(await AbortSignal.timeout(1).throwIfAborted === undefined, AbortSignal.any([controller.signal]).aborted);
const target = new EventTarget();
target.addEventListener("x", (event) => log(event.detail), { once: true });
target.dispatchEvent(new CustomEvent("x", { detail: 5 }));
const { port1, port2 } = new MessageChannel();
port2.onmessage = (event) => { log(event.data); port2.close(); };
port1.postMessage({ hi: [1] });
const now = performance.now();
log(now >= 0, Math.abs(now * 10 - Math.round(now * 10)) < 1e-3, performance.timeOrigin > 1e12, performance.mark("m").name);
log(crypto.randomUUID().length, crypto.getRandomValues(new Uint32Array(2)).length, Math.random() < 1);
log(typeof Atomics, typeof SharedArrayBuffer, typeof WebAssembly, typeof Intl, typeof fetch, queueMicrotask(() => log("microtask")));
