// The packages below vendor/: CommonJS, each file loaded once, cycles allowed.
(function () {
const { core } = __bootstrap;

const cache = { __proto__: null };

// What the packages ask for by name.
const PACKAGES = {
  __proto__: null,
  "base64-js": "base64-js/index.js",
  "buffer": "buffer/index.js",
  "events": "events/events.js",
  "ieee754": "ieee754/index.js",
  "path-browserify": "path-browserify/index.js",
  "querystring-es3": "querystring-es3/index.js",
  "readable-stream": "readable-stream/lib/ours/browser.js",
  "stream/promises": "readable-stream/lib/stream/promises.js",
  "string_decoder/": "string_decoder/lib/string_decoder.js",
};

const STANDINS = {
  __proto__: null,
  "abort-controller": () => ({ AbortController: globalThis.AbortController, AbortSignal: globalThis.AbortSignal }),
  "safe-buffer": () => core.loadExtScript("ext:cowry/buffer.js"),
  "process/": () => ({ nextTick: core.loadExtScript("ext:cowry/ticks.js").nextTick, env: {}, platform: "linux" }),
};

function resolve(from, specifier) {
  if (!specifier.startsWith(".")) return PACKAGES[specifier];
  const parts = from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  const path = parts.join("/");
  return path.endsWith(".js") ? path : `${path}.js`;
}

function load(path) {
  if (path in cache) return cache[path].exports;
  const module = { exports: {} };
  cache[path] = module;
  const require = (specifier) => {
    if (specifier in STANDINS) return STANDINS[specifier]();
    const found = resolve(path, specifier);
    if (found === undefined) throw new Error(`vendored ${path} asks for ${specifier}`);
    // Packages share the buffer that programs see.
    if (found === PACKAGES.buffer && !path.startsWith("buffer/")) {
      return core.loadExtScript("ext:cowry/buffer.js");
    }
    return load(found);
  };
  const body = core.loadExtScript(`ext:cowry/vendor/${path}`);
  body.call(module.exports, module.exports, require, module);
  return module.exports;
}

return { load: (name) => load(PACKAGES[name]) };
})();
