// Uses everything once, in the zygote: what is first used in a fork is paid for there.
(function () {
const { core } = __bootstrap;
const { inspect } = core.loadExtScript("ext:cowry/console.js");

inspect({ a: [1, "two", { three: 3n }], map: new Map([[1, new Set([2])]]), date: new Date(0), e: new Error("x") });
inspect("text");
new URL("https://user@example.org:8080/a/b?c=d#e").searchParams.get("c");
new URLSearchParams({ a: "b" }).toString();
new URLPattern({ pathname: "/:id" }).exec("https://example.org/1");
new TextDecoder().decode(new TextEncoder().encode("h\u00e9"));
structuredClone({ a: [1, new Date(0), new Map([[1, 2]])] });
clearTimeout(setTimeout(() => {}, 1));
clearInterval(setInterval(() => {}, 1));
new AbortController().abort();
new EventTarget().dispatchEvent(new Event("x"));
new Blob(["x"]).size;
new ReadableStream({ start: (controller) => controller.close() }).getReader();
new TransformStream();
atob(btoa("x"));
JSON.parse(JSON.stringify({ a: [1.5, "x", null, true] }));
["b", "a"].sort((a, b) => a.localeCompare(b));
(1234.5).toLocaleString();
new Date(0).toLocaleString();
new Date().toISOString();
"a-b".replace(/-(?<x>.)/u, "$<x>").normalize("NFD").toUpperCase();
Buffer.from("x").toString("base64");
performance.now();
csv.parse("a,b\n1,x\n");
csv.stringify([{ a: 1, b: "x" }]);
ndjson.parse(ndjson.stringify([{ a: 1 }]));
return {};
})();
