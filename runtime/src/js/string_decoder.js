// `node:string_decoder`.
(function () {
return __bootstrap.core.loadExtScript("ext:cowry/vendor.js").load("string_decoder/");
})();
