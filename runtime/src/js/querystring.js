// `node:querystring`.
(function () {
const querystring = __bootstrap.core.loadExtScript("ext:cowry/vendor.js").load("querystring-es3");
return { ...querystring, escape: encodeURIComponent, unescape: decodeURIComponent };
})();
