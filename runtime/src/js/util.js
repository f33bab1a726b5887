// `node:util`, on the web platform's inspector.
(function () {
const { core } = __bootstrap;
const inspector = core.loadExtScript("ext:deno_web/01_console.js");
const { invalidType, nodeError } = core.loadExtScript("ext:cowry/errors.js");
const process = core.loadExtScript("ext:cowry/process.js");
const { isDeepEqual } = core.loadExtScript("ext:cowry/equal.js");

const kCustom = Symbol.for("nodejs.util.promisify.custom");

// Node's depth is 2 and its quotes are single first; the options are the same otherwise.
const DEFAULTS = { depth: 2, quotes: ["'", '"', "`"], colors: false };

function inspect(value, options, ...old) {
  if (typeof options === "boolean") options = { showHidden: options, depth: old[0], colors: old[1] };
  const settings = { ...DEFAULTS, ...inspect.defaultOptions, ...options };
  if (settings.depth === null) settings.depth = Infinity;
  if (settings.maxArrayLength !== undefined) settings.iterableLimit = settings.maxArrayLength ?? Infinity;
  return inspector.inspect(value, settings);
}
inspect.custom = Symbol.for("nodejs.util.inspect.custom");
inspect.defaultOptions = {};
inspect.colors = inspector.colors;
inspect.styles = inspector.styles;

function formatWithOptions(options, ...args) {
  if (typeof args[0] !== "string") return args.map((arg) => shown(arg, options)).join(" ");
  let next = 1;
  const text = args[0].replace(/%[sdifjoOc%]/g, (directive) => {
    if (directive === "%%") return args.length === 1 ? "%%" : "%";
    if (next >= args.length) return directive;
    const arg = args[next++];
    switch (directive) {
      case "%s":
        if (typeof arg === "bigint") return `${arg}n`;
        if (typeof arg === "number" && Object.is(arg, -0)) return "-0";
        if (typeof arg === "object" && arg !== null && !hasOwnText(arg)) {
          return inspect(arg, { ...options, depth: 0, compact: 3 });
        }
        return String(arg);
      case "%d":
        return typeof arg === "bigint" ? `${arg}n` : typeof arg === "symbol" ? "NaN" : String(Number(arg));
      case "%i":
        return typeof arg === "bigint" ? `${arg}n` : typeof arg === "symbol" ? "NaN" : String(parseInt(arg));
      case "%f":
        return typeof arg === "symbol" ? "NaN" : String(parseFloat(arg));
      case "%j":
        try {
          return JSON.stringify(arg);
        } catch {
          return "[Circular]";
        }
      case "%o":
        return inspect(arg, { ...options, showHidden: true, showProxy: true, depth: 4 });
      case "%O":
        return inspect(arg, options);
      default:
        return "";
    }
  });
  return [text, ...args.slice(next).map((arg) => shown(arg, options))].join(" ");
}

function shown(arg, options) {
  return typeof arg === "string" ? arg : inspect(arg, options);
}

function hasOwnText(value) {
  const { toString } = value;
  return typeof toString === "function" && toString !== Object.prototype.toString && toString !== Error.prototype.toString;
}

function promisify(original) {
  if (typeof original !== "function") throw invalidType("original", "of type function", original);
  if (original[kCustom]) return original[kCustom];
  function promised(...args) {
    return new Promise((resolve, reject) => {
      Reflect.apply(original, this, [...args, (error, value) => error ? reject(error) : resolve(value)]);
    });
  }
  Object.setPrototypeOf(promised, Object.getPrototypeOf(original));
  Object.defineProperty(promised, kCustom, { value: promised, configurable: true });
  return Object.defineProperties(promised, Object.getOwnPropertyDescriptors(original));
}
promisify.custom = kCustom;

function callbackify(original) {
  if (typeof original !== "function") throw invalidType("original", "of type function", original);
  return function (...args) {
    const callback = args.pop();
    if (typeof callback !== "function") throw invalidType("last argument", "of type function", callback);
    Reflect.apply(original, this, args).then(
      (value) => process.nextTick(callback, null, value),
      (error) => process.nextTick(callback, error ?? nodeError(Error, "ERR_FALSY_VALUE_REJECTION", String(error))),
    );
  };
}

function deprecate(fn, message, code) {
  let warned = false;
  return function (...args) {
    if (!warned) {
      warned = true;
      process.emitWarning(message, code ? `DeprecationWarning] [${code}` : "DeprecationWarning");
    }
    return new.target ? Reflect.construct(fn, args, new.target) : Reflect.apply(fn, this, args);
  };
}

function inherits(constructor, parent) {
  Object.defineProperty(constructor, "super_", { value: parent, writable: true, configurable: true });
  Object.setPrototypeOf(constructor.prototype, parent.prototype);
}

const tagOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag).get;
const types = {};
for (const name of [
  "isAnyArrayBuffer", "isArgumentsObject", "isArrayBuffer", "isArrayBufferView", "isAsyncFunction", "isBigIntObject",
  "isBooleanObject", "isBoxedPrimitive", "isDataView", "isDate", "isGeneratorFunction", "isGeneratorObject", "isMap",
  "isMapIterator", "isModuleNamespaceObject", "isNativeError", "isNumberObject", "isPromise", "isProxy", "isRegExp",
  "isSet", "isSetIterator", "isStringObject", "isSymbolObject", "isTypedArray", "isWeakMap", "isWeakSet",
]) {
  const test = core[name];
  types[name] = { [name]: (value) => test(value) }[name];
}
types.isSharedArrayBuffer = () => false;
types.isExternal = () => false;
for (const tag of [
  "Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array", "Uint32Array",
  "Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array",
]) {
  types[`is${tag}`] = (value) => ArrayBuffer.isView(value) && tagOf.call(value) === tag;
}

function styleText(format, text) {
  const codes = [format].flat().map((name) => inspector.colors[name]);
  if (codes.includes(undefined)) throw nodeError(TypeError, "ERR_INVALID_ARG_VALUE", `unknown format ${format}`);
  return codes.reduceRight((styled, [open, close]) => `\u001b[${open}m${styled}\u001b[${close}m`, text);
}

// Options of a command line, as Node's `parseArgs` takes them apart.
function parseArgs({ args = process.argv.slice(2), options = {}, strict = true, allowPositionals = !strict } = {}) {
  const values = Object.create(null), positionals = [];
  const byShort = new Map(Object.entries(options).filter(([, o]) => o.short).map(([name, o]) => [o.short, name]));
  const set = (name, value) => {
    const option = options[name];
    if (option === undefined && strict) {
      throw nodeError(TypeError, "ERR_PARSE_ARGS_UNKNOWN_OPTION", `Unknown option '--${name}'`);
    }
    if (option?.multiple) (values[name] ??= []).push(value);
    else values[name] = value;
  };
  const rest = [...args];
  while (rest.length > 0) {
    const arg = rest.shift();
    if (arg === "--") {
      positionals.push(...rest.splice(0));
    } else if (arg.startsWith("--")) {
      const [name, inline] = arg.slice(2).split(/=(.*)/s);
      if (options[name]?.type === "string") set(name, inline ?? taken(rest, `--${name}`));
      else if (name.startsWith("no-") && options[name.slice(3)]?.type === "boolean") set(name.slice(3), false);
      else set(name, inline ?? true);
    } else if (/^-[^-]/.test(arg)) {
      for (let i = 1; i < arg.length; i++) {
        const name = byShort.get(arg[i]) ?? arg[i];
        if (options[name]?.type !== "string") {
          set(name, true);
          continue;
        }
        set(name, arg.slice(i + 1) || taken(rest, `-${arg[i]}`));
        break;
      }
    } else {
      if (!allowPositionals) {
        throw nodeError(TypeError, "ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL", `Unexpected argument '${arg}'`);
      }
      positionals.push(arg);
    }
  }
  for (const [name, option] of Object.entries(options)) {
    if (option.default !== undefined && values[name] === undefined) values[name] = option.default;
  }
  return { values, positionals };
}

function taken(rest, name) {
  if (rest.length > 0) return rest.shift();
  throw nodeError(TypeError, "ERR_PARSE_ARGS_INVALID_OPTION_VALUE", `Option '${name} <value>' argument missing`);
}

return {
  callbackify,
  debuglog: () => Object.assign(() => {}, { enabled: false }),
  debug: () => Object.assign(() => {}, { enabled: false }),
  deprecate,
  format: (...args) => formatWithOptions({}, ...args),
  formatWithOptions,
  inherits,
  inspect,
  isArray: Array.isArray,
  isDeepStrictEqual: (a, b) => isDeepEqual(a, b, true),
  parseArgs,
  promisify,
  stripVTControlCharacters: (text) => inspector.stripVTControlCharacters(text),
  styleText,
  TextDecoder: globalThis.TextDecoder,
  TextEncoder: globalThis.TextEncoder,
  toUSVString: (text) => String(text).toWellFormed(),
  types,
};
})();
