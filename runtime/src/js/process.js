// `node:process`.
(function () {
return __bootstrap.core.loadExtScript("ext:cowry/host_process.js").process;
})();
