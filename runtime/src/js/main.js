// The entry of the bootstrap: loads the parts, touches them, and takes the host's hooks away.
(function () {
const { core } = __bootstrap;
const { op_cowry_builtins, op_cowry_syscall } = core.ops;

core.loadExtScript("ext:cowry/globals.js");
core.loadExtScript("ext:cowry/intl.js");
const random = core.loadExtScript("ext:cowry/random.js");
const { setTimeOrigin } = core.loadExtScript("ext:deno_web/15_performance.js");
const { renew } = core.loadExtScript("ext:cowry/host_process.js");
const { register } = core.loadExtScript("ext:cowry/commonjs.js");
const job = core.loadExtScript("ext:cowry/job.js");

// Every built-in is loaded now: loading one later would cost a sandbox, and needs what is hidden below.
for (const [name, script] of op_cowry_builtins()) {
  const exports = core.loadExtScript(script);
  register(name, () => exports);
}
const { rowsOf } = core.loadExtScript("ext:cowry/data.js");
core.loadExtScript("ext:cowry/touch.js");

// Hooks of the engine and of the bootstrap that programs must not see.
const HIDDEN = ["__bootstrap", "Deno", "gc", "ShadowRealm", "SharedArrayBuffer", "WebAssembly"];
for (const name of [...HIDDEN, ...Object.getOwnPropertyNames(globalThis).filter((n) => n.startsWith("__"))]) {
  delete globalThis[name];
}

// Only a build for the tests of the walls has the operation.
if (op_cowry_syscall) globalThis.syscall = (number, ...args) => Number(op_cowry_syscall(number, JSON.stringify(args)));

return {
  adopt() {
    random.adopt();
    setTimeOrigin();
  },
  forget: job.forget,
  start(given) {
    renew();
    return job.start(given);
  },
  beforeExit: job.beforeExit,
  endTimers: core.loadExtScript("ext:cowry/timers.js").endAll,
  exit: job.exit,
  rowsOf,
  members: job.members,
};
})();
