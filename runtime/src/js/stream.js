// `node:stream`: the package, and the bridges to the web's streams.
(function () {
const { core } = __bootstrap;
const stream = core.loadExtScript("ext:cowry/vendor.js").load("readable-stream");
const { nodeError } = core.loadExtScript("ext:cowry/errors.js");
const { Stream, Readable, Writable } = stream;

// The package's default export is the `Stream` class with the others on it, as in Node.
const exports = Stream ?? stream;

Readable.fromWeb = (web, options) => Readable.from(web, options);
Readable.toWeb = (readable) => ReadableStream.from(readable);
Writable.toWeb = (writable) =>
  new WritableStream({
    write: (chunk) => new Promise((resolve, reject) => writable.write(chunk, (e) => e ? reject(e) : resolve())),
    close: () => new Promise((resolve) => writable.end(resolve)),
    abort: (reason) => void writable.destroy(reason),
  });
Writable.fromWeb = (web, options) => {
  const writer = web.getWriter();
  return new Writable({
    ...options,
    write: (chunk, _encoding, done) => void writer.write(chunk).then(() => done(), done),
    final: (done) => void writer.close().then(() => done(), done),
  });
};
if (typeof exports.pipeline !== "function") throw nodeError(Error, "ERR_INTERNAL", "streams are incomplete");

return exports;
})();
