// `process.nextTick` and `setImmediate` on the event loop's own queues.
(function () {
const { core } = __bootstrap;
const { nodeError } = core.loadExtScript("ext:cowry/errors.js");

function needFunction(callback) {
  if (typeof callback !== "function") {
    throw nodeError(TypeError, "ERR_INVALID_ARG_TYPE", 'The "callback" argument must be of type function.');
  }
}

function nextTick(callback, ...args) {
  needFunction(callback);
  core.queueNextTick({ callback, args: args.length === 0 ? undefined : args, snapshot: core.getAsyncContext() });
}

class Immediate {
  constructor(callback, args) {
    Object.defineProperties(this, {
      _idleNext: { value: null, writable: true },
      _idlePrev: { value: null, writable: true },
      _onImmediate: { value: callback, writable: true },
      _argv: { value: args, writable: true },
      _destroyed: { value: false, writable: true },
      [core.kRefed]: { value: false, writable: true },
    });
    this.ref();
    core.queueImmediate(this);
  }

  ref() {
    if (this[core.kRefed] === false) {
      this[core.kRefed] = true;
      core.immediateRefCount(true);
    }
    return this;
  }

  unref() {
    if (this[core.kRefed] === true) {
      this[core.kRefed] = false;
      core.immediateRefCount(false);
    }
    return this;
  }

  hasRef() {
    return this[core.kRefed] === true;
  }

  [Symbol.dispose]() {
    core.clearImmediate(this);
  }
}

function setImmediate(callback, ...args) {
  needFunction(callback);
  return new Immediate(callback, args.length === 0 ? undefined : args);
}

function clearImmediate(immediate) {
  core.clearImmediate(immediate);
}

return { nextTick, setImmediate, clearImmediate, Immediate };
})();
