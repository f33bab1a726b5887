// Deep equality, loose and strict, as `assert` and `util` define it.
(function () {
const { core } = __bootstrap;

function isDeepEqual(a, b, strict, seen = new Map()) {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) {
    // eslint-disable-next-line eqeqeq
    return strict ? false : (typeof a !== "object" && typeof b !== "object" && (a == b || (a !== a && b !== b)));
  }
  if (strict && Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (Object.prototype.toString.call(a) !== Object.prototype.toString.call(b)) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  if (!sameInside(a, b)) return false;
  const before = seen.get(a);
  if (before !== undefined) return before === b;
  seen.set(a, b);
  const same = sameMembers(a, b, strict, seen) && sameKeys(a, b, strict, seen);
  seen.delete(a);
  return same;
}

// What an object holds that is not in properties.
function sameInside(a, b) {
  if (core.isDate(a)) return core.isDate(b) && Object.is(a.getTime(), b.getTime());
  if (core.isRegExp(a)) {
    return core.isRegExp(b) && a.source === b.source && a.flags === b.flags && a.lastIndex === b.lastIndex;
  }
  if (core.isNativeError(a) || a instanceof Error) return a.message === b.message && a.name === b.name;
  if (core.isBoxedPrimitive(a)) return core.isBoxedPrimitive(b) && Object.is(a.valueOf(), b.valueOf());
  if (ArrayBuffer.isView(a)) {
    if (!ArrayBuffer.isView(b) || a.byteLength !== b.byteLength) return false;
    const x = new Uint8Array(a.buffer, a.byteOffset, a.byteLength);
    const y = new Uint8Array(b.buffer, b.byteOffset, b.byteLength);
    return x.every((byte, i) => byte === y[i]);
  }
  if (core.isAnyArrayBuffer(a)) return core.isAnyArrayBuffer(b) && sameInside(new Uint8Array(a), new Uint8Array(b));
  return true;
}

function sameMembers(a, b, strict, seen) {
  if (core.isSet(a)) {
    if (!core.isSet(b) || a.size !== b.size) return false;
    const rest = [...b];
    return [...a].every((item) => b.has(item) ? drop(rest, (x) => Object.is(x, item) || x === item)
      : drop(rest, (x) => isDeepEqual(item, x, strict, seen)));
  }
  if (core.isMap(a)) {
    if (!core.isMap(b) || a.size !== b.size) return false;
    const rest = [...b];
    return [...a].every(([key, value]) => drop(rest, ([k, v]) =>
      isDeepEqual(key, k, strict, seen) && isDeepEqual(value, v, strict, seen)));
  }
  return true;
}

function drop(list, test) {
  const at = list.findIndex(test);
  if (at < 0) return false;
  list.splice(at, 1);
  return true;
}

function keysOf(value, strict) {
  const keys = Object.keys(value);
  if (!strict) return keys;
  const symbols = Object.getOwnPropertySymbols(value);
  return [...keys, ...symbols.filter((key) => Object.prototype.propertyIsEnumerable.call(value, key))];
}

function sameKeys(a, b, strict, seen) {
  if (ArrayBuffer.isView(a)) return true;
  const keys = keysOf(a, strict);
  if (keys.length !== keysOf(b, strict).length) return false;
  if (Array.isArray(a) && a.length !== b.length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && isDeepEqual(a[key], b[key], strict, seen));
}

return { isDeepEqual };
})();
