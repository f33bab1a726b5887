// Timers: the event loop's, with Node's objects, which also pass for the web's numbers.
(function () {
const { core } = __bootstrap;
const { invalidType } = core.loadExtScript("ext:cowry/errors.js");
const { setImmediate, clearImmediate } = core.loadExtScript("ext:cowry/ticks.js");

const active = new Map();

class Timeout {
  #timer;
  #refed = true;

  constructor(callback, delay, args, repeats) {
    const context = core.getAsyncContext();
    const fire = () => {
      // The loop looks for timers right after it ran a module, which may have taken until this one was due. What it
      // left to ticks, promises and rejections comes before any timer all the same, as in Node.
      core.runNextTicks();
      // Whoever was interrupted while it made a timer has one that nobody can end.
      if (this.#timer === undefined || active.get(this.#timer._timerId) !== this) return;
      const before = core.getAsyncContext();
      core.setAsyncContext(context);
      try {
        callback.apply(this, args);
      } finally {
        core.setAsyncContext(before);
        if (this.#timer._destroyed || !repeats) active.delete(this.#timer._timerId);
      }
    };
    // Nothing waits for it before it is known to `endAll`: an interrupt may come between any two of these.
    this.#timer = core.createTimer(fire, +delay, undefined, repeats, false);
    active.set(this.#timer._timerId, this);
    core.refTimer(this.#timer);
  }

  ref() {
    this.#refed = true;
    core.refTimer(this.#timer);
    return this;
  }

  unref() {
    this.#refed = false;
    core.unrefTimer(this.#timer);
    return this;
  }

  hasRef() {
    return this.#refed;
  }

  refresh() {
    if (!this.#timer._destroyed) core.refreshTimer(this.#timer);
    return this;
  }

  close() {
    core.cancelTimer(this.#timer);
    active.delete(this.#timer._timerId);
    return this;
  }

  [Symbol.toPrimitive]() {
    return this.#timer._timerId;
  }

  [Symbol.dispose]() {
    this.close();
  }
}

function needFunction(callback) {
  if (typeof callback !== "function") throw invalidType("callback", "of type function", callback);
}

function setTimeout(callback, delay = 0, ...args) {
  needFunction(callback);
  return new Timeout(callback, delay, args, false);
}

function setInterval(callback, delay = 0, ...args) {
  needFunction(callback);
  return new Timeout(callback, delay, args, true);
}

function clearTimeout(timeout) {
  if (timeout instanceof Timeout) timeout.close();
  else if (timeout != null) active.get(+timeout)?.close();
}

const clearInterval = { clearInterval: (timeout) => clearTimeout(timeout) }.clearInterval;

// Ends every timer: the job they are of was cut off.
function endAll() {
  for (const timeout of [...active.values()]) timeout.close();
}

// Waits that a signal can end.
function wait(begin, end, value, options) {
  const signal = options?.signal;
  if (signal?.aborted) return Promise.reject(aborted(signal));
  return new Promise((resolve, reject) => {
    const handle = begin(() => {
      signal?.removeEventListener("abort", stop);
      resolve(value);
    });
    if (options?.ref === false) handle.unref();
    function stop() {
      end(handle);
      reject(aborted(signal));
    }
    signal?.addEventListener("abort", stop, { once: true });
  });
}

function aborted(signal) {
  const error = new Error("The operation was aborted", { cause: signal.reason });
  error.name = "AbortError";
  error.code = "ABORT_ERR";
  return error;
}

const promises = {
  setTimeout: (delay, value, options) => wait((done) => setTimeout(done, delay), clearTimeout, value, options),
  setImmediate: (value, options) => wait(setImmediate, clearImmediate, value, options),
  async *setInterval(delay, value, options) {
    for (;;) yield await promises.setTimeout(delay, value, options);
  },
  scheduler: {
    wait: (delay, options) => promises.setTimeout(delay, undefined, options),
    yield: () => promises.setImmediate(),
  },
};

const custom = Symbol.for("nodejs.util.promisify.custom");
for (const [fn, value] of [[setTimeout, promises.setTimeout], [setImmediate, promises.setImmediate]]) {
  Object.defineProperty(fn, custom, { value, enumerable: false });
}

return { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate, promises, endAll };
})();
