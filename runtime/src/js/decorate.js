// What TypeScript's older decorators compile to.
(function () {
function decorate(decorators, target, key, descriptor) {
  const count = arguments.length;
  let result = count < 3 ? target : descriptor === null ? Object.getOwnPropertyDescriptor(target, key) : descriptor;
  for (const decorator of [...decorators].reverse()) {
    if (!decorator) continue;
    result = (count < 3 ? decorator(result) : count > 3 ? decorator(target, key, result) : decorator(target, key)) ?? result;
  }
  if (count > 3 && result) Object.defineProperty(target, key, result);
  return result;
}

return { default: decorate };
})();
