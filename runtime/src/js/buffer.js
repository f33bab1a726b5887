// `node:buffer`: the package, with the slow paths of pure JavaScript done by the engine.
(function () {
const { core } = __bootstrap;
const { op_base64_encode_from_buffer, op_base64url_encode_from_buffer } = core.ops;
const { Blob, File } = core.loadExtScript("ext:deno_web/09_file.js");
const { atob, btoa } = core.loadExtScript("ext:deno_web/05_base64.js");
const vendored = core.loadExtScript("ext:cowry/vendor.js").load("buffer");
const { Buffer } = vendored;

// Below this the package's own loops are as fast.
const SHORT = 16;
const UTF8 = new Set([undefined, "utf8", "utf-8", "UTF-8", "UTF8"]);

const slow = {
  from: Buffer.from,
  byteLength: Buffer.byteLength,
  toString: Buffer.prototype.toString,
  write: Buffer.prototype.write,
};

// The package decodes either alphabet as base64, and encodes the usual one.
function isUrlSafe(encoding) {
  return typeof encoding === "string" && encoding.toLowerCase() === "base64url";
}

function adopt(bytes) {
  Object.setPrototypeOf(bytes, Buffer.prototype);
  return bytes;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

Object.defineProperties(Buffer, {
  from: {
    value: function from(value, encoding, length) {
      if (typeof value === "string") {
        if (UTF8.has(encoding)) return adopt(core.encode(value));
        if (isUrlSafe(encoding)) return slow.from(value, "base64");
      }
      return slow.from(value, encoding, length);
    },
    writable: true,
    configurable: true,
    enumerable: true,
  },
  byteLength: {
    value: function byteLength(value, encoding) {
      if (typeof value === "string") {
        if (UTF8.has(encoding)) return core.byteLength(value);
        if (isUrlSafe(encoding)) return slow.byteLength(value, "base64");
      }
      return slow.byteLength(value, encoding);
    },
    writable: true,
    configurable: true,
    enumerable: true,
  },
});

function range(buffer, start, end) {
  const from = Math.min(Math.max(Math.trunc(start) || 0, 0), buffer.length);
  const to = end === undefined ? buffer.length : Math.min(Math.max(Math.trunc(end) || 0, 0), buffer.length);
  return buffer.subarray(from, Math.max(from, to));
}

function toString(encoding, start, end) {
  if (this.length > SHORT) {
    if (UTF8.has(encoding)) return decoder.decode(range(this, start, end));
    const named = String(encoding).toLowerCase();
    if (named === "base64" || named === "base64url") {
      const bytes = plain(range(this, start, end));
      return named === "base64"
        ? op_base64_encode_from_buffer(bytes, 0, bytes.length)
        : op_base64url_encode_from_buffer(bytes, 0, bytes.length);
    }
    if (named === "hex") return range(this, start, end).toHex?.() ?? slow.toString.call(this, encoding, start, end);
  }
  if (isUrlSafe(encoding)) {
    return slow.toString.call(this, "base64", start, end).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  }
  return slow.toString.call(this, encoding, start, end);
}

function plain(bytes) {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

Object.defineProperty(Buffer.prototype, "toString", {
  value: toString,
  writable: true,
  configurable: true,
  enumerable: false,
});

// Node prints a buffer as `<Buffer 68 69>`.
const SHOWN = 50;
Object.defineProperty(Buffer.prototype, Symbol.for("nodejs.util.inspect.custom"), {
  value: function inspect() {
    let text = "";
    for (let i = 0; i < Math.min(this.length, SHOWN); i++) {
      text += (i > 0 ? " " : "") + (this[i] + 256).toString(16).slice(1);
    }
    const rest = this.length - SHOWN;
    if (rest > 0) text += ` ... ${rest} more byte${rest > 1 ? "s" : ""}`;
    return `<${this.constructor?.name ?? "Buffer"}${text && " "}${text}>`;
  },
  writable: true,
  configurable: true,
  enumerable: false,
});

Buffer.prototype.write = function write(text, offset, length, encoding) {
  const args = [offset, length, encoding].map((arg) => isUrlSafe(arg) ? "base64" : arg);
  return slow.write.call(this, text, ...args);
};

const { isEncoding } = Buffer;
Buffer.isEncoding = (encoding) => isEncoding(encoding) || isUrlSafe(encoding);

return {
  ...vendored,
  Buffer,
  Blob,
  File,
  atob,
  btoa,
  constants: { MAX_LENGTH: vendored.kMaxLength, MAX_STRING_LENGTH: 2 ** 30 - 1 },
  isAscii: (bytes) => Buffer.from(bytes).every((byte) => byte < 128),
  isUtf8(bytes) {
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      return true;
    } catch {
      return false;
    }
  },
};
})();
