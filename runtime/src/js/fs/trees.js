// Calls on directories and whole trees.
(function () {
const { core } = __bootstrap;
const { op_vfs_copy_tree, op_vfs_glob, op_vfs_readdir, op_vfs_remove_all } = core.ops;
const { invalidType, nodeError } = core.loadExtScript("ext:cowry/errors.js");
const path = core.loadExtScript("ext:cowry/path.js");
const process = core.loadExtScript("ext:cowry/process.js");
const sync = core.loadExtScript("ext:cowry/fs/sync.js");
const { constants, integer } = core.loadExtScript("ext:cowry/fs/constants.js");
const { Dirent, modeAt } = core.loadExtScript("ext:cowry/fs/stats.js");
const { nameAs, optionsOf, pathOf } = core.loadExtScript("ext:cowry/fs/arguments.js");

const KIND_SHIFT = 12;

function readdir(dir, options) {
  const { encoding, withFileTypes, recursive } = optionsOf(options, { encoding: "utf8" });
  dir = pathOf(dir);
  const found = [];
  // Directories in the order they are come by, as Node does it.
  const queue = [""];
  for (const below of queue) {
    const at = below === "" ? dir : path.join(dir, below);
    const { names, kinds } = op_vfs_readdir(at);
    for (let i = 0; i < names.length; i++) {
      const relative = below === "" ? names[i] : path.join(below, names[i]);
      const mode = kinds[i] << KIND_SHIFT;
      found.push(withFileTypes ? new Dirent(nameAs(names[i], encoding), at, mode) : nameAs(relative, encoding));
      if (recursive && mode === constants.S_IFDIR) queue.push(relative);
    }
  }
  return found;
}

function systemError(code, call, message, at, errno) {
  const error = nodeError(Error, code, `${message}: ${call} ${at}`);
  error.errno = errno;
  error.syscall = call.split(" ")[0];
  error.path = at;
  return error;
}

function rm(target, options) {
  target = pathOf(target);
  const { force = false, recursive = false } = options ?? {};
  let mode;
  try {
    mode = modeAt(target, false);
  } catch (error) {
    if (force && error.code === "ENOENT") return;
    throw error;
  }
  if ((mode & constants.S_IFMT) !== constants.S_IFDIR) return sync.unlink(target);
  if (!recursive) {
    throw systemError("ERR_FS_EISDIR", "rm returned EISDIR (is a directory)", "Path is a directory", target, 21);
  }
  op_vfs_remove_all(target);
}

function rmdir(target, options) {
  if (options?.recursive !== true) return sync.rmdirOne(target);
  rm(target, { recursive: true });
}

function cp(from, to, options) {
  from = pathOf(from, "src");
  to = pathOf(to, "dest");
  if (options != null && typeof options !== "object") throw invalidType("options", "of type Object", options);
  const settings = { force: true, errorOnExist: false, recursive: false, preserveTimestamps: false, ...options };
  const isDirectory = (modeAt(from, settings.dereference === true) & constants.S_IFMT) === constants.S_IFDIR;
  if (isDirectory && !settings.recursive) {
    const call = `cp returned EISDIR (${from} is a directory (not copied))`;
    throw systemError("ERR_FS_EISDIR", call, "Recursive option not enabled, cannot copy a directory", from, 21);
  }
  if (isDirectory && `${path.resolve(to)}/`.startsWith(`${path.resolve(from)}/`)) {
    const call = `cp returned EINVAL (cannot copy ${from} to a subdirectory of self ${to})`;
    throw systemError("ERR_FS_CP_EINVAL", call, "Invalid src or dest", to, 22);
  }
  const parent = path.dirname(path.resolve(to));
  if (!sync.exists(parent)) sync.mkdir(parent, { recursive: true });
  if (settings.filter === undefined && settings.dereference !== true) return copyTree(from, to, settings);
  copySome(from, to, settings);
}

function copyTree(from, to, { force, errorOnExist, preserveTimestamps }) {
  const overwrite = force ? 1 : errorOnExist ? 2 : 0;
  try {
    op_vfs_copy_tree(from, to, overwrite, preserveTimestamps);
  } catch (error) {
    if (error.code !== "EEXIST" || !errorOnExist) throw error;
    throw systemError("ERR_FS_CP_EEXIST", `cp returned EEXIST (${to} already exists)`, "Target already exists", to, 17);
  }
}

// Entry by entry, where the caller has a say in each.
function copySome(from, to, settings) {
  const { filter, dereference, preserveTimestamps } = settings;
  if (filter !== undefined && !filter(from, to)) return;
  const stats = dereference ? sync.stat(from) : sync.lstat(from);
  if (!stats.isDirectory()) {
    if (!dereference) return copyTree(from, to, settings);
    if (sync.exists(to) && !settings.force) return copyTree(from, to, settings);
    sync.copyFile(from, to);
    if (preserveTimestamps) sync.utimes(to, stats.atimeMs / 1e3, stats.mtimeMs / 1e3);
    return;
  }
  if (!sync.exists(to)) sync.mkdir(to, stats.mode & 0o7777);
  for (const name of op_vfs_readdir(from).names) {
    copySome(path.join(from, name), path.join(to, name), settings);
  }
}

function glob(patterns, options) {
  const { cwd, exclude, withFileTypes } = options ?? {};
  const base = cwd === undefined ? process.cwd() : path.resolve(pathOf(cwd, "options.cwd"));
  const prefix = base === "/" ? "/" : `${base}/`;
  const found = new Map();
  for (const pattern of Array.isArray(patterns) ? patterns : [patterns]) {
    if (typeof pattern !== "string") throw invalidType("pattern", "of type string or string[]", pattern);
    const absolute = pattern.startsWith("/");
    const whole = absolute ? pattern : `${prefix.replace(/[*?[\]{}\\]/g, "\\$&")}${pattern.replace(/^(\.\/)+/, "")}`;
    for (const match of op_vfs_glob(whole)) {
      const name = absolute ? match : match.startsWith(prefix) ? match.slice(prefix.length) : ".";
      found.set(match, name);
    }
  }
  const excluded = Array.isArray(exclude)
    ? new Set(exclude.flatMap((pattern) => glob(pattern, { cwd: base })))
    : undefined;
  const results = [];
  for (const [match, name] of found) {
    const entry = () => new Dirent(path.basename(match), path.dirname(match), modeAt(match, false));
    if (excluded?.has(name) || (typeof exclude === "function" && exclude(withFileTypes ? entry() : name))) continue;
    results.push(withFileTypes ? entry() : name);
  }
  return results;
}

class Dir {
  #entries;
  #next = 0;
  #closed = false;

  constructor(dir, options) {
    this.path = dir;
    try {
      this.#entries = readdir(dir, { ...options, withFileTypes: true });
    } catch (error) {
      if (error.syscall === "scandir") {
        error.message = error.message.replace(", scandir '", ", opendir '");
        error.syscall = "opendir";
      }
      throw error;
    }
  }

  #check() {
    if (this.#closed) throw nodeError(Error, "ERR_DIR_CLOSED", "Directory handle was closed");
  }

  readSync() {
    this.#check();
    return this.#entries[this.#next++] ?? null;
  }

  read(callback) {
    if (callback === undefined) return Promise.try(() => this.readSync());
    later(callback, () => this.readSync());
  }

  closeSync() {
    this.#check();
    this.#closed = true;
  }

  close(callback) {
    if (callback === undefined) return Promise.try(() => this.closeSync());
    later(callback, () => this.closeSync());
  }

  async *[Symbol.asyncIterator]() {
    try {
      for (let entry; (entry = this.readSync()) !== null;) yield entry;
    } finally {
      if (!this.#closed) this.closeSync();
    }
  }

  [Symbol.dispose]() {
    if (!this.#closed) this.closeSync();
  }
}

const { setImmediate } = core.loadExtScript("ext:cowry/ticks.js");

// Calls back from the event loop with what `call` answers, or with what it throws.
function later(callback, call) {
  if (typeof callback !== "function") throw invalidType("cb", "of type function", callback);
  let error = null, value;
  try {
    value = call();
  } catch (thrown) {
    error = thrown;
  }
  setImmediate(() => error === null ? callback(null, value) : callback(error));
}

function opendir(dir, options) {
  const settings = optionsOf(options, { encoding: "utf8" });
  if (settings.bufferSize !== undefined) integer(settings.bufferSize, "options.bufferSize", 1);
  return new Dir(pathOf(dir), settings);
}

return { Dir, cp, glob, later, opendir, readdir, rm, rmdir };
})();
