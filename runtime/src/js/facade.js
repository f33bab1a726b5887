// What the ES module that stands for a CommonJS one imports.
(function () {
const { core } = __bootstrap;
const { load } = core.loadExtScript("ext:cowry/commonjs.js");
return { load };
})();
