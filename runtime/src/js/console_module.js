// `node:console`.
(function () {
return __bootstrap.core.loadExtScript("ext:cowry/console.js").console;
})();
