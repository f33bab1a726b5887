// The entry of the bootstrap: loads the parts, touches them, and takes the host's hooks away.
(function () {
const { core } = __bootstrap;

core.loadExtScript("ext:cowry/globals.js");
const random = core.loadExtScript("ext:cowry/random.js");
const job = core.loadExtScript("ext:cowry/job.js");

// Hooks of the engine and of the bootstrap that programs must not see.
const HIDDEN = [
  "__bootstrap", "Deno", "gc", "ShadowRealm", "SharedArrayBuffer", "WebAssembly", "Atomics",
];
for (const name of [...HIDDEN, ...Object.getOwnPropertyNames(globalThis).filter((n) => n.startsWith("__"))]) {
  delete globalThis[name];
}

return {
  adopt() {
    random.adopt();
  },
  start: job.start,
  beforeExit: job.beforeExit,
  exit: job.exit,
};
})();
