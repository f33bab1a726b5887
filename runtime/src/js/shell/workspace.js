// `Workspace`: the files of the run in the reference's other words, where what is missing is null.
(function () {
const { core } = __bootstrap;
const { invoke, OWN_TREE } = core.loadExtScript("ext:cowry/state.js");
const { TREE, missing } = core.loadExtScript("ext:cowry/shell/filesystem.js");

const NAMESPACE = /^[a-zA-Z][a-zA-Z0-9_]*$/;
const ORDER = { directory: 0, file: 1, symlink: 2 };

function error(code, message, path) {
  return Object.assign(new Error(`${code}: ${message}`), { code, path });
}

function namespaceOf({ namespace = "default" }) {
  if (!NAMESPACE.test(namespace)) {
    throw new Error(
      `Invalid workspace namespace "${namespace}": must start with a letter and contain only alphanumeric ` +
        "characters or underscores",
    );
  }
  if (namespace !== "default") {
    throw new Error(`a run has one tree, and no namespace "${namespace}": use a directory for each`);
  }
}

class Workspace {
  #onChange;

  // The files are where the run keeps them: `sql`, `r2`, `name` and `inlineThreshold` have no use here.
  constructor(options = {}) {
    namespaceOf(options);
    this.#onChange = options.onChange;
    Object.defineProperty(this, TREE, { value: OWN_TREE });
  }

  async readFile(path) {
    return this.#isFile(path) ? invoke(OWN_TREE, "readFile", path) : null;
  }
  async readFileBytes(path) {
    return this.#isFile(path) ? invoke(OWN_TREE, "readFileBytes", path) : null;
  }
  async readFileStream(path) {
    const bytes = await this.readFileBytes(path);
    if (bytes === null) return null;
    return new ReadableStream({
      start(controller) {
        controller.enqueue(bytes);
        controller.close();
      },
    });
  }
  async writeFile(path, content) {
    this.#changing(path, "file", () => invoke(OWN_TREE, "writeFile", this.#file(path), content));
  }
  async writeFileBytes(path, data) {
    const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : data;
    if (!(bytes instanceof Uint8Array)) throw new TypeError("writeFileBytes expected Uint8Array or ArrayBuffer");
    this.#changing(path, "file", () => invoke(OWN_TREE, "writeFileBytes", this.#file(path), bytes));
  }
  async writeFileStream(path, stream) {
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    await this.writeFileBytes(path, new Uint8Array(await new Blob(chunks).arrayBuffer()));
  }
  async appendFile(path, content) {
    this.#changing(path, "file", () => invoke(OWN_TREE, "appendFile", path, content));
  }
  async deleteFile(path) {
    const stat = invoke(OWN_TREE, "lstat", path);
    if (stat === null) return false;
    if (stat.type === "directory") throw error("EISDIR", `${at(path)} is a directory \u2014 use rm() instead`, at(path));
    await this.rm(path);
    return true;
  }
  async fileExists(path) {
    return invoke(OWN_TREE, "stat", path)?.type === "file";
  }
  async exists(path) {
    return invoke(OWN_TREE, "lstat", path) !== null;
  }
  async stat(path) {
    return this.#info(path, "stat");
  }
  async lstat(path) {
    return this.#info(path, "lstat");
  }
  async readDir(dir = "/", { limit = Infinity, offset = 0 } = {}) {
    const entries = invoke(OWN_TREE, "readdirWithFileTypes", dir);
    entries.sort((a, b) => ORDER[a.type] - ORDER[b.type] || (a.name < b.name ? -1 : 1));
    return entries.slice(offset, offset + limit).map(({ name }) => this.#info(`${at(dir)}/${name}`, "lstat"));
  }
  async glob(pattern) {
    return invoke(OWN_TREE, "glob", pattern).map((path) => this.#info(path, "lstat"));
  }
  async mkdir(path, options) {
    const made = invoke(OWN_TREE, "lstat", path) === null;
    invoke(OWN_TREE, "mkdir", path, options);
    if (made) this.#tell("create", path, "directory");
  }
  async rm(path, options) {
    const stat = invoke(OWN_TREE, "lstat", path);
    invoke(OWN_TREE, "rm", path, options);
    if (stat !== null) this.#tell("delete", path, stat.type);
  }
  async cp(src, dest, options) {
    const entries = this.#below(src);
    invoke(OWN_TREE, "cp", src, dest, options);
    this.#tellOfCopies(entries, src, dest);
  }
  // A directory is told of as copied and removed, a file as removed and made.
  async mv(src, dest, options) {
    const entries = this.#below(src);
    invoke(OWN_TREE, "mv", src, dest, { recursive: true, ...options });
    if (this.#onChange === undefined || at(src) === at(dest)) return;
    const [{ type }] = entries;
    if (type !== "directory") this.#tell("delete", src, type);
    this.#tellOfCopies(entries, src, dest);
    if (type === "directory") this.#tell("delete", src, type);
  }
  async symlink(target, path) {
    if (invoke(OWN_TREE, "lstat", path) !== null && at(path) !== "/") {
      throw error("EEXIST", `path already exists: ${at(path)}`, at(path));
    }
    invoke(OWN_TREE, "symlink", target, path);
    this.#tell("create", path, "symlink");
  }
  async readlink(path) {
    return invoke(OWN_TREE, "readlink", path);
  }
  async diff(pathA, pathB) {
    return invoke(OWN_TREE, "diff", pathA, pathB);
  }
  async diffContent(path, content) {
    return invoke(OWN_TREE, "diffContent", path, content);
  }
  async getWorkspaceInfo() {
    const { files, directories, totalBytes } = invoke(OWN_TREE, "summarizeTree", "/");
    return { fileCount: files, directoryCount: directories, totalBytes, r2FileCount: 0 };
  }

  // Whether there is a file; something else is an error.
  #isFile(path) {
    const stat = invoke(OWN_TREE, "stat", path);
    if (stat?.type === "directory") throw error("EISDIR", `${at(path)} is a directory`, at(path));
    return stat !== null;
  }

  #file(path) {
    if (at(path) === "/") throw error("EISDIR", "cannot write to root directory", "/");
    return path;
  }

  #info(path, how) {
    path = at(path);
    const stat = invoke(OWN_TREE, how, path);
    if (stat === null) return null;
    const { type, size, mtime } = stat;
    const mimeType = type === "file" ? invoke(OWN_TREE, "detectFile", path).mime : "inode/" + type;
    const info = { path, name: path.slice(path.lastIndexOf("/") + 1) || "/", type, mimeType, size };
    Object.assign(info, { createdAt: +mtime, updatedAt: +mtime });
    return type === "symlink" ? { ...info, target: invoke(OWN_TREE, "readlink", path) } : info;
  }

  // Tells of directories that a change made on the way, and of the change.
  #changing(path, entryType, change) {
    if (this.#onChange === undefined) return change();
    const made = [];
    for (let dir = above(at(path)); dir !== "/" && invoke(OWN_TREE, "stat", dir) === null; dir = above(dir)) made.push(dir);
    const type = invoke(OWN_TREE, "stat", path) === null ? "create" : "update";
    change();
    for (const dir of made.reverse()) this.#tell("create", dir, "directory");
    this.#tell(type, path, entryType);
  }

  // What a copy of a path will be made of, itself first, if somebody wants to be told.
  #below(path) {
    const stat = this.#onChange === undefined ? null : invoke(OWN_TREE, "lstat", path);
    if (stat === null) return [];
    return stat.type === "directory" ? invoke(OWN_TREE, "find", path) : [{ path: at(path), type: stat.type }];
  }

  #tellOfCopies(entries, src, dest) {
    const from = at(src), to = at(dest);
    for (const { path, type } of entries) this.#tell("create", to + path.slice(from.length), type);
  }

  #tell(type, path, entryType) {
    if (this.#onChange === undefined) return;
    path = at(path);
    this.#onChange({ type, path, entryType: entryType ?? invoke(OWN_TREE, "lstat", path).type });
  }
}

function at(path) {
  return invoke(OWN_TREE, "resolvePath", "/", path);
}

function above(path) {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

// A `FileSystem` over anything that has the calls of a `Workspace`.
class WorkspaceFileSystem {
  #ws;

  constructor(workspace) {
    this.#ws = workspace;
    if (workspace[TREE] !== undefined) Object.defineProperty(this, TREE, { value: workspace[TREE] });
  }

  async #there(value, path) {
    const found = await value;
    if (found === null) throw missing("stat", path);
    return found;
  }
  async readFile(path) {
    return this.#there(this.#ws.readFile(path), path);
  }
  async readFileBytes(path) {
    return this.#there(this.#ws.readFileBytes(path), path);
  }
  async writeFile(path, content) {
    await this.#ws.writeFile(path, content);
  }
  async writeFileBytes(path, content) {
    await this.#ws.writeFileBytes(path, content);
  }
  async appendFile(path, content) {
    if (typeof content === "string") return this.#ws.appendFile(path, content);
    const before = await this.#ws.readFileBytes(path) ?? new Uint8Array();
    const all = new Uint8Array(before.length + content.length);
    all.set(before);
    all.set(content, before.length);
    await this.#ws.writeFileBytes(path, all);
  }
  async exists(path) {
    try {
      return await this.#ws.stat(path) !== null;
    } catch {
      return false;
    }
  }
  async stat(path) {
    return statOf(await this.#there(this.#ws.stat(path), path));
  }
  async lstat(path) {
    return statOf(await this.#there(this.#ws.lstat(path), path));
  }
  async mkdir(path, options) {
    await this.#ws.mkdir(path, options);
  }
  async readdir(path) {
    return (await this.#ws.readDir(path)).map(({ name }) => name).sort();
  }
  async readdirWithFileTypes(path) {
    const entries = (await this.#ws.readDir(path)).map(({ name, type }) => ({ name, type }));
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  }
  async rm(path, options) {
    await this.#ws.rm(path, options);
  }
  async cp(src, dest, options) {
    await this.#ws.cp(src, dest, options);
  }
  async mv(src, dest) {
    await this.#ws.mv(src, dest);
  }
  async symlink(target, path) {
    await this.#ws.symlink(target, path);
  }
  async readlink(path) {
    return this.#ws.readlink(path);
  }
  async realpath(path) {
    if (this[TREE] !== undefined) return invoke(this[TREE], "realpath", path);
    const { path: found } = await this.#there(this.#ws.stat(path), path);
    return found ?? at(path);
  }
  resolvePath(base, path) {
    return invoke(OWN_TREE, "resolvePath", base, path);
  }
  async glob(pattern) {
    return (await this.#ws.glob(pattern)).map(({ path }) => path);
  }
}

function statOf({ type, size, updatedAt }) {
  return { type, size, mtime: new Date(updatedAt) };
}

return { Workspace, WorkspaceFileSystem };
})();
