// `node:fs/promises`, and the handles it opens.
(function () {
const { core } = __bootstrap;
const { Buffer } = core.loadExtScript("ext:cowry/buffer.js");
const EventEmitter = core.loadExtScript("ext:cowry/events.js");
const { nodeError } = core.loadExtScript("ext:cowry/errors.js");
const sync = core.loadExtScript("ext:cowry/fs/sync.js");
const trees = core.loadExtScript("ext:cowry/fs/trees.js");
const streams = core.loadExtScript("ext:cowry/fs/streams.js");
const { constants } = core.loadExtScript("ext:cowry/fs/constants.js");

class FileHandle extends EventEmitter {
  #fd;

  constructor(fd) {
    super();
    this.#fd = fd;
  }

  get fd() {
    return this.#fd;
  }

  async #call(call, ...args) {
    if (this.#fd < 0) throw Object.assign(new Error("file closed"), { code: "EBADF", syscall: "FileHandle" });
    return call(this.#fd, ...args);
  }

  appendFile(data, options) {
    return this.#call(appendAny, data, options);
  }
  chmod(mode) {
    return this.#call(sync.fchmod, mode);
  }
  chown(uid, gid) {
    return this.#call(sync.fchown, uid, gid);
  }
  datasync() {
    return this.#call(sync.fsync);
  }
  sync() {
    return this.#call(sync.fsync);
  }
  readFile(options) {
    return this.#call(sync.readFile, options);
  }
  writeFile(data, options) {
    return this.#call(writeAny, data, options);
  }
  stat(options) {
    return this.#call(sync.fstat, options);
  }
  truncate(size) {
    return this.#call(sync.ftruncate, size);
  }
  utimes(atime, mtime) {
    return this.#call(sync.futimes, atime, mtime);
  }

  async read(buffer, offset, length, position) {
    if (buffer == null || !ArrayBuffer.isView(buffer)) {
      ({ buffer = Buffer.alloc(16384), offset, length, position } = buffer ?? {});
    }
    return { bytesRead: await this.#call(sync.read, buffer, offset, length, position), buffer };
  }

  async write(buffer, offset, length, position) {
    return { bytesWritten: await this.#call(sync.write, buffer, offset, length, position), buffer };
  }

  async readv(buffers, position) {
    return { bytesRead: await this.#call(sync.readv, buffers, position), buffers };
  }

  async writev(buffers, position) {
    return { bytesWritten: await this.#call(sync.writev, buffers, position), buffers };
  }

  async close() {
    if (this.#fd < 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    sync.close(fd);
    this.emit("close");
  }

  createReadStream(options) {
    return streams.createReadStream("", { ...options, fd: this });
  }

  createWriteStream(options) {
    return streams.createWriteStream("", { ...options, fd: this });
  }

  readLines(options) {
    const readline = core.loadExtScript("ext:cowry/readline.js");
    return readline.createInterface({ input: this.createReadStream(options), crlfDelay: Infinity });
  }

  readableWebStream() {
    const stream = this.createReadStream({ autoClose: false });
    return ReadableStream.from(stream);
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }
}

// Data may come in pieces here.
async function gathered(data) {
  if (typeof data === "string" || ArrayBuffer.isView(data) || data == null) return data;
  if (typeof data[Symbol.asyncIterator] !== "function" && typeof data[Symbol.iterator] !== "function") return data;
  const chunks = [];
  for await (const chunk of data) chunks.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
  return Buffer.concat(chunks);
}

async function writeAny(path, data, options) {
  check(options);
  return sync.writeFile(descriptor(path), await gathered(data), options);
}

async function appendAny(path, data, options) {
  check(options);
  return sync.appendFile(descriptor(path), await gathered(data), options);
}

function check(options) {
  const signal = options?.signal;
  if (!signal?.aborted) return;
  const error = nodeError(Error, "ABORT_ERR", "The operation was aborted");
  error.name = "AbortError";
  error.cause = signal.reason;
  throw error;
}

function descriptor(path) {
  return path instanceof FileHandle ? path.fd : path;
}

const SAME = [
  "access", "chmod", "chown", "copyFile", "lchown", "link", "lstat", "lutimes", "mkdir", "mkdtemp", "readlink",
  "realpath", "rename", "stat", "statfs", "symlink", "truncate", "unlink", "utimes",
];

const promises = {
  constants,
  FileHandle,
  open: async (path, flags, mode) => new FileHandle(sync.open(path, flags, mode)),
  readFile: async (path, options) => (check(options), sync.readFile(descriptor(path), options)),
  writeFile: writeAny,
  appendFile: appendAny,
  cp: async (from, to, options) => {
    if (options?.filter === undefined) return trees.cp(from, to, options);
    return cpAsked(from, to, options);
  },
  opendir: async (path, options) => trees.opendir(path, options),
  readdir: async (path, options) => trees.readdir(path, options),
  rm: async (path, options) => trees.rm(path, options),
  rmdir: async (path, options) => trees.rmdir(path, options),
  async *glob(patterns, options) {
    yield* trees.glob(patterns, options);
  },
  watch() {
    throw core.loadExtScript("ext:cowry/fs.js").unwatchable();
  },
};
for (const name of SAME) {
  const call = sync[name];
  promises[name] = { async [name](...args) {
    return call(...args);
  } }[name];
}

// A filter may answer later here; what it says is asked first and then copied.
async function cpAsked(from, to, options) {
  const path = core.loadExtScript("ext:cowry/path.js");
  const refused = new Set();
  const ask = async (source, target) => {
    if (!await options.filter(source, target)) return void refused.add(source);
    const stats = options.dereference ? sync.stat(source) : sync.lstat(source);
    if (!stats.isDirectory()) return;
    for (const name of trees.readdir(source)) await ask(path.join(source, name), path.join(target, name));
  };
  await ask(from, to);
  return trees.cp(from, to, { ...options, filter: (source) => !refused.has(source) });
}

return promises;
})();
