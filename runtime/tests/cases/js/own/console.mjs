// What the console makes of values.
console.log("text", 1, -0, 1n, true, null, undefined, Symbol("s"));
console.log("%s is %d years and %i, %f %j %o %O %%", "Bob", 42.5, 42.9, "1.5", 1, [1], { a: 1 });
console.log({ a: 1, b: "two", c: [1, 2, { d: { e: { f: {} } } }], g() {}, h: class X {}, [Symbol("k")]: 1 });
console.log([1, , 3], new Array(3), [undefined, null], new Map([["a", { b: 1 }]]), new Set([1, "2"]));
console.log(new Date(0), /re/g, new Uint8Array([1, 2]), new ArrayBuffer(2), Buffer.from("hi"));
console.log(function named() {}, () => {}, async function* gen() {}, Promise.resolve(4), new WeakMap(), new Proxy({ a: 1 }, {}));
const cycle = { name: "cycle" };
cycle.self = cycle;
console.log(cycle, Object.create(null), new (class Foo { x = 1 })(), [..."abc"].entries());
console.log("x".repeat(10), ["a".repeat(50), "b".repeat(50)], { long: "c".repeat(100) });
console.table([{ a: 1, b: "x" }, { a: 2, c: true }]);
console.table([[1, 2], [3, 4]], ["0"]);
console.group("group");
console.log("inside\ntwo lines");
console.group();
console.warn("deeper");
console.groupEnd();
console.groupEnd();
console.count();
console.count("x");
console.count();
console.countReset();
console.count();
console.assert(true, "not shown");
console.assert(false, "shown", { a: 1 });
console.dir({ a: { b: { c: { d: 1 } } } }, { depth: 0 });
console.debug("debug");
console.info("info");
console.error("error");
console.timeEnd("never");


console.log();
