// `node:fs`: the synchronous calls, the same with callbacks, and the promises.
(function () {
const { core } = __bootstrap;
const { invalidType, nodeError } = core.loadExtScript("ext:cowry/errors.js");
const sync = core.loadExtScript("ext:cowry/fs/sync.js");
const trees = core.loadExtScript("ext:cowry/fs/trees.js");
const stats = core.loadExtScript("ext:cowry/fs/stats.js");
const streams = core.loadExtScript("ext:cowry/fs/streams.js");
const { constants } = core.loadExtScript("ext:cowry/fs/constants.js");
const { setImmediate } = core.loadExtScript("ext:cowry/ticks.js");
const custom = Symbol.for("nodejs.util.promisify.custom");

const { rmdirOne: _, exists, ...plain } = sync;
const { Dir, later, ...ofTrees } = trees;
const calls = { ...plain, ...ofTrees };

function unwatchable() {
  const error = nodeError(
    Error,
    "ENOSYS",
    "ENOSYS: function not implemented, watch: nothing but the program itself changes files here",
  );
  return Object.assign(error, { errno: -38, syscall: "watch" });
}

function refuse() {
  throw unwatchable();
}

const fs = {};
for (const [name, call] of Object.entries(calls)) {
  const named = `${name}Sync`;
  fs[named] = { [named]: (...args) => call(...args) }[named];
  fs[name] = {
    [name](...args) {
      // Only `close` may go without a callback.
      const last = args.at(-1);
      if (typeof last === "function") args.pop();
      const callback = typeof last === "function" ? last : name === "close" ? () => {} : undefined;
      later(callback, () => call(...args));
    },
  }[name];
}

// These call back with what they were given, too.
for (const [name, key] of [["read", "bytesRead"], ["write", "bytesWritten"], ["readv", "bytesRead"], ["writev", "bytesWritten"]]) {
  const what = name.endsWith("v") ? "buffers" : "buffer";
  fs[name] = {
    [name](...args) {
      const callback = args.pop();
      if (typeof callback !== "function") throw invalidType("cb", "of type function", callback);
      if (name === "read" && !ArrayBuffer.isView(args[1])) {
        const { buffer = core.loadExtScript("ext:cowry/buffer.js").Buffer.alloc(16384), ...rest } = args[1] ?? {};
        args.splice(1, 1, buffer, rest);
      }
      later((error, count) => error ? callback(error) : callback(null, count, args[1]), () => calls[name](...args));
    },
  }[name];
  Object.defineProperty(fs[name], custom, {
    value: async (...args) => ({ [key]: calls[name](...args), [what]: args[1] }),
  });
}

Object.assign(fs, {
  constants,
  F_OK: constants.F_OK,
  R_OK: constants.R_OK,
  W_OK: constants.W_OK,
  X_OK: constants.X_OK,
  BigIntStats: stats.BigIntStats,
  Dir,
  Dirent: stats.Dirent,
  Stats: stats.Stats,
  ...streams,
  FileReadStream: streams.ReadStream,
  FileWriteStream: streams.WriteStream,
  existsSync: exists,
  exists(path, callback) {
    if (typeof callback !== "function") throw invalidType("cb", "of type function", callback);
    const there = exists(path);
    setImmediate(() => callback(there));
  },
  openAsBlob: async (path, options) => new Blob([sync.readFile(path)], options),
  watch: refuse,
  watchFile: refuse,
  unwatchFile() {},
  promises: core.loadExtScript("ext:cowry/fs/promises.js"),
});
Object.defineProperty(fs.exists, custom, { value: async (path) => exists(path) });
fs.realpathSync.native = fs.realpathSync;
fs.realpath.native = fs.realpath;
Object.defineProperty(fs, "unwatchable", { value: unwatchable, enumerable: false });

return fs;
})();
