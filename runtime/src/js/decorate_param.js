// What TypeScript's older decorators of parameters compile to.
(function () {
return { default: (index, decorator) => (target, key) => decorator(target, key, index) };
})();
