// `state`: the table of operations as functions that take one object or their arguments in order.
(function () {
const { core } = __bootstrap;
const {
  op_state_append, op_state_append_bytes, op_state_call, op_state_read, op_state_read_bytes, op_state_table,
  op_state_write, op_state_write_bytes,
} = core.ops;

const OWN_TREE = 0;
const METHODS = JSON.parse(op_state_table());
METHODS.forEach((method, number) => method.number = number);

// An operation on many files that stopped in the middle.
class StateBatchOperationError extends Error {
  // What `op_state_call` tells is put on later, and only what is not there yet.
  constructor(message, told) {
    super(message);
    Object.assign(this, told);
  }
}
Object.defineProperty(StateBatchOperationError.prototype, "name", {
  value: "StateBatchOperationError", writable: true, configurable: true,
});
core.registerErrorBuilder("StateBatchOperationError", (message) => new StateBatchOperationError(message));

function wrong({ name, form }, param, what) {
  return new TypeError(`state.${name}: parameter "${param}" must be ${what} \u2014 expected ${form}`);
}

function text(method, at, value) {
  if (typeof value !== "string") throw wrong(method, method.params[at].name, "a string");
  return value;
}

// What a file can hold of a text: halves of characters are replaced.
function whole(content) {
  return content.toWellFormed();
}

function bytes(method, content, what) {
  if (content instanceof Uint8Array) return content;
  if (ArrayBuffer.isView(content)) return new Uint8Array(content.buffer, content.byteOffset, content.byteLength);
  if (content instanceof ArrayBuffer) return new Uint8Array(content);
  throw wrong(method, "content", what);
}

function spacesOf(options) {
  return options?.spaces ?? 2;
}

// `undefined` where a value cannot be said in JSON.
function jsonOf(value, spaces) {
  try {
    return JSON.stringify(value, null, spaces);
  } catch {
    return undefined;
  }
}

function millisOf(method, name, time) {
  if (time == null) return undefined;
  const millis = new Date(time).getTime();
  if (Number.isNaN(millis)) throw wrong(method, name, "a Date or the text of one");
  return millis;
}

function called(tree, method, values) {
  try {
    return op_state_call(tree, method.number, values);
  } catch (error) {
    // Operations tell texts and numbers.
    if (error instanceof StateBatchOperationError) error.rolledBack = error.rolledBack === 1;
    throw error;
  }
}

// An operation that is all native.
function native(tree, method, values) {
  const answer = called(tree, method, JSON.stringify(values));
  if (answer == null) return undefined;
  return method.text ? answer : JSON.parse(answer);
}

function withDate(stat) {
  if (stat) stat.mtime = new Date(stat.mtime);
  return stat;
}

// Operations that need no JSON, or more than JSON.
const SCRIPT = {
  readFile: (tree, method, values) => op_state_read(tree, text(method, 0, values[0])),
  readFileBytes: (tree, method, values) => op_state_read_bytes(tree, text(method, 0, values[0])),
  writeFile(tree, method, values) {
    op_state_write(tree, text(method, 0, values[0]), whole(text(method, 1, values[1])));
  },
  writeFileBytes(tree, method, values) {
    op_state_write_bytes(tree, text(method, 0, values[0]), bytes(method, values[1], "a Uint8Array"));
  },
  appendFile(tree, method, [path, content]) {
    text(method, 0, path);
    if (typeof content === "string") op_state_append(tree, path, whole(content));
    else op_state_append_bytes(tree, path, bytes(method, content, "a string or a Uint8Array"));
  },
  readJson(tree, method, [path]) {
    const json = op_state_read(tree, text(method, 0, path));
    try {
      return JSON.parse(json.startsWith("\ufeff") ? json.slice(1) : json);
    } catch (error) {
      throw Object.assign(new Error(`Invalid JSON in ${path}: ${error.message}`), { path });
    }
  },
  writeJson(tree, method, [path, value, options]) {
    text(method, 0, path);
    const json = jsonOf(value, spacesOf(options));
    if (json === undefined) throw new TypeError(`Unable to serialize JSON for ${path}`);
    op_state_write(tree, path, json + "\n");
  },
  stat: (tree, method, values) => withDate(native(tree, method, values)),
  lstat: (tree, method, values) => withDate(native(tree, method, values)),
  find(tree, method, [path, options]) {
    const { mtimeAfter, mtimeBefore } = options ?? {};
    const given = options == null ? undefined : {
      ...options,
      mtimeAfter: millisOf(method, "options.mtimeAfter", mtimeAfter),
      mtimeBefore: millisOf(method, "options.mtimeBefore", mtimeBefore),
    };
    const found = native(tree, method, [path, given]);
    for (const one of found) withDate(one);
    return found;
  },
};

function isPlain(value) {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function misused({ name, form }) {
  return new TypeError(`state.${name} takes a single object argument: ${form}`);
}

function named(method, object) {
  const values = [];
  let taken = 0;
  for (const { name } of method.params) {
    if (Object.hasOwn(object, name)) taken++;
    values.push(Object.hasOwn(object, name) ? object[name] : undefined);
  }
  return taken === Object.keys(object).length ? values : null;
}

// Arguments in order, from one object with the names of parameters or as they came.
function ordered(method, given) {
  const { params } = method;
  let values = given;
  if (given.length === 1 && isPlain(given[0])) {
    values = named(method, given[0]) ?? given;
    // No operation that begins with a text takes an object with other keys.
    if (values === given && params[0]?.text) throw misused(method);
  }
  if (values.length > params.length) throw misused(method);
  for (let i = 0; i < params.length; i++) {
    if (values[i] === undefined && !params[i].optional) {
      throw new TypeError(
        `state.${method.name}: missing required parameter "${params[i].name}" \u2014 expected ${method.form}`,
      );
    }
  }
  checkOptions(method, values);
  return values;
}

// A mistyped option would be as good as none, and the answer a wrong one.
function checkOptions({ name, params }, values) {
  const at = params.findIndex((param) => param.options);
  const options = values[at];
  if (typeof options !== "object" || options === null) return;
  const known = params[at].options;
  const unknown = Object.keys(options).find((key) => options[key] !== undefined && !known.includes(key));
  if (unknown === undefined) return;
  throw new TypeError(`state.${name}: there is no option "${unknown}": ${known.join(", ")}`);
}

function unsupported(_, { name }) {
  throw new Error(`state.${name} is not supported by this backend`);
}

const BY_NAME = new Map(METHODS.map((method) => [method.name, method]));

// One operation at once, its arguments in order.
function invoke(tree, name, ...values) {
  const method = BY_NAME.get(name);
  const run = SCRIPT[name] ?? (method.native ? native : unsupported);
  return run(tree, method, values);
}

// The operations over one tree, as functions of an object. `before` is waited for, if there is one.
function over(tree, state = {}, before = null) {
  for (const method of METHODS) {
    const run = SCRIPT[method.name] ?? (method.native ? native : unsupported);
    const call = { async [method.name](...given) {
      if (before !== null) await before();
      return run(tree, method, ordered(method, given));
    } }[method.name];
    Object.defineProperty(state, method.name, { value: call, enumerable: true, writable: true, configurable: true });
  }
  return state;
}

return { METHODS, OWN_TREE, StateBatchOperationError, invoke, over, state: over(OWN_TREE) };
})();
