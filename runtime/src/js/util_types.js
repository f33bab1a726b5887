// `node:util/types`.
(function () {
return __bootstrap.core.loadExtScript("ext:cowry/util.js").types;
})();
