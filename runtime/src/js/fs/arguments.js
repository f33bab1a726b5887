// What callers may give for paths, descriptors, data and encodings.
(function () {
const { core } = __bootstrap;
const { invalidType, invalidValue, nodeError } = core.loadExtScript("ext:cowry/errors.js");
const { Buffer } = core.loadExtScript("ext:cowry/buffer.js");
const { integer } = core.loadExtScript("ext:cowry/fs/constants.js");

const MAX_FD = 2 ** 31 - 1;

function pathOf(path, name = "path") {
  if (typeof path !== "string") {
    if (path instanceof URL) path = fromUrl(path);
    else if (path instanceof Uint8Array) path = Buffer.from(path).toString();
    else throw invalidType(name, "of type string or an instance of Buffer or URL", path);
  }
  if (path.includes("\0")) {
    throw invalidValue(name, path, "must be a string, Uint8Array, or URL without null bytes");
  }
  return path;
}

function fromUrl(url) {
  if (url.protocol !== "file:") {
    throw nodeError(TypeError, "ERR_INVALID_URL_SCHEME", "The URL must be of scheme file");
  }
  if (url.hostname !== "") {
    throw nodeError(TypeError, "ERR_INVALID_FILE_URL_HOST", 'File URL host must be "localhost" or empty on linux');
  }
  if (/%2f/i.test(url.pathname)) {
    throw nodeError(TypeError, "ERR_INVALID_FILE_URL_PATH", "File URL path must not include encoded / characters");
  }
  return decodeURIComponent(url.pathname);
}

function fdOf(fd) {
  return integer(fd, "fd", 0, MAX_FD);
}

// Options that may be just an encoding.
function optionsOf(options, defaults) {
  if (options == null || typeof options === "function") return defaults;
  if (typeof options === "string") options = { encoding: options };
  if (typeof options !== "object") throw invalidType("options", "of type string or an instance of Object", options);
  checkEncoding(options.encoding);
  return { ...defaults, ...options };
}

function checkEncoding(encoding) {
  if (encoding != null && encoding !== "buffer" && !Buffer.isEncoding(encoding)) {
    throw invalidValue("encoding", encoding, "is invalid encoding");
  }
}

function bytesOf(data, encoding, name = "data") {
  if (typeof data === "string") return Buffer.from(data, encoding ?? "utf8");
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  throw invalidType(name, "of type string or an instance of Buffer, TypedArray, or DataView", data);
}

function isUtf8(encoding) {
  return encoding === "utf8" || encoding === "utf-8" || encoding === "UTF-8" || encoding === "UTF8";
}

// What a name is given back as.
function nameAs(name, encoding) {
  if (encoding === "buffer") return Buffer.from(name);
  return encoding == null || isUtf8(encoding) ? name : Buffer.from(name).toString(encoding);
}

// Milliseconds of a time: seconds, text of such, or a Date.
function millisOf(time, name) {
  if (time instanceof Date) return time.getTime();
  const seconds = typeof time === "string" && time.trim() !== "" ? Number(time) : time;
  if (typeof seconds !== "number" || Number.isNaN(seconds)) {
    throw invalidType(name, "of type number or string or an instance of Date", time);
  }
  return seconds * 1e3;
}

return { bytesOf, fdOf, isUtf8, millisOf, nameAs, optionsOf, pathOf };
})();
