// What TypeScript's decorator metadata compiles to: nothing, unless somebody brought `Reflect.metadata`.
(function () {
return { default: (key, value) => Reflect.metadata?.(key, value) };
})();
