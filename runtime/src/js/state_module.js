// `cowry:state`.
(function () {
const { core } = __bootstrap;
const { StateBatchOperationError, state } = core.loadExtScript("ext:cowry/state.js");
return { StateBatchOperationError, state };
})();
