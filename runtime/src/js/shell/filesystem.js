// The interface `FileSystem` of `@cloudflare/shell` over a tree, and `InMemoryFs`, which has a tree of its own.
(function () {
const { core } = __bootstrap;
const { op_state_chmod, op_state_drop_tree, op_state_link, op_state_tree, op_state_utimes } = core.ops;
const { invoke, OWN_TREE } = core.loadExtScript("ext:cowry/state.js");
const { Buffer } = core.loadExtScript("ext:cowry/buffer.js");

// Who has a tree that `state` can work on tells its number, and what has to be waited for before.
const TREE = Symbol("tree"), SETTLE = Symbol("settle");
const UTF8 = new Set(["utf8", "utf-8"]);
const ENCODINGS = new Set([...UTF8, "ascii", "binary", "base64", "hex", "latin1"]);

function missing(op, path) {
  return Object.assign(new Error(`ENOENT: no such file or directory, ${op} '${path}'`), { code: "ENOENT", path });
}

function encodingOf(options) {
  const encoding = (typeof options === "string" ? options : options?.encoding) ?? "utf8";
  if (!ENCODINGS.has(encoding)) {
    throw new TypeError(`there is no encoding "${encoding}": ${[...ENCODINGS].join(", ")}`);
  }
  return encoding;
}

class TreeFs {
  constructor(tree) {
    Object.defineProperty(this, TREE, { value: tree });
  }
  async readFile(path, options) {
    await this[SETTLE](path);
    const encoding = encodingOf(options);
    if (UTF8.has(encoding)) return invoke(this[TREE], "readFile", path);
    return Buffer.from(invoke(this[TREE], "readFileBytes", path)).toString(encoding);
  }
  async readFileBytes(path) {
    await this[SETTLE](path);
    return invoke(this[TREE], "readFileBytes", path);
  }
  async writeFile(path, content, options) {
    await this[SETTLE]();
    writeInto(this[TREE], path, content, options);
  }
  async writeFileBytes(path, content) {
    await this[SETTLE]();
    invoke(this[TREE], "writeFileBytes", path, content);
  }
  async exists(path) {
    try {
      return invoke(this[TREE], "exists", path);
    } catch {
      return false;
    }
  }
  async stat(path) {
    await this[SETTLE](path);
    return invoke(this[TREE], "stat", path) ?? fail("stat", path);
  }
  async lstat(path) {
    await this[SETTLE](path);
    return invoke(this[TREE], "lstat", path) ?? fail("lstat", path);
  }
  async mv(src, dest, options) {
    await this[SETTLE]();
    invoke(this[TREE], "mv", src, dest, { recursive: true, ...options });
  }
  resolvePath(base, path) {
    return invoke(this[TREE], "resolvePath", base, path);
  }
  // Nothing to wait for.
  [SETTLE]() {}
}

// These are what `state` has.
const SAME = [
  "appendFile", "cp", "glob", "mkdir", "readdir", "readdirWithFileTypes", "readlink", "realpath", "rm", "symlink",
];
for (const name of SAME) {
  const method = { async [name](...args) {
    await this[SETTLE]();
    return invoke(this[TREE], name, ...args);
  } }[name];
  Object.defineProperty(TreeFs.prototype, name, { value: method, writable: true, configurable: true });
}

function fail(op, path) {
  throw missing(op, path);
}

function writeInto(tree, path, content, options) {
  const encoding = encodingOf(options);
  if (typeof content !== "string") invoke(tree, "writeFileBytes", path, content);
  else if (UTF8.has(encoding)) invoke(tree, "writeFile", path, content);
  else invoke(tree, "writeFileBytes", path, Buffer.from(content, encoding));
}

const registry = typeof FinalizationRegistry === "function" ? new FinalizationRegistry(op_state_drop_tree) : null;

class InMemoryFs extends TreeFs {
  // What functions will answer for, by path.
  #lazy = new Map();

  constructor(files = {}) {
    super(op_state_tree());
    registry?.register(this, this[TREE]);
    for (const [path, given] of Object.entries(files)) {
      if (typeof given === "function") this.writeFileLazy(path, given);
      else if (typeof given === "string" || ArrayBuffer.isView(given)) this.writeFileSync(path, given);
      else this.writeFileSync(path, given.content, undefined, given);
    }
  }

  writeFileSync(path, content, options, { mode, mtime } = {}) {
    this.#lazy.delete(this.resolvePath("/", path));
    writeInto(this[TREE], path, content, options);
    this.#attributes(path, mode, mtime);
  }

  // The file is there, empty, until somebody wants to know what is in it.
  writeFileLazy(path, make, attributes = {}) {
    this.writeFileSync(path, "", undefined, attributes);
    this.#lazy.set(this.resolvePath("/", path), { make, attributes });
  }

  mkdirSync(path, options) {
    invoke(this[TREE], "mkdir", path, options);
  }

  // Where there is nothing to remove with `force`, nothing happens; that goes for the root, too.
  async rm(path, options) {
    if (this.resolvePath("/", path) !== "/") return super.rm(path, options);
    if (options?.force) return;
    throw Object.assign(new Error("EPERM: cannot remove root, rm '/'"), { code: "EPERM", path: "/" });
  }

  async link(existing, path) {
    await this[SETTLE]();
    op_state_link(this[TREE], existing, path);
  }

  async chmod(path, mode) {
    op_state_chmod(this[TREE], path, mode);
  }

  async utimes(path, atime, mtime) {
    await this[SETTLE]();
    op_state_utimes(this[TREE], path, new Date(atime).getTime(), new Date(mtime).getTime());
  }

  // Makes the file at a path, or all.
  async [SETTLE](path) {
    if (this.#lazy.size === 0) return;
    const only = path === undefined ? undefined : this.resolvePath("/", path);
    // Another name may lead to a file that is not made yet.
    const due = only !== undefined && this.#lazy.has(only) ? [only] : [...this.#lazy.keys()];
    for (const one of due) {
      const { make, attributes } = this.#lazy.get(one) ?? {};
      if (make === undefined) continue;
      const content = await make();
      // Written meanwhile by somebody else: that stays.
      if (this.#lazy.get(one)?.make === make) this.writeFileSync(one, content, undefined, attributes);
    }
  }

  #attributes(path, mode, mtime) {
    if (mode !== undefined) op_state_chmod(this[TREE], path, mode);
    if (mtime === undefined) return;
    const millis = new Date(mtime).getTime();
    op_state_utimes(this[TREE], path, millis, millis);
  }
}

// The files of the run.
class Shell extends TreeFs {
  constructor() {
    super(OWN_TREE);
  }
}

return { InMemoryFs, SETTLE, Shell, TREE, TreeFs, missing };
})();
