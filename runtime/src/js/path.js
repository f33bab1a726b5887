// `node:path`: POSIX, as everything here is.
(function () {
const path = __bootstrap.core.loadExtScript("ext:cowry/vendor.js").load("path-browserify");
path.posix = path;
path.toNamespacedPath = (value) => value;
return path;
})();
