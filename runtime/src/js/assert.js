// `node:assert`.
(function () {
const { core } = __bootstrap;
const { inspect } = core.loadExtScript("ext:cowry/util.js");
const { invalidType } = core.loadExtScript("ext:cowry/errors.js");
const { isDeepEqual } = core.loadExtScript("ext:cowry/equal.js");

class AssertionError extends Error {
  constructor({ message, actual, expected, operator, stackStartFn }) {
    super(message);
    this.name = "AssertionError";
    this.generatedMessage = false;
    this.code = "ERR_ASSERTION";
    this.actual = actual;
    this.expected = expected;
    this.operator = operator;
    Object.defineProperty(this, "name", { enumerable: false });
    Error.captureStackTrace?.(this, stackStartFn);
  }
}

const TEXTS = {
  equal: "Expected values to be loosely equal:",
  strictEqual: "Expected values to be strictly equal:",
  deepEqual: "Expected values to be loosely deep-equal:",
  deepStrictEqual: "Expected values to be strictly deep-equal:",
  notEqual: 'Expected "actual" to be loosely unequal to:',
  notStrictEqual: 'Expected "actual" to be strictly unequal to:',
  notDeepEqual: 'Expected "actual" not to be loosely deep-equal to:',
  notDeepStrictEqual: 'Expected "actual" not to be strictly deep-equal to:',
};

function fails(given, details) {
  if (given instanceof Error) throw given;
  const error = new AssertionError({ ...details, message: given ?? details.message });
  error.generatedMessage = given === undefined;
  throw error;
}

function compare(operator, test) {
  const negated = operator.startsWith("not");
  return {
    [operator](actual, expected, message) {
      if (test(actual, expected) !== negated) return;
      const shown = negated
        ? `\n\n${inspect(actual)}`
        : `\n\n${inspect(actual)} !== ${inspect(expected)}\n`;
      fails(message, {
        message: TEXTS[operator] + shown,
        actual,
        expected,
        operator,
        stackStartFn: assert[operator],
      });
    },
  }[operator];
}

function assert(...args) {
  check(args, assert);
}

function check(args, from) {
  const [value, message] = args;
  if (value) return;
  const text = args.length === 0
    ? "No value argument passed to `assert.ok()`"
    : "The expression evaluated to a falsy value";
  fails(message, { message: text, actual: value, expected: true, operator: "==", stackStartFn: from });
}

// eslint-disable-next-line eqeqeq
const loosely = (a, b) => a == b || (a !== a && b !== b);
Object.assign(assert, {
  AssertionError,
  ok(...args) {
    check(args, assert.ok);
  },
  equal: compare("equal", loosely),
  notEqual: compare("notEqual", loosely),
  strictEqual: compare("strictEqual", Object.is),
  notStrictEqual: compare("notStrictEqual", Object.is),
  deepEqual: compare("deepEqual", (a, b) => isDeepEqual(a, b, false)),
  notDeepEqual: compare("notDeepEqual", (a, b) => isDeepEqual(a, b, false)),
  deepStrictEqual: compare("deepStrictEqual", (a, b) => isDeepEqual(a, b, true)),
  notDeepStrictEqual: compare("notDeepStrictEqual", (a, b) => isDeepEqual(a, b, true)),

  fail(message) {
    fails(message, { message: "Failed", operator: "fail", stackStartFn: assert.fail });
  },
  ifError(value) {
    if (value == null) return;
    const message = `ifError got unwanted exception: ${value.message ?? inspect(value)}`;
    fails(undefined, { message, actual: value, expected: null, operator: "ifError", stackStartFn: assert.ifError });
  },
  match(text, pattern, message) {
    if (typeof text === "string" && pattern.test(text)) return;
    const says = `The input did not match the regular expression ${inspect(pattern)}. Input:\n\n${inspect(text)}\n`;
    fails(message, { message: says, actual: text, expected: pattern, operator: "match", stackStartFn: assert.match });
  },
  doesNotMatch(text, pattern, message) {
    if (typeof text !== "string" || !pattern.test(text)) return;
    const says =
      `The input was expected to not match the regular expression ${inspect(pattern)}. Input:\n\n${inspect(text)}\n`;
    fails(message, {
      message: says,
      actual: text,
      expected: pattern,
      operator: "doesNotMatch",
      stackStartFn: assert.doesNotMatch,
    });
  },
  throws(fn, expected, message) {
    if (typeof fn !== "function") throw invalidType("fn", "of type function", fn);
    try {
      fn();
    } catch (error) {
      return expects(error, expected, message, assert.throws);
    }
    missing("exception", "throws", expected, message, assert.throws);
  },
  async rejects(promise, expected, message) {
    try {
      await (typeof promise === "function" ? promise() : promise);
    } catch (error) {
      return expects(error, expected, message, assert.rejects);
    }
    missing("rejection", "rejects", expected, message, assert.rejects);
  },
  doesNotThrow(fn, expected, message) {
    try {
      fn();
    } catch (error) {
      unwanted("exception", "doesNotThrow", error, expected, message, assert.doesNotThrow);
    }
  },
  async doesNotReject(promise, expected, message) {
    try {
      await (typeof promise === "function" ? promise() : promise);
    } catch (error) {
      unwanted("rejection", "doesNotReject", error, expected, message, assert.doesNotReject);
    }
  },
});

function missing(what, operator, expected, message, stackStartFn) {
  const given = typeof expected === "string" ? expected : message;
  const name = typeof expected === "function" && expected.name ? ` (${expected.name})` : "";
  const says = `Missing expected ${what}${given === undefined ? `${name}.` : `: ${given}`}`;
  fails(undefined, { message: says, expected, operator, stackStartFn });
}

function unwanted(what, operator, error, expected, message, stackStartFn) {
  const given = typeof expected === "string" ? expected : message;
  const says = `Got unwanted ${what}${given === undefined ? "." : `: ${given}`}\nActual message: "${error?.message}"`;
  fails(undefined, { message: says, actual: error, expected, operator, stackStartFn });
}

// Whether what was thrown is what was expected: a class, a pattern, a test or an object.
function expects(error, expected, message, stackStartFn) {
  if (expected === undefined || typeof expected === "string") return;
  const refuse = (says) =>
    fails(message, { message: says, actual: error, expected, operator: stackStartFn.name, stackStartFn });
  if (typeof expected === "function") {
    if (expected.prototype !== undefined && error instanceof expected) return;
    if (Error.isPrototypeOf(expected) || expected === Error) throw error;
    if (Reflect.apply(expected, {}, [error]) === true) return;
    return refuse("The validation function is expected to return \"true\".");
  }
  if (core.isRegExp(expected)) {
    if (expected.test(String(error))) return;
    return refuse(`The input did not match the regular expression ${inspect(expected)}. Input:\n\n${inspect(String(error))}\n`);
  }
  const keys = Object.keys(expected);
  if (expected instanceof Error) keys.push("name", "message");
  for (const key of keys) {
    const wanted = expected[key], got = error?.[key];
    if (typeof got === "string" && core.isRegExp(wanted) && wanted.test(got)) continue;
    if (!isDeepEqual(got, wanted, true)) {
      return refuse(`Expected values to be strictly deep-equal:\n\n${inspect({ [key]: got })} !== ${inspect({ [key]: wanted })}\n`);
    }
  }
}

assert.strict = Object.assign((...args) => check(args, assert.strict), assert, {
  equal: assert.strictEqual,
  notEqual: assert.notStrictEqual,
  deepEqual: assert.deepStrictEqual,
  notDeepEqual: assert.notDeepStrictEqual,
});
assert.strict.strict = assert.strict;

return assert;
})();
