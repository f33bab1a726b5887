// `node:readline/promises`.
(function () {
return __bootstrap.core.loadExtScript("ext:cowry/readline.js").promises;
})();
