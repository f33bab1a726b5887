// `node:stream/promises`.
(function () {
return __bootstrap.core.loadExtScript("ext:cowry/stream.js").promises;
})();
