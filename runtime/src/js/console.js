// `console`: formatted by the web platform's inspector, delivered to the host as events with a level.
(function () {
const { core } = __bootstrap;
const { op_cowry_console } = core.ops;
const inspector = core.loadExtScript("ext:deno_web/01_console.js");

inspector.setNoColorFns(() => true, () => true);

// The inspector's levels: 0 debug, 1 log and info, 2 warn, 3 error, 4 trace.
const LEVELS = [0, 1, 3, 4, 4];
let info = false;

const console = new inspector.Console((text, level) => {
  const line = text.endsWith("\n") ? text.slice(0, -1) : text;
  if (level === 4 && line === "") return;
  op_cowry_console(info ? 2 : (LEVELS[level] ?? 1), line);
});

// `info` shares its level with `log` there and has its own here.
const log = console.info;
console.info = function (...args) {
  info = true;
  try {
    log(...args);
  } finally {
    info = false;
  }
};
Object.defineProperty(console.info, "name", { value: "info" });

return { console, inspect: inspector.inspect };
})();
