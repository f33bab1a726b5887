// `process`, as far as a program without a host can have one, and what the bootstrap does with it.
(function () {
const { core } = __bootstrap;
const {
  op_cowry_console, op_cowry_exit, op_cowry_heap, op_cowry_hrtime, op_cowry_stdin, op_cowry_write, op_vfs_chdir,
  op_vfs_cwd, op_vfs_umask,
} = core.ops;
const EventEmitter = core.loadExtScript("ext:cowry/events.js");
const { nextTick } = core.loadExtScript("ext:cowry/ticks.js");
const { invalidType, outOfRange } = core.loadExtScript("ext:cowry/errors.js");

const WARN = 3;
const STDIN_CHUNK = 64 * 1024;

function bytesOf(chunk, encoding) {
  if (typeof chunk === "string") {
    const { Buffer } = core.loadExtScript("ext:cowry/buffer.js");
    return Buffer.from(chunk, typeof encoding === "string" ? encoding : undefined);
  }
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw invalidType("chunk", "of type string or an instance of Buffer, TypedArray, or DataView", chunk);
}

// An output stream. Writes reach the host at once; there is nothing to wait for.
function output(fd) {
  const { Writable } = core.loadExtScript("ext:cowry/stream.js");
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, encoding, done) {
      op_cowry_write(fd, bytesOf(chunk, encoding));
      done();
    },
  });
  stream.write = function (chunk, encoding, done) {
    if (typeof encoding === "function") [encoding, done] = [undefined, encoding];
    op_cowry_write(fd, bytesOf(chunk, encoding));
    if (done !== undefined) nextTick(done);
    return true;
  };
  // Node keeps its own open, too.
  stream.end = function (chunk, encoding, done) {
    if (typeof chunk === "function") [chunk, done] = [undefined, chunk];
    if (chunk !== undefined && chunk !== null) this.write(chunk, encoding);
    if (typeof done === "function") nextTick(done);
    return this;
  };
  stream.destroySoon = stream.destroy = () => stream;
  stream.fd = fd;
  stream.isTTY = false;
  stream._type = "pipe";
  return stream;
}

function readStdin(size = STDIN_CHUNK) {
  const chunk = new Uint8Array(size);
  return chunk.subarray(0, op_cowry_stdin(chunk));
}

function input() {
  const { Readable } = core.loadExtScript("ext:cowry/stream.js");
  const { Buffer } = core.loadExtScript("ext:cowry/buffer.js");
  const stream = new Readable({
    read(size) {
      const chunk = readStdin(Math.max(size, 1));
      this.push(chunk.length === 0 ? null : Buffer.from(chunk.buffer, 0, chunk.length));
    },
  });
  stream.fd = 0;
  stream.isTTY = false;
  return stream;
}

const process = Object.create(Object.create(EventEmitter.prototype, {
  [Symbol.toStringTag]: { value: "process", configurable: true },
}));
EventEmitter.call(process);

let exitCode;
let exiting = false;
const streams = { stdin: undefined, stdout: undefined, stderr: undefined };

function hrtime(before) {
  const now = op_cowry_hrtime();
  let seconds = Math.floor(now / 1e9), nanos = now % 1e9;
  if (before !== undefined) {
    seconds -= before[0];
    nanos -= before[1];
    if (nanos < 0) {
      seconds -= 1;
      nanos += 1e9;
    }
  }
  return [seconds, nanos];
}
hrtime.bigint = () => BigInt(op_cowry_hrtime());

function memoryUsage() {
  const heap = op_cowry_heap();
  return { rss: heap, heapTotal: heap, heapUsed: heap, external: 0, arrayBuffers: 0 };
}
memoryUsage.rss = () => op_cowry_heap();

// Runs listeners of `exit` once, and answers with the exit code.
function exitNow() {
  if (!exiting) {
    exiting = process.exiting = true;
    process.emit("exit", process.exitCode ?? 0);
  }
  return process.exitCode ?? 0;
}

// Readies the process for another job.
function renew() {
  exiting = process.exiting = false;
  exitCode = undefined;
  streams.stdin = undefined;
}

const VERSION = "v22.0.0";

Object.assign(process, {
  title: "cowry",
  version: VERSION,
  versions: { node: VERSION.slice(1), cowry: "0.0.0" },
  arch: "x64",
  platform: "linux",
  release: { name: "node" },
  argv: ["cowry"],
  execArgv: [],
  execPath: "cowry",
  argv0: "cowry",
  env: {},
  pid: 1,
  ppid: 0,
  features: {},
  config: {},
  exiting: false,

  cwd: () => op_vfs_cwd(),
  chdir(directory) {
    if (typeof directory !== "string") throw invalidType("directory", "of type string", directory);
    op_vfs_chdir(directory);
  },
  umask: (mask) => op_vfs_umask(mask === undefined ? -1 : typeof mask === "string" ? parseInt(mask, 8) : mask),
  hrtime,
  uptime: () => op_cowry_hrtime() / 1e9,
  memoryUsage,
  cpuUsage: () => ({ user: Math.round(op_cowry_hrtime() / 1e3), system: 0 }),
  resourceUsage: () => ({ userCPUTime: Math.round(op_cowry_hrtime() / 1e3), systemCPUTime: 0, maxRSS: 0 }),
  nextTick,
  exit(code) {
    if (code !== undefined) process.exitCode = code;
    const final = exitNow();
    op_cowry_exit(final);
    // The operation has ended the program; this is not reached by code that goes on.
    for (;;) op_cowry_exit(final);
  },
  abort: () => process.exit(134),
  getuid: () => 1000,
  geteuid: () => 1000,
  getgid: () => 1000,
  getegid: () => 1000,
  kill() {
    throw Object.assign(new Error("kill ENOSYS"), { code: "ENOSYS", errno: -38, syscall: "kill" });
  },
  emitWarning(warning, type) {
    const name = typeof type === "string" ? type : type?.type ?? warning?.name ?? "Warning";
    op_cowry_console(WARN, `(cowry) ${name}: ${warning?.message ?? warning}`);
    nextTick(() => process.emit("warning", warning));
  },
});

Object.defineProperties(process, {
  exitCode: {
    enumerable: true,
    configurable: true,
    get: () => exitCode,
    set(value) {
      const code = typeof value === "string" && value !== "" ? Number(value) : value;
      if (code != null && !Number.isInteger(code)) {
        if (typeof code !== "number") throw invalidType("code", "of type number", value);
        throw outOfRange("code", "an integer", value);
      }
      exitCode = code ?? undefined;
    },
  },
});
for (const [name, make] of [["stdin", input], ["stdout", () => output(1)], ["stderr", () => output(2)]]) {
  Object.defineProperty(process, name, {
    enumerable: true,
    configurable: true,
    get: () => streams[name] ??= make(),
    set: (value) => streams[name] = value,
  });
}
return { process, exiting: exitNow, readStdin, renew };
})();
