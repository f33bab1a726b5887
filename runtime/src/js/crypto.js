// `node:crypto`, the part that is randomness.
(function () {
const { core } = __bootstrap;
const { crypto, fill } = core.loadExtScript("ext:cowry/random.js");
const { Buffer } = core.loadExtScript("ext:cowry/buffer.js");
const { outOfRange } = core.loadExtScript("ext:cowry/errors.js");
const { integer } = core.loadExtScript("ext:cowry/fs/constants.js");
const { later } = core.loadExtScript("ext:cowry/fs/trees.js");

const MAX_RANGE = 2 ** 48 - 1;

function randomBytes(size, callback) {
  integer(size, "size", 0, 2 ** 31 - 1);
  const make = () => {
    const bytes = Buffer.alloc(size);
    fill(bytes);
    return bytes;
  };
  return callback === undefined ? make() : later(callback, make);
}

function randomInt(min, max, callback) {
  if (max === undefined || typeof max === "function") [min, max, callback] = [0, min, max];
  integer(min, "min");
  integer(max, "max");
  if (max <= min) throw outOfRange("max", `greater than the value of "min" (${min})`, max);
  const range = max - min;
  if (range > MAX_RANGE) throw outOfRange("max - min", `<= ${MAX_RANGE}`, range);
  const make = () => {
    // Numbers past the last whole multiple of the range are drawn again.
    const limit = 2 ** 48 - (2 ** 48 % range);
    for (;;) {
      const n = randomBytes(6).readUIntBE(0, 6);
      if (n < limit) return min + (n % range);
    }
  };
  return callback === undefined ? make() : later(callback, make);
}

function randomFillSync(buffer, offset = 0, size = buffer.byteLength - offset) {
  fill(new Uint8Array(buffer.buffer ?? buffer, (buffer.byteOffset ?? 0) + offset, size));
  return buffer;
}

function timingSafeEqual(a, b) {
  if (a.byteLength !== b.byteLength) throw new RangeError("Input buffers must have the same byte length");
  let difference = 0;
  for (let i = 0; i < a.byteLength; i++) difference |= a[i] ^ b[i];
  return difference === 0;
}

return {
  getRandomValues: (array) => crypto.getRandomValues(array),
  randomBytes,
  randomFillSync,
  randomInt,
  randomUUID: () => crypto.randomUUID(),
  timingSafeEqual,
  webcrypto: crypto,
};
})();
