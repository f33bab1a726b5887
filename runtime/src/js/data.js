// The data verbs as globals. Programs may have names like theirs: declaring one takes its place.
(function () {
const { core } = __bootstrap;
for (const name of ["csv", "ndjson", "json"]) {
  const value = core.loadExtScript(`ext:cowry/data/${name}.js`);
  Object.defineProperty(globalThis, name, { value, enumerable: false, writable: true, configurable: true });
}
return {};
})();
