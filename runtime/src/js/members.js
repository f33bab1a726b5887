// What completion offers: names of properties, found without running anything of the program's. Getters are not
// called, and what is behind a proxy is not looked at.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayIsArray, FunctionPrototypeToString, ObjectHasOwn, ReflectGetOwnPropertyDescriptor, ReflectGetPrototypeOf,
  ReflectOwnKeys, StringPrototypeCharCodeAt, StringPrototypeStartsWith,
} = primordials;
const isView = ArrayBuffer.isView;
const PROTOTYPES = {
  __proto__: null,
  string: String.prototype,
  number: Number.prototype,
  boolean: Boolean.prototype,
  bigint: BigInt.prototype,
  symbol: Symbol.prototype,
};
const PLAIN = Object.prototype;

// How far a chain of prototypes is followed.
const MOST_PROTOTYPES = 32;
// An array with more elements is not asked for names beside them.
const MOST_ELEMENTS = 1000;

// Where to look for the properties of a value; null where it has none that can be seen.
function holderOf(value) {
  if (value === null || value === undefined) return null;
  if (typeof value !== "object" && typeof value !== "function") return PROTOTYPES[typeof value];
  return core.isProxy(value) ? null : value;
}

function next(holder) {
  const above = ReflectGetPrototypeOf(holder);
  return above === null || core.isProxy(above) ? null : above;
}

function descriptor(holder, name) {
  try {
    return ReflectGetOwnPropertyDescriptor(holder, name);
  } catch {
    // A binding of a module that is not there yet.
    return undefined;
  }
}

// The value of a property; undefined where only the program could tell.
function valueOf(value, name, reveal) {
  let holder = holderOf(value);
  for (let i = 0; holder !== null && i < MOST_PROTOTYPES; i++) {
    const found = descriptor(holder, name);
    if (found !== undefined) return ObjectHasOwn(found, "value") ? found.value : reveal(found.get);
    holder = next(holder);
  }
  return undefined;
}

function kindOf(found) {
  if (!ObjectHasOwn(found, "value")) return "a";
  if (typeof found.value !== "function" || core.isProxy(found.value)) return "v";
  return StringPrototypeStartsWith(FunctionPrototypeToString(found.value), "class") ? "c" : "f";
}

function keysOf(holder) {
  const isLong = isView(holder) || (ArrayIsArray(holder) && holder.length > MOST_ELEMENTS);
  return isLong ? ["length"] : ReflectOwnKeys(holder);
}

function isElement(name) {
  const code = StringPrototypeCharCodeAt(name, 0);
  return code >= 48 && code <= 57;
}

// A letter for the kind and the name, each on a line, at most so many.
function membersOf(path, prefix, most, reveal) {
  let value = globalThis;
  for (let i = 0; i < path.length; i++) value = valueOf(value, path[i], reveal);
  const seen = { __proto__: null };
  let lines = "", count = 0;
  let holder = holderOf(value);
  for (let i = 0; holder !== null && i < MOST_PROTOTYPES; i++) {
    // What every object has is no help where names of the global scope are wanted.
    if (path.length === 0 && holder === PLAIN) break;
    const keys = keysOf(holder);
    for (let j = 0; j < keys.length; j++) {
      const name = keys[j];
      if (typeof name !== "string" || !StringPrototypeStartsWith(name, prefix)) continue;
      if (seen[name] !== undefined || isElement(name)) continue;
      const found = descriptor(holder, name);
      if (found === undefined) continue;
      seen[name] = true;
      lines += kindOf(found) + name + "\n";
      if (++count === most) return lines;
    }
    holder = next(holder);
  }
  return lines;
}

return { membersOf };
})();
