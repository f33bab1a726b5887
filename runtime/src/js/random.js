// `Math.random` and `crypto`: one seeded generator of the sandbox behind both.
(function () {
const { core } = __bootstrap;
const { op_cowry_random_bytes, op_cowry_random_floats } = core.ops;
const { DOMException } = core.loadExtScript("ext:deno_web/01_dom_exception.js");

const batch = new Float64Array(64);
let next = batch.length;

Object.defineProperty(Math, "random", {
  value: {
    random() {
      if (next === batch.length) {
        op_cowry_random_floats(batch);
        next = 0;
      }
      return batch[next++];
    },
  }.random,
  writable: true,
  enumerable: false,
  configurable: true,
});

const INTEGER_ARRAYS = new Set([
  "Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array", "Uint32Array",
  "BigInt64Array", "BigUint64Array",
]);
const tagOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag).get;
const HEX = Array.from({ length: 256 }, (_, i) => (i + 256).toString(16).slice(1));
const key = Symbol("crypto");

class Crypto {
  constructor(given) {
    if (given !== key) throw new TypeError("Illegal constructor");
  }

  getRandomValues(array) {
    if (!INTEGER_ARRAYS.has(tagOf.call(array))) {
      throw new DOMException("The data must be an integer-typed array", "TypeMismatchError");
    }
    if (array.byteLength > 65536) {
      throw new DOMException(
        `The ArrayBufferView's byte length (${array.byteLength}) exceeds the number of bytes of entropy available ` +
          "via this API (65536)",
        "QuotaExceededError",
      );
    }
    op_cowry_random_bytes(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    return array;
  }

  randomUUID() {
    const b = new Uint8Array(16);
    op_cowry_random_bytes(b);
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
    const h = Array.from(b, (byte) => HEX[byte]).join("");
    return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`;
  }

  get subtle() {
    throw new DOMException("crypto.subtle is not available", "NotSupportedError");
  }

  get [Symbol.toStringTag]() {
    return "Crypto";
  }
}

return {
  Crypto,
  crypto: new Crypto(key),
  fill: op_cowry_random_bytes,
  adopt() {
    next = batch.length;
  },
};
})();
