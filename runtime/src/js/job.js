// A job's life: how its program is begun, what becomes of its value, and how failures are told.
(function () {
const { core } = __bootstrap;
const { op_cowry_result, op_cowry_threw } = core.ops;
const { inspect } = core.loadExtScript("ext:cowry/console.js");

const FRAME = /^\s*at (?:(?:async )?(.*?) \()?(.*?):(\d+):(\d+)\)?$/;

function framesOf(stack) {
  const frames = [];
  for (const line of stack.split("\n")) {
    const match = FRAME.exec(line);
    if (match === null) continue;
    frames.push({ function: match[1] ?? null, file: match[2], line: +match[3], column: +match[4] });
  }
  return frames;
}

// Reports what nothing caught. Getters of the thrown value are the program's, and may throw themselves.
function threw(error) {
  let name = "", message = "", text, frames = [];
  try {
    const isError = core.isNativeError(error) || error instanceof Error;
    text = isError ? inspect(error, { colors: false }) : `Uncaught ${inspect(error, { colors: false })}`;
    message = text;
    if (isError) {
      name = String(error.name);
      message = String(error.message);
      frames = framesOf(String(error.stack));
    }
  } catch {
    text ??= "Uncaught exception";
  }
  op_cowry_threw(name, message, text, frames);
}

function resultOf(value, render) {
  if (value === undefined) return null;
  const rendered = render ? inspect(value, { colors: false }) : null;
  if (typeof value === "string") return { text: value, json: JSON.stringify(value), rendered };
  return { text: null, json: JSON.stringify(value) ?? null, rendered };
}

async function start(job) {
  try {
    const value = (0, eval)(job.code);
    op_cowry_result(resultOf(await value, job.render));
  } catch (error) {
    threw(error);
  }
}

core.setReportExceptionCallback(threw);
core.setUnhandledPromiseRejectionHandler((_promise, reason) => {
  threw(reason);
  return true;
});

return {
  start,
  beforeExit() {},
  exit() {
    return 0;
  },
};
})();
