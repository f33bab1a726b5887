// `node:assert/strict`.
(function () {
return __bootstrap.core.loadExtScript("ext:cowry/assert.js").strict;
})();
