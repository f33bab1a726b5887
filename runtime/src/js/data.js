// The data verbs as globals. Programs may have names like theirs: declaring one takes its place.
(function () {
const { core } = __bootstrap;
const verbs = {};
for (const name of ["csv", "ndjson", "json"]) {
  const value = core.loadExtScript(`ext:cowry/data/${name}.js`);
  verbs[name] = value;
  Object.defineProperty(globalThis, name, { value, enumerable: false, writable: true, configurable: true });
}

// What a module with `type: "csv"` is: its rows, or the name and the message of what is wrong as a text.
function rowsOf(asked) {
  const { module, path, options } = JSON.parse(asked);
  try {
    return verbs[module].read(path, options);
  } catch (error) {
    return `${error?.name}\n${error?.message}`;
  }
}

return { rowsOf };
})();
