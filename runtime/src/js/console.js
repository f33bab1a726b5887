// `console`: formatted by the web platform's inspector, delivered to the host as events with a level.
(function () {
const { core } = __bootstrap;
const { op_cowry_console } = core.ops;
const inspector = core.loadExtScript("ext:deno_web/01_console.js");

inspector.setNoColorFns(() => true, () => true);

// Frames that are ours, which are not shown to people.
const INTERNAL = /^\s+at .*\(?(?:ext:)/;

// Stacks name files as the program does. The last frame may open a list of properties.
function tidy(text) {
  if (!text.includes("\n    at ") && !text.includes("\n      at ")) return text;
  const kept = [];
  let below = false;
  for (const line of text.split("\n")) {
    // Below the function that a program was wrapped into is what calls it.
    const isFrame = /^\s+at /.test(line);
    if (below && isFrame && !line.endsWith(" {")) continue;
    below &&= isFrame;
    const wrapped = /^(\s+at )(?:async )?\$program \((.*?)\)( \{)?$/.exec(line);
    if (wrapped !== null) {
      below = true;
      kept.push(`${wrapped[1]}${wrapped[2].replace("file:///", "/")}${wrapped[3] ?? ""}`);
    } else if (!INTERNAL.test(line)) kept.push(line.replace(/^(\s+at .*?)file:\/\/\//, "$1/"));
    else if (line.endsWith(" {") && kept.length > 0) kept.push(`${kept.pop()} {`);
  }
  return kept.join("\n");
}

// The inspector's levels: 0 debug, 1 log and info, 2 warn, 3 error, 4 trace.
const LEVELS = [0, 1, 3, 4, 4];
let info = false;

const console = new inspector.Console((text, level) => {
  const line = text.endsWith("\n") ? text.slice(0, -1) : text;
  if (level === 4 && line === "") return;
  op_cowry_console(info ? 2 : (LEVELS[level] ?? 1), tidy(line));
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

// Times are no finer than the program's other clocks.
const timers = new Map();
const since = (label) => {
  const elapsed = performance.now() - timers.get(label);
  return `${label}: ${elapsed < 1000 ? `${+elapsed.toFixed(1)}ms` : `${(elapsed / 1000).toFixed(3)}s`}`;
};
Object.assign(console, {
  time(label = "default") {
    label = String(label);
    if (timers.has(label)) console.warn(`Timer '${label}' already exists`);
    else timers.set(label, performance.now());
  },
  timeLog(label = "default", ...data) {
    label = String(label);
    if (timers.has(label)) console.log(since(label), ...data);
    else console.warn(`Timer '${label}' does not exist`);
  },
  timeEnd(label = "default") {
    label = String(label);
    if (!timers.has(label)) return console.warn(`Timer '${label}' does not exist`);
    console.log(since(label));
    timers.delete(label);
  },
});

// There is no screen to clear.
console.clear = { clear() {} }.clear;

return { console, inspect: inspector.inspect, tidy };
})();
