// `structuredClone`: the engine's own loses errors and does not detach what is transferred.
(function () {
const { core } = __bootstrap;
const { DOMException } = core.loadExtScript("ext:deno_web/01_dom_exception.js");
const port = core.loadExtScript("ext:deno_web/13_message_port.js");

const ERRORS = { __proto__: null, Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
const detachedOf = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, "detached")?.get;
const transfer = ArrayBuffer.prototype.transfer;

function refuse(value) {
  const shown = typeof value === "symbol" ? String(value) : typeof value === "function" ? `${value}` : "#<Object>";
  return new DOMException(`${shown} could not be cloned.`, "DataCloneError");
}

function clone(value, seen) {
  if (typeof value === "symbol" || typeof value === "function") throw refuse(value);
  if (typeof value !== "object" || value === null) return value;
  const known = seen.get(value);
  if (known !== undefined) return known;
  const keep = (copy) => {
    seen.set(value, copy);
    return copy;
  };
  if (core.isDate(value)) return keep(new Date(value.getTime()));
  if (core.isRegExp(value)) return keep(new RegExp(value.source, value.flags));
  if (core.isBoxedPrimitive(value)) {
    if (core.isSymbolObject(value)) throw refuse(value);
    return keep(Object(value.valueOf()));
  }
  if (core.isArrayBuffer(value)) return keep(copyBuffer(value));
  if (ArrayBuffer.isView(value)) return keep(copyView(value, seen));
  if (core.isMap(value)) {
    const copy = keep(new Map());
    for (const [key, item] of [...value]) copy.set(clone(key, seen), clone(item, seen));
    return copy;
  }
  if (core.isSet(value)) {
    const copy = keep(new Set());
    for (const item of [...value]) copy.add(clone(item, seen));
    return copy;
  }
  if (core.isNativeError(value)) return copyError(value, keep, seen);
  if (value[core.hostObjectBrand] !== undefined) return keep(port.structuredClone(value));
  if (core.isPromise(value) || core.isProxy(value) || core.isWeakMap(value) || core.isWeakSet(value) ||
    core.isGeneratorObject(value) || core.isModuleNamespaceObject(value)) throw refuse(value);
  const copy = keep(Array.isArray(value) ? new Array(value.length) : {});
  for (const key of Object.keys(value)) {
    Object.defineProperty(copy, key, {
      value: clone(value[key], seen),
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  return copy;
}

function copyBuffer(buffer) {
  if (detachedOf?.call(buffer)) throw new DOMException("An ArrayBuffer is detached and could not be cloned.", "DataCloneError");
  if (!buffer.resizable) return buffer.slice(0);
  const copy = new ArrayBuffer(buffer.byteLength, { maxByteLength: buffer.maxByteLength });
  new Uint8Array(copy).set(new Uint8Array(buffer));
  return copy;
}

const tagOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag).get;

function copyView(view, seen) {
  const buffer = clone(view.buffer, seen);
  const tag = tagOf.call(view);
  if (tag === undefined) return new DataView(buffer, view.byteOffset, view.byteLength);
  return new globalThis[tag](buffer, view.byteOffset, view.length);
}

function copyError(error, keep, seen) {
  const Class = ERRORS[error.name] ?? Error;
  const made = keep(Reflect.construct(Error, [], Class));
  const define = (name, value) =>
    Object.defineProperty(made, name, { value, writable: true, enumerable: false, configurable: true });
  if (Object.hasOwn(error, "message")) define("message", String(error.message));
  define("stack", String(error.stack));
  if (Object.hasOwn(error, "cause")) define("cause", clone(error.cause, seen));
  return made;
}

function structuredClone(value, options) {
  if (arguments.length === 0) throw new TypeError("structuredClone requires at least 1 argument, but only 0 present");
  const given = options?.transfer === undefined ? [] : [...options.transfer];
  if (given.some((item) => !core.isArrayBuffer(item))) return port.structuredClone(value, options);
  if (new Set(given).size !== given.length) {
    throw new DOMException("ArrayBuffer occurs in the transfer list more than once", "DataCloneError");
  }
  for (const buffer of given) {
    if (detachedOf?.call(buffer)) throw new DOMException("An ArrayBuffer is detached and could not be transferred.", "DataCloneError");
  }
  const copy = clone(value, new Map());
  for (const buffer of given) transfer.call(buffer);
  return copy;
}

return { structuredClone };
})();
