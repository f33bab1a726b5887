// `fs.createReadStream` and `fs.createWriteStream`.
(function () {
const { core } = __bootstrap;
const { Readable, Writable } = core.loadExtScript("ext:cowry/stream.js");
const { Buffer } = core.loadExtScript("ext:cowry/buffer.js");
const { outOfRange } = core.loadExtScript("ext:cowry/errors.js");
const sync = core.loadExtScript("ext:cowry/fs/sync.js");
const { integer } = core.loadExtScript("ext:cowry/fs/constants.js");
const { bytesOf, optionsOf, pathOf } = core.loadExtScript("ext:cowry/fs/arguments.js");

const CHUNK = 64 * 1024;

// The descriptor of a stream: given as a number or a handle, or opened when the stream is built.
function descriptor(stream, path, settings, flags) {
  const { fd } = settings;
  stream.path = fd == null ? pathOf(path) : path;
  stream.flags = settings.flags ?? flags;
  stream.mode = settings.mode ?? 0o666;
  stream.fd = fd == null ? null : typeof fd === "object" ? fd.fd : fd;
  stream.autoClose = settings.autoClose ?? true;
}

function construct(stream, done) {
  if (stream.fd !== null) return done();
  try {
    stream.fd = sync.open(stream.path, stream.flags, stream.mode);
  } catch (error) {
    return done(error);
  }
  done();
  stream.emit("open", stream.fd);
  stream.emit("ready");
}

function destroy(stream, error, done) {
  const { fd } = stream;
  if (fd === null || !stream.autoClose) return done(error);
  stream.fd = null;
  try {
    sync.close(fd);
  } catch (failure) {
    return done(error ?? failure);
  }
  done(error);
}

class ReadStream extends Readable {
  #at;
  #end;

  constructor(path, options) {
    const settings = optionsOf(options, { highWaterMark: CHUNK });
    super({ highWaterMark: settings.highWaterMark, encoding: settings.encoding ?? undefined, signal: settings.signal });
    descriptor(this, path, settings, "r");
    const { start, end = Infinity } = settings;
    if (start !== undefined) integer(start, "start", 0);
    if (end !== Infinity) integer(end, "end", 0);
    if (start > end) throw outOfRange("start", `<= "end" (here: ${end})`, start);
    this.start = start;
    this.end = end;
    this.bytesRead = 0;
    this.#at = start;
    this.#end = end;
  }

  _construct(done) {
    construct(this, done);
  }

  _read(size) {
    const at = this.#at;
    const left = this.#end === Infinity ? size : Math.min(size, this.#end - (at ?? this.bytesRead) + 1);
    if (left <= 0) return void this.push(null);
    const buffer = Buffer.allocUnsafe(left);
    let count;
    try {
      count = sync.read(this.fd, buffer, 0, left, at ?? null);
    } catch (error) {
      return void this.destroy(error);
    }
    this.bytesRead += count;
    if (at !== undefined) this.#at = at + count;
    this.push(count === 0 ? null : buffer.subarray(0, count));
  }

  _destroy(error, done) {
    destroy(this, error, done);
  }

  close(callback) {
    if (callback) this.once("close", callback);
    this.destroy();
  }

  get pending() {
    return this.fd === null;
  }
}

class WriteStream extends Writable {
  #at;

  constructor(path, options) {
    const settings = optionsOf(options, {});
    super({ highWaterMark: settings.highWaterMark, decodeStrings: false, signal: settings.signal });
    descriptor(this, path, settings, "w");
    if (settings.start !== undefined) integer(settings.start, "start", 0);
    if (settings.encoding) this.setDefaultEncoding(settings.encoding);
    this.start = settings.start;
    this.bytesWritten = 0;
    this.#at = settings.start;
  }

  _construct(done) {
    construct(this, done);
  }

  _write(chunk, encoding, done) {
    const bytes = bytesOf(chunk, encoding === "buffer" ? undefined : encoding);
    try {
      sync.write(this.fd, bytes, 0, bytes.byteLength, this.#at ?? null);
    } catch (error) {
      return done(error);
    }
    this.bytesWritten += bytes.byteLength;
    if (this.#at !== undefined) this.#at += bytes.byteLength;
    done();
  }

  _destroy(error, done) {
    destroy(this, error, done);
  }

  close(callback) {
    if (callback) this.once("close", callback);
    if (this.destroyed) return;
    this.end(() => this.destroy());
  }

  get pending() {
    return this.fd === null;
  }
}

// Callable without `new`, as in Node.
function callable(Class) {
  return new Proxy(Class, { apply: (_target, _this, args) => new Class(...args) });
}

return {
  ReadStream: callable(ReadStream),
  WriteStream: callable(WriteStream),
  createReadStream: (path, options) => new ReadStream(path, options),
  createWriteStream: (path, options) => new WriteStream(path, options),
};
})();
