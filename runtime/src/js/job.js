// A job's life: how its program is begun, what becomes of its value, and how failures are told.
(function () {
const { core } = __bootstrap;
const {
  op_cowry_console, op_cowry_entry, op_cowry_fault, op_cowry_form, op_cowry_main, op_cowry_misused, op_cowry_put, op_cowry_result,
  op_cowry_threw,
} = core.ops;
const { inspect, tidy } = core.loadExtScript("ext:cowry/console.js");
const { Module, createRequire, forget: forgetModules, runMain } = core.loadExtScript("ext:cowry/commonjs.js");
const { process, exiting } = core.loadExtScript("ext:cowry/host_process.js");
const { nodeError } = core.loadExtScript("ext:cowry/errors.js");
const { show } = core.loadExtScript("ext:cowry/show.js");
const { membersOf } = core.loadExtScript("ext:cowry/members.js");

const ERROR_LEVEL = 4;
const PLAIN = { colors: false };
const LEFT = ["fileName", "lineNumber", "columnNumber", "__v8qjs_source_line", "__v8qjs_module_link_frame"];
const FRAME = /^\s*at (?:async )?(?:(.*?) \()?(.*?):(\d+):(\d+)\)?$/;

let jobs = 0;
let entries = 0;
let exposed = [];
// What the getters of modules answer, by the getter.
let modules = new Map();
let inEntry = false;
// What `_` and `_error` were given last; from when a program gives them another value they are the program's.
let last = {};

function framesOf(stack) {
  const frames = [];
  for (const line of stack.split("\n")) {
    const match = FRAME.exec(line);
    if (match === null) continue;
    frames.push({ function: match[1] ?? null, file: match[2], line: +match[3], column: +match[4] });
  }
  return frames;
}

function isError(value) {
  return core.isNativeError(value) || value instanceof Error;
}

// What the engine leaves on errors of linking is no property of the program's.
function withoutEngine(error) {
  if (!core.isNativeError(error)) return;
  for (const key of Object.keys(error)) if (key.startsWith("__v8")) LEFT.forEach((name) => delete error[name]);
}

// What is to be said of a thrown value. Its getters are the program's, and may throw themselves.
function describe(error) {
  let name = "", message = "", text, frames = [];
  try {
    withoutEngine(error);
    text = isError(error) ? tidy(inspect(error, PLAIN)) : `Uncaught ${inspect(error, PLAIN)}`;
    message = text;
    if (isError(error)) {
      name = String(error.name);
      message = String(error.message);
      frames = framesOf(tidy(String(error.stack)));
    }
  } catch {
    text ??= "Uncaught exception";
  }
  return { name, message, text, frames };
}

// The program failed: no more of its code runs.
function fail(error) {
  if (!inEntry) process.exitCode = 1;
  const { name, message, text, frames } = describe(error);
  op_cowry_threw(name, message, text, frames, !inEntry);
}

// Something failed that nothing waits for: a timer, a listener, a promise.
function uncaught(error, origin, promise) {
  const event = origin === "unhandledRejection" ? origin : "uncaughtException";
  if (process.listenerCount(event) > 0) {
    if (event === "unhandledRejection") process.emit(event, error, promise);
    else process.emit(event, error, origin);
    return;
  }
  if (origin === "unhandledRejection" && process.listenerCount("uncaughtException") > 0) {
    process.emit("uncaughtException", error, origin);
    return;
  }
  // A session outlives what its timers do.
  if (inEntry) op_cowry_console(ERROR_LEVEL, `Uncaught ${describe(error).text}`);
  else fail(error);
}

core.setReportExceptionCallback((error) => uncaught(error, "uncaughtException"));
core.setUnhandledPromiseRejectionHandler((promise, reason) => {
  uncaught(reason, "unhandledRejection", promise);
  return true;
});

function jsonOf(value, lenient) {
  try {
    return JSON.stringify(value) ?? null;
  } catch (error) {
    if (lenient) return null;
    throw new TypeError(`The result cannot be written as JSON: ${error.message}`, { cause: error });
  }
}

function resultOf(value, job) {
  if (value === undefined && !inEntry) return null;
  const rendered = !job.render ? null : inEntry ? show(value, job.show) : inspect(value, PLAIN);
  const json = value === undefined ? null : jsonOf(value, inEntry);
  return { text: typeof value === "string" ? value : null, json, rendered };
}

function isClass(value) {
  return typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value));
}

function isWorker(value) {
  if (isClass(value)) return typeof value.prototype?.fetch === "function";
  return typeof value === "object" && value !== null && typeof value.fetch === "function";
}

// What a program answers with, by the rules for a default export.
function answer(value, job) {
  if (isWorker(value)) {
    op_cowry_misused(
      job.request === null
        ? "the program's default export is a worker (it has a fetch method): pass --request URL"
        : "workers come with a later release: export a function instead",
    );
    return undefined;
  }
  if (job.request !== null) {
    op_cowry_misused("--request is for a worker: the program's default export has no fetch method");
    return undefined;
  }
  if (typeof value === "function" && !isClass(value)) {
    return value(globalThis.input, globalThis.env, globalThis.ctx);
  }
  return value;
}

const CLASSES = { Error, RangeError, SyntaxError, TypeError };

// The engine makes one kind of error of all that keeps a module from loading; this is the one it was.
function asItWas(error) {
  const fault = op_cowry_fault();
  if (fault === null || typeof error?.message !== "string" || !error.message.startsWith(fault[2])) return error;
  const [kind, code, message] = fault;
  if (code !== null) return nodeError(CLASSES[kind] ?? Error, code, message);
  return new (CLASSES[kind] ?? Error)(message);
}

async function importMain(url) {
  try {
    return await import(url);
  } catch (error) {
    throw asItWas(error);
  }
}

async function runModule(opened, job) {
  const namespace = await importMain(opened.url);
  if (op_cowry_form(opened.url) === "value") return namespace.default;
  return answer(namespace.default, job);
}

function runCommonJs(opened, job) {
  const { module, initial, returned } = runMain(opened);
  if (returned !== undefined) return returned;
  const { exports } = module;
  if (exports?.__esModule === true) return answer(exports.default, job);
  // Exports that are only named are no answer.
  return exports === initial ? undefined : answer(exports, job);
}

function open(job) {
  if (job.kind !== "file") return op_cowry_put(job.name, job.code, job.kind);
  if (job.name.endsWith(".sh")) {
    op_cowry_misused("bash comes with a later release: a program is JavaScript or TypeScript for now");
    return null;
  }
  return op_cowry_main(job.name);
}

async function runProgram(job) {
  const opened = open(job);
  if (opened === null) return undefined;
  process.argv.length = 1;
  if (job.kind === "expression") {
    expose(`${process.cwd()}/[eval]`.replace("//", "/"));
  } else {
    process.argv.push(opened.path);
  }
  process.argv.push(...job.args);
  if (opened.kind === "module") return await runModule(opened, job);
  if (opened.kind === "json") return JSON.parse(opened.code);
  return await runCommonJs(opened, job);
}

function define(name, value) {
  Object.defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true });
}

// Code that is in no file finds `require` and the built-in modules as globals, as with `node -e` and at Node's
// prompt. A program's own name takes the place of a module's.
function expose(place) {
  if (Object.hasOwn(globalThis, "require")) return;
  const require = createRequire(place);
  define("require", require);
  exposed = Module.builtinModules.filter((name) => !name.includes("/") && !Object.hasOwn(globalThis, name));
  for (const name of exposed) {
    const get = () => require(name);
    modules.set(get, get);
    Object.defineProperty(globalThis, name, {
      get,
      set: (value) => define(name, value),
      enumerable: false,
      configurable: true,
    });
  }
}

// Remembers a value under a name, unless the name is the program's by now.
function remember(name, value) {
  const known = Object.getOwnPropertyDescriptor(globalThis, name);
  const isOurs = known === undefined || (Object.hasOwn(last, name) && Object.is(known.value, last[name]));
  if (!isOurs) return;
  define(name, value);
  last[name] = value;
}

// The members of what a chain of names stands for, as lines of a letter and a name.
function members(path, prefix, most) {
  expose("/[repl]");
  return membersOf(path, prefix, most, (getter) => modules.get(getter)?.());
}

async function runEntry(job) {
  entries += 1;
  expose("/[repl]");
  const { code, declares, url } = op_cowry_entry(job.code, entries);
  for (const name of declares) {
    if (!Object.hasOwn(globalThis, name)) {
      Object.defineProperty(globalThis, name, {
        value: undefined,
        writable: true,
        enumerable: true,
        configurable: true,
      });
    }
  }
  const [value, error] = core.evalContext(code, url, null);
  if (error !== null) throw error.thrown;
  return await value;
}

function hand(job) {
  if (job.input !== null || !Object.hasOwn(globalThis, "input")) {
    define("input", job.input === null ? undefined : JSON.parse(job.input));
  }
  process.env = Object.fromEntries(job.env);
  define("env", { ...process.env });
  define("ctx", {
    waitUntil(promise) {
      Promise.resolve(promise).catch((error) => uncaught(error, "unhandledRejection", promise));
    },
    passThroughOnException() {},
  });
}

async function start(job) {
  inEntry = job.kind === "entry";
  jobs += 1;
  const mine = jobs;
  try {
    hand(job);
    const value = inEntry ? await runEntry(job) : await runProgram(job);
    if (mine !== jobs) return;
    if (inEntry) remember("_", value);
    op_cowry_result(resultOf(value, job));
  } catch (error) {
    // What was interrupted may come to its end during a later job, and is not that one's business.
    if (mine !== jobs) return;
    if (inEntry) remember("_error", error);
    fail(error);
  }
}

return {
  start,
  describe,
  members,
  beforeExit: () => process.emit("beforeExit", process.exitCode ?? 0),
  // Lets listeners of `exit` run once, and answers with the exit code.
  exit: exiting,
  forget() {
    entries = 0;
    for (const name of [...exposed, "a", "c", "_", "_error", "input", "env", "ctx", "require"]) delete globalThis[name];
    last = {};
    modules = new Map();
    process.argv.length = 1;
    process.env = {};
    forgetModules();
  },
};
})();
