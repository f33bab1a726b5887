// `state`: the table of operations as functions that take one object or their arguments in order.
(function () {
const { core } = __bootstrap;
const {
  op_state_append, op_state_append_bytes, op_state_call, op_state_read, op_state_read_bytes, op_state_table,
  op_state_write, op_state_write_bytes,
} = core.ops;

const METHODS = JSON.parse(op_state_table());

class StateBatchOperationError extends Error {
  get name() {
    return "StateBatchOperationError";
  }
}
core.registerErrorBuilder("StateBatchOperationError", (message) => new StateBatchOperationError(message));

function wrong({ name, form }, param, what) {
  return new TypeError(`state.${name}: parameter "${param}" must be ${what} — expected ${form}`);
}

function text(method, at, value) {
  if (typeof value !== "string") throw wrong(method, method.params[at].name, "a string");
  return value;
}

// Operations that need no JSON, or more than JSON.
const SCRIPT = {
  readFile: (tree, method, [path]) => op_state_read(tree, text(method, 0, path)),
  readFileBytes: (tree, method, [path]) => op_state_read_bytes(tree, text(method, 0, path)),
  writeFile: (tree, method, [path, content]) => void op_state_write(tree, text(method, 0, path), text(method, 1, content)),
  writeFileBytes: (tree, method, [path, content]) => void op_state_write_bytes(tree, text(method, 0, path), bytes(method, content)),
  appendFile(tree, method, [path, content]) {
    text(method, 0, path);
    if (typeof content === "string") op_state_append(tree, path, content);
    else op_state_append_bytes(tree, path, bytes(method, content));
  },
};

function bytes(method, content) {
  if (content instanceof Uint8Array) return content;
  if (ArrayBuffer.isView(content)) return new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
  if (content instanceof ArrayBuffer) return new Uint8Array(content);
  throw wrong(method, "content", "a Uint8Array");
}

function isPlain(value) {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

// Arguments in order, from one object with the names of parameters or as they came.
function ordered(method, given) {
  const { params } = method;
  let values = given;
  if (given.length === 1 && isPlain(given[0])) {
    const keys = Object.keys(given[0]);
    if (keys.every((key) => params.some((param) => param.name === key))) {
      values = params.map((param) => given[0][param.name]);
    }
  }
  if (values.length > params.length) throw new TypeError(`state.${method.name} takes a single object argument: ${method.form}`);
  for (let i = 0; i < params.length; i++) {
    if (values[i] === undefined && !params[i].optional) {
      throw new TypeError(`state.${method.name}: missing required parameter "${params[i].name}" — expected ${method.form}`);
    }
  }
  return values;
}

function native(tree, method, values) {
  const answer = op_state_call(tree, method.number, JSON.stringify(values));
  if (answer == null) return undefined;
  return method.text ? answer : JSON.parse(answer);
}

function unsupported(_, { name }) {
  throw new Error(`state.${name} is not supported by this backend`);
}

// The operations over one tree.
function over(tree) {
  const state = {};
  METHODS.forEach((method, number) => {
    method.number = number;
    const run = SCRIPT[method.name] ?? (method.native ? native : unsupported);
    const call = { async [method.name](...given) {
      return run(tree, method, ordered(method, given));
    } }[method.name];
    Object.defineProperty(state, method.name, { value: call, enumerable: true, writable: true, configurable: true });
  });
  return state;
}

return { StateBatchOperationError, over, state: over(0) };
})();
