// `node:module`.
(function () {
return __bootstrap.core.loadExtScript("ext:cowry/commonjs.js").Module;
})();
