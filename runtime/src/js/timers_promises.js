// `node:timers/promises`.
(function () {
return __bootstrap.core.loadExtScript("ext:cowry/timers.js").promises;
})();
