// Errors as Node makes them.
(function () {
// An error with a `code`, whose stack begins with it as in Node: `TypeError [ERR_X]: message`.
function nodeError(Base, code, message) {
  const error = new Base(message);
  const name = error.name;
  Object.defineProperty(error, "name", { value: `${name} [${code}]`, configurable: true, writable: true });
  // The stack is made when it is first asked for.
  error.stack;
  delete error.name;
  error.code = code;
  return error;
}

function received(value) {
  if (value == null) return ` Received ${value}`;
  if (typeof value === "function") return ` Received function ${value.name}`;
  if (typeof value === "object") {
    const name = value.constructor?.name;
    return name ? ` Received an instance of ${name}` : " Received an object without a prototype";
  }
  const text = typeof value === "string" ? `'${value.length > 28 ? value.slice(0, 25) + "..." : value}'` : String(value);
  return ` Received type ${typeof value} (${text})`;
}

function invalidType(name, expected, value) {
  const what = name.includes(".") ? "property" : "argument";
  return nodeError(TypeError, "ERR_INVALID_ARG_TYPE", `The "${name}" ${what} must be ${expected}.${received(value)}`);
}

function invalidValue(name, value, reason = "is invalid") {
  const escaped = String(value).replace(/[\0-\x1f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
  const shown = typeof value === "string" ? `'${escaped}'` : String(value);
  const what = name.includes(".") ? "property" : "argument";
  return nodeError(TypeError, "ERR_INVALID_ARG_VALUE", `The ${what} '${name}' ${reason}. Received ${shown}`);
}

function outOfRange(name, range, value) {
  return nodeError(
    RangeError,
    "ERR_OUT_OF_RANGE",
    `The value of "${name}" is out of range. It must be ${range}. Received ${String(value)}`,
  );
}

return { invalidType, invalidValue, nodeError, outOfRange };
})();
