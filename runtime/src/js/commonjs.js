// CommonJS: `require`, its cache, and the `module` built-in.
(function () {
const { core } = __bootstrap;
const { op_cowry_require_open, op_cowry_require_resolve, op_import_sync } = core.ops;
const { invalidType, nodeError } = core.loadExtScript("ext:cowry/errors.js");

const PARAMETERS = ["exports", "require", "module", "__filename", "__dirname"];
const cache = Object.create(null);
const builtins = new Map();
let main;

function dirname(path) {
  const at = path.lastIndexOf("/");
  return at <= 0 ? "/" : path.slice(0, at);
}

class Module {
  constructor(id = "", parent) {
    this.id = id;
    this.path = dirname(id);
    this.exports = {};
    this.filename = null;
    this.loaded = false;
    this.children = [];
    this.paths = nodeModulePaths(this.path);
    Object.defineProperty(this, "parent", { value: parent, writable: true, configurable: true });
    parent?.children.push(this);
  }

  require(specifier) {
    return requireFrom(this, specifier);
  }

  _compile(code, filename) {
    const compiled = compile(code, `file://${filename}`);
    return compiled.call(this.exports, this.exports, makeRequire(this), this, filename, dirname(filename));
  }
}

function nodeModulePaths(from) {
  const paths = [];
  for (let dir = from;; dir = dirname(dir)) {
    if (!dir.endsWith("/node_modules")) paths.push(dir === "/" ? "/node_modules" : `${dir}/node_modules`);
    if (dir === "/") return paths;
  }
}

function compile(code, url) {
  const [compiled, error] = core.compileFunction(code, url, null, PARAMETERS);
  if (error !== null) throw error.thrown;
  return compiled;
}

function checkSpecifier(specifier) {
  if (typeof specifier !== "string") throw invalidType("id", "of type string", specifier);
  if (specifier === "") {
    throw nodeError(TypeError, "ERR_INVALID_ARG_VALUE", "The argument 'id' must be a non-empty string. Received ''");
  }
}

function requireFrom(parent, specifier) {
  checkSpecifier(specifier);
  const builtin = builtins.get(specifier);
  if (builtin !== undefined) return builtin();
  const path = resolveFrom(parent.filename ?? parent.id, specifier);
  return builtins.has(path) ? builtins.get(path)() : load(path, parent);
}

function resolveFrom(from, specifier) {
  try {
    return op_cowry_require_resolve(specifier, from, false);
  } catch (error) {
    if (error.code === "MODULE_NOT_FOUND") error.requireStack = [from];
    throw error;
  }
}

// Loads a file once; a module that is still being loaded is answered as far as it got.
function load(path, parent) {
  const known = cache[path];
  if (known !== undefined) {
    if (parent && !parent.children.includes(known)) parent.children.push(known);
    return known.exports;
  }
  const opened = op_cowry_require_open(path);
  if (opened.kind === "module") return importNow(opened.url);
  const module = new Module(path, parent);
  run(module, opened);
  return module.exports;
}

// Runs what was opened as `module`; answers with what a top-level `return` gave.
function run(module, opened) {
  module.filename = opened.path;
  cache[opened.path] = module;
  let done = false;
  try {
    let returned;
    if (opened.kind === "json") {
      module.exports = parseJson(opened);
    } else {
      const body = compile(opened.code, opened.url);
      const require = makeRequire(module);
      returned = body.call(module.exports, module.exports, require, module, opened.path, dirname(opened.path));
    }
    done = true;
    module.loaded = true;
    return returned;
  } finally {
    if (!done) delete cache[opened.path];
  }
}

function parseJson({ code, path }) {
  try {
    return JSON.parse(code.charCodeAt(0) === 0xfeff ? code.slice(1) : code);
  } catch (error) {
    error.message = `${path}: ${error.message}`;
    throw error;
  }
}

// An ES module required: evaluated at once, which it must not need to wait for.
function importNow(url) {
  const namespace = op_import_sync(url);
  return "module.exports" in namespace ? namespace["module.exports"] : namespace;
}

function makeRequire(module) {
  function require(specifier) {
    return requireFrom(module, specifier);
  }
  require.resolve = function resolve(specifier) {
    checkSpecifier(specifier);
    return builtins.has(specifier) ? specifier : resolveFrom(module.filename ?? module.id, specifier);
  };
  require.resolve.paths = () => nodeModulePaths(module.path);
  require.main = main;
  require.cache = cache;
  require.extensions = Object.create(null);
  return require;
}

function createRequire(filename) {
  const path = filename instanceof URL || String(filename).startsWith("file:")
    ? decodeURIComponent(new URL(filename).pathname)
    : filename;
  if (typeof path !== "string" || !path.startsWith("/")) {
    throw nodeError(
      TypeError,
      "ERR_INVALID_ARG_VALUE",
      "The argument 'filename' must be a file URL object, file URL string, or absolute path string. " +
        `Received ${String(filename)}`,
    );
  }
  const module = new Module(path);
  module.filename = path;
  return makeRequire(module);
}

// Runs a program that is CommonJS; answers with its module and with what it returned.
function runMain(opened) {
  main = new Module(opened.path);
  main.id = ".";
  const initial = main.exports;
  return { module: main, initial, returned: run(main, opened) };
}

Object.assign(Module, {
  Module,
  builtinModules: [],
  createRequire,
  isBuiltin: (name) => builtins.has(name),
  _cache: cache,
  _nodeModulePaths: nodeModulePaths,
  _resolveFilename: (specifier, parent) => resolveFrom(parent?.filename ?? "/", specifier),
  _load: (specifier, parent) => requireFrom(parent ?? new Module("/"), specifier),
  wrap: (code) => `(function (${PARAMETERS.join(", ")}) { ${code}\n});`,
});

return {
  Module,
  createRequire,
  load: (path) => load(path, undefined),
  forget() {
    for (const path of Object.keys(cache)) delete cache[path];
    main = undefined;
  },
  runMain,
  // Registers a built-in under its name with and without `node:`.
  register(name, exports) {
    builtins.set(name, exports);
    if (name.startsWith("node:")) {
      builtins.set(name.slice(5), exports);
      Module.builtinModules.push(name.slice(5));
    }
  },
};
})();
